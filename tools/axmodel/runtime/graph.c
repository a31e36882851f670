/* SPDX-License-Identifier: MIT */
/* The execution graph: adding and removing events, sources, modification order, clocks.
 *
 * Coherence needs no search: a new event has nothing after it in happens-before, so a read may have
 * any source that is not older (in modification order) than the newest write its thread already knows,
 * by having happened before or by having been read before; and a write goes anywhere after that one. */
#include "axm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static AXM_STATE struct axm_graph *spare; /* freed graphs, kept for the next revisit */

struct axm_graph *axm_graph_new(void)
{
    struct axm_graph *g = spare;
    if (g != NULL) {
        spare = g->below;
    } else {
        /* Reserved, not touched: a graph costs the pages its events fill. */
        size_t events = sizeof(struct axm_event) * AXM_EVENTS, locs = sizeof(struct axm_loc) * AXM_LOCS;
        unsigned char *m = mmap(NULL, events + locs + sizeof *g, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (m == MAP_FAILED)
            axm_fatal("out of memory for an execution graph");
        g = (struct axm_graph *)(void *)(m + events + locs);
        g->ev = (struct axm_event *)(void *)m;
        g->locs = (struct axm_loc *)(void *)(m + events);
    }
    axm_graph_clear(g);
    return g;
}

void axm_graph_free(struct axm_graph *g)
{
    g->below = spare;
    spare = g;
}

/* `to` has nothing below it. */
void axm_graph_copy(struct axm_graph *to, const struct axm_graph *from)
{
    struct axm_event *ev = to->ev;
    struct axm_loc *locs = to->locs;
    memcpy(ev, from->ev, from->n * sizeof *ev);
    memcpy(locs, from->locs, from->nlocs * sizeof *locs);
    *to = *from;
    to->ev = ev;
    to->locs = locs;
    to->below = NULL;
}

void axm_graph_clear(struct axm_graph *g)
{
    g->n = g->nlocs = g->base = g->linked = g->pending = g->sc = g->fences = 0;
    g->below = NULL;
    g->revisited = false;
    memset(g->first, 0xff, sizeof g->first);
    memset(g->last, 0xff, sizeof g->last);
    memset(g->count, 0, sizeof g->count);
}

uint16_t axm_loc_new(struct axm_graph *g, uintptr_t addr, uint8_t size, uint64_t init)
{
    if (g->nlocs == AXM_LOCS)
        axm_violation(AXM_LIMIT, 0, "more than %d atomic locations in one execution", AXM_LOCS);
    struct axm_loc *l = &g->locs[g->nlocs];
    l->addr = addr;
    l->size = size;
    l->init = init;
    l->first = l->last = l->taken = l->accesses = l->holder = AXM_NONE;
    memset(l->latest, 0xff, sizeof l->latest);
    return g->nlocs++;
}

uint16_t axm_add(struct axm_graph *g, uint8_t tid, uint8_t kind, uint16_t loc)
{
    uint16_t i = g->n++;
    struct axm_event *e = &g->ev[i];
    e->tid = tid;
    e->kind = kind;
    e->loc = loc;
    e->flags = e->note = 0;
    e->rf = e->rmw = e->taken = e->early = e->mo_prev = e->mo_next = e->po_next = AXM_NONE;
    e->po_prev = g->last[tid];
    if (e->po_prev == AXM_NONE)
        g->first[tid] = i;
    else
        g->ev[e->po_prev].po_next = i;
    g->last[tid] = i;
    e->idx = g->count[tid]++;
    e->loc_prev = AXM_NONE;
    if (loc != AXM_NONE) {
        e->loc_prev = g->locs[loc].accesses;
        g->locs[loc].accesses = i;
    }
    e->revisit = i;
    return i;
}

/* Directed runs: program order of the events added since it was last asked for. */
void axm_link(struct axm_graph *g)
{
    for (; g->linked < g->n; g->linked++) {
        uint16_t i = g->linked;
        struct axm_event *e = &g->ev[i];
        e->po_prev = g->last[e->tid];
        e->po_next = AXM_NONE;
        *(e->po_prev == AXM_NONE ? &g->first[e->tid] : &g->ev[e->po_prev].po_next) = i;
        g->last[e->tid] = i;
        g->count[e->tid]++;
    }
}

void axm_drop_last(struct axm_graph *g)
{
    uint16_t i = --g->n;
    struct axm_event *e = &g->ev[i];
    if (e->kind == AXM_READ)
        axm_unread(g, i);
    else if (e->kind == AXM_WRITE)
        axm_unplace(g, i);
    if (e->kind != AXM_READ && e->kind != AXM_CHOICE && e->ord == AXM_SC)
        g->sc--;
    if (e->kind == AXM_FENCE)
        g->fences--;
    g->last[e->tid] = e->po_prev;
    if (e->po_prev == AXM_NONE)
        g->first[e->tid] = AXM_NONE;
    else
        g->ev[e->po_prev].po_next = AXM_NONE;
    g->count[e->tid]--;
    if (e->rmw != AXM_NONE && e->kind == AXM_WRITE) {
        g->ev[e->rmw].rmw = AXM_NONE;
        g->pending++;
    }
    if (e->loc != AXM_NONE) {
        g->locs[e->loc].accesses = e->loc_prev;
        if (e->flags & AXM_NEW_LOC)
            g->nlocs--;
    }
}

/* The rank of the newest write to loc that thread tid with clock vc knows of, leaving out event self. An access of
 * its own since when it has learned nothing of others ends the search: what it knew then it had to respect there. */
uint32_t axm_known(const struct axm_graph *g, uint16_t loc, uint8_t tid, const struct axm_clock *vc, uint16_t learned,
                   uint16_t self)
{
    const struct axm_event *ev = g->ev;
    uint32_t bound = 0, newest = axm_rank(g, axm_newest(&g->locs[loc]));
    for (uint16_t i = g->locs[loc].accesses; i != AXM_NONE; i = ev[i].loc_prev) {
        const struct axm_event *e = &ev[i];
        if (vc->v[e->tid] < e->tick || i == self || (e->flags & AXM_DEAD))
            continue;
        uint32_t rank = e->kind == AXM_WRITE ? e->rank : axm_rank(g, e->rf);
        if (rank > bound)
            bound = rank;
        if (rank == newest || (e->tid == tid && e->tick >= learned))
            break;
    }
    return bound;
}

/* Gives read e the source w: value, what the operation then does, its order and its clocks. */
void axm_read_from(struct axm_graph *g, uint16_t i, uint16_t w)
{
    struct axm_event *e = &g->ev[i];
    if (e->rf != AXM_NONE)
        axm_unread(g, i);
    axm_take(g, e, w);
    if (e->result == AXM_WRITES)
        g->pending++;
    e->vc = e->pre;
    e->learned = e->learned_pre;
    e->porf = e->porf_pre;
    if (w != AXM_INIT) {
        if (axm_acquires(e->ord)) {
            axm_join(&e->vc, &g->ev[w].rel);
            e->learned = e->tick;
        }
        axm_join(&e->porf, &g->ev[w].porf);
    }
    e->flags &= (uint8_t)~AXM_STALE;
    if (w != axm_newest(&g->locs[e->loc]))
        e->flags |= AXM_STALE;
}

void axm_unread(struct axm_graph *g, uint16_t i)
{
    struct axm_event *e = &g->ev[i];
    if (e->rf == AXM_NONE)
        return;
    if (e->ord == AXM_SC)
        g->sc--;
    if (e->result == AXM_WRITES)
        g->pending--;
    e->rf = AXM_NONE;
}

/* What readers of w acquire: its own release, or that of the thread's last release fence, and what the
 * release sequence it continues carries. */
void axm_release_clock(struct axm_graph *g, uint16_t i)
{
    struct axm_event *w = &g->ev[i];
    w->rel = w->pre;
    if (w->rmw != AXM_NONE) {
        uint16_t source = g->ev[w->rmw].rf;
        if (source != AXM_INIT)
            axm_join(&w->rel, &g->ev[source].rel);
    }
    if (axm.opt.c11_sequences)
        for (uint16_t p = w->po_prev; p != AXM_NONE; p = g->ev[p].po_prev)
            if (g->ev[p].kind == AXM_WRITE && g->ev[p].loc == w->loc)
                axm_join(&w->rel, &g->ev[p].pre);
}

/* Adds the write half of read r, directly after r's source; marked dead if another has taken the place. */
uint16_t axm_write_half(struct axm_graph *g, uint16_t r)
{
    uint16_t i = axm_add(g, g->ev[r].tid, AXM_WRITE, g->ev[r].loc);
    struct axm_event *w = &g->ev[i], *e = &g->ev[r];
    w->op = e->op;
    w->size = e->size;
    w->arg = e->arg;
    w->pc = e->pc;
    w->note = e->note;
    w->flags = e->flags & AXM_INTERNAL;
    w->ord = w->ord_ok = e->ord_ok;
    w->result = AXM_WRITES;
    w->value = axm_apply(e->op, e->size, e->value, e->arg);
    w->rmw = r;
    e->rmw = i;
    g->pending--;
    w->tick = (uint16_t)(e->tick + 1);
    w->learned = e->learned;
    w->vc = e->vc;
    w->vc.v[w->tid] = w->tick;
    w->porf = e->porf;
    w->porf.v[w->tid] = (uint16_t)(w->idx + 1);
    w->pre = axm_releases(w->ord) ? w->vc : e->rel;
    axm_release_clock(g, i);
    if (w->ord == AXM_SC)
        g->sc++;
    if (axm_taken(g, e->loc, e->rf) != AXM_NONE) {
        w->flags |= AXM_DEAD;
    } else {
        axm_place(g, i, e->rf);
        if (e->rf == AXM_INIT)
            g->locs[e->loc].taken = r;
        else
            g->ev[e->rf].taken = r;
    }
    return i;
}

/* Puts write w into modification order directly after another write (or the initial value). */
void axm_place(struct axm_graph *g, uint16_t w, uint16_t after)
{
    struct axm_event *e = &g->ev[w];
    struct axm_loc *l = &g->locs[e->loc];
    uint16_t next = axm_after(g, e->loc, after);
    e->mo_prev = after;
    e->mo_next = next;
    e->rank = axm_rank(g, after) + 1;
    if (after == AXM_INIT)
        l->first = w;
    else
        g->ev[after].mo_next = w;
    if (next == AXM_NONE) {
        l->last = w;
        return;
    }
    g->ev[next].mo_prev = w;
    for (uint32_t rank = e->rank; next != AXM_NONE && g->ev[next].rank <= rank; next = g->ev[next].mo_next)
        g->ev[next].rank = ++rank;
}

void axm_unplace(struct axm_graph *g, uint16_t w)
{
    struct axm_event *e = &g->ev[w];
    if (e->mo_prev == AXM_NONE) /* dead, or never placed */
        return;
    struct axm_loc *l = &g->locs[e->loc];
    if (e->mo_prev == AXM_INIT)
        l->first = e->mo_next;
    else
        g->ev[e->mo_prev].mo_next = e->mo_next;
    if (e->mo_next == AXM_NONE)
        l->last = e->mo_prev == AXM_INIT ? AXM_NONE : e->mo_prev;
    else
        g->ev[e->mo_next].mo_prev = e->mo_prev;
    if (e->rmw != AXM_NONE) {
        uint16_t source = g->ev[e->rmw].rf;
        if (source == AXM_INIT)
            l->taken = AXM_NONE;
        else
            g->ev[source].taken = AXM_NONE;
    }
    e->mo_prev = AXM_NONE;
}

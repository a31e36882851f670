/* SPDX-License-Identifier: MIT */
/* Exhaustive exploration: each consistent execution graph once, memory linear in its size.
 *
 * The algorithm is that of Kokologiannakis, Marmanis, Gladstein and Vafeiadis (Truly Stateless, Optimal
 * Dynamic Partial Order Reduction, POPL 2022). A run extends the graph by one event at a time, always in
 * the way that is newest: reads from the last write, writes at the end of modification order (sched.c).
 * Here the graph is walked back, and the last event given its next alternative:
 *
 *   read    an older source;
 *   write   an earlier place in modification order; after the last place, each earlier read r of the
 *           location that is not in the write's porf prefix may read from it instead (a revisit). That
 *           removes all events that were added after r and are not in the prefix, and is done only if
 *           each of them, and r, had been added in the newest way: so of the many graphs from which the
 *           same result could be made exactly one makes it.
 *
 * A revisit goes on in a graph of its own on top of a stack; below `base` it is settled. The two halves
 * of a read-modify-write are added together. If its source is already taken by another one the graph is
 * inconsistent, is not run, and serves only to revisit that other one. */
#include "axm.h"

#include <string.h>

static AXM_STATE uint16_t renamed[AXM_EVENTS];
static AXM_STATE uint16_t loc_renamed[8192];
static AXM_STATE bool kept[AXM_EVENTS];

void axm_explore_begin(void)
{
    while (axm.g != NULL) {
        struct axm_graph *below = axm.g->below;
        axm_graph_free(axm.g);
        axm.g = below;
    }
    axm.g = axm_graph_new();
}

static bool in_prefix(const struct axm_graph *g, uint16_t i, uint16_t a)
{
    return g->ev[a].porf.v[g->ev[i].tid] > g->ev[i].idx;
}

/* Whether event e was added in the newest way, looking only at what was there before it and at the
 * prefix of the revisiting write a. */
static bool newest_way(const struct axm_graph *g, uint16_t e, uint16_t a)
{
    const struct axm_event *v = &g->ev[e];
    uint16_t from = e;
    switch ((enum axm_kind)v->kind) {
    case AXM_CHOICE: return v->value == 0;
    case AXM_FENCE: return true;
    case AXM_READ:
        from = v->rf;
        if (v->flags & AXM_SPURIOUS)
            return false;
        if (from != AXM_INIT && from > e && !in_prefix(g, from, a))
            return false;
        break;
    case AXM_WRITE:
        if (v->early != AXM_NONE)
            return false;
        break;
    }
    for (uint16_t w = axm_after(g, v->loc, from); w != AXM_NONE; w = g->ev[w].mo_next)
        if (w != a && (w < e || in_prefix(g, w, a)))
            return false;
    return true;
}

/* Adds the missing write halves; false when one of them is dead and the graph cannot be run. */
static bool settle(struct axm_graph *g)
{
    for (uint16_t i = 0; g->pending != 0 && i < g->n; i++) {
        const struct axm_event *e = &g->ev[i];
        if (e->kind != AXM_READ || e->result != AXM_WRITES || e->rmw != AXM_NONE)
            continue;
        uint16_t w = axm_write_half(g, i);
        if (g->ev[w].flags & AXM_DEAD)
            return false;
        if (g->ev[w].mo_next != AXM_NONE && !axm_sc_consistent(g))
            return false;
    }
    return true;
}

/* Places write w at its next earlier position that is consistent. */
static bool next_place(struct axm_graph *g, uint16_t w, uint16_t after, uint32_t bound, uint16_t reader)
{
    struct axm_event *e = &g->ev[w];
    while (after != AXM_INIT && axm_rank(g, after) > bound) {
        after = g->ev[after].mo_prev;
        if (axm_taken(g, e->loc, after) != AXM_NONE)
            continue;
        axm_unplace(g, w);
        axm_place(g, w, after);
        if (reader != AXM_NONE) {
            axm_read_from(g, reader, w);
            if (axm_bound(g, e->loc, &g->ev[reader].pre, reader) > e->rank)
                return false;
        }
        if (axm_sc_consistent(g))
            return true;
    }
    return false;
}

/* Gives read e, the last event, its next alternative: a weak compare-exchange that would succeed fails
 * spuriously, then come the older sources. */
static bool next_source(struct axm_graph *g, uint16_t i)
{
    struct axm_event *e = &g->ev[i];
    uint32_t bound = axm_bound(g, e->loc, &e->pre, i);
    uint16_t w = e->rf;
    for (;;) {
        if (e->result == AXM_WRITES && (e->flags & AXM_WEAK)) {
            e->flags |= AXM_SPURIOUS;
        } else {
            if (w == AXM_INIT || axm_rank(g, w) <= bound)
                return false;
            w = g->ev[w].mo_prev;
            e->flags &= (uint8_t)~AXM_SPURIOUS;
        }
        axm_read_from(g, i, w);
        if (e->result == AXM_WAITS)
            continue; /* nobody could wake it: only waiting on the newest value leads on */
        uint16_t other = axm_taken(g, e->loc, w);
        if (e->result == AXM_WRITES && other != AXM_NONE &&
            e->porf_pre.v[g->ev[other].tid] > g->ev[other].idx)
            continue; /* the other one cannot be revisited: it is in our prefix */
        if (axm_sc_consistent(g))
            return true;
    }
}

/* Copies what a revisit of r by a keeps, r reading from a, into a new graph on top of the stack; false
 * when that graph is not consistent. */
static bool revisit(struct axm_graph *g, uint16_t a, uint16_t r)
{
    memset(kept, 1, r + 1u);
    for (uint16_t i = (uint16_t)(r + 1); i < a; i++)
        kept[i] = in_prefix(g, i, a);
    kept[a] = true;
    struct axm_graph *h = axm_graph_new();
    for (uint16_t i = 0; i < g->nlocs; i++)
        loc_renamed[i] = AXM_NONE;
    for (uint16_t i = 0; i <= a; i++) {
        if (!kept[i])
            continue;
        const struct axm_event *from = &g->ev[i];
        uint16_t loc = from->loc;
        uint8_t fresh = 0;
        if (loc != AXM_NONE) {
            if (loc_renamed[loc] == AXM_NONE) {
                const struct axm_loc *l = &g->locs[loc];
                loc_renamed[loc] = axm_loc_new(h, l->addr, l->size, l->init);
                fresh = AXM_NEW_LOC;
            }
            loc = loc_renamed[loc];
        }
        uint16_t to = renamed[i] = axm_add(h, from->tid, from->kind, loc);
        struct axm_event *e = &h->ev[to];
        struct axm_event links = *e;
        *e = *from;
        e->loc = loc;
        e->po_prev = links.po_prev;
        e->po_next = AXM_NONE;
        e->loc_prev = links.loc_prev;
        e->idx = links.idx;
        e->flags = (uint8_t)((from->flags & ~(AXM_NEW_LOC | AXM_DEAD)) | fresh);
        e->rf = e->rmw = e->taken = e->early = e->mo_prev = e->mo_next = AXM_NONE;
    }
    h->ev[renamed[r]].flags &= (uint8_t)~AXM_SPURIOUS;
    /* Sources, halves and modification order under the new names. */
    uint16_t na = renamed[a], nr = renamed[r];
    for (uint16_t i = 0; i <= a; i++) {
        if (!kept[i])
            continue;
        const struct axm_event *from = &g->ev[i];
        struct axm_event *e = &h->ev[renamed[i]];
        if (from->kind == AXM_READ && i != r) {
            e->rf = from->rf == AXM_INIT ? AXM_INIT : renamed[from->rf];
            if (from->rf != AXM_INIT && from->rf > i)
                h->ev[e->rf].early = renamed[i];
            if (from->rmw != AXM_NONE && kept[from->rmw])
                e->rmw = renamed[from->rmw];
            else if (from->result == AXM_WRITES)
                h->pending++;
        } else if (from->kind == AXM_WRITE && from->rmw != AXM_NONE) {
            e->rmw = renamed[from->rmw];
        }
        if (from->kind != AXM_CHOICE && i != r && e->ord == AXM_SC)
            h->sc++;
    }
    for (uint16_t l = 0; l < g->nlocs; l++) {
        if (loc_renamed[l] == AXM_NONE)
            continue;
        for (uint16_t w = g->locs[l].first; w != AXM_NONE; w = g->ev[w].mo_next)
            if (w != a && kept[w])
                axm_place(h, renamed[w], axm_newest(&h->locs[loc_renamed[l]]));
    }
    for (uint16_t i = 0; i < h->n; i++) {
        struct axm_event *e = &h->ev[i];
        if (e->kind != AXM_READ || e->rmw == AXM_NONE || e->rmw == na)
            continue;
        if (e->rf == AXM_INIT)
            h->locs[e->loc].taken = i;
        else
            h->ev[e->rf].taken = i;
    }
    h->ev[na].early = nr;
    h->base = na;
    h->below = g;
    axm.g = h;
    axm.stats.revisits++;

    struct axm_event *w = &h->ev[na];
    bool good;
    uint16_t after = axm_newest(&h->locs[w->loc]);
    if (w->rmw != AXM_NONE) {
        struct axm_event *own = &h->ev[w->rmw];
        good = axm_taken(h, w->loc, own->rf) == AXM_NONE;
        if (good) {
            axm_place(h, na, own->rf);
            if (own->rf == AXM_INIT)
                h->locs[w->loc].taken = w->rmw;
            else
                h->ev[own->rf].taken = w->rmw;
            axm_read_from(h, nr, na);
            good = axm_bound(h, w->loc, &h->ev[nr].pre, nr) <= w->rank && axm_sc_consistent(h);
        }
    } else {
        axm_place(h, na, after);
        axm_read_from(h, nr, na);
        uint32_t bound = axm_bound(h, w->loc, &w->vc, na);
        good = axm_bound(h, w->loc, &h->ev[nr].pre, nr) <= w->rank &&
               (axm_sc_consistent(h) || next_place(h, na, after, bound, nr));
    }
    return good;
}

/* The next read, going back from write a, that a may revisit, or AXM_NONE. Once an event would be removed
 * that was not added in the newest way, no read before it qualifies. */
static uint16_t next_target(struct axm_graph *g, uint16_t a)
{
    struct axm_event *e = &g->ev[a];
    while (e->revisit != 0) {
        uint16_t i = --e->revisit;
        if (in_prefix(g, i, a))
            continue;
        if (!newest_way(g, i, a))
            e->revisit = 0;
        else if (g->ev[i].loc == e->loc && g->ev[i].kind == AXM_READ)
            return i;
    }
    return AXM_NONE;
}

static void pop_graph(void)
{
    struct axm_graph *g = axm.g;
    axm.g = g->below;
    axm_graph_free(g);
}

/* The next graph to run; false when there is none left. */
bool axm_next_graph(void)
{
    while (axm.g != NULL) {
        struct axm_graph *g = axm.g;
        if (g->n == g->base) {
            pop_graph();
            continue;
        }
        uint16_t i = (uint16_t)(g->n - 1);
        struct axm_event *e = &g->ev[i];
        bool revisiting = g->base != 0 && i == g->base, found;
        uint16_t reader = AXM_NONE; /* of the write that made this graph's revisit */
        switch ((enum axm_kind)e->kind) {
        case AXM_READ:
            if (next_source(g, i)) {
                if (settle(g))
                    return true;
                continue;
            }
            break;
        case AXM_CHOICE:
            if (e->value + 1 < e->alternatives) {
                e->value++;
                return true;
            }
            break;
        case AXM_FENCE: break;
        case AXM_WRITE:
            if (revisiting) {
                for (uint16_t k = g->locs[e->loc].accesses; k != AXM_NONE; k = g->ev[k].loc_prev)
                    if (g->ev[k].kind == AXM_READ && g->ev[k].rf == i)
                        reader = k;
                struct axm_event *r = &g->ev[reader];
                if (r->result == AXM_WRITES && (r->flags & AXM_WEAK)) {
                    r->flags |= AXM_SPURIOUS;
                    axm_read_from(g, reader, i);
                    if (axm_sc_consistent(g)) {
                        if (settle(g))
                            return true;
                        continue;
                    }
                }
                r->flags &= (uint8_t)~AXM_SPURIOUS;
            }
            if (e->rmw == AXM_NONE && e->mo_prev != AXM_NONE) {
                if (next_place(g, i, e->mo_prev, axm_bound(g, e->loc, &e->vc, i), reader)) {
                    if (settle(g))
                        return true;
                    continue;
                }
                axm_unplace(g, i); /* all places done: from here on it only revisits */
            }
            if (revisiting)
                break;
            found = false;
            for (uint16_t r; !found && (r = next_target(g, i)) != AXM_NONE;) {
                found = revisit(g, i, r);
                if (!found)
                    pop_graph();
            }
            if (found) {
                if (settle(axm.g))
                    return true;
                continue;
            }
            break;
        }
        if (revisiting) {
            pop_graph();
            continue;
        }
        axm_drop_last(g);
    }
    return false;
}

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
static AXM_STATE uint16_t loc_renamed[AXM_LOCS];

void axm_explore_end(void)
{
    while (axm.g != NULL) {
        struct axm_graph *below = axm.g->below;
        axm_graph_free(axm.g);
        axm.g = below;
    }
}

void axm_explore_begin(void)
{
    axm_explore_end();
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

/* The read half of a read-modify-write whose write half is missing. */
static bool is_half(const struct axm_event *e)
{
    return e->kind == AXM_READ && e->result == AXM_WRITES && e->rmw == AXM_NONE;
}

/* Adds the missing write halves; false when one of them is dead and the graph cannot be run. */
static bool settle(struct axm_graph *g)
{
    uint16_t i = g->pending == 1 && is_half(&g->ev[g->n - 1]) ? (uint16_t)(g->n - 1) : 0;
    for (; g->pending != 0 && i < g->n; i++) {
        if (!is_half(&g->ev[i]))
            continue;
        uint16_t w = axm_write_half(g, i);
        if (g->ev[w].flags & AXM_DEAD)
            return false;
        if (g->ev[w].mo_next != AXM_NONE && !axm_sc_consistent(g, w, i))
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
            if (axm_bound(g, reader) > e->rank)
                return false;
        }
        if (axm_sc_consistent(g, w, reader))
            return true;
    }
    return false;
}

/* Whether read e may yet end in the other way with the source it has: a weak compare-exchange that would
 * succeed fails, a wait with a deadline times out. */
static bool may_fail(const struct axm_event *e)
{
    return (e->flags & AXM_WEAK) && e->result == (axm_may_wait(e->op) ? AXM_WAITS : AXM_WRITES);
}

/* Gives read e, the last event, its next alternative: first it fails spuriously, if it may, then come the
 * older sources. */
static bool next_source(struct axm_graph *g, uint16_t i)
{
    struct axm_event *e = &g->ev[i];
    uint32_t bound = axm_bound(g, i);
    uint16_t w = e->rf;
    for (;;) {
        if (may_fail(e)) {
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
        if (axm_sc_consistent(g, i, AXM_NONE))
            return true;
    }
}

/* The new name of what an event points to; AXM_NONE when it is not kept. */
static uint16_t new_name(uint16_t i) { return i >= AXM_INIT ? i : renamed[i]; }

/* Copies event i, under the names of the new graph h. What the target r of the revisit points to is
 * left open. */
static void copy_event(const struct axm_graph *g, struct axm_graph *h, uint16_t i, uint16_t r)
{
    const struct axm_event *from = &g->ev[i];
    uint16_t to = h->n++;
    struct axm_event *e = &h->ev[to];
    *e = *from;
    if (from->po_prev == AXM_NONE)
        h->first[e->tid] = to;
    h->last[e->tid] = to;
    h->count[e->tid]++;
    e->po_prev = new_name(from->po_prev); /* program order is kept up to some event of each thread */
    e->po_next = new_name(from->po_next);
    e->flags = (uint8_t)(from->flags & ~(AXM_NEW_LOC | AXM_DEAD));
    if (from->loc != AXM_NONE) {
        uint16_t loc = loc_renamed[from->loc];
        if (loc == AXM_NONE) {
            const struct axm_loc *l = &g->locs[from->loc];
            loc = loc_renamed[from->loc] = axm_loc_new(h, l->addr, l->size, l->init);
            e->flags |= AXM_NEW_LOC;
        }
        e->loc = loc;
        e->loc_prev = h->locs[loc].accesses;
        h->locs[loc].accesses = to;
    }
    e->mo_prev = e->mo_next = e->taken = AXM_NONE;
    e->revisit = to;
    if (i == r) {
        e->rf = e->rmw = AXM_NONE;
        e->flags &= (uint8_t)~AXM_SPURIOUS;
        return;
    }
    if (from->kind != AXM_CHOICE && e->ord == AXM_SC)
        h->sc++;
    if (from->kind == AXM_FENCE)
        h->fences++;
    if (from->kind == AXM_READ) {
        e->rf = new_name(from->rf);
        e->rmw = new_name(from->rmw);
        if (from->result == AXM_WRITES && e->rmw == AXM_NONE)
            h->pending++;
    } else if (from->kind == AXM_WRITE) {
        e->rmw = new_name(from->rmw);
        e->early = from->early == r ? AXM_NONE : new_name(from->early);
    }
}

/* The same modification order, but for what is not kept, and without a. */
static void copy_order(const struct axm_graph *g, struct axm_graph *h, uint16_t from_loc, uint16_t a)
{
    struct axm_loc *l = &h->locs[loc_renamed[from_loc]];
    uint16_t last = AXM_INIT;
    uint32_t rank = 0;
    for (uint16_t w = g->locs[from_loc].first; w != AXM_NONE; w = g->ev[w].mo_next) {
        uint16_t to = renamed[w];
        if (w == a || to == AXM_NONE)
            continue;
        struct axm_event *e = &h->ev[to];
        e->mo_prev = last;
        e->rank = ++rank;
        if (last == AXM_INIT)
            l->first = to;
        else
            h->ev[last].mo_next = to;
        if (e->rmw != AXM_NONE) { /* directly after its source */
            if (last == AXM_INIT)
                l->taken = e->rmw;
            else
                h->ev[last].taken = e->rmw;
        }
        l->last = last = to;
    }
}

/* Whether another read-modify-write than that of write a has the place after a's source, and a revisit of r by a leaves
 * it there. */
static bool stays_taken(const struct axm_graph *g, uint16_t a, uint16_t r)
{
    const struct axm_event *e = &g->ev[a];
    if (e->rmw == AXM_NONE)
        return false;
    uint16_t other = axm_taken(g, e->loc, g->ev[e->rmw].rf);
    if (other == AXM_NONE || other == e->rmw || other == r)
        return false;
    uint16_t half = g->ev[other].rmw;
    return half < r || in_prefix(g, half, a);
}

/* Copies what a revisit of r by a keeps, r reading from a, into a new graph on top of the stack; false
 * when that graph is not consistent. */
static bool revisit(struct axm_graph *g, uint16_t a, uint16_t r)
{
    uint16_t n = 0;
    for (uint16_t i = 0; i <= r; i++)
        renamed[i] = n++;
    for (uint16_t i = (uint16_t)(r + 1); i < a; i++)
        renamed[i] = in_prefix(g, i, a) ? n++ : AXM_NONE;
    renamed[a] = n;
    for (uint16_t i = 0; i < g->nlocs; i++)
        loc_renamed[i] = AXM_NONE;
    struct axm_graph *h = axm_graph_new();
    for (uint16_t i = 0; i <= a; i++)
        if (renamed[i] != AXM_NONE)
            copy_event(g, h, i, r);
    for (uint16_t l = 0; l < g->nlocs; l++)
        if (loc_renamed[l] != AXM_NONE)
            copy_order(g, h, l, a);
    uint16_t na = renamed[a], nr = renamed[r];
    h->ev[na].early = nr;
    h->base = na;
    h->revisited = true;
    h->below = g;
    axm.g = h;

    struct axm_event *w = &h->ev[na];
    bool good;
    uint16_t after = axm_newest(&h->locs[w->loc]);
    if (w->rmw != AXM_NONE) {
        struct axm_event *own = &h->ev[w->rmw];
        axm_place(h, na, own->rf);
        if (own->rf == AXM_INIT)
            h->locs[w->loc].taken = w->rmw;
        else
            h->ev[own->rf].taken = w->rmw;
        axm_read_from(h, nr, na);
        good = axm_bound(h, nr) <= w->rank && axm_sc_consistent(h, nr, na);
    } else {
        axm_place(h, na, after);
        axm_read_from(h, nr, na);
        uint32_t bound = axm_bound(h, na);
        good = axm_bound(h, nr) <= w->rank &&
               (axm_sc_consistent(h, nr, na) || next_place(h, na, after, bound, nr));
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

static bool next_graph(void)
{
    while (axm.g != NULL) {
        struct axm_graph *g = axm.g;
        if (g->n == g->base) {
            pop_graph();
            continue;
        }
        uint16_t i = (uint16_t)(g->n - 1);
        struct axm_event *e = &g->ev[i];
        bool revisiting = g->revisited && i == g->base, found;
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
                if (may_fail(r)) {
                    r->flags |= AXM_SPURIOUS;
                    axm_read_from(g, reader, i);
                    if (axm_sc_consistent(g, reader, i)) {
                        if (settle(g))
                            return true;
                        continue;
                    }
                }
                r->flags &= (uint8_t)~AXM_SPURIOUS;
            }
            if (e->rmw == AXM_NONE && e->mo_prev != AXM_NONE) {
                if (next_place(g, i, e->mo_prev, axm_bound(g, i), reader)) {
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
                if (stays_taken(g, i, r))
                    continue;
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

/* The next graph to run; false when there is none left.
 *
 * A bound on preemptions cuts off what needs too many by more than a slack: on the way to an execution the
 * search passes by graphs that hold events, added in the newest way, which are removed again, and those let each
 * thread but one be interrupted once more. Events added to a graph never make it need fewer. */
bool axm_next_graph(void)
{
    while (next_graph()) {
        if (axm.opt.preemptions == AXM_ANY_NUMBER)
            return true;
        unsigned threads = 0;
        for (unsigned t = 0; t < axm.tids; t++)
            threads += axm.g->count[t] != 0;
        if (!axm_more_preemptions(axm.g, axm.opt.preemptions + threads - 1))
            return true;
        axm.stats.beyond++;
    }
    return false;
}

/* ---- for the estimate ---- */

/* Goes through the graphs that the last run leaves to be run next, each of which is had by going back from that run: what
 * they weigh together, by the number of their events; axm.g is as before. */
double axm_weigh_alternatives(double (*weight)(uint16_t events))
{
    struct axm_graph *g = axm.g, *copy = axm_graph_new();
    axm_graph_copy(copy, g);
    axm.g = copy;
    double sum = 0;
    while (axm_next_graph())
        sum += weight(axm.g->n);
    axm.g = g;
    return sum;
}

/* The one of them at which their weights add up to more than `at`, or the last one, in place of axm.g. What it has so
 * far is settled, so that what comes next are its own alternatives. */
void axm_take_alternative(double (*weight)(uint16_t events), double at)
{
    struct axm_graph *chosen = NULL;
    while (at >= 0 && axm_next_graph()) {
        if (chosen == NULL)
            chosen = axm_graph_new();
        axm_graph_copy(chosen, axm.g);
        at -= weight(axm.g->n);
    }
    axm_explore_end();
    chosen->base = chosen->n;
    chosen->revisited = false;
    axm.g = chosen;
}

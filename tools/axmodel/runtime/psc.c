/* SPDX-License-Identifier: MIT */
/* The seq_cst axiom of RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer, PLDI 2017): psc is acyclic.
 *
 *     scb      = po | po-other-location ; hb ; po-other-location | hb-same-location | mo | fr
 *     psc_base = ([E.sc] | [F.sc] ; hb?) ; scb ; ([E.sc] | hb? ; [F.sc])
 *     psc_F    = [F.sc] ; (hb | hb ; eco ; hb) ; [F.sc]
 *     psc      = psc_base | psc_F
 *
 * Only an event that reads something old or is inserted into modification order gets edges out of it
 * when it is added, so nobody needs to ask after the other additions. */
#include "axm.h"

#include <string.h>

enum { SC_EVENTS = 256, WORDS = SC_EVENTS / 64 };

struct mask {
    uint64_t w[WORDS];
};

static AXM_STATE struct mask edge[SC_EVENTS], ends[AXM_EVENTS], fences[AXM_EVENTS];
static AXM_STATE uint16_t sc_list[SC_EVENTS];
static AXM_STATE struct mask scb[AXM_EVENTS];
static AXM_STATE bool scb_known[AXM_EVENTS];
static AXM_STATE bool target[AXM_EVENTS];
static AXM_STATE unsigned words; /* of a mask, as many as this graph needs */

static void mask_add(struct mask *into, const struct mask *m)
{
    for (unsigned i = 0; i < words; i++)
        into->w[i] |= m->w[i];
}

static void mask_set(struct mask *m, unsigned bit) { m->w[bit / 64] |= UINT64_C(1) << (bit % 64); }

/* The events that follow write w in modification order become targets; with readers when asked. */
static void later_writes(const struct axm_graph *g, uint16_t loc, uint16_t w, bool readers)
{
    uint32_t rank = axm_rank(g, w);
    for (uint16_t i = g->locs[loc].accesses; i != AXM_NONE; i = g->ev[i].loc_prev) {
        const struct axm_event *e = &g->ev[i];
        if (e->flags & AXM_DEAD)
            continue;
        if (e->kind == AXM_WRITE ? e->rank > rank : readers && axm_rank(g, e->rf) > rank)
            target[i] = true;
    }
}

/* scb from event s. */
static void mark_scb(const struct axm_graph *g, uint16_t s)
{
    const struct axm_event *e = &g->ev[s];
    for (uint16_t i = e->po_next; i != AXM_NONE; i = g->ev[i].po_next)
        target[i] = true;
    if (e->loc != AXM_NONE) {
        for (uint16_t i = g->locs[e->loc].accesses; i != AXM_NONE; i = g->ev[i].loc_prev)
            if (i != s && axm_hb(e, &g->ev[i]))
                target[i] = true;
        later_writes(g, e->loc, e->kind == AXM_WRITE ? s : e->rf, false);
    }
    /* The first later event b of another location; what b happens before; what follows that on yet
     * another location. Later b give nothing more. */
    uint16_t b = e->po_next;
    while (b != AXM_NONE && g->ev[b].loc == e->loc)
        b = g->ev[b].po_next;
    if (b == AXM_NONE)
        return;
    for (unsigned t = 0; t < AXM_THREADS; t++) {
        uint16_t c = g->first[t];
        while (c != AXM_NONE && (c == b || !axm_hb(&g->ev[b], &g->ev[c])))
            c = g->ev[c].po_next;
        bool mixed = false;
        for (uint16_t d = c == AXM_NONE ? AXM_NONE : g->ev[c].po_next; d != AXM_NONE; d = g->ev[d].po_next) {
            mixed = mixed || g->ev[d].loc != g->ev[c].loc;
            if (mixed)
                target[d] = true;
        }
    }
}

/* The seq_cst events that scb from event s, and what may follow it there, leads to. */
static const struct mask *scb_of(const struct axm_graph *g, uint16_t s)
{
    if (scb_known[s])
        return &scb[s];
    scb_known[s] = true;
    memset(target, 0, g->n);
    memset(&scb[s], 0, sizeof scb[s]);
    mark_scb(g, s);
    for (uint16_t i = 0; i < g->n; i++)
        if (target[i])
            mask_add(&scb[s], &ends[i]);
    return &scb[s];
}

static void edges_of(const struct axm_graph *g, unsigned a)
{
    uint16_t s = sc_list[a];
    const struct axm_event *e = &g->ev[s];
    mask_add(&edge[a], scb_of(g, s));
    if (e->kind == AXM_FENCE)
        for (uint16_t i = 0; i < g->n; i++)
            if (i != s && axm_hb(e, &g->ev[i]))
                mask_add(&edge[a], scb_of(g, i));
    if (e->kind != AXM_FENCE)
        return;
    memset(target, 0, g->n);
    mask_add(&edge[a], &fences[s]);
    for (uint16_t i = 0; i < g->n; i++) {
        const struct axm_event *x = &g->ev[i];
        if (i == s || x->loc == AXM_NONE || !axm_hb(e, x))
            continue;
        later_writes(g, x->loc, x->kind == AXM_WRITE ? i : x->rf, true);
        if (x->kind == AXM_WRITE)
            for (uint16_t r = g->locs[x->loc].accesses; r != AXM_NONE; r = g->ev[r].loc_prev)
                if (g->ev[r].kind == AXM_READ && g->ev[r].rf == i)
                    target[r] = true;
    }
    for (uint16_t i = 0; i < g->n; i++)
        if (target[i])
            mask_add(&edge[a], &fences[i]);
}

/* Whether the threads, taking turns, could have run these events with every read seeing the newest write: then
 * program order, reads-from, modification order and from-read together are acyclic, and psc is made of these. */
static bool is_interleaving(const struct axm_graph *g)
{
    static AXM_STATE uint16_t readers[AXM_EVENTS], first_readers[AXM_LOCS];
    static AXM_STATE bool done[AXM_EVENTS];
    uint16_t next[AXM_THREADS];
    memset(readers, 0, g->n * sizeof readers[0]);
    memset(first_readers, 0, g->nlocs * sizeof first_readers[0]);
    memset(done, 0, g->n);
    for (uint16_t i = 0; i < g->n; i++) {
        const struct axm_event *e = &g->ev[i];
        if (e->kind == AXM_READ && e->rf != AXM_NONE)
            (*(e->rf == AXM_INIT ? &first_readers[e->loc] : &readers[e->rf]))++;
    }
    memcpy(next, g->first, sizeof next);
    unsigned left = g->n;
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned t = 0; t < axm.tids; t++)
            for (uint16_t i = next[t]; i != AXM_NONE; i = next[t] = g->ev[i].po_next) {
                const struct axm_event *e = &g->ev[i];
                if (e->kind == AXM_READ && e->rf != AXM_NONE) {
                    if (e->rf != AXM_INIT && !done[e->rf])
                        break;
                    (*(e->rf == AXM_INIT ? &first_readers[e->loc] : &readers[e->rf]))--;
                } else if (e->kind == AXM_WRITE && e->mo_prev != AXM_NONE) {
                    if (e->mo_prev == AXM_INIT ? first_readers[e->loc] != 0 : !done[e->mo_prev] || readers[e->mo_prev] != 0)
                        break;
                }
                done[i] = true;
                left--;
                moved = true;
            }
    }
    return left == 0;
}

/* Whether graph g is consistent, which it was but for what these events read or where they are placed; neither has
 * anything after it in happens-before. Without seq_cst fences only edges from and to seq_cst events count, so that
 * others cannot change it. */
bool axm_sc_consistent(const struct axm_graph *g, uint16_t changed, uint16_t other)
{
    if (g->sc < 2)
        return true;
    if (g->fences == 0 && g->ev[changed].ord != AXM_SC && (other == AXM_NONE || g->ev[other].ord != AXM_SC))
        return true;
    if (is_interleaving(g))
        return true;
    unsigned count = 0;
    bool one_location = true;
    for (uint16_t i = 0; i < g->n; i++) {
        const struct axm_event *e = &g->ev[i];
        if (e->kind == AXM_CHOICE || e->ord != AXM_SC)
            continue;
        one_location = one_location && e->loc != AXM_NONE && (count == 0 || e->loc == g->ev[sc_list[0]].loc);
        if (count == SC_EVENTS)
            axm_violation(AXM_LIMIT, 0, "more than %d seq_cst events in one execution", SC_EVENTS);
        sc_list[count] = i;
        count++;
    }
    if (one_location)
        return true; /* then psc is part of what coherence orders */
    words = (count + 63) / 64;
    memset(edge, 0, count * sizeof edge[0]);
    for (uint16_t i = 0; i < g->n; i++) {
        memset(&fences[i], 0, sizeof fences[i]);
        for (unsigned a = 0; a < count; a++) {
            const struct axm_event *f = &g->ev[sc_list[a]];
            if (f->kind == AXM_FENCE && sc_list[a] != i && axm_hb(&g->ev[i], f))
                mask_set(&fences[i], a);
        }
        ends[i] = fences[i];
    }
    for (unsigned a = 0; a < count; a++)
        mask_set(&ends[sc_list[a]], a);
    memset(scb_known, 0, g->n);
    for (unsigned a = 0; a < count; a++)
        edges_of(g, a);
    /* Acyclic when the vertices can be taken away one by one, each without an edge to a remaining one. */
    struct mask left = {{0}};
    for (unsigned a = 0; a < count; a++)
        mask_set(&left, a);
    for (unsigned remaining = count; remaining != 0;) {
        unsigned before = remaining;
        for (unsigned a = 0; a < count; a++) {
            if (!(left.w[a / 64] >> (a % 64) & 1))
                continue;
            uint64_t out = 0;
            for (unsigned i = 0; i < words; i++)
                out |= edge[a].w[i] & left.w[i];
            if (out == 0) {
                left.w[a / 64] &= ~(UINT64_C(1) << (a % 64));
                remaining--;
            }
        }
        if (remaining == before)
            return false;
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
/* How much of the search is done, for the progress line: where the search stands in its tree tells which
 * alternatives of each event it has behind it. All alternatives of an event are taken for equally large, and so the
 * share of the tree that is done is a sum along the path (the weighted backtrack estimator of Kilby, Slaney,
 * Thiebaux and Walsh, AAAI 2006). It is an estimate: some alternatives turn out inconsistent, others larger. */
#include "axm.h"

struct branch {
    unsigned done, all; /* alternatives of one event; the one being explored is not done */
};

/* The writes that were there when event i was added: those newer in modification order than the one it stands
 * behind are done with, the older ones that it may still stand behind come yet. */
static void count_sources(const struct axm_graph *g, uint16_t i, uint16_t behind, uint32_t bound, struct branch *b)
{
    const struct axm_event *e = &g->ev[i];
    for (uint16_t w = axm_newest(&g->locs[e->loc]);; w = g->ev[w].mo_prev) {
        if (w == AXM_INIT || w < i) {
            b->done += axm_rank(g, w) > axm_rank(g, behind);
            b->all++;
        }
        if (w == AXM_INIT || axm_rank(g, w) <= bound)
            return;
    }
}

static struct branch branch_at(struct axm_graph *g, uint16_t i)
{
    const struct axm_event *e = &g->ev[i];
    struct branch b = {0, 0};
    switch ((enum axm_kind)e->kind) {
    case AXM_CHOICE: return (struct branch){(unsigned)e->value, e->alternatives};
    case AXM_FENCE: return (struct branch){0, 1};
    case AXM_READ:
        if (e->rf != AXM_NONE)
            count_sources(g, i, e->rf, axm_bound(g, i), &b);
        break;
    case AXM_WRITE:
        if (e->rmw != AXM_NONE || e->mo_prev == AXM_NONE)
            b.all = 1;
        else
            count_sources(g, i, e->mo_prev, axm_bound(g, i), &b);
        if (e->mo_prev == AXM_NONE && !(e->flags & AXM_DEAD))
            b.done = 1; /* its places are done, it revisits */
        if (g->base != 0 && i == g->base)
            break; /* the write of a revisit makes no other */
        /* The reads it may revisit, the later ones first; the one at hand is not done. */
        unsigned targets = axm_targets(g, i, i), left = axm_targets(g, i, e->revisit);
        b.all += targets;
        b.done += targets - left;
        if (targets != left)
            b.done--;
        break;
    }
    if (b.all <= b.done)
        b.all = b.done + 1;
    return b;
}

/* The share of the search that is done, more than 0. */
double axm_explored(void)
{
    static AXM_STATE struct axm_graph *stack[AXM_EVENTS];
    unsigned depth = 0;
    for (struct axm_graph *g = axm.g; g != NULL && depth < AXM_EVENTS; g = g->below)
        stack[depth++] = g;
    double share = 1, done = 0;
    while (depth-- != 0) {
        struct axm_graph *g = stack[depth];
        for (uint16_t i = g->base; i < g->n; i++) {
            struct branch b = branch_at(g, i);
            share /= b.all;
            done += share * b.done;
        }
    }
    return done + share;
}

/* SPDX-License-Identifier: MIT */
/* How many preemptions an execution needs: how often, in the best order of its events, the processor is taken
 * from a thread that could have gone on. A thread cannot go on when it is through, when it joins a thread that is
 * not, or when it waits for a lock or the like; a read that is to see a write which has not run yet could have
 * seen another, so waiting for that one is a preemption.
 *
 * The orders are those that keep program order and reads-from, in any of which RC11 lets the events happen. Running
 * a thread on never takes anything from another, so each runs as far as it can, and all that is to be found out
 * is who comes next. */
#include "axm.h"

#include <string.h>

enum { SEEN = 4096, PATIENCE = 20000 };

struct state {
    uint16_t next[AXM_THREADS]; /* event, or AXM_NONE */
    uint16_t pos[AXM_THREADS];  /* events run */
};

static AXM_STATE struct {
    uint64_t hash;
    unsigned generation, cost;
} seen[SEEN];
static AXM_STATE unsigned generation, tried;

static bool ready(const struct axm_event *e, const struct axm_clock *porf, const uint16_t *pos)
{
    for (unsigned u = 0; u < axm.tids; u++)
        if (u != e->tid && pos[u] < porf->v[u])
            return false;
    return true;
}

static void run_on(const struct axm_graph *g, struct state *s, unsigned t)
{
    while (s->next[t] != AXM_NONE && ready(&g->ev[s->next[t]], &g->ev[s->next[t]].porf, s->pos)) {
        s->pos[t]++;
        s->next[t] = g->ev[s->next[t]].po_next;
    }
}

/* Whether thread t, which has run as far as it could, could have gone on in some other way. */
static bool is_preempted(const struct axm_graph *g, const struct state *s, unsigned t)
{
    if (s->next[t] == AXM_NONE)
        return false;
    const struct axm_event *e = &g->ev[s->next[t]];
    return e->kind == AXM_READ && !axm_may_wait(e->op) && ready(e, &e->porf_pre, s->pos);
}

/* Whether this state was reached before at no more cost. */
static bool known(const struct state *s, unsigned cur, unsigned cost)
{
    uint64_t hash = cur + 1;
    for (unsigned t = 0; t < axm.tids; t++)
        hash = (hash ^ s->pos[t]) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
    unsigned k = (unsigned)(hash >> 40) % SEEN;
    if (seen[k].generation == generation && seen[k].hash == hash && seen[k].cost <= cost)
        return true;
    seen[k].generation = generation;
    seen[k].hash = hash;
    seen[k].cost = cost;
    return false;
}

/* Whether the rest can be run with at most `limit` preemptions in all. */
static bool can_end(const struct axm_graph *g, struct state s, unsigned cur, unsigned cost, unsigned limit)
{
    run_on(g, &s, cur);
    if (known(&s, cur, cost))
        return false;
    unsigned through = 0;
    bool preempted = is_preempted(g, &s, cur);
    if (++tried > PATIENCE)
        return true; /* undecided: the execution is kept */
    for (unsigned t = 0; t < axm.tids; t++) {
        if (s.next[t] == AXM_NONE) {
            through++;
            continue;
        }
        if (t != cur && cost + preempted <= limit && ready(&g->ev[s.next[t]], &g->ev[s.next[t]].porf, s.pos) &&
            can_end(g, s, t, cost + preempted, limit))
            return true;
    }
    return through == axm.tids;
}

bool axm_more_preemptions(const struct axm_graph *g, unsigned limit)
{
    struct state s;
    memcpy(s.next, g->first, sizeof s.next);
    memset(s.pos, 0, sizeof s.pos);
    generation++;
    tried = 0;
    for (unsigned t = 0; t < axm.tids; t++)
        if (s.next[t] != AXM_NONE && ready(&g->ev[s.next[t]], &g->ev[s.next[t]].porf, s.pos) &&
            can_end(g, s, t, 0, limit))
            return false;
    return g->n != 0;
}

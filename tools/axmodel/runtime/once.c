/* SPDX-License-Identifier: MIT */
/* --check-once: whether the exhaustive search has met an execution before. Two executions are the same when each
 * thread has done the same operations, each read has the same source and each location the same modification order;
 * the order in which the search added the events does not matter. What is kept of each is a hash of 64 bits: in a
 * search of a million executions two different ones have the same hash once in 37 million searches. */
#include "axm.h"

#include <stdlib.h>
#include <string.h>

static AXM_STATE uint64_t *seen; /* 0 is an empty place */
static AXM_STATE size_t places, used;

static uint64_t mix(uint64_t hash, uint64_t x)
{
    hash = (hash ^ x) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 32;
}

/* An event by a name that does not depend on when it was added. */
static uint64_t name(const struct axm_graph *g, uint16_t i)
{
    return i >= AXM_INIT ? i : (uint64_t)g->ev[i].tid << 16 | g->ev[i].idx;
}

static uint64_t fingerprint(const struct axm_graph *g)
{
    uint64_t hash = 1;
    for (unsigned t = 0; t < AXM_THREADS; t++) {
        hash = mix(hash, t);
        for (uint16_t i = g->first[t]; i != AXM_NONE; i = g->ev[i].po_next) {
            const struct axm_event *e = &g->ev[i];
            hash = mix(hash, (uint64_t)e->kind << 16 | (uint64_t)e->op << 8 | e->result);
            hash = mix(hash, e->loc == AXM_NONE ? 0 : g->locs[e->loc].addr);
            hash = mix(hash, e->kind == AXM_FENCE ? 0 : e->value);
            hash = mix(hash, e->kind == AXM_READ ? name(g, e->rf) : e->kind == AXM_WRITE ? name(g, e->mo_prev) : 0);
        }
    }
    return hash != 0 ? hash : 1;
}

static bool insert(uint64_t hash)
{
    size_t i = hash & (places - 1);
    for (; seen[i] != 0; i = (i + 1) & (places - 1))
        if (seen[i] == hash)
            return false;
    seen[i] = hash;
    used++;
    return true;
}

void axm_once_reset(void)
{
    used = 0;
    if (seen != NULL)
        memset(seen, 0, places * sizeof *seen);
}

/* False when the execution in axm.g was there before. */
bool axm_once(void)
{
    if (2 * used >= places) {
        uint64_t *old = seen;
        size_t count = places;
        places = count == 0 ? 1 << 12 : 4 * count;
        seen = calloc(places, sizeof *seen);
        if (seen == NULL)
            axm_fatal("out of memory for --check-once");
        used = 0;
        for (size_t i = 0; i < count; i++)
            if (old[i] != 0)
                insert(old[i]);
        free(old);
    }
    return insert(fingerprint(axm.g));
}

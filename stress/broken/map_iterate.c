/* SPDX-License-Identifier: MIT */
/*
 * Iteration during writes. Each call took the lock, as it should; only the page that lists all sessions
 * walked the chains without, because "it only reads", and the lock was held too long for it. It shows
 * sessions that are none, skips others, and one day follows a freed pointer.
 */
#include "../map_chain.h"

#include <sched.h>

static void page_walk(void *p, map_visit *visit, void *context)
{
    struct chain_map *map = p;
    for (int i = 0; i < CHAINS; i++)
        for (struct chain_node *node = map->heads[i]; node; node = node->next) {
            if (!visit(context, node->key, node->value))
                return;
            sched_yield(); /* a line of the page is written */
        }
}

CHAIN_CALLS(locked, LOCK, UNLOCK, LOCK, UNLOCK, LOCK, UNLOCK)

static const struct map_kind iterated = { chain_create, chain_destroy, locked_get, locked_add, locked_remove,
                                          locked_insert, locked_replace, page_walk };

const ax_stress_impl broken_iterated_map =
    MAP_IMPL("broken-iterate", &iterated, true, "chains under a mutex, walked without it");

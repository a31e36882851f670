/* SPDX-License-Identifier: MIT */
/*
 * The addition that the removal did not see. The counter store finds the counter under the lock, and adds
 * to it with an atomic increment after the lock is released, so that hot counters do not queue. Nodes are
 * kept for ever, so nothing is freed too early. The flush takes a counter out and reports its value; what
 * is added to it after that, by whoever had found it before, nobody ever reports.
 */
#include "../map_chain.h"

static bool lost_add(void *p, uint64_t key, uint64_t n)
{
    struct chain_map *map = p;
    LOCK;
    struct chain_node *node = *chain_find(map, key);
    if (!node) {
        bool done = chain_insert(map, key, n);
        UNLOCK;
        return done;
    }
    UNLOCK;
    __atomic_fetch_add(&node->value, n, __ATOMIC_ACQ_REL); /* on a counter that may be out by now */
    return true;
}

static bool lost_remove(void *p, uint64_t key, uint64_t *old)
{
    struct chain_map *map = p;
    LOCK;
    struct chain_node **at = chain_find(map, key), *node = *at;
    if (node) {
        *at = node->next;
        *old = __atomic_load_n(&node->value, __ATOMIC_ACQUIRE);
        node->next = map->graveyard;
        map->graveyard = node;
    }
    UNLOCK;
    return node != NULL;
}

static bool lost_replace(void *p, uint64_t key, uint64_t expected, uint64_t value)
{
    struct chain_map *map = p;
    LOCK;
    struct chain_node *node = *chain_find(map, key);
    bool done = node && __atomic_compare_exchange_n(&node->value, &expected, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    UNLOCK;
    return done;
}

static bool lost_get(void *p, uint64_t key, uint64_t *value)
{
    struct chain_map *map = p;
    LOCK;
    struct chain_node *node = *chain_find(map, key);
    if (node)
        *value = __atomic_load_n(&node->value, __ATOMIC_ACQUIRE);
    UNLOCK;
    return node != NULL;
}

static bool lost_insert(void *p, uint64_t key, uint64_t value)
{
    struct chain_map *map = p;
    LOCK;
    bool done = chain_insert(map, key, value);
    UNLOCK;
    return done;
}

static void lost_walk(void *p, map_visit *visit, void *context)
{
    struct chain_map *map = p;
    LOCK;
    for (int i = 0; i < CHAINS; i++)
        for (struct chain_node *node = map->heads[i]; node; node = node->next)
            if (!visit(context, node->key, __atomic_load_n(&node->value, __ATOMIC_ACQUIRE))) {
                i = CHAINS;
                break;
            }
    UNLOCK;
}

static const struct map_kind lost = { chain_create, chain_destroy, lost_get, lost_add, lost_remove,
                                      lost_insert, lost_replace, lost_walk };

const ax_stress_impl broken_lost_add =
    MAP_IMPL("broken-lost-add", &lost, true, "an atomic increment on a counter that has just been taken out");

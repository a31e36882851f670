/* SPDX-License-Identifier: MIT */
/*
 * Freed without a grace period. Writers take the mutex; readers and counters go without, as the pointers
 * are published with release and read with acquire. All of that is right, and the node is freed while a
 * reader stands on it: what it reads, and what it adds to, is somebody else's memory by then.
 */
#include "../map_chain.h"

static struct chain_node *find_published(struct chain_map *map, uint64_t key)
{
    struct chain_node *node = __atomic_load_n(&map->heads[key % CHAINS], __ATOMIC_ACQUIRE);
    while (node && node->key != key)
        node = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE);
    return node;
}

static bool reclaimed_get(void *p, uint64_t key, uint64_t *value)
{
    struct chain_node *node = find_published(p, key);
    if (node)
        *value = __atomic_load_n(&node->value, __ATOMIC_ACQUIRE);
    return node != NULL;
}

static bool reclaimed_add(void *p, uint64_t key, uint64_t n)
{
    struct chain_map *map = p;
    struct chain_node *node = find_published(map, key);
    if (node) {
        __atomic_fetch_add(&node->value, n, __ATOMIC_ACQ_REL);
        return true;
    }
    LOCK;
    bool done = chain_add(map, key, n);
    UNLOCK;
    return done;
}

CHAIN_CALLS(locked, LOCK, UNLOCK, LOCK, UNLOCK, LOCK, UNLOCK)

static const struct map_kind reclaimed = { chain_create, chain_destroy, reclaimed_get, reclaimed_add, locked_remove,
                                           locked_insert, locked_replace, locked_walk };

const ax_stress_impl broken_reclaimed_map =
    MAP_IMPL("broken-reclaim", &reclaimed, true, "readers without a lock, and nodes freed under their feet");

/* SPDX-License-Identifier: MIT */
/*
 * Freed without a grace period. Who inserts or removes takes the mutex; readers and counters go without, as pointers
 * are published with release and read with acquire. All of that is right, and the node is freed while a
 * reader stands on it: what it reads, and what it adds to, is somebody else's memory by then.
 */
#include "../map_chain.h"

#include <stdlib.h>

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

static bool publish(struct chain_map *map, uint64_t key, uint64_t value)
{
    struct chain_node **at = chain_find(map, key), *node = *at ? NULL : malloc(sizeof *node);
    if (!node)
        return false;
    *node = (struct chain_node){ NULL, key, value };
    __atomic_store_n(at, node, __ATOMIC_RELEASE);
    return true;
}

static bool reclaimed_insert(void *p, uint64_t key, uint64_t value)
{
    struct chain_map *map = p;
    LOCK;
    bool done = publish(map, key, value);
    UNLOCK;
    return done;
}

static bool reclaimed_add(void *p, uint64_t key, uint64_t n)
{
    struct chain_map *map = p;
    struct chain_node *node = find_published(map, key);
    if (node)
        __atomic_fetch_add(&node->value, n, __ATOMIC_ACQ_REL);
    return node || reclaimed_insert(map, key, n); /* false: another was first; so be it */
}

static bool reclaimed_remove(void *p, uint64_t key, uint64_t *old)
{
    struct chain_map *map = p;
    LOCK;
    struct chain_node **at = chain_find(map, key), *node = *at;
    if (node) {
        *old = __atomic_load_n(&node->value, __ATOMIC_ACQUIRE);
        __atomic_store_n(at, node->next, __ATOMIC_RELEASE);
        chain_node_free(node); /* the mistake */
    }
    UNLOCK;
    return node != NULL;
}

static bool reclaimed_replace(void *p, uint64_t key, uint64_t expected, uint64_t value)
{
    struct chain_map *map = p;
    LOCK;
    struct chain_node *node = *chain_find(map, key);
    bool done = node && __atomic_compare_exchange_n(&node->value, &expected, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    UNLOCK;
    return done;
}

static void reclaimed_walk(void *p, map_visit *visit, void *context)
{
    struct chain_map *map = p;
    LOCK;
    chain_walk(map, visit, context);
    UNLOCK;
}

static const struct map_kind reclaimed = { chain_create, chain_destroy, reclaimed_get, reclaimed_add, reclaimed_remove,
                                           reclaimed_insert, reclaimed_replace, reclaimed_walk };

const ax_stress_impl broken_reclaimed_map =
    MAP_IMPL("broken-reclaim", &reclaimed, true, "readers without a lock, and nodes freed under their feet");

/* SPDX-License-Identifier: MIT */
#include "map_chain.h"

#include <stdlib.h>
#include <string.h>

void *chain_create(void)
{
    struct chain_map *map = calloc(1, sizeof *map);
    if (!map)
        return NULL;
    pthread_mutex_init(&map->mutex, NULL);
    pthread_rwlock_init(&map->rwlock, NULL);
    return map;
}

static void free_chain(struct chain_node *node)
{
    while (node) {
        struct chain_node *next = node->next;
        free(node);
        node = next;
    }
}

void chain_destroy(void *p)
{
    struct chain_map *map = p;
    for (int i = 0; i < CHAINS; i++)
        free_chain(map->heads[i]);
    free_chain(map->graveyard);
    pthread_mutex_destroy(&map->mutex);
    pthread_rwlock_destroy(&map->rwlock);
    free(map);
}

void chain_node_free(struct chain_node *node)
{
    memset(node, 0x5d, sizeof *node);
    free(node);
}

bool chain_get(struct chain_map *map, uint64_t key, uint64_t *value)
{
    struct chain_node *node = *chain_find(map, key);
    if (node)
        *value = node->value;
    return node != NULL;
}

bool chain_insert(struct chain_map *map, uint64_t key, uint64_t value)
{
    struct chain_node **at = chain_find(map, key);
    if (*at)
        return false;
    struct chain_node *node = malloc(sizeof *node);
    if (!node)
        return false;
    *node = (struct chain_node){ NULL, key, value };
    *at = node;
    return true;
}

bool chain_add(struct chain_map *map, uint64_t key, uint64_t n)
{
    struct chain_node *node = *chain_find(map, key);
    if (!node)
        return chain_insert(map, key, n);
    node->value += n;
    return true;
}

bool chain_remove(struct chain_map *map, uint64_t key, uint64_t *old)
{
    struct chain_node **at = chain_find(map, key), *node = *at;
    if (!node)
        return false;
    *old = node->value;
    *at = node->next;
    chain_node_free(node);
    return true;
}

bool chain_replace(struct chain_map *map, uint64_t key, uint64_t expected, uint64_t value)
{
    struct chain_node *node = *chain_find(map, key);
    if (!node || node->value != expected)
        return false;
    node->value = value;
    return true;
}

void chain_walk(struct chain_map *map, map_visit *visit, void *context)
{
    for (int i = 0; i < CHAINS; i++)
        for (struct chain_node *node = map->heads[i]; node; node = node->next)
            if (!visit(context, node->key, node->value))
                return;
}

CHAIN_CALLS(mutex, LOCK, UNLOCK, LOCK, UNLOCK, LOCK, UNLOCK)
CHAIN_CALLS(rwlock, READ_LOCK, RW_UNLOCK, WRITE_LOCK, RW_UNLOCK, READ_LOCK, RW_UNLOCK)

const struct map_kind map_mutex = CHAIN_KIND(mutex);
const struct map_kind map_rwlock = CHAIN_KIND(rwlock);

/* SPDX-License-Identifier: MIT */
/*
 * A textbook hash map: chains of nodes, one lock for all. What the operations lock is a policy, so that
 * the right maps and the broken ones differ in nothing else.
 */
#ifndef STRESS_MAP_CHAIN_H
#define STRESS_MAP_CHAIN_H

#include "map.h"

#define CHAINS 32

struct chain_node {
    struct chain_node *next;
    uint64_t key;
    uint64_t value; /* under the lock, or by atomic operations where a policy does without */
};

struct chain_map {
    pthread_mutex_t mutex;
    pthread_rwlock_t rwlock;
    struct chain_node *heads[CHAINS];
    struct chain_node *graveyard; /* removed nodes that a policy keeps until the end */
};

void *chain_create(void);
void chain_destroy(void *map);

static inline struct chain_node **chain_find(struct chain_map *map, uint64_t key)
{
    struct chain_node **at = &map->heads[key % CHAINS];
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    return at;
}

/* These do the work and lock nothing. */
bool chain_get(struct chain_map *map, uint64_t key, uint64_t *value);
bool chain_add(struct chain_map *map, uint64_t key, uint64_t n);
bool chain_remove(struct chain_map *map, uint64_t key, uint64_t *old);
bool chain_insert(struct chain_map *map, uint64_t key, uint64_t value);
bool chain_replace(struct chain_map *map, uint64_t key, uint64_t expected, uint64_t value);
void chain_walk(struct chain_map *map, map_visit *visit, void *context);

/* Poisons the node, so that whoever is still there sees it, and frees it. */
void chain_node_free(struct chain_node *node);

/* The calls of a kind, each between the statements of its policy. */
#define CHAIN_CALLS(name, READ, READ_END, WRITE, WRITE_END, WALK, WALK_END)                     \
    static inline bool name##_get(void *p, uint64_t key, uint64_t *value)                             \
    {                                                                                          \
        struct chain_map *map = p;                                                             \
        READ;                                                                                  \
        bool done = chain_get(map, key, value);                                                \
        READ_END;                                                                              \
        return done;                                                                           \
    }                                                                                          \
    static inline bool name##_add(void *p, uint64_t key, uint64_t n)                                  \
    {                                                                                          \
        struct chain_map *map = p;                                                             \
        WRITE;                                                                                 \
        bool done = chain_add(map, key, n);                                                    \
        WRITE_END;                                                                             \
        return done;                                                                           \
    }                                                                                          \
    static bool name##_remove(void *p, uint64_t key, uint64_t *old)                            \
    {                                                                                          \
        struct chain_map *map = p;                                                             \
        WRITE;                                                                                 \
        bool done = chain_remove(map, key, old);                                               \
        WRITE_END;                                                                             \
        return done;                                                                           \
    }                                                                                          \
    static bool name##_insert(void *p, uint64_t key, uint64_t value)                           \
    {                                                                                          \
        struct chain_map *map = p;                                                             \
        WRITE;                                                                                 \
        bool done = chain_insert(map, key, value);                                             \
        WRITE_END;                                                                             \
        return done;                                                                           \
    }                                                                                          \
    static bool name##_replace(void *p, uint64_t key, uint64_t expected, uint64_t value)       \
    {                                                                                          \
        struct chain_map *map = p;                                                             \
        WRITE;                                                                                 \
        bool done = chain_replace(map, key, expected, value);                                  \
        WRITE_END;                                                                             \
        return done;                                                                           \
    }                                                                                          \
    static inline void name##_walk(void *p, map_visit *visit, void *context)                          \
    {                                                                                          \
        struct chain_map *map = p;                                                             \
        WALK;                                                                                  \
        chain_walk(map, visit, context);                                                       \
        WALK_END;                                                                              \
    }

#define CHAIN_KIND(name) \
    { chain_create, chain_destroy, name##_get, name##_add, name##_remove, name##_insert, name##_replace, name##_walk }

#define LOCK pthread_mutex_lock(&map->mutex)
#define UNLOCK pthread_mutex_unlock(&map->mutex)
#define READ_LOCK pthread_rwlock_rdlock(&map->rwlock)
#define WRITE_LOCK pthread_rwlock_wrlock(&map->rwlock)
#define RW_UNLOCK pthread_rwlock_unlock(&map->rwlock)

#endif

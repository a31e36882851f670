/* SPDX-License-Identifier: MIT */
/* Jobs in a textbook hash map (map_chain.h), changed in place. What a call locks is a policy. */
#ifndef STRESS_JOBS_CHAIN_H
#define STRESS_JOBS_CHAIN_H

#include "jobs.h"
#include "map_chain.h"

void jobs_chain_end(void *store);

static inline struct job *chain_job(const struct chain_node *node)
{
    return node ? (struct job *)(uintptr_t)node->value : NULL;
}

/* These do the work and lock nothing. */
bool jobs_chain_get(struct chain_map *map, uint64_t id, struct job *copy);
bool jobs_chain_create(struct chain_map *map, uint64_t id);
bool jobs_chain_update(struct chain_map *map, uint64_t id);
bool jobs_chain_remove(struct chain_map *map, uint64_t id, struct job *last);
void jobs_chain_list(struct chain_map *map, jobs_visit *visit, void *context);

/* The calls of a kind, each between the statements of its policy. */
#define JOBS_CALLS(name, READ, READ_END, WRITE, WRITE_END)                         \
    static inline bool name##_get(void *p, uint64_t id, struct job *copy)          \
    {                                                                              \
        struct chain_map *map = p;                                                 \
        READ;                                                                      \
        bool done = jobs_chain_get(map, id, copy);                                 \
        READ_END;                                                                  \
        return done;                                                               \
    }                                                                              \
    static inline bool name##_create(void *p, uint64_t id)                         \
    {                                                                              \
        struct chain_map *map = p;                                                 \
        WRITE;                                                                     \
        bool done = jobs_chain_create(map, id);                                    \
        WRITE_END;                                                                 \
        return done;                                                               \
    }                                                                              \
    static inline bool name##_update(void *p, uint64_t id)                         \
    {                                                                              \
        struct chain_map *map = p;                                                 \
        WRITE;                                                                     \
        bool done = jobs_chain_update(map, id);                                    \
        WRITE_END;                                                                 \
        return done;                                                               \
    }                                                                              \
    static inline bool name##_remove(void *p, uint64_t id, struct job *last)       \
    {                                                                              \
        struct chain_map *map = p;                                                 \
        WRITE;                                                                     \
        bool done = jobs_chain_remove(map, id, last);                              \
        WRITE_END;                                                                 \
        return done;                                                               \
    }                                                                              \
    static inline void name##_list(void *p, jobs_visit *visit, void *context)      \
    {                                                                              \
        struct chain_map *map = p;                                                 \
        READ;                                                                      \
        jobs_chain_list(map, visit, context);                                      \
        READ_END;                                                                  \
    }

#endif

/* SPDX-License-Identifier: MIT */
/* What the map's implementations share: the operations, the tally, and the steady keys that walks look for. */
#ifndef STRESS_MAP_H
#define STRESS_MAP_H

#include <pthread.h>
#include <stdatomic.h>

#include <atomicx/map.h>
#include <atomicx/stress.h>

#define STRESS_ISOLATION 128

/* Keys beyond the workers': inserted before, never touched by a worker, so every walk shows each once. */
#define MAP_STEADY 16

enum { MAP_GET, MAP_ADD, MAP_REMOVE, MAP_INSERT, MAP_REPLACE };

/* The operations of its history. A replacement is two: what was read, and whether it was still there. */
enum { MAP_GOT, MAP_ADDED, MAP_REMOVED, MAP_INSERTED, MAP_REPLACED };

struct map_shared {
    void *map;
    uint64_t keys; /* the workers' keys are 0 to keys-1, the steady ones follow */
};

/* For each key, what this worker put in and what it took out. */
struct map_tally {
    int64_t *added, *removed;
    uint64_t refused; /* calls that the map turned away for now: nothing was done */
    uint64_t seen;    /* of what gets returned, so that they are not optimised away */
};

struct map_watch {
    int64_t walks;
    int64_t missed, twice; /* steady keys */
    int64_t strays;        /* what is no key of anybody's */
};

typedef bool map_visit(void *context, uint64_t key, uint64_t value); /* false: that is enough */

/* Each returns whether it was done. A value is never inserted over another. */
struct map_kind {
    void *(*create)(void);
    void (*destroy)(void *map);
    bool (*get)(void *map, uint64_t key, uint64_t *value);
    bool (*add)(void *map, uint64_t key, uint64_t n);
    bool (*remove)(void *map, uint64_t key, uint64_t *old);
    bool (*insert)(void *map, uint64_t key, uint64_t value);
    bool (*replace)(void *map, uint64_t key, uint64_t expected, uint64_t value);
    void (*walk)(void *map, map_visit *visit, void *context);
};

void map_enter(ax_stress_worker *self);
void map_work(ax_stress_worker *self, uint64_t begin, uint64_t end);
void map_observe(ax_stress_worker *self);

#define MAP_IMPL(name_, kind_, broken_, about_) \
    { .name = name_, .about = about_, .broken = broken_, .work = map_work, .enter = map_enter, \
      .observe = map_observe, .extra = kind_ }

/* map_chain.c: chains under one lock, by policy */
extern const struct map_kind map_mutex, map_rwlock;
#ifdef STRESS_LFHT
extern const struct map_kind map_lfht; /* map_lfht.c */
#endif

/* stress/broken */
extern const ax_stress_impl broken_unlocked_map, broken_iterated_map, broken_reclaimed_map, broken_lost_add;

#endif

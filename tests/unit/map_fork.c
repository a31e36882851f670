/* SPDX-License-Identifier: MIT */
/* fork while threads hammer the map: the child goes on with it, frees it, and leaks nothing big. */
#include <atomicx/map.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "../processes.h"
#include "map_setups.h"

static const struct map_setup *setup;
static ax_map *map;
static atomic_bool over;

static void value_destroy(void *context, void *value)
{
    (void)context;
    free(value);
}

static void *hammer(void *arg)
{
    uint64_t k = (uint64_t)(uintptr_t)arg * 1000003, storage[MAP_KEY_WORDS];
    while (!atomic_load(&over)) {
        k = k * 6364136223846793005u + 1;
        uint64_t n = k >> 56;
        uint64_t value = (uint64_t)(uintptr_t)malloc(8);
        if (ax_map_put(map, map_key(setup, n, storage), value) != AX_OK)
            free((void *)(uintptr_t)value);
        (void)ax_map_remove(map, map_key(setup, k >> 40 & 255, storage), NULL);
        (void)ax_map_get(map, map_key(setup, k >> 48 & 255, storage), NULL);
    }
    return NULL;
}

static uint64_t released(void)
{
    ax_map_stats stats;
    ax_map_stats_read(map, &stats);
    return stats.released;
}

/* The thread that frees stayed behind, at work: the child starts its own, before anybody waits or flushes. */
static void what_is_removed_is_freed_unasked(void)
{
    uint64_t before = released(), storage[MAP_KEY_WORDS];
    ax_key key = map_key(setup, 1, storage);
    CHECK_EQ(ax_map_put(map, key, (uint64_t)(uintptr_t)malloc(8)), AX_OK);
    CHECK_EQ(ax_map_remove(map, key, NULL), AX_OK);
    while (released() == before)
        sched_yield();
}

/* In the child every shard's mutex, the background thread and grace periods must work. */
static int use_in_child(void)
{
    uint64_t storage[MAP_KEY_WORDS];
    what_is_removed_is_freed_unasked();
    for (uint64_t k = 0; k < 2000; k++) {
        CHECK_EQ(ax_map_put(map, map_key(setup, k, storage), (uint64_t)(uintptr_t)malloc(8)), AX_OK);
        CHECK_EQ(ax_map_get(map, map_key(setup, k, storage), NULL), AX_OK);
    }
    CHECK_EQ(ax_map_clear(map), AX_OK);
    CHECK_EQ(ax_map_flush(map), AX_OK);
    CHECK(released() > 2000);
    CHECK_EQ(ax_map_get(map, map_key(setup, 1, storage), NULL), AX_ENOTFOUND);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
    return check_failures == 0 ? 0 : 1;
}

static void a_forked_child_goes_on_with_the_map(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .destroy = value_destroy, .shards = 4, .pending_limit = 1 << 20 });
        atomic_store(&over, false);
        pthread_t threads[3];
        for (uintptr_t t = 0; t < 3; t++)
            CHECK_FATAL(pthread_create(&threads[t], NULL, hammer, (void *)(t + 1)) == 0);
        for (int i = 0; i < 8; i++) {
            pid_t child = fork();
            CHECK_FATAL(child >= 0);
            if (child == 0)
                leave_child(use_in_child()); /* a child that hangs is ended by the test's time limit */
            int status = 0;
            CHECK_FATAL(waitpid(child, &status, 0) == child);
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        atomic_store(&over, true);
        for (int t = 0; t < 3; t++)
            CHECK_FATAL(pthread_join(threads[t], NULL) == 0);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

int main(void)
{
    RUN(a_forked_child_goes_on_with_the_map);
    return check_summary();
}

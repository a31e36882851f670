/* SPDX-License-Identifier: MIT */
/*
 * Soak: growth, mass removal and churn in waves, by threads that are born and die, until the time is up.
 * Memory must come back to where it was after each wave. map_soak SECONDS.
 */
#include <atomicx/map.h>

#include <time.h>

#include "../threads.h"
#include "map_setups.h"

#define THREADS 8
#define WAVE_KEYS 20000

static const struct map_setup *setup;
static ax_map *map;
static atomic_size_t objects;

static void object_destroy(void *context, void *value)
{
    (void)context;
    memset(value, 0xdd, 16);
    free(value);
    atomic_fetch_sub(&objects, 1);
}

static uint64_t object_create(uint64_t k)
{
    uint64_t *o = malloc(16);
    CHECK_FATAL(o != NULL);
    o[0] = k;
    o[1] = ~k;
    atomic_fetch_add(&objects, 1);
    return (uint64_t)(uintptr_t)o;
}

/* Each thread inserts its own keys, looks at the others', and removes its own again. */
static void wave(int index, void *unused)
{
    uint64_t storage, value;
    (void)unused;
    for (uint64_t i = 0; i < WAVE_KEYS / THREADS; i++) {
        uint64_t k = i * THREADS + (uint64_t)index, object = object_create(k);
        ax_status status = ax_map_put(map, map_key(setup, k, &storage), object);
        CHECK(status == AX_OK);
        uint64_t other = (k * 7919) % WAVE_KEYS;
        ax_map_read_begin(map);
        if (ax_map_get(map, map_key(setup, other, &storage), &value) == AX_OK) {
            const uint64_t *o = (const uint64_t *)(uintptr_t)value;
            CHECK(o[0] == other && o[1] == ~other);
        }
        ax_map_read_end(map);
        if (i % 3 == 0)
            CHECK(ax_map_put(map, map_key(setup, k, &storage), object_create(k)) == AX_OK);
    }
    for (uint64_t i = 0; i < WAVE_KEYS / THREADS; i++)
        CHECK(ax_map_remove(map, map_key(setup, i * THREADS + (uint64_t)index, &storage), NULL) == AX_OK);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void soak(double seconds)
{
    map = map_of_setup(setup, (ax_map_options){ .destroy = object_destroy, .shards = 4 });
    double end = now() + seconds;
    ax_map_stats stats;
    unsigned long waves = 0;
    do {
        run_threads(THREADS, wave, NULL);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        ax_map_stats_read(map, &stats);
        CHECK_EQ(stats.entries, 0);
        CHECK_EQ(atomic_load(&objects), 0);
        CHECK_EQ(stats.pending_bytes, 0);
        CHECK(stats.bytes <= 16384); /* nothing but the map itself and a smallest table for each shard */
        waves++;
    } while (waves < 2 || now() < end);
    printf("%s: %lu waves, %zu bytes at rest, %llu rebuilds\n", setup->name, waves, stats.bytes,
           (unsigned long long)stats.rebuilds);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        setup = &map_setups[s];
        soak(seconds / MAP_SETUPS);
    }
    return check_summary();
}

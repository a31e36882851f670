/* SPDX-License-Identifier: MIT */
/*
 * Soak: growth, mass removal and churn in waves, by threads that are born and die, until the time is up.
 * Memory must come back to where it was after each wave. map_soak SECONDS prints for each tenth of the time
 * what an operation cost and what is resident between waves: the columns to look for a slope in.
 */
#include <atomicx/map.h>

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "../threads.h"
#include "map_setups.h"

#define THREADS 8
/* Each eighth wave is large, so that the own index's tables are moved to huge pages and back. */
#define WAVE_KEYS 20000
#define LARGE_WAVE_KEYS 240000
#define TENTHS 10
/* What the C library may keep for itself. A leak of a byte for each operation of an hour is gigabytes. */
#define RESIDENT_SLACK ((size_t)64 << 20)

static const struct map_setup *setup;
static ax_map *map;
static uint64_t wave_keys;
static atomic_size_t objects;
static _Atomic uint64_t spent_ns, operations; /* of all threads since the tenth began */

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

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Each thread inserts its own keys, looks at the others', and removes its own again. */
static void wave(int index, void *unused)
{
    uint64_t storage[MAP_KEY_WORDS], value;
    uint64_t begin = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    (void)unused;
    for (uint64_t i = 0; i < wave_keys / THREADS; i++) {
        uint64_t k = i * THREADS + (uint64_t)index, object = object_create(k);
        ax_status status = ax_map_put(map, map_key(setup, k, storage), object);
        CHECK(status == AX_OK);
        uint64_t other = (k * 7919) % wave_keys;
        ax_map_read_begin(map);
        if (ax_map_get(map, map_key(setup, other, storage), &value) == AX_OK) {
            const uint64_t *o = (const uint64_t *)(uintptr_t)value;
            CHECK(o[0] == other && o[1] == ~other);
        }
        ax_map_read_end(map);
        if (i % 3 == 0)
            CHECK(ax_map_put(map, map_key(setup, k, storage), object_create(k)) == AX_OK);
    }
    for (uint64_t i = 0; i < wave_keys / THREADS; i++)
        CHECK(ax_map_remove(map, map_key(setup, i * THREADS + (uint64_t)index, storage), NULL) == AX_OK);
    atomic_fetch_add(&spent_ns, nanoseconds(CLOCK_THREAD_CPUTIME_ID) - begin);
    atomic_fetch_add(&operations, wave_keys / THREADS * 3 + wave_keys / THREADS / 3);
}

static size_t resident_bytes(void)
{
    size_t size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK_FATAL(f && fscanf(f, "%zu %zu", &size, &pages) == 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Between waves. */
static void check_at_rest(ax_map_stats *stats)
{
    CHECK_EQ(ax_map_flush(map), AX_OK);
    ax_map_stats_read(map, stats);
    CHECK_EQ(stats->entries, 0);
    CHECK_EQ(atomic_load(&objects), 0);
    CHECK_EQ(stats->pending_bytes, 0);
    CHECK(stats->bytes <= 16384); /* nothing but the map itself and a smallest table for each shard */
}

static void soak(double seconds)
{
    map = map_of_setup(setup, (ax_map_options){ .destroy = object_destroy, .shards = 4 });
    uint64_t begin = nanoseconds(CLOCK_MONOTONIC), tenth_ns = (uint64_t)(seconds * 1e8);
    uint64_t waves = 0;
    size_t resident_before = 0;
    ax_map_stats stats;
    for (uint64_t tenth = 1; tenth <= TENTHS; tenth++) {
        do {
            wave_keys = waves % 8 == 1 ? LARGE_WAVE_KEYS : WAVE_KEYS;
            run_threads(THREADS, wave, NULL);
            check_at_rest(&stats);
            waves++;
        } while (waves < 2 || nanoseconds(CLOCK_MONOTONIC) < begin + tenth * tenth_ns);
        size_t resident = resident_bytes();
        if (tenth == 1)
            resident_before = resident;
        CHECK(resident <= resident_before + RESIDENT_SLACK);
        uint64_t ns = atomic_exchange(&spent_ns, 0), ops = atomic_exchange(&operations, 0);
        printf("%s: %2" PRIu64 "/%d: %8" PRIu64 " waves, %4" PRIu64 " CPU ns an operation, %6zu KiB resident, %zu bytes at rest, "
               "%" PRIu64 " rebuilds\n",
               setup->name, tenth, TENTHS, waves, ops ? ns / ops : 0, resident / 1024, stats.bytes, stats.rebuilds);
        fflush(stdout);
    }
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

/* SPDX-License-Identifier: MIT */
/* Memory: every allocation fails once, a reader stalls, mass removal shrinks, churn stays flat. */
#include <atomicx/map.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include "../processes.h"
#include "map_setups.h"

/* ---- an allocator that counts, and fails when told ---- */

static atomic_size_t calls, bytes_now, bytes_most, blocks_now;
static size_t fail_at; /* the call to refuse; 0: none */
static bool fail_often; /* refuse a third of all, scattered */
static atomic_bool fail_all;

static void *counting_allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    size_t call = atomic_fetch_add(&calls, 1) + 1;
    if (call == fail_at || atomic_load(&fail_all) || (fail_often && (call * 2654435761u >> 13) % 3 == 0))
        return NULL;
    void *memory = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    CHECK_FATAL(memory != NULL);
    memset(memory, 0xa5, size);
    size_t now = atomic_fetch_add(&bytes_now, size) + size;
    if (now > atomic_load(&bytes_most))
        atomic_store(&bytes_most, now);
    atomic_fetch_add(&blocks_now, 1);
    return memory;
}

static void counting_release(void *context, void *memory, size_t size)
{
    (void)context;
    if (!memory)
        return;
    atomic_fetch_sub(&bytes_now, size);
    atomic_fetch_sub(&blocks_now, 1);
    free(memory);
}

static const ax_allocator counting = { counting_allocate, counting_release, NULL };

static void counting_reset(void)
{
    fail_at = 0;
    fail_often = false;
    atomic_store(&calls, 0);
    atomic_store(&bytes_most, atomic_load(&bytes_now));
}

static atomic_size_t values_now;

static void value_destroy(void *context, void *value)
{
    (void)context;
    free(value);
    atomic_fetch_sub(&values_now, 1);
}

static uint64_t value_create(void)
{
    atomic_fetch_add(&values_now, 1);
    void *value = malloc(8);
    CHECK_FATAL(value != NULL);
    return (uint64_t)(uintptr_t)value;
}

/* ---- each allocation fails in turn ---- */

#define KEYS 150

static size_t failures_seen;

static void note_failure(ax_status status)
{
    CHECK_FATAL(status == AX_ENOMEM);
    failures_seen++;
}

/* Calls until it works; each failure must be AX_ENOMEM and leave the number of keys alone. */
#define MUST(call)                                          \
    do {                                                    \
        for (;;) {                                          \
            size_t len_ = ax_map_len(map);                  \
            ax_status status_ = (call);                     \
            if (status_ == AX_OK)                           \
                break;                                      \
            note_failure(status_);                          \
            CHECK_FATAL(ax_map_len(map) == len_);           \
        }                                                   \
    } while (0)

static ax_map_visit erase_some(void *context, ax_key key, uint64_t value)
{
    (void)context;
    (void)value;
    return map_number(key) % 3 == 0 ? AX_MAP_ERASE : AX_MAP_NEXT;
}

static void life_of_a_map(const struct map_setup *setup, bool owned, bool consistent)
{
    ax_map *map = NULL;
    ax_map_options o = { .keys = setup->keys, .index = setup->index, .shards = 1, .allocator = &counting };
    o.destroy = owned ? value_destroy : NULL;
    o.flags = consistent ? AX_MAP_CONSISTENT : 0;
    uint64_t storage[MAP_KEY_WORDS];
    ax_status status;
    while ((status = ax_map_create(&o, &map)) != AX_OK) {
        CHECK_FATAL(status == AX_ENOMEM && map == NULL);
        failures_seen++;
    }
    for (uint64_t k = 0; k < KEYS; k++) {
        uint64_t v = owned ? value_create() : k;
        MUST(ax_map_put(map, map_key(setup, k, storage), v));
        uint64_t got = 0;
        CHECK_FATAL(ax_map_get(map, map_key(setup, k / 2, storage), &got) == AX_OK);
    }
    for (uint64_t k = 0; k < KEYS; k += 2) {
        uint64_t v = owned ? value_create() : k + 1;
        MUST(ax_map_put(map, map_key(setup, k, storage), v));
    }
    ax_map_snapshot snapshot;
    MUST(ax_map_snapshot_take(map, &snapshot));
    CHECK_FATAL(snapshot.count == KEYS);
    ax_map_snapshot_free(map, &snapshot);
    while ((status = ax_map_for_each(map, erase_some, NULL)) != AX_OK)
        note_failure(status);
    CHECK_FATAL(ax_map_len(map) == KEYS - KEYS / 3);
    for (uint64_t k = 1; k < KEYS; k += 3)
        MUST(ax_map_remove(map, map_key(setup, k, storage), NULL));
    MUST(ax_map_reserve(map, 1000));
    CHECK_FATAL(ax_map_len(map) == KEYS - 2 * (KEYS / 3));
    for (uint64_t k = 2; k < KEYS; k += 3)
        CHECK_FATAL(ax_map_get(map, map_key(setup, k, storage), NULL) == AX_OK);
    while ((status = ax_map_clear(map)) != AX_OK)
        note_failure(status);
    CHECK_FATAL(ax_map_len(map) == 0);
    uint64_t last = owned ? value_create() : 1;
    MUST(ax_map_put(map, map_key(setup, 1, storage), last));
    CHECK_FATAL(ax_map_destroy(map) == AX_OK);
    CHECK_FATAL(atomic_load(&blocks_now) == 0 && atomic_load(&bytes_now) == 0);
    CHECK_FATAL(atomic_load(&values_now) == 0);
}

static void every_allocation_may_fail_once(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++)
        for (unsigned variant = 0; variant < 3; variant++) {
            size_t total = SIZE_MAX;
            failures_seen = 0;
            size_t n = 1;
            for (; n <= total; n++) {
                counting_reset();
                fail_at = n;
                life_of_a_map(&map_setups[s], variant > 0, variant == 2);
                if (n == 1)
                    total = atomic_load(&calls);
            }
            CHECK(failures_seen >= total - 1); /* the first run counts the call that was refused */
            counting_reset();
            fail_often = true;
            life_of_a_map(&map_setups[s], variant > 0, variant == 2);
            counting_reset();
        }
}

/* ---- a reader that does not leave ---- */

static pthread_barrier_t reader_gate;

static void *stalled_reader(void *map)
{
    ax_map_read_begin(map);
    pthread_barrier_wait(&reader_gate);
    pthread_barrier_wait(&reader_gate);
    ax_map_read_end(map);
    return NULL;
}

static void a_stalled_reader_costs_memory_up_to_the_limit_only(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++)
        for (unsigned owned = 0; owned < 2; owned++) {
            counting_reset();
            ax_map_options o = { .shards = 1, .pending_limit = 100000, .pending_wait_ms = AX_MAP_NO_WAIT };
            o.allocator = &counting;
            o.destroy = owned ? value_destroy : NULL;
            ax_map *map = map_of_setup(&map_setups[s], o);
            pthread_t thread;
            uint64_t storage[MAP_KEY_WORDS], k = 0;
            CHECK_FATAL(pthread_barrier_init(&reader_gate, NULL, 2) == 0);
            CHECK_FATAL(pthread_create(&thread, NULL, stalled_reader, map) == 0);
            pthread_barrier_wait(&reader_gate);
            ax_status status = AX_OK;
            while (status == AX_OK && k < 10000000) { /* new keys come and go; far more than the limit allows */
                k++;
                uint64_t v = owned ? value_create() : 1;
                status = ax_map_put(map, map_key(&map_setups[s], k, storage), v);
                if (status != AX_OK && owned)
                    value_destroy(NULL, (void *)(uintptr_t)v);
                if (status == AX_OK)
                    status = ax_map_remove(map, map_key(&map_setups[s], k, storage), NULL);
            }
            CHECK_EQ(status, AX_EAGAIN);
            ax_map_stats stats;
            ax_map_stats_read(map, &stats);
            CHECK(stats.pending_bytes > 100000 && stats.pending_bytes < 110000);
            CHECK(atomic_load(&bytes_most) < 300000);
            CHECK_EQ(ax_map_get(map, map_key(&map_setups[s], k, storage), NULL),
                     ax_map_len(map) == 1 ? AX_OK : AX_ENOTFOUND);
            pthread_barrier_wait(&reader_gate);
            CHECK_FATAL(pthread_join(thread, NULL) == 0);
            CHECK_EQ(ax_map_flush(map), AX_OK);
            uint64_t last = owned ? value_create() : 1;
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], 1, storage), last), AX_OK);
            CHECK_EQ(ax_map_destroy(map), AX_OK);
            pthread_barrier_destroy(&reader_gate);
            CHECK_EQ(atomic_load(&blocks_now), 0);
            CHECK_EQ(atomic_load(&values_now), 0);
        }
}

/* A writer that may wait is helped on when the reader leaves, and one inside a section does not wait. */
static void *leave_soon(void *map)
{
    ax_map_read_begin(map);
    pthread_barrier_wait(&reader_gate);
    sched_yield();
    ax_map_read_end(map);
    return NULL;
}

static void writers_wait_at_the_limit_for_readers_to_leave(void)
{
    const ax_key key = ax_key_str("too long for a slot, so that an entry goes");
    ax_map_options o = { .keys = AX_MAP_KEYS_BYTES, .pending_limit = 1, .pending_wait_ms = 60000 };
    ax_map *map;
    pthread_t thread;
    CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
    CHECK_FATAL(pthread_barrier_init(&reader_gate, NULL, 2) == 0);
    CHECK_FATAL(pthread_create(&thread, NULL, leave_soon, map) == 0);
    pthread_barrier_wait(&reader_gate);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(ax_map_put(map, key, 1), AX_OK);
        CHECK_EQ(ax_map_remove(map, key, NULL), AX_OK);
    }
    CHECK_FATAL(pthread_join(thread, NULL) == 0);
    ax_map_read_begin(map);
    ax_status status = AX_OK;
    for (unsigned i = 0; i < 3 && status == AX_OK; i++) {
        CHECK_EQ(ax_map_put(map, key, 1), AX_OK);
        status = ax_map_remove(map, key, NULL);
    }
    CHECK_EQ(status, AX_EAGAIN);
    ax_map_read_end(map);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
    pthread_barrier_destroy(&reader_gate);
}

/* ---- shrinking and churn ---- */

static void mass_removal_gives_the_memory_back(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        counting_reset();
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ .shards = 4, .allocator = &counting });
        uint64_t storage[MAP_KEY_WORDS];
        size_t empty = atomic_load(&bytes_now);
        for (uint64_t k = 0; k < 50000; k++)
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), k), AX_OK);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        size_t full = atomic_load(&bytes_now);
        for (uint64_t k = 0; k < 50000; k++)
            CHECK_EQ(ax_map_remove(map, map_key(&map_setups[s], k, storage), NULL), AX_OK);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        CHECK(full > 50000 * 16);
        CHECK(atomic_load(&bytes_now) < empty + 20000);
        for (uint64_t k = 0; k < 1000; k++)
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), k), AX_OK);
        CHECK_EQ(ax_map_len(map), 1000);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
        CHECK_EQ(atomic_load(&blocks_now), 0);
    }
}

static void churn_stays_flat(void)
{
    const uint64_t live = 1000;
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        counting_reset();
        ax_map_options o = { .shards = 1, .allocator = &counting, .pending_limit = 1 << 20 };
        ax_map *map = map_of_setup(&map_setups[s], o);
        ax_map_stats stats;
        uint64_t storage[MAP_KEY_WORDS];
        size_t slots_most = 0;
        for (uint64_t k = 0; k < 100 * live; k++) { /* each key is new; the oldest goes */
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), k), AX_OK);
            if (k >= live)
                CHECK_EQ(ax_map_remove(map, map_key(&map_setups[s], k - live, storage), NULL), AX_OK);
            ax_map_stats_read(map, &stats);
            if (stats.slots > slots_most)
                slots_most = stats.slots;
        }
        CHECK(slots_most <= 8 * live);
        CHECK(stats.rebuilds > 15); /* or dead slots were not swept out at all */
        CHECK(atomic_load(&bytes_most) < 3000000);
        CHECK_EQ(ax_map_len(map), live);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

/* Without memory while most keys go a table stays large. When it shrinks at last, it is to a much smaller one, which
 * must not be full before all is moved. */
static void keys_that_come_while_a_large_table_shrinks_find_room(void)
{
    const uint64_t many = 100000, kept = 1000;
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        const struct map_setup *setup = &map_setups[s];
        counting_reset();
        ax_map *map = map_of_setup(setup, (ax_map_options){ .shards = 1, .allocator = &counting });
        ax_map_stats stats;
        uint64_t storage[MAP_KEY_WORDS];
        for (uint64_t k = 0; k < many; k++)
            CHECK_EQ(ax_map_put(map, map_key(setup, k, storage), k), AX_OK);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        atomic_store(&fail_all, true);
        for (uint64_t k = kept; k < many; k++)
            CHECK_EQ(ax_map_remove(map, map_key(setup, k, storage), NULL), AX_OK);
        atomic_store(&fail_all, false);
        ax_map_stats_read(map, &stats);
        CHECK(stats.slots >= many); /* or nothing was tried */
        for (uint64_t i = 0; stats.slots >= many && i < 8 * kept; i++) {
            CHECK_EQ(ax_map_put(map, map_key(setup, many, storage), i), AX_OK);
            CHECK_EQ(ax_map_remove(map, map_key(setup, many, storage), NULL), AX_OK);
            if (i % 8 == 0)
                CHECK_EQ(ax_map_remove(map, map_key(setup, i / 8, storage), NULL), AX_OK);
            ax_map_stats_read(map, &stats);
        }
        CHECK(stats.slots < many / 4); /* it has begun to shrink, and is in the midst of it */
        for (uint64_t k = 0; k < many; k++)
            CHECK_EQ(ax_map_put(map, map_key(setup, k, storage), k), AX_OK);
        CHECK_EQ(ax_map_len(map), many);
        atomic_store(&fail_all, true);
        for (uint64_t k = 0; k < many; k++)
            CHECK_EQ(ax_map_remove(map, map_key(setup, k, storage), NULL), AX_OK);
        atomic_store(&fail_all, false);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        ax_map_stats_read(map, &stats);
        CHECK(stats.slots <= 16); /* one call does it, from the largest table to the smallest of either index */
        CHECK_EQ(ax_map_destroy(map), AX_OK);
        CHECK_EQ(atomic_load(&blocks_now), 0);
    }
}

/* ---- destroy frees no table while the background thread, at an old one, may look at it ---- */

static atomic_bool old_one_being_freed, destroying;

static void slow_release(void *context, void *memory, size_t size)
{
    const struct timespec moment = { 0, 1000000 };
    if (size >= 1 << 20) {
        CHECK(!atomic_exchange(&old_one_being_freed, true));
        /* time enough for destroy to go wrong; when it is right, it waits for this */
        for (int i = 0; i < 50 && !pthread_equal(*(pthread_t *)context, pthread_self()); i++) {
            while (!atomic_load(&destroying))
                sched_yield();
            nanosleep(&moment, NULL);
        }
        atomic_store(&old_one_being_freed, false);
    }
    free(memory);
}

static void *plain_allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void destroy_waits_for_what_is_being_freed(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        pthread_t destroyer = pthread_self();
        const ax_allocator slow = { plain_allocate, slow_release, &destroyer };
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ .shards = 1, .allocator = &slow });
        uint64_t storage[MAP_KEY_WORDS];
        atomic_store(&destroying, false);
        for (uint64_t k = 0; !atomic_load(&old_one_being_freed) && k < 1 << 20; k++) /* until a large table has gone */
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), k), AX_OK);
        while (!atomic_load(&old_one_being_freed))
            sched_yield();
        atomic_store(&destroying, true);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

/* ---- the system has no pages for a table ---- */

extern void __asan_init(void) __attribute__((weak)); /* AddressSanitizer ends a program that it can't map memory in */

static size_t address_space(void)
{
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK_FATAL(f && fscanf(f, "%zu", &pages) == 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int grow_until_refused(const struct map_setup *setup)
{
    struct rlimit all, little;
    uint64_t storage[MAP_KEY_WORDS], keys = 0, value = 0;
    ax_status status = AX_OK;
    ax_map *map = map_of_setup(setup, (ax_map_options){ .shards = 1 });
    while (keys < 10000 && ax_map_put(map, map_key(setup, keys, storage), keys) == AX_OK)
        keys++;
    CHECK_EQ(keys, 10000);
    CHECK_FATAL(getrlimit(RLIMIT_AS, &all) == 0);
    little = all;
    little.rlim_cur = address_space() + (4 << 20);
    CHECK_FATAL(setrlimit(RLIMIT_AS, &little) == 0);
    while (keys < 10000000 && (status = ax_map_put(map, map_key(setup, keys, storage), keys)) == AX_OK)
        keys++;
    CHECK_FATAL(setrlimit(RLIMIT_AS, &all) == 0);
    CHECK_EQ(status, AX_ENOMEM);
    CHECK_EQ(ax_map_len(map), keys);
    uint64_t wrong = 0;
    for (uint64_t k = 0; k < keys; k++)
        wrong += ax_map_get(map, map_key(setup, k, storage), &value) != AX_OK || value != k;
    CHECK_EQ(wrong, 0);
    CHECK_EQ(ax_map_put(map, map_key(setup, keys, storage), keys), AX_OK);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
    return check_failures == 0 ? 0 : 1;
}

static void a_table_that_the_system_refuses_leaves_the_map_as_it_was(void)
{
    if (__asan_init) {
        puts("left out: AddressSanitizer needs memory itself");
        return;
    }
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        pid_t child = fork();
        CHECK_FATAL(child >= 0);
        if (child == 0)
            leave_child(grow_until_refused(&map_setups[s]));
        int status = 0;
        CHECK_FATAL(waitpid(child, &status, 0) == child);
        CHECK_EQ(status, 0); /* as waitpid says it, so that a signal shows */
    }
}

/* map_memory refused: a ctest entry of its own. */
int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "refused") == 0) {
        RUN(a_table_that_the_system_refuses_leaves_the_map_as_it_was);
        return check_summary();
    }
    RUN(every_allocation_may_fail_once);
    RUN(a_stalled_reader_costs_memory_up_to_the_limit_only);
    RUN(writers_wait_at_the_limit_for_readers_to_leave);
    RUN(mass_removal_gives_the_memory_back);
    RUN(churn_stays_flat);
    RUN(keys_that_come_while_a_large_table_shrinks_find_room);
    RUN(destroy_waits_for_what_is_being_freed);
    return check_summary();
}

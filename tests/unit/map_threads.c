/* SPDX-License-Identifier: MIT */
/* The map under several threads; the same program runs under ThreadSanitizer, without suppressions. */
#include <atomicx/map.h>

#include "../threads.h"
#include "map_setups.h"

#define THREADS 4

#ifdef __SANITIZE_THREAD__
static size_t rounds = 3000; /* per thread; argv[1] */
#else
static size_t rounds = 20000;
#endif

static const struct map_setup *setup;
static ax_map *map;

static uint64_t mix(uint64_t *state) /* xorshift64* (Vigna 2016) */
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717) >> 11;
}

/* ---- no addition is lost to a removal ---- */

#define HOT_KEYS 7

static uint64_t added[THREADS_MAX][HOT_KEYS], taken[THREADS_MAX][HOT_KEYS];

static void add_and_remove(int index, void *unused)
{
    uint64_t state = (uint64_t)index + 1, old;
    (void)unused;
    for (size_t i = 0; i < rounds; i++) {
        uint64_t k = mix(&state) % HOT_KEYS, storage[MAP_KEY_WORDS];
        ax_key key = map_key(setup, k, storage);
        if (mix(&state) % 4 == 0) {
            ax_status status = ax_map_remove(map, key, &old);
            CHECK(status == AX_OK || status == AX_ENOTFOUND);
            taken[index][k] += status == AX_OK ? old : 0;
        } else if (mix(&state) % 8 == 0 && ax_map_get(map, key, &old) == AX_OK) {
            uint64_t expected = old;
            if (ax_map_replace_if_equal(map, key, &expected, old + 3) == AX_OK)
                added[index][k] += 3;
            expected = old + 4;
            if (ax_map_remove_if_equal(map, key, &expected) == AX_OK)
                taken[index][k] += old + 4;
        } else {
            CHECK(ax_map_add(map, key, 1, NULL) == AX_OK);
            added[index][k]++;
        }
    }
}

static void no_addition_is_lost_to_a_removal(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++)
        for (unsigned consistent = 0; consistent < 2; consistent++) {
            setup = &map_setups[s];
            map = map_of_setup(setup, (ax_map_options){ .flags = consistent ? AX_MAP_CONSISTENT : 0, .shards = 2 });
            memset(added, 0, sizeof added);
            memset(taken, 0, sizeof taken);
            run_threads(THREADS, add_and_remove, NULL);
            size_t live = 0;
            for (uint64_t k = 0; k < HOT_KEYS; k++) {
                uint64_t balance = 0, storage[MAP_KEY_WORDS], value = 0;
                for (int t = 0; t < THREADS; t++)
                    balance += added[t][k] - taken[t][k];
                live += ax_map_get(map, map_key(setup, k, storage), &value) == AX_OK;
                CHECK_EQ(value, balance);
            }
            CHECK_EQ(ax_map_len(map), live);
            CHECK(ax_map_destroy(map) == AX_OK);
        }
}

/* ---- growth hides nothing: what was inserted is found at each moment, with its value ---- */

static atomic_size_t inserted[THREADS_MAX];

static void insert_and_look_up(int index, void *unused)
{
    uint64_t state = (uint64_t)index + 1, storage[MAP_KEY_WORDS], value;
    (void)unused;
    for (size_t i = 0; i < rounds; i++) {
        CHECK(ax_map_put(map, map_key(setup, i * THREADS + (size_t)index, storage), i + 1) == AX_OK);
        atomic_store(&inserted[index], i + 1);
        int other = (int)(mix(&state) % THREADS);
        size_t there = atomic_load(&inserted[other]);
        if (there == 0)
            continue;
        uint64_t which = mix(&state) % there;
        CHECK_FATAL(ax_map_get(map, map_key(setup, which * THREADS + (size_t)other, storage), &value) == AX_OK);
        CHECK(value == which + 1);
    }
}

static void growth_hides_nothing(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .shards = 2 });
        for (int t = 0; t < THREADS; t++)
            atomic_store(&inserted[t], 0);
        run_threads(THREADS, insert_and_look_up, NULL);
        CHECK_EQ(ax_map_len(map), THREADS * rounds);
        ax_map_stats stats;
        ax_map_stats_read(map, &stats);
        CHECK(stats.rebuilds > 0); /* or nothing was tried */
        CHECK(ax_map_destroy(map) == AX_OK);
    }
}

/* ---- updates of keys that are being moved are not lost ---- */

#define MOVED_KEYS 4

static void add_or_rebuild(int index, void *unused)
{
    uint64_t state = (uint64_t)index + 1, storage[MAP_KEY_WORDS];
    (void)unused;
    for (size_t i = 0; i < 16 * rounds; i++) {
        if (index > 0) {
            CHECK(ax_map_add(map, map_key(setup, mix(&state) % MOVED_KEYS, storage), 1, NULL) == AX_OK);
            continue;
        }
        /* a new key each time: its slot is used up, and every few of them there is a rebuild */
        uint64_t k = MOVED_KEYS + i;
        CHECK(ax_map_put(map, map_key(setup, k, storage), 1) == AX_OK);
        CHECK(ax_map_remove(map, map_key(setup, k, storage), NULL) == AX_OK);
    }
}

static void updates_go_on_while_keys_move(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .shards = 1 });
        run_threads(3, add_or_rebuild, NULL);
        uint64_t sum = 0, value, storage[MAP_KEY_WORDS];
        for (uint64_t k = 0; k < MOVED_KEYS; k++)
            sum += ax_map_get(map, map_key(setup, k, storage), &value) == AX_OK ? value : 0;
        CHECK_EQ(sum, 2 * 16 * rounds);
        ax_map_stats stats;
        ax_map_stats_read(map, &stats);
        CHECK(stats.rebuilds > rounds / 10);
        CHECK(ax_map_destroy(map) == AX_OK);
    }
}

/* ---- owned values: whole while a section can see them, destroyed exactly once ---- */

#define ALIVE UINT64_C(0x0a11febe77e5)

struct object {
    uint64_t alive, twin;
};
static atomic_size_t created, destroyed;

static struct object *object_create(uint64_t twin)
{
    struct object *o = malloc(sizeof *o);
    CHECK_FATAL(o != NULL);
    *o = (struct object){ ALIVE, twin };
    atomic_fetch_add(&created, 1);
    return o;
}

static void object_destroy(void *context, void *value)
{
    struct object *o = value;
    (void)context;
    CHECK(o->alive == ALIVE);
    memset(o, 0xdd, sizeof *o); /* whoever is still there sees it */
    free(o);
    atomic_fetch_add(&destroyed, 1);
}

static ax_status object_compute(void *context, ax_key key, uint64_t *value)
{
    (void)context;
    *value = (uint64_t)(uintptr_t)object_create(map_number(key));
    return AX_OK;
}

static void use_objects(int index, void *unused)
{
    uint64_t state = (uint64_t)index + 1, storage[MAP_KEY_WORDS], value;
    (void)unused;
    for (size_t i = 0; i < rounds; i++) {
        uint64_t k = mix(&state) % 64;
        ax_key key = map_key(setup, k, storage);
        ax_status status = AX_OK;
        switch (mix(&state) % 8) {
        case 0: {
            struct object *o = object_create(k);
            status = ax_map_put(map, key, (uint64_t)(uintptr_t)o);
            CHECK(status == AX_OK);
            break;
        }
        case 1:
            status = ax_map_remove(map, key, NULL);
            CHECK(status == AX_OK || status == AX_ENOTFOUND);
            break;
        case 2:
            ax_map_read_begin(map);
            CHECK(ax_map_get_or_compute(map, key, object_compute, NULL, &value) == AX_OK);
            CHECK(((struct object *)(uintptr_t)value)->twin == k);
            ax_map_read_end(map);
            break;
        default:
            ax_map_read_begin(map);
            if (ax_map_get(map, key, &value) == AX_OK) {
                const struct object *o = (const struct object *)(uintptr_t)value;
                CHECK(o->alive == ALIVE && o->twin == k);
            }
            ax_map_read_end(map);
        }
    }
}

static void owned_values_outlive_their_readers(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .destroy = object_destroy, .shards = 2 });
        run_threads(THREADS, use_objects, NULL);
        CHECK(ax_map_flush(map) == AX_OK);
        CHECK_EQ(atomic_load(&created) - atomic_load(&destroyed), ax_map_len(map));
        CHECK(ax_map_destroy(map) == AX_OK);
        CHECK_EQ(atomic_load(&created), atomic_load(&destroyed));
    }
}

/* ---- what was written before a put is there after the get that saw it (plain on purpose) ---- */

static uint64_t plain[20000];

static void publish_plain(int index, void *unused)
{
    (void)unused;
    uint64_t n = rounds < 20000 ? rounds : 20000, storage[MAP_KEY_WORDS];
    for (uint64_t i = 0; i < n; i++) {
        if (index == 0) {
            plain[i] = i + 1;
            CHECK(ax_map_put(map, map_key(setup, i, storage), 1) == AX_OK);
        } else if (ax_map_get(map, map_key(setup, i, storage), NULL) == AX_OK) {
            CHECK(plain[i] == i + 1);
        }
    }
}

static void a_put_publishes_what_came_before_it(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .shards = 1 });
        memset(plain, 0, sizeof plain);
        run_threads(THREADS, publish_plain, NULL);
        CHECK(ax_map_destroy(map) == AX_OK);
    }
}

/* ---- walks and snapshots while others write ---- */

#define STEADY 500

struct shown {
    unsigned char times[STEADY];
};

static ax_map_visit count_steady(void *context, ax_key key, uint64_t value)
{
    struct shown *shown = context;
    uint64_t k = map_number(key);
    if (k < STEADY) {
        shown->times[k]++;
        CHECK(value == k);
    }
    return k >= STEADY && k % 5 == 0 ? AX_MAP_ERASE : AX_MAP_NEXT;
}

static void walk_or_churn(int index, void *unused)
{
    uint64_t state = (uint64_t)index + 1, storage[MAP_KEY_WORDS];
    (void)unused;
    if (index > 0) {
        for (size_t i = 0; i < rounds; i++) {
            uint64_t k = STEADY + (i / 3000 % 2 ? i % 3000 : mix(&state) % 50);
            (void)ax_map_put(map, map_key(setup, k, storage), k);
            (void)ax_map_remove(map, map_key(setup, STEADY + mix(&state) % 3000, storage), NULL);
        }
        return;
    }
    for (size_t i = 0; i < rounds / 400 + 1; i++) {
        struct shown shown = { { 0 } };
        CHECK(ax_map_for_each(map, count_steady, &shown) == AX_OK);
        for (size_t k = 0; k < STEADY; k++)
            CHECK(shown.times[k] == 1);
        ax_map_snapshot snapshot;
        CHECK_FATAL(ax_map_snapshot_take(map, &snapshot) == AX_OK);
        memset(&shown, 0, sizeof shown);
        for (size_t n = 0; n < snapshot.count; n++)
            if (map_number(snapshot.items[n].key) < STEADY)
                shown.times[map_number(snapshot.items[n].key)]++;
        for (size_t k = 0; k < STEADY; k++)
            CHECK(shown.times[k] == 1);
        ax_map_snapshot_free(map, &snapshot);
    }
}

static void a_walk_shows_what_stays_exactly_once(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        uint64_t storage[MAP_KEY_WORDS];
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .shards = 2 });
        for (uint64_t k = 0; k < STEADY; k++)
            CHECK(ax_map_put(map, map_key(setup, k, storage), k) == AX_OK);
        run_threads(THREADS, walk_or_churn, NULL);
        CHECK(ax_map_destroy(map) == AX_OK);
    }
}

static void count_in_pairs(int index, void *unused)
{
    uint64_t storage[MAP_KEY_WORDS];
    (void)unused;
    if (index > 0) {
        for (size_t i = 0; i < rounds / 4; i++) {
            CHECK(ax_map_add(map, map_key(setup, (uint64_t)index * 2, storage), 1, NULL) == AX_OK);
            CHECK(ax_map_add(map, map_key(setup, (uint64_t)index * 2 + 1, storage), 1, NULL) == AX_OK);
        }
        return;
    }
    for (size_t i = 0; i < rounds / 100 + 1; i++) {
        uint64_t count[2 * THREADS] = { 0 };
        ax_map_snapshot snapshot;
        CHECK_FATAL(ax_map_snapshot_take(map, &snapshot) == AX_OK);
        for (size_t n = 0; n < snapshot.count; n++)
            count[map_number(snapshot.items[n].key)] = snapshot.items[n].value;
        for (size_t t = 1; t < THREADS; t++)
            CHECK(count[2 * t] - count[2 * t + 1] <= 1);
        ax_map_snapshot_free(map, &snapshot);
    }
}

static void a_consistent_snapshot_is_of_one_moment(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .flags = AX_MAP_CONSISTENT });
        run_threads(THREADS, count_in_pairs, NULL);
        CHECK(ax_map_destroy(map) == AX_OK);
    }
}

/* ---- threads come and go ---- */

static void *end_inside_a_section(void *arg)
{
    uint64_t storage[MAP_KEY_WORDS], value;
    (void)arg;
    ax_map_read_begin(map);
    CHECK(ax_map_get(map, map_key(setup, 1, storage), &value) == AX_OK);
    return NULL;
}

static void a_thread_that_ends_inside_a_section_ends_the_section(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        uint64_t storage[MAP_KEY_WORDS];
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .destroy = object_destroy });
        CHECK(ax_map_put(map, map_key(setup, 1, storage), (uint64_t)(uintptr_t)object_create(1)) == AX_OK);
        pthread_t thread;
        CHECK_FATAL(pthread_create(&thread, NULL, end_inside_a_section, NULL) == 0);
        CHECK_FATAL(pthread_join(thread, NULL) == 0);
        CHECK(ax_map_remove(map, map_key(setup, 1, storage), NULL) == AX_OK);
        CHECK(ax_map_flush(map) == AX_OK); /* a section left open would block it for ever */
        CHECK_EQ(atomic_load(&created), atomic_load(&destroyed));
        CHECK(ax_map_destroy(map) == AX_OK);
    }
}

static void short_lived(int index, void *unused)
{
    uint64_t storage[MAP_KEY_WORDS];
    (void)unused;
    CHECK(ax_map_add(map, map_key(setup, (uint64_t)index % 3, storage), 1, NULL) == AX_OK);
}

static void threads_need_no_registration(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        uint64_t storage[MAP_KEY_WORDS], sum = 0, value;
        setup = &map_setups[s];
        map = map_of_setup(setup, (ax_map_options){ .shards = 1 });
        for (int i = 0; i < 20; i++)
            run_threads(30, short_lived, NULL);
        for (uint64_t k = 0; k < 3; k++)
            sum += ax_map_get(map, map_key(setup, k, storage), &value) == AX_OK ? value : 0;
        CHECK_EQ(sum, 600);
        CHECK(ax_map_destroy(map) == AX_OK);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    RUN(no_addition_is_lost_to_a_removal);
    RUN(growth_hides_nothing);
    RUN(updates_go_on_while_keys_move);
    RUN(owned_values_outlive_their_readers);
    RUN(a_put_publishes_what_came_before_it);
    RUN(a_walk_shows_what_stays_exactly_once);
    RUN(a_consistent_snapshot_is_of_one_moment);
    RUN(a_thread_that_ends_inside_a_section_ends_the_section);
    RUN(threads_need_no_registration);
    return check_summary();
}

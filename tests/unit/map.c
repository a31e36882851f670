/* SPDX-License-Identifier: MIT */
/* What map.h promises to one thread, besides the results that map_model.c compares and what keys of bytes ask for
 * (map_bytes.c). */
#include "map_setups.h"

static void each_number_is_a_key(void)
{
    const uint64_t keys[] = { 0, 1, 2, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63, UINT64_C(0x9d5aa5d19ef0c3b8) };
    const ax_map_index indexes[] = { AX_MAP_INDEX_OWN, AX_MAP_INDEX_CK };
    for (size_t n = 0; n < 2; n++) {
        ax_map *map;
        ax_map_options o = { .index = indexes[n] };
        CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
        for (uint64_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            CHECK_EQ(ax_map_put(map, ax_key_u64(keys[i]), i), AX_OK);
        CHECK_EQ(ax_map_len(map), sizeof keys / sizeof keys[0]);
        for (uint64_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            uint64_t value = 99;
            CHECK_EQ(ax_map_get(map, ax_key_u64(keys[i]), &value), AX_OK);
            CHECK_EQ(value, i);
        }
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static void a_key_of_the_other_kind_is_refused(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ 0 });
        ax_key wrong = map_setups[s].keys == AX_MAP_KEYS_U64 ? ax_key_str("7") : ax_key_u64(7);
        uint64_t out = 99;
        CHECK_EQ(ax_map_put(map, wrong, 1), AX_EINVAL);
        CHECK_EQ(ax_map_put_if_absent(map, wrong, 1, &out), AX_EINVAL);
        CHECK_EQ(ax_map_replace_if_equal(map, wrong, &out, 1), AX_EINVAL);
        CHECK_EQ(ax_map_get(map, wrong, &out), AX_EINVAL);
        CHECK_EQ(ax_map_add(map, wrong, 1, &out), AX_EINVAL);
        CHECK_EQ(ax_map_remove(map, wrong, &out), AX_EINVAL);
        CHECK_EQ(ax_map_remove_if_equal(map, wrong, &out), AX_EINVAL);
        CHECK_EQ(out, 99);
        CHECK_EQ(ax_map_len(map), 0);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static void reserved_words_are_refused_and_their_neighbours_are_not(void)
{
    const uint64_t base = UINT64_C(0x9d5aa5d19ef0c3b8);
    unsigned reserved = 0;
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ 0 });
        uint64_t storage[MAP_KEY_WORDS], value;
        ax_key key = map_key(&map_setups[s], 5, storage);
        CHECK_EQ(ax_map_put(map, key, base - 8), AX_OK);
        for (uint64_t v = base - 8; v < base + 8; v++) {
            uint64_t before = 0;
            CHECK_EQ(ax_map_get(map, key, &before), AX_OK);
            ax_status expected = ax_map_reserved(v) ? AX_ERANGE : AX_OK;
            reserved += ax_map_reserved(v);
            CHECK_EQ(ax_map_put(map, key, v), expected);
            CHECK_EQ(ax_map_get(map, key, &value), AX_OK);
            CHECK(value == (expected == AX_OK ? v : before));
            CHECK_EQ(ax_map_add(map, key, v - value, NULL), expected);
            CHECK_EQ(ax_map_replace_if_equal(map, key, &value, v), expected);
            CHECK_EQ(ax_map_remove(map, key, NULL), AX_OK);
            CHECK_EQ(ax_map_put_if_absent(map, key, v, NULL), expected);
            CHECK_EQ(ax_map_remove(map, key, NULL), expected == AX_OK ? AX_OK : AX_ENOTFOUND);
            CHECK_EQ(ax_map_add(map, key, v, NULL), expected);
            CHECK_EQ(ax_map_put(map, key, before), AX_OK);
        }
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
    CHECK_EQ(reserved, 4 * MAP_SETUPS);
}

static void options_out_of_range_are_refused(void)
{
    ax_map *map = NULL;
    const ax_map_options wrong[] = { { .keys = (ax_map_keys)2 }, { .index = (ax_map_index)3 }, { .shards = 3 },
                                     { .shards = 2 * AX_MAP_MAX_SHARDS }, { .flags = 2 },
                                     { .flags = AX_MAP_CONSISTENT, .shards = 64 }, { .unused_ = { 0, 1 } } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK_EQ(ax_map_create(&wrong[i], &map), AX_EINVAL);
    CHECK(map == NULL);
    CHECK_EQ(ax_map_destroy(NULL), AX_OK);
}

/* ---- callbacks may use the map ---- */

static ax_status compute_by_map(void *context, ax_key key, uint64_t *value)
{
    ax_map *map = context;
    (void)key;
    return ax_map_add(map, ax_key_u64(1), 1, value); /* the count of computations */
}

static ax_status compute_fails(void *context, ax_key key, uint64_t *value)
{
    (void)context;
    (void)key;
    (void)value;
    return AX_ECANCELED;
}

static ax_map_visit visit_and_use(void *context, ax_key key, uint64_t value)
{
    ax_map *map = context;
    CHECK_EQ(ax_map_get(map, key, NULL), AX_OK);
    CHECK_EQ(ax_map_put(map, ax_key_u64(1000000 + ax_key_number(key)), value), AX_OK);
    CHECK_EQ(ax_map_destroy(map), AX_EDEADLK);
    CHECK_EQ(ax_map_flush(map), AX_EDEADLK);
    return ax_key_number(key) < 1000 ? AX_MAP_ERASE : AX_MAP_NEXT;
}

static void callbacks_may_use_the_map(void)
{
    const ax_map_index indexes[] = { AX_MAP_INDEX_OWN, AX_MAP_INDEX_CK };
    for (size_t n = 0; n < 2; n++) {
        ax_map *map;
        ax_map_options o = { .index = indexes[n], .shards = 1 };
        uint64_t value = 99;
        CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
        CHECK_EQ(ax_map_get_or_compute(map, ax_key_u64(2), compute_fails, NULL, &value), AX_ECANCELED);
        CHECK_EQ(value, 99);
        CHECK_EQ(ax_map_get_or_compute(map, ax_key_u64(2), compute_by_map, map, &value), AX_OK);
        CHECK_EQ(ax_map_get_or_compute(map, ax_key_u64(2), compute_by_map, map, &value), AX_OK);
        CHECK_EQ(value, 0);
        for (uint64_t k = 3; k < 1000; k++)
            CHECK_EQ(ax_map_put(map, ax_key_u64(k), k), AX_OK);
        CHECK_EQ(ax_map_for_each(map, visit_and_use, map), AX_OK);
        CHECK_EQ(ax_map_get(map, ax_key_u64(500), NULL), AX_ENOTFOUND);
        CHECK(ax_map_get(map, ax_key_u64(1000500), &value) == AX_OK && value == 500);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

/* Another thread's part: the key is there when the computation ends. */
static uint64_t values[2];
static unsigned destroyed_in_vain;

static void count_in_vain(void *context, void *value)
{
    CHECK(context == values);
    destroyed_in_vain += value == &values[1];
}

static ax_status compute_too_late(void *context, ax_key key, uint64_t *value)
{
    CHECK_EQ(ax_map_put(context, key, (uint64_t)(uintptr_t)&values[0]), AX_OK);
    *value = (uint64_t)(uintptr_t)&values[1];
    return AX_OK;
}

static void what_was_computed_in_vain_is_destroyed(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ .destroy = count_in_vain, .destroy_context = values });
        uint64_t storage[MAP_KEY_WORDS], value = 0;
        destroyed_in_vain = 0;
        CHECK_EQ(ax_map_get_or_compute(map, map_key(&map_setups[s], 1, storage), compute_too_late, map, &value), AX_OK);
        CHECK(value == (uint64_t)(uintptr_t)&values[0]);
        CHECK_EQ(destroyed_in_vain, 1);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

/* Removals that may not go past the limit: clear waits between sections, and in one it cannot. */
static void clear_goes_on_where_it_may_wait_and_is_refused_where_not(void)
{
    const uint64_t keys = 100;
    for (size_t s = 1; s < MAP_SETUPS; s++) { /* without numbers in the own index, whose removals retire nothing */
        ax_map_options o = { .shards = 1, .pending_limit = 1, .pending_wait_ms = 60000 };
        ax_map *map = map_of_setup(&map_setups[s], o);
        uint64_t storage[MAP_KEY_WORDS];
        for (uint64_t k = 0; k < keys; k++)
            while (ax_map_put(map, map_key(&map_setups[s], k, storage), k) == AX_EAGAIN)
                continue;
        CHECK_EQ(ax_map_flush(map), AX_OK);
        ax_map_read_begin(map);
        CHECK_EQ(ax_map_clear(map), AX_EAGAIN);
        CHECK(ax_map_len(map) > 0 && ax_map_len(map) < keys);
        ax_map_read_end(map);
        CHECK_EQ(ax_map_clear(map), AX_OK);
        CHECK_EQ(ax_map_len(map), 0);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static void room_may_be_made_during_a_rebuild(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ .shards = 1 });
        uint64_t storage[MAP_KEY_WORDS], value = 0, wrong = 0;
        for (uint64_t k = 0; k < 5000; k++) {
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), k), AX_OK);
            if (k % 10 == 0)
                CHECK_EQ(ax_map_reserve(map, 1), AX_OK);
        }
        for (uint64_t k = 0; k < 5000; k++)
            wrong += ax_map_get(map, map_key(&map_setups[s], k, storage), &value) != AX_OK || value != k;
        CHECK_EQ(wrong, 0);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static unsigned shown;

static ax_map_visit stop_at_third(void *context, ax_key key, uint64_t value)
{
    (void)context;
    (void)key;
    (void)value;
    return ++shown == 3 ? AX_MAP_STOP : AX_MAP_NEXT;
}

/* The visitor changes the value it is shown before it asks for the key to be erased. */
static ax_map_visit change_then_erase(void *context, ax_key key, uint64_t value)
{
    shown++;
    if (value == 0)
        CHECK_EQ(ax_map_put(context, key, 1), AX_OK);
    return AX_MAP_ERASE;
}

static void a_walk_stops_when_told_and_erases_only_what_it_showed(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ 0 });
        uint64_t storage[MAP_KEY_WORDS];
        for (uint64_t k = 0; k < 100; k++)
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), 0), AX_OK);
        shown = 0;
        CHECK_EQ(ax_map_for_each(map, stop_at_third, NULL), AX_OK);
        CHECK_EQ(shown, 3);
        shown = 0;
        CHECK_EQ(ax_map_for_each(map, change_then_erase, map), AX_OK);
        CHECK_EQ(shown, 200);
        CHECK_EQ(ax_map_len(map), 0);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

/* The table is rebuilt, several times over, between two visits. */
struct growing_walk {
    const struct map_setup *setup;
    ax_map *map;
    unsigned times[100];
};

static ax_map_visit count_and_grow(void *context, ax_key key, uint64_t value)
{
    struct growing_walk *walk = context;
    uint64_t storage[MAP_KEY_WORDS];
    if (value < 100)
        walk->times[value]++;
    CHECK(value >= 100 || map_number(key) == value);
    for (uint64_t k = 0; value < 100 && k < 50; k++)
        CHECK_EQ(ax_map_put(walk->map, map_key(walk->setup, value * 1000 + 100000 + k, storage), 1000), AX_OK);
    return AX_MAP_NEXT;
}

static void a_walk_goes_on_through_rebuilds(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        struct growing_walk walk = { &map_setups[s], map_of_setup(&map_setups[s], (ax_map_options){ .shards = 1 }), { 0 } };
        uint64_t storage[MAP_KEY_WORDS];
        ax_map_stats before, after;
        for (uint64_t k = 0; k < 100; k++)
            CHECK_EQ(ax_map_put(walk.map, map_key(walk.setup, k, storage), k), AX_OK);
        ax_map_stats_read(walk.map, &before);
        CHECK_EQ(ax_map_for_each(walk.map, count_and_grow, &walk), AX_OK);
        ax_map_stats_read(walk.map, &after);
        for (uint64_t k = 0; k < 100; k++)
            CHECK_EQ(walk.times[k], 1);
        CHECK(after.rebuilds >= before.rebuilds + 3);
        CHECK_EQ(ax_map_destroy(walk.map), AX_OK);
    }
}

/* ---- owned values ---- */

static unsigned destroyed_count;
static ax_map *destructor_map;

static void destroy_and_use(void *context, void *value)
{
    CHECK(context == &destroyed_count);
    if (destructor_map) {
        CHECK_EQ(ax_map_flush(destructor_map), AX_EDEADLK);
        CHECK_EQ(ax_map_destroy(destructor_map), AX_EDEADLK);
        CHECK(ax_map_put(destructor_map, ax_key_u64(77), (uint64_t)(uintptr_t)malloc(1)) == AX_OK);
    }
    free(value);
    __atomic_fetch_add(&destroyed_count, 1, __ATOMIC_RELAXED);
}

static void each_owned_value_is_destroyed_once(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        ax_map_options o = { .destroy = destroy_and_use, .destroy_context = &destroyed_count };
        ax_map *map = map_of_setup(&map_setups[s], o);
        uint64_t storage[MAP_KEY_WORDS], old, existing = 0;
        ax_key key = map_key(&map_setups[s], 7, storage);
        destroyed_count = 0;
        uint64_t first = (uint64_t)(uintptr_t)malloc(8), second = (uint64_t)(uintptr_t)malloc(8);
        CHECK_EQ(ax_map_put(map, key, first), AX_OK);
        CHECK_EQ(ax_map_put(map, key, first), AX_OK); /* the same pointer stays where it is */
        CHECK_EQ(ax_map_add(map, key, 1, NULL), AX_EINVAL);
        CHECK_EQ(ax_map_put_if_absent(map, key, second, &existing), AX_EEXIST); /* second is still ours */
        CHECK(existing == first);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        CHECK_EQ(destroyed_count, 0);
        old = first;
        CHECK_EQ(ax_map_replace_if_equal(map, key, &old, second), AX_OK);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        CHECK_EQ(destroyed_count, 1);
        ax_map_read_begin(map);
        CHECK(ax_map_remove(map, key, &old) == AX_OK && old == second);
        *(char *)(uintptr_t)old = 1; /* still there: we were in a section */
        ax_map_read_end(map);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        CHECK_EQ(destroyed_count, 2);
        for (uint64_t k = 0; k < 1000; k++)
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), (uint64_t)(uintptr_t)malloc(8)), AX_OK);
        CHECK_EQ(ax_map_clear(map), AX_OK);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        CHECK_EQ(destroyed_count, 1002);
        for (uint64_t k = 0; k < 1000; k++)
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), (uint64_t)(uintptr_t)malloc(8)), AX_OK);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
        CHECK_EQ(destroyed_count, 2002);
    }
}

static void a_destructor_may_use_another_map(void)
{
    ax_map *map;
    ax_map_options o = { .destroy = destroy_and_use, .destroy_context = &destroyed_count };
    ax_map_options other = { .destroy = destroy_and_use, .destroy_context = &destroyed_count };
    CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
    CHECK_FATAL(ax_map_create(&other, &destructor_map) == AX_OK);
    CHECK_EQ(ax_map_put(map, ax_key_u64(1), (uint64_t)(uintptr_t)malloc(8)), AX_OK);
    CHECK_EQ(ax_map_remove(map, ax_key_u64(1), NULL), AX_OK);
    CHECK_EQ(ax_map_flush(map), AX_OK);
    CHECK_EQ(ax_map_len(destructor_map), 1);
    ax_map *using = destructor_map;
    destructor_map = NULL;
    CHECK_EQ(ax_map_destroy(using), AX_OK);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
}

static void sections_nest(void)
{
    ax_map *map;
    uint64_t value;
    CHECK_FATAL(ax_map_create(NULL, &map) == AX_OK);
    ax_map_read_begin(map);
    ax_map_read_begin(map);
    CHECK_EQ(ax_map_put(map, ax_key_u64(1), 2), AX_OK);
    ax_map_read_end(map);
    CHECK_EQ(ax_map_flush(map), AX_EDEADLK);
    CHECK(ax_map_get(map, ax_key_u64(1), &value) == AX_OK && value == 2);
    ax_map_read_end(map);
    CHECK_EQ(ax_map_flush(map), AX_OK);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
}

static void keys_that_come_and_go_rebuild_nothing(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        if (map_setups[s].index != AX_MAP_INDEX_OWN)
            continue;
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ .shards = 1 });
        ax_map_stats before, after;
        uint64_t storage[MAP_KEY_WORDS], value;
        CHECK_EQ(ax_map_reserve(map, 100), AX_OK);
        ax_map_stats_read(map, &before);
        for (uint64_t i = 0; i < 10000; i++) {
            ax_key key = map_key(&map_setups[s], i % 20, storage);
            CHECK_EQ(ax_map_put(map, key, i), AX_OK);
            CHECK(ax_map_get(map, key, &value) == AX_OK && value == i);
            CHECK_EQ(ax_map_remove(map, key, NULL), AX_OK);
            CHECK_EQ(ax_map_get(map, key, &value), AX_ENOTFOUND);
        }
        ax_map_stats_read(map, &after);
        CHECK_EQ(after.rebuilds, before.rebuilds);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static void reserved_room_is_not_rebuilt(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ .shards = 8 });
        ax_map_stats before, after;
        uint64_t storage[MAP_KEY_WORDS];
        CHECK_EQ(ax_map_reserve(map, SIZE_MAX), AX_ENOMEM);
        CHECK_EQ(ax_map_reserve(map, SIZE_MAX >> 16), AX_ENOMEM);
        CHECK_EQ(ax_map_reserve(map, 10000), AX_OK);
        ax_map_stats_read(map, &before);
        for (uint64_t k = 0; k < 10000; k++)
            CHECK_EQ(ax_map_put(map, map_key(&map_setups[s], k, storage), k), AX_OK);
        ax_map_stats_read(map, &after);
        CHECK_EQ(after.rebuilds, before.rebuilds);
        CHECK_EQ(after.slots, before.slots);
        CHECK_EQ(after.entries, 10000);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

/* From 2 MiB on a table has pages of its own kind (lib/alloc.h). */
static void large_tables_come_and_go(void)
{
    const uint64_t keys = 110000;
    for (size_t i = 0; i < MAP_SETUPS; i++) {
        ax_map *map = map_of_setup(&map_setups[i], (ax_map_options){ .shards = 1 });
        uint64_t storage[MAP_KEY_WORDS], wrong = 0, value = 0;
        for (uint64_t k = 0; k < keys; k++)
            wrong += ax_map_put(map, map_key(&map_setups[i], k, storage), k) != AX_OK;
        ax_map_stats stats;
        ax_map_stats_read(map, &stats);
        CHECK(stats.slots * 16 >= 2 << 20);
        for (uint64_t k = 0; k < keys; k++)
            wrong += ax_map_get(map, map_key(&map_setups[i], k, storage), &value) != AX_OK || value != k;
        for (uint64_t k = 0; k < keys; k++)
            wrong += ax_map_remove(map, map_key(&map_setups[i], k, storage), NULL) != AX_OK;
        CHECK_EQ(wrong, 0);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        ax_map_stats_read(map, &stats);
        CHECK(stats.bytes < 16384 && stats.pending_bytes == 0);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static uint64_t upper_half_only(void *context, const void *key, size_t length)
{
    uint64_t n;
    (void)context;
    CHECK_FATAL(length >= sizeof n);
    memcpy(&n, key, sizeof n);
    return n << 40;
}

#ifdef __SANITIZE_THREAD__
enum { LONG_PROBES = 1000 };
#else
enum { LONG_PROBES = 3000 };
#endif

/* Probes become long. */
static void keys_that_share_the_lower_half_of_their_hash_are_found(void)
{
    const uint64_t keys = LONG_PROBES;
    for (size_t i = 0; i < MAP_SETUPS; i++) {
        ax_map *map = map_of_setup(&map_setups[i], (ax_map_options){ .shards = 1, .hash = upper_half_only });
        uint64_t storage[MAP_KEY_WORDS], wrong = 0, value = 0;
        for (uint64_t k = 0; k < keys; k++)
            wrong += ax_map_put(map, map_key(&map_setups[i], k, storage), k) != AX_OK;
        for (uint64_t k = 0; k < keys; k++)
            wrong += ax_map_get(map, map_key(&map_setups[i], k, storage), &value) != AX_OK || value != k;
        CHECK_EQ(wrong, 0);
        CHECK_EQ(ax_map_flush(map), AX_OK);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static void maps_end_in_any_order(void)
{
    ax_map *maps[3];
    for (size_t i = 0; i < 3; i++)
        maps[i] = map_of_setup(&map_setups[i], (ax_map_options){ .shards = 1 });
    CHECK_EQ(ax_map_destroy(maps[0]), AX_OK);
    CHECK_EQ(ax_map_destroy(maps[2]), AX_OK);
    CHECK_EQ(ax_map_destroy(maps[1]), AX_OK);
}

int main(void)
{
    RUN(each_number_is_a_key);
    RUN(a_key_of_the_other_kind_is_refused);
    RUN(reserved_words_are_refused_and_their_neighbours_are_not);
    RUN(options_out_of_range_are_refused);
    RUN(callbacks_may_use_the_map);
    RUN(a_walk_stops_when_told_and_erases_only_what_it_showed);
    RUN(a_walk_goes_on_through_rebuilds);
    RUN(each_owned_value_is_destroyed_once);
    RUN(a_destructor_may_use_another_map);
    RUN(sections_nest);
    RUN(keys_that_come_and_go_rebuild_nothing);
    RUN(reserved_room_is_not_rebuilt);
    RUN(room_may_be_made_during_a_rebuild);
    RUN(what_was_computed_in_vain_is_destroyed);
    RUN(clear_goes_on_where_it_may_wait_and_is_refused_where_not);
    RUN(large_tables_come_and_go);
    RUN(keys_that_share_the_lower_half_of_their_hash_are_found);
    RUN(maps_end_in_any_order);
    return check_summary();
}

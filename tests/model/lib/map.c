/* SPDX-License-Identifier: MIT */
/* map.h under the model, own index with 64-bit keys: the real lib/map*.c but for the ck index, over a
 * stand-in for the grace period (standin/rcu.c). One shard, and a hash that makes two keys neighbours. */
#include "../threads.h"

#include <atomicx/map.h>

static ax_map *map;
static int note; /* plain on purpose */
static uint64_t seen[4];
static ax_status results[4];

static uint64_t same_place(void *context, const void *key, size_t length)
{
    (void)context;
    (void)key;
    (void)length;
    return 0x1234567800000000u;
}
static void open_map(void)
{
    ax_map_options options = {.shards = 1, .hash = same_place};
    assert(ax_map_create(&options, &map) == AX_OK);
}

THREAD(adds_to_one) { results[(size_t)self] = ax_map_add(map, ax_key_u64(1), 1, &seen[(size_t)self]); return NULL; }
AX_MODEL_TEST(two_additions_to_one_key_both_count)
{
    open_map();
    run2(adds_to_one, adds_to_one);
    uint64_t v;
    assert(ax_map_get(map, ax_key_u64(1), &v) == AX_OK && v == 2);
    assert(seen[1] + seen[2] == 1);
    assert(ax_map_len(map) == 1);
    ax_map_destroy(map);
}
THREAD(puts_after_note)
{
    note = 5;
    assert(ax_map_put(map, ax_key_u64(1), 7) == AX_OK);
    return NULL;
}
THREAD(gets_and_looks)
{
    uint64_t v;
    if (ax_map_get(map, ax_key_u64(1), &v) == AX_OK)
        assert(v == 7 && note == 5);
    return NULL;
}
AX_MODEL_TEST(a_value_that_is_found_orders_what_was_before_it)
{
    open_map();
    run2(puts_after_note, gets_and_looks);
    ax_map_destroy(map);
}
THREAD(takes_out)
{
    results[(size_t)self] = ax_map_remove(map, ax_key_u64(1), &seen[(size_t)self]);
    return NULL;
}
AX_MODEL_TEST(of_two_removals_one_gets_the_value)
{
    open_map();
    assert(ax_map_put(map, ax_key_u64(1), 3) == AX_OK);
    run2(takes_out, takes_out);
    assert((results[1] == AX_OK) != (results[2] == AX_OK));
    assert(seen[results[1] == AX_OK ? 1 : 2] == 3);
    assert(ax_map_len(map) == 0);
    ax_map_destroy(map);
}
AX_MODEL_TEST(nothing_is_added_to_what_was_taken_out)
{
    open_map();
    assert(ax_map_put(map, ax_key_u64(1), 3) == AX_OK);
    run2(takes_out, adds_to_one);
    uint64_t v = 0;
    assert(results[1] == AX_OK && results[2] == AX_OK);
    ax_status s = ax_map_get(map, ax_key_u64(1), &v);
    assert((seen[1] == 4 && s == AX_ENOTFOUND) || (seen[1] == 3 && s == AX_OK && v == 1));
    ax_map_destroy(map);
}
THREAD(puts_other) { assert(ax_map_put(map, ax_key_u64(2), 9) == AX_OK); return NULL; }
AX_MODEL_TEST(neighbours_do_not_meet)
{
    open_map();
    run2(puts_after_note, puts_other);
    uint64_t v;
    assert(ax_map_get(map, ax_key_u64(1), &v) == AX_OK && v == 7);
    assert(ax_map_get(map, ax_key_u64(2), &v) == AX_OK && v == 9);
    assert(ax_map_len(map) == 2);
    ax_map_destroy(map);
}

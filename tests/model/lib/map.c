/* SPDX-License-Identifier: MIT */
/* map.h under the model: the real lib/map*.c over stand-ins for ck_ht and the grace period (standin/ck_ht.c,
 * standin/urcu-bp.c, standin/reclaim.c), for all layouts (map_layout.h). One shard, and a hash that makes two keys
 * neighbours. */
#include "../threads.h"

#include "map_layout.h"

static ax_map *map;
static int note; /* plain on purpose */
static uint64_t seen[4];
static ax_status results[4];

static void open_map(void)
{
    ax_map_options options = {LAYOUT, .shards = 1, .hash = same_place};
    assert(ax_map_create(&options, &map) == AX_OK);
}
#ifdef SLOTS
/* Its own hash, so that puts and additions take the short way. */
static void open_map_as_users_do(void) { assert(ax_map_create(&(ax_map_options){LAYOUT}, &map) == AX_OK); }
#endif
/* Keys 1 and 2 in shards of their own, as the mutex of one shard orders its insertions. */
static void open_map_of_two_shards(void)
{
    ax_map_options options = {LAYOUT, .shards = 2, .hash = own_place};
    assert(ax_map_create(&options, &map) == AX_OK);
}
/* Key 1 has 3, and the next insertion of another key rebuilds the table: its other slots are used, but dead. */
static void open_full_map(void)
{
    open_map();
    for (uint64_t k = 1; k <= 3; k++)
        assert(ax_map_put(map, key(k), 3) == AX_OK);
    for (uint64_t k = 2; k <= 3; k++)
        assert(ax_map_remove(map, key(k), NULL) == AX_OK);
}

/* Forgets it too: what somebody still points to is no leak. */
static void close_map(void)
{
    assert(ax_map_destroy(map) == AX_OK);
    map = NULL;
}

THREAD(adds_to_one) { results[(size_t)self] = ax_map_add(map, key(1), 1, &seen[(size_t)self]); return NULL; }
AX_MODEL_TEST(two_additions_to_one_key_both_count)
{
    open_map();
    run2(adds_to_one, adds_to_one);
    uint64_t v;
    assert(ax_map_get(map, key(1), &v) == AX_OK && v == 2);
    assert(seen[1] + seen[2] == 1);
    assert(ax_map_len(map) == 1);
    close_map();
}
#ifdef SLOTS
AX_MODEL_TEST(two_additions_the_short_way_both_count)
{
    open_map_as_users_do();
    assert(ax_map_put(map, key(1), 3) == AX_OK);
    run2(adds_to_one, adds_to_one);
    uint64_t v;
    assert(ax_map_get(map, key(1), &v) == AX_OK && v == 5);
    assert(seen[1] + seen[2] == 7);
    close_map();
}
#endif
THREAD(puts_after_note)
{
    note = 5;
    assert(ax_map_put(map, key(1), 7) == AX_OK);
    return NULL;
}
THREAD(gets_and_looks)
{
    uint64_t v;
    if (ax_map_get(map, key(1), &v) == AX_OK)
        assert(v == 7 && note == 5);
    return NULL;
}
AX_MODEL_TEST(a_value_that_is_found_orders_what_was_before_it)
{
    open_map();
    run2(puts_after_note, gets_and_looks);
    close_map();
}
THREAD(takes_out)
{
    results[(size_t)self] = ax_map_remove(map, key(1), &seen[(size_t)self]);
    return NULL;
}
AX_MODEL_TEST(of_two_removals_one_gets_the_value)
{
    open_map();
    assert(ax_map_put(map, key(1), 3) == AX_OK);
    run2(takes_out, takes_out);
    assert((results[1] == AX_OK) != (results[2] == AX_OK));
    assert(seen[results[1] == AX_OK ? 1 : 2] == 3);
    assert(ax_map_len(map) == 0);
    close_map();
}
AX_MODEL_TEST(nothing_is_added_to_what_was_taken_out)
{
    open_map();
    assert(ax_map_put(map, key(1), 3) == AX_OK);
    run2(takes_out, adds_to_one);
    uint64_t v = 0;
    assert(results[1] == AX_OK && results[2] == AX_OK);
    ax_status s = ax_map_get(map, key(1), &v);
    assert((seen[1] == 4 && s == AX_ENOTFOUND) || (seen[1] == 3 && s == AX_OK && v == 1));
    close_map();
}
THREAD(puts_other) { assert(ax_map_put(map, key(2), 9) == AX_OK); return NULL; }
AX_MODEL_TEST(neighbours_do_not_meet)
{
    open_map();
    run2(puts_after_note, puts_other);
    uint64_t v;
    assert(ax_map_get(map, key(1), &v) == AX_OK && v == 7);
    assert(ax_map_get(map, key(2), &v) == AX_OK && v == 9);
    assert(ax_map_len(map) == 2);
    close_map();
}
/* M1. In sections, as the stand-in's beginning of one is a fence of its own, which the real one is not. */
THREAD(inserts_1_and_looks_for_2)
{
    ax_map_read_begin(map);
    assert(ax_map_put(map, key(1), 7) == AX_OK);
    results[1] = ax_map_get(map, key(2), NULL);
    ax_map_read_end(map);
    return NULL;
}
THREAD(inserts_2_and_looks_for_1)
{
    ax_map_read_begin(map);
    assert(ax_map_put(map, key(2), 7) == AX_OK);
    results[2] = ax_map_get(map, key(1), NULL);
    ax_map_read_end(map);
    return NULL;
}
AX_MODEL_TEST(of_two_that_insert_and_look_one_sees_the_other)
{
    open_map_of_two_shards();
    run2(inserts_1_and_looks_for_2, inserts_2_and_looks_for_1);
    assert(results[1] == AX_OK || results[2] == AX_OK);
    close_map();
}
/* The same where the look-up may come by a table that was left before anything was inserted: without MOVED in it, and no
 * claim came while it was moved. */
THREAD(makes_room_inserts_1_and_looks_for_2)
{
    ax_map_read_begin(map); /* the stand-in for the grace period waits outside of sections */
    assert(ax_map_reserve(map, 20) == AX_OK);
    inserts_1_and_looks_for_2(self);
    ax_map_read_end(map);
    return NULL;
}
AX_MODEL_TEST(M1_of_two_that_insert_after_making_room_one_sees_the_other)
{
    ax_map_options options = {LAYOUT, .shards = 2, .hash = spread};
    assert(ax_map_create(&options, &map) == AX_OK);
    assert(ax_map_reserve(map, 2) == AX_OK);
    assert(ax_map_put(map, key(3), 3) == AX_OK);
    run2(makes_room_inserts_1_and_looks_for_2, inserts_2_and_looks_for_1);
    assert(results[1] == AX_OK || results[2] == AX_OK);
    close_map();
}
THREAD(replaces_1_and_looks_at_2)
{
    ax_map_read_begin(map);
    assert(ax_map_put(map, key(1), 7) == AX_OK);
    assert(ax_map_get(map, key(2), &seen[1]) == AX_OK);
    ax_map_read_end(map);
    return NULL;
}
THREAD(replaces_2_and_looks_at_1)
{
    ax_map_read_begin(map);
    assert(ax_map_put(map, key(2), 7) == AX_OK);
    assert(ax_map_get(map, key(1), &seen[2]) == AX_OK);
    ax_map_read_end(map);
    return NULL;
}
AX_MODEL_TEST(of_two_that_replace_and_look_one_sees_the_other)
{
    open_map();
    assert(ax_map_put(map, key(1), 3) == AX_OK);
    assert(ax_map_put(map, key(2), 3) == AX_OK);
    run2(replaces_1_and_looks_at_2, replaces_2_and_looks_at_1);
    assert(seen[1] == 7 || seen[2] == 7);
    close_map();
}
/* The same where both keys had a value once, and come back to life where they were. */
static void open_map_of_the_dead(void)
{
    open_map();
    for (uint64_t k = 1; k <= 2; k++)
        assert(ax_map_put(map, key(k), 3) == AX_OK);
    for (uint64_t k = 1; k <= 2; k++)
        assert(ax_map_remove(map, key(k), NULL) == AX_OK);
}
AX_MODEL_TEST(of_two_that_put_back_and_look_one_sees_the_other)
{
    open_map_of_the_dead();
    run2(inserts_1_and_looks_for_2, inserts_2_and_looks_for_1);
    assert(results[1] == AX_OK || results[2] == AX_OK);
    close_map();
}
THREAD(puts_1_back)
{
    results[(size_t)self] = ax_map_put_if_absent(map, key(1), (size_t)self, NULL);
    return NULL;
}
AX_MODEL_TEST(of_two_that_put_one_key_back_one_does)
{
    open_map_of_the_dead();
    run2(puts_1_back, puts_1_back);
    uint64_t value;
    assert(ax_map_get(map, key(1), &value) == AX_OK && results[value] == AX_OK && results[3 - value] != AX_OK);
    close_map();
}
#ifdef SLOTS
AX_MODEL_TEST(of_two_that_replace_the_short_way_and_look_one_sees_the_other)
{
    open_map_as_users_do();
    assert(ax_map_put(map, key(1), 3) == AX_OK);
    assert(ax_map_put(map, key(2), 3) == AX_OK);
    run2(replaces_1_and_looks_at_2, replaces_2_and_looks_at_1);
    assert(seen[1] == 7 || seen[2] == 7);
    ax_map_destroy(map);
}
#endif
/* Slots that nobody has claimed have the tag 0, and of those a look-up tries the third first. */
THREAD(puts_2_and_3)
{
    assert(ax_map_put(map, key(2), 9) == AX_OK);
    assert(ax_map_put(map, key(3), 9) == AX_OK);
    return NULL;
}
THREAD(looks_for_0)
{
    assert(ax_map_get(map, key(0), NULL) == AX_ENOTFOUND);
    return NULL;
}
AX_MODEL_TEST(key_0_is_not_found_in_a_slot_that_is_being_claimed)
{
    open_map();
    assert(ax_map_put(map, key(1), 3) == AX_OK);
    run2(puts_2_and_3, looks_for_0);
    close_map();
}
/* ---- while a table is rebuilt, which puts_7 begins and ends ---- */
THREAD(puts_7) { assert(ax_map_put(map, key(7), 9) == AX_OK); return NULL; }
AX_MODEL_TEST(key_0_is_not_found_in_a_slot_that_is_being_filled)
{
    open_full_map();
    run2(puts_7, looks_for_0);
    close_map();
}
#if defined SLOTS && !defined SHORT /* where it is the same, and ten times the time */
/* All that the rebuild has taken for dead is alive again when it moves. */
THREAD(brings_three_back)
{
    for (uint64_t k = 1; k <= 3; k++)
        assert(ax_map_put(map, key(k), 3) == AX_OK);
    return NULL;
}
AX_MODEL_TEST(looking_for_a_key_that_is_not_there_ends_after_a_rebuild_that_counted_too_few)
{
    open_full_map();
    assert(ax_map_remove(map, key(1), NULL) == AX_OK);
    run2(puts_7, brings_three_back);
    assert(ax_map_get(map, key(8), NULL) == AX_ENOTFOUND);
    close_map();
}
#endif
THREAD(gets_3)
{
    uint64_t v;
    assert(ax_map_get(map, key(1), &v) == AX_OK && v == 3);
    return NULL;
}
AX_MODEL_TEST(a_key_is_found_while_it_moves)
{
    open_full_map();
    run2(puts_7, gets_3);
    close_map();
}
AX_MODEL_TEST(an_addition_counts_while_its_key_moves)
{
    open_full_map();
    run2(puts_7, adds_to_one);
    uint64_t v;
    assert(ax_map_get(map, key(1), &v) == AX_OK && v == 4);
    assert(ax_map_get(map, key(7), &v) == AX_OK && v == 9);
    assert(ax_map_len(map) == 2);
    close_map();
}
AX_MODEL_TEST(what_is_taken_out_while_it_moves_does_not_come_back)
{
    open_full_map();
    run2(takes_out, puts_7);
    assert(results[1] == AX_OK && seen[1] == 3);
    assert(ax_map_get(map, key(1), NULL) == AX_ENOTFOUND);
    assert(ax_map_len(map) == 1);
    close_map();
}
/* ---- M2: what comes with a word, wherever it is found ---- */
THREAD(gets_and_looks_if_replaced)
{
    uint64_t v;
    assert(ax_map_get(map, key(1), &v) == AX_OK);
    if (v == 7)
        assert(note == 5);
    return NULL;
}
AX_MODEL_TEST(M2_a_value_that_has_moved_orders_what_was_before_it)
{
    open_full_map();
    run3(puts_after_note, puts_7, gets_and_looks_if_replaced);
    close_map();
}
static int shown; /* of key 1 */
static ax_map_visit looks(void *context, ax_key k, uint64_t value)
{
    (void)context;
    shown += same_number(k, 1);
    if (value == 7)
        assert(note == 5);
    return AX_MAP_NEXT;
}
THREAD(walks) { assert(ax_map_for_each(map, looks, NULL) == AX_OK); return NULL; }
AX_MODEL_TEST(M2_a_value_that_a_walk_shows_orders_what_was_before_it)
{
    open_map();
    assert(ax_map_put(map, key(1), 3) == AX_OK);
    run2(puts_after_note, walks);
    assert(shown <= 1);
    close_map();
}
AX_MODEL_TEST(M2_a_walk_may_meet_a_key_that_is_being_inserted)
{
    open_map();
    run2(puts_after_note, walks);
    close_map();
}
AX_MODEL_TEST(M2_a_walk_shows_a_key_once_while_it_moves)
{
    open_full_map();
    run2(puts_7, walks);
    assert(shown == 1);
    close_map();
}
THREAD(reads_stats)
{
    ax_map_stats stats;
    ax_map_stats_read(map, &stats);
    return NULL;
}
AX_MODEL_TEST(M2_statistics_while_the_first_table_comes)
{
    open_map();
    run2(puts_other, reads_stats);
    close_map();
}
AX_MODEL_TEST(M2_statistics_while_another_table_comes)
{
    open_full_map();
    run2(puts_7, reads_stats);
    close_map();
}
THREAD(makes_some_room) { assert(ax_map_reserve(map, 1) == AX_OK); return NULL; }
THREAD(makes_more_room) { assert(ax_map_reserve(map, 8) == AX_OK); return NULL; }
AX_MODEL_TEST(M2_two_may_make_room)
{
    open_map();
    run2(makes_some_room, makes_more_room);
    close_map();
}

/* SPDX-License-Identifier: MIT */
/* map.h under the model: histories of two threads with three operations and of three with one, all in conflict, from
 * each state that a key and its table can be in; for all layouts (map_layout.h). The real lib/map*.c over stand-ins for
 * ck_ht and the grace period. */
#include "map_history.h"

HISTORY(one_each_of_three_on_an_absent_key, ABSENT, ONE_PLACE, "*1", "*1", "*1")
HISTORY(one_each_of_three_on_a_key_that_is_there, PRESENT, ONE_PLACE, "*1", "*1", "*1")
HISTORY(one_each_of_three_on_a_dead_key, DEAD, ONE_PLACE, "*1", "*1", "*1")

HISTORY(three_each_of_two_on_an_absent_key, ABSENT, ONE_PLACE, "p1 a1 r1", "g1 i1 r1")
HISTORY(three_each_of_two_on_a_key_that_is_there, PRESENT, ONE_PLACE, "e1 a1 r1", "g1 c1 d1")
HISTORY(three_each_of_two_on_a_dead_key, DEAD, ONE_PLACE, "c1 r1 g1", "i1 a1 e1")
HISTORY(three_each_of_two_on_neighbours, PRESENT, ONE_PLACE, "p2 a1 r2", "r1 g2 a2")

/* While the table is rebuilt, or a key in a chain taken out; more of it is in map_histories_deep.c. */
HISTORY(one_each_of_two_while_a_key_moves, FULL, TWO_SHARDS, "p3", "?1")
HISTORY(one_each_of_two_while_many_keys_move, CROWDED, TWO_SHARDS, "p3", "*1")
HISTORY(one_each_of_three_in_a_chain, BOTH, ONE_PLACE, "p3", "r2", "g3")
#ifndef SLOTS /* there words move, and half a minute goes */
HISTORY(three_each_of_two_while_a_key_moves, FULL, TWO_SHARDS, "p3 a1 g1", "a1 g3 a1")
#endif

/* M1: what a thread does to one key before it looks at another, in another shard. */
HISTORY(M1_of_two_that_insert_and_look_one_sees_the_other, ABSENT, TWO_SHARDS, "p1 g2", "p2 g1")
HISTORY(M1_of_two_that_insert_into_chains_one_sees_the_other, BOTH, TWO_PLACES, "p3 g4", "p4 g3")
HISTORY(M1_of_two_that_insert_and_rebuild_one_sees_the_other, FULL, TWO_SHARDS, "p3 g2", "p2 g3")
HISTORY(M1_of_two_that_put_back_and_rebuild_one_sees_the_other, GONE, TWO_SHARDS, "p3 g2", "p2 g3")
HISTORY(M1_of_two_that_insert_into_a_crowd_one_sees_the_other, CROWDED, TWO_SHARDS, "p3 g2", "p2 g3")
HISTORY(M1_of_two_that_end_a_rebuild_and_insert_one_sees_the_other, TIGHT, TWO_SHARDS, "p1 p3 g2", "p2 g3")
HISTORY(M1_of_two_that_replace_in_a_crowd_one_sees_the_other, CROWDED, TWO_SHARDS, "p1 g2", "p2 g1")
HISTORY(M1_of_two_that_insert_into_a_bucket_one_sees_the_other, ROOMY, TWO_SHARDS, "p3 g2", "p2 g3")
#ifdef SLOTS
HISTORY(M1_of_two_that_move_others_and_insert_one_sees_the_other, SPREAD, BUCKETS, "r1 p3 g2", "p2 g3")
HISTORY(M1_of_two_that_move_others_and_insert_the_short_way_too, LOOSE, BUCKETS, "r1 p3 g2", "p2 g3")
#endif
HISTORY(M1_of_two_that_move_and_replace_one_sees_the_other, FULL, TWO_SHARDS, "p3 p1 g2", "p2 g1")
HISTORY(M1_who_sees_an_insertion_has_all_before_it, PRESENT, TWO_SHARDS, "p2", "g2 r1", "g1 g2")
HISTORY(M1_who_sees_a_removal_from_a_chain_has_all_before_it, BOTH, ONE_PLACE, "p3", "g3 r2", "g2 g3")
HISTORY(M1_who_missed_a_key_before_it_came_does_not_see_later_ones, ABSENT, TWO_SHARDS, "p1", "g1 g2", "p2 g1")
HISTORY(M1_two_readers_see_two_insertions_in_one_order, ABSENT, TWO_SHARDS, "p1", "g1 g2", "p2", "g2 g1")

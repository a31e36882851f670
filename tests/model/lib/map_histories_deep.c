/* SPDX-License-Identifier: MIT */
/* As map_histories.c, with more executions: up to minutes each. */
#include "map_history.h"

HISTORY(any_one_each_of_three_on_an_absent_key, ABSENT, ONE_PLACE, "?1", "?1", "?1")
HISTORY(any_one_each_of_three_on_a_key_that_is_there, PRESENT, ONE_PLACE, "?1", "?1", "?1")
HISTORY(any_one_each_of_three_on_a_dead_key, DEAD, ONE_PLACE, "?1", "?1", "?1")
HISTORY(three_each_of_two_while_a_key_moves, FULL, TWO_SHARDS, "p3 a1 g1", "a1 g3 a1")

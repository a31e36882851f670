/* SPDX-License-Identifier: MIT */
/*
 * Concurrent map writes. The session table was filled at start and read ever after; then a feature let
 * sessions be renewed. The reads still had no lock, and the writes got none. It crashed the first time on
 * the day the second worker thread was switched on, deep inside malloc.
 */
#include "../map_chain.h"

#define NOTHING (void)0

CHAIN_CALLS(unlocked, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)

static const struct map_kind unlocked = CHAIN_KIND(unlocked);

const ax_stress_impl broken_unlocked_map =
    MAP_IMPL("broken-unlocked", &unlocked, true, "chains without a lock: crashes, circles and lost keys");

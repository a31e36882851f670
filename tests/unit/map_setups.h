/* SPDX-License-Identifier: MIT */
/* Every kind of map that has the same contract: tests run over all of them. */
#ifndef TESTS_UNIT_MAP_SETUPS_H
#define TESTS_UNIT_MAP_SETUPS_H

#include <atomicx/map.h>

#include "../check.h"

static const struct map_setup {
    const char *name;
    ax_map_keys keys;
    ax_map_index index;
} map_setups[] = {
    { "own index, numbers", AX_MAP_KEYS_U64, AX_MAP_INDEX_OWN },
    { "own index, bytes", AX_MAP_KEYS_BYTES, AX_MAP_INDEX_OWN },
    { "ck index, numbers", AX_MAP_KEYS_U64, AX_MAP_INDEX_CK },
    { "ck index, bytes", AX_MAP_KEYS_BYTES, AX_MAP_INDEX_CK },
};
#define MAP_SETUPS (sizeof map_setups / sizeof map_setups[0])

static inline ax_map *map_of_setup(const struct map_setup *setup, ax_map_options options)
{
    ax_map *map = NULL;
    options.keys = setup->keys;
    options.index = setup->index;
    if (options.pending_wait_ms == 0) /* a busy machine may keep who frees from its turn for longer than the default */
        options.pending_wait_ms = 60000;
    CHECK_FATAL(ax_map_create(&options, &map) == AX_OK);
    return map;
}

/*
 * The number n as a key of the map's kind; `storage` holds the bytes: of even numbers as few as the own index has within
 * its slots, of odd ones more, so that maps have both.
 */
#define MAP_KEY_WORDS 3
static inline ax_key map_key(const struct map_setup *setup, uint64_t n, uint64_t storage[MAP_KEY_WORDS])
{
    storage[0] = n;
    storage[1] = storage[2] = 7;
    return setup->keys == AX_MAP_KEYS_U64 ? ax_key_u64(n) : ax_key_bytes(storage, sizeof *storage * (n % 2 ? MAP_KEY_WORDS : 1));
}

static inline uint64_t map_number(ax_key key)
{
    uint64_t n;
    size_t length;
    if (key.length_ == UINT64_MAX)
        return ax_key_number(key);
    memcpy(&n, ax_key_data(key, &length), sizeof n);
    return n;
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * map_layout.h: the same tests over the map's layouts (lib/map_impl.h). Compiled with -DCK for ck's, with -DSHORT or
 * -DENTRIES for bytes within slots and behind them, with none of these for numbers. SLOTS: cells are in slots.
 */
#ifndef TESTS_MODEL_MAP_LAYOUT_H
#define TESTS_MODEL_MAP_LAYOUT_H

#include <atomicx/map.h>

#include <string.h>

#ifdef CK
#define LAYOUT .index = AX_MAP_INDEX_CK
#elif defined ENTRIES || defined SHORT
#define BYTES
#define LAYOUT .index = AX_MAP_INDEX_OWN, .keys = AX_MAP_KEYS_BYTES
#else
#define LAYOUT .index = AX_MAP_INDEX_OWN
#endif
#if !defined CK && !defined ENTRIES
#define SLOTS
#endif

/* The key n, below 32. */
static inline ax_key key(uint64_t n)
{
#ifdef BYTES
    static const uint64_t numbers[32][3] = {{0},  {1},  {2},  {3},  {4},  {5},  {6},  {7},  {8},  {9},  {10},
                                            {11}, {12}, {13}, {14}, {15}, {16}, {17}, {18}, {19}, {20}, {21},
                                            {22}, {23}, {24}, {25}, {26}, {27}, {28}, {29}, {30}, {31}};
#ifdef SHORT
    return ax_key_bytes(numbers[n], sizeof numbers[n] - sizeof(uint64_t));
#else
    return ax_key_bytes(numbers[n], sizeof numbers[n]);
#endif
#else
    return ax_key_u64(n);
#endif
}

static inline bool same_number(ax_key k, uint64_t n)
{
#ifdef BYTES
    return memcmp((const void *)(uintptr_t)k.word_, &n, sizeof n) == 0;
#else
    return ax_key_number(k) == n;
#endif
}

/* A hash that makes all keys neighbours, */
static inline uint64_t same_place(void *context, const void *key, size_t length)
{
    (void)context, (void)key, (void)length;
    return 0x1234567800000000u;
}
/* one that gives keys 3 to 11 another bucket of a table of 16 slots than the rest, */
static inline uint64_t spread(void *context, const void *key, size_t length)
{
    uint64_t number;
    (void)context, (void)length;
    memcpy(&number, key, sizeof number);
    return (number & 1) << 63 | (number & 1) << 48 | (uint64_t)(number >= 3 && number <= 11) << 6;
}
/* one that gives odd and even ones a place each, in shards of their own, */
static inline uint64_t two_places(void *context, const void *key, size_t length)
{
    uint64_t number;
    (void)context, (void)length;
    memcpy(&number, key, sizeof number);
    return (number & 1) << 63 | (number & 1) << 48 | 2; /* whichever bits choose the shard */
}
/* and one that puts odd and even ones into shards of their own and makes those neighbours. */
static inline uint64_t own_place(void *context, const void *key, size_t length)
{
    uint64_t number;
    memcpy(&number, key, sizeof number);
    return two_places(context, key, length) | (number & 30) << 57;
}

#endif

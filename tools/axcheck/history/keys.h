/* SPDX-License-Identifier: MIT */
/* keys.h: how often one process used each key, and when last. */
#ifndef AXCHECK_KEYS_H
#define AXCHECK_KEYS_H

#include "hash.h"

/* Small: one is looked for with each operation. */
struct axc_key {
    int64_t key;
    uint32_t count;   /* operations; 0: an empty slot */
    uint32_t latest;  /* the number of the latest one in the process */
    uint64_t numbers; /* in all of them */
};

enum { AXC_KEYS_SPARSE = 4 }; /* slots for each key, at least: to guess wrong which one it is takes longer than to look it up */

struct axc_keys {
    struct axc_key *entries;
    size_t slots, used;
};

/* The slot where looking for a key begins. There are slots. */
static inline size_t axc_keys_home(const struct axc_keys *keys, int64_t key)
{
    return axc_hash(0, (uint64_t)key) & (keys->slots - 1);
}

/* Its slot; an empty one if it is not there. */
static inline struct axc_key *axc_keys_find(const struct axc_keys *keys, int64_t key)
{
    size_t at = axc_keys_home(keys, key);
    while (keys->entries[at].count != 0 && keys->entries[at].key != key)
        at = (at + 1) & (keys->slots - 1);
    return &keys->entries[at];
}

/* Room for another key; false without memory. */
bool axc_keys_grow(struct axc_keys *keys);

/* Another operation on this key, with so many numbers. `number` is its own, and becomes that of the one before it if there is
 * one. False without memory. */
static inline bool axc_keys_count(struct axc_keys *keys, int64_t key, size_t numbers, uint32_t *number)
{
    if (keys->used * AXC_KEYS_SPARSE >= keys->slots && !axc_keys_grow(keys))
        return false;
    struct axc_key *entry = axc_keys_find(keys, key);
    uint32_t before = entry->latest;
    keys->used += entry->count == 0 ? 1 : 0;
    entry->key = key;
    entry->count++;
    entry->latest = *number;
    entry->numbers += numbers;
    *number = before;
    return true;
}

void axc_keys_free(struct axc_keys *keys);

#endif

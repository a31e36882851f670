/* SPDX-License-Identifier: MIT */
/* keys.h: how often one process used each key, and where its operations on it go when they are taken out by key. */
#ifndef AXCHECK_KEYS_H
#define AXCHECK_KEYS_H

#include "states.h"

/* Small: one is looked for with each operation. */
struct axc_key {
    int64_t key;
    uint32_t count;   /* operations; 0: an empty slot */
    uint32_t place;   /* for who takes them out, once: where the next one goes */
    uint64_t numbers; /* in all of them; for who takes them out, where the next one's go */
};

enum { AXC_KEYS_SPARSE = 4 }; /* slots for each key, at least: to guess wrong which one it is takes longer than to look it up */

struct axc_keys {
    struct axc_key *entries;
    size_t slots, used;
};

/* Its slot; an empty one if it is not there. There are slots. */
static inline struct axc_key *axc_keys_find(const struct axc_keys *keys, int64_t key)
{
    size_t at = (axc_hash(1, (uint64_t)key) >> 20) & (keys->slots - 1);
    while (keys->entries[at].count != 0 && keys->entries[at].key != key)
        at = (at + 1) & (keys->slots - 1);
    return &keys->entries[at];
}

/* Room for another key; false without memory. */
bool axc_keys_grow(struct axc_keys *keys);

/* So many operations more, fewer than 2^32 in all, with so many numbers. False without memory. */
static inline bool axc_keys_count(struct axc_keys *keys, int64_t key, size_t operations, size_t numbers)
{
    if (keys->used * AXC_KEYS_SPARSE >= keys->slots && !axc_keys_grow(keys))
        return false;
    struct axc_key *entry = axc_keys_find(keys, key);
    keys->used += entry->count == 0 ? 1 : 0;
    entry->key = key;
    entry->count += (uint32_t)operations;
    entry->numbers += numbers;
    return true;
}
void axc_keys_free(struct axc_keys *keys);

#endif

/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include "../budget.h"
#include "states.h"

static struct axc_key *slot_of(const struct axc_keys *keys, int64_t key)
{
    size_t at = (axc_hash(1, (uint64_t)key) >> 20) & (keys->slots - 1);
    while (keys->entries[at].count != 0 && keys->entries[at].key != key)
        at = (at + 1) & (keys->slots - 1);
    return &keys->entries[at];
}

struct axc_key *axc_keys_find(const struct axc_keys *keys, int64_t key)
{
    return slot_of(keys, key);
}

struct axc_key *axc_keys_count(struct axc_keys *keys, int64_t key, size_t operations, size_t width)
{
    struct axc_key *entry = keys->slots > 0 ? slot_of(keys, key) : NULL;
    if (entry == NULL || (entry->count == 0 && keys->used * 2 >= keys->slots)) {
        struct axc_keys grown = *keys;
        grown.slots = keys->slots == 0 ? 64 : keys->slots * 2;
        grown.entries = axc_zeroed(grown.slots, sizeof *grown.entries);
        if (grown.entries == NULL)
            return NULL;
        for (size_t i = 0; i < keys->slots; i++)
            if (keys->entries[i].count != 0)
                *slot_of(&grown, keys->entries[i].key) = keys->entries[i];
        axc_free(keys->entries);
        *keys = grown;
        entry = slot_of(keys, key);
    }
    keys->used += entry->count == 0 ? 1 : 0;
    entry->key = key;
    entry->count += operations;
    entry->width += width;
    return entry;
}

void axc_keys_free(struct axc_keys *keys)
{
    axc_free(keys->entries);
    *keys = (struct axc_keys){0};
}

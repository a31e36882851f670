/* SPDX-License-Identifier: MIT */
#include "seen.h"

#include <string.h>

#include "../budget.h"
#include "hash.h"

static uint64_t hash_key(const uint64_t *key, size_t words)
{
    uint64_t hash = words;
    for (size_t i = 0; i < words; i++)
        hash = axc_hash(hash, key[i]);
    return hash;
}

static size_t find(const struct axc_seen_half *half, const uint64_t *key, size_t words, uint64_t hash)
{
    size_t at = hash & (half->slots - 1);
    for (; half->table[at] != 0; at = (at + 1) & (half->slots - 1)) {
        const uint64_t *known = half->keys + half->table[at] - 1;
        if (known[0] == words && memcmp(known + 1, key, words * sizeof *key) == 0)
            break;
    }
    return at;
}

static bool grow_table(struct axc_seen_half *half)
{
    size_t slots = half->slots == 0 ? 1024 : half->slots * 2;
    size_t *table = axc_alloc(slots * sizeof *table);
    if (table == NULL)
        return false;
    memset(table, 0, slots * sizeof *table);
    for (size_t place = 0; place < half->used; place += 1 + half->keys[place]) {
        size_t at = hash_key(half->keys + place + 1, half->keys[place]) & (slots - 1);
        while (table[at] != 0)
            at = (at + 1) & (slots - 1);
        table[at] = place + 1;
    }
    axc_free(half->table);
    half->table = table;
    half->slots = slots;
    return true;
}

static bool reserve(struct axc_seen_half *half, size_t words, size_t limit)
{
    if (half->used + words + 1 > half->room) {
        size_t room = (half->used + words + 1) * 2 + 1024;
        if (room > limit)
            room = limit;
        if (half->used + words + 1 > room)
            return false;
        uint64_t *grown = axc_realloc(half->keys, room * sizeof *grown);
        if (grown == NULL)
            return false;
        half->keys = grown;
        half->room = room;
    }
    return half->count * 2 < half->slots || grow_table(half);
}

static void clear(struct axc_seen_half *half)
{
    half->used = half->count = 0;
    if (half->table != NULL)
        memset(half->table, 0, half->slots * sizeof *half->table);
}

static bool has(const struct axc_seen_half *half, const uint64_t *key, size_t words, uint64_t hash)
{
    return half->count > 0 && half->table[find(half, key, words, hash)] != 0;
}

bool axc_seen_before(const struct axc_seen *seen, const uint64_t *key, size_t words)
{
    uint64_t hash = hash_key(key, words);
    return has(&seen->young, key, words, hash) || has(&seen->old, key, words, hash);
}

void axc_seen_add(struct axc_seen *seen, const uint64_t *key, size_t words)
{
    if (!reserve(&seen->young, words, seen->limit)) {
        struct axc_seen_half forgotten = seen->old;
        seen->old = seen->young;
        seen->young = forgotten;
        clear(&seen->young);
        if (!reserve(&seen->young, words, seen->limit))
            return;
    }
    struct axc_seen_half *young = &seen->young;
    young->table[find(young, key, words, hash_key(key, words))] = young->used + 1;
    young->keys[young->used] = words;
    memcpy(young->keys + young->used + 1, key, words * sizeof *key);
    young->used += words + 1;
    young->count++;
}

void axc_seen_free(struct axc_seen *seen)
{
    axc_free(seen->young.keys);
    axc_free(seen->young.table);
    axc_free(seen->old.keys);
    axc_free(seen->old.table);
    memset(seen, 0, sizeof *seen);
}

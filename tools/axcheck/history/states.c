/* SPDX-License-Identifier: MIT */
#include "states.h"

#include <string.h>

#include "../budget.h"
#include "hash.h"

static uint64_t hash_words(const int64_t *words, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash = axc_hash(hash, (uint64_t)words[i]);
    return hash;
}

static bool rehash(struct axc_states *states)
{
    size_t slots = states->slots == 0 ? 256 : states->slots * 2;
    uint32_t *table = axc_alloc(slots * sizeof *table);
    if (table == NULL)
        return false;
    memset(table, 0xff, slots * sizeof *table);
    for (uint32_t number = 0; number < states->count; number++) {
        size_t count;
        const int64_t *words = axc_state_words(states, number, &count);
        size_t at = hash_words(words, count) & (slots - 1);
        while (table[at] != AXC_NO_STATE)
            at = (at + 1) & (slots - 1);
        table[at] = number;
    }
    axc_free(states->table);
    states->table = table;
    states->slots = slots;
    return true;
}

static bool reserve(struct axc_states *states, size_t words)
{
    if (states->words == NULL || states->used + words > states->room) {
        size_t room = (states->used + words) * 2 + 256;
        int64_t *grown = axc_realloc(states->words, room * sizeof *grown);
        if (grown == NULL)
            return false;
        states->words = grown;
        states->room = room;
    }
    if (states->count + 2 > states->count_room) {
        size_t room = states->count_room * 2 + 256;
        size_t *grown = axc_realloc(states->begin, room * sizeof *grown);
        if (grown == NULL)
            return false;
        grown[0] = 0;
        states->begin = grown;
        states->count_room = room;
    }
    return states->count * 2 < states->slots || rehash(states);
}

uint32_t axc_state_number(struct axc_states *states, const int64_t *words, size_t count)
{
    if (states->count >= AXC_NO_STATE - 1 || !reserve(states, count))
        return AXC_NO_STATE;
    size_t at = hash_words(words, count) & (states->slots - 1);
    for (; states->table[at] != AXC_NO_STATE; at = (at + 1) & (states->slots - 1)) {
        size_t known_count;
        const int64_t *known = axc_state_words(states, states->table[at], &known_count);
        if (known_count == count && (count == 0 || memcmp(known, words, count * sizeof *words) == 0))
            return states->table[at];
    }
    uint32_t number = (uint32_t)states->count++;
    states->table[at] = number;
    if (count > 0)
        memcpy(states->words + states->used, words, count * sizeof *words);
    states->used += count;
    states->begin[states->count] = states->used;
    return number;
}

void axc_states_free(struct axc_states *states)
{
    axc_free(states->words);
    axc_free(states->begin);
    axc_free(states->table);
    memset(states, 0, sizeof *states);
}

/* SPDX-License-Identifier: MIT */
#include "out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct ax_stress_set {
    uint64_t capacity;
    uint64_t size;
    uint64_t words; /* of the bitmap */
    uint64_t bits[];
};

ax_stress_set *ax_stress_set_create(uint64_t capacity)
{
    uint64_t words = capacity / 64 + 1;
    if (words > (SIZE_MAX - sizeof(ax_stress_set)) / sizeof(uint64_t))
        return NULL;
    ax_stress_set *set = calloc(1, sizeof *set + words * sizeof(uint64_t));
    if (set != NULL) {
        set->capacity = capacity;
        set->words = words;
    }
    return set;
}

void ax_stress_set_destroy(ax_stress_set *set)
{
    free(set);
}

void ax_stress_set_clear(ax_stress_set *set)
{
    memset(set->bits, 0, set->words * sizeof(uint64_t));
    set->size = 0;
}

bool ax_stress_set_add(ax_stress_set *set, uint64_t number)
{
    uint64_t bit = UINT64_C(1) << (number % 64);
    uint64_t *word = &set->bits[number / 64];
    if ((*word & bit) != 0)
        return false;
    *word |= bit;
    set->size++;
    return true;
}

uint64_t ax_stress_set_size(const ax_stress_set *set)
{
    return set->size;
}

/* The first number from `from` on whose membership is `member`; capacity when there is none. */
static uint64_t next_number(const ax_stress_set *set, uint64_t from, bool member)
{
    uint64_t flip = member ? 0 : UINT64_MAX;
    for (uint64_t i = from / 64; i < set->words; i++) {
        uint64_t word = set->bits[i] ^ flip;
        if (i == from / 64)
            word &= UINT64_MAX << (from % 64);
        if (word != 0) {
            uint64_t number = i * 64 + (uint64_t)__builtin_ctzll(word);
            return number < set->capacity ? number : set->capacity;
        }
    }
    return set->capacity;
}

void ax_stress_put_set(ax_stress_out *out, const char *key, const ax_stress_set *set)
{
    axi_out_lead(out, key);
    fputc('"', out->file);
    const char *separator = "";
    for (uint64_t end = 0;;) {
        uint64_t begin = next_number(set, end, true);
        if (begin == set->capacity)
            break;
        uint64_t skip = begin - end;
        end = next_number(set, begin, false);
        if (end - begin == 1)
            fprintf(out->file, "%s%" PRIu64, separator, skip);
        else
            fprintf(out->file, "%s%" PRIu64 ":%" PRIu64, separator, skip, end - begin);
        separator = " ";
    }
    fputc('"', out->file);
}

/* SPDX-License-Identifier: MIT */
/**
 * hash.h: the one hash of all tables. It depends on a secret drawn as the program begins, so that nobody can write a file
 * whose keys, processes or states all meet in one slot. No verdict depends on it: every table compares what it finds.
 */
#ifndef AXCHECK_HASH_H
#define AXCHECK_HASH_H

#include "axcheck.h"

extern uint64_t axc_hash_secret[2]; /* the second is odd */

/* Draws another one: for tests, as no table outlives it. */
void axc_hash_draw(void);

/* Both halves of the product count: the low bits of the lower one depend on low bits alone. */
static inline uint64_t axc_fold(uint64_t a, uint64_t b)
{
    axc_unsigned_wide product = (axc_unsigned_wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Mixes a word into a hash. Twice, because one product leaves equal distances nearly equal, and keys in a row then fill slots
 * in a row. */
static inline uint64_t axc_hash(uint64_t hash, uint64_t word)
{
    return axc_fold(axc_fold(hash ^ word ^ axc_hash_secret[0], axc_hash_secret[1]), UINT64_C(0x9e3779b97f4a7c15));
}

#endif

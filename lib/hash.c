/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include <endian.h>
#include <string.h>

static inline uint64_t read_word(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* Fewer than eight bytes and, in the top one, how many there are in all. */
static inline uint64_t last_word(const unsigned char *at, size_t length)
{
    size_t left = length & 7;
    uint64_t last = (uint64_t)length << 56;
    if (left && length > 8) /* the last eight bytes, without those that are in other words */
        return last | read_word(at + left - 8) >> 8 * (8 - left);
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << 8 * i;
    return last;
}

uint64_t axi_hash_bytes(const struct axi_hash_prepared *prepared, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t v[4];
    if (length < 8) { /* an empty key may have no address, to which nothing can be added, not even 0 */
        axi_hash_first_word(v, prepared, last_word(at, length));
        return axi_hash_finish(v);
    }
    axi_hash_first_word(v, prepared, read_word(at));
    const unsigned char *end = at + (length & ~(size_t)7);
    for (at += 8; at != end; at += 8)
        axi_hash_word(v, read_word(at));
    axi_hash_word(v, last_word(at, length));
    return axi_hash_finish(v);
}

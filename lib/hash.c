/* SPDX-License-Identifier: MIT */
#include "hash.h"

uint64_t axi_hash_bytes(const struct axi_hash_prepared *prepared, const void *bytes, size_t length)
{
    if (length <= AXI_SHORT)
        return axi_hash_short(prepared, axi_short_of(bytes, length), length);
    const unsigned char *at = bytes;
    uint64_t v[4], last = (uint64_t)length << 56;
    size_t left = length & 7;
    axi_hash_first_word(v, prepared, axi_word_at(at));
    const unsigned char *end = at + (length - left);
    for (at += 8; at != end; at += 8)
        axi_hash_word(v, axi_word_at(at));
    if (left) /* the last eight bytes, without those that are in other words */
        last |= axi_word_at(at + left - 8) >> 8 * (8 - left);
    axi_hash_word(v, last);
    return axi_hash_finish(v);
}

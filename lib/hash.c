/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include <endian.h>
#include <string.h>

uint64_t axi_hash_bytes(const struct axi_hash_key *key, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t v[4];
    uint64_t word;
    axi_hash_start(v, key);
    for (size_t left = length; left >= 8; left -= 8, at += 8) {
        memcpy(&word, at, 8);
        axi_hash_word(v, le64toh(word));
    }
    word = 0;
    if (length & 7) /* memcpy wants a real address even for 0 bytes, and an empty key may have none */
        memcpy(&word, at, length & 7);
    axi_hash_word(v, le64toh(word) | (uint64_t)length << 56);
    return axi_hash_finish(v);
}

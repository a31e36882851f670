/* SPDX-License-Identifier: MIT */
/*
 * Two hashes under secret keys: SipHash-1-3 for bytes, and for numbers one of a tenth of its work that
 * promises less, see axi_hash_number.
 *
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, with one compression and
 * three finalization rounds): a hash that nobody who lacks the key can make collide on purpose.
 */
#ifndef AXI_HASH_H
#define AXI_HASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct axi_hash_key {
    uint64_t k[2];
};

static inline uint64_t axi_rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void axi_hash_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = axi_rotate(v[1], 13) ^ v[0];
    v[3] = axi_rotate(v[3], 16) ^ v[2];
    v[0] = axi_rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = axi_rotate(v[3], 21) ^ v[0];
    v[1] = axi_rotate(v[1], 17) ^ v[2];
    v[2] = axi_rotate(v[2], 32);
}

static inline void axi_hash_start(uint64_t v[4], const struct axi_hash_key *key)
{
    /* the published initial state: "somepseudorandomlygeneratedbytes" */
    v[0] = key->k[0] ^ UINT64_C(0x736f6d6570736575);
    v[1] = key->k[1] ^ UINT64_C(0x646f72616e646f6d);
    v[2] = key->k[0] ^ UINT64_C(0x6c7967656e657261);
    v[3] = key->k[1] ^ UINT64_C(0x7465646279746573);
}

static inline void axi_hash_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    axi_hash_round(v);
    v[0] ^= word;
}

static inline uint64_t axi_hash_finish(uint64_t v[4])
{
    v[2] ^= 0xff;
    axi_hash_round(v);
    axi_hash_round(v);
    axi_hash_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The state after all of the first round that the key alone decides: it is done beforehand. */
struct axi_hash_prepared {
    uint64_t v[4];
};

static inline void axi_hash_prepare(struct axi_hash_prepared *prepared, const struct axi_hash_key *key)
{
    uint64_t *v = prepared->v;
    axi_hash_start(v, key);
    v[0] += v[1];
    v[1] = axi_rotate(v[1], 13) ^ v[0];
    v[0] = axi_rotate(v[0], 32);
}

/* The first word, with the rest of its round. */
static inline void axi_hash_first_word(uint64_t v[4], const struct axi_hash_prepared *prepared, uint64_t word)
{
    v[3] = prepared->v[3] ^ word;
    v[2] = prepared->v[2] + v[3];
    v[3] = axi_rotate(v[3], 16) ^ v[2];
    v[0] = prepared->v[0] + v[3];
    v[3] = axi_rotate(v[3], 21) ^ v[0];
    v[2] += prepared->v[1];
    v[1] = axi_rotate(prepared->v[1], 17) ^ v[2];
    v[2] = axi_rotate(v[2], 32);
    v[0] ^= word;
}

static inline uint64_t axi_word_at(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* Up to AXI_SHORT bytes as words, least significant first, with zeros behind. */
#define AXI_SHORT 16
struct axi_short {
    uint64_t words[2];
};

static inline struct axi_short axi_short_of(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    struct axi_short s = { { 0, 0 } };
    if (length >= 8) {
        s.words[0] = axi_word_at(at);
        if (length > 8) /* the last eight bytes, without those that are in the first word */
            s.words[1] = axi_word_at(at + length - 8) >> 8 * (AXI_SHORT - length);
        return s;
    }
    for (size_t i = 0; i < length; i++)
        s.words[0] |= (uint64_t)at[i] << 8 * i;
    return s;
}

/* The same as axi_hash_bytes of the bytes it is made of. */
static inline uint64_t axi_hash_short(const struct axi_hash_prepared *prepared, struct axi_short s, size_t length)
{
    uint64_t v[4], in_all = (uint64_t)length << 56; /* the last word: length in its top byte, bytes that are left */
    if (length < 8) {
        axi_hash_first_word(v, prepared, s.words[0] | in_all);
        return axi_hash_finish(v);
    }
    axi_hash_first_word(v, prepared, s.words[0]);
    if (length == AXI_SHORT) {
        axi_hash_word(v, s.words[1]);
        axi_hash_word(v, in_all);
    } else {
        axi_hash_word(v, s.words[1] | in_all);
    }
    return axi_hash_finish(v);
}

/* Any bytes. */
uint64_t axi_hash_bytes(const struct axi_hash_prepared *prepared, const void *bytes, size_t length);

/* The same as axi_hash_bytes of the number's 8 bytes, least significant first. */
static inline __attribute__((always_inline)) uint64_t axi_hash_u64(const struct axi_hash_prepared *prepared,
                                                                   uint64_t number)
{
    uint64_t v[4];
    axi_hash_first_word(v, prepared, number);
    axi_hash_word(v, UINT64_C(8) << 56); /* the last word: length in its top byte, no bytes left */
    return axi_hash_finish(v);
}

__extension__ typedef unsigned __int128 axi_wide;

/* All of it random. */
struct axi_number_key {
    uint64_t factor[2], addend[2]; /* least significant first */
    uint64_t mask, fold;
};

/*
 * The upper half of factor * number + addend mod 2^128 (Dietzfelbinger, "Universal hashing and k-wise
 * independent random variables via integer arithmetic without primes", 1996): strongly universal, so that
 * any two numbers, chosen by somebody who has not seen the key, collide exactly as often as two that are
 * hashed by chance. It is linear, which who sees where numbers end up could use; so it is masked, multiplied
 * and folded once more, which hides that and is not known to hide it from everybody: no pseudorandom
 * function, unlike SipHash.
 */
static inline uint64_t axi_hash_number(const struct axi_number_key *key, uint64_t number)
{
    axi_wide sum = (axi_wide)key->factor[0] * number + (((axi_wide)key->addend[1] << 64) | key->addend[0]);
    uint64_t linear = (uint64_t)(sum >> 64) + key->factor[1] * number;
    axi_wide product = (axi_wide)(linear ^ key->mask) * (key->fold | 1);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

#endif

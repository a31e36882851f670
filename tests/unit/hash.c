/* SPDX-License-Identifier: MIT */
#include <hash.h>

#include "../check.h"

/*
 * Computed with CPython 3.11, whose hash of bytes objects is SipHash-1-3, under PYTHONHASHSEED=0, which
 * makes the key 0: python3 -c 'print(hash(b"a") & 2**64-1)'.
 */
static void bytes_under_the_zero_key_hash_as_elsewhere(void)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } known[] = {
        { "a", UINT64_C(0x407448d2b89b1813) },
        { "abcdefg", UINT64_C(0x6db12aae9070f506) },
        { "abcdefgh", UINT64_C(0x3f7b849c0b8e35ea) },
        { "the quick brown fox jumps over the lazy dog", UINT64_C(0x80a65583f613da2d) },
    };
    struct axi_hash_prepared zero;
    axi_hash_prepare(&zero, &(struct axi_hash_key){ { 0, 0 } });
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        CHECK(axi_hash_bytes(&zero, known[i].text, strlen(known[i].text)) == known[i].hash);
}

/* SipHash written down once more, plainly, from the paper's description of SipHash-c-d. */
static void reference_round(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d)
{
    *a += *b; *b = *b << 13 | *b >> 51; *b ^= *a; *a = *a << 32 | *a >> 32;
    *c += *d; *d = *d << 16 | *d >> 48; *d ^= *c;
    *a += *d; *d = *d << 21 | *d >> 43; *d ^= *a;
    *c += *b; *b = *b << 17 | *b >> 47; *b ^= *c; *c = *c << 32 | *c >> 32;
}

static uint64_t reference(int c, int d, const uint64_t k[2], const unsigned char *m, size_t n)
{
    uint64_t v0 = k[0] ^ UINT64_C(0x736f6d6570736575), v1 = k[1] ^ UINT64_C(0x646f72616e646f6d);
    uint64_t v2 = k[0] ^ UINT64_C(0x6c7967656e657261), v3 = k[1] ^ UINT64_C(0x7465646279746573);
    for (size_t block = 0; block <= n / 8; block++) {
        uint64_t word = block == n / 8 ? (uint64_t)n << 56 : 0;
        for (size_t i = 0; i < 8 && block * 8 + i < n; i++)
            word |= (uint64_t)m[block * 8 + i] << (8 * i);
        v3 ^= word;
        for (int i = 0; i < c; i++)
            reference_round(&v0, &v1, &v2, &v3);
        v0 ^= word;
    }
    v2 ^= 0xff;
    for (int i = 0; i < d; i++)
        reference_round(&v0, &v1, &v2, &v3);
    return v0 ^ v1 ^ v2 ^ v3;
}

/* The reference is right where the paper gives a value: SipHash-2-4 of 00..0e under 00..0f (appendix A). */
static void the_reference_agrees_with_the_paper(void)
{
    const uint64_t k[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
    unsigned char m[15];
    for (unsigned i = 0; i < sizeof m; i++)
        m[i] = (unsigned char)i;
    CHECK(reference(2, 4, k, m, sizeof m) == UINT64_C(0xa129ca6149be45e5));
}

static void every_length_agrees_with_the_reference(void)
{
    const struct axi_hash_key key = { { UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210) } };
    struct axi_hash_prepared prepared;
    axi_hash_prepare(&prepared, &key);
    unsigned char m[200];
    for (unsigned i = 0; i < sizeof m; i++)
        m[i] = (unsigned char)(i * 37 + 200);
    for (size_t n = 0; n + 3 <= sizeof m; n++)
        CHECK(axi_hash_bytes(&prepared, m + 3, n) == reference(1, 3, key.k, m + 3, n)); /* unaligned, too */
}

static void a_number_hashes_as_its_eight_bytes(void)
{
    const struct axi_hash_key key = { { 1, 2 } };
    struct axi_hash_prepared prepared;
    axi_hash_prepare(&prepared, &key);
    uint64_t n = UINT64_C(0x8899aabbccddeeff);
    unsigned char bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(n >> (8 * i));
    CHECK(axi_hash_u64(&prepared, n) == axi_hash_bytes(&prepared, bytes, 8));
}

/* The upper half of a * x + b mod 2^128 in pieces of 32 bits, as at school. */
static uint64_t upper_half(const uint64_t a[2], uint64_t x, const uint64_t b[2])
{
    const uint64_t pieces[4] = { a[0] & UINT32_MAX, a[0] >> 32, a[1] & UINT32_MAX, a[1] >> 32 };
    uint64_t sum[4] = { b[0] & UINT32_MAX, b[0] >> 32, b[1] & UINT32_MAX, b[1] >> 32 };
    for (int i = 0; i < 2; i++) {
        uint64_t digit = i ? x >> 32 : x & UINT32_MAX, carry = 0;
        for (int j = 0; i + j < 4; j++) {
            uint64_t t = sum[i + j] + pieces[j] * digit + carry; /* fits: (2^32 - 1)^2 + 2 * (2^32 - 1) is 2^64 - 1 */
            sum[i + j] = t & UINT32_MAX;
            carry = t >> 32;
        }
    }
    return sum[3] << 32 | sum[2];
}

static struct axi_number_key some_number_key(uint64_t i)
{
    uint64_t k[6];
    for (unsigned j = 0; j < 6; j++) {
        struct axi_hash_prepared prepared;
        axi_hash_prepare(&prepared, &(struct axi_hash_key){ { i, j } });
        k[j] = axi_hash_bytes(&prepared, "key", 3);
    }
    return (struct axi_number_key){ { k[0], k[1] }, { k[2], k[3] }, k[4], k[5] };
}

static void the_hash_of_a_number_is_as_defined(void)
{
    const uint64_t numbers[] = { 0, 1, 2, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63, UINT32_MAX, UINT64_C(0x8899aabbccddeeff) };
    for (uint64_t i = 0; i < 100; i++) {
        struct axi_number_key key = some_number_key(i);
        for (size_t j = 0; j < sizeof numbers / sizeof numbers[0]; j++) {
            const uint64_t fold[2] = { key.fold | 1, 0 }, none[2] = { 0, 0 };
            uint64_t masked = upper_half(key.factor, numbers[j], key.addend) ^ key.mask;
            CHECK(axi_hash_number(&key, numbers[j]) == (upper_half(fold, masked, none) ^ fold[0] * masked));
        }
    }
}

/* Pairs of 4,096 numbers of a pattern that share one of 4,096 places, over many keys: as many as by chance. */
static void patterned_numbers_collide_as_by_chance(void)
{
    enum { NUMBERS = 4096, KEYS = 64 };
    static uint16_t upper[NUMBERS], lower[NUMBERS];
    for (unsigned pattern = 0; pattern < 6; pattern++) {
        uint64_t pairs_upper = 0, pairs_lower = 0;
        for (uint64_t k = 0; k < KEYS; k++) {
            struct axi_number_key key = some_number_key(k);
            memset(upper, 0, sizeof upper);
            memset(lower, 0, sizeof lower);
            for (uint64_t i = 0; i < NUMBERS; i++) {
                const uint64_t numbers[] = { i, i << 12, i << 52, i * 4096 * 4097, ~i, i << 32 | i };
                uint64_t hash = axi_hash_number(&key, numbers[pattern]);
                pairs_upper += upper[hash >> 52]++;
                pairs_lower += lower[hash % NUMBERS]++;
            }
        }
        uint64_t by_chance = (uint64_t)KEYS * (NUMBERS - 1) / 2;
        CHECK(pairs_upper < by_chance * 3 / 2);
        CHECK(pairs_lower < by_chance * 3 / 2);
    }
}

int main(void)
{
    RUN(the_reference_agrees_with_the_paper);
    RUN(bytes_under_the_zero_key_hash_as_elsewhere);
    RUN(every_length_agrees_with_the_reference);
    RUN(a_number_hashes_as_its_eight_bytes);
    RUN(the_hash_of_a_number_is_as_defined);
    RUN(patterned_numbers_collide_as_by_chance);
    return check_summary();
}

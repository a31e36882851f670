/* SPDX-License-Identifier: MIT */
/* crc.h: CRC-32C (Castagnoli, reflected, start and end inverted), eight bytes at a time. */
#ifndef AXCHECK_CRC_H
#define AXCHECK_CRC_H

#include <stddef.h>
#include <stdint.h>

struct axc_crc_tables {
    uint32_t after[8][256]; /* what a byte becomes with n bytes after it */
};

static inline void axc_crc_fill(struct axc_crc_tables *tables)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ ((value & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
        tables->after[0][i] = value;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int n = 1; n < 8; n++)
            tables->after[n][i] = tables->after[n - 1][i] >> 8 ^ tables->after[0][tables->after[n - 1][i] & 0xff];
}

static inline uint32_t axc_crc32c(const struct axc_crc_tables *tables, const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    const uint32_t (*after)[256] = tables->after;
    uint32_t crc = UINT32_MAX;
    for (; length >= 8; length -= 8, at += 8) {
        uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
        crc = after[7][low & 0xff] ^ after[6][low >> 8 & 0xff] ^ after[5][low >> 16 & 0xff] ^ after[4][low >> 24] ^
              after[3][at[4]] ^ after[2][at[5]] ^ after[1][at[6]] ^ after[0][at[7]];
    }
    while (length-- > 0)
        crc = crc >> 8 ^ after[0][(crc ^ *at++) & 0xff];
    return ~crc;
}

#endif

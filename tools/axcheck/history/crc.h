/* SPDX-License-Identifier: MIT */
/* crc.h: CRC-32C (Castagnoli, reflected, start and end inverted), a byte at a time. */
#ifndef AXCHECK_CRC_H
#define AXCHECK_CRC_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t axc_crc32c(const char *bytes, size_t length)
{
    static uint32_t table[256];
    if (table[1] == 0)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++)
                value = value >> 1 ^ ((value & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
            table[i] = value;
        }
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++)
        crc = crc >> 8 ^ table[(crc ^ (unsigned char)bytes[i]) & 0xff];
    return ~crc;
}

#endif

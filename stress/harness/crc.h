/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli), of the blocks of a history. */
#ifndef AXI_STRESS_CRC_H
#define AXI_STRESS_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Call it once before threads do: it makes the table. */
void axi_crc32c_init(void);
uint32_t axi_crc32c(const unsigned char *bytes, size_t length);

#endif

/* SPDX-License-Identifier: MIT */
/* Numbers as people write them on a command line: 1e7, 10M, 10_000_000, 1.5e1. */
#ifndef AXI_STRESS_NUMBER_H
#define AXI_STRESS_NUMBER_H

#include <stdint.h>

/*
 * Reads `text` times 10^scale, which must be an exact integer from least to most. Digits with optional
 * underscores between them, an optional fraction, an optional exponent, an optional k, M, G or T (powers
 * of 1000): what counts is the value, so 1.5e1 and 1.5k are integers, and 1.5 and 1e-3 are not.
 * Returns NULL, or why not, to be read after "--option TEXT: "; *value is then unchanged.
 */
const char *axi_number(const char *text, unsigned scale, int64_t least, int64_t most, int64_t *value);

/* A seed: any 64 bits, decimal or 0x and hexadecimal digits. NULL or why not. */
const char *axi_number_seed(const char *text, uint64_t *value);

#endif

/* SPDX-License-Identifier: MIT */
/* Which key comes next: uniform, Zipf, or one hot key. */
#ifndef AXI_STRESS_KEYS_H
#define AXI_STRESS_KEYS_H

#include <stdint.h>

#include <atomicx/stress.h>

enum axi_dist { AXI_DIST_UNIFORM, AXI_DIST_ZIPF, AXI_DIST_HOT };

#define AXI_ZIPF_KEYS_MAX (UINT64_C(1) << 24) /* the table takes 8 bytes per key */

/*
 * Zipf by the alias method (Walker 1977, table construction after Vose 1991): key k has a probability
 * proportional to 1/(k+1)^theta, drawn with one table look-up whatever theta is.
 */
struct axi_keys {
    enum axi_dist dist;
    uint64_t count;
    struct axi_alias *table; /* Zipf only */
};

/* NULL, or why not. Zipf takes at most AXI_ZIPF_KEYS_MAX keys. A hot distribution gives key 0 to nine operations in ten. */
const char *axi_keys_init(struct axi_keys *keys, enum axi_dist dist, double theta, uint64_t count);
void axi_keys_fini(struct axi_keys *keys);
uint64_t axi_keys_next(const struct axi_keys *keys, ax_stress_random *random);

#endif

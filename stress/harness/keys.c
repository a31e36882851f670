/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include <math.h>
#include <stdlib.h>

struct axi_alias {
    uint32_t keep;  /* of 2^32 draws of this column, how many stay; the rest go to `other` */
    uint32_t other;
};

/* Fills the table from weights that average 1: a column that lacks is topped up by one that overflows. */
static void fill(struct axi_alias *table, double *weight, uint32_t *stack, uint32_t count)
{
    uint32_t small = 0;
    uint32_t large = count; /* two stacks in one array: small ones grow from the left, large from the right */
    for (uint32_t i = 0; i < count; i++)
        stack[weight[i] < 1.0 ? small++ : --large] = i;
    while (small > 0 && large < count) {
        uint32_t lacking = stack[--small];
        uint32_t giving = stack[large++];
        table[lacking] = (struct axi_alias){ (uint32_t)(weight[lacking] * 4294967296.0), giving };
        weight[giving] -= 1.0 - weight[lacking];
        stack[weight[giving] < 1.0 ? small++ : --large] = giving;
    }
    /* What is left on either stack is a full column but for rounding. */
    while (large < count || small > 0) {
        uint32_t full = large < count ? stack[large++] : stack[--small];
        table[full] = (struct axi_alias){ UINT32_MAX, full };
    }
}

const char *axi_keys_init(struct axi_keys *keys, enum axi_dist dist, double theta, uint64_t count)
{
    *keys = (struct axi_keys){ .dist = dist, .count = count };
    if (dist != AXI_DIST_ZIPF)
        return NULL;
    keys->table = malloc(count * sizeof *keys->table);
    double *weight = malloc(count * sizeof *weight);
    uint32_t *stack = malloc(count * sizeof *stack);
    bool enough = keys->table != NULL && weight != NULL && stack != NULL;
    if (enough) {
        double sum = 0;
        for (uint64_t i = count; i-- > 0;) /* smallest first, for the rounding */
            sum += weight[i] = pow((double)(i + 1), -theta);
        for (uint64_t i = 0; i < count; i++)
            weight[i] *= (double)count / sum;
        fill(keys->table, weight, stack, (uint32_t)count);
    }
    free(weight);
    free(stack);
    if (!enough)
        axi_keys_fini(keys);
    return enough ? NULL : "no memory for the table of keys";
}

void axi_keys_fini(struct axi_keys *keys)
{
    free(keys->table);
    keys->table = NULL;
}

uint64_t axi_keys_next(const struct axi_keys *keys, ax_stress_random *random)
{
    uint64_t key = ax_stress_below(random, keys->count);
    switch (keys->dist) {
    case AXI_DIST_ZIPF: {
        const struct axi_alias *column = &keys->table[key];
        return (uint32_t)(ax_stress_bits(random) >> 32) < column->keep ? key : column->other;
    }
    case AXI_DIST_HOT:
        return ax_stress_below(random, 10) < 9 ? 0 : key;
    case AXI_DIST_UNIFORM:
        break;
    }
    return key;
}

/* SPDX-License-Identifier: MIT */
/* Stands in for lib/adder.c where a primitive only keeps statistics with it: additions vanish. The adder
 * has model tests of its own, and its registration would multiply the executions of everything else. */
#include <atomicx/adder.h>

__thread uint64_t ax_detail_adder_self = UINT64_MAX;

void ax_detail_adder_add_slow(ax_adder *adder, int64_t n)
{
    (void)adder;
    (void)n;
}
int64_t ax_adder_sum(const ax_adder *adder)
{
    (void)adder;
    return 0;
}
void ax_adder_fini(ax_adder *adder) { ax_adder_init(adder); }

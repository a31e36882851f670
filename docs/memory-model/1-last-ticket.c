/* SPDX-License-Identifier: MIT */
/* One ticket, two buyers. Every access is atomic in the first seller, too. */
#include <atomicx/model.h>
#include <stdatomic.h>

#include "threads.h"

static atomic_int left = 1;
static int sold[2];

static void check_then_act(int *got)
{
    int seen = atomic_load_explicit(&left, memory_order_relaxed);
    if (seen > 0) {
        atomic_store_explicit(&left, seen - 1, memory_order_relaxed);
        *got = 1;
    }
}

static void compare_and_swap(int *got)
{
    int seen = atomic_load_explicit(&left, memory_order_relaxed);
    while (seen > 0 && !*got)
        *got = atomic_compare_exchange_strong_explicit(&left, &seen, seen - 1, memory_order_relaxed, memory_order_relaxed);
}

static void *checks_a(void *u) { check_then_act(&sold[0]); return u; }
static void *checks_b(void *u) { check_then_act(&sold[1]); return u; }
static void *swaps_a(void *u) { compare_and_swap(&sold[0]); return u; }
static void *swaps_b(void *u) { compare_and_swap(&sold[1]); return u; }

AX_MODEL_TEST(check_and_then_act)
{
    RUN(checks_a, checks_b);
    ax_model_outcome("sold %d", sold[0] + sold[1]);
}

AX_MODEL_TEST(compare_and_then_swap)
{
    RUN(swaps_a, swaps_b);
    ax_model_outcome("sold %d", sold[0] + sold[1]);
}

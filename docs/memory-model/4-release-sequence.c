/* SPDX-License-Identifier: MIT */
/* Between the release and the acquire somebody else writes the same variable. */
#include <atomicx/model.h>
#include <assert.h>
#include <stdatomic.h>

#include "threads.h"

static int data;
static atomic_int state;

static void *publishes(void *u)
{
    data = 1;
    atomic_store_explicit(&state, 1, memory_order_release);
    return u;
}

/* A relaxed read-modify-write of what was published: it continues the release sequence. */
static void *adds(void *u)
{
    int one = 1;
    atomic_compare_exchange_strong_explicit(&state, &one, 2, memory_order_relaxed, memory_order_relaxed);
    return u;
}

/* A relaxed store of the same value at the same moment: it ends it. */
static void *stores(void *u)
{
    if (atomic_load_explicit(&state, memory_order_relaxed) == 1)
        atomic_store_explicit(&state, 2, memory_order_relaxed);
    return u;
}

static void *reads(void *u)
{
    if (atomic_load_explicit(&state, memory_order_acquire) == 2)
        assert(data == 1);
    return u;
}

AX_MODEL_TEST(through_a_read_modify_write) { RUN(publishes, adds, reads); }
AX_MODEL_BROKEN(through_a_store, "data race") { RUN(publishes, stores, reads); }

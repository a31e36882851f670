/* SPDX-License-Identifier: MIT */
/* Each writes its own flag, then looks at the other's. */
#include <atomicx/model.h>
#include <stdatomic.h>

#include "threads.h"

static atomic_int mine, yours;
static int saw_yours, saw_mine;

static void *left_acq_rel(void *u)
{
    atomic_store_explicit(&mine, 1, memory_order_release);
    saw_yours = atomic_load_explicit(&yours, memory_order_acquire);
    return u;
}

static void *right_acq_rel(void *u)
{
    atomic_store_explicit(&yours, 1, memory_order_release);
    saw_mine = atomic_load_explicit(&mine, memory_order_acquire);
    return u;
}

static void *left_seq_cst(void *u)
{
    atomic_store_explicit(&mine, 1, memory_order_seq_cst);
    saw_yours = atomic_load_explicit(&yours, memory_order_seq_cst);
    return u;
}

static void *right_seq_cst(void *u)
{
    atomic_store_explicit(&yours, 1, memory_order_seq_cst);
    saw_mine = atomic_load_explicit(&mine, memory_order_seq_cst);
    return u;
}

AX_MODEL_TEST(release_acquire)
{
    RUN(left_acq_rel, right_acq_rel);
    ax_model_outcome("left saw %d, right saw %d", saw_yours, saw_mine);
}

AX_MODEL_TEST(sequential_consistency)
{
    RUN(left_seq_cst, right_seq_cst);
    ax_model_outcome("left saw %d, right saw %d", saw_yours, saw_mine);
}

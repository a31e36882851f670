/* SPDX-License-Identifier: MIT */
/* What the speed of random runs is told of (docs/axmodel.md); that of exhaustive ones is told of counts.c. */
#include "atomicx/model.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int x;

static void *add_twice(void *unused)
{
    for (int i = 0; i < 2; i++) {
        int seen = atomic_load_explicit(&x, memory_order_relaxed);
        while (!atomic_compare_exchange_weak_explicit(&x, &seen, seen + 1, memory_order_acq_rel, memory_order_relaxed))
            ;
    }
    return unused;
}

AX_MODEL_TEST(compare_exchange_loop_3_threads_2_each)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, add_twice, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    assert(atomic_load_explicit(&x, memory_order_relaxed) == 6);
}

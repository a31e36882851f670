/* SPDX-License-Identifier: MIT */
/**
 * threads.h: what model tests share.
 *
 *     THREAD(writer) { store(&x, 1, release); return NULL; }
 *     AX_MODEL_TEST(name) { run2(writer, reader); }
 *
 * The short names spell the order out at every access and keep a litmus-sized test on a few lines.
 */
#ifndef TESTS_MODEL_THREADS_H
#define TESTS_MODEL_THREADS_H

#include <atomicx/model.h>

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define relaxed memory_order_relaxed
#define acquire memory_order_acquire
#define release memory_order_release
#define acq_rel memory_order_acq_rel
#define seq_cst memory_order_seq_cst

#define load(p, order) atomic_load_explicit(p, order)
#define store(p, v, order) atomic_store_explicit(p, v, order)
#define exchange(p, v, order) atomic_exchange_explicit(p, v, order)
#define add(p, v, order) atomic_fetch_add_explicit(p, v, order)
#define sub(p, v, order) atomic_fetch_sub_explicit(p, v, order)
#define cas(p, expected, v, order, fail) atomic_compare_exchange_strong_explicit(p, expected, v, order, fail)
#define cas_weak(p, expected, v, order, fail) atomic_compare_exchange_weak_explicit(p, expected, v, order, fail)
#define fence(order) atomic_thread_fence(order)

#define THREAD(name) static void *name(void *self __attribute__((unused)))

static inline void run_threads(void *(*const *entry)(void *), size_t n)
{
    pthread_t t[8];
    for (size_t i = 0; i < n; i++)
        pthread_create(&t[i], NULL, entry[i], (void *)(i + 1));
    for (size_t i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

#define RUN_THREADS(...)                                                                          \
    run_threads((void *(*const[])(void *)){__VA_ARGS__},                                          \
                sizeof((void *(*const[])(void *)){__VA_ARGS__}) / sizeof(void *(*)(void *)))
#define run2(a, b) RUN_THREADS(a, b)
#define run3(a, b, c) RUN_THREADS(a, b, c)
#define run4(a, b, c, d) RUN_THREADS(a, b, c, d)

#endif

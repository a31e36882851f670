/* SPDX-License-Identifier: MIT */
/* What people write instead: one lock around all, and a lock with a condition for those who wait. */
#include <stdatomic.h>
#include <stdlib.h>

#include "memo.h"

/* memo2: right, and one computation at a time for everybody. */
static const struct memo_value *memo2_get(struct memo_shared *shared, uint64_t key, void **handle)
{
    (void)handle;
    pthread_mutex_lock(&shared->mutex);
    struct memo_node *node = atomic_load_explicit(&shared->table[key], memory_order_relaxed); /* under the mutex */
    if (!node && (node = calloc(1, sizeof *node)) != NULL) {
        node->value = memo_compute(shared, key);
        atomic_store_explicit(&shared->table[key], node, memory_order_relaxed);
    }
    struct memo_value *value = node ? node->value : NULL;
    pthread_mutex_unlock(&shared->mutex);
    return value;
}

/* memo4 as people write it: a lock for the table, a condition for those who wait, computing outside. */
static const struct memo_value *memo4_get(struct memo_shared *shared, uint64_t key, void **handle)
{
    (void)handle;
    pthread_mutex_lock(&shared->mutex);
    struct memo_node *node = atomic_load_explicit(&shared->table[key], memory_order_relaxed); /* under the mutex */
    if (!node && (node = calloc(1, sizeof *node)) != NULL) {
        node->computing = true;
        atomic_store_explicit(&shared->table[key], node, memory_order_relaxed);
        pthread_mutex_unlock(&shared->mutex);
        struct memo_value *value = memo_compute(shared, key);
        pthread_mutex_lock(&shared->mutex);
        node->value = value;
        node->computing = false;
        pthread_cond_broadcast(&shared->done);
    }
    while (node && node->computing)
        pthread_cond_wait(&shared->done, &shared->mutex);
    struct memo_value *value = node ? node->value : NULL;
    pthread_mutex_unlock(&shared->mutex);
    return value;
}

static void memo2_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    memo_loop(self, begin, end, memo2_get, NULL);
}

static void memo4_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    memo_loop(self, begin, end, memo4_get, NULL);
}

const ax_stress_impl memo2 = { .name = "memo2", .about = "one lock around look-up and computation: right, and serial",
                               .enter = memo_enter, .work = memo2_work };
const ax_stress_impl memo4 = { .name = "memo4",
                               .about = "one lock for the table, a condition variable for those who wait",
                               .enter = memo_enter, .work = memo4_work };

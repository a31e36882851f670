/* SPDX-License-Identifier: MIT */
/* The memos of the story on its way: memo1 had no lock, memo3 had one but let go of it to compute. */
#include <stdlib.h>

#include "../memo.h"

struct plain_node {
    struct plain_node *next;
    uint64_t key;
    struct memo_value *value;
};

enum { BUCKETS = 1024 };
static struct plain_node *buckets[BUCKETS]; /* a fresh process for each run: broken ones run in a child */

static struct plain_node *plain_find(uint64_t key)
{
    struct plain_node *node = buckets[key % BUCKETS];
    while (node && node->key != key)
        node = node->next;
    return node;
}

static struct memo_value *plain_insert(uint64_t key, struct memo_value *value)
{
    struct plain_node *node = malloc(sizeof *node);
    if (node) {
        *node = (struct plain_node){ buckets[key % BUCKETS], key, value };
        buckets[key % BUCKETS] = node;
    }
    return value;
}

/* "It is only a cache": look, compute, insert, by every request at once. */
static const struct memo_value *memo1_get(struct memo_shared *shared, uint64_t key, void **handle)
{
    (void)handle;
    struct plain_node *node = plain_find(key);
    return node ? node->value : plain_insert(key, memo_compute(shared, key));
}

/* Locked at each access to the table, and not in between: as many computations as callers came meanwhile. */
static const struct memo_value *memo3_get(struct memo_shared *shared, uint64_t key, void **handle)
{
    (void)handle;
    pthread_mutex_lock(&shared->mutex);
    struct plain_node *node = plain_find(key);
    struct memo_value *value = node ? node->value : NULL;
    pthread_mutex_unlock(&shared->mutex);
    if (value)
        return value;
    value = memo_compute(shared, key);
    pthread_mutex_lock(&shared->mutex);
    plain_insert(key, value);
    pthread_mutex_unlock(&shared->mutex);
    return value;
}

static void memo1_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    memo_loop(self, begin, end, memo1_get, NULL);
}

static void memo3_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    memo_loop(self, begin, end, memo3_get, NULL);
}

const ax_stress_impl broken_memo1 = {
    .name = "broken-memo1",
    .about = "a table without a lock",
    .broken = true,
    .enter = memo_enter,
    .work = memo1_work,
};

const ax_stress_impl broken_memo3 = {
    .name = "broken-memo3",
    .about = "a lock for each access, none in between: a key is computed as often as callers meet",
    .broken = true,
    .enter = memo_enter,
    .work = memo3_work,
};

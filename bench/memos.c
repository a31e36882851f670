/* SPDX-License-Identifier: MIT */
/* memos: what a hit costs, against the hash tables of byte strings that people guard with one lock. */
#include <atomicx/memo.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { KEYS = 1024 };

static uint64_t computed[KEYS];

/* The table behind the locks: chains, FNV-1a (not keyed, so that anybody can flood it; ours is keyed). */
struct node {
    struct node *next;
    uint64_t key;
    uint64_t *value;
};
static struct node nodes[KEYS], *chains[KEYS];

static struct node **chain(const void *key, size_t length)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const unsigned char *)key)[i]) * 1099511628211u;
    return &chains[hash % KEYS];
}

static uint64_t *table_get(const void *key, size_t length)
{
    struct node *node = *chain(key, length);
    while (node && memcmp(&node->key, key, length) != 0)
        node = node->next;
    return node ? node->value : NULL;
}

static pthread_mutex_t mutex __attribute__((aligned(128))) = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock __attribute__((aligned(128))) = PTHREAD_RWLOCK_INITIALIZER;
static ax_memo *memo __attribute__((aligned(128)));

static ax_status compute(void *context, const void *key, size_t key_len, void **value)
{
    (void)context;
    (void)key_len;
    *value = &computed[*(const uint64_t *)key % KEYS];
    return AX_OK;
}

static void prepare(int threads, uint64_t n)
{
    (void)threads;
    (void)n;
    const ax_memo_options options = { .compute = compute };
    if (!memo)
        bench_require(ax_memo_create(&options, &memo) == AX_OK, "no memory");
    for (uint64_t k = 0; k < KEYS; k++) {
        ax_memo_ref ref;
        bench_require(ax_memo_do(memo, &k, sizeof k, &ref) == AX_OK, "no memory");
        ax_memo_release(memo, &ref);
        if (table_get(&k, sizeof k))
            continue;
        struct node **head = chain(&k, sizeof k);
        nodes[k] = (struct node){ *head, k, &computed[k] };
        *head = &nodes[k];
    }
}

static void finish(int threads, uint64_t n)
{
    ax_memo_stats stats;
    (void)threads;
    (void)n;
    ax_memo_stats_read(memo, &stats);
    bench_require(stats.computations == KEYS, "a key computed twice");
}

static uint64_t next_key(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33 & (KEYS - 1);
}

static void work_mutex(int thread, uint64_t n)
{
    uint64_t state = (uint64_t)thread + 1;
    for (BENCH_EACH(i, n)) {
        uint64_t key = next_key(&state);
        pthread_mutex_lock(&mutex);
        uint64_t *value = table_get(&key, sizeof key);
        pthread_mutex_unlock(&mutex);
        if (value != &computed[key])
            abort();
    }
}

static void work_rwlock(int thread, uint64_t n)
{
    uint64_t state = (uint64_t)thread + 1;
    for (BENCH_EACH(i, n)) {
        uint64_t key = next_key(&state);
        pthread_rwlock_rdlock(&rwlock);
        uint64_t *value = table_get(&key, sizeof key);
        pthread_rwlock_unlock(&rwlock);
        if (value != &computed[key])
            abort();
    }
}

static void work_memo(int thread, uint64_t n)
{
    uint64_t state = (uint64_t)thread + 1;
    for (BENCH_EACH(i, n)) {
        uint64_t key = next_key(&state);
        ax_memo_ref ref;
        if (ax_memo_do(memo, &key, sizeof key, &ref) != AX_OK || ref.value != &computed[key])
            abort();
        ax_memo_release(memo, &ref);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "one mutex (memo2)", prepare, work_mutex, finish, NULL },
        { "one read-write lock", prepare, work_rwlock, finish, NULL },
        { "ax_memo", prepare, work_memo, finish, NULL },
    };
    static const struct bench benches[] = {
        { "hits in a memo of 1024 keys", "hits", cases, 3, 4000000 },
    };
    int code = bench_main(argc, argv, benches, 1);
    return ax_memo_destroy(memo) == AX_OK ? code : 1;
}

/* SPDX-License-Identifier: MIT */
/* memos: what a hit costs, against the hash tables of byte strings that people guard with one lock, and against
 * looking into a map. What all callers of a key that isn't there wait for it beyond its computation. */
#include <atomicx/map.h>
#include <atomicx/memo.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "latency.h"

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
static ax_map *map __attribute__((aligned(128)));

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
    const ax_map_options by_bytes = { .keys = AX_MAP_KEYS_BYTES };
    if (!memo)
        bench_require(ax_memo_create(&options, &memo) == AX_OK && ax_map_create(&by_bytes, &map) == AX_OK, "no memory");
    for (uint64_t k = 0; k < KEYS; k++) {
        ax_memo_ref ref;
        bench_require(ax_memo_do(memo, &k, sizeof k, &ref) == AX_OK, "no memory");
        ax_memo_release(memo, &ref);
        bench_require(ax_map_put(map, ax_key_bytes(&k, sizeof k), (uintptr_t)&computed[k]) == AX_OK, "no memory");
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

static void work_value(int thread, uint64_t n)
{
    uint64_t state = (uint64_t)thread + 1;
    for (BENCH_EACH(i, n)) {
        uint64_t key = next_key(&state);
        void *value;
        if (ax_memo_do_value(memo, &key, sizeof key, &value) != AX_OK || value != &computed[key])
            abort();
    }
}

static void work_map(int thread, uint64_t n)
{
    uint64_t state = (uint64_t)thread + 1;
    for (BENCH_EACH(i, n)) {
        uint64_t key = next_key(&state), value;
        if (ax_map_get(map, ax_key_bytes(&key, sizeof key), &value) != AX_OK || value != (uintptr_t)&computed[key])
            abort();
    }
}

/* --- misses ------------------------------------------------------------------------------------------- */

/* Every thread asks for the same keys in the same order, so that each finds the others at the key that is being
 * computed or just was. */
enum { COMPUTATION = 100000 }; /* nanoseconds */

static ax_memo *slow_memo;
static atomic_bool *slow_there;
static atomic_ullong slow_computations;

static uint64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void compute_for_long(void)
{
    uint64_t begin = clock_now();
    while (clock_now() - begin < COMPUTATION)
        ;
    atomic_fetch_add(&slow_computations, 1);
}

static ax_status compute_slowly(void *context, const void *key, size_t key_len, void **value)
{
    (void)context;
    (void)key;
    (void)key_len;
    compute_for_long();
    *value = computed;
    return AX_OK;
}

static void prepare_misses(int threads, uint64_t n)
{
    (void)threads;
    const ax_memo_options options = { .compute = compute_slowly };
    slow_there = calloc(n, sizeof *slow_there);
    bench_require(slow_there && ax_memo_create(&options, &slow_memo) == AX_OK, "no memory");
    atomic_store(&slow_computations, 0);
}

static void finish_misses(int threads, uint64_t n)
{
    (void)threads;
    bench_require(atomic_load(&slow_computations) == n, "a key computed twice, or never");
    bench_require(ax_memo_destroy(slow_memo) == AX_OK, "destroy");
    free(slow_there);
}

static void misses_mutex(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n)) {
        pthread_mutex_lock(&mutex);
        if (!atomic_load_explicit(&slow_there[i], memory_order_relaxed))
            compute_for_long();
        atomic_store_explicit(&slow_there[i], true, memory_order_relaxed);
        pthread_mutex_unlock(&mutex);
    }
}

static void misses_memo(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n)) {
        ax_memo_ref ref;
        if (ax_memo_do(slow_memo, &i, sizeof i, &ref) != AX_OK)
            abort();
        ax_memo_release(slow_memo, &ref);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "one mutex (memo2)", prepare, work_mutex, finish, NULL },
        { "one read-write lock", prepare, work_rwlock, finish, NULL },
        { "ax_memo", prepare, work_memo, finish, NULL },
        { "ax_memo, the value alone", prepare, work_value, finish, NULL },
        { "ax_map, a get of the same", prepare, work_map, finish, NULL },
    };
    static const struct bench_case misses[] = {
        { "one mutex, held meanwhile", prepare_misses, misses_mutex, finish_misses, NULL },
        { "ax_memo", prepare_misses, misses_memo, finish_misses, NULL },
    };
    static const struct bench benches[] = {
        { "hits in a memo of 1024 keys", "hits", cases, 5, 4000000 },
        { "all callers of one miss of 100000 ns", "calls", misses, 2, 4000 },
    };
    int code = bench_main(argc, argv, benches, LATENCY ? 2 : 1); /* of misses a rate says nothing */
    ax_map_destroy(map);
    return ax_memo_destroy(memo) == AX_OK ? code : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * bench/map limit: what the memory allows. An array of as many 16-byte slots as the map's tables have, and
 * nothing to decide: read one at random, add to one at random with a locked instruction. Beside it the
 * map's own get and update of random keys, in turn, by thread CPU time.
 */
#include "map_peers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench.h"

enum { THREADS = 2, ROUNDS = 9, OPERATIONS = 1000000, HUGE_PAGE = 2 << 20 };

enum what {
    READ_SLOT,
    ADD_TO_SLOT,
    GET,
    UPDATE,
    WHATS
};

struct slot {
    uint64_t key;
    _Atomic uint64_t value;
};

static struct slot *slots;
static uint64_t slot_mask, entry_mask;
static void *map;
static enum what what;
static atomic_int waiting;
static _Atomic uint64_t spent_ns, sink;

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *work(void *arg)
{
    uint64_t at = (uint64_t)(uintptr_t)arg << 40, sum = 0, value = 0;
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting) > 0) {
    }
    uint64_t begin = cpu_ns();
    for (uint64_t i = 0; i < OPERATIONS; i++) {
        uint64_t random = map_bench_key(at++);
        switch (what) {
        case READ_SLOT:
            sum += atomic_load_explicit(&slots[random & slot_mask].value, memory_order_relaxed);
            break;
        case ADD_TO_SLOT:
            atomic_fetch_add_explicit(&slots[random & slot_mask].value, 1, memory_order_relaxed);
            break;
        case GET:
            peer_own.get(map, map_bench_key(random & entry_mask), &value);
            sum += value;
            break;
        case UPDATE:
            peer_own.put(map, map_bench_key(random & entry_mask), i);
            break;
        case WHATS:
            break;
        }
    }
    atomic_fetch_add(&spent_ns, cpu_ns() - begin);
    atomic_fetch_add(&sink, sum);
    return NULL;
}

static double run_once(void)
{
    pthread_t threads[THREADS];
    spent_ns = 0;
    waiting = THREADS;
    for (uintptr_t t = 0; t < THREADS; t++)
        bench_require(pthread_create(&threads[t], NULL, work, (void *)t) == 0, "pthread_create");
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    return (double)spent_ns / THREADS / OPERATIONS;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int map_report_limit(uint64_t entries)
{
    static const char *const names[WHATS] = { "read of a slot", "locked addition to a slot", "ax_map get",
                                              "ax_map update" };
    double ns[WHATS][ROUNDS];
    uint64_t count = entries * 2; /* the tables are half full or less */
    size_t bytes = count * sizeof *slots;
    char *pages = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench_require(pages != MAP_FAILED, "mmap");
    slots = (struct slot *)(pages + -(uintptr_t)pages % HUGE_PAGE);
    madvise(slots, bytes, MADV_HUGEPAGE);
    memset(slots, 1, bytes);
    slot_mask = count - 1;
    entry_mask = entries - 1;
    map = map_bench_fill(&peer_own, entries);
    for (int r = 0; r < ROUNDS; r++)
        for (what = 0; what < WHATS; what++)
            ns[what][r] = run_once();
    printf("thread CPU nanoseconds, %d threads, %llu slots: median (lowest), times the bare access\n", THREADS,
           (unsigned long long)count);
    for (int w = 0; w < WHATS; w++) {
        qsort(ns[w], ROUNDS, sizeof ns[w][0], ascending);
        printf("  %-26s %7.1f (%.1f) %6.1f\n", names[w], ns[w][ROUNDS / 2], ns[w][0],
               ns[w][ROUNDS / 2] / ns[w % 2][ROUNDS / 2]);
    }
    peer_own.destroy(map);
    munmap(pages, bytes + HUGE_PAGE);
    return 0;
}

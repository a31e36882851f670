/* SPDX-License-Identifier: MIT */
/* tickets: selling numbered tickets, ours and what a user would write instead. */
#include <atomicx/tickets.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "bench.h"

static ax_tickets *tickets;
static _Alignas(128) atomic_llong stock;
static _Alignas(128) sem_t semaphore;
static _Alignas(128) pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int64_t guarded;
static _Alignas(128) atomic_llong sold;

static void prepare_stock(int threads, uint64_t n)
{
    long long all = (long long)(n * (uint64_t)threads);
    atomic_store(&stock, all);
    atomic_store(&sold, 0);
    guarded = all;
}

static void work_cas(int thread, uint64_t n)
{
    (void)thread;
    long long mine = 0;
    for (BENCH_EACH(i, n)) {
        long long left = atomic_load_explicit(&stock, memory_order_relaxed);
        while (left > 0 && !atomic_compare_exchange_weak_explicit(&stock, &left, left - 1, memory_order_relaxed,
                                                                  memory_order_relaxed))
            ;
        mine += left > 0;
    }
    atomic_fetch_add(&sold, mine);
}

static void work_fetch_sub(int thread, uint64_t n)
{
    (void)thread;
    long long mine = 0;
    for (BENCH_EACH(i, n)) {
        if (atomic_fetch_sub_explicit(&stock, 1, memory_order_relaxed) > 0)
            mine++;
        else
            atomic_fetch_add_explicit(&stock, 1, memory_order_relaxed);
    }
    atomic_fetch_add(&sold, mine);
}

static void work_mutex(int thread, uint64_t n)
{
    (void)thread;
    long long mine = 0;
    for (BENCH_EACH(i, n)) {
        pthread_mutex_lock(&mutex);
        if (guarded > 0) {
            guarded--;
            mine++;
        }
        pthread_mutex_unlock(&mutex);
    }
    atomic_fetch_add(&sold, mine);
}

static void prepare_semaphore(int threads, uint64_t n)
{
    prepare_stock(threads, n);
    /* a semaphore holds at most INT_MAX */
    bench_require(sem_init(&semaphore, 0, (unsigned)(n * (uint64_t)threads)) == 0, "sem_init");
}

static void work_semaphore(int thread, uint64_t n)
{
    (void)thread;
    long long mine = 0;
    for (BENCH_EACH(i, n))
        mine += sem_trywait(&semaphore) == 0;
    atomic_fetch_add(&sold, mine);
}

static void finish_stock(int threads, uint64_t n)
{
    bench_require(atomic_load(&sold) == (long long)(n * (uint64_t)threads), "not every ticket was sold once");
}

static void finish_semaphore(int threads, uint64_t n)
{
    sem_destroy(&semaphore);
    finish_stock(threads, n);
}

static void prepare_tickets(int threads, uint64_t n)
{
    prepare_stock(threads, n);
    bench_require(ax_tickets_create((uint32_t)(n * (uint64_t)threads), (uint32_t)threads, NULL, &tickets) == AX_OK,
                  "create");
}

static void work_tickets(int thread, uint64_t n)
{
    (void)thread;
    long long mine = 0;
    uint32_t number;
    for (BENCH_EACH(i, n))
        mine += ax_tickets_sell(tickets, &number) == AX_OK;
    atomic_fetch_add(&sold, mine);
}

static void finish_tickets(int threads, uint64_t n)
{
    finish_stock(threads, n);
    ax_tickets_destroy(tickets);
}

static void work_leased(uint64_t n, uint32_t block)
{
    long long mine = 0;
    uint32_t leased, number; /* two, for `leased` to be a register, as the number is in the private blocks below */
    ax_lease lease;
    ax_lease_open(&lease, tickets, block);
    for (BENCH_EACH(i, n))
        mine += ax_lease_sell(&lease, &leased) == AX_OK;
    ax_lease_close(&lease);
    /* what others' leases held when ours found nothing more */
    while (mine < (long long)n && ax_tickets_sell(tickets, &number) == AX_OK)
        mine++;
    atomic_fetch_add(&sold, mine);
}

static void work_leased_64(int thread, uint64_t n)
{
    (void)thread;
    work_leased(n, 64);
}

static void work_leased_1024(int thread, uint64_t n)
{
    (void)thread;
    work_leased(n, 1024);
}

/* The limit for leases: blocks of 64 by fetch_add, sold from a register, nobody else can have the rest. */
static void work_private(int thread, uint64_t n)
{
    (void)thread;
    long long mine = 0;
    _Atomic long long next = 0, end = 0; /* relaxed load and store: as much as a lease must write */
    for (BENCH_EACH(i, n)) {
        long long number = atomic_load_explicit(&next, memory_order_relaxed);
        if (number == atomic_load_explicit(&end, memory_order_relaxed)) {
            number = atomic_fetch_sub_explicit(&stock, 64, memory_order_relaxed);
            atomic_store_explicit(&end, number + 64, memory_order_relaxed);
        }
        atomic_store_explicit(&next, number + 1, memory_order_relaxed);
        mine++;
    }
    atomic_fetch_add(&sold, mine);
}

static void finish_leased(int threads, uint64_t n)
{
    /* A lease that ran out before the others closed may have left its share in their rests. */
    uint32_t number;
    while (ax_tickets_sell(tickets, &number) == AX_OK)
        atomic_fetch_add(&sold, 1);
    finish_tickets(threads, n);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "plain CAS loop", prepare_stock, work_cas, finish_stock, NULL },
        { "fetch_sub with correction", prepare_stock, work_fetch_sub, finish_stock, NULL },
        { "mutex", prepare_stock, work_mutex, finish_stock, NULL },
        { "semaphore", prepare_semaphore, work_semaphore, finish_semaphore, NULL },
        { "ax_tickets", prepare_tickets, work_tickets, finish_tickets, NULL },
        { "ax_lease, block 64", prepare_tickets, work_leased_64, finish_leased, NULL },
        { "ax_lease, block 1024", prepare_tickets, work_leased_1024, finish_leased, NULL },
        { "thread-private blocks of 64", prepare_stock, work_private, finish_stock, NULL },
        { .name = "Java ReentrantLock", .peer = "java tickets" },
        { .name = "Go sync.Mutex", .peer = "go tickets" },
        { .name = "Rust Mutex", .peer = "rust tickets" },
    };
    static const struct bench benches[] = { { "tickets", "sales", cases, sizeof cases / sizeof cases[0], 8000000 } };
    return bench_main(argc, argv, benches, 1);
}

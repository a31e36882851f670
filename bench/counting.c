/* SPDX-License-Identifier: MIT */
/* counting: the ways to count an event, from the cheapest a machine can do to one lock for all. */
#include <atomicx/adder.h>
#include <atomicx/counter.h>

#include <pthread.h>
#include <stdatomic.h>

#include "bench.h"

/* The physical limit: an increment of a thread-local that the compiler must carry out each time. The
 * volatile is what "not allowed to collapse" means here; nothing is shared through it. */
static _Thread_local volatile int64_t local;

static void work_local(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n))
        local++;
}

/* What a program with many counters would have instead, were threads not to be summed: they are numbered. */
static _Thread_local volatile int64_t locals[64];
static volatile unsigned number = 7;

static void work_numbered(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n))
        locals[number]++;
}

static ax_adder adder;

static void prepare_adder(int threads, uint64_t n)
{
    (void)threads;
    (void)n;
    ax_adder_fini(&adder);
}

static void work_adder(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n))
        ax_adder_add(&adder, 1);
}

static void finish_adder(int threads, uint64_t n)
{
    bench_require(ax_adder_sum(&adder) == (int64_t)(n * (uint64_t)threads), "adder");
}

static ax_counter counter __attribute__((aligned(128)));

static void prepare_counter(int threads, uint64_t n)
{
    (void)threads;
    (void)n;
    ax_counter_exchange(&counter, 0);
}

static void work_counter(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n))
        ax_counter_add(&counter, 1);
}

static void finish_counter(int threads, uint64_t n)
{
    bench_require(ax_counter_read(&counter) == (int64_t)(n * (uint64_t)threads), "counter");
}

static _Alignas(128) atomic_llong bare;

static void work_bare(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n))
        atomic_fetch_add_explicit(&bare, 1, memory_order_relaxed);
}

static _Alignas(128) pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Alignas(128) int64_t guarded;

static void work_mutex(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n)) {
        pthread_mutex_lock(&mutex);
        guarded++;
        pthread_mutex_unlock(&mutex);
    }
}

/* What a sum costs: thread 0 sums while all threads have a seat, and the others wait until it has. */
static _Atomic int64_t sink;
static pthread_barrier_t all_seated;

static void prepare_sum(int threads, uint64_t n)
{
    (void)n;
    pthread_barrier_init(&all_seated, NULL, (unsigned)threads);
}

static void work_sum(int thread, uint64_t n)
{
    ax_adder_add(&adder, 1);
    pthread_barrier_wait(&all_seated);
    if (thread == 0)
        for (BENCH_EACH(i, n))
            atomic_store_explicit(&sink, ax_adder_sum(&adder), memory_order_relaxed);
    pthread_barrier_wait(&all_seated);
}

static void finish_sum(int threads, uint64_t n)
{
    (void)threads;
    (void)n;
    pthread_barrier_destroy(&all_seated);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "thread-local increment", NULL, work_local, NULL, NULL },
        { "numbered thread-local increment", NULL, work_numbered, NULL, NULL },
        { "ax_adder", prepare_adder, work_adder, finish_adder, NULL },
        { "bare atomic_fetch_add", NULL, work_bare, NULL, NULL },
        { "ax_counter", prepare_counter, work_counter, finish_counter, NULL },
        { "mutex", NULL, work_mutex, NULL, NULL },
        { .name = "Java LongAdder", .peer = "java adder" },
        { .name = "Go atomic.Int64", .peer = "go adder" },
        { .name = "Rust AtomicI64", .peer = "rust adder" },
    };
    static const struct bench_case sums[] = {
        { "ax_adder_sum", prepare_sum, work_sum, finish_sum, NULL },
    };
    static const struct bench benches[] = {
        { "counting", "additions", cases, sizeof cases / sizeof cases[0], 20000000 },
        { "summing, one thread of them", "sums", sums, 1, 20000000 },
    };
    return bench_main(argc, argv, benches, 2);
}

/* SPDX-License-Identifier: MIT */
/* The number of executions where it is known in closed form or from the literature. A missed execution
 * or one explored twice changes it. */
#include "expect.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static atomic_int x;
static int operations;

static void *add(void *unused)
{
    for (int i = 0; i < operations; i++)
        atomic_fetch_add_explicit(&x, 1, memory_order_relaxed);
    return unused;
}

/* The orders of t threads with k operations each on one location: (tk)! / (k!)^t. */
static void add_from(int threads, int each)
{
    pthread_t t[8];
    operations = each;
    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, add, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    assert(atomic_load_explicit(&x, memory_order_relaxed) == threads * each);
}

AX_MODEL_COUNT(add_2_threads_1_each, 2) { add_from(2, 1); }
AX_MODEL_COUNT(add_3_threads_1_each, 6) { add_from(3, 1); }
AX_MODEL_COUNT(add_5_threads_1_each, 120) { add_from(5, 1); }
AX_MODEL_COUNT(add_3_threads_2_each, 90) { add_from(3, 2); }
AX_MODEL_COUNT(add_2_threads_8_each, 12870) { add_from(2, 8); }
AX_MODEL_COUNT(add_4_threads_3_each, 369600) { add_from(4, 3); }

/* Stores by n threads to one location: every modification order, n!. */
static void *store(void *value)
{
    atomic_store_explicit(&x, (int)(size_t)value, memory_order_relaxed);
    return NULL;
}

AX_MODEL_COUNT(stores_by_5_threads, 120)
{
    pthread_t t[5];
    for (size_t i = 0; i < 5; i++)
        pthread_create(&t[i], NULL, store, (void *)i);
    for (size_t i = 0; i < 5; i++)
        pthread_join(t[i], NULL);
}

/* One writer of n values, one reader: it reads any of n+1. */
static void *write_nine(void *unused)
{
    for (int i = 1; i <= 9; i++)
        atomic_store_explicit(&x, i, memory_order_relaxed);
    return unused;
}

static void *read_once(void *unused)
{
    ax_model_outcome("%d", atomic_load_explicit(&x, memory_order_relaxed));
    return unused;
}

AX_MODEL_COUNT(one_read_of_nine_writes, 10)
{
    pthread_t t[2];
    pthread_create(&t[0], NULL, write_nine, NULL);
    pthread_create(&t[1], NULL, read_once, NULL);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
}

/* Critical sections of a mutex: n! orders, whatever happens inside. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int plain;

static void *locked(void *unused)
{
    pthread_mutex_lock(&lock);
    plain++;
    pthread_mutex_unlock(&lock);
    return unused;
}

static void lock_from(int threads)
{
    pthread_t t[8];
    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, locked, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    assert(plain == threads);
}

AX_MODEL_COUNT(lock_2_threads, 2) { lock_from(2); }
AX_MODEL_COUNT(lock_3_threads, 6) { lock_from(3); }
AX_MODEL_COUNT(lock_4_threads, 24) { lock_from(4); }

/* A lock made of an exchange: a turn that finds it taken writes what is there already, and is none. The orders are those
 * of any other lock. */
static atomic_int taken;

static void *locked_by_exchange(void *unused)
{
    while (atomic_exchange_explicit(&taken, 1, memory_order_acquire) != 0)
        ;
    plain++;
    atomic_store_explicit(&taken, 0, memory_order_release);
    return unused;
}

static void exchange_from(int threads)
{
    pthread_t t[8];
    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, locked_by_exchange, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    assert(plain == threads);
}

AX_MODEL_COUNT(exchange_2_threads, 2) { exchange_from(2); }
AX_MODEL_COUNT(exchange_3_threads, 6) { exchange_from(3); }
AX_MODEL_COUNT(exchange_4_threads, 24) { exchange_from(4); }

/* Choices are explored each once, alone and together with a race for a location. */
AX_MODEL_COUNT(choices_multiply, 12) { ax_model_outcome("%u %u", ax_model_choose(3), ax_model_choose(4)); }

/* A weak compare-exchange that would succeed may fail; one that fails anyway fails once. clang compiles
 * weak and strong ones to the same call. */
#ifdef __clang__
enum { WEAK_OUTCOMES = 1 };
#else
enum { WEAK_OUTCOMES = 2 };
#endif
AX_MODEL_COUNT(weak_failure_is_an_execution_of_its_own, WEAK_OUTCOMES)
{
    int expected = 0;
    atomic_compare_exchange_weak(&x, &expected, 1);
}
AX_MODEL_COUNT(weak_failure_is_not_counted_twice, 1)
{
    int expected = 5;
    atomic_compare_exchange_weak(&x, &expected, 1);
}

/* A store that a read sees although it was added first takes away what came after the read: a choice, a failure. Each
 * comes again with that store, once. */
static atomic_int y;

static void *read_then_choose(void *unused)
{
    int read = atomic_load_explicit(&x, memory_order_relaxed);
    ax_model_outcome("%d %u", read, ax_model_choose(3));
    return unused;
}

static void *read_then_fail(void *unused)
{
    int expected = 0;
    atomic_load_explicit(&x, memory_order_relaxed);
    atomic_compare_exchange_weak_explicit(&y, &expected, 1, memory_order_relaxed, memory_order_relaxed);
    return unused;
}

static void *store_one(void *unused)
{
    atomic_store_explicit(&x, 1, memory_order_release);
    return unused;
}

static void beside_a_store(void *(*reader)(void *))
{
    pthread_t t[2];
    pthread_create(&t[0], NULL, reader, NULL);
    pthread_create(&t[1], NULL, store_one, NULL);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
}

AX_MODEL_COUNT(a_choice_is_not_made_twice, 6) { beside_a_store(read_then_choose); }
AX_MODEL_COUNT(a_failure_is_not_made_twice, 2 * WEAK_OUTCOMES) { beside_a_store(read_then_fail); }

/* Loops that look as if they waited, but for what each turn changes out of sight: they end by themselves, and the
 * executions in which they do count. The clock goes a millisecond further each time it is looked at. */
static __attribute__((noinline)) int is_late(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_nsec > 3500000;
}

static void *wait_until_late(void *unused)
{
    int late = 0;
    while (atomic_load_explicit(&x, memory_order_acquire) == 0 && !late)
        late = is_late();
    ax_model_outcome(late ? "late" : "in time");
    return unused;
}

AX_MODEL_COUNT(a_deadline_passes_in_a_loop, 6) { beside_a_store(wait_until_late); }

static pthread_key_t key;

static __attribute__((noinline)) int is_fifth_turn(void)
{
    pthread_setspecific(key, (char *)pthread_getspecific(key) + 1);
    return pthread_getspecific(key) == (void *)5;
}

AX_MODEL_COUNT(a_key_counts_the_turns, 1)
{
    pthread_key_create(&key, NULL);
    while (atomic_load_explicit(&x, memory_order_relaxed) == 0 && !is_fifth_turn())
        ;
}

/* A recursive mutex that knows who holds it: the sixth unlock fails. */
static pthread_mutex_t nested = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

AX_MODEL_COUNT(a_nested_lock_counts_the_turns, 1)
{
    for (int i = 0; i < 5; i++)
        pthread_mutex_lock(&nested);
    while (atomic_load_explicit(&x, memory_order_relaxed) == 0 && pthread_mutex_unlock(&nested) == 0)
        ;
}

/* SPDX-License-Identifier: MIT */
/* What a C program uses of threads when its author has not read what a model checker likes. */
#define _GNU_SOURCE
#include "atomicx/model.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

static atomic_int x;

static void two(void *(*entry)(void *))
{
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, entry, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

/* ---- C11 threads ---- */

static mtx_t mutex;
static cnd_t condition;
static once_flag once = ONCE_FLAG_INIT;
static tss_t key;
static atomic_int destroyed;
static int ready, inits;
static thread_local int own = 5;
static thread_local char large[8192];

static void init(void) { inits++; }
static void destroy(void *p)
{
    free(p);
    atomic_fetch_add(&destroyed, 1);
}

static int uses_all(void *unused)
{
    (void)unused;
    call_once(&once, init);
    own++;
    assert(own == 6 && large[8000] == 0);
    large[8000] = 1;
    tss_set(key, malloc(3));
    thrd_sleep(&(struct timespec){.tv_sec = 1}, NULL);
    thrd_yield();
    mtx_lock(&mutex);
    ready++;
    cnd_signal(&condition);
    mtx_unlock(&mutex);
    return 7;
}

AX_MODEL_TEST(c11_threads)
{
    struct timespec soon;
    thrd_t t[2];
    int result;
    mtx_init(&mutex, mtx_timed | mtx_recursive);
    cnd_init(&condition);
    tss_create(&key, destroy);
    for (int i = 0; i < 2; i++)
        thrd_create(&t[i], uses_all, NULL);
    mtx_lock(&mutex);
    mtx_lock(&mutex);
    mtx_unlock(&mutex);
    while (ready != 2)
        cnd_wait(&condition, &mutex);
    mtx_unlock(&mutex);
    for (int i = 0; i < 2; i++) {
        thrd_join(t[i], &result);
        assert(result == 7);
    }
    assert(inits == 1 && own == 5 && large[8000] == 0 && atomic_load(&destroyed) == 2);
    assert(timespec_get(&soon, TIME_UTC) == TIME_UTC);
    soon.tv_sec++;
    assert(mtx_timedlock(&mutex, &soon) == thrd_success);
    mtx_unlock(&mutex);
    mtx_destroy(&mutex);
    cnd_destroy(&condition);
    tss_delete(key);
}

/* In the first execution too, in which the new thread gets its storage. */
static int *of_main;

static int has_its_own(void *unused)
{
    (void)unused;
    own++;
    assert(own == 6 && of_main != &own);
    return 0;
}

AX_MODEL_TEST(thread_local_of_who_creates_a_thread)
{
    thrd_t t;
    own = 9;
    of_main = &own;
    thrd_create(&t, has_its_own, NULL);
    assert(own == 9 && of_main == &own);
    thrd_join(t, NULL);
    assert(own == 9);
}

/* ---- the first lock that everybody writes ---- */

static atomic_flag flag = ATOMIC_FLAG_INIT;
static int guarded;

static void *spins(void *unused)
{
    while (atomic_flag_test_and_set_explicit(&flag, memory_order_acquire))
        ;
    guarded++;
    atomic_flag_clear_explicit(&flag, memory_order_release);
    return unused;
}

AX_MODEL_TEST(lock_of_a_flag)
{
    two(spins);
    assert(guarded == 2);
}

static void *spins_relaxed(void *unused)
{
    while (atomic_flag_test_and_set_explicit(&flag, memory_order_relaxed))
        ;
    guarded++;
    atomic_flag_clear_explicit(&flag, memory_order_release);
    return unused;
}

AX_MODEL_BROKEN(lock_of_a_flag_that_does_not_acquire, "data race") { two(spins_relaxed); }

static void *forgets_to_unlock(void *unused)
{
    while (atomic_exchange(&x, 1) == 1)
        thrd_yield();
    return unused;
}

AX_MODEL_BROKEN(lock_of_an_exchange_that_is_kept, "livelock") { two(forgets_to_unlock); }

static void *locks_by_a_bit(void *unused)
{
    while (atomic_fetch_or(&x, 4) & 4)
        ;
    guarded++;
    atomic_fetch_and(&x, ~4);
    return unused;
}

AX_MODEL_TEST(lock_of_a_bit)
{
    two(locks_by_a_bit);
    assert(guarded == 2 && atomic_load(&x) == 0);
}

/* ---- pthreads ---- */

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *waits_until_late(void *unused)
{
    struct timespec late;
    int result = 0;
    clock_gettime(CLOCK_REALTIME, &late);
    late.tv_sec += 2;
    pthread_mutex_lock(&m);
    while (!ready && result == 0)
        result = pthread_cond_timedwait(&c, &m, &late);
    assert(result == 0 || result == ETIMEDOUT);
    pthread_mutex_unlock(&m);
    return unused;
}

static void *waits_once(void *unused)
{
    pthread_mutex_lock(&m);
    if (!ready)
        pthread_cond_wait(&c, &m);
    assert(ready);
    pthread_mutex_unlock(&m);
    return unused;
}

static void wake(void *(*waiter)(void *))
{
    pthread_t t;
    pthread_create(&t, NULL, waiter, NULL);
    pthread_mutex_lock(&m);
    ready = 1;
    pthread_cond_signal(&c);
    pthread_mutex_unlock(&m);
    pthread_join(t, NULL);
}

AX_MODEL_TEST(wait_with_a_deadline) { wake(waits_until_late); }
AX_MODEL_BROKEN(if_instead_of_while, "assertion") { wake(waits_once); }

static pthread_barrier_t barrier;
static int slot[2];

static void meet(int i)
{
    slot[i] = 1;
    pthread_barrier_wait(&barrier);
    assert(slot[0] + slot[1] == 2);
}

static void *meets(void *unused)
{
    meet(1);
    return unused;
}

AX_MODEL_TEST(threads_meet)
{
    pthread_t t;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&t, NULL, meets, NULL);
    meet(0);
    pthread_join(t, NULL);
    pthread_barrier_destroy(&barrier);
}

static pthread_key_t chain;
static int rounds;

static void again(void *p)
{
    rounds++;
    if ((char *)p < (char *)3)
        pthread_setspecific(chain, (char *)p + 1);
}

static void *has_a_value(void *unused)
{
    pthread_setspecific(chain, (void *)1);
    return unused;
}

AX_MODEL_TEST(destructor_that_sets_its_key_again)
{
    pthread_t t;
    pthread_key_create(&chain, again);
    pthread_create(&t, NULL, has_a_value, NULL);
    pthread_join(t, NULL);
    assert(rounds == 3);
    pthread_key_delete(chain);
}

static void *names_itself(void *unused)
{
    char name[16];
    int old;
    cpu_set_t all;
    pthread_setname_np(pthread_self(), "worker");
    pthread_getname_np(pthread_self(), name, sizeof name);
    pthread_getaffinity_np(pthread_self(), sizeof all, &all);
    pthread_setaffinity_np(pthread_self(), sizeof all, &all);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old);
    pthread_testcancel();
    return unused;
}

AX_MODEL_TEST(threads_with_names)
{
    pthread_t t;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 1 << 20);
    pthread_create(&t, &attr, names_itself, NULL);
    pthread_attr_destroy(&attr);
    pthread_join(t, NULL);
}

/* What there is no model of is said so, by name. */
static void *returns(void *unused) { return unused; }

AX_MODEL_BROKEN(cancellation, "unsupported")
{
    pthread_t t;
    pthread_create(&t, NULL, returns, NULL);
    pthread_cancel(t);
    pthread_join(t, NULL);
}

AX_MODEL_BROKEN(signal_to_a_thread, "unsupported")
{
    pthread_t t;
    pthread_create(&t, NULL, returns, NULL);
    pthread_kill(t, 0);
    pthread_join(t, NULL);
}

AX_MODEL_BROKEN(join_that_gives_up, "unsupported")
{
    pthread_t t;
    pthread_create(&t, NULL, returns, NULL);
    while (pthread_tryjoin_np(t, NULL) == EBUSY)
        ;
}

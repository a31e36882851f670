/* SPDX-License-Identifier: MIT */
/* Zoo: waits with a deadline. They time out when nobody else can go on, and may time out before; never
 * while what they wait for is there to be had. Assumptions, which also end a thread before its time. */
#include "../threads.h"

#include <errno.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const struct timespec soon = {2000000000, 0};
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static mtx_t mtx;
static sem_t sem;
static atomic_int flag, word;

AX_MODEL_TEST(what_is_free_is_had_whatever_the_deadline)
{
    sem_init(&sem, 0, 1);
    mtx_init(&mtx, mtx_timed);
    assert(pthread_mutex_timedlock(&one, &soon) == 0);
    assert(pthread_mutex_clocklock(&other, CLOCK_MONOTONIC, &soon) == 0);
    assert(mtx_timedlock(&mtx, &soon) == thrd_success);
    assert(pthread_rwlock_timedwrlock(&rwlock, &soon) == 0);
    assert(sem_timedwait(&sem, &soon) == 0);
    pthread_mutex_unlock(&one);
    pthread_mutex_unlock(&other);
    mtx_unlock(&mtx);
    pthread_rwlock_unlock(&rwlock);
}

/* More of them than any bound on early ends allows. */
THREAD(waits_for_what_never_comes)
{
    for (int i = 0; i < 2; i++) {
        assert(pthread_mutex_timedlock(&one, &soon) == ETIMEDOUT);
        assert(pthread_mutex_clocklock(&one, CLOCK_MONOTONIC, &soon) == ETIMEDOUT);
        assert(mtx_timedlock(&mtx, &soon) == thrd_timedout);
        assert(pthread_rwlock_timedrdlock(&rwlock, &soon) == ETIMEDOUT);
        assert(pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &soon) == ETIMEDOUT);
        assert(pthread_rwlock_timedwrlock(&rwlock, &soon) == ETIMEDOUT);
        assert(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &soon) == ETIMEDOUT);
        assert(sem_timedwait(&sem, &soon) == -1 && errno == ETIMEDOUT);
        assert(sem_clockwait(&sem, CLOCK_MONOTONIC, &soon) == -1 && errno == ETIMEDOUT);
        assert(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0) == -1 && errno == ETIMEDOUT);
        pthread_mutex_lock(&other);
        assert(pthread_cond_timedwait(&cond, &other, &soon) == ETIMEDOUT);
        assert(pthread_cond_clockwait(&cond, &other, CLOCK_MONOTONIC, &soon) == ETIMEDOUT);
        pthread_mutex_unlock(&other);
    }
    ax_model_outcome("through");
    return NULL;
}
static void hold_all(void)
{
    sem_init(&sem, 0, 0);
    mtx_init(&mtx, mtx_timed);
    mtx_lock(&mtx);
    pthread_mutex_lock(&one);
    pthread_rwlock_wrlock(&rwlock);
}
static void let_go_of_all(void)
{
    mtx_unlock(&mtx);
    pthread_mutex_unlock(&one);
    pthread_rwlock_unlock(&rwlock);
}
AX_MODEL_TEST(deadlines_pass_when_nobody_else_can_go_on)
{
    hold_all();
    RUN_THREADS(waits_for_what_never_comes);
    let_go_of_all();
}

/* Whether it is had in time depends; both happen, and nothing else. */
THREAD(locks_for_a_while)
{
    pthread_mutex_lock(&one);
    store(&flag, 1, relaxed);
    pthread_mutex_unlock(&one);
    return NULL;
}
THREAD(locks_in_time_or_not)
{
    int e = pthread_mutex_timedlock(&one, &soon);
    assert(e == 0 || e == ETIMEDOUT);
    ax_model_outcome(e == 0 ? "had" : "late");
    if (e == 0)
        pthread_mutex_unlock(&one);
    return NULL;
}
AX_MODEL_TEST(a_lock_that_is_held_is_had_or_not) { run2(locks_for_a_while, locks_in_time_or_not); }

/* The other order is no deadlock where one side gives up; twice, as once may be within the bound. */
THREAD(one_then_other)
{
    for (int i = 0; i < 2; i++) {
        pthread_mutex_lock(&one);
        if (pthread_mutex_timedlock(&other, &soon) == 0)
            pthread_mutex_unlock(&other);
        pthread_mutex_unlock(&one);
    }
    return NULL;
}
THREAD(other_then_one)
{
    pthread_mutex_lock(&other);
    pthread_mutex_lock(&one);
    pthread_mutex_unlock(&one);
    pthread_mutex_unlock(&other);
    return NULL;
}
AX_MODEL_TEST(crossed_locks_with_a_deadline) { run2(one_then_other, other_then_one); }
THREAD(one_then_other_for_ever)
{
    pthread_mutex_lock(&one);
    pthread_mutex_lock(&other);
    pthread_mutex_unlock(&other);
    pthread_mutex_unlock(&one);
    return NULL;
}
/* A third one that only times out does not hide it. */
THREAD(naps)
{
    for (int i = 0; i < 3; i++)
        sem_timedwait(&sem, &soon);
    return NULL;
}
AX_MODEL_BROKEN(broken_crossed_locks_beside_a_deadline, "deadlock")
{
    sem_init(&sem, 0, 0);
    run3(one_then_other_for_ever, other_then_one, naps);
}

/* A signal before the wait is lost; the deadline saves the thread, and the flag its reason. */
THREAD(signals)
{
    store(&flag, 1, relaxed); /* wrong without the mutex, as anyone knows */
    pthread_cond_signal(&cond);
    return NULL;
}
THREAD(looks_now_and_then)
{
    pthread_mutex_lock(&one);
    while (load(&flag, relaxed) == 0)
        pthread_cond_timedwait(&cond, &one, &soon);
    pthread_mutex_unlock(&one);
    return NULL;
}
AX_MODEL_TEST(a_lost_signal_costs_only_time) { run2(signals, looks_now_and_then); }
THREAD(looks_once) { /* and never again */
    pthread_mutex_lock(&one);
    while (load(&flag, relaxed) == 0)
        pthread_cond_wait(&cond, &one);
    pthread_mutex_unlock(&one);
    return NULL;
}
AX_MODEL_BROKEN(broken_lost_signal_without_a_deadline, "deadlock") { run2(signals, looks_once); }

/* Time alone does not end this loop. */
THREAD(polls_for_nobody)
{
    while (load(&flag, acquire) == 0)
        sem_timedwait(&sem, &soon);
    return NULL;
}
AX_MODEL_BROKEN(broken_polling_for_nobody, "livelock")
{
    sem_init(&sem, 0, 0);
    RUN_THREADS(polls_for_nobody);
}

/* An assumption stops its own thread only. */
THREAD(assumes_one)
{
    int seen = load(&flag, acquire);
    ax_model_assume(seen == 1);
    ax_model_outcome("%d", seen);
    return NULL;
}
THREAD(writes_one) { store(&flag, 1, release); return NULL; }
AX_MODEL_TEST(what_is_assumed_may_come_later) { run2(assumes_one, writes_one); }
THREAD(asserts_zero) { assert(load(&word, relaxed) == 0); return NULL; }
THREAD(writes_word) { store(&word, 1, relaxed); return NULL; }
AX_MODEL_BROKEN(broken_whatever_another_assumes, "assertion") { run3(assumes_one, writes_word, asserts_zero); }

/* SPDX-License-Identifier: MIT */
/* lock.c: what locks do for those who use them rightly, checked and unchecked. */
#include <errno.h>
#include <sys/wait.h>

#include "lock_misuse.h"

static ax_mutex checked = AX_MUTEX_CHECKED_INIT("checked", 0);
static ax_mutex unchecked = AX_MUTEX_INIT;
static ax_rwlock checked_rw = AX_RWLOCK_CHECKED_INIT("checked_rw", 0);
static ax_rwlock unchecked_rw = AX_RWLOCK_INIT;

static void *try_and_release(void *arg)
{
    if (!ax_mutex_trylock((ax_mutex *)arg))
        return NULL;
    CHECK_EQ(ax_mutex_unlock((ax_mutex *)arg), AX_OK);
    return arg;
}

/* As seen by another thread. */
static bool is_free(ax_mutex *mutex)
{
    pthread_t thread;
    void *result;
    CHECK_FATAL(pthread_create(&thread, NULL, try_and_release, mutex) == 0);
    CHECK_FATAL(pthread_join(thread, &result) == 0);
    return result != NULL;
}

static int leave_by_return(ax_mutex *mutex)
{
    AX_WITH_LOCK(mutex) {
        CHECK(!is_free(mutex));
        return 7;
    }
    return 0;
}

static void guard_of(ax_mutex *mutex)
{
    int reached = 0;
    AX_WITH_LOCK(mutex) {
        CHECK(!is_free(mutex));
        reached++;
    }
    CHECK(is_free(mutex));
    CHECK_EQ(leave_by_return(mutex), 7);
    CHECK(is_free(mutex));
    AX_WITH_LOCK(mutex) {
        reached++;
        if (reached == 2)
            break;
        reached = 100;
    }
    CHECK(is_free(mutex));
    AX_WITH_LOCK(mutex) {
        reached++;
        if (reached == 3)
            continue;
        reached = 100;
    }
    CHECK(is_free(mutex));
    AX_WITH_LOCK(mutex) {
        reached++;
        goto out;
    }
    reached = 100;
out:
    CHECK(is_free(mutex));
    CHECK_EQ(reached, 4);
    for (int i = 0; i < 3; i++)
        AX_WITH_LOCK(mutex)
            reached++; /* a single statement, in a loop: once each */
    CHECK_EQ(reached, 7);
    CHECK(is_free(mutex));
}

static void a_guard_releases_on_end_return_break_continue_and_goto(void)
{
    guard_of(&checked);
    guard_of(&unchecked);
    CHECK_NOTHING_TOLD();
}

static void *try_read(void *arg)
{
    if (!ax_rwlock_tryrdlock((ax_rwlock *)arg))
        return NULL;
    CHECK_EQ(ax_rwlock_unlock((ax_rwlock *)arg), AX_OK);
    return arg;
}

static void *try_write(void *arg)
{
    if (!ax_rwlock_trywrlock((ax_rwlock *)arg))
        return NULL;
    CHECK_EQ(ax_rwlock_unlock((ax_rwlock *)arg), AX_OK);
    return arg;
}

static bool elsewhere(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    void *result;
    CHECK_FATAL(pthread_create(&thread, NULL, body, arg) == 0);
    CHECK_FATAL(pthread_join(thread, &result) == 0);
    return result != NULL;
}

static void rwlock_of(ax_rwlock *rwlock)
{
    AX_WITH_RDLOCK(rwlock) {
        CHECK(elsewhere(try_read, rwlock));
        CHECK(!elsewhere(try_write, rwlock));
    }
    CHECK(elsewhere(try_write, rwlock));
    AX_WITH_WRLOCK(rwlock) {
        CHECK(!elsewhere(try_read, rwlock));
        CHECK(!elsewhere(try_write, rwlock));
    }
    CHECK(elsewhere(try_write, rwlock));
}

static void readers_share_and_a_writer_does_not(void)
{
    rwlock_of(&checked_rw);
    rwlock_of(&unchecked_rw);
    CHECK_NOTHING_TOLD();
}

enum { WORKERS = 8, ROUNDS = 5000 };

struct shared {
    ax_mutex *mutex;
    ax_rwlock *rwlock;
    long a, b; /* equal whenever nobody holds the lock exclusively; plain on purpose */
};

static void exclude_by_mutex(int index, void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < ROUNDS; i++) {
        if ((i + index) % 3 == 0) {
            while (!ax_mutex_trylock(s->mutex))
                sched_yield();
        } else {
            ax_mutex_lock(s->mutex);
        }
        CHECK_FATAL(s->a == s->b);
        s->a++;
        s->b++;
        CHECK_FATAL(ax_mutex_unlock(s->mutex) == AX_OK);
    }
}

static void exclude_by_rwlock(int index, void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < ROUNDS; i++) {
        if ((i + index) % 4 == 0) {
            AX_WITH_WRLOCK(s->rwlock) {
                s->a++;
                s->b++;
            }
        } else {
            AX_WITH_RDLOCK(s->rwlock)
                CHECK_FATAL(s->a == s->b);
        }
    }
}

static void what_is_written_under_the_lock_is_seen_under_the_lock(void)
{
    ax_mutex *mutexes[] = { &checked, &unchecked };
    ax_rwlock *rwlocks[] = { &checked_rw, &unchecked_rw };
    for (int i = 0; i < 2; i++) {
        struct shared s = { .mutex = mutexes[i], .rwlock = rwlocks[i] };
        run_threads(WORKERS, exclude_by_mutex, &s);
        CHECK_EQ(s.a, (long)WORKERS * ROUNDS);
        s.a = s.b = 0;
        run_threads(WORKERS, exclude_by_rwlock, &s);
        CHECK_EQ(s.a, (long)WORKERS * ROUNDS / 4);
    }
    CHECK_NOTHING_TOLD();
}

static bool passed(const struct timespec *deadline)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec > deadline->tv_sec || (t.tv_sec == deadline->tv_sec && t.tv_nsec >= deadline->tv_nsec);
}

static void *give_up_at_deadline(void *arg)
{
    struct timespec deadline = in_ms(120); /* longer than one look at the holder */
    CHECK(!ax_mutex_lock_until((ax_mutex *)arg, &deadline));
    CHECK(passed(&deadline));
    struct timespec past = { 0, 0 };
    CHECK(!ax_mutex_lock_until((ax_mutex *)arg, &past));
    return arg;
}

static void a_deadline_ends_the_wait_and_not_before(void)
{
    ax_mutex *mutexes[] = { &checked, &unchecked };
    for (int i = 0; i < 2; i++) {
        AX_WITH_LOCK(mutexes[i])
            CHECK(elsewhere(give_up_at_deadline, mutexes[i]));
        struct timespec deadline = in_ms(60000);
        CHECK(ax_mutex_lock_until(mutexes[i], &deadline));
        ax_mutex_unlock(mutexes[i]);
    }
    CHECK_NOTHING_TOLD();
}

struct queue {
    ax_mutex *mutex;
    pthread_cond_t changed;
    int items, taken;
};

static void produce_or_consume(int index, void *arg)
{
    struct queue *q = arg;
    for (int i = 0; i < 500; i++) {
        AX_WITH_LOCK(q->mutex) {
            if (index % 2 == 0) {
                q->items++;
                pthread_cond_signal(&q->changed);
            } else {
                while (q->items == 0)
                    CHECK_EQ(ax_mutex_wait(q->mutex, &q->changed, NULL), AX_OK);
                q->items--;
                q->taken++;
            }
        }
    }
}

static void waiting_on_a_condition_releases_the_mutex_and_takes_it_again(void)
{
    ax_mutex *mutexes[] = { &checked, &unchecked };
    for (int i = 0; i < 2; i++) {
        struct queue q = { .mutex = mutexes[i], .changed = PTHREAD_COND_INITIALIZER };
        run_threads(4, produce_or_consume, &q);
        CHECK_EQ(q.items, 0);
        CHECK_EQ(q.taken, 1000);
        struct timespec past = { 0, 0 };
        AX_WITH_LOCK(mutexes[i])
            CHECK_EQ(ax_mutex_wait(mutexes[i], &q.changed, &past), AX_ETIMEDOUT);
        CHECK(is_free(mutexes[i]));
        pthread_cond_destroy(&q.changed);
    }
    CHECK_NOTHING_TOLD();
}

static void release_in_cleanup(void *mutex)
{
    CHECK_EQ(ax_mutex_unlock((ax_mutex *)mutex), AX_OK);
}

static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static atomic_int about_to_wait;

static void *wait_until_cancelled(void *arg)
{
    ax_mutex_lock((ax_mutex *)arg);
    pthread_cleanup_push(release_in_cleanup, arg);
    atomic_store(&about_to_wait, 1);
    for (;;)
        ax_mutex_wait((ax_mutex *)arg, &never, NULL);
    pthread_cleanup_pop(1);
    return NULL;
}

static void a_cancelled_wait_holds_the_mutex_in_its_cleanup(void)
{
    pthread_t thread;
    void *result;
    atomic_store(&about_to_wait, 0);
    CHECK_FATAL(pthread_create(&thread, NULL, wait_until_cancelled, &checked) == 0);
    while (!atomic_load(&about_to_wait))
        sched_yield();
    AX_WITH_LOCK(&checked) /* it waits now: else it would hold the mutex */
        pthread_cancel(thread);
    pthread_join(thread, &result);
    CHECK(result == PTHREAD_CANCELED);
    CHECK(is_free(&checked));
    CHECK_NOTHING_TOLD();
}

static void options_choose_per_object(void)
{
    ax_mutex mutex;
    ax_lock_options yes = { .check = AX_LOCK_CHECK_YES, .name = "yes" }, no = { .check = AX_LOCK_CHECK_NO };
    ax_lock_options wrong = { .check = (ax_lock_check)3 };
    CHECK_EQ(ax_mutex_init(&mutex, &wrong), AX_EINVAL);
    CHECK_EQ(ax_mutex_init(&mutex, NULL), AX_OK); /* this file's default: unchecked */
    CHECK_EQ(ax_mutex_fini(&mutex), AX_OK);
    CHECK_EQ(ax_mutex_init(&mutex, &yes), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&mutex), AX_EPERM);
    CHECK_TOLD(AX_LOCK_UNLOCK_UNLOCKED, AX_EPERM, &mutex, __LINE__ - 1);
    CHECK_STR(told[0].name, "yes");
    CHECK_EQ(ax_mutex_fini(&mutex), AX_OK);
    CHECK_EQ(ax_mutex_init_at(&mutex, NULL, 1, AX_HERE), AX_OK); /* a file with -DAX_CHECK_LOCKS=1 */
    CHECK_EQ(ax_mutex_unlock(&mutex), AX_EPERM);
    CHECK_TOLD(AX_LOCK_UNLOCK_UNLOCKED, AX_EPERM, &mutex, __LINE__ - 1);
    CHECK_EQ(ax_mutex_fini(&mutex), AX_OK);
    CHECK_EQ(ax_mutex_init_at(&mutex, &no, 1, AX_HERE), AX_OK);
#ifndef UNDER_TSAN /* which reports it, rightly */
    ax_mutex_lock(&mutex);
    CHECK_EQ(ax_mutex_fini(&mutex), AX_EBUSY); /* as glibc tells */
    ax_mutex_unlock(&mutex);
#endif
    CHECK_EQ(ax_mutex_fini(&mutex), AX_OK);
    CHECK_NOTHING_TOLD();
}

static void many_locks_are_held_at_once_and_released_in_any_order(void)
{
    enum { MANY = 50 }; /* ThreadSanitizer cannot follow more than 63 */
    static ax_mutex many[MANY];
    for (int i = 0; i < MANY; i++) {
        ax_lock_options options = { .check = AX_LOCK_CHECK_YES };
        CHECK_EQ(ax_mutex_init(&many[i], &options), AX_OK);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            CHECK_EQ(ax_mutex_lock(&many[i]), AX_OK);
        for (int i = 0; i < MANY; i++)
            CHECK_EQ(ax_mutex_unlock(&many[i * 37 % MANY]), AX_OK);
    }
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(ax_mutex_fini(&many[i]), AX_OK);
    CHECK_NOTHING_TOLD();
}

int main(void)
{
    ax_lock_on_misuse(keep, &told);
    RUN(a_guard_releases_on_end_return_break_continue_and_goto);
    RUN(readers_share_and_a_writer_does_not);
    RUN(what_is_written_under_the_lock_is_seen_under_the_lock);
    RUN(a_deadline_ends_the_wait_and_not_before);
    RUN(waiting_on_a_condition_releases_the_mutex_and_takes_it_again);
    RUN(a_cancelled_wait_holds_the_mutex_in_its_cleanup);
    RUN(options_choose_per_object);
    RUN(many_locks_are_held_at_once_and_released_in_any_order);
    return check_summary();
}

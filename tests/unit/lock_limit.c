/* SPDX-License-Identifier: MIT */
/* lock_limit.c: a lock held longer than its limit: told by whom, with which places, and never wrongly. */
#include "lock_misuse.h"

#define MS UINT64_C(1000000)

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static uint64_t now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static void sleep_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

static int wait_line;
static atomic_int looked;
static void *wait_for(void *arg)
{
    wait_line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock((ax_mutex *)arg), AX_OK);
    while (!atomic_load(&looked))
        sched_yield();
    CHECK_EQ(ax_mutex_unlock((ax_mutex *)arg), AX_OK);
    return NULL;
}

static void told_by_waiter_and_holder(ax_mutex *limited, uint64_t limit_ns)
{
    pthread_t thread;
    atomic_store(&looked, 0);
    int line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(limited), AX_OK);
    CHECK_FATAL(pthread_create(&thread, NULL, wait_for, limited) == 0);
    while (told_now() == 0)
        sleep_ms(5); /* while it is still held */
    CHECK_TOLD(AX_LOCK_HELD_LONG, AX_OK, limited, wait_line);
    CHECK_OTHER_SITE(line);
    CHECK(told[0].held_ns > limit_ns);
    sleep_ms(60);
    CHECK_NOTHING_TOLD(); /* once per holding by those who wait */
    CHECK_EQ(ax_mutex_unlock(limited), AX_OK);
    CHECK_TOLD(AX_LOCK_HELD_LONG, AX_OK, limited, __LINE__ - 1);
    CHECK_OTHER_SITE(line);
    CHECK(told[0].held_ns > limit_ns + 60 * MS);
    atomic_store(&looked, 1);
    pthread_join(thread, NULL);
    forget_told(); /* of the waiter's own holding, which may have been long, too */
}

static void a_lock_held_too_long_is_told_by_waiter_and_holder(void)
{
    static ax_mutex fine = AX_MUTEX_CHECKED_INIT("fine", 20 * MS);
    static ax_mutex coarse = AX_MUTEX_CHECKED_INIT("coarse", AX_LOCK_FINE_LIMIT_NS);
    told_by_waiter_and_holder(&fine, 20 * MS);
    told_by_waiter_and_holder(&coarse, AX_LOCK_FINE_LIMIT_NS);
}

static void a_reader_over_the_limit_is_told_at_its_release(void)
{
    ax_rwlock rw = AX_RWLOCK_CHECKED_INIT("rw", 20 * MS);
    int line = __LINE__ + 1;
    CHECK_EQ(ax_rwlock_rdlock(&rw), AX_OK);
    sleep_ms(60);
    CHECK_EQ(ax_rwlock_unlock(&rw), AX_OK);
    CHECK_TOLD(AX_LOCK_HELD_LONG, AX_OK, &rw, __LINE__ - 1);
    CHECK_OTHER_SITE(line);
    CHECK_EQ(ax_rwlock_fini(&rw), AX_OK);
}

static void waiting_for_a_condition_ends_a_holding(void)
{
    ax_mutex m = AX_MUTEX_CHECKED_INIT("m", 20 * MS);
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec past = { 0, 0 };
    int line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&m), AX_OK);
    sleep_ms(30);
    CHECK_EQ(ax_mutex_wait(&m, &never, &past), AX_ETIMEDOUT);
    CHECK_TOLD(AX_LOCK_HELD_LONG, AX_OK, &m, __LINE__ - 1);
    CHECK_OTHER_SITE(line);
    CHECK_EQ(ax_mutex_unlock(&m), AX_OK);
    forget_told(); /* of the second holding: a stop of the whole machine may have made it long */
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
}

/* Holds the lock for a while. However long that really took, the report must be right, unless the coarse clock
 * was later than it may be (late_ns; 0: the holding is timed exactly). */
static void hold(ax_mutex *m, long ms, uint64_t limit_ns, uint64_t late_ns)
{
    uint64_t coarse = read_clock(CLOCK_MONOTONIC_COARSE), before = now();
    CHECK_EQ(ax_mutex_lock(m), AX_OK);
    uint64_t taken = now();
    bool ticks_stopped = late_ns != 0 && taken - coarse > late_ns;
    if (ms > 0)
        sleep_ms(ms);
    coarse = read_clock(CLOCK_MONOTONIC_COARSE);
    uint64_t releasing = now();
    CHECK_EQ(ax_mutex_unlock(m), AX_OK);
    uint64_t after = now();
    ticks_stopped = ticks_stopped || (late_ns != 0 && after - coarse > late_ns);
    int reports = told_now();
    CHECK(reports <= 1);
    if (reports == 1)
        CHECK(told[0].held_ns > limit_ns && (told[0].held_ns <= after - before || ticks_stopped));
    else
        CHECK(releasing - taken <= limit_ns + late_ns || ticks_stopped);
    forget_told();
}

static void short_limits_are_exact_whatever_the_timer_ticks(void)
{
    ax_mutex m = AX_MUTEX_CHECKED_INIT("m", MS / 2);
    for (uint64_t end = now() + 50 * MS; now() < end;) /* over several ticks */
        hold(&m, 0, MS / 2, 0);
    for (long ms = 1; ms < 5; ms++)
        hold(&m, ms, MS / 2, 0);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
}

static void longer_limits_are_never_told_too_early_and_at_most_two_ticks_late(void)
{
    struct timespec tick;
    clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    ax_mutex m = AX_MUTEX_CHECKED_INIT("m", AX_LOCK_FINE_LIMIT_NS);
    for (long ms = 42; ms < 64; ms += 2)
        hold(&m, ms, AX_LOCK_FINE_LIMIT_NS, 2 * (uint64_t)tick.tv_nsec);
    CHECK_EQ(ax_mutex_fini(&m), AX_OK);
}

int main(void)
{
    ax_lock_on_misuse(keep, &told);
    RUN(a_lock_held_too_long_is_told_by_waiter_and_holder);
    RUN(a_reader_over_the_limit_is_told_at_its_release);
    RUN(waiting_for_a_condition_ends_a_holding);
    RUN(short_limits_are_exact_whatever_the_timer_ticks);
    RUN(longer_limits_are_never_told_too_early_and_at_most_two_ticks_late);
    return check_summary();
}

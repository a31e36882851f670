/* SPDX-License-Identifier: MIT */
/*
 * lock_wait.c: waiting for a checked lock, looking now and then at who holds it, and for how long.
 */
#include <errno.h>
#include <pthread.h>

#include "lock_check.h"
#include "quiet.h"

#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

/* How often a waiter looks whether the holder is no more or over its limit. */
#define LOOK_AGAIN (50 * MILLISECOND)

static uint64_t ns_of(struct timespec t)
{
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t); /* these clocks always exist */
    return ns_of(t);
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND) };
}

/* --- pthread's operations that wait ----------------------------------------------------------------- */

/* ThreadSanitizer's own lock-order graph leaves out what is taken by try and timed calls. Where nobody
 * seems to hold the lock, it is given the plain call; only there, as it could not be called off. */
void axi_lock_plainly(void *lock, enum axi_lock_how how)
{
    switch (how) {
    case AXI_LOCK_MUTEX: (void)pthread_mutex_lock(&((ax_mutex *)lock)->mutex_); break;
    case AXI_LOCK_READ: (void)pthread_rwlock_rdlock(&((ax_rwlock *)lock)->rwlock_); break;
    case AXI_LOCK_WRITE: (void)pthread_rwlock_wrlock(&((ax_rwlock *)lock)->rwlock_); break;
    }
}

/* ThreadSanitizer does not know the calls that take a clock, so under it the wait is by the wall clock,
 * which only decides when the caller looks again. */
int axi_lock_timed(void *lock, enum axi_lock_how how, uint64_t end)
{
    ax_mutex *mutex = lock;
    ax_rwlock *rwlock = lock;
    if (axi_under_tsan()) {
        uint64_t start = now(CLOCK_MONOTONIC);
        struct timespec t = timespec_of(now(CLOCK_REALTIME) + (end > start ? end - start : 0));
        switch (how) {
        case AXI_LOCK_MUTEX: return pthread_mutex_timedlock(&mutex->mutex_, &t);
        case AXI_LOCK_READ: return pthread_rwlock_timedrdlock(&rwlock->rwlock_, &t);
        default: return pthread_rwlock_timedwrlock(&rwlock->rwlock_, &t);
        }
    }
    struct timespec t = timespec_of(end);
    switch (how) {
    case AXI_LOCK_MUTEX: return pthread_mutex_clocklock(&mutex->mutex_, CLOCK_MONOTONIC, &t);
    case AXI_LOCK_READ: return pthread_rwlock_clockrdlock(&rwlock->rwlock_, CLOCK_MONOTONIC, &t);
    default: return pthread_rwlock_clockwrlock(&rwlock->rwlock_, CLOCK_MONOTONIC, &t);
    }
}

/* --- limits ------------------------------------------------------------------------------------------ */

/* The coarse clock's reading at `since` was late: the kernel moves that clock at each timer tick, by whole
 * ticks and not past the present. The time now is read exactly. */
uint64_t axi_lock_over_limit(const struct ax_detail_lock *check, uint64_t since)
{
    if (check->limit_ns_ == 0 || since == 0)
        return 0;
    if (axi_lock_clock(check) == CLOCK_MONOTONIC_COARSE) {
        struct timespec tick;
        (void)clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
        since += 2 * ns_of(tick);
    }
    uint64_t time = now(CLOCK_MONOTONIC);
    return time > since && time - since > check->limit_ns_ ? time - since : 0;
}

/* A holder over its limit is reported once by its waiters, whoever looks first. */
static void look_at_holder(struct ax_detail_lock *check, struct axi_lock_record *record, const void *lock,
                           const char *site)
{
    ax_lock_report report = { .misuse = AX_LOCK_HELD_LONG, .lock = lock, .name = check->name_, .site = site };
    axi_quiet_begin();
    /* relaxed, all: a report that comes just too late names another holding. The owner first, as a holder writes when
     * it took the lock before it writes its name; a machine that exchanges the two may show a name with an earlier
     * holding's time. */
    bool held = axi_load_relaxed(&record->owner) != NULL;
    uint64_t since = axi_load_relaxed(&record->since);
    report.other_site = axi_load_relaxed(&record->site);
    report.held_ns = held ? axi_lock_over_limit(check, since) : 0;
    bool first = report.held_ns != 0 && axi_exchange_relaxed(&record->warned, since) != since;
    axi_quiet_end();
    if (first)
        axi_lock_tell(&report);
}

/* --- waiting ----------------------------------------------------------------------------------------- */

static bool abandoned(struct axi_lock_record *record, ax_lock_report *report)
{
    axi_quiet_begin();
    /* relaxed, both: looked at again and again; only reported */
    bool ended = axi_load_relaxed(&record->owner) == &axi_lock_ended;
    if (ended)
        report->other_site = axi_load_relaxed(&record->site);
    axi_quiet_end();
    return ended;
}

ax_status axi_lock_wait_for(struct ax_detail_lock *check, struct axi_lock_record *record, void *lock,
                            enum axi_lock_how how, uint64_t end, const char *site)
{
    uint64_t slice = LOOK_AGAIN;
    if (check->limit_ns_ != 0 && check->limit_ns_ < slice)
        slice = check->limit_ns_ > MILLISECOND ? check->limit_ns_ : MILLISECOND;
    for (;;) {
        ax_lock_report report = { .misuse = AX_LOCK_ABANDONED, .status = AX_ECANCELED, .lock = lock,
                                  .name = check->name_, .site = site };
        if (abandoned(record, &report)) {
            axi_lock_tell(&report);
            return report.status;
        }
        uint64_t start = now(CLOCK_MONOTONIC);
        if (start >= end)
            return AX_ETIMEDOUT;
        int error = axi_lock_timed(lock, how, end - start < slice ? end : start + slice);
        if (error == 0)
            return AX_OK;
        if (error != ETIMEDOUT)
            return AX_EAGAIN; /* more readers than pthread can count */
        if (check->limit_ns_ != 0)
            look_at_holder(check, record, lock, site);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * lock.c: the calls of checked locks, and those of unchecked ones that are not inline.
 *
 * The common path of a checked lock costs: its record's address, copied and owner words (one line), the
 * thread's list of held locks, and pthread's own trylock. Everything else is on the other side of a
 * branch that a correct program takes once per lock, per thread and per order.
 */
#include <errno.h>
#include <string.h>

#include "export.h"
#include "lock_check.h"
#include "quiet.h"

enum how { MUTEX, READ, WRITE };
enum patience { WAIT, UNTIL, TRY };

#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

/* How often a waiter of a checked lock looks whether the holder is no more or over its limit. */
#define LOOK_AGAIN (50 * MILLISECOND)

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t); /* these clocks always exist */
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND) };
}

/* --- pthread's operations ------------------------------------------------------------------------- */

static inline int pthread_try(void *lock, enum how how)
{
    switch (how) {
    case MUTEX: return pthread_mutex_trylock(&((ax_mutex *)lock)->mutex_);
    case READ: return pthread_rwlock_tryrdlock(&((ax_rwlock *)lock)->rwlock_);
    default: return pthread_rwlock_trywrlock(&((ax_rwlock *)lock)->rwlock_);
    }
}

/* ThreadSanitizer's own lock-order graph leaves out what is taken by try and timed calls. Where nobody
 * seems to hold the lock, it is given the plain call; only there, as it could not be called off. */
static void pthread_wait(void *lock, enum how how)
{
    switch (how) {
    case MUTEX: (void)pthread_mutex_lock(&((ax_mutex *)lock)->mutex_); break;
    case READ: (void)pthread_rwlock_rdlock(&((ax_rwlock *)lock)->rwlock_); break;
    case WRITE: (void)pthread_rwlock_wrlock(&((ax_rwlock *)lock)->rwlock_); break;
    }
}

static inline int pthread_release(void *lock, enum how how)
{
    return how == MUTEX ? pthread_mutex_unlock(&((ax_mutex *)lock)->mutex_)
                        : pthread_rwlock_unlock(&((ax_rwlock *)lock)->rwlock_);
}

/* Waits until `end` (CLOCK_MONOTONIC) at most. ThreadSanitizer does not know the calls that take a clock,
 * so under it the wait is by the wall clock, which only decides when the caller looks again. */
static int pthread_timed(void *lock, enum how how, uint64_t end)
{
    ax_mutex *mutex = lock;
    ax_rwlock *rwlock = lock;
    if (axi_under_tsan()) {
        uint64_t start = now(CLOCK_MONOTONIC);
        struct timespec t = timespec_of(now(CLOCK_REALTIME) + (end > start ? end - start : 0));
        switch (how) {
        case MUTEX: return pthread_mutex_timedlock(&mutex->mutex_, &t);
        case READ: return pthread_rwlock_timedrdlock(&rwlock->rwlock_, &t);
        default: return pthread_rwlock_timedwrlock(&rwlock->rwlock_, &t);
        }
    }
    struct timespec t = timespec_of(end);
    switch (how) {
    case MUTEX: return pthread_mutex_clocklock(&mutex->mutex_, CLOCK_MONOTONIC, &t);
    case READ: return pthread_rwlock_clockrdlock(&rwlock->rwlock_, CLOCK_MONOTONIC, &t);
    default: return pthread_rwlock_clockwrlock(&rwlock->rwlock_, CLOCK_MONOTONIC, &t);
    }
}

/* --- what is known of the lock and the thread ------------------------------------------------------ */

static inline const void *me(void)
{
    return &axi_lock_self;
}

/* The record, or NULL with a report in which misuse is AX_LOCK_UNCHECKED (go on without) or a refusal. */
static inline struct axi_lock_record *record_of(struct ax_detail_lock *check, const void *lock, const char *site,
                                                ax_lock_report *report)
{
    bool checked = __builtin_expect(check->mode_ == AX_DETAIL_LOCK_CHECKED, 1);
    axi_quiet_begin();
    /* L1.acq: who reads the address sees the record as it was filled in */
    struct axi_lock_record *record = checked ? AX_DETAIL_LOAD_ACQUIRE(&check->record_, L1_acq) : NULL;
    /* relaxed: address is constant while the lock is in use, copied is looked at again under the mutex */
    bool plain = record && axi_load_relaxed(&record->address) == lock && !axi_load_relaxed(&record->copied);
    axi_quiet_end();
    if (__builtin_expect(plain, 1))
        return record;
    *report = (ax_lock_report){ .lock = lock, .site = site };
    if (!checked) {
        report->misuse = AX_LOCK_NOT_A_LOCK;
        report->status = AX_ECORRUPT;
        record = NULL;
    } else {
        record = axi_lock_bind(check, lock, site, report);
    }
    if (report->misuse != 0)
        axi_lock_tell(report);
    return record;
}

static inline const void *owner_of(struct axi_lock_record *record)
{
    axi_quiet_begin();
    /* relaxed: only this thread writes its own identity here, so whether it is the owner it knows for
     * sure; any other owner is only reported */
    const void *owner = axi_load_relaxed(&record->owner);
    axi_quiet_end();
    return owner;
}

/* The thread's entry for the lock; a correct program releases near the end of the list. */
static inline struct axi_lock_held *held_entry(struct axi_lock_thread *thread, struct axi_lock_record *record)
{
    if (thread) {
        for (uint32_t i = thread->count; i-- > 0;) {
            struct axi_lock_held *held = &thread->held[i];
            if (held->record == record && held->serial == axi_load_relaxed(&record->serial)) /* relaxed: in use */
                return held;
        }
    }
    return NULL;
}

static ax_status tell(ax_lock_misuse misuse, ax_status status, struct ax_detail_lock *check, const void *lock,
                      const char *site, const char *other_site)
{
    ax_lock_report report = { .misuse = misuse, .status = status, .lock = lock, .name = check->name_,
                              .site = site, .other_site = other_site };
    axi_lock_tell(&report);
    return status;
}

static const char *taken_at(struct axi_lock_record *record)
{
    axi_quiet_begin();
    const char *site = axi_load_relaxed(&record->site); /* relaxed: only reported */
    axi_quiet_end();
    return site;
}

/* --- taking ---------------------------------------------------------------------------------------- */

static void note_orders(struct axi_lock_thread *thread, struct ax_detail_lock *check,
                        struct axi_lock_record *record, const void *lock, const char *site)
{
    for (uint32_t i = 0; i < thread->count; i++) {
        ax_lock_report report = { .lock = lock, .name = check->name_, .site = site };
        (void)axi_lock_note_order(thread, &thread->held[i], record, site, &report);
        if (report.misuse != 0)
            axi_lock_tell(&report);
    }
}

static inline void note_taken(struct ax_detail_lock *check, struct axi_lock_record *record, enum how how,
                              const char *site)
{
    uint64_t since = check->limit_ns_ != 0 ? now(CLOCK_MONOTONIC_COARSE) : 0;
    axi_quiet_begin();
    if (how != READ) {
        /* relaxed, all three: see owner_of; the others are for reports */
        axi_store_relaxed(&record->site, site);
        if (since != 0)
            axi_store_relaxed(&record->since, since);
        axi_store_relaxed(&record->owner, me());
    }
    uint64_t serial = axi_load_relaxed(&record->serial); /* relaxed: constant while in use */
    axi_quiet_end();
    struct axi_lock_thread *thread = axi_lock_self;
    if (__builtin_expect(thread == NULL, 0))
        thread = axi_lock_enlist();
    if (__builtin_expect(thread && (thread->count < thread->room || axi_lock_more_room(thread)), 1))
        thread->held[thread->count++] = (struct axi_lock_held){ record, serial, since, site, how != READ };
    else if (how == READ)
        (void)AX_DETAIL_FETCH_ADD_RELAXED(&check->unlisted_, 1); /* relaxed: a count, held by who counts */
}

/* A holder over its limit is reported once by its waiters, whoever looks first. */
static void look_at_holder(struct ax_detail_lock *check, struct axi_lock_record *record, const void *lock,
                           const char *site)
{
    axi_quiet_begin();
    /* relaxed, all: a report that comes just too late names an earlier holding, which was as long */
    uint64_t since = axi_load_relaxed(&record->since);
    bool held = axi_load_relaxed(&record->owner) != NULL;
    uint64_t time = now(CLOCK_MONOTONIC_COARSE);
    bool over = held && since != 0 && time > since && time - since > check->limit_ns_ &&
                axi_exchange_relaxed(&record->warned, since) != since;
    axi_quiet_end();
    if (over) {
        ax_lock_report report = { .misuse = AX_LOCK_HELD_LONG, .lock = lock, .name = check->name_, .site = site,
                                  .other_site = taken_at(record), .held_ns = time - since };
        axi_lock_tell(&report);
    }
}

static ax_status wait_for(struct ax_detail_lock *check, struct axi_lock_record *record, void *lock, enum how how,
                          uint64_t end, const char *site)
{
    for (;;) {
        if (owner_of(record) == &axi_lock_ended)
            return tell(AX_LOCK_ABANDONED, AX_ECANCELED, check, lock, site, taken_at(record));
        uint64_t start = now(CLOCK_MONOTONIC);
        if (start >= end)
            return AX_ETIMEDOUT;
        uint64_t slice = LOOK_AGAIN;
        if (check->limit_ns_ != 0 && check->limit_ns_ < slice)
            slice = check->limit_ns_ > MILLISECOND ? check->limit_ns_ : MILLISECOND;
        int error = pthread_timed(lock, how, end - start < slice ? end : start + slice);
        if (error == 0)
            return AX_OK;
        if (error != ETIMEDOUT)
            return AX_EAGAIN; /* more readers than pthread can count */
        if (check->limit_ns_ != 0)
            look_at_holder(check, record, lock, site);
    }
}

/* AX_EAGAIN: a try that found the lock held. Inlined once for each kind of lock and call. */
static inline __attribute__((always_inline)) ax_status take(struct ax_detail_lock *check, void *lock, enum how how,
                                                            enum patience patience, uint64_t end, const char *site)
{
    ax_lock_report report;
    struct axi_lock_record *record = record_of(check, lock, site, &report);
    if (__builtin_expect(record == NULL, 0)) {
        if (report.misuse != AX_LOCK_UNCHECKED)
            return report.status;
        int error = pthread_try(lock, how);
        if (error != 0 && patience != TRY)
            error = pthread_timed(lock, how, end);
        if (error == 0) /* relaxed: a count, held by who counts */
            (void)AX_DETAIL_FETCH_ADD_RELAXED(&check->unlisted_, 1);
        return error == 0 ? AX_OK : AX_ETIMEDOUT;
    }
    struct axi_lock_thread *thread = axi_lock_self;
    if (__builtin_expect(owner_of(record) == me(), 0))
        return tell(AX_LOCK_RELOCK, AX_EDEADLK, check, lock, site, taken_at(record));
    if (thread && thread->count > 0) {
        if (how != MUTEX) {
            struct axi_lock_held *held = held_entry(thread, record);
            if (held)
                return tell(AX_LOCK_RELOCK, AX_EDEADLK, check, lock, site, held->site);
        }
        if (patience != TRY)
            note_orders(thread, check, record, lock, site);
    }
    if (patience == WAIT && axi_under_tsan() && owner_of(record) == NULL) {
        pthread_wait(lock, how);
    } else if (__builtin_expect(pthread_try(lock, how) != 0, 0)) {
        if (patience == TRY)
            return AX_EAGAIN;
        ax_status status = wait_for(check, record, lock, how, end, site);
        if (status != AX_OK)
            return status;
    }
    note_taken(check, record, how, site);
    return AX_OK;
}

/* --- releasing ------------------------------------------------------------------------------------- */

/* Takes the lock off the thread's list and gives up ownership; true when it was held for too long. */
static inline bool note_released(struct ax_detail_lock *check, struct axi_lock_record *record,
                                 struct axi_lock_held *held, bool write, ax_lock_report *report)
{
    bool over = false;
    if (__builtin_expect(held != NULL, 1)) {
        if (check->limit_ns_ != 0) {
            uint64_t time = now(CLOCK_MONOTONIC_COARSE);
            over = time > held->since && time - held->since > check->limit_ns_;
            if (over) {
                report->other_site = held->site;
                report->held_ns = time - held->since;
            }
        }
        struct axi_lock_thread *thread = axi_lock_self;
        struct axi_lock_held *last = &thread->held[--thread->count];
        if (held != last)
            memmove(held, held + 1, (size_t)(last - held) * sizeof *held);
    }
    if (write) {
        axi_quiet_begin();
        axi_store_relaxed(&record->owner, NULL); /* relaxed: see owner_of */
        axi_quiet_end();
    }
    return over;
}

/* Not held by this thread, as far as we know. */
static ax_status refuse_release(struct ax_detail_lock *check, struct axi_lock_record *record, void *lock,
                                enum how how, const char *site)
{
    /* relaxed: a count. Somebody took the lock without a trace: trust the caller that it was him. */
    uint32_t unlisted = AX_DETAIL_LOAD_RELAXED(&check->unlisted_);
    while (unlisted != 0) {
        if (AX_DETAIL_WCAS_RELAXED(&check->unlisted_, &unlisted, unlisted - 1)) {
            (void)pthread_release(lock, how);
            return AX_OK;
        }
    }
    if (!record)
        return AX_EPERM;
    bool free = owner_of(record) == NULL;
    if (free && how != MUTEX) { /* readers do not sign: ask the lock itself */
        free = pthread_try(lock, WRITE) == 0;
        if (free)
            (void)pthread_release(lock, WRITE);
    }
    return tell(free ? AX_LOCK_UNLOCK_UNLOCKED : AX_LOCK_UNLOCK_FOREIGN, AX_EPERM, check, lock, site,
                taken_at(record));
}

static inline __attribute__((always_inline)) ax_status release(struct ax_detail_lock *check, void *lock,
                                                               enum how how, const char *site)
{
    ax_lock_report report;
    struct axi_lock_record *record = record_of(check, lock, site, &report);
    if (__builtin_expect(record == NULL, 0))
        return report.misuse == AX_LOCK_UNCHECKED ? refuse_release(check, NULL, lock, how, site) : report.status;
    bool write = owner_of(record) == me();
    struct axi_lock_held *held = held_entry(axi_lock_self, record);
    if (__builtin_expect(!write && (how == MUTEX || !held), 0))
        return refuse_release(check, record, lock, how, site);
    bool over = note_released(check, record, held, write, &report);
    (void)pthread_release(lock, how);
    if (__builtin_expect(over, 0)) { /* after the release: the handler shall not make it longer still */
        ax_lock_report late = { .misuse = AX_LOCK_HELD_LONG, .lock = lock, .name = check->name_, .site = site,
                                .other_site = report.other_site, .held_ns = report.held_ns };
        axi_lock_tell(&late);
    }
    return AX_OK;
}

/* --- init and fini ----------------------------------------------------------------------------------- */

static ax_status check_init(struct ax_detail_lock *check, const void *lock, const ax_lock_options *options,
                            int checked, const char *site)
{
    ax_lock_options none = { AX_LOCK_CHECK_DEFAULT, NULL, 0 };
    if (!options)
        options = &none;
    if (options->check == AX_LOCK_CHECK_YES)
        checked = 1;
    else if (options->check == AX_LOCK_CHECK_NO)
        checked = 0;
    else if (options->check != AX_LOCK_CHECK_DEFAULT)
        return AX_EINVAL;
    struct ax_detail_lock init = AX_DETAIL_LOCK_INIT(checked, options->name, options->limit_ns);
    *check = init;
    if (checked) {
        ax_lock_report report;
        (void)record_of(check, lock, site, &report); /* no memory: told, and tried again at the first use */
    }
    return AX_OK;
}

/* Whether fini may go on; if so, the lock's record is free and the lock is marked as ended. */
static ax_status check_fini(struct ax_detail_lock *check, void *lock, enum how how, const char *site)
{
    if (check->mode_ != AX_DETAIL_LOCK_UNCHECKED) {
        ax_lock_report report;
        struct axi_lock_record *record = record_of(check, lock, site, &report);
        if (!record && report.misuse != AX_LOCK_UNCHECKED)
            return report.status;
        if (!record || owner_of(record) != &axi_lock_ended) {
            if (pthread_try(lock, how) != 0)
                return tell(AX_LOCK_FINI_HELD, AX_EBUSY, check, lock, site,
                            record && owner_of(record) ? taken_at(record) : NULL);
            (void)pthread_release(lock, how);
        }
        axi_lock_forget(check);
    }
    return AX_OK;
}

AXI_EXPORT ax_status ax_mutex_init_at(ax_mutex *mutex, const ax_lock_options *options, int checked, const char *site)
{
    (void)pthread_mutex_init(&mutex->mutex_, NULL); /* the default kind has no error */
    return check_init(&mutex->check_, mutex, options, checked, site);
}

AXI_EXPORT ax_status ax_rwlock_init_at(ax_rwlock *rwlock, const ax_lock_options *options, int checked,
                                       const char *site)
{
    (void)pthread_rwlock_init(&rwlock->rwlock_, NULL);
    return check_init(&rwlock->check_, rwlock, options, checked, site);
}

AXI_EXPORT ax_status ax_mutex_fini_at(ax_mutex *mutex, const char *site)
{
    ax_status status = check_fini(&mutex->check_, mutex, MUTEX, site);
    if (status != AX_OK)
        return status;
    if (pthread_mutex_destroy(&mutex->mutex_) != 0 && mutex->check_.mode_ == AX_DETAIL_LOCK_UNCHECKED)
        return AX_EBUSY;
    mutex->check_.mode_ = AXI_LOCK_ENDED;
    return AX_OK;
}

AXI_EXPORT ax_status ax_rwlock_fini_at(ax_rwlock *rwlock, const char *site)
{
    ax_status status = check_fini(&rwlock->check_, rwlock, WRITE, site);
    if (status != AX_OK)
        return status;
    if (pthread_rwlock_destroy(&rwlock->rwlock_) != 0 && rwlock->check_.mode_ == AX_DETAIL_LOCK_UNCHECKED)
        return AX_EBUSY;
    rwlock->check_.mode_ = AXI_LOCK_ENDED;
    return AX_OK;
}

/* --- the interface ----------------------------------------------------------------------------------- */

AXI_EXPORT ax_status ax_detail_mutex_lock(ax_mutex *mutex, const char *site)
{
    return take(&mutex->check_, mutex, MUTEX, WAIT, UINT64_MAX, site);
}

AXI_EXPORT ax_status ax_detail_mutex_unlock(ax_mutex *mutex, const char *site)
{
    return release(&mutex->check_, mutex, MUTEX, site);
}

AXI_EXPORT bool ax_mutex_trylock_at(ax_mutex *mutex, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(mutex))
        return pthread_mutex_trylock(&mutex->mutex_) == 0;
    return take(&mutex->check_, mutex, MUTEX, TRY, 0, site) == AX_OK;
}

AXI_EXPORT bool ax_mutex_lock_until_at(ax_mutex *mutex, const struct timespec *deadline, const char *site)
{
    uint64_t end = (uint64_t)deadline->tv_sec * SECOND + (uint64_t)deadline->tv_nsec;
    if (AX_DETAIL_IS_UNCHECKED(mutex))
        return pthread_timed(mutex, MUTEX, end) == 0;
    return take(&mutex->check_, mutex, MUTEX, UNTIL, end, site) == AX_OK;
}

AXI_EXPORT ax_status ax_detail_rwlock_lock(ax_rwlock *rwlock, bool write, const char *site)
{
    return write ? take(&rwlock->check_, rwlock, WRITE, WAIT, UINT64_MAX, site)
                 : take(&rwlock->check_, rwlock, READ, WAIT, UINT64_MAX, site);
}

AXI_EXPORT ax_status ax_detail_rwlock_unlock(ax_rwlock *rwlock, const char *site)
{
    return release(&rwlock->check_, rwlock, WRITE, site);
}

AXI_EXPORT bool ax_rwlock_tryrdlock_at(ax_rwlock *rwlock, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(rwlock))
        return pthread_rwlock_tryrdlock(&rwlock->rwlock_) == 0;
    return take(&rwlock->check_, rwlock, READ, TRY, 0, site) == AX_OK;
}

AXI_EXPORT bool ax_rwlock_trywrlock_at(ax_rwlock *rwlock, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(rwlock))
        return pthread_rwlock_trywrlock(&rwlock->rwlock_) == 0;
    return take(&rwlock->check_, rwlock, WRITE, TRY, 0, site) == AX_OK;
}

/* --- condition variables ----------------------------------------------------------------------------- */

struct waiting {
    struct ax_detail_lock *check;
    struct axi_lock_record *record;
    const char *site;
};

/* Runs when the wait returns and when it is cancelled: both with the mutex taken again. */
static void taken_again(void *arg)
{
    struct waiting *waiting = arg;
    if (waiting->record)
        note_taken(waiting->check, waiting->record, MUTEX, waiting->site);
}

AXI_EXPORT ax_status ax_mutex_wait_at(ax_mutex *mutex, pthread_cond_t *condition, const struct timespec *deadline,
                                      const char *site)
{
    struct waiting waiting = { &mutex->check_, NULL, site };
    if (mutex->check_.mode_ != AX_DETAIL_LOCK_UNCHECKED) {
        ax_lock_report report;
        struct axi_lock_record *record = record_of(&mutex->check_, mutex, site, &report);
        if (!record && report.misuse != AX_LOCK_UNCHECKED)
            return report.status;
        if (record) {
            if (owner_of(record) != me())
                return tell(owner_of(record) ? AX_LOCK_UNLOCK_FOREIGN : AX_LOCK_UNLOCK_UNLOCKED, AX_EPERM,
                            &mutex->check_, mutex, site, taken_at(record));
            (void)note_released(&mutex->check_, record, held_entry(axi_lock_self, record), true, &report);
            if (axi_lock_self) /* it will be taken again while the others are held */
                note_orders(axi_lock_self, &mutex->check_, record, mutex, site);
            waiting.record = record;
        }
    }
    int error;
    pthread_cleanup_push(taken_again, &waiting);
    error = deadline ? pthread_cond_timedwait(condition, &mutex->mutex_, deadline)
                     : pthread_cond_wait(condition, &mutex->mutex_);
    pthread_cleanup_pop(1);
    return error == 0 ? AX_OK : error == ETIMEDOUT ? AX_ETIMEDOUT : AX_EINVAL;
}

/* SPDX-License-Identifier: MIT */
/*
 * lock.c: the calls of checked locks, and those of unchecked ones that are not inline.
 *
 * Each call begins with its quick form: what a correct program does again and again, in few instructions
 * (the lock's record is known, its orders are noted, nobody holds it). Whatever else there is, the full
 * form finds from the start. Under ThreadSanitizer there is only the full form, which hides what it does.
 */
#include <errno.h>
#include <string.h>

#include "export.h"
#include "lock_check.h"
#include "quiet.h"

enum patience { WAIT, UNTIL, TRY };

#define SECOND UINT64_C(1000000000)

/* --- what is known of the lock and the thread ------------------------------------------------------ */

static inline const void *me(void)
{
    return &axi_lock_self;
}

/* The record, if the lock has one and neither the lock nor a copy of it gives reason to look closer. */
static inline struct axi_lock_record *known_record(struct ax_detail_lock *check, const void *lock)
{
    if (__builtin_expect(check->mode_ != AX_DETAIL_LOCK_CHECKED, 0))
        return NULL;
    /* L1.acq: who reads the address sees the record as it was filled in */
    struct axi_lock_record *record = AX_DETAIL_LOAD_ACQUIRE(&check->record_, L1_acq);
    /* relaxed: address is constant while the lock is in use, copied is looked at again under the mutex */
    bool plain = record && axi_load_relaxed(&record->address) == lock && !axi_load_relaxed(&record->copied);
    return __builtin_expect(plain, 1) ? record : NULL;
}

/* The record, or NULL with a report in which misuse is AX_LOCK_UNCHECKED (go on without) or a refusal. */
static inline struct axi_lock_record *record_of(struct ax_detail_lock *check, const void *lock, const char *site,
                                                ax_lock_report *report)
{
    axi_quiet_begin();
    struct axi_lock_record *record = known_record(check, lock);
    axi_quiet_end();
    if (record)
        return record;
    *report = (ax_lock_report){ .lock = lock, .site = site };
    if (check->mode_ == AX_DETAIL_LOCK_CHECKED) {
        record = axi_lock_bind(check, lock, site, report);
    } else {
        report->misuse = AX_LOCK_NOT_A_LOCK;
        report->status = AX_ECORRUPT;
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

/* What the record says of a holder. */
static inline void sign(struct axi_lock_record *record, enum axi_lock_how how, const char *site, uint64_t since)
{
    if (how == AXI_LOCK_READ)
        return;
    /* relaxed, all three: see owner_of; the others are for reports */
    axi_store_relaxed(&record->site, site);
    if (since != 0)
        axi_store_relaxed(&record->since, since);
    axi_store_relaxed(&record->owner, me());
}

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

static inline void note_taken(struct ax_detail_lock *check, struct axi_lock_record *record, enum axi_lock_how how,
                              const char *site)
{
    uint64_t since = axi_lock_reading(check);
    axi_quiet_begin();
    sign(record, how, site, since);
    uint64_t serial = axi_load_relaxed(&record->serial); /* relaxed: constant while in use */
    axi_quiet_end();
    struct axi_lock_thread *thread = axi_lock_self;
    if (thread == NULL)
        thread = axi_lock_enlist();
    if (thread && (thread->count < thread->room || axi_lock_more_room(thread)))
        thread->held[thread->count++] = (struct axi_lock_held){ record, serial, since, site, how != AXI_LOCK_READ };
    else if (how == AXI_LOCK_READ)
        (void)AX_DETAIL_FETCH_ADD_RELAXED(&check->unlisted_, 1); /* relaxed: a count, held by who counts */
}

/* AX_EAGAIN: a try that found the lock held. `tried`: the quick form has just found it held. */
static __attribute__((noinline)) ax_status take_fully(struct ax_detail_lock *check, void *lock, enum axi_lock_how how,
                                                      enum patience patience, uint64_t end, const char *site, bool tried)
{
    ax_lock_report report;
    struct axi_lock_record *record = record_of(check, lock, site, &report);
    if (record == NULL) {
        if (report.misuse != AX_LOCK_UNCHECKED)
            return report.status;
        int error = axi_lock_try(lock, how);
        if (error != 0 && patience != TRY)
            error = axi_lock_timed(lock, how, end);
        if (error == 0) /* relaxed: a count, held by who counts */
            (void)AX_DETAIL_FETCH_ADD_RELAXED(&check->unlisted_, 1);
        return error == 0 ? AX_OK : AX_ETIMEDOUT;
    }
    struct axi_lock_thread *thread = axi_lock_self;
    if (owner_of(record) == me())
        return tell(AX_LOCK_RELOCK, AX_EDEADLK, check, lock, site, taken_at(record));
    if (thread && thread->count > 0) {
        if (how != AXI_LOCK_MUTEX) {
            struct axi_lock_held *held = held_entry(thread, record);
            if (held)
                return tell(AX_LOCK_RELOCK, AX_EDEADLK, check, lock, site, held->site);
        }
        if (patience != TRY)
            note_orders(thread, check, record, lock, site);
    }
    if (patience == WAIT && axi_under_tsan() && owner_of(record) == NULL) {
        axi_lock_plainly(lock, how);
    } else if (tried || axi_lock_try(lock, how) != 0) {
        if (patience == TRY)
            return AX_EAGAIN;
        ax_status status = axi_lock_wait_for(check, record, lock, how, end, site);
        if (status != AX_OK)
            return status;
    }
    note_taken(check, record, how, site);
    return AX_OK;
}

/* Whether taking the lock now is no news: it is not held by this thread, and all orders are noted. */
static inline bool orders_known(struct axi_lock_thread *thread, struct axi_lock_record *record, uint64_t serial)
{
    for (uint32_t i = 0; i < thread->count; i++)
        if (thread->held[i].record == record || !axi_lock_order_known(thread, thread->held[i].serial, serial))
            return false;
    return true;
}

/* The quick form; inlined once for each kind of lock and call. */
static inline __attribute__((always_inline)) ax_status take(struct ax_detail_lock *check, void *lock,
                                                            enum axi_lock_how how, enum patience patience,
                                                            uint64_t end, const char *site)
{
    if (axi_under_tsan())
        return take_fully(check, lock, how, patience, end, site, false);
    struct axi_lock_record *record = known_record(check, lock);
    struct axi_lock_thread *thread = axi_lock_self;
    if (__builtin_expect(record == NULL || thread == NULL || thread->count == thread->room, 0))
        return take_fully(check, lock, how, patience, end, site, false);
    uint64_t serial = axi_load_relaxed(&record->serial); /* relaxed: constant while in use */
    if (__builtin_expect(!orders_known(thread, record, serial), 0))
        return take_fully(check, lock, how, patience, end, site, false);
    if (__builtin_expect(axi_lock_try(lock, how) != 0, 0))
        return take_fully(check, lock, how, patience, end, site, true);
    uint64_t since = axi_lock_reading(check);
    sign(record, how, site, since);
    thread->held[thread->count++] = (struct axi_lock_held){ record, serial, since, site, how != AXI_LOCK_READ };
    return AX_OK;
}

/* --- releasing ------------------------------------------------------------------------------------- */

/* Takes the lock off the thread's list and gives up ownership. For how long it was held beyond doubt, if that is
 * over its limit; else 0. */
static uint64_t note_released(const struct ax_detail_lock *check, struct axi_lock_record *record,
                              struct axi_lock_held *held, bool write)
{
    uint64_t over = 0;
    if (held) {
        over = axi_lock_over_limit(check, held->since);
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

static void tell_held_long(const struct ax_detail_lock *check, const void *lock, const char *site,
                           const char *taken, uint64_t held_ns)
{
    ax_lock_report report = { .misuse = AX_LOCK_HELD_LONG, .lock = lock, .name = check->name_, .site = site,
                              .other_site = taken, .held_ns = held_ns };
    axi_lock_tell(&report);
}

/* Not held by this thread, as far as we know. */
static ax_status refuse_release(struct ax_detail_lock *check, struct axi_lock_record *record, void *lock,
                                enum axi_lock_how how, const char *site)
{
    /* relaxed: a count. Somebody took the lock without a trace: trust the caller that it was him. */
    uint32_t unlisted = AX_DETAIL_LOAD_RELAXED(&check->unlisted_);
    while (unlisted != 0) {
        if (AX_DETAIL_WCAS_RELAXED(&check->unlisted_, &unlisted, unlisted - 1)) {
            (void)axi_lock_release(lock, how);
            return AX_OK;
        }
    }
    if (!record)
        return AX_EPERM;
    bool free = owner_of(record) == NULL;
    if (free && how != AXI_LOCK_MUTEX) { /* readers do not sign: ask the lock itself */
        free = axi_lock_try(lock, AXI_LOCK_WRITE) == 0;
        if (free)
            (void)axi_lock_release(lock, AXI_LOCK_WRITE);
    }
    return tell(free ? AX_LOCK_UNLOCK_UNLOCKED : AX_LOCK_UNLOCK_FOREIGN, AX_EPERM, check, lock, site,
                taken_at(record));
}

static __attribute__((noinline)) ax_status release_fully(struct ax_detail_lock *check, void *lock,
                                                         enum axi_lock_how how, const char *site)
{
    ax_lock_report report;
    struct axi_lock_record *record = record_of(check, lock, site, &report);
    if (record == NULL)
        return report.misuse == AX_LOCK_UNCHECKED ? refuse_release(check, NULL, lock, how, site) : report.status;
    bool write = owner_of(record) == me();
    struct axi_lock_held *held = held_entry(axi_lock_self, record);
    if (!write && (how == AXI_LOCK_MUTEX || !held))
        return refuse_release(check, record, lock, how, site);
    const char *taken = held ? held->site : NULL;
    uint64_t over = note_released(check, record, held, write);
    (void)axi_lock_release(lock, how);
    if (over != 0) /* after the release: the handler shall not make it longer still */
        tell_held_long(check, lock, site, taken, over);
    return AX_OK;
}

/* The quick form: the lock that was taken last is released first. */
static inline __attribute__((always_inline)) ax_status release(struct ax_detail_lock *check, void *lock,
                                                               enum axi_lock_how how, const char *site)
{
    if (axi_under_tsan())
        return release_fully(check, lock, how, site);
    struct axi_lock_record *record = known_record(check, lock);
    struct axi_lock_thread *thread = axi_lock_self;
    if (__builtin_expect(record == NULL || thread == NULL || thread->count == 0, 0))
        return release_fully(check, lock, how, site);
    const struct axi_lock_held *last = &thread->held[thread->count - 1];
    bool is_last = last->record == record && last->serial == axi_load_relaxed(&record->serial); /* relaxed: in use */
    if (__builtin_expect(!is_last || axi_lock_reading(check) - last->since > check->limit_ns_, 0))
        return release_fully(check, lock, how, site);
    thread->count--;
    if (last->write)
        axi_store_relaxed(&record->owner, NULL); /* relaxed: see owner_of */
    (void)axi_lock_release(lock, how);
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
static ax_status check_fini(struct ax_detail_lock *check, void *lock, enum axi_lock_how how, const char *site)
{
    if (check->mode_ != AX_DETAIL_LOCK_UNCHECKED) {
        ax_lock_report report;
        struct axi_lock_record *record = record_of(check, lock, site, &report);
        if (!record && report.misuse != AX_LOCK_UNCHECKED)
            return report.status;
        if (!record || owner_of(record) != &axi_lock_ended) {
            if (axi_lock_try(lock, how) != 0)
                return tell(AX_LOCK_FINI_HELD, AX_EBUSY, check, lock, site,
                            record && owner_of(record) ? taken_at(record) : NULL);
            (void)axi_lock_release(lock, how);
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
    ax_status status = check_fini(&mutex->check_, mutex, AXI_LOCK_MUTEX, site);
    if (status != AX_OK)
        return status;
    if (pthread_mutex_destroy(&mutex->mutex_) != 0 && mutex->check_.mode_ == AX_DETAIL_LOCK_UNCHECKED)
        return AX_EBUSY;
    mutex->check_.mode_ = AXI_LOCK_ENDED;
    return AX_OK;
}

AXI_EXPORT ax_status ax_rwlock_fini_at(ax_rwlock *rwlock, const char *site)
{
    ax_status status = check_fini(&rwlock->check_, rwlock, AXI_LOCK_WRITE, site);
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
    return take(&mutex->check_, mutex, AXI_LOCK_MUTEX, WAIT, UINT64_MAX, site);
}

AXI_EXPORT ax_status ax_detail_mutex_unlock(ax_mutex *mutex, const char *site)
{
    return release(&mutex->check_, mutex, AXI_LOCK_MUTEX, site);
}

AXI_EXPORT bool ax_mutex_trylock_at(ax_mutex *mutex, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(mutex))
        return pthread_mutex_trylock(&mutex->mutex_) == 0;
    return take(&mutex->check_, mutex, AXI_LOCK_MUTEX, TRY, 0, site) == AX_OK;
}

AXI_EXPORT bool ax_mutex_lock_until_at(ax_mutex *mutex, const struct timespec *deadline, const char *site)
{
    uint64_t end = (uint64_t)deadline->tv_sec * SECOND + (uint64_t)deadline->tv_nsec;
    if (AX_DETAIL_IS_UNCHECKED(mutex))
        return axi_lock_timed(mutex, AXI_LOCK_MUTEX, end) == 0;
    return take(&mutex->check_, mutex, AXI_LOCK_MUTEX, UNTIL, end, site) == AX_OK;
}

AXI_EXPORT ax_status ax_detail_rwlock_lock(ax_rwlock *rwlock, bool write, const char *site)
{
    return write ? take(&rwlock->check_, rwlock, AXI_LOCK_WRITE, WAIT, UINT64_MAX, site)
                 : take(&rwlock->check_, rwlock, AXI_LOCK_READ, WAIT, UINT64_MAX, site);
}

AXI_EXPORT ax_status ax_detail_rwlock_unlock(ax_rwlock *rwlock, const char *site)
{
    return release(&rwlock->check_, rwlock, AXI_LOCK_WRITE, site);
}

AXI_EXPORT bool ax_rwlock_tryrdlock_at(ax_rwlock *rwlock, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(rwlock))
        return pthread_rwlock_tryrdlock(&rwlock->rwlock_) == 0;
    return take(&rwlock->check_, rwlock, AXI_LOCK_READ, TRY, 0, site) == AX_OK;
}

AXI_EXPORT bool ax_rwlock_trywrlock_at(ax_rwlock *rwlock, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(rwlock))
        return pthread_rwlock_trywrlock(&rwlock->rwlock_) == 0;
    return take(&rwlock->check_, rwlock, AXI_LOCK_WRITE, TRY, 0, site) == AX_OK;
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
        note_taken(waiting->check, waiting->record, AXI_LOCK_MUTEX, waiting->site);
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
            struct axi_lock_held *held = held_entry(axi_lock_self, record);
            const char *taken = held ? held->site : NULL;
            uint64_t over = note_released(&mutex->check_, record, held, true);
            if (over != 0)
                tell_held_long(&mutex->check_, mutex, site, taken, over);
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

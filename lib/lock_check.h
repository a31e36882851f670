/* SPDX-License-Identifier: MIT */
/*
 * What the files of the checked lock share.
 *
 *   lock.c          the calls: what is checked when
 *   lock_wait.c     pthread's operations that wait, what a waiter looks at, how long a lock was held
 *   lock_record.c   records of locks and of threads; copies, thread ends, fork
 *   lock_order.c    the graph of orders
 *   lock_report.c   telling
 *
 * A lock points to its record, and a copy of the lock to the same one: the record knows the one address
 * it speaks of. Records are never given back to the allocator (they are reused for other locks), so that
 * the stale pointer in a copy or in a thread's list of held locks always leads to *a* record, and its
 * serial number tells whether to the one that was meant.
 *
 * Nothing here orders anything between the users' threads: the checks run between axi_quiet_begin and
 * axi_quiet_end, and the fields that threads read without the internal mutex are relaxed atomics.
 */
#ifndef AXI_LOCK_CHECK_H
#define AXI_LOCK_CHECK_H

#include <atomicx/lock.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "atomic.h"

#define AXI_LOCK_ENDED 0x64656e65u /* mode_ after fini */

struct axi_lock_order;

struct axi_lock_record {
    /* One cache line, all that the quick forms look at. Read by any thread. Writers: bind and forget under
     * the internal mutex, for the first three ... */
    _Alignas(64) _Atomic(const void *) address; /* the lock this speaks of; NULL: none, the record is free */
    _Atomic uint64_t serial;       /* of this use of the record; never the same twice */
    _Atomic(const char *) copied;  /* where a copy was used, until the original has been told */
    /* ... and whoever takes or releases the lock exclusively, for these. */
    _Atomic(const void *) owner; /* &axi_lock_self of the holder, or &axi_lock_ended; NULL: none, or readers */
    _Atomic(const char *) site;  /* where it was taken last */
    _Atomic uint64_t since;      /* when, in nanoseconds; only with a limit */
    _Atomic uint64_t warned;     /* the `since` of a holding that a waiter has reported */

    /* Under the internal mutex. */
    const char *name;
    const char *first_site;
    struct axi_lock_record *next_at; /* others whose address falls into the same bucket; next free one */
    struct axi_lock_order *out, *in; /* orders this before others, others before this */
    uint64_t visited;                /* lock_order.c: the search that came here last */
    struct axi_lock_record *next_visited;
};

struct axi_lock_held {
    struct axi_lock_record *record;
    uint64_t serial;
    uint64_t since;
    const char *site;
    bool write;
};

enum { AXI_LOCK_HELD_INLINE = 8, AXI_LOCK_KNOWN = 64 };

/* What a thread knows; touched by that thread alone. */
struct axi_lock_thread {
    struct axi_lock_held *held; /* in the order they were taken */
    uint32_t count, room;
    int rounds;         /* of thread-specific destructors so far */
    struct axi_lock_held few[AXI_LOCK_HELD_INLINE];
    struct axi_lock_pair { uint64_t from, to; } known[AXI_LOCK_KNOWN]; /* orders that are noted for sure */
};

/* NULL until the thread takes its first checked lock. Its address is the thread's identity. */
extern __thread struct axi_lock_thread *axi_lock_self __attribute__((tls_model("initial-exec")));
extern const char axi_lock_ended; /* the owner of locks whose holder is no more */

/* --- pthread's operations, by kind of lock; those that wait are lock_wait.c's --- */
enum axi_lock_how { AXI_LOCK_MUTEX, AXI_LOCK_READ, AXI_LOCK_WRITE };

static inline int axi_lock_try(void *lock, enum axi_lock_how how)
{
    switch (how) {
    case AXI_LOCK_MUTEX: return pthread_mutex_trylock(&((ax_mutex *)lock)->mutex_);
    case AXI_LOCK_READ: return pthread_rwlock_tryrdlock(&((ax_rwlock *)lock)->rwlock_);
    default: return pthread_rwlock_trywrlock(&((ax_rwlock *)lock)->rwlock_);
    }
}

static inline int axi_lock_release(void *lock, enum axi_lock_how how)
{
    return how == AXI_LOCK_MUTEX ? pthread_mutex_unlock(&((ax_mutex *)lock)->mutex_)
                                 : pthread_rwlock_unlock(&((ax_rwlock *)lock)->rwlock_);
}

void axi_lock_plainly(void *lock, enum axi_lock_how how);
/* Waits until `end` (CLOCK_MONOTONIC) at most. */
int axi_lock_timed(void *lock, enum axi_lock_how how, uint64_t end);

/* --- lock_wait.c: limits --- */
/* A holding is timed by the coarse clock, unless its limit is so short that the coarse clock's ticks matter. */
static inline clockid_t axi_lock_clock(const struct ax_detail_lock *check)
{
    return check->limit_ns_ < AX_LOCK_FINE_LIMIT_NS ? CLOCK_MONOTONIC : CLOCK_MONOTONIC_COARSE;
}

/* That clock's reading; 0 without a limit. */
static inline uint64_t axi_lock_reading(const struct ax_detail_lock *check)
{
    if (check->limit_ns_ == 0)
        return 0;
    struct timespec t;
    (void)clock_gettime(axi_lock_clock(check), &t); /* these clocks always exist */
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* For how long a lock taken at `since` has been held beyond doubt, if that is over its limit; else 0. */
uint64_t axi_lock_over_limit(const struct ax_detail_lock *check, uint64_t since);

/* --- lock_wait.c: waiting --- */
/* The lock was seen held. AX_ETIMEDOUT, AX_ECANCELED (abandoned), AX_EAGAIN (too many readers). */
ax_status axi_lock_wait_for(struct ax_detail_lock *check, struct axi_lock_record *record, void *lock,
                            enum axi_lock_how how, uint64_t end, const char *site);

/* --- lock_record.c --- */
/* The slow part of finding a lock's record: binds it at first use, finds copies. NULL: refused, with the
 * report filled in. With a record: report->misuse may be a warning, else 0. */
struct axi_lock_record *axi_lock_bind(struct ax_detail_lock *check, const void *lock, const char *site,
                                      ax_lock_report *report);
/* The lock is no more: its record becomes free. */
void axi_lock_forget(const struct ax_detail_lock *check);
/* This thread's state, made now if need be; NULL: no memory. */
struct axi_lock_thread *axi_lock_enlist(void);
bool axi_lock_more_room(struct axi_lock_thread *thread);
void axi_lock_mutex(void);   /* the internal mutex, quietly */
void axi_lock_unmutex(void);

/* --- lock_order.c --- */
/* Where the thread would remember that the order is noted. */
static inline struct axi_lock_pair *axi_lock_known_slot(struct axi_lock_thread *thread, uint64_t from, uint64_t to)
{
    return &thread->known[(from * 31 + to) % AXI_LOCK_KNOWN];
}

static inline bool axi_lock_order_known(struct axi_lock_thread *thread, uint64_t from, uint64_t to)
{
    const struct axi_lock_pair *slot = axi_lock_known_slot(thread, from, to);
    return slot->from == from && slot->to == to;
}

/* Notes that `to` is being taken while `held` is held. True: against the noted orders, report filled in.
 * False with report->misuse set: no memory to note it. */
bool axi_lock_note_order(struct axi_lock_thread *thread, const struct axi_lock_held *held,
                         struct axi_lock_record *to, const char *site, ax_lock_report *report);
/* Under the internal mutex. */
void axi_lock_forget_orders(struct axi_lock_record *record);

/* --- lock_report.c --- */
/* Counts the mistake and calls the handler. Not between quiet_begin and quiet_end, nor under the mutex. */
void axi_lock_tell(const ax_lock_report *report);

#endif

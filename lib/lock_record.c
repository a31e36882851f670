/* SPDX-License-Identifier: MIT */
/*
 * lock_record.c: records of locks, found by the lock's address, and of threads.
 *
 * A lock in memory that is simply dropped (a local variable, no fini) leaves its record behind; it is
 * found again when another lock turns up at that address, and reused. So the number of records is
 * bounded by the number of addresses that locks have had.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lock_check.h"
#include "quiet.h"

enum {
    CHUNK = 32,          /* records allocated at a time */
    FIRST_BUCKETS = 256, /* a power of two */
    ROUNDS = 3,          /* a thread that still holds a lock in this round of destructors has lost it */
};

static struct axi_lock_record *first_buckets[FIRST_BUCKETS];

static struct {
    pthread_mutex_t mutex;
    struct axi_lock_record **buckets; /* this and all that follows under the mutex */
    size_t bucket_count;
    size_t used;
    struct axi_lock_record *free;
    struct chunk *chunks;
    uint64_t serials;
    pthread_once_t once;
    bool has_key; /* written under `once` */
    pthread_key_t key;
} registry = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .once = PTHREAD_ONCE_INIT,
    .buckets = first_buckets,
    .bucket_count = FIRST_BUCKETS,
};

struct chunk {
    struct chunk *next; /* only so that a leak checker finds them */
    struct axi_lock_record records[CHUNK];
};

__thread struct axi_lock_thread *axi_lock_self __attribute__((tls_model("initial-exec")));
const char axi_lock_ended;

void axi_lock_mutex(void)
{
    axi_quiet_begin();
    (void)pthread_mutex_lock(&registry.mutex); /* default kind, never locked twice: cannot fail */
}

void axi_lock_unmutex(void)
{
    (void)pthread_mutex_unlock(&registry.mutex);
    axi_quiet_end();
}

/* --- records: all under the mutex ------------------------------------------------------------------ */

static struct axi_lock_record **bucket(const void *address)
{
    uint64_t hash = (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15); /* Fibonacci hashing */
    return &registry.buckets[(hash >> 32) & (registry.bucket_count - 1)];
}

static void insert(struct axi_lock_record *record)
{
    struct axi_lock_record **place = bucket(axi_load_relaxed(&record->address)); /* relaxed: under the mutex */
    record->next_at = *place;
    *place = record;
}

static void more_buckets(void)
{
    size_t old_count = registry.bucket_count;
    struct axi_lock_record **old = registry.buckets;
    struct axi_lock_record **buckets = calloc(2 * old_count, sizeof(struct axi_lock_record *));
    if (!buckets)
        return; /* longer chains, nothing else */
    registry.buckets = buckets;
    registry.bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++) {
        for (struct axi_lock_record *record = old[i], *next; record; record = next) {
            next = record->next_at;
            insert(record);
        }
    }
    if (old != first_buckets)
        free(old);
}

static struct axi_lock_record *find_at(const void *address)
{
    struct axi_lock_record *record = *bucket(address);
    while (record && axi_load_relaxed(&record->address) != address) /* relaxed: under the mutex */
        record = record->next_at;
    return record;
}

static void forget(struct axi_lock_record *record)
{
    struct axi_lock_record **link = bucket(axi_load_relaxed(&record->address)); /* relaxed: under the mutex */
    while (*link != record)
        link = &(*link)->next_at;
    *link = record->next_at;
    registry.used--;
    axi_lock_forget_orders(record);
    /* relaxed, here and in take_record: who still looks at the record through a copy or a list of held
     * locks compares serials, and anything else it reads is only reported */
    axi_store_relaxed(&record->serial, 0);
    axi_store_relaxed(&record->address, NULL);
    axi_store_relaxed(&record->owner, NULL);
    record->next_at = registry.free;
    registry.free = record;
}

static struct axi_lock_record *take_record(const void *lock, const char *name, const char *site)
{
    if (!registry.free) {
        struct chunk *chunk = aligned_alloc(_Alignof(struct chunk), sizeof *chunk);
        if (!chunk)
            return NULL;
        memset(chunk, 0, sizeof *chunk);
        chunk->next = registry.chunks;
        registry.chunks = chunk;
        for (int i = 0; i < CHUNK; i++) {
            chunk->records[i].next_at = registry.free;
            registry.free = &chunk->records[i];
        }
    }
    struct axi_lock_record *record = registry.free;
    registry.free = record->next_at;
    /* relaxed, all five: who finds the record through its lock has them by L1, others look at guesses. `warned` may
     * stay: it is a time in the past, and no holding of this lock's. */
    axi_store_relaxed(&record->site, NULL);
    axi_store_relaxed(&record->since, 0);
    axi_store_relaxed(&record->copied, NULL);
    axi_store_relaxed(&record->serial, ++registry.serials);
    axi_store_relaxed(&record->address, lock);
    record->name = name;
    record->first_site = site;
    if (++registry.used > 2 * registry.bucket_count)
        more_buckets();
    insert(record);
    return record;
}

/* --- a thread's end, and fork ------------------------------------------------------------------------ */

/* The lock stays as the ended thread left it, and is marked so that nobody waits for it. */
static void abandon(const struct axi_lock_held *held)
{
    ax_lock_report report = { .misuse = AX_LOCK_THREAD_ENDED, .site = held->site };
    axi_lock_mutex();
    struct axi_lock_record *record = held->record;
    bool alive = axi_load_relaxed(&record->serial) == held->serial; /* relaxed: under the mutex */
    if (alive) {
        axi_store_relaxed(&record->owner, &axi_lock_ended); /* relaxed: waiters look again and again */
        report.lock = axi_load_relaxed(&record->address);   /* relaxed: under the mutex */
        report.name = record->name;
    }
    axi_lock_unmutex();
    if (alive)
        axi_lock_tell(&report);
}

static void thread_ends(void *state)
{
    struct axi_lock_thread *thread = state;
    if (thread->count > 0 && ++thread->rounds < ROUNDS && pthread_setspecific(registry.key, thread) == 0)
        return; /* another destructor may still release */
    for (uint32_t i = 0; i < thread->count; i++)
        abandon(&thread->held[i]);
    axi_lock_self = NULL;
    if (thread->held != thread->few)
        free(thread->held);
    free(thread);
}

/* In the child only this thread is left; what the others held stays locked for ever. */
static void fork_child(void)
{
    for (size_t i = 0; i < registry.bucket_count; i++) {
        for (struct axi_lock_record *record = registry.buckets[i]; record; record = record->next_at) {
            const void *owner = axi_load_relaxed(&record->owner); /* relaxed: the only thread there is */
            if (owner && owner != &axi_lock_self)
                axi_store_relaxed(&record->owner, &axi_lock_ended);
        }
    }
    axi_lock_unmutex();
}

/* Not under the mutex: a fork in another thread holds the C library's lock on the handlers while it
 * waits for our mutex. Without fork handlers a child could hang in the mutex, but all else works. */
static void make_ready(void)
{
    registry.has_key = pthread_key_create(&registry.key, thread_ends) == 0;
    (void)pthread_atfork(axi_lock_mutex, axi_lock_unmutex, fork_child);
}

struct axi_lock_thread *axi_lock_enlist(void)
{
    if (axi_lock_self)
        return axi_lock_self;
    int error = errno;
    axi_quiet_begin();
    (void)pthread_once(&registry.once, make_ready);
    struct axi_lock_thread *thread = registry.has_key ? calloc(1, sizeof *thread) : NULL;
    if (thread) {
        thread->held = thread->few;
        thread->room = AXI_LOCK_HELD_INLINE;
        if (pthread_setspecific(registry.key, thread) == 0) {
            axi_lock_self = thread;
        } else {
            free(thread);
            thread = NULL;
        }
    }
    axi_quiet_end();
    errno = error;
    return thread;
}

bool axi_lock_more_room(struct axi_lock_thread *thread)
{
    uint32_t room = 2 * thread->room;
    struct axi_lock_held *old = thread->held == thread->few ? NULL : thread->held;
    struct axi_lock_held *held = realloc(old, room * sizeof *held);
    if (!held)
        return false;
    if (!old)
        memcpy(held, thread->few, thread->count * sizeof *held);
    thread->held = held;
    thread->room = room;
    return true;
}

/* --- finding a lock's record -------------------------------------------------------------------------- */

static void refuse(ax_lock_report *report, ax_lock_misuse misuse, ax_status status)
{
    report->misuse = misuse;
    report->status = status;
}

/* Two locks cannot be at one address: the earlier one's memory was given up without fini. */
static void forget_at(const void *lock, ax_lock_report *report)
{
    struct axi_lock_record *earlier = find_at(lock);
    if (!earlier)
        return;
    const void *owner = axi_load_relaxed(&earlier->owner); /* relaxed, these two: only reported */
    if (owner && owner != &axi_lock_ended) {
        report->misuse = AX_LOCK_FINI_HELD;
        report->other_site = axi_load_relaxed(&earlier->site);
    }
    forget(earlier);
}

struct axi_lock_record *axi_lock_bind(struct ax_detail_lock *check, const void *lock, const char *site,
                                      ax_lock_report *report)
{
    int error = errno;
    axi_quiet_begin();
    (void)pthread_once(&registry.once, make_ready);
    axi_quiet_end();

    axi_lock_mutex();
    report->name = check->name_;
    struct axi_lock_record *record = AX_DETAIL_LOAD_RELAXED(&check->record_); /* relaxed: under the mutex */
    if (!record) {
        forget_at(lock, report);
        record = take_record(lock, check->name_, site);
        if (record) {
            check->serial_ = axi_load_relaxed(&record->serial); /* relaxed: own */
            AX_DETAIL_STORE_RELEASE(&check->record_, (void *)record, L1_rel); /* L1.rel: the record is filled in */
        } else {
            refuse(report, AX_LOCK_UNCHECKED, AX_OK);
        }
    } else if (axi_load_relaxed(&record->address) != lock ||         /* relaxed: under the mutex */
               axi_load_relaxed(&record->serial) != check->serial_) { /* relaxed: under the mutex */
        refuse(report, AX_LOCK_COPY_USED, AX_ECORRUPT);
        if (axi_load_relaxed(&record->serial) == check->serial_) { /* relaxed, both: under the mutex */
            report->other_lock = axi_load_relaxed(&record->address);
            report->other_site = record->first_site;
            axi_store_relaxed(&record->copied, site); /* relaxed: told to the original sooner or later */
        }
        record = NULL;
    } else {
        report->other_site = axi_load_relaxed(&record->copied); /* relaxed, both: its writers hold the mutex */
        if (report->other_site) {
            axi_store_relaxed(&record->copied, NULL);
            refuse(report, AX_LOCK_ORIGINAL_COPIED, AX_OK);
        }
    }
    axi_lock_unmutex();
    errno = error;
    return record;
}

void axi_lock_forget(const struct ax_detail_lock *check)
{
    axi_lock_mutex();
    struct axi_lock_record *record = AX_DETAIL_LOAD_RELAXED(&check->record_); /* relaxed: no call overlaps fini */
    if (record)
        forget(record);
    axi_lock_unmutex();
}

/* SPDX-License-Identifier: MIT */
/**
 * lock.h: a mutex and a read-write lock over pthreads that can tell you what you did wrong, and where.
 *
 *     static ax_mutex jobs_lock = AX_MUTEX_INIT;
 *     static int jobs AX_GUARDED_BY(jobs_lock);
 *
 *     AX_WITH_LOCK(&jobs_lock) {
 *         if (jobs == 0)
 *             return false;                 released here, too: on return, break, continue and goto
 *         jobs--;
 *     }
 *
 * Each lock is checked or unchecked, from its initialiser on: AX_MUTEX_CHECKED_INIT, or AX_MUTEX_INIT in
 * a file compiled with -DAX_CHECK_LOCKS=1, or ax_lock_options.check. Both have one layout, and files
 * compiled with and without the switch mix. An unchecked lock is the pthread lock behind one predictable
 * branch; misuse of it is what POSIX says it is.
 *
 * A checked lock finds, at the call that commits it, with the caller's file and line:
 *
 * | mistake (ax_lock_misuse)                    | the call returns    | and the lock               |
 * |---------------------------------------------|---------------------|----------------------------|
 * | UNLOCK_UNLOCKED  unlock, and nobody holds it | AX_EPERM           | is left alone              |
 * | UNLOCK_FOREIGN   unlock, another thread holds it | AX_EPERM       | stays with its holder      |
 * | RELOCK           lock by the thread that holds it | AX_EDEADLK    | stays held, once           |
 * | COPY_USED        any use of a copied lock    | AX_ECORRUPT        | copy and original are left alone |
 * | ORIGINAL_COPIED  next use of the original after a copy's use | AX_OK | does what was asked     |
 * | FINI_HELD        fini while held             | AX_EBUSY           | lives on                   |
 * | THREAD_ENDED     a thread ends as its holder | (no call)          | is abandoned               |
 * | ABANDONED        lock of an abandoned lock   | AX_ECANCELED       | is left alone, nobody hangs |
 * | HELD_LONG        held longer than its limit  | AX_OK              | does what was asked        |
 * | INVERSION        taken in an order that can deadlock | AX_OK      | does what was asked        |
 * | NOT_A_LOCK       used after fini, or never initialised | AX_ECORRUPT | is left alone           |
 * | UNCHECKED        memory for the checks ran out | AX_OK            | works, unchecked for now   |
 *
 * try and until calls return false where the table has a failure. Each mistake is also a call of the
 * handler (ax_lock_on_misuse; by default a line on stderr), so that none passes in silence when the
 * status is ignored. Nothing ever ends the process. A guard whose lock was refused skips its block.
 *
 * INVERSION. Taking lock b while holding a notes the order a before b, per lock instance. A lock that is
 * taken against the noted orders, directly or around a longer circle, is reported before the call waits:
 * no deadlock has to happen, and no two threads have to meet. Each pair is reported once. try calls
 * cannot deadlock and note nothing; fini forgets the lock's orders.
 *
 * HELD_LONG. With a limit, a waiter reports while the lock is still held (its own site and the holder's),
 * and the holder when it releases it, or waits for a condition (both its sites). A limit below
 * AX_LOCK_FINE_LIMIT_NS is timed by CLOCK_MONOTONIC, exactly. A longer one, so that a section costs no exact
 * reading, by CLOCK_MONOTONIC_COARSE, which is up to two timer ticks (2 to 20 ms) late: what is held shorter
 * than the limit is never reported, what is held longer by two ticks always. (Both as far as the kernel's
 * ticks themselves are in time.) 0: no limit and no clock is read.
 *
 * COPY_USED. A lock belongs to the address at which it was first used. A struct copy, memcpy or realloc
 * that carries it elsewhere makes a copy; copying a lock that was never used is like initialising one.
 *
 * THREAD_ENDED. Looked for after two rounds of thread-specific destructors, so that these may still
 * release. It also marks what other threads held when a child was forked, in the child.
 *
 * | operation      | progress         | blocks        | allocates            | signal handler | fork        |
 * |----------------|------------------|---------------|----------------------|----------------|-------------|
 * | lock, until    | as pthreads      | yes           | checked: at a lock's and a thread's first use, and for a new order | no | yes |
 * | trylock        | as pthreads      | never (a)     | as above             | no             | yes         |
 * | unlock         | as pthreads      | never (a)     | never                | no             | by the thread that forked |
 * | wait           | as pthreads      | yes           | as lock              | no             | no          |
 * | init, fini     | as pthreads      | never (a)     | checked: init        | no             | no          |
 *
 * (a) a checked lock may take an internal mutex, at first use, for a new order and for a mistake, held
 * for a bounded number of steps (a new order: the orders noted so far).
 *
 * Recursion is not offered, for readers neither: a second read lock deadlocks as soon as a writer waits
 * in between. Locks are private to a process. Memory of the checks: 128 bytes per checked lock in
 * use, kept for the next lock after fini; about 1.5 KB per thread that uses one; 80 bytes per order.
 *
 * Memory order: as pthread's lock and unlock (acquire, release), and nothing else: the checks order
 * nothing between threads, and hide nothing from ThreadSanitizer.
 */
#ifndef ATOMICX_LOCK_H
#define ATOMICX_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <atomicx/annotations.h>
#include <atomicx/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Limits below this, in nanoseconds, are timed exactly, at the cost of two exact readings of the clock a section. */
#define AX_LOCK_FINE_LIMIT_NS 50000000u

/** What AX_MUTEX_INIT and AX_RWLOCK_INIT make in this file: 1 checked, 0 (default) unchecked locks. */
#ifndef AX_CHECK_LOCKS
#define AX_CHECK_LOCKS 0
#endif

/* What a checked lock knows of itself. mode_ is constant from init to fini. */
struct ax_detail_lock {
    uint32_t mode_;
    uint32_t unlisted_; /* how often it is held without a trace, memory having run out; atomically */
    const char *name_;
    uint64_t limit_ns_;
    void *record_; /* set once, at the first use */
    uint64_t serial_;
};
#define AX_DETAIL_LOCK_UNCHECKED 0u
#define AX_DETAIL_LOCK_CHECKED 0x6b636f6cu
#define AX_DETAIL_LOCK_INIT(checked, name, limit_ns) \
    { (checked) ? AX_DETAIL_LOCK_CHECKED : AX_DETAIL_LOCK_UNCHECKED, 0, (name), (limit_ns), NULL, 0 }

/** Opaque; must not be copied or moved once used. */
typedef struct AX_CAPABILITY("mutex") ax_mutex {
    pthread_mutex_t mutex_;
    struct ax_detail_lock check_;
} ax_mutex;

/**
 * Opaque; must not be copied or moved once used. Prefers readers, as pthread's default does. Strictly
 * conforming C11 (-std=c11 without _POSIX_C_SOURCE of 200112 or more) hides pthread's and thereby ours.
 */
#ifdef PTHREAD_RWLOCK_INITIALIZER
#define AX_DETAIL_HAVE_RWLOCK 1
typedef struct AX_CAPABILITY("rwlock") ax_rwlock {
    pthread_rwlock_t rwlock_;
    struct ax_detail_lock check_;
} ax_rwlock;
#endif

#define AX_MUTEX_INIT { PTHREAD_MUTEX_INITIALIZER, AX_DETAIL_LOCK_INIT(AX_CHECK_LOCKS, NULL, 0) }
#define AX_RWLOCK_INIT { PTHREAD_RWLOCK_INITIALIZER, AX_DETAIL_LOCK_INIT(AX_CHECK_LOCKS, NULL, 0) }
/** A checked lock with a name for reports (or NULL) and a limit in nanoseconds (or 0). */
#define AX_MUTEX_CHECKED_INIT(name, limit_ns) \
    { PTHREAD_MUTEX_INITIALIZER, AX_DETAIL_LOCK_INIT(1, (name), (limit_ns)) }
#define AX_RWLOCK_CHECKED_INIT(name, limit_ns) \
    { PTHREAD_RWLOCK_INITIALIZER, AX_DETAIL_LOCK_INIT(1, (name), (limit_ns)) }

typedef enum ax_lock_check {
    AX_LOCK_CHECK_DEFAULT = 0, /**< what AX_CHECK_LOCKS says in the calling file */
    AX_LOCK_CHECK_NO = 1,
    AX_LOCK_CHECK_YES = 2
} ax_lock_check;

typedef struct ax_lock_options {
    ax_lock_check check;
    const char *name;  /**< for reports; NULL or a string that outlives the lock */
    uint64_t limit_ns; /**< HELD_LONG; 0: none */
} ax_lock_options;

typedef enum ax_lock_misuse {
    AX_LOCK_UNLOCK_UNLOCKED = 1,
    AX_LOCK_UNLOCK_FOREIGN,
    AX_LOCK_RELOCK,
    AX_LOCK_COPY_USED,
    AX_LOCK_ORIGINAL_COPIED,
    AX_LOCK_FINI_HELD,
    AX_LOCK_THREAD_ENDED,
    AX_LOCK_ABANDONED,
    AX_LOCK_HELD_LONG,
    AX_LOCK_INVERSION,
    AX_LOCK_NOT_A_LOCK,
    AX_LOCK_UNCHECKED
} ax_lock_misuse;

/** One mistake. Sites are "file:line" strings of static storage, NULL where there is none. */
typedef struct ax_lock_report {
    ax_lock_misuse misuse;
    ax_status status;       /**< what the call returns, as in the table above */
    const void *lock;       /**< the lock the call was made on */
    const char *name;       /**< its name, or NULL */
    const char *site;       /**< the call; for THREAD_ENDED where the ended thread took the lock */
    const char *other_site; /**< UNLOCK_*, RELOCK, FINI_HELD, ABANDONED, HELD_LONG: where it was taken, last or
                                 by its holder (NULL for readers); COPY_USED: the original's first use;
                                 ORIGINAL_COPIED: the copy's use; INVERSION: where the opposite order was seen */
    const void *other_lock; /**< COPY_USED: the original; INVERSION: the lock held by the caller */
    const char *other_name;
    const char *held_site;  /**< INVERSION: where the caller took other_lock */
    uint64_t held_ns;       /**< HELD_LONG: for how long so far, at least */
} ax_lock_report;

typedef void ax_lock_handler(const ax_lock_report *report, void *context);

/**
 * Sets who is told of mistakes, for the whole process. NULL: the default handler, which writes
 * ax_lock_describe's line to stderr. The handler runs in the thread that made the mistake, which may hold
 * locks of the application, and under no lock of ours; it may use checked locks, whose mistakes then
 * count but do not call it again. Calls already under way may still reach the previous handler.
 */
void ax_lock_on_misuse(ax_lock_handler *handler, void *context);

/** Mistakes found in this process so far, whoever handled them. */
uint64_t ax_lock_misuses(void);

/** The report as one line without newline, as snprintf does: the length it has, whatever the size. */
size_t ax_lock_describe(const ax_lock_report *report, char *buffer, size_t size);

/** Where we are, as a site. */
#define AX_HERE __FILE__ ":" AX_DETAIL_STRING(__LINE__)
#define AX_DETAIL_STRING(x) AX_DETAIL_STRING2(x)
#define AX_DETAIL_STRING2(x) #x

/*
 * The calls. Each is a macro that passes its own place to the function of the same name with _at, which a
 * helper may call with its caller's site instead.
 */
#define ax_mutex_init(mutex, options) ax_mutex_init_at((mutex), (options), AX_CHECK_LOCKS, AX_HERE)
#define ax_mutex_fini(mutex) ax_mutex_fini_at((mutex), AX_HERE)
#define ax_mutex_lock(mutex) ax_mutex_lock_at((mutex), AX_HERE)
#define ax_mutex_trylock(mutex) ax_mutex_trylock_at((mutex), AX_HERE)
#define ax_mutex_lock_until(mutex, deadline) ax_mutex_lock_until_at((mutex), (deadline), AX_HERE)
#define ax_mutex_unlock(mutex) ax_mutex_unlock_at((mutex), AX_HERE)
#define ax_mutex_wait(mutex, condition, deadline) ax_mutex_wait_at((mutex), (condition), (deadline), AX_HERE)
#define ax_rwlock_init(rwlock, options) ax_rwlock_init_at((rwlock), (options), AX_CHECK_LOCKS, AX_HERE)
#define ax_rwlock_fini(rwlock) ax_rwlock_fini_at((rwlock), AX_HERE)
#define ax_rwlock_rdlock(rwlock) ax_rwlock_rdlock_at((rwlock), AX_HERE)
#define ax_rwlock_wrlock(rwlock) ax_rwlock_wrlock_at((rwlock), AX_HERE)
#define ax_rwlock_tryrdlock(rwlock) ax_rwlock_tryrdlock_at((rwlock), AX_HERE)
#define ax_rwlock_trywrlock(rwlock) ax_rwlock_trywrlock_at((rwlock), AX_HERE)
#define ax_rwlock_unlock(rwlock) ax_rwlock_unlock_at((rwlock), AX_HERE)

/** Makes a lock; options may be NULL. The memory may hold anything but a lock in use. AX_OK, AX_EINVAL. */
ax_status ax_mutex_init_at(ax_mutex *mutex, const ax_lock_options *options, int checked, const char *site);

/** Ends a lock that nobody holds or waits for. AX_EBUSY while held (unchecked: as far as POSIX tells). */
ax_status ax_mutex_fini_at(ax_mutex *mutex, const char *site);

/** Takes the lock, waiting for its holder. Unchecked: always AX_OK. */
static inline ax_status ax_mutex_lock_at(ax_mutex *mutex, const char *site)
    AX_ACQUIRE(*mutex) AX_NO_THREAD_SAFETY_ANALYSIS;

/** Takes the lock if that needs no waiting, and says whether it did. */
bool ax_mutex_trylock_at(ax_mutex *mutex, const char *site) AX_TRY_ACQUIRE(1, *mutex);

/** Takes the lock unless that is not possible before `deadline`, absolute, of CLOCK_MONOTONIC. */
bool ax_mutex_lock_until_at(ax_mutex *mutex, const struct timespec *deadline, const char *site)
    AX_TRY_ACQUIRE(1, *mutex);

/** Releases the lock. Unchecked: always AX_OK, and the caller must hold it. */
static inline ax_status ax_mutex_unlock_at(ax_mutex *mutex, const char *site)
    AX_RELEASE(*mutex) AX_NO_THREAD_SAFETY_ANALYSIS;

/**
 * Releases the mutex, waits for the condition variable, takes the mutex again: as pthread_cond_wait, also
 * in waking without a reason and being a cancellation point (the mutex is held when cleanup handlers run).
 * With a deadline (absolute; of the clock the condition variable was made with) AX_ETIMEDOUT once it
 * passed; NULL: none. AX_EPERM when the caller does not hold a checked mutex: nothing is done.
 */
ax_status ax_mutex_wait_at(ax_mutex *mutex, pthread_cond_t *condition, const struct timespec *deadline,
                           const char *site) AX_REQUIRES(*mutex);

/** The same of a read-write lock; unlock serves readers and writers. An unchecked rdlock can return AX_EAGAIN
 * (more readers than POSIX counts), an unchecked wrlock by its own writer AX_EDEADLK. */
#ifdef AX_DETAIL_HAVE_RWLOCK
ax_status ax_rwlock_init_at(ax_rwlock *rwlock, const ax_lock_options *options, int checked, const char *site);
ax_status ax_rwlock_fini_at(ax_rwlock *rwlock, const char *site);
static inline ax_status ax_rwlock_rdlock_at(ax_rwlock *rwlock, const char *site)
    AX_ACQUIRE_SHARED(*rwlock) AX_NO_THREAD_SAFETY_ANALYSIS;
static inline ax_status ax_rwlock_wrlock_at(ax_rwlock *rwlock, const char *site)
    AX_ACQUIRE(*rwlock) AX_NO_THREAD_SAFETY_ANALYSIS;
bool ax_rwlock_tryrdlock_at(ax_rwlock *rwlock, const char *site) AX_TRY_ACQUIRE_SHARED(1, *rwlock);
bool ax_rwlock_trywrlock_at(ax_rwlock *rwlock, const char *site) AX_TRY_ACQUIRE(1, *rwlock);
static inline ax_status ax_rwlock_unlock_at(ax_rwlock *rwlock, const char *site)
    AX_RELEASE_ANY(*rwlock) AX_NO_THREAD_SAFETY_ANALYSIS;
#endif

/**
 * A block with the lock held: AX_WITH_LOCK(&mutex) { ... }, also AX_WITH_RDLOCK and AX_WITH_WRLOCK. The
 * lock is released when the block is left: at its end, by return, goto, break or continue, by a C++
 * exception, and by pthread_exit or cancellation where the code was compiled with -fexceptions. Mind that
 * the block is a loop's body: break and continue leave the block, and not a loop around it. longjmp does
 * not release. When a checked lock refuses (RELOCK, COPY_USED, ...), the block is skipped. The argument is
 * evaluated twice. Reports name the place of the guard for the release, too.
 */
#define AX_WITH_LOCK(mutex) AX_DETAIL_WITH(ax_detail_mutex, (mutex), __LINE__)
#define AX_WITH_RDLOCK(rwlock) AX_DETAIL_WITH(ax_detail_rdlock, (rwlock), __LINE__)
#define AX_WITH_WRLOCK(rwlock) AX_DETAIL_WITH(ax_detail_wrlock, (rwlock), __LINE__)

#include <atomicx/detail/lock.h>

#ifdef __cplusplus
}
#endif
#endif

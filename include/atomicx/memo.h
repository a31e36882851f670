/* SPDX-License-Identifier: MIT */
/**
 * memo.h: a single-flight memo: each key is computed once, by the first who asks, for all who ask.
 *
 *     static ax_status parse(void *context, const void *key, size_t key_len, void **value);
 *
 *     ax_memo_options options = { .compute = parse, .destroy = free_config, .capacity = 10000 };
 *     ax_memo *configs;
 *     ax_memo_create(&options, &configs);
 *
 *     ax_memo_ref ref;
 *     if (ax_memo_do(configs, path, strlen(path), &ref) == AX_OK) {
 *         use(ref.value);                         stays as it is until released, whatever others do
 *         ax_memo_release(configs, &ref);
 *     }
 *
 * Flight. The computation of a key, from the call that found nothing to the end of its compute callback.
 * Invariants:
 *   M-once     at each moment at most one flight per key is in the table; a value comes from one flight;
 *   M-all      every caller that joined a flight gets that flight's value, or its error;
 *   M-after    nobody gets a value before the callback has returned it;
 *   M-last     the value's destructor runs once, after the last reference to it was released;
 *   M-pinned   an entry that is being computed, waited for or referenced is never evicted.
 *
 * | operation        | progress                | blocks                  | allocates | calls back            |
 * |------------------|-------------------------|-------------------------|-----------|-----------------------|
 * | do, a hit        | lock-free               | never (a)(c)            | never (a) | no                    |
 * | do, joining      | waits for the flight    | yes, asleep in a futex (c) | never (a) | no (c)             |
 * | do, first caller | short shard mutex       | for the mutex, then in compute | entry, sometimes a table | compute; destroy of what it evicts |
 * | do_until         | as do; waits until the deadline at most | as do   | as do     | as do                 |
 * | do_value         | as do                   | as do                   | as do     | compute               |
 * | release          | wait-free but for the last | by the last: (b)     | never     | destroy, by the last  |
 * | forget           | short shard mutex       | for the mutex           | never     | destroy, by the last  |
 * | stats            | wait-free, a step per thread ever alive at once | never | never | no                   |
 *
 * (a) but for a thread's first use of liburcu, which registers it, and the first of its kind that stats counts, of the
 * thread or of the memo (ax_adder_add): a mutex, and an allocation. (b) for the mutex of the background thread that frees
 * entries, if that sleeps and has to be woken, or started. (c) A call that ends with an error gives its reference
 * up, which may be the last, as release.
 *
 * All may overlap on one memo, from any threads, also from within compute and destroy. None is for signal handlers.
 * No lock is held while compute, destroy or the allocator run. A shard's mutex is held for a number of steps bounded
 * by the entries of the shard, each of them with a look at the words in which hits say what they hold (below).
 *
 * Callers of other keys are never delayed by a computation. Waiting is no cancellation point; compute may
 * contain some.
 *
 * A computing thread that ends in compute (pthread_exit, cancellation, a C++ exception that leaves it)
 * hands the flight over: one of those who wait computes in its place, or else the next caller does.
 * longjmp out of compute is not allowed.
 *
 * fork. In the child every memo goes on, with the entries it had. A flight of a thread other than the one
 * that forked has lost it there, and is handed over in the same way: the first who asks computes. (In the
 * parent it goes on.) A flight of the forking thread's own goes on in both. What the other threads held
 * references to, or were about to get or give back, stays in the child's memory: there ax_memo_destroy is
 * AX_EBUSY if that is anything but flights and their waiters. The first memo of a process installs
 * pthread_atfork handlers: fork waits for a running grace period and for the shards' mutexes.
 *
 * Errors. Any status but AX_OK that compute returns is given to all callers of the flight. With
 * error_ttl_ns = 0 it is not kept: the next call starts a new flight. Otherwise it is returned, without
 * computing, until it is that old. compute's own statuses pass through unchanged; choose ones that differ
 * from do's (AX_EDEADLK, AX_ETIMEDOUT, AX_EAGAIN, AX_ENOMEM, AX_EINVAL) if you need to tell them apart.
 *
 * Recursion. A call that would wait for a flight which waits, directly or through the flights of other
 * threads and other memos, for the caller's own, returns AX_EDEADLK at once, also with a deadline.
 *
 * The bound. With a capacity there are never more entries (also in flight, also failed ones) in the
 * table; a first caller evicts one that was not used lately (second chance), and gets AX_EAGAIN when all
 * are pinned. The bound is shared out among up to 16 shards of at least 64 entries each. An entry can have
 * fewer than 2^30 references and waiters at once; that is not checked.
 *
 * Memory order. F1: what compute did, and whatever happens before its return, happens before what a
 * caller does with the value. F3: what a holder does before release happens before the destructor. Two
 * callers are not ordered otherwise.
 *
 * How a hit is read: in an RCU read section (liburcu-bp) it walks its bucket's chain and takes a reference
 * unless the entry has ended; entries and outgrown tables are freed a grace period after they were unlinked. The
 * reference is said in one of eight words that few threads share, or counted when all eight are in use: callers that
 * hit the same entry write nothing of each other's. Who takes an entry out looks through all those words, some 32 for each
 * processor, 512 at most.
 */
#ifndef ATOMICX_MEMO_H
#define ATOMICX_MEMO_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <atomicx/alloc.h>
#include <atomicx/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ax_memo ax_memo; /**< opaque */

/** Computes the value of a key into *value (which may become NULL), or returns why not. The key's bytes are
 * valid for the call. May use the memo, for other keys; see Recursion. */
typedef ax_status ax_memo_compute(void *context, const void *key, size_t key_len, void **value);

/** Frees a value. Runs in whichever thread gave up the last reference: a holder, who evicts, forgets or finds it too
 * old, or who stopped waiting. Has to return: a first caller that ends here leaves a flight that nobody takes over. */
typedef void ax_memo_free(void *context, void *value);

typedef struct ax_memo_options {
    ax_memo_compute *compute;      /**< required */
    ax_memo_free *destroy;         /**< NULL: values are not owned */
    void *context;                 /**< for both */
    size_t capacity;               /**< entries at most; 0: no bound */
    uint64_t error_ttl_ns;         /**< how long an error is kept; 0: not at all, UINT64_MAX: for ever */
    uint64_t value_ttl_ns;         /**< how long a value is; 0 and UINT64_MAX: for ever */
    const ax_allocator *allocator; /**< NULL: the C library's */
} ax_memo_options;

/** A reference to a value. Fields are the memo's but for `value`. */
typedef struct ax_memo_ref {
    void *value;
    void *entry_;
} ax_memo_ref;

typedef struct ax_memo_stats {
    uint64_t hits;         /**< calls that found a value or kept error published, without waiting */
    uint64_t waits;        /**< calls that waited for another's flight and got its outcome */
    uint64_t computations; /**< times compute was entered */
    uint64_t errors;       /**< times it returned an error */
    uint64_t handovers;    /**< times it did not return */
    uint64_t evictions;    /**< entries given up for the bound */
    uint64_t expirations;  /**< entries found too old and replaced */
    uint64_t timeouts;     /**< calls that gave up at their deadline */
    uint64_t entries;      /**< in the table now */
} ax_memo_stats;

/** Makes a memo. AX_EINVAL without compute, AX_ENOMEM, AX_EAGAIN when the system has no random key to give. */
ax_status ax_memo_create(const ax_memo_options *options, ax_memo **memo);

/**
 * Destroys the values and frees the memo. No other call may overlap or follow. AX_EBUSY while a value is
 * referenced, AX_EDEADLK inside a read section of a map or when called by a map's destructor: nothing is changed.
 * NULL is allowed.
 */
ax_status ax_memo_destroy(ax_memo *memo);

/**
 * The value of the key (any bytes; key_len 0 is a key, too) with a reference in *ref. Other results leave
 * *ref alone: compute's error; AX_EDEADLK (Recursion); AX_EAGAIN (the bound); AX_ENOMEM.
 */
ax_status ax_memo_do(ax_memo *memo, const void *key, size_t key_len, ax_memo_ref *ref);

/**
 * The same, but waits for another's flight only until `deadline` (absolute, CLOCK_MONOTONIC):
 * AX_ETIMEDOUT. The flight goes on. A first caller computes, however late it is. AX_EINVAL for a deadline
 * that is no time.
 */
ax_status ax_memo_do_until(ax_memo *memo, const void *key, size_t key_len, const struct timespec *deadline,
                           ax_memo_ref *ref);

/**
 * The value of the key alone, with nothing to release, for memos without `destroy`: nobody owns their values, which are
 * numbers, say, or point to what outlives the memo. A hit takes no reference: it writes nothing but this thread's count
 * of hits and, with a capacity, that the entry was used, and costs about what a look-up in an ax_map does. Otherwise as
 * ax_memo_do, AX_EINVAL where the memo has a destroy, which could run before the caller has looked. Other results than
 * AX_OK leave *value alone.
 */
ax_status ax_memo_do_value(ax_memo *memo, const void *key, size_t key_len, void **value);

/** Gives a reference back. An empty ref ({ 0 }, or one already released) is left alone. */
void ax_memo_release(ax_memo *memo, ax_memo_ref *ref);

/**
 * Makes the memo forget the key: calls that begin after forget has returned start anew. A flight under
 * way goes on for those who joined it; its value is not kept. AX_ENOTFOUND when there is no entry.
 */
ax_status ax_memo_forget(ax_memo *memo, const void *key, size_t key_len);

/** The counts so far. Each is exact for the calls that happen before; they are not one snapshot. */
void ax_memo_stats_read(const ax_memo *memo, ax_memo_stats *stats);

#ifdef __cplusplus
}
#endif
#endif

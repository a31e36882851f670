/* SPDX-License-Identifier: MIT */
/**
 * adder.h: a statistical counter. Adding costs what `x++` on a thread-local variable costs.
 *
 *     static ax_adder requests;                   zero-filled is ready, no init call, no registration
 *     ax_adder_add(&requests, 1);                 any thread, as often as you like
 *     printf("%" PRId64 "\n", ax_adder_sum(&requests));
 *
 * Invariant: every addition is in exactly one per-thread slot or in the adder's shared word, for ever.
 * Slots are handed from ended threads to new ones with their contents, never folded into anything, so
 * there is no moment at which a unit could be seen twice or not at all.
 *
 * What `sum` means. For each thread, the additions of that thread that the sum includes are a prefix of
 * those it made: all that happen before the call of sum, and none that happen after its return. Hence:
 *   - exact once the adding threads are quiescent (their additions happen before the call);
 *   - with non-negative additions it lies between the exact totals at its call and at its return, and a
 *     later sum is never below an earlier one;
 *   - it is NOT a snapshot: of two additions by different threads it may include the later and miss the
 *     earlier one. With additions of both signs it can be a value the exact total never had.
 *
 * | operation  | progress                                | blocks                   | allocates        | signal handler | fork |
 * |------------|-----------------------------------------|--------------------------|------------------|----------------|------|
 * | add        | wait-free; the first addition of a thread or to an adder: mutex | only there | only there | no: add_async | yes  |
 * | add_async  | wait-free                               | never                    | never            | yes            | yes  |
 * | sum        | wait-free, one step per thread ever alive at once | never          | never            | yes            | yes  |
 * | drain      | lock-free                               | never                    | never            | yes            | yes  |
 * | fini       | mutex                                   | for the mutex            | never            | no             | yes  |
 *
 * No call fails. An addition that has no slot goes to the shared word by an atomic read-modify-write, slower and
 * just as exact: where the system refuses a thread its table (it asks again from time to time), and for
 * adders beyond AX_ADDER_SLOTS alive at once, until they end. The mutex guards registration only; it is held for
 * the time of an allocation, or of a sum, at most. add, add_async, sum and drain on one adder may all overlap.
 *
 * Memory: 32 bytes per adder, and 8 bytes per adder in each thread's table. A table is 1 MiB of address space, of
 * which only the pages that the thread adds in become resident: one or two with few adders. (All of it in a program
 * that locks its future memory.) Tables of ended threads are reused by new ones and never freed: there are as many
 * as threads were alive at once. ax_adder_memory tells the bytes.
 *
 * Memory order: additions order nothing. A reader that sees an addition in a sum may conclude nothing
 * about the adder's other writes. (An exact sum needs quiescence, which brings its own ordering.)
 *
 * After fork the child's adders start from what the parent's sums were, including additions of threads
 * that do not exist in the child. An adder is private to its process: not for MAP_SHARED memory; there,
 * use counter.h, or one adder per process and publish its sum.
 *
 * Source: the per-thread counters of McKenney, "Is Parallel Programming Hard", chapter 5 (statistical
 * counters), with slot arrays indexed by adder and hand-over in place of folding at thread exit.
 */
#ifndef ATOMICX_ADDER_H
#define ATOMICX_ADDER_H

#include <stddef.h>
#include <stdint.h>

#include <atomicx/detail/atomic.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Zero-filled memory is an adder at 0. Must not be copied or moved once used. */
typedef struct ax_adder {
    uint64_t offset_; /* where tables have our slot (see below); 0 until the first addition. Registration writes it. */
    int64_t base_;    /* what the slots held when this adder got its slot number. Registration writes it. */
    int64_t shared_;  /* additions that found no slot. Any thread, atomically. */
    int64_t drained_; /* total handed out by drain. Drainers, atomically. */
} ax_adder;

#define AX_ADDER_INIT { 0, 0, 0, 0 }

/** So many adders of a process have slots at once. */
#define AX_ADDER_SLOTS 131072

/*
 * What the calling thread takes off an adder's offset to get its slot's address. The difference is not below 0
 * exactly if both have been registered: offsets of registered adders are 2^63 and more, of others 0 (or 1: all
 * numbers were taken); a thread with a table takes off 2^63 less the table's address, another UINT64_MAX.
 */
extern __thread uint64_t ax_detail_adder_self __attribute__((tls_model("initial-exec")));
void ax_detail_adder_add_slow(ax_adder *adder, int64_t n);

/** Sets the adder up at 0. Needed only for memory that is not zero-filled. */
static inline void ax_adder_init(ax_adder *adder)
{
    adder->offset_ = 0;
    adder->base_ = adder->shared_ = adder->drained_ = 0;
}

/**
 * Ends the adder's use and frees its slot number for another adder; never needed for one that lives as
 * long as the process. All additions must happen before, and no call may overlap. The adder is then as
 * after init. Other threads keep running and are not disturbed.
 */
void ax_adder_fini(ax_adder *adder);

/** Adds n (any sign; the total wraps around in two's complement). */
static inline void ax_adder_add(ax_adder *adder, int64_t n)
{
    uint64_t slot;
    /* relaxed: the offset only picks an element of the caller's own table */
    if (__builtin_expect(!__builtin_sub_overflow(AX_DETAIL_LOAD_RELAXED(&adder->offset_), ax_detail_adder_self, &slot), 1))
        /* relaxed load and store, not a read-modify-write: this thread alone writes the slot, and sum
         * promises nothing about other memory */
        AX_DETAIL_ADD_OWN_RELAXED((uint64_t *)(uintptr_t)slot, (uint64_t)n);
    else
        ax_detail_adder_add_slow(adder, n);
}

/**
 * Adds n from a signal handler, which may have interrupted an addition by the same thread: goes to the
 * shared word by one atomic read-modify-write. Also for callers that must not allocate nor wait.
 */
static inline void ax_adder_add_async(ax_adder *adder, int64_t n)
{
    /* relaxed: additions order nothing; the read-modify-write alone makes it exact */
    (void)AX_DETAIL_FETCH_ADD_RELAXED(&adder->shared_, n);
}

/** The total that has not been drained. See above for what it means while additions are running. */
int64_t ax_adder_sum(const ax_adder *adder);

/**
 * Takes what has been added since the last drain and returns it, for flushing to a statistics system.
 * Each unit is handed out exactly once, whichever threads drain: the results of all drains plus a final
 * sum equal all that was added. What an overlapping addition adds is in this drain or in a later one.
 */
int64_t ax_adder_drain(ax_adder *adder);

/**
 * Bytes that the per-thread tables of all adders of the process have resident at most: their pages up to the slot of
 * the highest number ever given to an adder. For monitoring; takes the mutex.
 */
size_t ax_adder_memory(void);

#ifdef __cplusplus
}
#endif
#endif

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
 * | add        | wait-free; a thread's first addition and growth: mutex | only there | only there | no: add_async | yes  |
 * | add_async  | wait-free                               | never                    | never            | yes            | yes  |
 * | sum        | wait-free, one step per thread ever alive at once | never          | never            | yes            | yes  |
 * | drain      | lock-free                               | never                    | never            | yes            | yes  |
 * | fini       | mutex                                   | for the mutex            | never            | no             | yes  |
 *
 * No call fails: when memory for a thread's slots cannot be had, additions go to the shared word by an
 * atomic read-modify-write, slower and just as exact. The mutex guards registration only; it is held
 * for the time of an allocation at most. add, add_async, sum and drain on one adder may all overlap.
 *
 * Memory: 32 bytes per adder, and 8 bytes per adder in each thread's table, which has room for 64, 512,
 * 4096, ... adders as the numbering of adders asks (outgrown tables are kept, at most 1/7 on top). Only
 * pages a thread adds in become resident. Tables of ended threads are reused by new ones and never
 * freed: there are as many as threads were alive at once. ax_adder_memory tells the bytes.
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
    uint64_t offset_; /* where each thread's table has our slot; 0 until the first addition. Registration writes it. */
    int64_t base_;    /* what the slots held when this adder got its slot number. Registration writes it. */
    int64_t shared_;  /* additions that found no slot. Any thread, atomically. */
    int64_t drained_; /* total handed out by drain. Drainers, atomically. */
} ax_adder;

#define AX_ADDER_INIT { 0, 0, 0, 0 }

/*
 * A thread's view of its own table. Tables are filled from their high end down: base plus an adder's
 * offset is the address of its slot, and it lies below `floor` if the adder has no slot number yet (its
 * offset is 0), if the table is too short, or if the thread has none: one comparison for all three. It is of
 * the signed distance: below a table at a low address (the heap of a program that is not position
 * independent) base has wrapped around.
 */
struct ax_detail_adder_thread {
    uintptr_t base;
    uintptr_t floor;
};
extern __thread struct ax_detail_adder_thread ax_detail_adder_self __attribute__((tls_model("initial-exec")));
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
    /* relaxed: the offset only picks an element of the caller's own table */
    uintptr_t slot = ax_detail_adder_self.base + (uintptr_t)AX_DETAIL_LOAD_RELAXED(&adder->offset_);
    if (__builtin_expect((intptr_t)(slot - ax_detail_adder_self.floor) >= 0, 1)) {
        int64_t *own = (int64_t *)slot;
        /* relaxed load and store, not a read-modify-write: this thread alone writes the slot, and sum
         * promises nothing about other memory */
        AX_DETAIL_STORE_RELAXED(own, (int64_t)((uint64_t)AX_DETAIL_LOAD_RELAXED(own) + (uint64_t)n));
    } else {
        ax_detail_adder_add_slow(adder, n);
    }
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

/** Bytes the per-thread tables of all adders of the process take. For monitoring; takes the mutex. */
size_t ax_adder_memory(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/**
 * counter.h: one shared signed 64-bit word, exact and linearizable.
 *
 *     static ax_counter logins = AX_COUNTER_INIT(0);
 *     ax_counter_add(&logins, 1);
 *     printf("%" PRId64 "\n", ax_counter_read(&logins));
 *
 * Invariant: the value is the initial value plus every completed addition, in one total order that all
 * threads agree on. Where only the total matters and additions are hot, adder.h scales; this word costs
 * one cache line's travel per addition under contention.
 *
 * | operation                  | progress  | blocks | allocates | signal handler | fork     |
 * |----------------------------|-----------|--------|-----------|----------------|----------|
 * | read, add, sub, exchange   | wait-free | never  | never     | yes            | harmless |
 * | compare_exchange           | wait-free | never  | never     | yes            | harmless |
 * | add_checked, raise_to, lower_to | lock-free | never | never | yes            | harmless |
 *
 * (Wait-free as far as the processor's own read-modify-write is; on AArch64 without LSE that is a loop.)
 *
 * Any calls on one counter may overlap, from any threads, signal handlers, and processes that share the
 * memory (MAP_SHARED); init alone must come first, alone. A kill -9 at any instruction leaves the word
 * as it was before or after the operation.
 *
 * Memory order (C1): every operation is sequentially consistent. Operations on *different* counters
 * therefore also fall into one order that respects each thread's program order: linearizability is
 * compositional (Herlihy and Wing 1990, section 3.3), and a weaker order would lose just that, as two
 * threads that each add to one counter and read the other could both read the old value. An operation
 * that returns a value written by another also synchronizes with it (release, acquire).
 *
 * Arithmetic wraps around in two's complement, silently, except in ax_counter_add_checked.
 *
 * A counter must not be copied by assignment: the copy is another counter, and additions to it are lost
 * to the first (./stress/counter --impl broken-copied shows it). Pass pointers.
 */
#ifndef ATOMICX_COUNTER_H
#define ATOMICX_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include <atomicx/detail/atomic.h>
#include <atomicx/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque: touch value_ through the functions only. Zero-filled memory is a counter at 0. */
typedef struct ax_counter {
    int64_t value_ __attribute__((aligned(8)));
} ax_counter;

#define AX_COUNTER_INIT(initial) { (initial) }

/** Sets the counter up at `initial`. Orders nothing: publish the counter to other threads afterwards. */
static inline void ax_counter_init(ax_counter *counter, int64_t initial)
{
    /* relaxed: not yet published, whoever hands out the pointer orders it */
    AX_DETAIL_STORE_RELAXED(&counter->value_, initial);
}

/** The value now. */
static inline int64_t ax_counter_read(const ax_counter *counter)
{
    return AX_DETAIL_LOAD_SEQ_CST(&counter->value_, C1_read); /* C1.sc */
}

/** Adds n and returns the value before. One `lock xadd` on x86-64. */
static inline int64_t ax_counter_add(ax_counter *counter, int64_t n)
{
    return AX_DETAIL_FETCH_ADD_SEQ_CST(&counter->value_, n, C1_add); /* C1.sc */
}

/** Subtracts n and returns the value before; n may be INT64_MIN. */
static inline int64_t ax_counter_sub(ax_counter *counter, int64_t n)
{
    return AX_DETAIL_FETCH_ADD_SEQ_CST(&counter->value_, (int64_t)(0 - (uint64_t)n), C1_add); /* C1.sc */
}

/** Replaces the value by `desired` and returns the value before. */
static inline int64_t ax_counter_exchange(ax_counter *counter, int64_t desired)
{
    return AX_DETAIL_EXCHANGE_SEQ_CST(&counter->value_, desired, C1_exchange); /* C1.sc */
}

/**
 * Replaces the value by `desired` if it equals *expected, and says whether it did. If not, *expected is
 * the value found. Never fails spuriously.
 */
static inline bool ax_counter_compare_exchange(ax_counter *counter, int64_t *expected, int64_t desired)
{
    return AX_DETAIL_CAS_SEQ_CST(&counter->value_, expected, desired, C1_cas); /* C1.sc */
}

/**
 * Adds n unless the result would not fit in an int64_t. AX_OK: added, and *previous (if not NULL) is the
 * value before. AX_ERANGE: the counter and *previous are unchanged.
 */
static inline ax_status ax_counter_add_checked(ax_counter *counter, int64_t n, int64_t *previous)
{
    int64_t before = AX_DETAIL_LOAD_SEQ_CST(&counter->value_, C1_read); /* C1.sc */
    int64_t after;
    do {
        if (__builtin_add_overflow(before, n, &after))
            return AX_ERANGE;
    } while (!AX_DETAIL_WCAS_SEQ_CST(&counter->value_, &before, after, C1_cas)); /* C1.sc */
    if (previous)
        *previous = before;
    return AX_OK;
}

/** Makes the value at least `floor` and returns the value before. A value already there is left alone. */
static inline int64_t ax_counter_raise_to(ax_counter *counter, int64_t floor)
{
    int64_t before = AX_DETAIL_LOAD_SEQ_CST(&counter->value_, C1_read); /* C1.sc */
    while (before < floor)
        if (AX_DETAIL_WCAS_SEQ_CST(&counter->value_, &before, floor, C1_cas)) /* C1.sc */
            break;
    return before;
}

/** Makes the value at most `ceiling` and returns the value before. A value already there is left alone. */
static inline int64_t ax_counter_lower_to(ax_counter *counter, int64_t ceiling)
{
    int64_t before = AX_DETAIL_LOAD_SEQ_CST(&counter->value_, C1_read); /* C1.sc */
    while (before > ceiling)
        if (AX_DETAIL_WCAS_SEQ_CST(&counter->value_, &before, ceiling, C1_cas)) /* C1.sc */
            break;
    return before;
}

#ifdef __cplusplus
}
#endif
#endif

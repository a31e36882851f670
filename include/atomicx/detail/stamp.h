/* SPDX-License-Identifier: MIT */
/**
 * detail/stamp.h: when an operation was invoked and answered. Not a public interface.
 *
 * A history is judged by which operation ended before which other one began, so a stamp may only be too wide: the
 * first one must not be taken after the operation has begun, nor the second one before all of it has happened.
 *
 * x86-64: rdtsc is not ordered with what stands around it. Before the operation, `rdtsc; lfence`: lfence lets nothing
 * that follows begin before the counter was read. After it, a locked instruction, then `lfence; rdtsc`: the locked
 * instruction waits until every store of the operation has left the store buffer (a plain store that others can't see yet
 * has not happened), and lfence keeps the counter from being read before that. (Intel SDM, vol. 2, RDTSC and LFENCE;
 * AMD's lfence does the same once dispatch-serializing, which Linux sees to.)
 *
 * No fence stands between the stamp of an answer and that of the thread's next operation. Both are read after the
 * lfence of the one and before the lfence of the other, so that neither stamp narrows its interval; but they may be read
 * in the other order. The second one then shows less by a few ticks, at most AX_DETAIL_STAMP_SWAPPED, as nothing but the
 * two instructions stands between the fences that is waited for, and the first one's value is as right for it: the operation
 * began after both.
 *
 * One stamp for both, the answer's taken for the next invocation, would save a sixth of what recording costs, and be
 * as sound. But then each thread is always in some operation: nothing is ever certain to lie between two operations of
 * another thread, a stale read is excused by what its thread did before it, and a thread that loses its CPU between two
 * operations appears to have one running for as long as it is away.
 *
 * AArch64: the same with `isb`, `dmb ish` and the virtual counter.
 *
 * Elsewhere, and where the counter is not to be trusted (stress/harness/clock.c decides): clock_gettime. The
 * read-modify-write before it stands where x86 has the locked instruction.
 *
 * ThreadSanitizer sees none of this: what the stamps order in the machine, they don't order for it, and a race that
 * it would report without them it reports with them.
 */
#ifndef ATOMICX_DETAIL_STAMP_H
#define ATOMICX_DETAIL_STAMP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clock_gettime, which strict C11 does not have in its headers; stress/harness/clock.c. `word` is the caller's own, and
 * stays as it is. */
uint64_t ax_stress_clock_before_(void);
uint64_t ax_stress_clock_after_(uint64_t *word);

#if defined(__x86_64__) && !defined(AX_DETAIL_NO_ASM)
#define AX_DETAIL_HAS_COUNTER 1
#define AX_DETAIL_STAMP_SWAPPED 64 /* rdtsc takes about 25 ticks */

static inline uint64_t ax_detail_counter_before(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t ax_detail_counter_after(void)
{
    uint32_t low, high;
    __asm__ volatile("lock; orl $0, (%%rsp)\n\tlfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory", "cc");
    return (uint64_t)high << 32 | low;
}

#elif defined(__aarch64__) && !defined(AX_DETAIL_NO_ASM)
#define AX_DETAIL_HAS_COUNTER 1

static inline uint64_t ax_detail_counter_before(void)
{
    uint64_t count;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(count) : : "memory");
    return count;
}

static inline uint64_t ax_detail_counter_after(void)
{
    uint64_t count;
    __asm__ volatile("dmb ish\n\tisb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(count) : : "memory");
    return count;
}

#else
#define AX_DETAIL_HAS_COUNTER 0
#endif

#if !defined(AX_DETAIL_STAMP_SWAPPED)
#define AX_DETAIL_STAMP_SWAPPED 0
#endif

#ifdef __cplusplus
}
#endif
#endif

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
 * In turn: an answer's stamp may be the next invocation's, too, as it is earlier than that. The counter is then read once for both,
 * which spares a sixth of what recording costs, and an lfence still stands between this reading and the operation. The
 * interval begins too early by what the thread did between the two; so that is for loops that do next to nothing there, and for
 * operations whose results say most of what happened. What is lost is only ever proof: of two operations of different threads,
 * the one that was answered in that time is no longer certain to come before the other. While a loop turns, no whole operation
 * of another thread has room there, as its two stamps are further apart than that; but a thread that loses its CPU at that
 * moment appears to have an operation running for as long as it is away, and one that answers with what it saw at the end
 * of its last operation is not found out there. Where something is done between two operations that takes a while, the second one
 * has a stamp of its own (detail/log.h); every hundredth is one of these, and what lies before it is long enough for others to
 * be through with several.
 *
 * AArch64: the same with `isb`, `dmb ish` and the virtual counter. Its `isb` after the counter serves the next operation, too.
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

static inline void ax_detail_counter_turn(void)
{
    __asm__ volatile("lfence" : : : "memory");
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

static inline void ax_detail_counter_turn(void)
{
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

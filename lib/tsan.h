/* SPDX-License-Identifier: MIT */
/*
 * The happens-before edges that ThreadSanitizer cannot see for itself, stated to it in one place.
 *
 * Debian's liburcu and libck are not instrumented: what they order is invisible to a TSan build, and
 * what they order for us is exactly two edges, stated as axioms (each is cross-checked by the own index,
 * which is C11 and needs neither axiom but the grace period):
 *
 *   grace period  a read section that ended -> the end of a grace period that had to wait for it
 *                 (axi_read_end, axi_grace_period in reclaim.c)
 *   publish       an entry handed to ck_ht's put -> a look-up that found this entry, per entry address
 *                 (map_ck.c)
 *
 * A plain build of this library inside a user's TSan build is not instrumented either, so there each of
 * our own edges is stated as well (axi_edge_own_*); in our own TSan builds these state nothing, so that
 * an order that is missing in our code is found. The references are weak: without TSan they are null,
 * and what remains is a predicted branch.
 */
#ifndef AXI_TSAN_H
#define AXI_TSAN_H

#include <stdbool.h>

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

static inline bool axi_tsan_present(void)
{
    return __builtin_expect(__tsan_acquire != 0, 0);
}

static inline void axi_edge_release(const void *address)
{
    if (axi_tsan_present())
        __tsan_release((void *)address);
}

static inline void axi_edge_acquire(const void *address)
{
    if (axi_tsan_present())
        __tsan_acquire((void *)address);
}

#if !defined(__SANITIZE_THREAD__) && defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_THREAD__
#define axi_edge_own_release(address) ((void)(address))
#define axi_edge_own_acquire(address) ((void)(address))
#else
#define axi_edge_own_release(address) axi_edge_release(address)
#define axi_edge_own_acquire(address) axi_edge_acquire(address)
#endif

#endif

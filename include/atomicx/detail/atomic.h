/* SPDX-License-Identifier: MIT */
/**
 * detail/atomic.h: the atomic operations that public headers inline, for C11 and C++11 alike.
 * Not a public interface. lib/atomic.h is its twin for the sources.
 *
 * The order is in the operation's name. Every operation that orders something takes the name of the
 * edge end it stands for (C1_sc, T1_acq, ...); docs/memory-ordering.md has a section for each. A relaxed
 * operation takes none: its comment says why nothing more is needed.
 *
 * AX_DETAIL_ORDER is the one place where an order reaches the compiler, so that a test build can weaken
 * the order of one named end and see which test goes red (tests/mutants).
 */
#ifndef ATOMICX_DETAIL_ATOMIC_H
#define ATOMICX_DETAIL_ATOMIC_H

#if !defined(__GNUC__)
#error "atomicx needs the __atomic builtins of gcc or clang"
#endif

#ifndef AX_DETAIL_ORDER
#define AX_DETAIL_ORDER(end, order) (order)
#endif

#define AX_DETAIL_LOAD_RELAXED(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define AX_DETAIL_LOAD_ACQUIRE(p, end) __atomic_load_n((p), AX_DETAIL_ORDER(end, __ATOMIC_ACQUIRE))
#define AX_DETAIL_LOAD_SEQ_CST(p, end) __atomic_load_n((p), AX_DETAIL_ORDER(end, __ATOMIC_SEQ_CST))

#define AX_DETAIL_STORE_RELAXED(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define AX_DETAIL_STORE_RELEASE(p, v, end) __atomic_store_n((p), (v), AX_DETAIL_ORDER(end, __ATOMIC_RELEASE))

/*
 * Adds to a word that the caller alone writes, while others read it: a relaxed load and a relaxed store. gcc makes
 * three instructions of that. As one, x86-64 processors that predict which store a load reads from (memory renaming)
 * keep doing so through a loop of additions; with three they fall in and out of it, a factor of five apart.
 */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) && !defined(AX_DETAIL_NO_ASM)
#define AX_DETAIL_ADD_OWN_RELAXED(p, n) __asm__ volatile("addq %1, %0" : "+m"(*(p)) : "er"(n) : "cc")
#else
#define AX_DETAIL_ADD_OWN_RELAXED(p, n) AX_DETAIL_STORE_RELAXED((p), AX_DETAIL_LOAD_RELAXED(p) + (n))
#endif

#define AX_DETAIL_FETCH_ADD_RELAXED(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define AX_DETAIL_FETCH_ADD_SEQ_CST(p, v, end) \
    __atomic_fetch_add((p), (v), AX_DETAIL_ORDER(end, __ATOMIC_SEQ_CST))
#define AX_DETAIL_EXCHANGE_SEQ_CST(p, v, end) \
    __atomic_exchange_n((p), (v), AX_DETAIL_ORDER(end, __ATOMIC_SEQ_CST))

/* Compare-and-exchange: success order, failure order. cas_ is strong, wcas_ may fail spuriously. */
#define AX_DETAIL_CAS_SEQ_CST(p, expected, desired, end)                                          \
    __atomic_compare_exchange_n((p), (expected), (desired), 0, AX_DETAIL_ORDER(end, __ATOMIC_SEQ_CST), \
                                AX_DETAIL_ORDER(end, __ATOMIC_SEQ_CST))
#define AX_DETAIL_WCAS_RELAXED(p, expected, desired) \
    __atomic_compare_exchange_n((p), (expected), (desired), 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define AX_DETAIL_WCAS_SEQ_CST(p, expected, desired, end)                                         \
    __atomic_compare_exchange_n((p), (expected), (desired), 1, AX_DETAIL_ORDER(end, __ATOMIC_SEQ_CST), \
                                AX_DETAIL_ORDER(end, __ATOMIC_SEQ_CST))

#endif

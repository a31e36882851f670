/* SPDX-License-Identifier: MIT */
/*
 * The only place in lib that names a memory order. The order is in the operation's name and never a
 * default. An operation that orders something takes the end of the edge it stands for (T1_rel, T1_acq);
 * relaxed ones take none, and the line above them says why nothing more is needed.
 *
 * There is no fence here: ThreadSanitizer cannot see one, and an ordered operation names its edge.
 * AX_DETAIL_ORDER (detail/atomic.h) lets a mutant build weaken one named end.
 */
#ifndef AXI_ATOMIC_H
#define AXI_ATOMIC_H

#include <stdatomic.h>

#include <atomicx/detail/atomic.h>

#define axi_load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define axi_load_acquire(p, end) atomic_load_explicit((p), AX_DETAIL_ORDER(end, memory_order_acquire))
#define axi_load_seq_cst(p, end) atomic_load_explicit((p), AX_DETAIL_ORDER(end, memory_order_seq_cst))

#define axi_store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define axi_store_release(p, v, end) atomic_store_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_release))
#define axi_store_seq_cst(p, v, end) atomic_store_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_seq_cst))

#define axi_fetch_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define axi_fetch_add_release(p, v, end) \
    atomic_fetch_add_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_release))
#define axi_fetch_add_acq_rel(p, v, end) \
    atomic_fetch_add_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_acq_rel))
#define axi_fetch_add_seq_cst(p, v, end) \
    atomic_fetch_add_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_seq_cst))
#define axi_fetch_sub_relaxed(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define axi_fetch_sub_release(p, v, end) \
    atomic_fetch_sub_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_release))

#define axi_fetch_or_relaxed(p, v) atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define axi_fetch_or_release(p, v, end) \
    atomic_fetch_or_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_release))
#define axi_fetch_and_relaxed(p, v) atomic_fetch_and_explicit((p), (v), memory_order_relaxed)
#define axi_fetch_and_acquire(p, v, end) \
    atomic_fetch_and_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_acquire))

#define axi_exchange_relaxed(p, v) atomic_exchange_explicit((p), (v), memory_order_relaxed)
#define axi_exchange_acquire(p, v, end) \
    atomic_exchange_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_acquire))
#define axi_exchange_release(p, v, end) \
    atomic_exchange_explicit((p), (v), AX_DETAIL_ORDER(end, memory_order_release))

/*
 * Compare-and-exchange is named by its success and its failure order, and takes an end for each that
 * orders. cas is strong; wcas may fail spuriously and belongs in a loop. C11 7.17.7.4 forbids a failure
 * order stronger than the success order.
 */
#define axi_cas_seq_cst(p, expected, desired, end)                                                             \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), AX_DETAIL_ORDER(end, memory_order_seq_cst), \
                                            AX_DETAIL_ORDER(end, memory_order_seq_cst))
#define axi_cas_relaxed_relaxed(p, expected, desired) \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), memory_order_relaxed, memory_order_relaxed)
#define axi_cas_release_relaxed(p, expected, desired, end)                                                     \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), AX_DETAIL_ORDER(end, memory_order_release), \
                                            memory_order_relaxed)
#define axi_cas_acquire_relaxed(p, expected, desired, end)                                                     \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), AX_DETAIL_ORDER(end, memory_order_acquire), \
                                            memory_order_relaxed)
#define axi_cas_acquire_acquire(p, expected, desired, end, failure_end)                                        \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), AX_DETAIL_ORDER(end, memory_order_acquire), \
                                            AX_DETAIL_ORDER(failure_end, memory_order_acquire))
#define axi_cas_acq_rel_acquire(p, expected, desired, end, failure_end)                                        \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), AX_DETAIL_ORDER(end, memory_order_acq_rel), \
                                            AX_DETAIL_ORDER(failure_end, memory_order_acquire))
#define axi_wcas_relaxed_relaxed(p, expected, desired) \
    atomic_compare_exchange_weak_explicit((p), (expected), (desired), memory_order_relaxed, memory_order_relaxed)
#define axi_wcas_acquire_acquire(p, expected, desired, end, failure_end)                                     \
    atomic_compare_exchange_weak_explicit((p), (expected), (desired), AX_DETAIL_ORDER(end, memory_order_acquire), \
                                          AX_DETAIL_ORDER(failure_end, memory_order_acquire))

/* Tells the core that this is a spin loop; orders nothing. */
#if defined(__x86_64__) || defined(__i386__)
#define axi_pause() __builtin_ia32_pause()
#else
#define axi_pause() ((void)0)
#endif

/* On a function: __builtin_prefetch(p, 1) in it asks for a line to write to. Without it asks for one to read, and who
 * writes afterwards waits a second time, for the others' copies to go. A processor that can't do it does nothing. */
#if defined(__x86_64__)
#define AXI_PREFETCHES_TO_WRITE __attribute__((target("prfchw")))
#else
#define AXI_PREFETCHES_TO_WRITE
#endif

/* The size that keeps two words out of each other's way: two lines, as x86 prefetches them in pairs. */
#define AXI_ISOLATION 128

#endif

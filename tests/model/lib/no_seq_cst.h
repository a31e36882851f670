/* SPDX-License-Identifier: MIT */
/* Included before everything else: what lib asks for as sequentially consistent becomes acquire and release.
 * A model test must then be violated, or seq_cst is not needed or not tested. */
#include "atomic.h"

#undef axi_load_seq_cst
#undef axi_store_seq_cst
#undef axi_cas_seq_cst
#define axi_load_seq_cst(p, end) atomic_load_explicit((p), memory_order_acquire)
#define axi_store_seq_cst(p, v, end) atomic_store_explicit((p), (v), memory_order_release)
#define axi_cas_seq_cst(p, expected, desired, end)                                                 \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), memory_order_acq_rel,      \
                                            memory_order_acquire)

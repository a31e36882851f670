/* SPDX-License-Identifier: MIT */
/**
 * weaken.h: included before everything else, it makes the program one whose orders and read-modify-writes
 * can be weakened from outside, one at a time, without compiling it again:
 *
 *     WEAKEN=T1_rel=relaxed               the order of each operation that is given this end
 *     WEAKEN=T1_rel@tickets.c:242=relaxed  of one of them
 *     TEAR=tickets.c:180                  the read-modify-writes on this line become a load and a store
 *
 * A model test must then be violated, or the order (the atomicity) is not needed or not tested. The
 * tables that say so are tests/mutants/mutants.py and the lists of ends in tests/model. With -DWEAK="T1_rel"
 * that one end is relaxed for good, and weaken.c is not needed.
 */
#ifndef TESTS_MODEL_WEAKEN_H
#define TESTS_MODEL_WEAKEN_H

#include <stdatomic.h>

#ifdef WEAK
#define AX_DETAIL_ORDER(end, order) (__builtin_strcmp(#end, WEAK) == 0 ? 0 /* relaxed */ : (order))
#else

int axi_weakened(const char *end, const char *file, int line, int order);
int axi_torn(const char *file, int line);

#define AX_DETAIL_ORDER(end, order) axi_weakened(#end, __FILE__, __LINE__, (order))

/* gcc's <stdatomic.h> and our inline functions both come down to these builtins. A macro is not expanded
 * within itself, so what is not torn is the real one. */
#if defined(__GNUC__) && !defined(__clang__)

#define AXI_TORN_FETCH(builtin, operator, p, v, order)                         \
    (axi_torn(__FILE__, __LINE__) ? __extension__({                            \
        __auto_type at_ = (p);                                                 \
        __auto_type old_ = __atomic_load_n(at_, __ATOMIC_SEQ_CST);             \
        __atomic_store_n(at_, old_ operator (v), __ATOMIC_SEQ_CST);            \
        old_;                                                                  \
    }) : builtin((p), (v), (order)))
#define __atomic_fetch_add(p, v, order) AXI_TORN_FETCH(__atomic_fetch_add, +, p, v, order)
#define __atomic_fetch_sub(p, v, order) AXI_TORN_FETCH(__atomic_fetch_sub, -, p, v, order)
#define __atomic_fetch_or(p, v, order) AXI_TORN_FETCH(__atomic_fetch_or, |, p, v, order)
#define __atomic_fetch_and(p, v, order) AXI_TORN_FETCH(__atomic_fetch_and, &, p, v, order)

#define AXI_TORN_EXCHANGE(p, v)                                                \
    __extension__({                                                            \
        __auto_type at_ = (p);                                                 \
        __auto_type old_ = __atomic_load_n(at_, __ATOMIC_SEQ_CST);             \
        __atomic_store_n(at_, (v), __ATOMIC_SEQ_CST);                          \
        old_;                                                                  \
    })
#define __atomic_exchange_n(p, v, order) \
    (axi_torn(__FILE__, __LINE__) ? AXI_TORN_EXCHANGE(p, v) : __atomic_exchange_n((p), (v), (order)))
#define __atomic_exchange(p, v, out, order)                          \
    do {                                                             \
        if (axi_torn(__FILE__, __LINE__))                            \
            *(out) = AXI_TORN_EXCHANGE(p, *(v));                     \
        else                                                         \
            __atomic_exchange((p), (v), (out), (order));             \
    } while (0)

#define AXI_TORN_CAS(p, expected, v)                                           \
    __extension__({                                                            \
        __auto_type at_ = (p);                                                 \
        __auto_type expected_ = (expected);                                    \
        __auto_type now_ = __atomic_load_n(at_, __ATOMIC_SEQ_CST);             \
        _Bool same_ = now_ == *expected_;                                      \
        if (same_)                                                             \
            __atomic_store_n(at_, (v), __ATOMIC_SEQ_CST);                      \
        else                                                                   \
            *expected_ = now_;                                                 \
        same_;                                                                 \
    })
#define __atomic_compare_exchange_n(p, expected, v, weak, success, failure)             \
    (axi_torn(__FILE__, __LINE__) ? AXI_TORN_CAS(p, expected, v)                        \
                                  : __atomic_compare_exchange_n((p), (expected), (v), (weak), (success), (failure)))
#define __atomic_compare_exchange(p, expected, v, weak, success, failure)               \
    (axi_torn(__FILE__, __LINE__) ? AXI_TORN_CAS(p, expected, *(v))                     \
                                  : __atomic_compare_exchange((p), (expected), (v), (weak), (success), (failure)))

#endif
#endif
#endif

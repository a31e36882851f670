/* SPDX-License-Identifier: MIT */
/**
 * weaken.h: included before everything else, it makes the program one in which the orders and the steps of lib
 * can be weakened from outside, one at a time, without compiling it again:
 *
 *     WEAKEN=T1_rel=relaxed               the order of each operation that is given this end
 *     WEAKEN=T1_rel@tickets.c:242=relaxed  of one of them
 *     MUTATE=torn@tickets.c:180           a step on this line is another:
 *              torn   a read-modify-write is a load and a store
 *              once   a compare-and-exchange that fails is taken for one that has succeeded: no second try
 *              more   a read-modify-write adds one more
 *              lost   a store, or a read-modify-write, is left out
 *              stale  a second look finds what its thread saw there last
 *              kept   what would be freed is not
 *              early  what is retired is freed at once, without a grace period
 *              unfenced  ck's fence between stores is not there
 *
 * A model test must then be violated, or the order (the step) is not needed or not tested. The tables that say
 * so are tests/mutants/mutants.py and the lists of ends in tests/model.
 */
#ifndef TESTS_MODEL_WEAKEN_H
#define TESTS_MODEL_WEAKEN_H

#include <stdatomic.h>

int axi_weakened(const char *end, const char *file, int line, int order);
int axi_mutated(const char *kind, const char *file, int line);
/* This thread finds *value there; a second look finds what it saw last. */
void axi_seen(const void *at, void *value, unsigned long size, const char *file, int line);

#define AX_DETAIL_ORDER(end, order) axi_weakened(#end, __FILE__, __LINE__, (order))

/* lib, and the stand-in for ck, declare these functions with their names in parentheses, where no macro of arguments is meant. */
#define axi_release(allocator, memory, size) \
    (axi_mutated("kept", __FILE__, __LINE__) ? (void)0 : (axi_release)((allocator), (memory), (size)))
#define axi_release_zeroed(allocator, memory, head, body) \
    (axi_mutated("kept", __FILE__, __LINE__) ? (void)0 : (axi_release_zeroed)((allocator), (memory), (head), (body)))
#define axi_retire(domain, thing, kind, bytes)                                                  \
    (axi_mutated("early", __FILE__, __LINE__) ? (void)(domain)->release((domain), (thing), (kind)) \
                                              : (axi_retire)((domain), (thing), (kind), (bytes)))

#ifndef AX_TRUE_CK /* whose header defines it */
#define ck_pr_fence_store() (axi_mutated("unfenced", __FILE__, __LINE__) ? (void)0 : (ck_pr_fence_store)())
#endif

/* gcc's <stdatomic.h> and our inline functions both come down to these builtins. A macro is not expanded
 * within itself, so what is not torn is the real one. */
#if defined(__GNUC__) && !defined(__clang__)

#define AXI_MUTATED(kind) axi_mutated(kind, __FILE__, __LINE__)

#define AXI_SEEN(at, value) axi_seen((const void *)(at), (value), sizeof *(value), __FILE__, __LINE__)

#define __atomic_load_n(p, order)                                              \
    __extension__({                                                            \
        __auto_type at_ = (p);                                                 \
        __auto_type value_ = __atomic_load_n(at_, (order));                    \
        AXI_SEEN(at_, &value_);                                                \
        value_;                                                                \
    })
#define __atomic_load(p, out, order)                                           \
    do {                                                                       \
        __atomic_load((p), (out), (order));                                    \
        AXI_SEEN(p, out);                                                      \
    } while (0)
#define __atomic_store_n(p, v, order) (AXI_MUTATED("lost") ? (void)(v) : __atomic_store_n((p), (v), (order)))
#define __atomic_store(p, v, order)                                            \
    do {                                                                       \
        if (!AXI_MUTATED("lost"))                                              \
            __atomic_store((p), (v), (order));                                 \
    } while (0)

#define AXI_MUTABLE_FETCH(builtin, operator, p, v, order)                      \
    (AXI_MUTATED("torn") || AXI_MUTATED("lost") ? __extension__({              \
        __auto_type at_ = (p);                                                 \
        __auto_type old_ = __atomic_load_n(at_, __ATOMIC_SEQ_CST);             \
        if (!AXI_MUTATED("lost"))                                              \
            __atomic_store_n(at_, old_ operator (v), __ATOMIC_SEQ_CST);        \
        old_;                                                                  \
    }) : builtin((p), (v) + AXI_MUTATED("more"), (order)))
#define __atomic_fetch_add(p, v, order) AXI_MUTABLE_FETCH(__atomic_fetch_add, +, p, v, order)
#define __atomic_fetch_sub(p, v, order) AXI_MUTABLE_FETCH(__atomic_fetch_sub, -, p, v, order)
#define __atomic_fetch_or(p, v, order) AXI_MUTABLE_FETCH(__atomic_fetch_or, |, p, v, order)
#define __atomic_fetch_and(p, v, order) AXI_MUTABLE_FETCH(__atomic_fetch_and, &, p, v, order)

#define AXI_TORN_EXCHANGE(p, v)                                                \
    __extension__({                                                            \
        __auto_type at_ = (p);                                                 \
        __auto_type old_ = __atomic_load_n(at_, __ATOMIC_SEQ_CST);             \
        __atomic_store_n(at_, (v), __ATOMIC_SEQ_CST);                          \
        old_;                                                                  \
    })
#define __atomic_exchange_n(p, v, order) \
    (AXI_MUTATED("torn") ? AXI_TORN_EXCHANGE(p, v) : __atomic_exchange_n((p), (v), (order)))
#define __atomic_exchange(p, v, out, order)                          \
    do {                                                             \
        if (AXI_MUTATED("torn"))                                     \
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
/* The rest of the arguments: weak or strong, and the orders. */
#define __atomic_compare_exchange_n(p, expected, v, ...)                       \
    (AXI_MUTATED("lost")   ? 0                                                 \
     : AXI_MUTATED("torn") ? AXI_TORN_CAS(p, expected, v)                      \
                           : __extension__({                                   \
                                 __auto_type was_ = (expected);                \
                                 __auto_type at_ = (p);                        \
                                 __typeof__(*was_) value_ = (v) + AXI_MUTATED("more"); \
                                 _Bool done_ = __atomic_compare_exchange_n(at_, was_, value_, __VA_ARGS__); \
                                 AXI_SEEN(at_, done_ ? &value_ : was_);        \
                                 done_;                                        \
                             }) || AXI_MUTATED("once"))
#define __atomic_compare_exchange(p, expected, v, ...) __atomic_compare_exchange_n(p, expected, *(v), __VA_ARGS__)

#endif
#endif

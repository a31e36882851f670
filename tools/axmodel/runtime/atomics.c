/* SPDX-License-Identifier: MIT */
/* The entry points that compilers call for atomic operations and fences under -fsanitize=thread. */
#include "sample.h"

#include <string.h>

/* On x86-64 the operations that a loop may wait with come through stubs that note registers: fiber.c. */
#define UNWATCHED(name) __tsan_##name
#if defined(__x86_64__) && !defined(AXM_UCONTEXT)
#define WATCHED(name) axm_##name
#define WATCH(pc) axm_spin_check(pc)
#else
#define WATCHED(name) __tsan_##name
#define WATCH(pc) ((void)(pc), false)
#endif

static bool own_stack(const void *p)
{
    return (const unsigned char *)p >= axm.cur->lo && (const unsigned char *)p < axm.cur->hi;
}

AXM_FLAT uint64_t visible(uint8_t op, uint8_t size, volatile void *addr, uint64_t arg, int order, uintptr_t pc)
{
    const struct axm_req q = {.addr = (uintptr_t)addr, .pc = pc, .arg = arg, .op = op, .size = size,
                              .ord_ok = (uint8_t)order, .ord_fail = (uint8_t)order};
    bool wrote;
    if (op == AXM_LOAD || op == AXM_XCHG || op == AXM_AND || op == AXM_OR)
        while (WATCH(pc))
            axm_sample_spin(pc);
    axm_pass(pc);
    axm_may_die(pc);
    return axm_access(&q, &wrote);
}

AXM_FLAT uint64_t cas(uint8_t size, volatile void *addr, uint64_t cmp, uint64_t arg, int order, int fail, bool weak,
                      uintptr_t pc, bool *wrote)
{
    struct axm_fiber *f = axm.cur;
    const struct axm_req q = {.addr = (uintptr_t)addr, .pc = pc, .arg = arg, .cmp = cmp, .op = AXM_CAS, .size = size,
                              .ord_ok = (uint8_t)order, .ord_fail = (uint8_t)fail,
                              .flags = weak && f->spurious < axm.opt.spurious ? AXM_WEAK : 0};
    while (WATCH(pc))
        axm_sample_spin(pc);
    axm_pass(pc);
    axm_may_die(pc);
    uint64_t old = axm_access(&q, wrote);
    if (!*wrote && old == cmp)
        f->spurious++;
    return old;
}

/* Outside of a run (constructors of the test, say) there is one thread, and memory is memory. */
#define ENTRIES(bits, type)                                                                                       \
    type WATCHED(atomic##bits##_load)(const volatile type *a, int mo);                                            \
    type WATCHED(atomic##bits##_load)(const volatile type *a, int mo)                                             \
    {                                                                                                             \
        if (axm.cur == NULL)                                                                                      \
            return *a;                                                                                            \
        return (type)visible(AXM_LOAD, bits / 8, (volatile void *)(uintptr_t)a, 0, mo, AXM_CALLER);               \
    }                                                                                                             \
    void __tsan_atomic##bits##_store(volatile type *a, type v, int mo);                                           \
    void __tsan_atomic##bits##_store(volatile type *a, type v, int mo)                                            \
    {                                                                                                             \
        if (axm.cur == NULL)                                                                                      \
            *a = v;                                                                                               \
        else                                                                                                      \
            visible(AXM_STORE, bits / 8, a, v, mo, AXM_CALLER);                                                   \
    }                                                                                                             \
    RMW(WATCHED, bits, type, exchange, AXM_XCHG, __atomic_exchange_n)                                             \
    RMW(WATCHED, bits, type, fetch_and, AXM_AND, __atomic_fetch_and)                                              \
    RMW(WATCHED, bits, type, fetch_or, AXM_OR, __atomic_fetch_or)                                                 \
    RMW(UNWATCHED, bits, type, fetch_add, AXM_ADD, __atomic_fetch_add)                                            \
    RMW(UNWATCHED, bits, type, fetch_sub, AXM_SUB, __atomic_fetch_sub)                                            \
    RMW(UNWATCHED, bits, type, fetch_xor, AXM_XOR, __atomic_fetch_xor)                                            \
    RMW(UNWATCHED, bits, type, fetch_nand, AXM_NAND, __atomic_fetch_nand)                                         \
    type WATCHED(atomic##bits##_compare_exchange_val)(volatile type *a, type c, type v, int mo, int fail);        \
    type WATCHED(atomic##bits##_compare_exchange_val)(volatile type *a, type c, type v, int mo, int fail)         \
    {                                                                                                             \
        bool wrote;                                                                                               \
        if (axm.cur == NULL) {                                                                                    \
            __atomic_compare_exchange_n(a, &c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                     \
            return c;                                                                                             \
        }                                                                                                         \
        return (type)cas(bits / 8, a, c, v, mo, fail, false, AXM_CALLER, &wrote);                                 \
    }                                                                                                             \
    COMPARE(bits, type, strong, false)                                                                            \
    COMPARE(bits, type, weak, true)

#define RMW(entry, bits, type, name, op, native)                                       \
    type entry(atomic##bits##_##name)(volatile type *a, type v, int mo);               \
    type entry(atomic##bits##_##name)(volatile type *a, type v, int mo)                \
    {                                                                                  \
        if (axm.cur == NULL)                                                           \
            return native(a, v, __ATOMIC_SEQ_CST);                                     \
        return (type)visible(op, bits / 8, a, v, mo, AXM_CALLER);                      \
    }

#define COMPARE(bits, type, strength, weak)                                                                          \
    int WATCHED(atomic##bits##_compare_exchange_##strength)(volatile type *a, type *c, type v, int mo, int fail);    \
    int WATCHED(atomic##bits##_compare_exchange_##strength)(volatile type *a, type *c, type v, int mo, int fail)     \
    {                                                                                                                \
        bool wrote;                                                                                                  \
        if (axm.cur == NULL)                                                                                         \
            return __atomic_compare_exchange_n(a, c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                  \
        if (!own_stack(c))                                                                                           \
            axm_touch((uintptr_t)c, sizeof *c, AXM_TOUCH_READ, AXM_CALLER);                                          \
        type old = (type)cas(bits / 8, a, *c, v, mo, fail, weak, AXM_CALLER, &wrote);                                \
        if (!wrote) {                                                                                                \
            if (!own_stack(c))                                                                                       \
                axm_touch((uintptr_t)c, sizeof *c, AXM_TOUCH_WRITE, AXM_CALLER);                                     \
            *c = old;                                                                                                \
        }                                                                                                            \
        return wrote;                                                                                                \
    }

ENTRIES(8, uint8_t)
ENTRIES(16, uint16_t)
ENTRIES(32, uint32_t)
ENTRIES(64, uint64_t)

/* Sixteen bytes at once: refused by name, not by a link error. */
#define REFUSED(name)                                                                                  \
    void __tsan_atomic128_##name(void);                                                                \
    void __tsan_atomic128_##name(void)                                                                 \
    {                                                                                                  \
        axm_violation(AXM_UNSUPPORTED, AXM_CALLER, "atomic operations of 16 bytes are not modelled"); \
    }
REFUSED(load)
REFUSED(store)
REFUSED(exchange)
REFUSED(fetch_add)
REFUSED(fetch_sub)
REFUSED(fetch_and)
REFUSED(fetch_or)
REFUSED(fetch_xor)
REFUSED(fetch_nand)
REFUSED(compare_exchange_val)
REFUSED(compare_exchange_strong)
REFUSED(compare_exchange_weak)

void __tsan_atomic_thread_fence(int mo);
void __tsan_atomic_thread_fence(int mo)
{
    if (axm.cur == NULL)
        return;
    if (mo == AXM_SC) {
        axm_sc_fence(AXM_CALLER);
        return;
    }
    if (axm_acquires((uint8_t)mo))
        axm_acquire_fence();
    if (axm_releases((uint8_t)mo))
        axm_release_fence();
}

/* Orders a thread with its own signal handler: there are none in the model. */
void __tsan_atomic_signal_fence(int mo);
void __tsan_atomic_signal_fence(int mo) { (void)mo; }

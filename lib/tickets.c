/* SPDX-License-Identifier: MIT */
/*
 * tickets.c: the common pool. A sale is one compare-and-swap of the pool word: it takes tickets that
 * were never sold (`next` rises, and the old value is the number) or, when those are used up, the right
 * to refunded ones (`returned` falls, and then a set bit is claimed; there is one for each right).
 *
 * Why kill -9 burns one ticket at most: before the swap nothing has happened; after it the number is the
 * caller's, or one set bit more than `returned` stays behind. A refund sets its bit before it raises
 * `returned`: cut off in between, one bit too many, again. Never is a bit set twice or a number below
 * `next` given out without its bit, so never is a ticket sold twice.
 */
#include "tickets.h"

#include <string.h>

#include "alloc.h"
#include "export.h"

/* --- making and ending ---------------------------------------------------------------------------- */

AXI_EXPORT size_t ax_tickets_size(uint32_t capacity, uint32_t leases)
{
    if (capacity == 0 || capacity > AX_TICKETS_MAX_CAPACITY || leases > AX_TICKETS_MAX_LEASES)
        return 0;
    size_t words = (size_t)capacity / 64 + 1;
    size_t summary = words / 64 + 1;
    return sizeof(struct ax_tickets) + leases * sizeof(struct lease_slot) + (words + summary) * sizeof(uint64_t);
}

AXI_EXPORT ax_status ax_tickets_init(void *memory, size_t size, uint32_t capacity, uint32_t leases,
                                     ax_tickets **tickets)
{
    size_t needed = ax_tickets_size(capacity, leases);
    if (needed == 0 || memory == NULL || tickets == NULL || size < needed ||
        (uintptr_t)memory % _Alignof(struct ax_tickets) != 0)
        return AX_EINVAL;
    memset(memory, 0, needed);
    struct ax_tickets *t = memory;
    t->size = needed;
    t->capacity = capacity;
    t->leases = leases;
    if (!axi_lease_init_slots(t))
        return AX_EAGAIN;
    /* relaxed: init happens before attach, by the caller's own means */
    axi_store_relaxed(&t->magic, TICKETS_MAGIC);
    *tickets = t;
    return AX_OK;
}

AXI_EXPORT ax_status ax_tickets_attach(void *memory, size_t size, ax_tickets **tickets)
{
    if (memory == NULL || tickets == NULL || (uintptr_t)memory % _Alignof(struct ax_tickets) != 0)
        return AX_EINVAL;
    struct ax_tickets *t = memory;
    /* relaxed: see init */
    if (size < sizeof *t || axi_load_relaxed(&t->magic) != TICKETS_MAGIC || t->size > size ||
        t->size != ax_tickets_size(t->capacity, t->leases))
        return AX_ECORRUPT;
    *tickets = t;
    return AX_OK;
}

AXI_EXPORT void ax_tickets_fini(ax_tickets *t)
{
    axi_lease_fini_slots(t);
    axi_store_relaxed(&t->magic, 0); /* relaxed: no call overlaps fini; a later attach is refused */
}

AXI_EXPORT ax_status ax_tickets_create(uint32_t capacity, uint32_t leases, const ax_allocator *allocator,
                                       ax_tickets **tickets)
{
    size_t size = ax_tickets_size(capacity, leases);
    if (size == 0 || tickets == NULL)
        return AX_EINVAL;
    void *memory = axi_allocate(allocator, size, _Alignof(struct ax_tickets));
    if (!memory)
        return AX_ENOMEM;
    ax_tickets *made;
    ax_status status = ax_tickets_init(memory, size, capacity, leases, &made);
    if (status != AX_OK) {
        axi_release(allocator, memory, size);
        return status;
    }
    made->allocator = allocator;
    *tickets = made;
    return AX_OK;
}

AXI_EXPORT void ax_tickets_destroy(ax_tickets *t)
{
    if (!t)
        return;
    const ax_allocator *allocator = t->allocator;
    size_t size = t->size;
    ax_tickets_fini(t);
    axi_release(allocator, t, size);
}

/* --- refunded tickets ------------------------------------------------------------------------------ */

/* Claims one set bit of this word, if there is one. */
static bool claim_in(ax_tickets *t, uint32_t word, uint32_t *number)
{
    _Atomic uint64_t *bits = &tickets_words(t)[word];
    uint64_t seen = axi_load_relaxed(bits); /* relaxed: a guess, the read-modify-write decides */
    while (seen != 0) {
        uint64_t bit = seen & (0 - seen);
        /* T2.acq: with the refund that set this bit; later refunds in the word extend its release sequence */
        uint64_t before = axi_fetch_and_acquire(bits, ~bit, T2_acq);
        if (before & bit) {
            *number = word * 64 + (uint32_t)__builtin_ctzll(bit);
            return true;
        }
        seen = before & ~bit;
    }
    return false;
}

/* Through the summary. It may show words that are empty (cleared here) and, in the moment between that
 * and the second look, or after a kill, not show one that isn't: hence only a hint. */
static bool claim_by_summary(ax_tickets *t, uint32_t *number)
{
    _Atomic uint64_t *summary = tickets_summary(t);
    uint32_t words = tickets_words_count(t);
    for (uint32_t s = 0; s <= words / 64; s++) {
        uint64_t seen = axi_load_relaxed(&summary[s]); /* relaxed: a hint */
        for (; seen != 0; seen &= seen - 1) {
            uint64_t bit = seen & (0 - seen);
            uint32_t word = s * 64 + (uint32_t)__builtin_ctzll(seen);
            if (claim_in(t, word, number))
                return true;
            axi_fetch_and_relaxed(&summary[s], ~bit);                 /* relaxed: a hint */
            if (axi_load_relaxed(&tickets_words(t)[word]) != 0)       /* relaxed: a hint */
                axi_fetch_or_relaxed(&summary[s], bit);               /* relaxed: a hint */
        }
    }
    return false;
}

/*
 * Claims a refunded ticket for a caller that has lowered `returned`. There is a set bit for each such
 * right (T3 makes it visible), so a pass over all words can miss only if others claim what it was about
 * to reach while new ones appear behind it: they make progress, this is lock-free.
 */
static uint32_t claim(ax_tickets *t)
{
    uint32_t number;
    uint32_t hint = axi_load_relaxed(&t->hint); /* relaxed: a hint */
    if (claim_in(t, hint, &number))
        return number;
    for (;;) {
        if (claim_by_summary(t, &number))
            return number;
        for (uint32_t word = 0; word < tickets_words_count(t); word++)
            if (claim_in(t, word, &number))
                return number;
    }
}

/* --- selling --------------------------------------------------------------------------------------- */

/* Takes k tickets from the pool word, which is then as `*before` with k less; `*fresh` of them were never sold. */
static inline ax_status take_from_pool(ax_tickets *t, uint32_t k, pool_word *before, uint32_t *fresh)
{
    unsigned pauses = 1;
    pool_word w = axi_load_acquire(&t->pool, T1_acq); /* T1.acq: for who reads the closed bit */
    for (;;) {
        if (w & POOL_CLOSED)
            return AX_ECLOSED;
        uint32_t never_sold = t->capacity - pool_next(w);
        pool_word after = w + k;
        *fresh = k;
        if (__builtin_expect(never_sold < k, 0)) {
            uint32_t returned = k - never_sold;
            if (returned > pool_returned(w))
                return AX_ESOLDOUT;
            after = w + never_sold - returned * POOL_RETURNED_ONE;
            *fresh = never_sold;
        }
        /* T3.acq: each refund counted in `returned` has set its bit where claim will see it, also one that took the
         * word back to what the load had read. For tickets never sold before nothing is acquired: there is
         * nothing to hand over.
         * T1.acq on failure: as for the load above. */
        *before = w;
        if (axi_wcas_acquire_acquire(&t->pool, &w, after, T3_acq, T1_fail))
            return AX_OK;
        pauses = axi_back_off(pauses);
    }
}

/* What is not the common case of a sale, out of its way. */
static __attribute__((noinline)) ax_status sell_returned(ax_tickets *t, ax_status status, uint32_t *number)
{
    if (status == AX_OK)
        *number = claim(t);
    else if (status == AX_ESOLDOUT && t->leases != 0 && axi_lease_sell_reserve(t, number))
        return AX_OK;
    return status;
}

AXI_EXPORT ax_status ax_tickets_sell(ax_tickets *t, uint32_t *number)
{
    pool_word before;
    uint32_t fresh;
    ax_status status = take_from_pool(t, 1, &before, &fresh);
    if (__builtin_expect(status != AX_OK || fresh == 0, 0))
        return sell_returned(t, status, number);
    *number = pool_next(before);
    return AX_OK;
}

AXI_EXPORT ax_status ax_tickets_sell_many(ax_tickets *t, uint32_t k, uint32_t *numbers)
{
    if (k == 0)
        return AX_EINVAL;
    pool_word before;
    uint32_t fresh;
    ax_status status = take_from_pool(t, k, &before, &fresh);
    if (status != AX_OK)
        return status;
    for (uint32_t i = 0; i < fresh; i++)
        numbers[i] = pool_next(before) + i;
    for (uint32_t i = fresh; i < k; i++)
        numbers[i] = claim(t);
    return AX_OK;
}

AXI_EXPORT ax_status ax_tickets_refund(ax_tickets *t, uint32_t number)
{
    if (number >= t->capacity)
        return AX_EINVAL;
    /* T4.acq: who sees that `next` passed a leased number sees the grant record it was taken under */
    pool_word w = axi_load_acquire(&t->pool, T4_acq);
    if (number >= pool_next(w) || (t->leases != 0 && axi_lease_holds(t, number)))
        return AX_ENOTSOLD;
    uint32_t word = number / 64;
    uint64_t bit = UINT64_C(1) << (number % 64);
    /* T2.rel: what was done with the ticket so far happens before what its next buyer does */
    if (axi_fetch_or_release(&tickets_words(t)[word], bit, T2_rel) & bit)
        return AX_ENOTSOLD;
    _Atomic uint64_t *summary = &tickets_summary(t)[word / 64];
    uint64_t summary_bit = UINT64_C(1) << (word % 64);
    if (!(axi_load_relaxed(summary) & summary_bit))  /* relaxed: a hint */
        axi_fetch_or_relaxed(summary, summary_bit);  /* relaxed: a hint */
    axi_store_relaxed(&t->hint, word);               /* relaxed: a hint */
    /* T3.rel: the bit is set for whoever takes the right */
    axi_fetch_add_release(&t->pool, POOL_RETURNED_ONE, T3_rel);
    return AX_OK;
}

AXI_EXPORT uint32_t ax_tickets_left(const ax_tickets *t)
{
    /* relaxed: one word, read in its modification order; it publishes nothing */
    pool_word w = axi_load_relaxed(&t->pool);
    uint32_t left = t->capacity - pool_next(w) + pool_returned(w);
    return t->leases == 0 ? left : left + axi_lease_reserves(t);
}

AXI_EXPORT uint32_t ax_tickets_capacity(const ax_tickets *t)
{
    return t->capacity;
}

AXI_EXPORT void ax_tickets_close(ax_tickets *t)
{
    axi_fetch_or_release(&t->pool, POOL_CLOSED, T1_rel); /* T1.rel */
    for (uint32_t i = 0; i < t->leases; i++)
        axi_store_release(&tickets_slots(t)[i].closed, 1, T1_rel_lease); /* T1.rel, for leases */
}

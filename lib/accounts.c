/* SPDX-License-Identifier: MIT */
/*
 * accounts.c: making tables, opening accounts, and the calls that change balances: read the accounts, see what
 * they would come to, try that as one step, begin again when one has changed meanwhile.
 */
#include "accounts.h"

#include <string.h>

#include "alloc.h"
#include "export.h"

/* --- making and ending ------------------------------------------------------------------------------- */

AXI_EXPORT size_t ax_accounts_size(uint32_t capacity, uint32_t calls)
{
    if (capacity == 0 || capacity > AX_ACCOUNTS_MAX_CAPACITY || calls == 0 || calls > AX_ACCOUNTS_MAX_CALLS)
        return 0;
    return sizeof(struct ax_accounts) + calls * sizeof(struct place) +
           capacity * (sizeof(struct account) + sizeof(struct earlier));
}

AXI_EXPORT ax_status ax_accounts_init(void *memory, size_t size, uint32_t capacity, uint32_t calls,
                                      ax_accounts **accounts)
{
    size_t needed = ax_accounts_size(capacity, calls);
    if (needed == 0 || memory == NULL || accounts == NULL || size < needed ||
        (uintptr_t)memory % _Alignof(struct ax_accounts) != 0)
        return AX_EINVAL;
    if (!axi_place_prepare())
        return AX_ENOMEM;
    memset(memory, 0, needed);
    struct ax_accounts *t = memory;
    t->size = needed;
    t->capacity = capacity;
    t->calls = calls;
    /* relaxed, both: init happens before attach, by the caller's own means */
    axi_store_relaxed(&t->clock, 1); /* stamp 0 is before every audit */
    axi_store_relaxed(&t->magic, ACCOUNTS_MAGIC);
    *accounts = t;
    return AX_OK;
}

AXI_EXPORT ax_status ax_accounts_attach(void *memory, size_t size, ax_accounts **accounts)
{
    if (memory == NULL || accounts == NULL || (uintptr_t)memory % _Alignof(struct ax_accounts) != 0)
        return AX_EINVAL;
    struct ax_accounts *t = memory;
    /* relaxed: see init */
    if (size < sizeof *t || axi_load_relaxed(&t->magic) != ACCOUNTS_MAGIC || t->size > size ||
        t->size != ax_accounts_size(t->capacity, t->calls))
        return AX_ECORRUPT;
    if (!axi_place_prepare())
        return AX_ENOMEM;
    *accounts = t;
    return AX_OK;
}

AXI_EXPORT void ax_accounts_fini(ax_accounts *t)
{
    axi_store_relaxed(&t->magic, 0); /* relaxed: no call overlaps fini; a later attach is refused */
}

AXI_EXPORT ax_status ax_accounts_create(uint32_t capacity, uint32_t calls, const ax_allocator *allocator,
                                        ax_accounts **accounts)
{
    size_t size = ax_accounts_size(capacity, calls);
    if (size == 0 || accounts == NULL)
        return AX_EINVAL;
    void *memory = axi_allocate(allocator, size, _Alignof(struct ax_accounts));
    if (!memory)
        return AX_ENOMEM;
    ax_accounts *made;
    ax_status status = ax_accounts_init(memory, size, capacity, calls, &made);
    if (status != AX_OK) {
        axi_release(allocator, memory, size);
        return status;
    }
    made->allocator = allocator;
    *accounts = made;
    return AX_OK;
}

AXI_EXPORT void ax_accounts_destroy(ax_accounts *t)
{
    if (!t)
        return;
    const ax_allocator *allocator = t->allocator;
    size_t size = t->size;
    ax_accounts_fini(t);
    axi_release(allocator, t, size);
}

AXI_EXPORT ax_status ax_accounts_open(ax_accounts *t, int64_t floor, uint32_t *account)
{
    if (floor > 0 || account == NULL)
        return AX_EINVAL;
    uint32_t number = axi_load_relaxed(&t->opened); /* relaxed: a guess, the swap decides */
    do {
        if (number == t->capacity)
            return AX_ENOMEM;
        /* B3.sc open: an audit that does not count this account is of an instant before its first change */
    } while (!axi_cas_seq_cst(&t->opened, &number, number + 1, B3_open));
    struct account *a = &accounts_table(t)[number];
    axi_store_relaxed(&a->floor, floor); /* relaxed: published with the state */
    /* B1.rel: the floor, and what the opener did before */
    axi_store_release(&a->state, state_make_free(1, 0), B1_open);
    *account = number;
    return AX_OK;
}

AXI_EXPORT uint32_t ax_accounts_opened(const ax_accounts *t)
{
    return axi_load_relaxed(&t->opened); /* relaxed: one word, which publishes nothing */
}

AXI_EXPORT uint32_t ax_accounts_capacity(const ax_accounts *t)
{
    return t->capacity;
}

/* --- changing ---------------------------------------------------------------------------------------- */

/* What the leg's account would come to. */
static ax_status evaluate(ax_accounts *t, const ax_accounts_leg *change, struct leg *leg)
{
    leg->account = change->account;
    if (!axi_account_read(t, leg))
        return AX_ENOTFOUND;
    if (__builtin_add_overflow(leg->before, change->amount, &leg->after))
        return change->amount < 0 ? AX_EINSUFFICIENT : AX_ERANGE;
    /* relaxed: came with the state */
    if (change->amount < 0 && leg->after < axi_load_relaxed(&accounts_table(t)[leg->account].floor))
        return AX_EINSUFFICIENT;
    return AX_OK;
}

static ax_status evaluate_all(ax_accounts *t, const ax_accounts_leg *changes, uint32_t count, struct leg *legs)
{
    ax_status status = AX_OK;
    for (uint32_t i = 0; i < count && status == AX_OK; i++)
        status = evaluate(t, &changes[i], &legs[i]);
    return status;
}

/* Longer with each failure: whoever goes on meanwhile has the cache lines for many steps in a row. */
static unsigned back_off(unsigned pauses)
{
    for (unsigned i = 0; i < pauses; i++)
        axi_pause();
    return pauses < 1024 ? 2 * pauses : pauses;
}

/* The changes are in ascending order of accounts, each account once. */
static AXI_PREFETCHES_TO_WRITE ax_status change(ax_accounts *t, const ax_accounts_leg *changes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].account >= t->capacity)
            return AX_ENOTFOUND;
        __builtin_prefetch(&accounts_table(t)[changes[i].account], 1);
    }
    struct place *place = axi_place_take(t);
    if (!place)
        return AX_EAGAIN;
    struct leg legs[AX_ACCOUNTS_MAX_LEGS];
    ax_status status;
    unsigned pauses = 64;
    while ((status = evaluate_all(t, changes, count, legs)) == AX_OK && !axi_step(t, place, legs, count))
        pauses = back_off(pauses);
    axi_place_leave(place);
    return status;
}

AXI_EXPORT ax_status ax_accounts_deposit(ax_accounts *t, uint32_t account, int64_t amount)
{
    return amount < 0 ? AX_EINVAL : change(t, &(ax_accounts_leg){ account, amount }, 1);
}

AXI_EXPORT ax_status ax_accounts_withdraw(ax_accounts *t, uint32_t account, int64_t amount)
{
    return amount < 0 ? AX_EINVAL : change(t, &(ax_accounts_leg){ account, -amount }, 1);
}

AXI_EXPORT ax_status ax_accounts_transfer(ax_accounts *t, uint32_t from, uint32_t to, int64_t amount)
{
    if (amount < 0 || from == to)
        return AX_EINVAL;
    ax_accounts_leg debit = { from, -amount }, credit = { to, amount };
    ax_accounts_leg changes[2] = { from < to ? debit : credit, from < to ? credit : debit };
    return change(t, changes, 2);
}

/* Exactly, though the amounts may add up to more than 64 bits on the way. */
static bool sums_to_zero(const ax_accounts_leg *legs, uint32_t count)
{
    int64_t high = 0, low = 0;
    for (uint32_t i = 0; i < count; i++) {
        low += (int64_t)((uint64_t)legs[i].amount & 0xffffffff);
        high += (legs[i].amount - (int64_t)((uint64_t)legs[i].amount & 0xffffffff)) / (INT64_C(1) << 32);
    }
    return low % (INT64_C(1) << 32) == 0 && high + low / (INT64_C(1) << 32) == 0;
}

AXI_EXPORT ax_status ax_accounts_transfer_many(ax_accounts *t, const ax_accounts_leg *legs, uint32_t count)
{
    if (count == 0 || count > AX_ACCOUNTS_MAX_LEGS || !sums_to_zero(legs, count))
        return AX_EINVAL;
    ax_accounts_leg sorted[AX_ACCOUNTS_MAX_LEGS];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1].account > legs[i].account; at--)
            sorted[at] = sorted[at - 1];
        if (at > 0 && sorted[at - 1].account == legs[i].account)
            return AX_EINVAL;
        sorted[at] = legs[i];
    }
    return change(t, sorted, count);
}

AXI_EXPORT ax_status ax_accounts_balance(ax_accounts *t, uint32_t account, int64_t *balance)
{
    struct leg leg = { .account = account };
    if (account >= t->capacity || !axi_account_read(t, &leg))
        return AX_ENOTFOUND;
    *balance = leg.before;
    return AX_OK;
}

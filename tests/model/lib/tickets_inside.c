/* SPDX-License-Identifier: MIT */
/* lib/tickets.c from within: what only costs time when it goes wrong (the right with its bit, the summary), and
 * what is given back when a seller cannot be made. Leases are stood in for; they have tests of their own. */
#include "../threads.h"

#include "atomic.h"

/* How often this thread has looked at a word to find a bit in. */
static _Thread_local unsigned looks;
#undef axi_load_relaxed
#define axi_load_relaxed(p) (looks++, atomic_load_explicit((p), memory_order_relaxed))

#include "../../../lib/tickets.c"

static bool slots_fail;
bool axi_lease_init_slots(ax_tickets *t) { return (void)t, !slots_fail; }
void axi_lease_fini_slots(ax_tickets *t) { (void)t; }
bool axi_lease_sell_reserve(ax_tickets *t, uint32_t *number) { return (void)t, (void)number, false; }
bool axi_lease_holds(const ax_tickets *t, uint32_t number) { return (void)t, (void)number, false; }
uint32_t axi_lease_reserves(const ax_tickets *t) { return (void)t, 0; }

enum { WORD = 64 };
static ax_tickets *hall;
static uint32_t numbers[WORD + 1];

static void open_sold_out(uint32_t capacity)
{
    assert(ax_tickets_create(capacity, 0, NULL, &hall) == AX_OK);
    assert(ax_tickets_sell_many(hall, capacity, numbers) == AX_OK);
}
static void close_hall(void)
{
    ax_tickets_destroy(hall);
    hall = NULL;
}

THREAD(refunds_first) { assert(ax_tickets_refund(hall, 0) == AX_OK); return NULL; }
THREAD(refunds_of_second_word) { assert(ax_tickets_refund(hall, WORD) == AX_OK); return NULL; }

THREAD(buys_at_the_first_look)
{
    uint32_t number;
    looks = 0;
    if (ax_tickets_sell(hall, &number) == AX_OK)
        assert(looks == 2); /* at the hint, and at the word */
    return NULL;
}
AX_MODEL_TEST(T3_a_right_is_used_at_the_first_look)
{
    open_sold_out(1);
    run2(refunds_first, buys_at_the_first_look);
    close_hall();
}
/* A ticket that came and went leaves the count as it was, and the bit is the later refund's. */
THREAD(buys_and_refunds)
{
    uint32_t number;
    if (ax_tickets_sell(hall, &number) == AX_OK)
        assert(ax_tickets_refund(hall, number) == AX_OK);
    return NULL;
}
AX_MODEL_TEST(T3_a_right_that_came_back_is_used_at_the_first_look)
{
    open_sold_out(1);
    run3(refunds_first, buys_and_refunds, buys_at_the_first_look);
    close_hall();
}

AX_MODEL_TEST(two_refunds_are_both_in_the_summary)
{
    open_sold_out(WORD + 1);
    run2(refunds_first, refunds_of_second_word);
    assert(atomic_load(tickets_summary(hall)) == 3);
    close_hall();
}

/* The first word is empty, and its bit in the summary is still there. */
static void leave_an_idle_bit(void)
{
    uint32_t number;
    open_sold_out(WORD + 1);
    refunds_first(NULL);
    assert(ax_tickets_sell(hall, &number) == AX_OK && number == 0 && atomic_load(tickets_summary(hall)) == 1);
}
static bool saw_only_the_first;
THREAD(looks_through_the_summary)
{
    uint32_t number;
    looks = 0;
    bool found = claim_by_summary(hall, &number);
    saw_only_the_first = looks <= 3 && !(found && number == WORD); /* the summary, and the word twice */
    return NULL;
}
static void the_second_word_is_in_the_summary(void)
{
    if (saw_only_the_first)
        assert(atomic_load(tickets_summary(hall)) & 2);
    close_hall();
}
AX_MODEL_TEST(a_bit_taken_out_of_the_summary_takes_no_other_along)
{
    leave_an_idle_bit();
    run2(looks_through_the_summary, refunds_of_second_word);
    the_second_word_is_in_the_summary();
}
THREAD(refunds_both)
{
    refunds_first(NULL);
    refunds_of_second_word(NULL);
    return NULL;
}
AX_MODEL_TEST(a_bit_put_back_into_the_summary_takes_no_other_along)
{
    leave_an_idle_bit();
    run2(looks_through_the_summary, refunds_both);
    the_second_word_is_in_the_summary();
}

AX_MODEL_TEST(what_cannot_be_made_leaves_nothing_behind)
{
    slots_fail = true;
    assert(ax_tickets_create(1, 1, NULL, &hall) == AX_EAGAIN);
    assert(hall == NULL);
}

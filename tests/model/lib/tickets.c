/* SPDX-License-Identifier: MIT */
/* tickets.h under the model, with the real lib/tickets.c and lib/lease.c; more of leases in lease.c. */
#include "../threads.h"

#include <atomicx/tickets.h>

enum { CAPACITY = 8 };

static ax_tickets *hall;
static int holder[CAPACITY]; /* plain on purpose: touched only by who holds the ticket */
static int sold[4];
static atomic_int sales[CAPACITY];

static void take(uint32_t number, size_t self)
{
    assert(number < CAPACITY);
    assert(add(&sales[number], 1, relaxed) == 0);
    assert(holder[number] == 0);
    holder[number] = (int)self + 1;
    sold[self]++;
}
static void give_back(uint32_t number)
{
    holder[number] = 0;
    sub(&sales[number], 1, relaxed);
    assert(ax_tickets_refund(hall, number) == AX_OK);
}

static void *buys_three(void *self)
{
    for (int i = 0; i < 3; i++) {
        uint32_t n;
        if (ax_tickets_sell(hall, &n) == AX_OK)
            take(n, (size_t)self);
    }
    return NULL;
}
static void *buys_one(void *self)
{
    uint32_t n;
    ax_status s = ax_tickets_sell(hall, &n);
    assert(s == AX_OK || s == AX_ESOLDOUT);
    if (s == AX_OK)
        take(n, (size_t)self);
    return NULL;
}
static void open_hall(uint32_t capacity, uint32_t leases)
{
    assert(ax_tickets_create(capacity, leases, NULL, &hall) == AX_OK);
}

/* Forgets it too: what somebody still points to is no leak. */
static void close_hall(void)
{
    ax_tickets_destroy(hall);
    hall = NULL;
}

AX_MODEL_TEST(two_buyers_of_three_share_four_tickets)
{
    open_hall(4, 0);
    run2(buys_three, buys_three);
    assert(sold[1] + sold[2] == 4);
    assert(ax_tickets_left(hall) == 0);
    close_hall();
}
AX_MODEL_TEST(three_buyers_share_two_tickets)
{
    open_hall(2, 0);
    run3(buys_one, buys_one, buys_one);
    assert(sold[1] + sold[2] + sold[3] == 2);
    close_hall();
}

static void *buys_and_returns(void *self)
{
    uint32_t n;
    if (ax_tickets_sell(hall, &n) == AX_OK) {
        take(n, (size_t)self);
        sold[(size_t)self]--;
        give_back(n);
    }
    return NULL;
}
AX_MODEL_TEST(T2_a_returned_ticket_is_handed_on_with_what_was_done)
{
    open_hall(1, 0);
    run2(buys_and_returns, buys_one);
    assert(sold[1] + sold[2] + (int)ax_tickets_left(hall) == 1);
    close_hall();
}
/* The right to a refunded ticket may come from one refunder and the ticket from the other. */
static void *returns_own(void *self)
{
    give_back((uint32_t)(size_t)self - 1);
    return NULL;
}
AX_MODEL_TEST(T2_a_ticket_returned_by_another_than_gave_the_right)
{
    uint32_t n[2];
    open_hall(2, 0);
    assert(ax_tickets_sell_many(hall, 2, n) == AX_OK);
    take(0, 0);
    take(1, 0);
    run3(returns_own, returns_own, buys_one);
    assert(sold[3] + (int)ax_tickets_left(hall) == 2);
    close_hall();
}
AX_MODEL_TEST(T3_two_return_and_buy_again)
{
    open_hall(2, 0);
    run2(buys_and_returns, buys_and_returns);
    uint32_t n[2];
    assert(ax_tickets_left(hall) == 2);
    assert(ax_tickets_sell_many(hall, 2, n) == AX_OK && n[0] != n[1]);
    close_hall();
}
/* The two claims clear bits of one word. */
AX_MODEL_TEST(two_buy_what_two_have_returned)
{
    uint32_t n[2];
    open_hall(2, 0);
    assert(ax_tickets_sell_many(hall, 2, n) == AX_OK);
    assert(ax_tickets_refund(hall, 0) == AX_OK && ax_tickets_refund(hall, 1) == AX_OK);
    run2(buys_one, buys_one);
    assert(sold[1] == 1 && sold[2] == 1);
    give_back(0);
    give_back(1);
    close_hall();
}
static void *returns_zero(void *self)
{
    if (ax_tickets_refund(hall, 0) == AX_OK)
        sold[(size_t)self]++;
    return NULL;
}
AX_MODEL_TEST(of_two_refunds_one_counts)
{
    uint32_t n;
    open_hall(1, 0);
    assert(ax_tickets_sell(hall, &n) == AX_OK && n == 0);
    run2(returns_zero, returns_zero);
    assert(sold[1] + sold[2] == 1);
    assert(ax_tickets_left(hall) == 1);
    close_hall();
}

static int reason;
static void *closes(void *unused)
{
    reason = 404;
    ax_tickets_close(hall);
    return unused;
}
static void *buys_until_closed(void *self)
{
    for (int i = 0; i < 2; i++) {
        uint32_t n;
        ax_status s = ax_tickets_sell(hall, &n);
        if (s == AX_ECLOSED)
            assert(reason == 404);
        else if (s == AX_OK)
            take(n, (size_t)self);
    }
    return NULL;
}
static void *buys_one_or_closed(void *self)
{
    uint32_t n;
    ax_status s = ax_tickets_sell(hall, &n);
    if (s == AX_OK)
        take(n, (size_t)self);
    else
        assert(s == AX_ESOLDOUT || reason == 404);
    return NULL;
}
AX_MODEL_TEST(T1_closing_publishes_the_reason)
{
    open_hall(3, 0);
    run3(closes, buys_until_closed, buys_one_or_closed);
    assert(sold[2] + sold[3] + (int)ax_tickets_left(hall) == 3); /* closing loses no sale */
    close_hall();
}

static void *sells_from_a_lease(void *self)
{
    ax_lease desk;
    uint32_t n;
    assert(ax_lease_open(&desk, hall, 2) == AX_OK);
    if (ax_lease_sell(&desk, &n) == AX_OK)
        take(n, (size_t)self);
    assert(ax_lease_close(&desk) == AX_OK);
    return NULL;
}
AX_MODEL_TEST(a_lease_and_a_buyer_never_sell_one_ticket_twice)
{
    open_hall(3, 1);
    run2(sells_from_a_lease, buys_one);
    assert(sold[1] + sold[2] + (int)ax_tickets_left(hall) == 3);
    for (uint32_t n; ax_tickets_sell(hall, &n) == AX_OK;)
        take(n, 3);
    assert(sold[1] + sold[2] + sold[3] == 3);
    close_hall();
}

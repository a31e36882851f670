/* SPDX-License-Identifier: MIT */
#include <atomicx/tickets.h>

#include <stdbool.h>
#include <stdlib.h>

#include "../counting.h"
#include "../threads.h"

static ax_tickets *seller(uint32_t capacity, uint32_t leases)
{
    ax_tickets *t = NULL;
    CHECK_FATAL(ax_tickets_create(capacity, leases, NULL, &t) == AX_OK);
    return t;
}

static void each_number_is_sold_once_then_sold_out(void)
{
    ax_tickets *t = seller(100, 0);
    CHECK_EQ(ax_tickets_capacity(t), 100);
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t number = 999;
        CHECK_EQ(ax_tickets_left(t), 100 - i);
        CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
        CHECK_EQ(number, i);
    }
    uint32_t number = 999;
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);
    CHECK_EQ(number, 999);
    CHECK_EQ(ax_tickets_left(t), 0);
    ax_tickets_destroy(t);
}

static void arguments_out_of_range_are_refused(void)
{
    ax_tickets *t = (ax_tickets *)0x1;
    CHECK_EQ(ax_tickets_size(0, 0), 0);
    CHECK_EQ(ax_tickets_size(AX_TICKETS_MAX_CAPACITY + 1, 0), 0);
    CHECK_EQ(ax_tickets_size(1, AX_TICKETS_MAX_LEASES + 1), 0);
    CHECK(ax_tickets_size(AX_TICKETS_MAX_CAPACITY, AX_TICKETS_MAX_LEASES) != 0);
    CHECK_EQ(ax_tickets_create(0, 0, NULL, &t), AX_EINVAL);
    CHECK_EQ(ax_tickets_create(1u << 31, 0, NULL, &t), AX_EINVAL);
    CHECK_EQ(ax_tickets_create(1, 0, NULL, NULL), AX_EINVAL);
    CHECK(t == (ax_tickets *)0x1);
    ax_tickets_destroy(NULL);

    size_t size = ax_tickets_size(10, 0);
    char *memory = aligned_alloc(128, (size + 256) / 128 * 128);
    CHECK_EQ(ax_tickets_init(memory, size - 1, 10, 0, &t), AX_EINVAL);
    CHECK_EQ(ax_tickets_init(memory + 8, size, 10, 0, &t), AX_EINVAL);
    CHECK_EQ(ax_tickets_init(NULL, size, 10, 0, &t), AX_EINVAL);
    CHECK_EQ(ax_tickets_init(memory, size, 10, 0, NULL), AX_EINVAL);
    CHECK_EQ(ax_tickets_init(memory, size, 10, 0, &t), AX_OK);
    uint32_t numbers[1];
    CHECK_EQ(ax_tickets_sell_many(t, 0, numbers), AX_EINVAL);
    CHECK_EQ(ax_tickets_refund(t, 10), AX_EINVAL);
    CHECK_EQ(ax_tickets_refund(t, UINT32_MAX), AX_EINVAL);
    CHECK_EQ(ax_tickets_left(t), 10);
    ax_tickets_fini(t);
    free(memory);
}

static void memory_that_holds_no_seller_is_not_attached_to(void)
{
    size_t size = ax_tickets_size(1000, 2);
    size_t room = (size + 127) / 128 * 128;
    void *memory = aligned_alloc(128, room);
    ax_tickets *made, *found = NULL;
    memset(memory, 0, room);
    CHECK_EQ(ax_tickets_attach(memory, room, &found), AX_ECORRUPT);
    CHECK_EQ(ax_tickets_init(memory, room, 1000, 2, &made), AX_OK);
    CHECK_EQ(ax_tickets_attach(memory, size - 1, &found), AX_ECORRUPT);
    CHECK_EQ(ax_tickets_attach(memory, 16, &found), AX_ECORRUPT);
    CHECK_EQ(ax_tickets_attach(NULL, room, &found), AX_EINVAL);
    CHECK_EQ(ax_tickets_attach((char *)memory + 8, room - 8, &found), AX_EINVAL);
    CHECK(found == NULL);
    CHECK_EQ(ax_tickets_attach(memory, room, &found), AX_OK);
    CHECK_EQ(ax_tickets_capacity(found), 1000);
    ax_tickets_fini(made);
    CHECK_EQ(ax_tickets_attach(memory, room, &found), AX_ECORRUPT);
    free(memory);
}

static void no_memory_is_a_status(void)
{
    ax_tickets *t = NULL;
    CHECK_EQ(ax_tickets_create(10, 1, &refusing, &t), AX_ENOMEM);
    CHECK(t == NULL);
    CHECK_EQ(refused, 1);
    CHECK_EQ(lent, 0); /* nothing was given back that was not lent */
}

static void the_allocator_gets_back_what_it_gave(void)
{
    ax_tickets *t;
    CHECK_EQ(ax_tickets_create(10000, 3, &counting, &t), AX_OK);
    CHECK_EQ(lent, ax_tickets_size(10000, 3));
    ax_tickets_destroy(t);
    CHECK_EQ(lent, 0);
}

static void a_refunded_ticket_is_sold_again(void)
{
    ax_tickets *t = seller(200, 0);
    uint32_t numbers[200], number;
    CHECK_EQ(ax_tickets_sell_many(t, 200, numbers), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, 137), AX_OK);
    CHECK_EQ(ax_tickets_left(t), 1);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    CHECK_EQ(number, 137);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);
    for (uint32_t i = 0; i < 200; i++)
        CHECK_EQ(ax_tickets_refund(t, i), AX_OK);
    CHECK_EQ(ax_tickets_left(t), 200);
    bool sold[200] = { false };
    for (uint32_t i = 0; i < 200; i++) {
        CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
        CHECK_FATAL(number < 200 && !sold[number]);
        sold[number] = true;
    }
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);
    ax_tickets_destroy(t);
}

static void refund_of_an_unsold_or_refunded_ticket_is_refused(void)
{
    ax_tickets *t = seller(10, 0);
    uint32_t number;
    CHECK_EQ(ax_tickets_refund(t, 0), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, 1), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_refund(t, 9), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_refund(t, 0), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, 0), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_left(t), 10);
    ax_tickets_destroy(t);
}

static void sell_many_sells_all_or_none(void)
{
    ax_tickets *t = seller(10, 0);
    uint32_t numbers[16];
    CHECK_EQ(ax_tickets_sell_many(t, 4, numbers), AX_OK);
    for (uint32_t i = 0; i < 4; i++)
        CHECK_EQ(numbers[i], i); /* contiguous: never sold before */
    numbers[0] = 77;
    CHECK_EQ(ax_tickets_sell_many(t, 7, numbers), AX_ESOLDOUT);
    CHECK_EQ(numbers[0], 77);
    CHECK_EQ(ax_tickets_left(t), 6);
    CHECK_EQ(ax_tickets_refund(t, 1), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, 3), AX_OK);
    CHECK_EQ(ax_tickets_sell_many(t, 8, numbers), AX_OK); /* six fresh and two refunded */
    bool got[10] = { false };
    for (uint32_t i = 0; i < 8; i++)
        got[numbers[i]] = true;
    CHECK(got[1] && got[3] && got[4] && got[9] && !got[0] && !got[2]);
    CHECK_EQ(ax_tickets_sell_many(t, 1, numbers), AX_ESOLDOUT);
    CHECK_EQ(ax_tickets_sell_many(t, UINT32_MAX, numbers), AX_ESOLDOUT);
    ax_tickets_destroy(t);
}

static void nothing_is_sold_after_close(void)
{
    ax_tickets *t = seller(10, 1);
    uint32_t number, numbers[3] = { 0 };
    CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    ax_tickets_close(t);
    ax_tickets_close(t);
    number = 99;
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ECLOSED);
    CHECK_EQ(number, 99);
    CHECK_EQ(ax_tickets_sell_many(t, 3, numbers), AX_ECLOSED);
    CHECK_EQ(ax_tickets_refund(t, 0), AX_OK);
    CHECK_EQ(ax_tickets_left(t), 10);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ECLOSED);
    ax_tickets_destroy(t);
}

static void the_largest_seller_works_at_both_ends(void)
{
    ax_tickets *t;
    if (ax_tickets_create(AX_TICKETS_MAX_CAPACITY, 0, NULL, &t) != AX_OK)
        return; /* 256 MiB are not everywhere */
    uint32_t number, *numbers = malloc(sizeof *numbers);
    CHECK_EQ(ax_tickets_left(t), AX_TICKETS_MAX_CAPACITY);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    CHECK_EQ(number, 0);
    CHECK_EQ(ax_tickets_refund(t, 0), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, AX_TICKETS_MAX_CAPACITY - 1), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_left(t), AX_TICKETS_MAX_CAPACITY);
    free(numbers);
    ax_tickets_destroy(t);
}

/* --- threads ---------------------------------------------------------------------------------------- */

enum { WORKERS = 8, CAPACITY = 40000 };

struct hall {
    ax_tickets *tickets;
    atomic_int owners[CAPACITY]; /* how many hold this number now */
    atomic_int sold;
    int plain[CAPACITY]; /* touched only while holding the number: T2 makes that race-free */
};

static void own(struct hall *hall, uint32_t number)
{
    CHECK_FATAL(number < CAPACITY);
    CHECK_FATAL(atomic_fetch_add(&hall->owners[number], 1) == 0);
    hall->plain[number]++;
}

static void disown(struct hall *hall, uint32_t number)
{
    hall->plain[number]++;
    CHECK_FATAL(atomic_fetch_sub(&hall->owners[number], 1) == 1);
}

static void buy_until_sold_out(int index, void *arg)
{
    struct hall *hall = arg;
    uint32_t numbers[5];
    uint32_t k = (uint32_t)index % 5 + 1;
    for (;;) {
        ax_status s = ax_tickets_sell_many(hall->tickets, k, numbers);
        if (s == AX_ESOLDOUT && k == 1)
            return;
        if (s == AX_ESOLDOUT) {
            k = 1;
            continue;
        }
        CHECK_FATAL(s == AX_OK);
        for (uint32_t i = 0; i < k; i++)
            own(hall, numbers[i]);
        atomic_fetch_add(&hall->sold, (int)k);
    }
}

static struct hall *open_hall(uint32_t leases)
{
    struct hall *hall = calloc(1, sizeof *hall);
    CHECK_FATAL(hall != NULL);
    hall->tickets = seller(CAPACITY, leases);
    return hall;
}

static void close_hall(struct hall *hall)
{
    ax_tickets_destroy(hall->tickets);
    free(hall);
}

static void threads_never_share_a_ticket_and_sell_every_one(void)
{
    struct hall *hall = open_hall(0);
    run_threads(WORKERS, buy_until_sold_out, hall);
    CHECK_EQ(atomic_load(&hall->sold), CAPACITY);
    CHECK_EQ(ax_tickets_left(hall->tickets), 0);
    close_hall(hall);
}

/* Few tickets, many buyers who bring them back: the bitmap is the bottleneck, resale crosses threads,
 * and a sale may fail only when it must: WORKERS hold at most 3 each. */
static void buy_and_refund(int index, void *arg)
{
    struct hall *hall = arg;
    unsigned seed = (unsigned)index + 1;
    uint32_t held[3];
    unsigned count = 0;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345u;
        if (count < 3 && (seed >> 16) % 2 == 0) {
            ax_status s = ax_tickets_sell(hall->tickets, &held[count]);
            CHECK_FATAL(s == AX_OK); /* 3 * WORKERS tickets: never sold out */
            own(hall, held[count++]);
        } else if (count > 0) {
            uint32_t number = held[--count];
            disown(hall, number);
            CHECK_FATAL(ax_tickets_refund(hall->tickets, number) == AX_OK);
        }
    }
    while (count > 0) {
        disown(hall, held[--count]);
        CHECK_FATAL(ax_tickets_refund(hall->tickets, held[count]) == AX_OK);
    }
}

static void sold_out_is_never_said_while_one_is_left(void)
{
    struct hall *hall = calloc(1, sizeof *hall);
    CHECK_FATAL(hall != NULL);
    hall->tickets = seller(3 * WORKERS, 0);
    run_threads(WORKERS, buy_and_refund, hall);
    CHECK_EQ(ax_tickets_left(hall->tickets), 3 * WORKERS);
    close_hall(hall);
}

struct refunds {
    ax_tickets *tickets;
    atomic_int accepted;
};

static void refund_all(int index, void *arg)
{
    struct refunds *r = arg;
    (void)index;
    for (uint32_t i = 0; i < 5000; i++)
        if (ax_tickets_refund(r->tickets, i) == AX_OK)
            atomic_fetch_add(&r->accepted, 1);
}

static void of_overlapping_refunds_of_a_ticket_one_succeeds(void)
{
    struct refunds r = { .tickets = seller(5000, 0) };
    uint32_t *numbers = malloc(5000 * sizeof *numbers);
    CHECK_EQ(ax_tickets_sell_many(r.tickets, 5000, numbers), AX_OK);
    run_threads(4, refund_all, &r);
    CHECK_EQ(atomic_load(&r.accepted), 5000);
    CHECK_EQ(ax_tickets_left(r.tickets), 5000);
    free(numbers);
    ax_tickets_destroy(r.tickets);
}

struct closing {
    ax_tickets *tickets;
    int reason; /* plain on purpose: T1 */
    atomic_int sold, after;
    atomic_int closed;
};

static void close_or_buy(int index, void *arg)
{
    struct closing *c = arg;
    uint32_t number;
    if (index == 0) {
        while (atomic_load(&c->sold) < 1000)
            sched_yield();
        c->reason = 42;
        ax_tickets_close(c->tickets);
        atomic_store(&c->closed, 1);
        return;
    }
    for (;;) {
        int was_closed = atomic_load(&c->closed);
        ax_status s = ax_tickets_sell(c->tickets, &number);
        if (s == AX_ECLOSED) {
            CHECK_FATAL(c->reason == 42);
            return;
        }
        CHECK_FATAL(s == AX_OK);
        CHECK_FATAL(!was_closed);
        atomic_fetch_add(&c->sold, 1);
    }
}

static void T1_closing_publishes_its_reason_and_ends_all_sales(void)
{
    for (int round = 0; round < 20; round++) {
        struct closing c = { .tickets = seller(100000000, 0) };
        run_threads(4, close_or_buy, &c);
        CHECK_EQ(ax_tickets_left(c.tickets), 100000000 - atomic_load(&c.sold));
        ax_tickets_destroy(c.tickets);
    }
}

int main(void)
{
    RUN(each_number_is_sold_once_then_sold_out);
    RUN(arguments_out_of_range_are_refused);
    RUN(memory_that_holds_no_seller_is_not_attached_to);
    RUN(no_memory_is_a_status);
    RUN(the_allocator_gets_back_what_it_gave);
    RUN(a_refunded_ticket_is_sold_again);
    RUN(refund_of_an_unsold_or_refunded_ticket_is_refused);
    RUN(sell_many_sells_all_or_none);
    RUN(nothing_is_sold_after_close);
    RUN(the_largest_seller_works_at_both_ends);
    RUN(threads_never_share_a_ticket_and_sell_every_one);
    RUN(sold_out_is_never_said_while_one_is_left);
    RUN(of_overlapping_refunds_of_a_ticket_one_succeeds);
    RUN(T1_closing_publishes_its_reason_and_ends_all_sales);
    return check_summary();
}

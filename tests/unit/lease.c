/* SPDX-License-Identifier: MIT */
/* Leases of tickets: blocks, rests, holders that go. The killing of processes is in tests/unit/kill.c. */
#include <atomicx/tickets.h>

#include <stdlib.h>

#include "../threads.h"

static ax_tickets *seller(uint32_t capacity, uint32_t leases)
{
    ax_tickets *t = NULL;
    CHECK_FATAL(ax_tickets_create(capacity, leases, NULL, &t) == AX_OK);
    return t;
}

static void a_lease_sells_its_block_in_order_and_takes_the_next(void)
{
    ax_tickets *t = seller(10, 2);
    ax_lease lease;
    uint32_t number;
    CHECK_EQ(ax_lease_open(&lease, t, 4), AX_OK);
    CHECK_EQ(ax_tickets_left(t), 10); /* nothing taken yet */
    for (uint32_t i = 0; i < 10; i++) {
        CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
        CHECK_EQ(number, i);
        CHECK_EQ(ax_tickets_left(t), i < 4 ? 6 : i < 8 ? 2 : 0);
    }
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_ESOLDOUT);
    CHECK_EQ(ax_tickets_refund(t, 3), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK); /* from the pool, singly */
    CHECK_EQ(number, 3);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_EQ(ax_tickets_left(t), 0);
    ax_tickets_destroy(t);
}

static void arguments_out_of_range_are_refused(void)
{
    ax_tickets *t = seller(10, 1);
    ax_lease lease;
    CHECK_EQ(ax_lease_open(NULL, t, 1), AX_EINVAL);
    CHECK_EQ(ax_lease_open(&lease, NULL, 1), AX_EINVAL);
    CHECK_EQ(ax_lease_open(&lease, t, 0), AX_EINVAL);
    CHECK_EQ(ax_lease_open(&lease, t, AX_TICKETS_MAX_BLOCK + 1), AX_EINVAL);
    CHECK_EQ(ax_lease_open(&lease, t, AX_TICKETS_MAX_BLOCK), AX_OK);
    CHECK_EQ(ax_lease_close(&lease), AX_OK); /* never used */
    CHECK_EQ(ax_lease_close(&lease), AX_OK); /* twice */
    ax_tickets_destroy(t);
}

static void the_rest_of_a_closed_lease_is_sold_by_others(void)
{
    ax_tickets *t = seller(10, 2);
    ax_lease lease, next;
    uint32_t number, numbers[10];
    CHECK_EQ(ax_lease_open(&lease, t, 10), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    CHECK_EQ(ax_tickets_left(t), 0);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT); /* a live lease holds the rest */
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_EQ(ax_tickets_left(t), 9);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    CHECK_EQ(number, 9); /* from the back */
    CHECK_EQ(ax_tickets_sell_many(t, 2, numbers), AX_ESOLDOUT); /* rests are sold singly */
    CHECK_EQ(ax_tickets_left(t), 8);

    /* Another lease goes on where this one ended. */
    CHECK_EQ(ax_lease_open(&next, t, 10), AX_OK);
    CHECK_EQ(ax_lease_sell(&next, &number), AX_OK);
    CHECK_EQ(number, 1);
    CHECK_EQ(ax_tickets_left(t), 0);
    CHECK_EQ(ax_lease_close(&next), AX_OK);
    for (uint32_t i = 8; i >= 2; i--) {
        CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
        CHECK_EQ(number, i);
    }
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);

    /* A closed lease may be used again. */
    CHECK_EQ(ax_tickets_refund(t, 5), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    CHECK_EQ(number, 5);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    ax_tickets_destroy(t);
}

/* The holder has put its block back; what others have bought of it since is not in the slot any more. */
static void who_comes_after_a_closed_lease_sells_nothing_twice(void)
{
    ax_tickets *t = seller(4, 1);
    ax_lease lease;
    uint32_t number;
    CHECK_EQ(ax_lease_open(&lease, t, 4), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    CHECK_EQ(ax_lease_open(&lease, t, 4), AX_OK);
    for (int i = 0; i < 3; i++) /* the first call takes the slot, the next look into it */
        CHECK_EQ(ax_lease_sell(&lease, &number), AX_ESOLDOUT);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    ax_tickets_destroy(t);
}

/* A grant is of several blocks while there are many; only the one that is being sold is the lease's alone. */
static void others_buy_from_the_reserve_of_a_live_lease(void)
{
    enum { ALL = 400, BLOCK = 4, GRANT = ALL / 16 }; /* of 16 blocks at most, of a 16th of what was never sold */
    static uint32_t numbers[ALL];
    ax_tickets *t = seller(ALL, 2);
    ax_lease lease;
    uint32_t number;
    CHECK_EQ(ax_lease_open(&lease, t, BLOCK), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    CHECK_EQ(number, 0);
    CHECK_EQ(ax_tickets_left(t), ALL - BLOCK);
    CHECK_EQ(ax_tickets_sell_many(t, ALL - GRANT + 1, numbers), AX_ESOLDOUT);
    CHECK_EQ(ax_tickets_sell_many(t, ALL - GRANT, numbers), AX_OK);
    CHECK_EQ(numbers[0], GRANT);
    for (uint32_t i = GRANT - 1; i >= 2 * BLOCK; i--) {
        CHECK_EQ(ax_tickets_left(t), i + 1 - BLOCK);
        CHECK_EQ(ax_tickets_refund(t, i), AX_ENOTSOLD);
        CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
        CHECK_EQ(number, i);
    }
    for (uint32_t i = 1; i < 2 * BLOCK; i++) { /* the second block comes out of the reserve */
        CHECK_EQ(ax_tickets_left(t), i <= BLOCK ? BLOCK : 0);
        CHECK_EQ(ax_tickets_refund(t, i), AX_ENOTSOLD);
        CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
        CHECK_EQ(number, i);
    }
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_ESOLDOUT);
    CHECK_EQ(ax_tickets_refund(t, 5), AX_OK);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_EQ(ax_tickets_left(t), 1);
    ax_tickets_destroy(t);
}

static void refund_of_what_a_lease_holds_is_refused(void)
{
    ax_tickets *t = seller(20, 2);
    ax_lease lease;
    uint32_t number;
    CHECK_EQ(ax_lease_open(&lease, t, 10), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, 0), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, 1), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_refund(t, 9), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_refund(t, 10), AX_ENOTSOLD);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, 1), AX_ENOTSOLD); /* nor of the rest */
    CHECK_EQ(ax_tickets_left(t), 20);
    ax_tickets_destroy(t);
}

static void a_lease_sells_nothing_after_close(void)
{
    ax_tickets *t = seller(10, 1);
    ax_lease lease;
    uint32_t number = 77;
    CHECK_EQ(ax_lease_open(&lease, t, 5), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    ax_tickets_close(t);
    number = 77;
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_ECLOSED);
    CHECK_EQ(number, 77);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_EQ(ax_lease_open(&lease, t, 5), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_ECLOSED);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ECLOSED);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    ax_tickets_destroy(t);
}

static void leases_beyond_the_slots_sell_from_the_pool(void)
{
    ax_tickets *none = seller(3, 0), *one = seller(6, 1);
    ax_lease a, b;
    uint32_t number;
    CHECK_EQ(ax_lease_open(&a, none, 2), AX_OK);
    for (uint32_t i = 0; i < 3; i++)
        CHECK_EQ(ax_lease_sell(&a, &number), AX_OK);
    CHECK_EQ(ax_lease_sell(&a, &number), AX_ESOLDOUT);
    CHECK_EQ(ax_lease_close(&a), AX_OK);

    CHECK_EQ(ax_lease_open(&a, one, 3), AX_OK);
    CHECK_EQ(ax_lease_open(&b, one, 3), AX_OK);
    CHECK_EQ(ax_lease_sell(&a, &number), AX_OK);
    CHECK_EQ(ax_lease_sell(&b, &number), AX_OK);
    CHECK_EQ(number, 3);
    CHECK_EQ(ax_tickets_left(one), 2);
    CHECK_EQ(ax_lease_close(&a), AX_OK);
    CHECK_EQ(ax_lease_sell(&b, &number), AX_OK); /* has the slot now, with its rest */
    CHECK_EQ(number, 1);
    CHECK_EQ(ax_lease_close(&b), AX_OK);
    ax_tickets_destroy(none);
    ax_tickets_destroy(one);
}

struct leaver {
    ax_tickets *tickets;
    ax_lease lease;
};

static void *leave_without_closing(void *arg)
{
    struct leaver *leaver = arg;
    uint32_t number;
    CHECK_FATAL(ax_lease_open(&leaver->lease, leaver->tickets, 6) == AX_OK);
    CHECK_FATAL(ax_lease_sell(&leaver->lease, &number) == AX_OK);
    return NULL;
}

static void no_ticket_stays_unsellable_when_its_holder_has_gone(void)
{
    struct leaver leaver = { .tickets = seller(12, 2) };
    pthread_t thread;
    uint32_t number;
    for (int i = 0; i < 2; i++) {
        CHECK_FATAL(pthread_create(&thread, NULL, leave_without_closing, &leaver) == 0);
        pthread_join(thread, NULL);
    }
    /* the second holder found the first one's slot and went on in it, or took a block of its own */
    int count = 0;
    while (ax_tickets_sell(leaver.tickets, &number) == AX_OK) {
        CHECK_FATAL(number < 12);
        count++;
    }
    CHECK_EQ(count, 10);
    CHECK_EQ(ax_tickets_left(leaver.tickets), 0);
    ax_tickets_destroy(leaver.tickets);
}

static void a_dead_holders_slot_serves_the_next_lease(void)
{
    struct leaver leaver = { .tickets = seller(24, 1) };
    pthread_t thread;
    uint32_t number;
    ax_lease lease;
    CHECK_FATAL(pthread_create(&thread, NULL, leave_without_closing, &leaver) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(ax_tickets_left(leaver.tickets), 18);
    for (int i = 0; i < 18; i++)
        CHECK_EQ(ax_tickets_sell(leaver.tickets, &number), AX_OK);
    CHECK_EQ(ax_tickets_sell(leaver.tickets, &number), AX_OK); /* takes the rest over */
    CHECK_EQ(ax_tickets_left(leaver.tickets), 4);
    CHECK_EQ(ax_lease_open(&lease, leaver.tickets, 6), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    CHECK_EQ(ax_tickets_left(leaver.tickets), 0); /* the slot is the new lease's, with the other three */
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_EQ(ax_tickets_left(leaver.tickets), 3);
    ax_tickets_destroy(leaver.tickets);
}

static void *close_anothers(void *arg)
{
    CHECK_EQ(ax_lease_close(arg), AX_EPERM);
    return NULL;
}

static void only_the_holder_may_close(void)
{
    ax_tickets *t = seller(10, 1);
    ax_lease lease;
    uint32_t number;
    pthread_t thread;
    CHECK_EQ(ax_lease_open(&lease, t, 5), AX_OK);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    CHECK_FATAL(pthread_create(&thread, NULL, close_anothers, &lease) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
    CHECK_EQ(number, 1);
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    ax_tickets_destroy(t);
}

/* --- threads ---------------------------------------------------------------------------------------- */

enum { WORKERS = 8, CAPACITY = 60000 };

struct hall {
    ax_tickets *tickets;
    atomic_int owners[CAPACITY];
    atomic_int sold;
};

static void own(struct hall *hall, uint32_t number)
{
    CHECK_FATAL(number < CAPACITY);
    CHECK_FATAL(atomic_fetch_add(&hall->owners[number], 1) == 0);
    atomic_fetch_add(&hall->sold, 1);
}

/* Leases that open and close, plain sales, refunds of one's own, and refunds of guessed numbers: the
 * guesses may only succeed for numbers that somebody has bought. */
static void trade(int index, void *arg)
{
    struct hall *hall = arg;
    unsigned seed = (unsigned)index * 7919u + 1;
    ax_lease lease;
    uint32_t number;
    CHECK_FATAL(ax_lease_open(&lease, hall->tickets, 1 + (unsigned)index * 13) == AX_OK);
    for (;;) {
        seed = seed * 1103515245u + 12345u;
        unsigned roll = (seed >> 16) % 64;
        if (roll == 0) {
            CHECK_FATAL(ax_lease_close(&lease) == AX_OK);
        } else if (roll < 4) {
            ax_status s = ax_tickets_sell(hall->tickets, &number);
            if (s == AX_OK)
                own(hall, number);
        } else {
            ax_status s = ax_lease_sell(&lease, &number);
            if (s != AX_OK)
                break;
            own(hall, number);
            if (roll < 8) {
                atomic_fetch_sub(&hall->owners[number], 1);
                atomic_fetch_sub(&hall->sold, 1);
                CHECK_FATAL(ax_tickets_refund(hall->tickets, number) == AX_OK);
            }
        }
    }
    CHECK_FATAL(ax_lease_close(&lease) == AX_OK);
}

static void leases_plain_sales_and_refunds_never_share_a_ticket(void)
{
    struct hall *hall = calloc(1, sizeof *hall);
    uint32_t number;
    CHECK_FATAL(hall != NULL);
    hall->tickets = seller(CAPACITY, 4); /* fewer slots than workers */
    run_threads(WORKERS, trade, hall);
    while (ax_tickets_sell(hall->tickets, &number) == AX_OK)
        own(hall, number);
    CHECK_EQ(atomic_load(&hall->sold), CAPACITY);
    CHECK_EQ(ax_tickets_left(hall->tickets), 0);
    ax_tickets_destroy(hall->tickets);
    free(hall);
}

/* One thread sells by lease and keeps everything; others try to refund numbers that no one has been
 * sold yet: each such refund must fail, whatever moment of taking a block it meets. */
struct misuse {
    ax_tickets *tickets;
    atomic_uint handed_out; /* numbers below it may have been sold */
    atomic_int stop;
};

static void sell_or_misuse(int index, void *arg)
{
    struct misuse *m = arg;
    uint32_t number;
    if (index == 0) {
        ax_lease lease;
        CHECK_FATAL(ax_lease_open(&lease, m->tickets, 3) == AX_OK);
        for (uint32_t i = 0; i < CAPACITY; i++) {
            atomic_store(&m->handed_out, i + 1); /* before the sale: number i may be sold from here on */
            CHECK_FATAL(ax_lease_sell(&lease, &number) == AX_OK);
            CHECK_FATAL(number == i);
        }
        atomic_store(&m->stop, 1);
        CHECK_FATAL(ax_lease_close(&lease) == AX_OK);
        return;
    }
    while (!atomic_load(&m->stop)) {
        uint32_t from = atomic_load(&m->handed_out);
        for (uint32_t guess = from; guess < from + 4 && guess < CAPACITY; guess++) {
            ax_status s = ax_tickets_refund(m->tickets, guess);
            /* refused, unless the seller has got there in the meantime */
            CHECK_FATAL(s == AX_ENOTSOLD || atomic_load(&m->handed_out) > guess);
        }
    }
}

static void a_refund_of_a_number_not_sold_yet_is_refused_at_any_moment(void)
{
    struct misuse m = { .tickets = seller(CAPACITY, 1) };
    run_threads(3, sell_or_misuse, &m);
    ax_tickets_destroy(m.tickets);
}

static void leave_with_a_block(int index, void *arg)
{
    struct hall *hall = arg;
    ax_lease *lease = calloc(1, sizeof *lease);
    uint32_t number;
    CHECK_FATAL(lease != NULL && ax_lease_open(lease, hall->tickets, 100) == AX_OK);
    for (int i = 0; i <= index; i++)
        if (ax_lease_sell(lease, &number) == AX_OK)
            own(hall, number);
    free(lease); /* the handle is ours; the slot is the seller's */
}

static void rests_of_many_ended_threads_are_all_sold(void)
{
    struct hall *hall = calloc(1, sizeof *hall);
    uint32_t number;
    CHECK_FATAL(hall != NULL);
    hall->tickets = seller(CAPACITY, WORKERS);
    for (int round = 0; round < 30; round++)
        run_threads(WORKERS, leave_with_a_block, hall);
    while (ax_tickets_sell(hall->tickets, &number) == AX_OK)
        own(hall, number);
    CHECK_EQ(atomic_load(&hall->sold), CAPACITY);
    ax_tickets_destroy(hall->tickets);
    free(hall);
}

int main(void)
{
    RUN(a_lease_sells_its_block_in_order_and_takes_the_next);
    RUN(arguments_out_of_range_are_refused);
    RUN(the_rest_of_a_closed_lease_is_sold_by_others);
    RUN(who_comes_after_a_closed_lease_sells_nothing_twice);
    RUN(others_buy_from_the_reserve_of_a_live_lease);
    RUN(refund_of_what_a_lease_holds_is_refused);
    RUN(a_lease_sells_nothing_after_close);
    RUN(leases_beyond_the_slots_sell_from_the_pool);
    RUN(no_ticket_stays_unsellable_when_its_holder_has_gone);
    RUN(a_dead_holders_slot_serves_the_next_lease);
    RUN(only_the_holder_may_close);
    RUN(leases_plain_sales_and_refunds_never_share_a_ticket);
    RUN(a_refund_of_a_number_not_sold_yet_is_refused_at_any_moment);
    RUN(rests_of_many_ended_threads_are_all_sold);
    return check_summary();
}

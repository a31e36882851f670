/* SPDX-License-Identifier: MIT */
/*
 * grant.c: the windows between taking tickets from the pool and filling the slot with them, and between taking a
 * block off the reserve and selling from it, set up by hand in the seller's memory: what the holder of `granting`
 * or of a slot leaves when it stops or dies there.
 */
#include "../../lib/tickets.h"

#include <stdlib.h>

#include "../threads.h"

/* The grant record of lib/tickets.h: start, length, slot, and the pool's grant bit once it is taken. */
static grant_word record(uint32_t start, uint32_t length, uint32_t slot, int bit)
{
    return (grant_word)start | (grant_word)length << 31 | (grant_word)slot << 47 | (grant_word)bit << 63;
}

/* A seller of 30 with 5 sold singly (0 to 4) and one lease that sold its block (5 to 9). Slot 0. */
static ax_tickets *seller(ax_lease *lease)
{
    ax_tickets *t;
    uint32_t number;
    CHECK_FATAL(ax_tickets_create(30, 2, NULL, &t) == AX_OK);
    for (int i = 0; i < 5; i++)
        CHECK_FATAL(ax_tickets_sell(t, &number) == AX_OK);
    ax_lease_open(lease, t, 5);
    for (int i = 0; i < 5; i++)
        CHECK_FATAL(ax_lease_sell(lease, &number) == AX_OK);
    return t;
}

static void end(ax_tickets *t, ax_lease *lease)
{
    CHECK_EQ(ax_lease_close(lease), AX_OK);
    ax_tickets_destroy(t);
}

/* What the slot has: the numbers from `first` to before `end`, of which those from `reserve` on are its reserve. */
static void fill(ax_tickets *t, uint32_t slot, uint32_t first, uint32_t reserve, uint32_t end)
{
    atomic_store(&tickets_slots(t)[slot].range, range_make(first, reserve));
    atomic_store(&tickets_slots(t)[slot].reserve, RANGE_THERE | range_make(reserve, end));
}

static void take_ten_to_fourteen(ax_tickets *t, uint32_t slot)
{
    pool_word w = atomic_load(&t->pool);
    CHECK_FATAL(pool_next(w) == 10 && (w & POOL_GRANT));
    atomic_store(&tickets_slots(t)[slot].reserve, 0);
    atomic_store(&t->grant, record(10, 5, slot, 0));
    atomic_store(&t->pool, (w + 5) ^ POOL_GRANT);
}

static void a_block_taken_but_not_yet_in_its_slot_is_not_refundable(void)
{
    ax_lease lease;
    ax_tickets *t = seller(&lease);
    take_ten_to_fourteen(t, 0);
    for (uint32_t number = 10; number < 15; number++)
        CHECK_EQ(ax_tickets_refund(t, number), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_refund(t, 15), AX_ENOTSOLD);
    for (uint32_t number = 0; number < 10; number++)
        CHECK_EQ(ax_tickets_refund(t, number), AX_OK);
    CHECK_EQ(pool_returned(atomic_load(&t->pool)), 10);
    end(t, &lease);
}

static void a_block_in_its_slot_with_the_record_still_there_is_judged_by_the_slot(void)
{
    ax_lease lease;
    ax_tickets *t = seller(&lease);
    take_ten_to_fourteen(t, 0);
    fill(t, 0, 12, 13, 14); /* 10 and 11 sold by the holder, 14 from the reserve */
    CHECK_EQ(ax_tickets_refund(t, 12), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_refund(t, 13), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_refund(t, 11), AX_OK);
    CHECK_EQ(ax_tickets_refund(t, 14), AX_OK);
    end(t, &lease);
}

static void tickets_sold_singly_under_a_record_that_came_to_nothing_are_refundable(void)
{
    ax_lease lease;
    ax_tickets *t = seller(&lease);
    uint32_t number;
    atomic_store(&t->grant, record(10, 5, 0, 0)); /* the pool's bit is 1: not taken */
    CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    CHECK_EQ(number, 10);
    CHECK_EQ(ax_tickets_refund(t, 10), AX_OK);
    end(t, &lease);
}

struct death {
    ax_tickets *tickets;
    grant_word grant;
    bool taken, written;
};

/* Dies holding `granting` and slot 1, at a chosen point of taking 10 to 14. */
static void *die_granting(void *arg)
{
    struct death *d = arg;
    ax_tickets *t = d->tickets;
    CHECK_FATAL(pthread_mutex_lock(&t->granting) == 0);
    CHECK_FATAL(pthread_mutex_lock(&tickets_slots(t)[1].held) == 0);
    atomic_store(&t->slots_used, 2);
    atomic_store(&t->grant, d->grant);
    if (d->taken)
        take_ten_to_fourteen(t, 1);
    if (d->written)
        fill(t, 1, 11, 12, 15); /* and sold 10, which 10's buyer has */
    return NULL;
}

static void after_death(grant_word grant, bool taken, bool written, uint32_t expected)
{
    ax_lease lease, next;
    uint32_t number;
    pthread_t thread;
    struct death d = { seller(&lease), grant, taken, written };
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_FATAL(pthread_create(&thread, NULL, die_granting, &d) == 0);
    pthread_join(thread, NULL);

    /* A lease goes on with what is in the slots and then takes blocks again; nothing is lost. */
    int count = 0;
    bool sold[30] = { false };
    ax_lease_open(&next, d.tickets, 5);
    while (ax_lease_sell(&next, &number) == AX_OK) {
        CHECK_FATAL(number >= 10 && number < 30 && !sold[number]);
        CHECK(!(written && number == 10));
        sold[number] = true;
        count++;
    }
    CHECK_EQ(count, expected);
    CHECK_EQ(atomic_load(&d.tickets->grant), 0);
    CHECK_EQ(ax_lease_close(&next), AX_OK);
    ax_tickets_destroy(d.tickets);
}

static void who_died_before_its_record_leaves_nothing_to_settle(void)
{
    after_death(0, false, false, 20);
}

static void a_record_not_followed_by_the_taking_is_dropped(void)
{
    after_death(record(10, 5, 1, 0), false, false, 20);
}

static void a_block_taken_by_the_dead_is_written_into_its_slot(void)
{
    after_death(record(10, 5, 1, 0), true, false, 20);
}

static void a_block_the_dead_had_begun_to_sell_is_not_written_again(void)
{
    after_death(record(10, 5, 1, 0), true, true, 19);
}

/* Dies holding `granting` and slot 0, whose block is sold, between emptying its reserve and the next record. */
static void *die_before_the_record(void *tickets)
{
    ax_tickets *t = tickets;
    CHECK_FATAL(pthread_mutex_lock(&t->granting) == 0);
    CHECK_FATAL(pthread_mutex_lock(&tickets_slots(t)[0].held) == 0);
    atomic_store(&tickets_slots(t)[0].reserve, 0);
    return NULL;
}

/* The record of the grant before says that its numbers were taken, were it still there: and so they would be again. */
static void what_was_granted_before_is_not_written_into_the_slot_again(void)
{
    ax_lease lease;
    ax_tickets *t = seller(&lease);
    uint32_t number;
    pthread_t thread;
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_FATAL(pthread_create(&thread, NULL, die_before_the_record, t) == 0);
    pthread_join(thread, NULL);
    ax_lease_open(&lease, t, 5);
    for (uint32_t i = 10; i < 30; i++) {
        CHECK_EQ(ax_lease_sell(&lease, &number), AX_OK);
        CHECK_EQ(number, i);
    }
    CHECK_EQ(ax_lease_sell(&lease, &number), AX_ESOLDOUT);
    end(t, &lease);
}

struct cut {
    ax_tickets *tickets;
    range_word range, reserve;
};

static void *die_holding(void *arg)
{
    struct cut *cut = arg;
    struct lease_slot *slot = &tickets_slots(cut->tickets)[0];
    CHECK_FATAL(pthread_mutex_lock(&slot->held) == 0);
    atomic_store(&slot->range, cut->range);
    atomic_store(&slot->reserve, cut->reserve);
    return NULL;
}

/* A holder of 5 to 9 died with these words in its slot. Everything from `first` on can be sold, once. */
static void after_a_cut(range_word range, range_word reserve, uint32_t first, bool by_lease)
{
    ax_lease lease;
    ax_tickets *t = seller(&lease);
    uint32_t number, many[20], count = 0;
    bool sold[10] = { false };
    pthread_t thread;
    struct cut cut = { t, range, RANGE_THERE | reserve };
    CHECK_EQ(ax_lease_close(&lease), AX_OK);
    CHECK_EQ(ax_tickets_sell_many(t, 20, many), AX_OK);
    CHECK_FATAL(pthread_create(&thread, NULL, die_holding, &cut) == 0);
    pthread_join(thread, NULL);
    for (number = first; number < 10; number++)
        CHECK_EQ(ax_tickets_refund(t, number), AX_ENOTSOLD);
    ax_lease_open(&lease, t, 2);
    while ((by_lease ? ax_lease_sell(&lease, &number) : ax_tickets_sell(t, &number)) == AX_OK) {
        CHECK_FATAL(number >= first && number < 10 && !sold[number]);
        sold[number] = true;
        count++;
    }
    CHECK_EQ(count, 10 - first);
    end(t, &lease);
}

static void a_block_half_taken_off_the_reserve_is_sold_on(void)
{
    for (int by_lease = 0; by_lease < 2; by_lease++) {
        after_a_cut(range_make(6, 6), range_make(8, 10), 6, by_lease);  /* 6 and 7 were on their way */
        after_a_cut(range_make(6, 6), range_make(10, 10), 6, by_lease); /* 6 to 9, the whole of it */
    }
}

static void a_block_half_put_back_into_the_reserve_is_sold_on(void)
{
    for (int by_lease = 0; by_lease < 2; by_lease++)
        after_a_cut(range_make(7, 9), range_make(7, 10), 7, by_lease); /* 7 and 8 were on their way */
}

/* Nobody waits for the holder of `granting`: a lease sells from the pool meanwhile, and the rests of the dead are
 * found by a later call. */
static void while_blocks_are_being_taken_others_sell_from_the_pool(void)
{
    ax_lease lease, other;
    ax_tickets *t = seller(&lease);
    uint32_t number, rest[20];
    ax_lease_open(&other, t, 5);
    CHECK_FATAL(pthread_mutex_lock(&t->granting) == 0);
    CHECK_EQ(ax_lease_sell(&other, &number), AX_OK);
    CHECK_EQ(number, 10);
    CHECK_EQ(pool_next(atomic_load(&t->pool)), 11);
    pthread_mutex_unlock(&t->granting);
    CHECK_EQ(ax_lease_sell(&other, &number), AX_OK);
    CHECK_EQ(number, 11);
    CHECK_EQ(pool_next(atomic_load(&t->pool)), 16);
    CHECK_EQ(ax_lease_close(&other), AX_OK); /* 12 to 15 */

    CHECK_EQ(ax_tickets_sell_many(t, 14, rest), AX_OK);
    fill(t, 1, 12, 16, 16); /* as if it had died and not closed */
    CHECK_FATAL(pthread_mutex_lock(&t->granting) == 0);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);
    pthread_mutex_unlock(&t->granting);
    for (uint32_t expected = 15; expected >= 12; expected--) {
        CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
        CHECK_EQ(number, expected);
    }
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);
    end(t, &lease);
}

int main(void)
{
    RUN(a_block_taken_but_not_yet_in_its_slot_is_not_refundable);
    RUN(a_block_in_its_slot_with_the_record_still_there_is_judged_by_the_slot);
    RUN(tickets_sold_singly_under_a_record_that_came_to_nothing_are_refundable);
    RUN(a_block_half_taken_off_the_reserve_is_sold_on);
    RUN(a_block_half_put_back_into_the_reserve_is_sold_on);
    RUN(while_blocks_are_being_taken_others_sell_from_the_pool);
    RUN(who_died_before_its_record_leaves_nothing_to_settle);
    RUN(a_record_not_followed_by_the_taking_is_dropped);
    RUN(a_block_taken_by_the_dead_is_written_into_its_slot);
    RUN(a_block_the_dead_had_begun_to_sell_is_not_written_again);
    RUN(what_was_granted_before_is_not_written_into_the_slot_again);
    return check_summary();
}

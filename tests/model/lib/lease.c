/* SPDX-License-Identifier: MIT */
/* Leases under the model, with the real lib/lease.c and lib/tickets.c: blocks taken beside refunds of
 * numbers nobody was sold, rests sold on, holders that die at any step. */
#include "../threads.h"

#include <atomicx/tickets.h>

enum { CAPACITY = 8, UNSOLD = -1 };

static ax_tickets *hall;
static atomic_int sales[CAPACITY];
static int bought[8];

static void open_hall(uint32_t capacity, uint32_t leases)
{
    assert(ax_tickets_create(capacity, leases, NULL, &hall) == AX_OK);
    for (size_t i = 0; i < sizeof bought / sizeof bought[0]; i++)
        bought[i] = UNSOLD;
}

/* Forgets it too: what somebody still points to is no leak. */
static void close_hall(void)
{
    ax_tickets_destroy(hall);
    hall = NULL;
}

static void note_sale(size_t self, uint32_t number)
{
    assert(number < CAPACITY);
    assert(add(&sales[number], 1, relaxed) == 0); /* sold once */
    bought[self] = (int)number;
}

/* Takes a block of two, sells one of them, puts the rest back. */
static void *sells_one_of_two_and_closes(void *self)
{
    ax_lease desk;
    uint32_t number;
    assert(ax_lease_open(&desk, hall, 2) == AX_OK);
    assert(ax_lease_sell(&desk, &number) == AX_OK);
    note_sale((size_t)self, number);
    assert(ax_lease_close(&desk) == AX_OK);
    return NULL;
}

static ax_status asked; /* what a refund of number 1 came to */
static void *asks_one_back(void *unused)
{
    asked = ax_tickets_refund(hall, 1);
    return unused;
}

/* Sells from a lease while another thread runs, and holds the rest until that one has ended. */
static void sell_beside(void *(*other)(void *), size_t self)
{
    ax_lease desk;
    pthread_t t;
    uint32_t number;
    pthread_create(&t, NULL, other, (void *)(self + 1));
    assert(ax_lease_open(&desk, hall, 2) == AX_OK);
    if (ax_lease_sell(&desk, &number) == AX_OK)
        note_sale(self, number);
    pthread_join(t, NULL);
    assert(ax_lease_close(&desk) == AX_OK);
}

static void *sells_beside_a_refund(void *self)
{
    sell_beside(asks_one_back, (size_t)self);
    return NULL;
}

/* A number that was not sold when the refund had ended was not sold before it either. */
static void never_sold_means_refused(void)
{
    if (bought[0] != 1 && bought[1] != 1)
        assert(asked == AX_ENOTSOLD);
}

AX_MODEL_TEST(T4_T5_a_number_a_lease_holds_is_not_taken_back)
{
    open_hall(2, 1);
    sell_beside(asks_one_back, 0);
    never_sold_means_refused();
    close_hall();
}

/* Two grants, one after the other: the record that the refunder has read may be older than the pool word. */
AX_MODEL_TEST(T4_a_record_that_has_changed_is_looked_at_again)
{
    open_hall(4, 2);
    sell_beside(sells_beside_a_refund, 0);
    never_sold_means_refused();
    close_hall();
}

/* The second lease finds nothing left, and says so in the record. */
AX_MODEL_TEST(T5_a_grant_of_nothing_hides_no_block)
{
    open_hall(2, 2);
    sell_beside(sells_beside_a_refund, 0);
    never_sold_means_refused();
    close_hall();
}

/* A ticket from the rest of a closed lease can be given back at once. */
static void *buys_and_gives_back(void *self)
{
    uint32_t number;
    ax_status status = ax_tickets_sell(hall, &number);
    if (status == AX_OK) {
        note_sale((size_t)self, number);
        assert(ax_tickets_refund(hall, number) == AX_OK);
    } else {
        assert(status == AX_ESOLDOUT);
    }
    return NULL;
}
AX_MODEL_TEST(a_ticket_from_a_rest_can_be_given_back)
{
    open_hall(2, 1);
    run2(sells_one_of_two_and_closes, buys_and_gives_back);
    close_hall();
}

/* A ticket sold singly between two grants to one slot. */
static void *gives_one_back(void *unused)
{
    assert(ax_tickets_refund(hall, 1) == AX_OK);
    return unused;
}
AX_MODEL_TEST(T6_what_was_sold_between_two_grants_is_not_held)
{
    open_hall(3, 1);
    ax_lease desk;
    pthread_t t;
    uint32_t number;
    assert(ax_lease_open(&desk, hall, 1) == AX_OK);
    assert(ax_lease_sell(&desk, &number) == AX_OK && number == 0);
    assert(ax_tickets_sell(hall, &number) == AX_OK && number == 1);
    pthread_create(&t, NULL, gives_one_back, NULL);
    assert(ax_lease_sell(&desk, &number) == AX_OK && number == 2);
    pthread_join(t, NULL);
    assert(ax_lease_close(&desk) == AX_OK);
    close_hall();
}

/* ---- a reserve ---- */

enum { MANY = 64, GRANT = 4 }; /* a sixteenth */
static ax_lease many_desk;
static uint32_t many[MANY];
static atomic_int kept[GRANT];

static void keep(uint32_t number)
{
    assert(number < GRANT && add(&kept[number], 1, relaxed) == 0);
}

/* The pool is used up; the lease has sold 0 of its first block, and has 1 to 3, in reserve as far as that goes. */
static void open_reserve(uint32_t block)
{
    open_hall(MANY, 1);
    assert(ax_lease_open(&many_desk, hall, block) == AX_OK);
    uint32_t number;
    assert(ax_lease_sell(&many_desk, &number) == AX_OK && number == 0);
    keep(number);
    assert(ax_tickets_sell_many(hall, MANY - GRANT, many) == AX_OK && many[0] == GRANT);
}
static void *buys_from_the_reserve(void *unused)
{
    uint32_t number;
    if (ax_tickets_sell(hall, &number) == AX_OK)
        keep(number);
    return unused;
}
static void *asks_two_back(void *unused)
{
    assert(ax_tickets_refund(hall, 2) == AX_ENOTSOLD);
    return unused;
}
AX_MODEL_TEST(a_reserve_is_sold_once_from_both_ends)
{
    open_reserve(1);
    pthread_t t, u;
    uint32_t number;
    pthread_create(&t, NULL, buys_from_the_reserve, NULL);
    pthread_create(&u, NULL, buys_from_the_reserve, NULL);
    if (ax_lease_sell(&many_desk, &number) == AX_OK)
        keep(number);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    assert(ax_tickets_left(hall) == 0 && atomic_load(&kept[1]) + atomic_load(&kept[2]) + atomic_load(&kept[3]) == 3);
    assert(ax_lease_close(&many_desk) == AX_OK);
    close_hall();
}
AX_MODEL_TEST(a_rest_goes_back_while_the_reserve_is_sold)
{
    open_reserve(2);
    pthread_t t;
    pthread_create(&t, NULL, buys_from_the_reserve, NULL);
    assert(ax_lease_close(&many_desk) == AX_OK);
    pthread_join(t, NULL);
    assert(ax_tickets_left(hall) == 2 && atomic_load(&kept[3]) == 1);
    close_hall();
}
/* 2 stays unsold whatever the others do: the holder takes 1 off the front and puts it back, somebody buys 3. */
AX_MODEL_TEST(what_moves_between_block_and_reserve_is_held_throughout)
{
    open_reserve(1);
    pthread_t t, u;
    uint32_t number;
    pthread_create(&t, NULL, asks_two_back, NULL);
    pthread_create(&u, NULL, buys_from_the_reserve, NULL);
    assert(ax_lease_sell(&many_desk, &number) == AX_OK && number == 1);
    assert(ax_lease_close(&many_desk) == AX_OK);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    assert(ax_tickets_left(hall) == 1);
    close_hall();
}

/* Leaves a rest of two behind. */
static void leave_a_rest(void)
{
    ax_lease desk;
    uint32_t number;
    assert(ax_lease_open(&desk, hall, 3) == AX_OK);
    assert(ax_lease_sell(&desk, &number) == AX_OK);
    note_sale(0, number);
    assert(ax_lease_close(&desk) == AX_OK);
}
static void *buys_one(void *self)
{
    uint32_t number;
    if (ax_tickets_sell(hall, &number) == AX_OK)
        note_sale((size_t)self, number);
    return NULL;
}
AX_MODEL_TEST(two_buyers_share_a_rest)
{
    open_hall(3, 1);
    leave_a_rest();
    run2(buys_one, buys_one);
    assert(bought[1] != UNSOLD && bought[2] != UNSOLD);
    close_hall();
}
static void *sells_what_it_finds(void *self)
{
    ax_lease desk;
    uint32_t number;
    assert(ax_lease_open(&desk, hall, 3) == AX_OK);
    if (ax_lease_sell(&desk, &number) == AX_OK)
        note_sale((size_t)self, number);
    assert(ax_lease_close(&desk) == AX_OK);
    return NULL;
}
AX_MODEL_TEST(a_rest_is_taken_over_while_it_is_sold)
{
    open_hall(3, 1);
    leave_a_rest();
    run2(buys_one, sells_what_it_finds);
    close_hall();
}

static int reason; /* plain on purpose */
static void *closes(void *unused)
{
    reason = 404;
    ax_tickets_close(hall);
    return unused;
}
static void *sells_until_closed(void *self)
{
    ax_lease desk;
    assert(ax_lease_open(&desk, hall, 2) == AX_OK);
    for (int i = 0; i < 2; i++) {
        uint32_t number;
        ax_status status = ax_lease_sell(&desk, &number);
        if (status == AX_ECLOSED)
            assert(reason == 404);
        else
            assert(status == AX_OK && number == (uint32_t)i);
    }
    (void)self;
    return NULL;
}
AX_MODEL_TEST(T1_closing_publishes_the_reason_to_a_lease)
{
    open_hall(2, 1);
    run2(closes, sells_until_closed);
    close_hall();
}

/* ---- holders that die ---- */

static void *dies_selling(void *self)
{
    ax_model_mortal();
    return sells_one_of_two_and_closes(self);
}

static unsigned sell_what_is_left(void)
{
    unsigned n = 0;
    for (uint32_t number; ax_tickets_sell(hall, &number) == AX_OK; n++)
        note_sale(0, number);
    return n;
}

AX_MODEL_TEST(a_holder_that_dies_burns_one_ticket_at_most)
{
    open_hall(2, 1);
    pthread_t t;
    pthread_create(&t, NULL, dies_selling, (void *)1);
    pthread_join(t, NULL);
    unsigned sold = sell_what_is_left() + (bought[1] != UNSOLD);
    assert(sold == 2 || sold == 1);
    assert(ax_tickets_left(hall) == 0);
    close_hall();
}

/* The second lease inherits the mutex, the record, perhaps the block. */
AX_MODEL_TEST(who_inherits_a_grant_settles_it)
{
    open_hall(4, 2);
    run2(dies_selling, sells_one_of_two_and_closes);
    unsigned sold = sell_what_is_left() + (bought[1] != UNSOLD) + (bought[2] != UNSOLD);
    assert(sold == 4 || sold == 3);
    close_hall();
}

/* The heir settles the grant while another asks for a number of that block back. */
AX_MODEL_TEST(T5_who_sees_a_dead_grant_settled_sees_its_block)
{
    open_hall(4, 2);
    pthread_t t;
    pthread_create(&t, NULL, dies_selling, (void *)1);
    pthread_join(t, NULL);
    sell_beside(asks_one_back, 0);
    never_sold_means_refused();
    close_hall();
}

/* Cut off between the reserve and the block, either way. */
static void *dies_taking_from_its_reserve(void *self)
{
    ax_lease desk;
    uint32_t number;
    assert(ax_lease_open(&desk, hall, 1) == AX_OK); /* the slot of open_reserve's lease, which has closed */
    ax_model_mortal();
    if (ax_lease_sell(&desk, &number) == AX_OK)
        bought[(size_t)self] = (int)number;
    assert(ax_lease_close(&desk) == AX_OK);
    return NULL;
}
AX_MODEL_TEST(a_holder_that_dies_with_a_reserve_burns_one_ticket_at_most)
{
    open_reserve(1);
    assert(ax_lease_close(&many_desk) == AX_OK);
    pthread_t t;
    pthread_create(&t, NULL, dies_taking_from_its_reserve, (void *)1);
    pthread_join(t, NULL);
    unsigned sold = bought[1] != UNSOLD;
    if (sold)
        keep((uint32_t)bought[1]);
    for (uint32_t number; ax_tickets_sell(hall, &number) == AX_OK; sold++)
        keep(number);
    assert(sold == 3 || sold == 2);
    assert(ax_tickets_left(hall) == 0);
    close_hall();
}

/* A buyer sells what the dead one left. */
AX_MODEL_TEST(a_ticket_of_a_dead_holder_can_be_given_back)
{
    open_hall(2, 1);
    run2(dies_selling, buys_and_gives_back);
    close_hall();
}

/* Opening, selling and closing: three calls each. */
AX_MODEL_TEST(two_leases_of_one_hall_sell_different_tickets)
{
    open_hall(4, 2);
    run2(sells_one_of_two_and_closes, sells_one_of_two_and_closes);
    assert(bought[1] != bought[2] && ax_tickets_left(hall) == 2);
    close_hall();
}

/* One call each: a lease takes its block, another buys, a third gives back. A lease is its thread's: here the main one. */
static void *buys_of_the_hall(void *self)
{
    uint32_t number;
    assert(ax_tickets_sell(hall, &number) == AX_OK);
    note_sale((size_t)self, number);
    return NULL;
}
static void *gives_zero_back(void *unused)
{
    sub(&sales[0], 1, relaxed);
    assert(ax_tickets_refund(hall, 0) == AX_OK);
    return unused;
}
AX_MODEL_TEST(a_block_is_taken_beside_a_buyer_and_a_refund)
{
    ax_lease desk;
    pthread_t buyer, refunder;
    uint32_t number;
    open_hall(4, 1);
    assert(ax_tickets_sell(hall, &number) == AX_OK && number == 0);
    note_sale(0, number);
    assert(ax_lease_open(&desk, hall, 2) == AX_OK);
    pthread_create(&buyer, NULL, buys_of_the_hall, (void *)1);
    pthread_create(&refunder, NULL, gives_zero_back, NULL);
    assert(ax_lease_sell(&desk, &number) == AX_OK);
    note_sale(2, number);
    pthread_join(buyer, NULL);
    pthread_join(refunder, NULL);
    assert(ax_lease_close(&desk) == AX_OK);
    assert(ax_tickets_left(hall) == 2);
    close_hall();
}

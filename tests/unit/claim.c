/* SPDX-License-Identifier: MIT */
/*
 * claim.c: the summary of refunded tickets is a hint. Here it is made to lie, in each way a race or a
 * kill could leave it, and every refunded ticket is sold all the same.
 */
#include "../../lib/tickets.h"

#include <stdlib.h>

#include "../check.h"

enum { CAPACITY = 10000 };

static ax_tickets *sold_out(void)
{
    ax_tickets *t;
    uint32_t *numbers = malloc(CAPACITY * sizeof *numbers);
    CHECK_FATAL(numbers != NULL && ax_tickets_create(CAPACITY, 0, NULL, &t) == AX_OK);
    CHECK_FATAL(ax_tickets_sell_many(t, CAPACITY, numbers) == AX_OK);
    free(numbers);
    return t;
}

static void a_ticket_the_summary_does_not_show_is_found(void)
{
    ax_tickets *t = sold_out();
    uint32_t number;
    for (uint32_t refunded = 63; refunded < CAPACITY; refunded += 977) {
        CHECK_EQ(ax_tickets_refund(t, refunded), AX_OK);
        for (uint32_t s = 0; s <= tickets_words_count(t) / 64; s++)
            atomic_store(&tickets_summary(t)[s], 0);
        atomic_store(&t->hint, 0);
        CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
        CHECK_EQ(number, refunded);
    }
    ax_tickets_destroy(t);
}

static void words_the_summary_shows_in_vain_are_passed_over(void)
{
    ax_tickets *t = sold_out();
    uint32_t number;
    for (uint32_t s = 0; s <= tickets_words_count(t) / 64; s++)
        atomic_store(&tickets_summary(t)[s], s == tickets_words_count(t) / 64 ? 0x1fffff : ~UINT64_C(0));
    CHECK_EQ(ax_tickets_refund(t, CAPACITY - 1), AX_OK);
    atomic_store(&t->hint, 0);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    CHECK_EQ(number, CAPACITY - 1);
    CHECK_EQ(atomic_load(&tickets_summary(t)[0]), 0); /* and taken off */
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);
    ax_tickets_destroy(t);
}

/* A kill between the bit and the count leaves a bit too many: burned, never sold twice. */
static void a_bit_more_than_the_count_burns_one(void)
{
    ax_tickets *t = sold_out();
    uint32_t number;
    atomic_fetch_or(&tickets_words(t)[3], 1);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);
    CHECK_EQ(ax_tickets_refund(t, 192), AX_ENOTSOLD);
    CHECK_EQ(ax_tickets_refund(t, 193), AX_OK);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_OK);
    CHECK_EQ(ax_tickets_sell(t, &number), AX_ESOLDOUT);
    CHECK_EQ(ax_tickets_left(t), 0);
    ax_tickets_destroy(t);
}

int main(void)
{
    RUN(a_ticket_the_summary_does_not_show_is_found);
    RUN(words_the_summary_shows_in_vain_are_passed_over);
    RUN(a_bit_more_than_the_count_burns_one);
    return check_summary();
}

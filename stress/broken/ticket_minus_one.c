/* SPDX-License-Identifier: MIT */
/*
 * The seller that checks and then acts. "Is a ticket left? Then sell it": between the question and the
 * sale another seller can do the same, and both were told yes about the last ticket.
 *
 * Told twice. In the first form the sale stores what was left minus one, and two buyers get the same
 * number. Then it was "made atomic": the question is an atomic load and the sale an atomic subtraction,
 * and the second of the two buyers gets ticket number -1.
 *
 * The window of the second form opens only for the last ticket. One big hall has one last ticket, and a
 * run would meet it rarely; a season of evenings in a room of eight seats has one every evening. Nothing
 * is slowed down.
 */
#include "../tickets.h"

static int64_t twice_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)lease;
    int64_t left = AX_DETAIL_LOAD_RELAXED(&shared->word); /* relaxed, here and below: the mistake is not the order */
    if (left == 0)
        return NO_TICKET;
    AX_DETAIL_STORE_RELAXED(&shared->word, left - 1);
    return left - 1;
}

static int64_t twice_left(struct tickets_shared *shared)
{
    return AX_DETAIL_LOAD_RELAXED(&shared->word); /* relaxed: as above */
}

/* The evening that is on sale is found through `word`, the tickets of later evenings. */
static int64_t minus_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)lease;
    int64_t last = shared->capacity / EVENING_SEATS;
    for (;;) {
        int64_t later = AX_DETAIL_LOAD_RELAXED(&shared->word); /* relaxed: as above */
        if (later < 0)
            return NO_TICKET;
        int64_t evening = last - later / EVENING_SEATS;
        if (AX_DETAIL_LOAD_RELAXED(&shared->evenings[evening]) > 0) { /* relaxed: as above */
            int64_t seat = AX_DETAIL_FETCH_ADD_RELAXED(&shared->evenings[evening], -1) - 1; /* relaxed: as above */
            return seat < 0 ? seat : evening * EVENING_SEATS + seat;
        }
        (void)AX_DETAIL_CAS_SEQ_CST(&shared->word, &later, later - EVENING_SEATS, stress);
    }
}

static int64_t minus_left(struct tickets_shared *shared)
{
    int64_t left = 0;
    for (int64_t i = 0; i <= shared->capacity / EVENING_SEATS; i++)
        left += AX_DETAIL_LOAD_RELAXED(&shared->evenings[i]); /* relaxed: as above */
    return left;
}

TICKETS_IMPL(twice, NULL);
TICKETS_IMPL(minus, NULL);

const ax_stress_impl broken_sold_twice = {
    .name = "broken-check-then-act",
    .about = "if (left > 0) left = left - 1: sells a ticket twice",
    .broken = true,
    .supports = TICKETS_SELLS_ONLY,
    .work = twice_work,
    .extra = &twice_kind,
};

const ax_stress_impl broken_ticket_minus_one = {
    .name = "broken-minus-one",
    .about = "if (left > 0) atomic subtract, evening after evening: sells ticket number -1",
    .broken = true,
    .supports = TICKETS_SELLS_ONLY,
    .work = minus_work,
    .extra = &minus_kind,
};

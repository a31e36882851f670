/* SPDX-License-Identifier: MIT */
/* The sellers of stress/tickets that check and then act, from their own source: three buyers of the last two seats. */
#include "../../../stress/tickets.h"

#include "../threads.h"

static int64_t evenings[1];
static struct tickets_shared hall = {.evenings = evenings};
static const struct tickets_kind *kind;
static int64_t seat[4];

/* What the harness calls; nothing here does. */
void tickets_pile_grow(struct tickets_pile *pile) { (void)pile; }
void tickets_sell_many(ax_stress_worker *self) { (void)self; }

THREAD(buys) { seat[(size_t)self] = kind->sell(&hall, NULL); return NULL; }

static void open_hall(const ax_stress_impl *impl, int64_t left_by_word)
{
    kind = impl->extra;
    hall.word = left_by_word;
    evenings[0] = 2;
}
static void each_seat_is_sold_once(void)
{
    unsigned sold = 0;
    for (int i = 1; i <= 3; i++)
        if (seat[i] != NO_TICKET) {
            assert(seat[i] == 0 || seat[i] == 1);
            assert((sold & 1u << seat[i]) == 0);
            sold |= 1u << seat[i];
        }
    assert(sold == 3);
}

AX_MODEL_BROKEN(broken_check_then_act_sells_a_seat_twice, "assertion")
{
    open_hall(&broken_sold_twice, 2);
    run3(buys, buys, buys);
    each_seat_is_sold_once();
}
AX_MODEL_BROKEN(broken_minus_one_sells_seat_minus_one, "assertion")
{
    open_hall(&broken_ticket_minus_one, 0); /* no evening after this one */
    run3(buys, buys, buys);
    each_seat_is_sold_once();
}
AX_MODEL_TEST(minus_one_with_one_buyer_at_a_time)
{
    open_hall(&broken_ticket_minus_one, 0);
    for (size_t i = 1; i <= 3; i++)
        buys((void *)i);
    each_seat_is_sold_once();
}

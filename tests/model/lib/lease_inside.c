/* SPDX-License-Identifier: MIT */
/* lib/lease.c from within: states of a slot that take too many steps to come to from outside. */
#include "../threads.h"

#include "../../../lib/lease.c"

static ax_tickets *hall;
static ax_lease desk;
static struct lease_slot *slot;
static grant_word record;

/* The pool is used up. The last grant was of the only ticket, which has been sold from the slot; its record is still
 * there, or is what somebody may still read. */
static void open_after_a_grant(void)
{
    assert(ax_tickets_create(1, 1, NULL, &hall) == AX_OK);
    assert(ax_lease_open(&desk, hall, 1) == AX_OK);
    assert(take_slot(&desk));
    slot = &tickets_slots(hall)[0];
    pool_word taken = (atomic_load(&hall->pool) + 1) ^ POOL_GRANT;
    record = grant_make(0, 0, 1, taken);
    atomic_store(&hall->grant, record);
    atomic_store(&hall->pool, taken);
    fill(slot, 0, 1, 1);
    atomic_store(&slot->range, range_make(1, 1));
}

THREAD(settles_and_looks_for_more)
{
    settle_grant(hall);
    assert(!take_grant(&desk));
    return NULL;
}
THREAD(asks_for_the_sold_one)
{
    assert(!axi_lease_holds(hall, 0));
    return NULL;
}
AX_MODEL_TEST(T6_a_slot_that_is_empty_again_does_not_look_unfilled)
{
    open_after_a_grant();
    run2(settles_and_looks_for_more, asks_for_the_sold_one);
    assert(ax_lease_close(&desk) == AX_OK);
    ax_tickets_destroy(hall);
    hall = NULL;
}

/* As many blocks as leave most in the pool, never less than one, never more than there is. */
AX_MODEL_TEST(a_grant_is_of_up_to_sixteen_blocks_and_a_share_of_what_is_left)
{
    struct ax_tickets t = { .slots_used = 2 };
    assert(length_of_grant(&t, 64, 1000000) == 16 * 64);
    assert(length_of_grant(&t, 64, 32 * 640) == 640);
    assert(length_of_grant(&t, 64, 32 * 64) == 64 && length_of_grant(&t, 64, 65) == 64);
    assert(length_of_grant(&t, 64, 63) == 63 && length_of_grant(&t, 64, 0) == 0);
    assert(length_of_grant(&t, AX_TICKETS_MAX_BLOCK, AX_TICKETS_MAX_CAPACITY) == AX_TICKETS_MAX_BLOCK);
    assert(length_of_grant(&t, 8000, AX_TICKETS_MAX_CAPACITY) == AX_TICKETS_MAX_BLOCK);
}

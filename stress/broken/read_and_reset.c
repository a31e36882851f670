/* SPDX-License-Identifier: MIT */
/*
 * The statistics flush that reads and resets. Every thread counts in a variable of its own; once a second
 * the flusher reads each variable, sends the number off, and sets the variable to zero. What a thread adds
 * between the reading and the resetting is lost; and a thread that had loaded its variable just before stores the
 * old number plus one over the zero, and all of it is sent a second time.
 */
#include "../adder.h"

static void reset_add(struct adder_shared *shared, uint32_t thread)
{
    int64_t *own = &shared->slots[thread].value;
    /* relaxed, here and below: the mistake is not the order */
    AX_DETAIL_STORE_RELAXED(own, AX_DETAIL_LOAD_RELAXED(own) + 1);
}

static int64_t reset_sum(struct adder_shared *shared)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < shared->slot_count; i++)
        sum += AX_DETAIL_LOAD_RELAXED(&shared->slots[i].value); /* relaxed: as above */
    return sum;
}

static int64_t reset_drain(struct adder_shared *shared)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < shared->slot_count; i++) {
        sum += AX_DETAIL_LOAD_RELAXED(&shared->slots[i].value); /* relaxed: as above */
        AX_DETAIL_STORE_RELAXED(&shared->slots[i].value, 0);    /* relaxed: as above */
    }
    return sum;
}

ADDER_IMPL(reset, true);

const ax_stress_impl broken_read_and_reset = {
    .name = "broken-read-and-reset",
    .about = "a variable per thread that the flusher reads and sets to zero",
    .broken = true,
    .work = reset_work,
    .observe = adder_observe,
    .extra = &reset_kind,
};

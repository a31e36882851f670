/* SPDX-License-Identifier: MIT */
/*
 * The copied mutex. The service's struct held its table by pointer and its mutex by value, and each
 * worker was started with a copy of the struct. So all workers shared the table, and each had a mutex of
 * its own: every one locked, nobody was kept out, and under load the table was written by all at once.
 */
#include "../lock.h"

static void take_a_copy(ax_stress_worker *self)
{
    const struct lock_shared *shared = self->shared;
    struct lock_tally *tally = self->tally;
    tally->copy = shared->service; /* the mistake */
}

static void copied_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_tally *tally = self->tally;
    struct lock_service *service = &tally->copy;
    for (uint64_t i = begin; i < end; i++) {
        bool done = false;
        LOCK_SECTION(self, AX_WITH_LOCK(&service->mutex), done = lock_step(service->table, self, i));
        tally->refused += !done;
    }
}

static const uint64_t no_limit = 0;

const ax_stress_impl broken_lock_copied = {
    .name = "broken-copied",
    .about = "each worker has a copy of the struct, and with it a mutex of its own",
    .broken = true,
    .enter = take_a_copy,
    .work = copied_work,
};

const ax_stress_impl broken_lock_copied_checked = {
    .name = "broken-copied-checked",
    .about = "the same with a checked lock, which names the copy and lets nobody in",
    .broken = true,
    .enter = take_a_copy,
    .work = copied_work,
    .extra = &no_limit,
};

/* SPDX-License-Identifier: MIT */
/*
 * The job store without a lock. One thread took jobs in and one worked on them, and a job was handed from
 * the one to the other so slowly that nothing ever met. Then the page that shows all jobs began to ask
 * every second: jobs with the name of one and the progress of another, updates that are gone, crashes.
 */
#include "../jobs_chain.h"

#define NOTHING (void)0

JOBS_CALLS(unlocked, NOTHING, NOTHING, NOTHING, NOTHING)

static const struct jobs_kind unlocked = { chain_create, jobs_chain_end, unlocked_get, unlocked_create,
                                           unlocked_update, unlocked_remove, unlocked_list, true };

const ax_stress_impl broken_unlocked_jobs =
    JOBS_IMPL("broken-unlocked", &unlocked, true, "chains without a lock: half-written jobs, lost updates, crashes");

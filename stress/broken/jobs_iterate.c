/* SPDX-License-Identifier: MIT */
/*
 * Concurrent map iteration and map write. Every call that changes a job holds the lock. The list was added
 * later, by somebody who had read that reading needs none; it meets jobs that are being written, and a
 * pointer that was freed a moment ago.
 */
#include "../jobs_chain.h"

JOBS_CALLS(locked, LOCK, UNLOCK, LOCK, UNLOCK)

static void iterated_list(void *store, jobs_visit *visit, void *context)
{
    jobs_chain_list(store, visit, context);
}

static const struct jobs_kind iterated = { chain_create, jobs_chain_end, locked_get, locked_create, locked_update,
                                           locked_remove, iterated_list, true };

const ax_stress_impl broken_iterated_jobs =
    JOBS_IMPL("broken-iterate", &iterated, true, "a mutex around every call but the list");

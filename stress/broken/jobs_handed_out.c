/* SPDX-License-Identifier: MIT */
/*
 * The pointer that left the lock. The store locks each look-up and hands out the job it found; what the
 * caller reads and writes through that pointer, it reads and writes after the lock was released. The map
 * is never damaged, so it ran for months: only the jobs were wrong.
 */
#include "../jobs_chain.h"

JOBS_CALLS(locked, LOCK, UNLOCK, LOCK, UNLOCK)

static struct job *handed_out(void *store, uint64_t id)
{
    struct chain_map *map = store;
    LOCK;
    struct job *job = chain_job(*chain_find(map, id));
    UNLOCK;
    return job;
}

static bool handed_out_get(void *store, uint64_t id, struct job *copy)
{
    const struct job *job = handed_out(store, id);
    if (job)
        *copy = *job;
    return job != NULL;
}

static bool handed_out_update(void *store, uint64_t id)
{
    struct job *job = handed_out(store, id);
    if (job)
        job_write(job, id, job->revision + 1);
    return job != NULL;
}

static const struct jobs_kind handed = { chain_create, jobs_chain_end, handed_out_get, locked_create, handed_out_update,
                                         locked_remove, locked_list, true };

const ax_stress_impl broken_handed_out_jobs =
    JOBS_IMPL("broken-handed-out", &handed, true, "a job found under the lock, read and changed after it");

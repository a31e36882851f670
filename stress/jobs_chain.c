/* SPDX-License-Identifier: MIT */
#include "jobs_chain.h"

static bool free_visit(void *context, uint64_t key, uint64_t value)
{
    (void)context;
    (void)key;
    free((struct job *)(uintptr_t)value);
    return true;
}

void jobs_chain_end(void *store)
{
    chain_walk(store, free_visit, NULL);
    chain_destroy(store);
}

bool jobs_chain_get(struct chain_map *map, uint64_t id, struct job *copy)
{
    const struct job *job = chain_job(*chain_find(map, id));
    if (job)
        *copy = *job;
    return job != NULL;
}

bool jobs_chain_create(struct chain_map *map, uint64_t id)
{
    struct job *job = malloc(sizeof *job);
    if (!job)
        return false;
    job_write(job, id, 0);
    if (chain_insert(map, id, (uint64_t)(uintptr_t)job))
        return true;
    free(job);
    return false;
}

bool jobs_chain_update(struct chain_map *map, uint64_t id)
{
    struct job *job = chain_job(*chain_find(map, id));
    if (job)
        job_write(job, id, job->revision + 1);
    return job != NULL;
}

bool jobs_chain_remove(struct chain_map *map, uint64_t id, struct job *last)
{
    uint64_t value;
    if (!chain_remove(map, id, &value))
        return false;
    *last = *(struct job *)(uintptr_t)value;
    job_free((struct job *)(uintptr_t)value);
    return true;
}

void jobs_chain_list(struct chain_map *map, jobs_visit *visit, void *context)
{
    for (int i = 0; i < CHAINS; i++)
        for (struct chain_node *node = map->heads[i]; node; node = node->next)
            if (!visit(context, chain_job(node)))
                return;
}

JOBS_CALLS(mutex, LOCK, UNLOCK, LOCK, UNLOCK)
JOBS_CALLS(rwlock, READ_LOCK, RW_UNLOCK, WRITE_LOCK, RW_UNLOCK)

const struct jobs_kind jobs_mutex = { chain_create, jobs_chain_end, mutex_get, mutex_create, mutex_update,
                                      mutex_remove, mutex_list, true };
const struct jobs_kind jobs_rwlock = { chain_create, jobs_chain_end, rwlock_get, rwlock_create, rwlock_update,
                                       rwlock_remove, rwlock_list, true };

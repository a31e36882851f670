/* SPDX-License-Identifier: MIT */
/*
 * Id to struct: a job store. Jobs are replaced, never changed in place, so a reader sees a job as a whole,
 * and a snapshot of the store is of one moment.
 */
#include <atomicx/map.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    uint64_t id;
    int done, of;
};

static ax_map *jobs;

static void job_free(void *context, void *job)
{
    (void)context;
    free(job);
}

static int job_set(uint64_t id, int done, int of)
{
    struct job *job = malloc(sizeof *job);
    if (!job)
        return -1;
    *job = (struct job){ id, done, of };
    if (ax_map_put(jobs, ax_key_u64(id), (uint64_t)(uintptr_t)job) == AX_OK)
        return 0;
    free(job);
    return -1;
}

/* Works on two jobs in turn: the second is never ahead of the first, and at most one step behind. */
static void *work(void *arg)
{
    (void)arg;
    for (int step = 1; step <= 5000; step++)
        if (job_set(1, step, 5000) != 0 || job_set(2, step, 5000) != 0)
            return (void *)1;
    return NULL;
}

/* Whether the two are in step in this snapshot. Its pointers are followed inside the section. */
static int in_step(void)
{
    ax_map_snapshot snapshot;
    int done[3] = { 0 };
    ax_map_read_begin(jobs);
    ax_status status = ax_map_snapshot_take(jobs, &snapshot);
    for (size_t i = 0; status == AX_OK && i < snapshot.count; i++) {
        const struct job *job = (const struct job *)(uintptr_t)snapshot.items[i].value;
        done[job->id] = job->done;
    }
    ax_map_read_end(jobs);
    if (status == AX_OK)
        ax_map_snapshot_free(jobs, &snapshot);
    return status == AX_OK && done[1] - done[2] >= 0 && done[1] - done[2] <= 1;
}

int main(void)
{
    ax_map_options options = { .flags = AX_MAP_CONSISTENT, .destroy = job_free };
    pthread_t worker;
    int good = 0;
    if (ax_map_create(&options, &jobs) != AX_OK || job_set(1, 0, 5000) != 0 || job_set(2, 0, 5000) != 0)
        return 1;
    if (pthread_create(&worker, NULL, work, NULL) != 0)
        return 1;
    for (int i = 0; i < 1000; i++)
        good += in_step();
    pthread_join(worker, NULL);
    printf("%d of 1000 snapshots were of one moment\n", good);
    return ax_map_destroy(jobs) == AX_OK ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * Jobs in the map: replaced, never changed in place, and freed by the map when no reader can have them any
 * more. With AX_MAP_CONSISTENT a list is a snapshot of one moment; without, a walk that promises less.
 */
#include "jobs.h"

#include <atomicx/map.h>

static void destroy(void *context, void *job)
{
    (void)context;
    job_free(job);
}

static void *make(uint32_t flags)
{
    ax_map_options options = { .flags = flags, .shards = 4, .destroy = destroy, .pending_wait_ms = 60000 }; /* as map.c */
    ax_map *map = NULL;
    return ax_map_create(&options, &map) == AX_OK ? map : NULL;
}

static void *consistent_make(void)
{
    return make(AX_MAP_CONSISTENT);
}

static void *walked_make(void)
{
    return make(0);
}

static void ours_end(void *map)
{
    (void)ax_map_destroy(map);
}

static struct job *at(uint64_t value)
{
    return (struct job *)(uintptr_t)value;
}

static struct job *new_job(uint64_t id, uint64_t revision)
{
    struct job *job = malloc(sizeof *job);
    if (job)
        job_write(job, id, revision);
    return job;
}

static bool ours_get(void *map, uint64_t id, struct job *copy)
{
    uint64_t value;
    ax_map_read_begin(map);
    bool done = ax_map_get(map, ax_key_u64(id), &value) == AX_OK;
    if (done)
        *copy = *at(value);
    ax_map_read_end(map);
    return done;
}

static bool ours_create(void *map, uint64_t id)
{
    struct job *job = new_job(id, 0);
    if (job && ax_map_put_if_absent(map, ax_key_u64(id), (uint64_t)(uintptr_t)job, NULL) == AX_OK)
        return true;
    free(job);
    return false;
}

/* Inside the section no job that was seen is freed, so an equal pointer is the same job. */
static bool ours_update(void *map, uint64_t id)
{
    uint64_t value;
    struct job *next = new_job(id, 0);
    if (!next)
        return false;
    ax_map_read_begin(map);
    ax_status status = ax_map_get(map, ax_key_u64(id), &value);
    while (status == AX_OK) {
        job_write(next, id, at(value)->revision + 1);
        status = ax_map_replace_if_equal(map, ax_key_u64(id), &value, (uint64_t)(uintptr_t)next);
        if (status == AX_OK)
            break;
        if (status == AX_EEXIST) /* value is now the newer job */
            status = AX_OK;
    }
    ax_map_read_end(map);
    if (status != AX_OK)
        free(next);
    return status == AX_OK;
}

static bool ours_remove(void *map, uint64_t id, struct job *last)
{
    uint64_t value;
    ax_map_read_begin(map);
    bool done = ax_map_remove(map, ax_key_u64(id), &value) == AX_OK;
    if (done)
        *last = *at(value);
    ax_map_read_end(map);
    return done;
}

static void ours_list(void *map, jobs_visit *visit, void *context)
{
    ax_map_snapshot snapshot;
    ax_map_read_begin(map);
    if (ax_map_snapshot_take(map, &snapshot) == AX_OK) {
        for (size_t i = 0; i < snapshot.count && visit(context, at(snapshot.items[i].value)); i++) {
        }
        ax_map_snapshot_free(map, &snapshot);
    }
    ax_map_read_end(map);
}

struct walk {
    jobs_visit *visit;
    void *context;
};

static ax_map_visit walk_visit(void *context, ax_key key, uint64_t value)
{
    struct walk *walk = context;
    (void)key;
    return walk->visit(walk->context, at(value)) ? AX_MAP_NEXT : AX_MAP_STOP;
}

static void walked_list(void *map, jobs_visit *visit, void *context)
{
    struct walk walk = { visit, context };
    (void)ax_map_for_each(map, walk_visit, &walk);
}

const struct jobs_kind jobs_ours = { consistent_make, ours_end, ours_get, ours_create, ours_update,
                                     ours_remove, ours_list, true };
const struct jobs_kind jobs_ours_walked = { walked_make, ours_end, ours_get, ours_create, ours_update,
                                            ours_remove, walked_list, false };

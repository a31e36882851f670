/* SPDX-License-Identifier: MIT */
/*
 * A job store: ids to JSON. Jobs are replaced, never changed in place, so a reader sees a job as a whole; a
 * list, and the saved state, are of one moment.
 */
#include <atomicx/counter.h>
#include <atomicx/map.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

struct jobs {
    ax_map *map; /* of struct job */
    ax_counter next_id;
    size_t most; /* exceeded by at most one for each thread */
};

struct job {
    size_t length;
    char json[]; /* compact, and valid */
};

/* A page ends with the job that makes it longer than LIST_BYTES: who reads slowly must not hold much. */
enum { LIST_DEFAULT = 100, LIST_MOST = 1000, LIST_BYTES = 262144 };

static void job_free(void *context, void *job)
{
    (void)context;
    free(job);
}

struct jobs *jobs_create(const struct options *options)
{
    const ax_map_options map = { .flags = AX_MAP_CONSISTENT, .destroy = job_free };
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (jobs && ax_map_create(&map, &jobs->map) != AX_OK) {
        free(jobs);
        return NULL;
    }
    if (jobs) {
        jobs->most = (size_t)options->max_jobs;
        ax_counter_init(&jobs->next_id, 1);
    }
    return jobs;
}

void jobs_destroy(struct jobs *jobs)
{
    if (jobs)
        (void)ax_map_destroy(jobs->map);
    free(jobs);
}

size_t jobs_len(const struct jobs *jobs)
{
    return ax_map_len(jobs->map);
}

static struct job *job_create(const char *json, size_t length)
{
    struct job *job = malloc(sizeof *job + length);
    if (job) {
        job->length = length;
        memcpy(job->json, json, length);
    }
    return job;
}

/* The body's JSON as a job, or NULL with the answer given. */
static struct job *job_parse(const struct request *request, struct answer *answer)
{
    json_error_t error;
    json_t *json = json_loadb(request->body.bytes ? request->body.bytes : "", request->body.length,
                              JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        answer_text(answer, 400, "the body is no JSON: %s", error.text);
        return NULL;
    }
    struct job *job = NULL;
    if (!json_is_object(json)) {
        answer_text(answer, 400, "the body is no JSON object");
    } else {
        char *text = json_dumps(json, JSON_COMPACT);
        job = text ? job_create(text, strlen(text)) : NULL;
        free(text);
        if (!job)
            answer_status(answer, AX_ENOMEM, "the job");
    }
    json_decref(json);
    return job;
}

void jobs_post(struct server *server, const struct request *request, struct answer *answer)
{
    struct jobs *jobs = server->jobs;
    struct job *job = job_parse(request, answer);
    if (!job)
        return;
    if (ax_map_len(jobs->map) >= jobs->most) {
        free(job);
        answer_text(answer, 403, "there are as many jobs as are allowed");
        return;
    }
    int64_t id = ax_counter_add(&jobs->next_id, 1);
    ax_status status = ax_map_put(jobs->map, ax_key_u64((uint64_t)id), (uint64_t)(uintptr_t)job);
    if (status == AX_OK) {
        answer_json(answer, 201, "{\"id\":%" PRId64 "}", id);
    } else {
        free(job);
        answer_status(answer, status, "the job");
    }
}

void jobs_get(struct server *server, const struct request *request, struct answer *answer)
{
    ax_map *map = server->jobs->map;
    uint64_t word;
    int64_t id;
    if (!request_path_number(request, 1, INT64_MAX, &id, answer))
        return;
    ax_map_read_begin(map);
    ax_status status = ax_map_get(map, ax_key_u64((uint64_t)id), &word);
    if (status == AX_OK) {
        const struct job *job = (const struct job *)(uintptr_t)word;
        answer_json(answer, 200, "{\"id\":%" PRId64 ",\"job\":%.*s}", id, (int)job->length, job->json);
    }
    ax_map_read_end(map);
    if (status != AX_OK)
        answer_status(answer, status, "the job");
}

/* A job that is there is replaced. One that is gone stays gone: replacing must not race with its removal. */
void jobs_put(struct server *server, const struct request *request, struct answer *answer)
{
    ax_map *map = server->jobs->map;
    int64_t id;
    struct job *job = NULL;
    if (!request_path_number(request, 1, INT64_MAX, &id, answer) || !(job = job_parse(request, answer)))
        return;
    ax_key key = ax_key_u64((uint64_t)id);
    uint64_t old;
    ax_map_read_begin(map); /* so that the old job's address stays its own until we have compared it */
    ax_status status = ax_map_get(map, key, &old);
    if (status == AX_OK)
        do
            status = ax_map_replace_if_equal(map, key, &old, (uint64_t)(uintptr_t)job);
        while (status == AX_EEXIST);
    ax_map_read_end(map);
    if (status == AX_OK) {
        answer_ok(answer);
    } else {
        free(job);
        answer_status(answer, status, "the job");
    }
}

void jobs_delete(struct server *server, const struct request *request, struct answer *answer)
{
    int64_t id;
    if (!request_path_number(request, 1, INT64_MAX, &id, answer))
        return;
    ax_status status = ax_map_remove(server->jobs->map, ax_key_u64((uint64_t)id), NULL);
    if (status == AX_OK)
        answer_ok(answer);
    else
        answer_status(answer, status, "the job");
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = ax_key_number(((const ax_map_item *)a)->key), y = ax_key_number(((const ax_map_item *)b)->key);
    return x < y ? -1 : x > y;
}

/* A copy of the whole store as of one moment, its jobs to be followed within the caller's read section. */
static bool take(const struct jobs *jobs, ax_map_snapshot *snapshot)
{
    if (ax_map_snapshot_take(jobs->map, snapshot) != AX_OK)
        return false;
    if (snapshot->count > 0)
        qsort(snapshot->items, snapshot->count, sizeof *snapshot->items, by_id);
    return true;
}

/* Pages: the client gives the last id it got as the next `after`. */
void jobs_list(struct server *server, const struct request *request, struct answer *answer)
{
    struct jobs *jobs = server->jobs;
    int64_t after = 0, limit = LIST_DEFAULT;
    if ((query_find(&request->query, "after") && !request_number(request, "after", 0, INT64_MAX, &after, answer)) ||
        (query_find(&request->query, "limit") && !request_number(request, "limit", 1, LIST_MOST, &limit, answer)))
        return;
    ax_map_snapshot all;
    ax_map_read_begin(jobs->map);
    bool taken = take(jobs, &all);
    if (taken) {
        struct buffer *out = &answer->body;
        int64_t listed = 0;
        buffer_printf(out, "{\"count\":%zu,\"jobs\":[", all.count);
        for (size_t i = 0; i < all.count && listed < limit && out->length <= LIST_BYTES; i++) {
            uint64_t id = ax_key_number(all.items[i].key);
            const struct job *job = (const struct job *)(uintptr_t)all.items[i].value;
            if (id <= (uint64_t)after)
                continue;
            buffer_printf(out, "%s{\"id\":%" PRIu64 ",\"job\":", listed++ ? "," : "", id);
            buffer_put(out, job->json, job->length);
            buffer_put(out, "}", 1);
        }
    }
    ax_map_read_end(jobs->map);
    if (!taken) {
        answer_status(answer, AX_ENOMEM, "the list");
        return;
    }
    ax_map_snapshot_free(jobs->map, &all);
    answer_json(answer, 200, "]}");
}

static ax_map_visit erase(void *context, ax_key key, uint64_t job)
{
    (void)context;
    (void)key;
    (void)job;
    return AX_MAP_ERASE;
}

void jobs_delete_all(struct server *server, const struct request *request, struct answer *answer)
{
    struct jobs *jobs = server->jobs;
    (void)request;
    ax_status status = ax_map_for_each(jobs->map, erase, NULL);
    if (status == AX_OK)
        answer_ok(answer);
    else
        answer_status(answer, status, "the jobs");
}

void jobs_save(const struct jobs *jobs, struct buffer *out)
{
    ax_map_snapshot all;
    ax_map_read_begin(jobs->map);
    if (take(jobs, &all)) {
        /* Read after the copy: all ids in it were given out before. */
        buffer_u64(out, (uint64_t)ax_counter_read(&jobs->next_id));
        buffer_u64(out, all.count);
        for (size_t i = 0; i < all.count; i++) {
            const struct job *job = (const struct job *)(uintptr_t)all.items[i].value;
            buffer_u64(out, ax_key_number(all.items[i].key));
            buffer_string(out, job->json, job->length);
        }
        ax_map_read_end(jobs->map);
        ax_map_snapshot_free(jobs->map, &all);
    } else {
        ax_map_read_end(jobs->map);
        out->failed = true;
    }
}

void jobs_load(struct jobs *jobs, struct reader *in)
{
    ax_counter_init(&jobs->next_id, (int64_t)reader_u64(in));
    uint64_t count = reader_u64(in);
    if (count > jobs->most)
        reader_refuse(in, "more jobs than --max-jobs");
    for (uint64_t i = 0; i < count && !in->why; i++) {
        size_t length;
        uint64_t id = reader_u64(in);
        const char *json = reader_string(in, SIZE_MAX, &length);
        if (in->why)
            return;
        struct job *job = job_create(json, length);
        ax_status status = job ? ax_map_put(jobs->map, ax_key_u64(id), (uint64_t)(uintptr_t)job) : AX_ENOMEM;
        if (status != AX_OK) {
            free(job);
            reader_refuse(in, ax_strerror(status));
        }
    }
}

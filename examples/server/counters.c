/* SPDX-License-Identifier: MIT */
/*
 * The counter store of the story: /set, /get, /inc. A map from names to counters; a counter that is in the map
 * stays there, so an increment is a look-up and one addition, and no lock is taken.
 */
#include <atomicx/counter.h>
#include <atomicx/map.h>

#include <inttypes.h>
#include <stdlib.h>

#include "server.h"

struct counters {
    ax_map *map; /* of struct counter */
    size_t most; /* exceeded by at most one for each thread */
};

/* On a cache line of its own: hot counters must not slow each other down. */
struct counter {
    ax_counter value __attribute__((aligned(64)));
};

static void counter_free(void *context, void *counter)
{
    (void)context;
    free(counter);
}

struct counters *counters_create(const struct options *options)
{
    const ax_map_options map = { .keys = AX_MAP_KEYS_BYTES, .destroy = counter_free };
    struct counters *counters = calloc(1, sizeof *counters);
    if (counters && ax_map_create(&map, &counters->map) != AX_OK) {
        free(counters);
        return NULL;
    }
    if (counters)
        counters->most = (size_t)options->max_counters;
    return counters;
}

void counters_destroy(struct counters *counters)
{
    if (counters)
        (void)ax_map_destroy(counters->map);
    free(counters);
}

size_t counters_len(const struct counters *counters)
{
    return ax_map_len(counters->map);
}

/* NULL when there is none. To be followed within the caller's read section. */
static struct counter *find(const struct counters *counters, struct text name)
{
    uint64_t word;
    if (ax_map_get(counters->map, ax_key_bytes(name.bytes, name.length), &word) != AX_OK)
        return NULL;
    return (struct counter *)(uintptr_t)word;
}

/* Adds a counter, or sets the one that another thread has just added. AX_ERANGE: there are too many. */
static ax_status insert(struct counters *counters, struct text name, int64_t value)
{
    uint64_t existing;
    if (ax_map_len(counters->map) >= counters->most)
        return AX_ERANGE;
    struct counter *counter = aligned_alloc(_Alignof(struct counter), sizeof *counter);
    if (!counter)
        return AX_ENOMEM;
    ax_counter_init(&counter->value, value);
    ax_status status = ax_map_put_if_absent(counters->map, ax_key_bytes(name.bytes, name.length),
                                            (uint64_t)(uintptr_t)counter, &existing);
    if (status == AX_OK)
        return AX_OK;
    free(counter);
    if (status != AX_EEXIST)
        return status;
    ax_counter_exchange(&((struct counter *)(uintptr_t)existing)->value, value);
    return AX_OK;
}

void counters_set(struct server *server, const struct request *request, struct answer *answer)
{
    struct counters *counters = server->counters;
    struct text name;
    int64_t value;
    if (!request_name(request, "name", &name, answer) ||
        !request_number(request, "val", INT64_MIN, INT64_MAX, &value, answer))
        return;
    ax_status status = AX_OK;
    ax_map_read_begin(counters->map);
    struct counter *counter = find(counters, name);
    if (counter)
        ax_counter_exchange(&counter->value, value);
    else
        status = insert(counters, name, value);
    ax_map_read_end(counters->map);
    if (status == AX_OK)
        answer_ok(answer);
    else if (status == AX_ERANGE)
        answer_text(answer, 403, "there are as many counters as are allowed");
    else
        answer_status(answer, status, "the counter");
}

static void not_found(struct answer *answer, struct text name)
{
    answer_text(answer, 404, "%.*s not found", (int)name.length, name.bytes);
}

void counters_get(struct server *server, const struct request *request, struct answer *answer)
{
    struct text name;
    if (!request_name(request, "name", &name, answer))
        return;
    ax_map_read_begin(server->counters->map);
    struct counter *counter = find(server->counters, name);
    int64_t value = counter ? ax_counter_read(&counter->value) : 0;
    ax_map_read_end(server->counters->map);
    if (counter)
        answer_text(answer, 200, "%.*s: %" PRId64, (int)name.length, name.bytes, value);
    else
        not_found(answer, name);
}

void counters_inc(struct server *server, const struct request *request, struct answer *answer)
{
    struct text name;
    if (!request_name(request, "name", &name, answer))
        return;
    ax_map_read_begin(server->counters->map);
    struct counter *counter = find(server->counters, name);
    ax_status status = counter ? ax_counter_add_checked(&counter->value, 1, NULL) : AX_ENOTFOUND;
    ax_map_read_end(server->counters->map);
    if (status == AX_OK)
        answer_ok(answer);
    else if (status == AX_ENOTFOUND)
        not_found(answer, name);
    else
        answer_text(answer, 409, "%.*s is as large as a counter can be", (int)name.length, name.bytes);
}

struct saving {
    struct buffer *out;
    uint64_t count;
};

static ax_map_visit save(void *context, ax_key key, uint64_t word)
{
    struct saving *saving = context;
    size_t length;
    const void *bytes = ax_key_data(key, &length);
    buffer_string(saving->out, bytes, length);
    buffer_u64(saving->out, (uint64_t)ax_counter_read(&((struct counter *)(uintptr_t)word)->value));
    saving->count++;
    return AX_MAP_NEXT;
}

void counters_save(const struct counters *counters, struct buffer *out)
{
    struct saving saving = { out, 0 };
    size_t at = out->length;
    buffer_u64(out, 0);
    if (ax_map_for_each(counters->map, save, &saving) != AX_OK)
        out->failed = true;
    buffer_set_u64(out, at, saving.count);
}

void counters_load(struct counters *counters, struct reader *in)
{
    uint64_t count = reader_u64(in);
    for (uint64_t i = 0; i < count && !in->why; i++) {
        struct text name;
        name.bytes = reader_string(in, SIZE_MAX, &name.length);
        int64_t value = (int64_t)reader_u64(in);
        if (in->why)
            return;
        ax_status status = insert(counters, name, value);
        if (status != AX_OK)
            reader_refuse(in, status == AX_ERANGE ? "more counters than --max-counters" : ax_strerror(status));
    }
}

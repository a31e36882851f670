/* SPDX-License-Identifier: MIT */
/*
 * Tickets: a map from events to sellers. Which tickets are sold is noted in a bitmap beside the seller, so that
 * the state can be saved. A bit belongs to whoever holds its ticket: it is set after the sale, and cleared
 * before the refund by the one who wins it.
 */
#include <atomicx/counter.h>
#include <atomicx/map.h>
#include <atomicx/tickets.h>

#include <inttypes.h>
#include <stdlib.h>

#include "server.h"

struct events {
    ax_map *map; /* of struct event; an event that is in it stays */
    size_t most; /* exceeded by at most one for each thread */
    int64_t most_tickets;
};

struct event {
    ax_tickets *tickets;
    uint32_t capacity;
    ax_counter sold[]; /* 64 tickets to a word */
};

static size_t words(uint32_t capacity)
{
    return ((size_t)capacity + 63) / 64;
}

static void event_free(void *context, void *memory)
{
    struct event *event = memory;
    (void)context;
    if (event)
        ax_tickets_destroy(event->tickets);
    free(event);
}

static struct event *event_create(uint32_t capacity)
{
    struct event *event = calloc(1, sizeof *event + words(capacity) * sizeof event->sold[0]);
    if (!event)
        return NULL;
    event->capacity = capacity;
    if (ax_tickets_create(capacity, 0, NULL, &event->tickets) == AX_OK)
        return event;
    free(event);
    return NULL;
}

struct events *events_create(const struct options *options)
{
    const ax_map_options map = { .keys = AX_MAP_KEYS_BYTES, .destroy = event_free };
    struct events *events = calloc(1, sizeof *events);
    if (events && ax_map_create(&map, &events->map) != AX_OK) {
        free(events);
        return NULL;
    }
    if (events) {
        events->most = (size_t)options->max_events;
        events->most_tickets = options->max_tickets;
    }
    return events;
}

void events_destroy(struct events *events)
{
    if (events)
        (void)ax_map_destroy(events->map);
    free(events);
}

size_t events_len(const struct events *events)
{
    return ax_map_len(events->map);
}

/* The path's event, or NULL with the answer given. Events are never removed, so it stays without a read section. */
static struct event *find(struct server *server, const struct request *request, struct answer *answer)
{
    struct text name;
    uint64_t word;
    if (!request_path_name(request, 1, &name, answer))
        return NULL;
    if (ax_map_get(server->events->map, ax_key_bytes(name.bytes, name.length), &word) == AX_OK)
        return (struct event *)(uintptr_t)word;
    answer_text(answer, 404, "%.*s not found", (int)name.length, name.bytes);
    return NULL;
}

bool events_may_open(const struct request *request, size_t there, struct text *name, int64_t *capacity, struct answer *answer)
{
    const struct options *options = &request->server->options;
    if (!request_path_name(request, 1, name, answer) ||
        !request_number(request, "capacity", 1, options->max_tickets, capacity, answer))
        return false;
    if (there < (size_t)options->max_events)
        return true;
    answer_text(answer, 403, "there are as many events as are allowed");
    return false;
}

void events_open(struct server *server, const struct request *request, struct answer *answer)
{
    struct events *events = server->events;
    struct text name;
    int64_t capacity;
    if (server->shared_events) {
        shared_events_open(server, request, answer);
        return;
    }
    if (!events_may_open(request, ax_map_len(events->map), &name, &capacity, answer))
        return;
    struct event *event = event_create((uint32_t)capacity);
    ax_status status = AX_ENOMEM;
    if (event)
        status = ax_map_put_if_absent(events->map, ax_key_bytes(name.bytes, name.length), (uint64_t)(uintptr_t)event, NULL);
    if (status == AX_OK) {
        answer_json(answer, 201, "{\"capacity\":%" PRId64 "}", capacity);
    } else {
        event_free(NULL, event);
        answer_status(answer, status, "the event");
    }
}

void events_left(struct server *server, const struct request *request, struct answer *answer)
{
    if (server->shared_events)
        return; /* to a worker */
    struct event *event = find(server, request, answer);
    if (event)
        answer_json(answer, 200, "{\"capacity\":%" PRIu32 ",\"left\":%" PRIu32 "}", event->capacity,
                    ax_tickets_left(event->tickets));
}

static void note_sold(struct event *event, uint32_t number)
{
    /* The bit is 0 and nobody else touches it, so adding sets it and carries into no other. */
    ax_counter_add(&event->sold[number / 64], (int64_t)(UINT64_C(1) << number % 64));
}

/* Whether the bit was set and this call is the one that cleared it. */
static bool note_refunded(struct event *event, uint32_t number)
{
    int64_t word = ax_counter_read(&event->sold[number / 64]);
    uint64_t bit = UINT64_C(1) << number % 64;
    while ((uint64_t)word & bit)
        if (ax_counter_compare_exchange(&event->sold[number / 64], &word, (int64_t)((uint64_t)word & ~bit)))
            return true;
    return false;
}

void events_sell(struct server *server, const struct request *request, struct answer *answer)
{
    if (server->shared_events)
        return; /* to a worker */
    struct event *event = find(server, request, answer);
    uint32_t number;
    if (!event)
        return;
    if (ax_tickets_sell(event->tickets, &number) == AX_OK) {
        note_sold(event, number);
        answer_json(answer, 200, "{\"number\":%" PRIu32 "}", number);
    } else {
        answer_text(answer, 409, "sold out");
    }
}

void events_refund(struct server *server, const struct request *request, struct answer *answer)
{
    if (server->shared_events) {
        answer_text(answer, 409, "tickets that several servers sell are not refunded");
        return;
    }
    struct event *event = find(server, request, answer);
    int64_t number;
    if (!event || !request_number(request, "number", 0, (int64_t)event->capacity - 1, &number, answer))
        return;
    if (note_refunded(event, (uint32_t)number) && ax_tickets_refund(event->tickets, (uint32_t)number) == AX_OK)
        answer_ok(answer);
    else
        answer_text(answer, 409, "ticket %" PRId64 " is not sold", number);
}

struct saving {
    struct buffer *out;
    uint64_t count;
};

static ax_map_visit save(void *context, ax_key key, uint64_t word)
{
    struct saving *saving = context;
    const struct event *event = (const struct event *)(uintptr_t)word;
    size_t length;
    const void *bytes = ax_key_data(key, &length);
    buffer_string(saving->out, bytes, length);
    buffer_u64(saving->out, event->capacity);
    for (size_t i = 0; i < words(event->capacity); i++)
        buffer_u64(saving->out, (uint64_t)ax_counter_read(&event->sold[i]));
    saving->count++;
    return AX_MAP_NEXT;
}

void events_save(const struct events *events, struct buffer *out)
{
    struct saving saving = { out, 0 };
    size_t at = out->length;
    buffer_u64(out, 0);
    if (ax_map_for_each(events->map, save, &saving) != AX_OK)
        out->failed = true;
    buffer_set_u64(out, at, saving.count);
}

/* A fresh seller sells its tickets in order: all are sold, and those that were not are refunded. */
static void event_load(struct event *event, struct reader *in)
{
    for (uint32_t number = 0, sold; number < event->capacity; number++)
        if (ax_tickets_sell(event->tickets, &sold) != AX_OK || sold != number)
            reader_refuse(in, "a seller that cannot be filled");
    uint64_t word = 0;
    for (uint32_t number = 0; number < event->capacity && !in->why; number++) {
        if (number % 64 == 0)
            word = reader_u64(in);
        if (word >> number % 64 & 1)
            note_sold(event, number);
        else
            (void)ax_tickets_refund(event->tickets, number);
    }
}

void events_load(struct events *events, struct reader *in)
{
    uint64_t count = reader_u64(in);
    if (count > events->most)
        reader_refuse(in, "more events than --max-events");
    for (uint64_t i = 0; i < count && !in->why; i++) {
        struct text name;
        name.bytes = reader_string(in, SIZE_MAX, &name.length);
        uint64_t capacity = reader_u64(in);
        if (capacity < 1 || capacity > (uint64_t)events->most_tickets)
            reader_refuse(in, "an event with more tickets than --max-tickets");
        struct event *event = in->why ? NULL : event_create((uint32_t)capacity);
        if (event)
            event_load(event, in);
        ax_status status = AX_ENOMEM;
        if (event)
            status = ax_map_put_if_absent(events->map, ax_key_bytes(name.bytes, name.length), (uint64_t)(uintptr_t)event, NULL);
        if (status != AX_OK) {
            event_free(NULL, event);
            reader_refuse(in, ax_strerror(status));
        }
    }
}

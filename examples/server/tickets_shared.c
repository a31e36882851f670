/* SPDX-License-Identifier: MIT */
/*
 * Tickets of events that several servers sell together, over Redis (--redis). A sale waits for the server to have it,
 * so all of this is done by workers: with --redis the handlers of tickets.c leave it to these.
 */
#include <atomicx/cluster.h>
#include <atomicx/map.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

enum { PATIENCE_MS = 5000, ORDER_DIGITS = 2 * sizeof(ax_order) };

struct shared_events {
    ax_cluster *cluster;
    ax_map *map; /* of ax_event; one that is in it stays */
};

static void event_close(void *context, void *event)
{
    (void)context;
    ax_event_close(event, PATIENCE_MS);
}

enum exit_code shared_events_create(const struct options *options, struct shared_events **created)
{
    const ax_map_options map = { .keys = AX_MAP_KEYS_BYTES, .destroy = event_close };
    const ax_redis_options redis = { .servers = options->redis, .replicas = (uint32_t)options->replicas };
    struct shared_events *events = calloc(1, sizeof *events);
    ax_status status = events ? ax_cluster_open_redis(&redis, &events->cluster) : AX_ENOMEM;
    if (status == AX_OK)
        status = ax_map_create(&map, &events->map);
    if (status == AX_OK) {
        *created = events;
        return EXIT_FINE;
    }
    fprintf(stderr, "server: --redis %s: %s\n", options->redis, status == AX_EINVAL ? "not HOST:PORT" : ax_strerror(status));
    if (events)
        ax_cluster_close(events->cluster);
    free(events);
    return status == AX_EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
}

void shared_events_destroy(struct shared_events *events)
{
    if (!events)
        return;
    (void)ax_map_destroy(events->map);
    ax_cluster_close(events->cluster);
    free(events);
}

size_t shared_events_len(const struct shared_events *events)
{
    return ax_map_len(events->map);
}

/* What the others don't: the Redis server's troubles, which are not the client's. */
static void answer_trouble(struct answer *answer, ax_status status)
{
    answer_text(answer, 503, "the tickets' server: %s", ax_strerror(status));
}

/* The path's event, or NULL with the answer given. Events are never removed, so it stays without a read section. */
static ax_event *find(struct server *server, const struct request *request, struct answer *answer)
{
    struct text name;
    uint64_t word;
    if (!request_path_name(request, 1, &name, answer))
        return NULL;
    if (ax_map_get(server->shared_events->map, ax_key_bytes(name.bytes, name.length), &word) == AX_OK)
        return (ax_event *)(uintptr_t)word;
    answer_text(answer, 404, "%.*s not found", (int)name.length, name.bytes);
    return NULL;
}

/* An audit of a fresh event makes it on the server, or finds that it is there with another capacity. */
void shared_events_open(struct server *server, const struct request *request, struct answer *answer)
{
    struct shared_events *events = server->shared_events;
    char terminated[AX_CLUSTER_MAX_NAME + 1];
    struct text name;
    int64_t capacity;
    ax_event *event;
    ax_event_figures figures;
    if (!events_may_open(request, ax_map_len(events->map), &name, &capacity, answer))
        return;
    snprintf(terminated, sizeof terminated, "%.*s", (int)name.length, name.bytes);
    ax_status status = name.length == strlen(terminated) ? ax_event_open(events->cluster, terminated, (uint32_t)capacity, NULL, &event)
                                                         : AX_EINVAL;
    if (status == AX_EINVAL) {
        answer_text(answer, 400, "the name is not 1 to %d printable characters without spaces and braces", AX_CLUSTER_MAX_NAME);
        return;
    }
    if (status != AX_OK) {
        answer_status(answer, status, "the event");
        return;
    }
    status = ax_event_audit(event, &figures);
    if (status == AX_OK)
        status = ax_map_put_if_absent(events->map, ax_key_bytes(name.bytes, name.length), (uint64_t)(uintptr_t)event, NULL);
    if (status == AX_OK) {
        answer_json(answer, 201, "{\"capacity\":%" PRId64 "}", capacity);
        return;
    }
    ax_event_close(event, PATIENCE_MS);
    if (status == AX_EINVAL)
        answer_text(answer, 409, "the event is there with another capacity");
    else if (status == AX_EEXIST || status == AX_ENOMEM)
        answer_status(answer, status, "the event");
    else
        answer_trouble(answer, status);
}

void shared_events_left(struct server *server, const struct request *request, struct answer *answer)
{
    ax_event_figures figures;
    ax_event *event = find(server, request, answer);
    ax_status status = event ? ax_event_audit(event, &figures) : AX_ENOTFOUND;
    if (status == AX_OK)
        answer_json(answer, 200, "{\"capacity\":%" PRIu32 ",\"left\":%" PRIu32 "}", figures.capacity,
                    figures.capacity - figures.sold);
    else if (event)
        answer_trouble(answer, status);
}

static int digit(char character)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = character != '\0' ? strchr(digits, character) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The order of the request, which says again what it said before; without one, a fresh order. */
static bool read_order(const struct request *request, ax_order *order, struct answer *answer)
{
    const struct text *text = query_find(&request->query, "order");
    if (!text) {
        ax_status status = ax_order_make(order);
        if (status != AX_OK)
            answer_status(answer, status, "an order");
        return status == AX_OK;
    }
    bool fine = text->length == ORDER_DIGITS;
    for (size_t i = 0; fine && i < sizeof order->id; i++) {
        int high = digit(text->bytes[2 * i]), low = digit(text->bytes[2 * i + 1]);
        fine = high >= 0 && low >= 0;
        order->id[i] = (unsigned char)((unsigned)high << 4 | (unsigned)low);
    }
    if (!fine)
        answer_text(answer, 400, "order is not %d hexadecimal digits", (int)ORDER_DIGITS);
    return fine;
}

void shared_events_sell(struct server *server, const struct request *request, struct answer *answer)
{
    ax_order order;
    char text[ORDER_DIGITS + 1];
    uint32_t number;
    ax_event *event = find(server, request, answer);
    if (!event || !read_order(request, &order, answer))
        return;
    for (size_t i = 0; i < sizeof order.id; i++)
        snprintf(text + 2 * i, 3, "%02x", order.id[i]);
    ax_status status = ax_event_sell(event, &order, PATIENCE_MS, &number);
    if (status == AX_OK)
        answer_json(answer, 200, "{\"number\":%" PRIu32 ",\"order\":\"%s\"}", number, text);
    else if (status == AX_ESOLDOUT)
        answer_text(answer, 409, "sold out");
    else if (status == AX_EAGAIN)
        answer_text(answer, 429, "other servers have what is left, for now: ask again");
    else if (status == AX_ETIMEDOUT)
        answer_text(answer, 503, "not known yet whether it is sold: ask again with order=%s", text);
    else
        answer_trouble(answer, status);
}

/* SPDX-License-Identifier: MIT */
/* redis.c: the engine over Redis: each step is one call of a function of functions.lua. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "redis_link.h"

enum { EVENT_KEYS = 5, WORD = 24, KEY = AX_CLUSTER_MAX_NAME + 24, NONCE = 33, MOST_ARGUMENTS = 16 };

struct redis {
    ax_cluster cluster;
    struct axi_redis_setup setup;
};

struct engine {
    struct axi_engine engine;
    struct axi_link link;
};

/* A command being put together. The words live in it. */
struct command {
    int count;
    const char *word[MOST_ARGUMENTS];
    size_t length[MOST_ARGUMENTS];
    char key[EVENT_KEYS][KEY];
    char nonce[NONCE];
    char number[5][WORD];
    int numbers;
};

static void put(struct command *command, const char *word, size_t length)
{
    command->word[command->count] = word;
    command->length[command->count++] = length;
}

static void put_text(struct command *command, const char *text)
{
    put(command, text, strlen(text));
}

static void put_number(struct command *command, int64_t number)
{
    char *text = command->number[command->numbers++];
    snprintf(text, WORD, "%" PRId64, number);
    put_text(command, text);
}

static void put_nonce(struct command *command, const struct axi_nonce *nonce)
{
    for (int i = 0; i < 16; i++)
        snprintf(command->nonce + 2 * i, 3, "%02x", nonce->bits[i]);
    put_text(command, command->nonce);
}

/* All keys of one name share a hash tag, so that a cluster has them on one node. */
static void begin(struct command *command, const char *function, const char *name, const char *const *kinds, int count)
{
    command->count = command->numbers = 0;
    put_text(command, "FCALL");
    put_text(command, function);
    put_text(command, count == 1 ? "1" : "5");
    for (int i = 0; i < count; i++) {
        snprintf(command->key[i], KEY, "ax:{%s}:%s", name, kinds[i]);
        put_text(command, command->key[i]);
    }
}

static void begin_event(struct command *command, const char *function, const struct axi_event_id *event)
{
    static const char *const kinds[EVENT_KEYS] = { "free", "leases", "expiry", "orders", "total" };
    begin(command, function, event->name, kinds, EVENT_KEYS);
}

static ax_status call(struct axi_engine *engine, struct command *command, bool durable, redisReply **reply)
{
    return axi_link_call(&((struct engine *)engine)->link, durable, command->count, command->word, command->length, reply);
}

/* An array of integers, each within 0 to most (-1 allowed as the first), or it isn't ours. */
static bool is_array(const redisReply *reply, size_t least, int64_t most)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < least)
        return false;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *element = reply->element[i];
        if (element->type != REDIS_REPLY_INTEGER || element->integer < (i == 0 ? -1 : 0) || element->integer > most)
            return false;
    }
    return true;
}

static uint32_t integer_at(const redisReply *reply, size_t i)
{
    return (uint32_t)reply->element[i]->integer;
}

static ax_status parse_block(const redisReply *reply, const struct axi_event_id *event, struct axi_block *block)
{
    if (!is_array(reply, 0, event->capacity))
        return AX_ECORRUPT;
    if (reply->elements < 3)
        return reply->elements == 0 ? AX_ESOLDOUT : AX_EAGAIN;
    struct axi_block got = { integer_at(reply, 0), integer_at(reply, 1), integer_at(reply, 2) };
    if (got.lo >= got.hi || got.done < got.lo || got.done >= got.hi || got.hi > event->capacity)
        return AX_ECORRUPT;
    *block = got;
    return AX_OK;
}

static ax_status redis_lease(struct axi_engine *engine, const struct axi_event_id *event, const struct axi_nonce *nonce,
                             uint32_t want, struct axi_block *block)
{
    struct command command;
    redisReply *reply;
    begin_event(&command, "ax1_lease", event);
    put_nonce(&command, nonce);
    put_number(&command, event->capacity);
    put_number(&command, want);
    put_number(&command, event->lease_ms);
    ax_status status = call(engine, &command, false, &reply);
    if (status != AX_OK)
        return status;
    status = parse_block(reply, event, block);
    freeReplyObject(reply);
    return status;
}

static ax_status parse_numbers(const redisReply *reply, const struct axi_event_id *event, const struct axi_commit *commit,
                               uint32_t *numbers)
{
    uint32_t count = commit->upto - commit->from;
    if (!is_array(reply, 1, INT32_MAX) || reply->elements % 2 != 1)
        return AX_ECORRUPT;
    bool gone = reply->element[0]->integer < 0;
    for (size_t i = 1; i < reply->elements; i += 2)
        if (integer_at(reply, i) >= count || integer_at(reply, i + 1) >= event->capacity)
            return AX_ECORRUPT;
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = gone ? AXI_NO_TICKET : commit->from + i;
    for (size_t i = 1; i < reply->elements; i += 2)
        numbers[integer_at(reply, i)] = integer_at(reply, i + 1);
    return gone ? AX_EBUSY : AX_OK;
}

static ax_status redis_commit(struct axi_engine *engine, const struct axi_event_id *event, const struct axi_nonce *nonce,
                              const struct axi_commit *commit, uint32_t *numbers)
{
    struct command command;
    redisReply *reply;
    begin_event(&command, "ax1_commit", event);
    put_nonce(&command, nonce);
    put_number(&command, commit->lo);
    put_number(&command, commit->from);
    put_number(&command, commit->upto);
    put_number(&command, event->lease_ms);
    put(&command, (const char *)commit->orders, (commit->upto - commit->from) * sizeof *commit->orders);
    ax_status status = call(engine, &command, true, &reply);
    if (status != AX_OK)
        return status;
    status = parse_numbers(reply, event, commit, numbers);
    freeReplyObject(reply);
    return status;
}

static ax_status redis_reap(struct axi_engine *engine, const struct axi_event_id *event, ax_event_figures *figures)
{
    struct command command;
    redisReply *reply;
    begin_event(&command, "ax1_reap", event);
    put_number(&command, event->capacity);
    ax_status status = call(engine, &command, false, &reply);
    if (status != AX_OK)
        return status;
    if (is_array(reply, 4, INT32_MAX))
        *figures = (ax_event_figures){ integer_at(reply, 0), integer_at(reply, 1), integer_at(reply, 2), integer_at(reply, 3) };
    else
        status = AX_ECORRUPT;
    freeReplyObject(reply);
    return status;
}

static ax_status redis_release(struct axi_engine *engine, const struct axi_event_id *event, const struct axi_nonce *nonce)
{
    struct command command;
    redisReply *reply;
    begin_event(&command, "ax1_release", event);
    put_nonce(&command, nonce);
    ax_status status = call(engine, &command, false, &reply);
    if (status == AX_OK)
        freeReplyObject(reply);
    return status;
}

static ax_status redis_publish(struct axi_engine *engine, const char *counter, const struct axi_nonce *nonce, int64_t total,
                               int64_t *sum)
{
    static const char *const kind = "totals";
    struct command command;
    redisReply *reply;
    begin(&command, "ax1_publish", counter, &kind, 1);
    put_nonce(&command, nonce);
    put_number(&command, total);
    ax_status status = call(engine, &command, true, &reply);
    if (status != AX_OK)
        return status;
    char *end = NULL;
    long long value = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, &end, 10) : -1;
    if (value < total || end == reply->str || *end != '\0')
        status = AX_ECORRUPT;
    else
        *sum = value;
    freeReplyObject(reply);
    return status;
}

static ax_status redis_quota(struct axi_engine *engine, const char *quota, uint32_t limit, uint32_t window_ms, uint32_t want,
                             uint32_t *granted, uint32_t *left_ms)
{
    static const char *const kind = "window";
    struct command command;
    redisReply *reply;
    begin(&command, "ax1_quota", quota, &kind, 1);
    put_number(&command, limit);
    put_number(&command, window_ms);
    put_number(&command, want);
    ax_status status = call(engine, &command, false, &reply);
    if (status != AX_OK)
        return status;
    if (!is_array(reply, 2, INT32_MAX) || reply->element[0]->integer < 0 || integer_at(reply, 0) > want) {
        status = AX_ECORRUPT;
    } else {
        *granted = integer_at(reply, 0);
        *left_ms = integer_at(reply, 1);
    }
    freeReplyObject(reply);
    return status;
}

static void redis_disconnect(struct axi_engine *engine)
{
    axi_link_fini(&((struct engine *)engine)->link);
    free(engine);
}

static ax_status redis_connect(ax_cluster *cluster, struct axi_engine **engine)
{
    static const struct axi_engine_functions functions = { redis_lease, redis_commit, redis_reap, redis_release,
                                                           redis_publish, redis_quota, redis_disconnect };
    struct engine *fresh = malloc(sizeof *fresh);
    if (fresh == NULL)
        return AX_ENOMEM;
    fresh->engine.functions = &functions;
    axi_link_init(&fresh->link, &((struct redis *)cluster)->setup);
    *engine = &fresh->engine;
    return AX_OK;
}

static void redis_close(ax_cluster *cluster)
{
    struct redis *redis = (struct redis *)cluster;
    free(redis->setup.servers);
    free(redis->setup.password);
    free(redis);
}

/* "host:port,host:port"; the port is what follows the last colon, so that an IPv6 address needs no brackets. */
static bool parse_servers(struct axi_redis_setup *setup, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        const char *colon = memrchr(text, ':', length);
        if (colon == NULL || colon == text || colon - text >= AXI_HOST)
            return false;
        char *end;
        long port = strtol(colon + 1, &end, 10);
        if (end != text + length || end == colon + 1 || port < 1 || port > 65535)
            return false;
        struct axi_address *address = &setup->servers[setup->count++];
        memcpy(address->host, text, (size_t)(colon - text));
        address->host[colon - text] = '\0';
        address->port = (int)port;
        text += length;
        text += *text == ',';
    }
    return setup->count > 0;
}

AXI_EXPORT ax_status ax_cluster_open_redis(const ax_redis_options *options, ax_cluster **cluster)
{
    if (options == NULL || options->servers == NULL || options->answer_ms > INT32_MAX || options->replicas > INT32_MAX)
        return AX_EINVAL;
    size_t most = 1;
    for (const char *at = options->servers; *at != '\0'; at++)
        most += *at == ',';
    struct redis *redis = calloc(1, sizeof *redis);
    if (redis == NULL)
        return AX_ENOMEM;
    redis->cluster = (ax_cluster){ redis_connect, redis_close };
    redis->setup.replicas = options->replicas;
    redis->setup.answer_ms = options->answer_ms != 0 ? options->answer_ms : 1000;
    redis->setup.servers = calloc(most, sizeof *redis->setup.servers);
    redis->setup.password = options->password != NULL ? strdup(options->password) : NULL;
    ax_status status = AX_OK;
    if (redis->setup.servers == NULL || (options->password != NULL && redis->setup.password == NULL))
        status = AX_ENOMEM;
    else if (!parse_servers(&redis->setup, options->servers))
        status = AX_EINVAL;
    if (status != AX_OK)
        redis_close(&redis->cluster);
    else
        *cluster = &redis->cluster;
    return status;
}

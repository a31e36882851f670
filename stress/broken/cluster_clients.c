/* SPDX-License-Identifier: MIT */
/*
 * cluster_clients.c: sellers over Redis as they are often written. Both lease blocks as ours do, and both go wrong
 * only when a holder stops at the wrong moment.
 *
 *   acknowledge first  the buyer is told at once, and the server later: what was told and not yet committed is
 *                      leased to somebody else when the process dies.
 *   no fence           the block is sold without a look whether the lease is still ours: a process that was
 *                      stopped for longer than its lease goes on selling what others have sold meanwhile.
 */
#include "../cluster.h"

#include <hiredis/hiredis.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 64, LATER = 48 };

#define KEYS "5 ax:{stress}:free ax:{stress}:leases ax:{stress}:expiry ax:{stress}:orders ax:{stress}:total"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* one sale at a time */
static redisContext *connection;
static char address[64];
static uint32_t capacity;
static ax_event *starter; /* makes the event and loads the functions */
static char nonce[40];
static long long lo, next, hi, committed;
static ax_order untold[BLOCK];

static void clients_open(const char *servers, uint32_t tickets)
{
    ax_cluster *cluster;
    ax_event_figures figures;
    snprintf(address, sizeof address, "%s", servers);
    capacity = tickets;
    if (ax_cluster_open_redis(&(ax_redis_options){ .servers = servers }, &cluster) != AX_OK ||
        ax_event_open(cluster, "stress", capacity, NULL, &starter) != AX_OK)
        _exit(70);
    while (ax_event_audit(starter, &figures) != AX_OK)
        usleep(1000);
}

/* Until the server answers. */
static redisReply *ask(char *command, int length)
{
    for (;;) {
        void *reply = NULL;
        if (connection == NULL || connection->err != 0) {
            char host[64];
            snprintf(host, sizeof host, "%.*s", (int)strcspn(address, ":"), address);
            if (connection != NULL)
                redisFree(connection);
            connection = redisConnect(host, atoi(strchr(address, ':') + 1));
        }
        if (connection != NULL && connection->err == 0 &&
            redisAppendFormattedCommand(connection, command, (size_t)length) == REDIS_OK &&
            redisGetReply(connection, &reply) == REDIS_OK && ((redisReply *)reply)->type != REDIS_REPLY_ERROR) {
            free(command);
            return reply;
        }
        freeReplyObject(reply);
        usleep(1000);
    }
}

static long long ticket_of(const ax_order *order)
{
    char *command;
    int length = redisFormatCommand(&command, "HGET ax:{stress}:orders %b", order, sizeof *order);
    redisReply *reply = ask(command, length);
    long long ticket = reply->type == REDIS_REPLY_STRING ? atoll(reply->str) : -1;
    freeReplyObject(reply);
    return ticket;
}

/* False: everything is sold. */
static int lease(void)
{
    for (;;) {
        char *command;
        ax_order fresh;
        ax_order_make(&fresh);
        for (int i = 0; i < 16; i++)
            snprintf(nonce + 2 * i, 3, "%02x", fresh.id[i]);
        int length = redisFormatCommand(&command, "FCALL ax1_lease " KEYS " %s %u %d %d", nonce, capacity, BLOCK, CLUSTER_LEASE_MS);
        redisReply *reply = ask(command, length);
        size_t elements = reply->elements;
        if (elements == 3) {
            lo = next = committed = reply->element[0]->integer;
            hi = reply->element[1]->integer;
        }
        freeReplyObject(reply);
        if (elements == 0 || elements == 3)
            return elements == 3;
        usleep(1000);
    }
}

static void commit(void)
{
    char *command;
    int length = redisFormatCommand(&command, "FCALL ax1_commit " KEYS " %s %lld %lld %lld %d %b", nonce, lo, committed, next,
                                    CLUSTER_LEASE_MS, untold, (size_t)(next - committed) * sizeof untold[0]);
    freeReplyObject(ask(command, length)); /* refused? the buyers have been told already */
    committed = next;
}

static int64_t ack_first_sell(const ax_order *order)
{
    pthread_mutex_lock(&mutex);
    int64_t ticket = ticket_of(order);
    if (ticket < 0 && next == hi && !lease()) {
        ticket = CLUSTER_NONE;
    } else if (ticket < 0) {
        untold[next - committed] = *order;
        ticket = next++;
        if (next == hi || next - committed == LATER)
            commit();
    }
    pthread_mutex_unlock(&mutex);
    return ticket;
}

static int64_t no_fence_sell(const ax_order *order)
{
    pthread_mutex_lock(&mutex);
    int64_t ticket = ticket_of(order);
    if (ticket < 0 && next == hi && !lease()) {
        ticket = CLUSTER_NONE;
    } else if (ticket < 0) {
        char *command;
        int length = redisFormatCommand(&command, "HSET ax:{stress}:orders %b %lld", order, sizeof *order, next);
        freeReplyObject(ask(command, length));
        ticket = next++;
        untold[0] = *order;
        committed = ticket;
        commit();
    }
    pthread_mutex_unlock(&mutex);
    return ticket;
}

const struct cluster_kind cluster_ack_first = { "broken-ack-first", clients_open, ack_first_sell };
const struct cluster_kind cluster_no_fence = { "broken-no-fence", clients_open, no_fence_sell };

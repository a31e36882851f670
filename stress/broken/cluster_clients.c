/* SPDX-License-Identifier: MIT */
/*
 * cluster_clients.c: sellers over Redis as they are often written. All lease blocks as ours do, and go wrong only
 * when a holder, or the server, stops at the wrong moment.
 *
 *   acknowledge first  the buyer is told at once, and the server later: what was told and not yet committed is
 *                      leased to somebody else when the process dies.
 *   no fence           the block is sold without a look whether the lease is still ours: a process that was
 *                      stopped for longer than its lease goes on selling what others have sold meanwhile.
 *   wait anew          the commit is followed by WAIT for the replicas. If the connection breaks between the two, WAIT
 *                      is repeated on a new one, which has written nothing and so waits for nothing.
 */
#include "../cluster.h"

#include <hiredis/hiredis.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 64, LATER = 48 };

#define KEYS "5 ax:{stress}:free ax:{stress}:leases ax:{stress}:expiry ax:{stress}:orders ax:{stress}:total"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* one sale at a time */
static redisContext *connection;
static const char *addresses, *address; /* all servers, separated by commas, and where in them the present one's begins */
static uint32_t capacity, replicas;
static ax_event *starter; /* makes the event and loads the functions */
static char nonce[40];
static long long lo, next, hi, committed;
static ax_order untold[BLOCK];

static void clients_open(const char *servers, uint32_t tickets, uint32_t count)
{
    ax_cluster *cluster;
    ax_event_figures figures;
    addresses = address = servers;
    capacity = tickets;
    replicas = count;
    if (ax_cluster_open_redis(&(ax_redis_options){ .servers = servers }, &cluster) != AX_OK ||
        ax_event_open(cluster, "stress", capacity, NULL, &starter) != AX_OK)
        _exit(70);
    while (ax_event_audit(starter, &figures) != AX_OK)
        usleep(1000);
}

static void try_another_server(void)
{
    const char *comma = strchr(address, ',');
    address = comma != NULL ? comma + 1 : addresses;
    redisFree(connection);
    connection = NULL;
}

/* A broken connection is made again, to the same server if it is still there. */
static void reconnect(void)
{
    char host[64];
    snprintf(host, sizeof host, "%.*s", (int)strcspn(address, ":"), address);
    if (connection != NULL)
        redisFree(connection);
    connection = redisConnect(host, atoi(strchr(address, ':') + 1));
    if (connection != NULL && connection->err != 0)
        try_another_server();
}

/* Until a master answers. */
static redisReply *ask(char *command, int length)
{
    for (;;) {
        void *reply = NULL;
        if (connection == NULL || connection->err != 0)
            reconnect();
        if (connection != NULL && redisAppendFormattedCommand(connection, command, (size_t)length) == REDIS_OK &&
            redisGetReply(connection, &reply) == REDIS_OK) {
            const redisReply *answer = reply;
            if (answer->type != REDIS_REPLY_ERROR) {
                free(command);
                return reply;
            }
            if (strncmp(answer->str, "READONLY", 8) == 0)
                try_another_server();
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

static void wait_for_replicas(void)
{
    for (bool enough = false; !enough;) {
        char *command;
        int length = redisFormatCommand(&command, "WAIT %u 1000", replicas);
        redisReply *reply = ask(command, length);
        enough = reply->integer >= replicas;
        freeReplyObject(reply);
    }
}

static int64_t wait_anew_sell(const ax_order *order)
{
    pthread_mutex_lock(&mutex);
    int64_t ticket = ticket_of(order);
    while (ticket < 0 && ticket != CLUSTER_NONE) {
        if (next == hi && !lease()) {
            ticket = CLUSTER_NONE;
        } else {
            untold[0] = *order;
            next++;
            commit();
            wait_for_replicas();
            ticket = ticket_of(order); /* none if the lease was gone */
        }
    }
    pthread_mutex_unlock(&mutex);
    return ticket;
}

const struct cluster_kind cluster_ack_first = { "broken-ack-first", clients_open, ack_first_sell };
const struct cluster_kind cluster_no_fence = { "broken-no-fence", clients_open, no_fence_sell };
const struct cluster_kind cluster_wait_anew = { "broken-wait-anew", clients_open, wait_anew_sell };

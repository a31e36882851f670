/* SPDX-License-Identifier: MIT */
/* clients.h: what the tests against real servers share. */
#ifndef TESTS_CLUSTER_CLIENTS_H
#define TESTS_CLUSTER_CLIENTS_H

#include <atomicx/cluster.h>

#include <hiredis/hiredis.h>

#include <stdbool.h>

#include "../check.h"
#include "redis_server.h"

static ax_cluster *open_cluster(const char *servers, uint32_t replicas)
{
    ax_cluster *cluster;
    CHECK_FATAL(ax_cluster_open_redis(&(ax_redis_options){ .servers = servers, .replicas = replicas, .answer_ms = 500 },
                                      &cluster) == AX_OK);
    return cluster;
}

static ax_event *open_event(ax_cluster *cluster, const char *name, uint32_t capacity)
{
    ax_event *event;
    CHECK_FATAL(ax_event_open(cluster, name, capacity, NULL, &event) == AX_OK);
    return event;
}

static bool says(const struct redis_server *server, const char *command, const char *wanted)
{
    redisReply *reply = redis_server_ask(server, command);
    bool has = reply != NULL && reply->str != NULL && strstr(reply->str, wanted) != NULL;
    freeReplyObject(reply);
    return has;
}

static void wait_until(const struct redis_server *server, const char *command, const char *wanted)
{
    while (!says(server, command, wanted))
        usleep(2000);
}

/* Buys with this order until it is known whether it did. */
static uint32_t settle(ax_event *event, const ax_order *order)
{
    uint32_t number = AX_EVENT_MAX_CAPACITY;
    ax_status status;
    do
        status = ax_event_sell(event, order, 1000, &number);
    while (status == AX_ETIMEDOUT || status == AX_EAGAIN);
    CHECK_EQ(status, AX_OK);
    return number;
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * cluster_servers.h: a master and its replicas, and what befalls them while tickets are sold: the master is killed
 * and comes back; or it is killed and a replica that had fallen behind is promoted in its place.
 */
#ifndef STRESS_CLUSTER_SERVERS_H
#define STRESS_CLUSTER_SERVERS_H

#include <atomicx/cluster.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "redis_server.h"

enum { CLUSTER_REPLICAS = 4 };

struct cluster_servers {
    uint32_t replicas, sales;       /* sales: how many answers are expected in all, to spread what befalls over them */
    uint64_t kills, failovers;      /* how often each is to happen */
    char addresses[(CLUSTER_REPLICAS + 1) * 24]; /* as ax_redis_options wants them */
    atomic_ulong answered;          /* raised by the tills */
    atomic_ulong killed, failed_over; /* how often it has happened */

    /* cluster_servers.c's own */
    struct redis_server server[CLUSTER_REPLICAS + 1];
    atomic_uint master;
    atomic_ulong changes; /* odd while a failover is going on */
    atomic_int ready;     /* 1: the servers answer; -1: there are none */
    atomic_bool stop;
    pthread_t thread;
};

/* With replicas, sales, kills and failovers filled in. Returns when the servers answer, or why there are none. */
const char *cluster_servers_start(struct cluster_servers *servers);

/* After the last call of the others. Safe after a start that failed. */
void cluster_servers_stop(struct cluster_servers *servers);

/*
 * The ticket of an order for good: the master has it and all replicas have, so that no failover forgets it. -1: there
 * is none for good. Waits for servers that are being replaced.
 */
int64_t cluster_servers_look_up(struct cluster_servers *servers, const ax_order *order);

#endif

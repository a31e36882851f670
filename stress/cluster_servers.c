/* SPDX-License-Identifier: MIT */
#include "cluster_servers.h"

#include <hiredis/hiredis.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAG_MS = 300 };

static void must_restart(struct redis_server *server)
{
    if (redis_server_restart(server))
        return;
    fprintf(stderr, "cluster: a server does not come back\n");
    _exit(70);
}

/*
 * And has all of it in its file: after a full synchronisation a replica writes a fresh one in the background, and until
 * that is done, what it acknowledges is in none that a restart would read (Redis 7.0, restartAOFAfterSYNC).
 */
static void wait_until_it_follows(const struct redis_server *replica)
{
    for (bool follows = false; !follows; redis_server_nap(2)) {
        redisReply *reply = redis_server_ask(replica, "INFO");
        follows = reply != NULL && reply->str != NULL && strstr(reply->str, "master_link_status:up") != NULL &&
                  strstr(reply->str, "aof_rewrite_in_progress:0") != NULL && strstr(reply->str, "aof_rewrite_scheduled:0") != NULL;
        freeReplyObject(reply);
    }
}

/* Time for sellers that don't wait for the replicas to sell on. Those that do can't, and lose this time. */
static void let_sales_happen(const struct cluster_servers *servers)
{
    unsigned long enough = atomic_load(&servers->answered) + 8;
    for (int waited = 0; waited < LAG_MS && atomic_load(&servers->answered) < enough; waited++)
        redis_server_nap(1);
}

/*
 * The heir stops, so that it has less and less of what the master has. Then all connections to the master break, when
 * sellers are between a commit and the replicas' word for it. Then the master dies, and so does the heir, with what
 * was still on its way to it; the heir comes back as the master.
 */
static void fail_over(struct cluster_servers *servers)
{
    unsigned count = servers->replicas + 1, old = atomic_load(&servers->master), new = (old + 1) % count;
    struct redis_server *master = &servers->server[old], *heir = &servers->server[new];
    kill(heir->process, SIGSTOP);
    let_sales_happen(servers);
    freeReplyObject(redis_server_ask(master, "CLIENT KILL TYPE normal"));
    let_sales_happen(servers);
    redis_server_kill(master);
    redis_server_kill(heir);
    heir->follows = 0;
    must_restart(heir);
    master->follows = heir->port;
    must_restart(master);
    for (unsigned i = 0; i < count; i++) {
        if (i == new)
            continue;
        freeReplyObject(redis_server_ask(&servers->server[i], "REPLICAOF 127.0.0.1 %d", heir->port));
        wait_until_it_follows(&servers->server[i]);
    }
    atomic_store(&servers->master, new);
}

static bool start_all(struct cluster_servers *servers)
{
    size_t length = 0;
    for (uint32_t i = 0; i <= servers->replicas; i++) {
        if (!redis_server_start(&servers->server[i], "always", false))
            return false;
        length += (size_t)snprintf(servers->addresses + length, sizeof servers->addresses - length, "%s127.0.0.1:%d",
                                   i == 0 ? "" : ",", servers->server[i].port);
        if (i == 0)
            continue;
        freeReplyObject(redis_server_ask(&servers->server[i], "REPLICAOF 127.0.0.1 %d", servers->server[0].port));
        wait_until_it_follows(&servers->server[i]);
    }
    return true;
}

/* The next of `times` things that are spread over all sales is due. */
static bool is_due(const struct cluster_servers *servers, uint64_t done, uint64_t times)
{
    return done < times && atomic_load(&servers->answered) >= (done + 1) * servers->sales / (times + 1);
}

/* The servers are this thread's children, and go when it goes. */
static void *nemesis(void *argument)
{
    struct cluster_servers *servers = argument;
    bool fine = start_all(servers);
    atomic_store(&servers->ready, fine ? 1 : -1);
    while (fine && !atomic_load(&servers->stop)) {
        redis_server_nap(1);
        if (is_due(servers, atomic_load(&servers->killed), servers->kills)) {
            struct redis_server *master = &servers->server[atomic_load(&servers->master)];
            redis_server_kill(master);
            must_restart(master);
            atomic_fetch_add(&servers->killed, 1);
        }
        if (is_due(servers, atomic_load(&servers->failed_over), servers->failovers)) {
            atomic_fetch_add(&servers->changes, 1);
            fail_over(servers);
            atomic_fetch_add(&servers->changes, 1);
            atomic_fetch_add(&servers->failed_over, 1);
        }
    }
    for (uint32_t i = 0; i <= servers->replicas; i++)
        if (servers->server[i].port != 0)
            redis_server_stop(&servers->server[i]);
    return NULL;
}

const char *cluster_servers_start(struct cluster_servers *servers)
{
    if (pthread_create(&servers->thread, NULL, nemesis, servers) != 0)
        return "no thread for the servers";
    while (atomic_load(&servers->ready) == 0)
        redis_server_nap(1);
    return atomic_load(&servers->ready) < 0 ? "no redis-server" : NULL;
}

void cluster_servers_stop(struct cluster_servers *servers)
{
    atomic_store(&servers->stop, true);
    if (atomic_load(&servers->ready) != 0)
        pthread_join(servers->thread, NULL);
}

/* What one server has for an order: -1 nothing. False: it doesn't answer. */
static bool has(const struct redis_server *server, const ax_order *order, int64_t *ticket)
{
    redisReply *reply = redis_server_ask(server, "HGET ax:{stress}:orders %b", order, sizeof *order);
    bool answered = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    *ticket = answered && reply->type == REDIS_REPLY_STRING ? atoll(reply->str) : -1;
    freeReplyObject(reply);
    return answered;
}

int64_t cluster_servers_look_up(struct cluster_servers *servers, const ax_order *order)
{
    for (;; redis_server_nap(5)) {
        unsigned long before = atomic_load(&servers->changes);
        int64_t ticket = -1, other;
        bool answered = before % 2 == 0 && has(&servers->server[0], order, &ticket);
        for (uint32_t i = 1; answered && i <= servers->replicas; i++) {
            answered = has(&servers->server[i], order, &other);
            if (other != ticket)
                ticket = -1;
        }
        if (answered && atomic_load(&servers->changes) == before)
            return ticket;
    }
}

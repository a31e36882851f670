/* SPDX-License-Identifier: MIT */
#include "redis_link.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { HOPS = 8 }; /* redirections and loadings for one command */

void axi_link_init(struct axi_link *link, const struct axi_redis_setup *setup)
{
    *link = (struct axi_link){ .setup = setup, .target = setup->servers[0], .next = 1 };
}

static void disconnect(struct axi_link *link)
{
    if (link->context != NULL)
        redisFree(link->context);
    link->context = NULL;
}

void axi_link_fini(struct axi_link *link)
{
    disconnect(link);
}

/* The connection is of no use, or what it is to: the next call tries the next of the servers named. */
static ax_status lost(struct axi_link *link)
{
    disconnect(link);
    link->target = link->setup->servers[link->next++ % link->setup->count];
    return AX_ETIMEDOUT;
}

static bool starts(const redisReply *reply, const char *with)
{
    return strncmp(reply->str, with, strlen(with)) == 0;
}

/* What an error that is no redirection means to the caller. */
static ax_status status_of(struct axi_link *link, const redisReply *error)
{
    static const struct {
        const char *code;
        ax_status status;
    } meanings[] = {
        { "AXCAPACITY ", AX_EINVAL }, { "OOM ", AX_ENOMEM }, { "NOAUTH ", AX_EPERM }, { "WRONGPASS ", AX_EPERM },
        { "NOPERM ", AX_EPERM }, { "ERR Protocol error: unauthenticated ", AX_EPERM },
        /* not now: these pass, or need a person, and then pass */
        { "LOADING ", AX_ETIMEDOUT }, { "TRYAGAIN ", AX_ETIMEDOUT }, { "CLUSTERDOWN ", AX_ETIMEDOUT },
        { "BUSY ", AX_ETIMEDOUT }, { "MISCONF ", AX_ETIMEDOUT }, { "NOREPLICAS ", AX_ETIMEDOUT },
    };
    if (starts(error, "READONLY ") || starts(error, "MASTERDOWN ")) /* a replica: the master is elsewhere */
        return lost(link);
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (starts(error, meanings[i].code))
            return meanings[i].status;
    return AX_ECORRUPT;
}

/* NULL for a connection that broke. */
static redisReply *next_reply(struct axi_link *link)
{
    void *reply;
    return redisGetReply(link->context, &reply) == REDIS_OK ? reply : NULL;
}

/* Where no server listens, on a port that the kernel may also give to a client, it can connect a socket to itself: that would echo
 * our commands, and keep the server from its port. */
static bool is_its_own_peer(int fd)
{
    struct sockaddr_storage here = { 0 }, there = { 0 };
    socklen_t here_size = sizeof here, there_size = sizeof there;
    return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 && here_size == there_size &&
           memcmp(&here, &there, here_size) == 0;
}

static ax_status connect_to_target(struct axi_link *link)
{
    const struct axi_redis_setup *setup = link->setup;
    const struct timeval limit = { setup->answer_ms / 1000, setup->answer_ms % 1000 * 1000 };
    link->context = redisConnectWithTimeout(link->target.host, link->target.port, limit);
    if (link->context == NULL)
        return AX_ENOMEM;
    if (link->context->err != 0 || is_its_own_peer(link->context->fd) || redisSetTimeout(link->context, limit) != REDIS_OK)
        return lost(link);
    if (setup->password == NULL)
        return AX_OK;
    redisReply *reply = redisCommand(link->context, "AUTH %s", setup->password);
    if (reply == NULL)
        return lost(link);
    ax_status status = reply->type == REDIS_REPLY_ERROR ? status_of(link, reply) : AX_OK;
    freeReplyObject(reply);
    if (status != AX_OK)
        disconnect(link);
    return status;
}

static ax_status load_functions(struct axi_link *link)
{
    redisReply *reply = redisCommand(link->context, "FUNCTION LOAD %b", axi_redis_functions, axi_redis_functions_size);
    if (reply == NULL)
        return lost(link);
    /* another client may have loaded it meanwhile */
    bool there = reply->type != REDIS_REPLY_ERROR || strstr(reply->str, "already exists") != NULL;
    ax_status status = there ? AX_OK : status_of(link, reply);
    freeReplyObject(reply);
    return status;
}

/* Once over this connection: command and WAIT together, as WAIT is about what its own connection wrote. */
static ax_status exchange(struct axi_link *link, bool asking, bool durable, int argc, const char **argv,
                          const size_t *lengths, redisReply **reply)
{
    redisContext *context = link->context;
    uint32_t replicas = durable ? link->setup->replicas : 0;
    redisReply *asked = NULL, *waited = NULL;
    if ((asking && redisAppendCommand(context, "ASKING") != REDIS_OK) ||
        redisAppendCommandArgv(context, argc, argv, lengths) != REDIS_OK ||
        (replicas > 0 && redisAppendCommand(context, "WAIT %u %u", replicas, link->setup->answer_ms / 2 + 1) != REDIS_OK))
        return lost(link);
    if (asking)
        asked = next_reply(link);
    *reply = asking && asked == NULL ? NULL : next_reply(link);
    if (*reply != NULL && replicas > 0)
        waited = next_reply(link);
    bool broken = *reply == NULL || (replicas > 0 && waited == NULL);
    bool enough = replicas == 0 || (waited != NULL && waited->type == REDIS_REPLY_INTEGER && waited->integer >= replicas);
    freeReplyObject(asked);
    freeReplyObject(waited);
    if (!broken && (enough || (*reply)->type == REDIS_REPLY_ERROR))
        return AX_OK;
    freeReplyObject(*reply);
    *reply = NULL;
    return broken ? lost(link) : AX_ETIMEDOUT;
}

/* "MOVED 3999 127.0.0.1:6381"; without a host it is the one asked. */
static bool parse_redirection(struct axi_link *link, const redisReply *error)
{
    const char *address = strrchr(error->str, ' ') + 1;
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon - address >= AXI_HOST)
        return false;
    if (colon > address) {
        memcpy(link->target.host, address, (size_t)(colon - address));
        link->target.host[colon - address] = '\0';
    }
    link->target.port = atoi(colon + 1);
    return true;
}

static ax_status call(struct axi_link *link, bool durable, int argc, const char **argv, const size_t *lengths,
                      redisReply **reply)
{
    struct axi_address home = link->target;
    bool asking = false; /* the slot is on its way to the target: this command only, and home again */
    for (int hop = 0; hop < HOPS; hop++) {
        ax_status status = link->context != NULL ? AX_OK : connect_to_target(link);
        redisReply *got = NULL;
        if (status == AX_OK)
            status = exchange(link, asking, durable, argc, argv, lengths, &got);
        if (status != AX_OK)
            return status;
        bool moved = false, missing = false;
        if (got->type == REDIS_REPLY_ERROR) {
            bool ask = starts(got, "ASK ");
            moved = ask || starts(got, "MOVED ");
            missing = strstr(got->str, "Function not found") != NULL;
            if (ask && !asking)
                home = link->target;
            asking = ask || (asking && missing);
        }
        if (moved) {
            disconnect(link);
            status = parse_redirection(link, got) ? AX_OK : AX_ECORRUPT;
        } else if (missing) {
            status = load_functions(link);
        } else if (asking) {
            disconnect(link);
            link->target = home;
        }
        if (!moved && !missing && got->type != REDIS_REPLY_ERROR) {
            *reply = got;
            return AX_OK;
        }
        if (!moved && !missing)
            status = status_of(link, got);
        freeReplyObject(got);
        if (status != AX_OK)
            return status;
    }
    return AX_ETIMEDOUT;
}

ax_status axi_link_call(struct axi_link *link, bool durable, int argc, const char **argv, const size_t *lengths,
                        redisReply **reply)
{
    /* Writing to a closed connection raises SIGPIPE in this thread, whose owner must not get it. */
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    bool theirs = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ax_status status = call(link, durable, argc, argv, lengths, reply);
    if (!theirs) {
        const struct timespec at_once = { 0, 0 };
        while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

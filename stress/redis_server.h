/* SPDX-License-Identifier: MIT */
/**
 * redis_server.h: Redis servers of one's own, for tests, stress and benchmarks: on free loopback ports, in a
 * folder of their own, gone with the process that started them, however that ends. Called from the main thread.
 */
#ifndef STRESS_REDIS_SERVER_H
#define STRESS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct redisReply;

struct redis_server {
    pid_t process; /* 0: not running */
    int port;
    bool cluster;  /* a node of a Redis Cluster */
    int follows;   /* the port of the master whose replica it starts as; 0: it starts as a master */
    char folder[64];
    pid_t keeper;  /* who removes it; 0: nobody has to */
    int lifeline;  /* what tells the keeper that we are gone */
    const char *appendfsync; /* always, everysec, no */
};

/* A new server, answering when this returns. False (and a sentence on stderr): it could not be had. */
bool redis_server_start(struct redis_server *server, const char *appendfsync, bool cluster);

/* kill -9, and the same data on the same port again, loaded when this returns; as a replica if it follows one. */
void redis_server_kill(struct redis_server *server);
bool redis_server_restart(struct redis_server *server);

/* kill -9, and its folder is removed. */
void redis_server_stop(struct redis_server *server);

/* Sleeps, for those who wait for a server to come to it. */
void redis_server_nap(int ms);

/* One command (redisCommand's format) on a connection of its own; NULL when there was no answer. Freed by freeReplyObject. */
struct redisReply *redis_server_ask(const struct redis_server *server, const char *format, ...);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * cluster [--quick]: durable acknowledged sales per second of one process, over a Redis of its own on this machine: ours,
 * by threads, block and orders under way in each thread, against one ticket per round trip (a DECR by each thread).
 * Each line is a run of its own, and its p99 is over all sales: from the order to the answer. Reports, judges nothing.
 */
#include <atomicx/cluster.h>

#include <hiredis/hiredis.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "redis_server.h"

enum { PATIENT = 60000, MOST_UNDER_WAY = 256 };

struct run {
    const char *fsync;
    int threads, under_way;
    uint32_t block; /* 0: one ticket per round trip */
    double seconds;
};

struct worker {
    pthread_t thread;
    const struct run *run;
    ax_event *event;
    int port;
    uint64_t end_ns, sales, room;
    uint32_t *waited_us;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "cluster: %s\n", what);
    exit(70);
}

static void note(struct worker *self, uint64_t begun_ns)
{
    if (self->sales == self->room) {
        self->room = self->room == 0 ? 4096 : self->room * 2;
        self->waited_us = realloc(self->waited_us, self->room * sizeof *self->waited_us);
        require(self->waited_us != NULL, "no memory");
    }
    self->waited_us[self->sales++] = (uint32_t)((now_ns() - begun_ns) / 1000);
}

/* Orders under way are a ring: the oldest is awaited, and another one takes its place. */
static void *sell(void *argument)
{
    struct worker *self = argument;
    ax_sale *sale[MOST_UNDER_WAY];
    uint64_t begun[MOST_UNDER_WAY];
    int under_way = self->run->under_way;
    ax_order order;
    require(ax_order_make(&order) == AX_OK, "no random numbers");
    for (uint64_t i = 0;; i++) {
        int place = (int)(i % (uint64_t)under_way);
        uint32_t number;
        if (i >= (uint64_t)under_way) {
            require(ax_event_await(self->event, sale[place], PATIENT, &number) == AX_OK, "a sale failed");
            note(self, begun[place]);
        }
        begun[place] = now_ns();
        if (begun[place] >= self->end_ns) {
            for (uint64_t rest = i < (uint64_t)under_way ? 0 : i + 1 - (uint64_t)under_way; rest < i; rest++)
                require(ax_event_await(self->event, sale[rest % (uint64_t)under_way], PATIENT, &number) == AX_OK, "a sale failed");
            return NULL;
        }
        memcpy(order.id, &i, sizeof i); /* the rest of it is this thread's */
        require(ax_event_order(self->event, &order, &sale[place]) == AX_OK, "an order was refused");
    }
}

static void *round_trips(void *argument)
{
    struct worker *self = argument;
    redisContext *context = redisConnect("127.0.0.1", self->port);
    require(context != NULL && context->err == 0, "no connection");
    for (uint64_t begun = now_ns(); begun < self->end_ns; begun = now_ns()) {
        redisReply *reply = redisCommand(context, "DECR left");
        require(reply != NULL && reply->type == REDIS_REPLY_INTEGER, "no ticket");
        freeReplyObject(reply);
        note(self, begun);
    }
    redisFree(context);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void measure(const struct run *run)
{
    struct redis_server server;
    ax_cluster *cluster = NULL;
    ax_event *event = NULL;
    char address[32];
    require(redis_server_start(&server, run->fsync, false), "no redis-server");
    snprintf(address, sizeof address, "127.0.0.1:%d", server.port);
    if (run->block != 0) {
        const ax_event_options options = { .block = run->block, .waiting = (uint32_t)(run->threads * run->under_way) };
        require(ax_cluster_open_redis(&(ax_redis_options){ .servers = address, .answer_ms = PATIENT }, &cluster) == AX_OK &&
                ax_event_open(cluster, "bench", AX_EVENT_MAX_CAPACITY, &options, &event) == AX_OK, "no event");
    }
    struct worker *worker = calloc((size_t)run->threads, sizeof *worker);
    require(worker != NULL, "no memory");
    uint64_t begun = now_ns(), sales = 0;
    for (int i = 0; i < run->threads; i++) {
        worker[i] = (struct worker){ .run = run, .event = event, .port = server.port,
                                     .end_ns = begun + (uint64_t)(run->seconds * 1e9) };
        require(pthread_create(&worker[i].thread, NULL, run->block != 0 ? sell : round_trips, &worker[i]) == 0, "no thread");
    }
    for (int i = 0; i < run->threads; i++) {
        pthread_join(worker[i].thread, NULL);
        sales += worker[i].sales;
    }
    double seconds = (double)(now_ns() - begun) / 1e9;
    uint32_t *all = malloc((sales + 1) * sizeof *all);
    require(all != NULL, "no memory");
    uint64_t count = 0;
    for (int i = 0; i < run->threads; i++) {
        if (worker[i].sales > 0)
            memcpy(all + count, worker[i].waited_us, worker[i].sales * sizeof *all);
        count += worker[i].sales;
        free(worker[i].waited_us);
    }
    qsort(all, count, sizeof *all, by_size);
    char block[16] = "-";
    if (run->block != 0)
        snprintf(block, sizeof block, "%" PRIu32, run->block);
    printf("| %s | %s | %s | %d | %d | %.0f | %.2f | %.2f |\n", run->block != 0 ? "ax_event" : "DECR", run->fsync, block,
           run->threads, run->under_way, (double)sales / seconds, count > 0 ? all[count / 2] / 1e3 : 0,
           count > 0 ? all[count - 1 - count / 100] / 1e3 : 0);
    fflush(stdout);
    free(all);
    free(worker);
    if (event != NULL)
        ax_event_close(event, PATIENT);
    ax_cluster_close(cluster);
    redis_server_stop(&server);
}

int main(int argc, char **argv)
{
    static const struct run runs[] = {
        { "always", 1, 1, 0, 3 },       { "always", 64, 1, 0, 3 },        { "always", 1, 1, 4096, 3 },
        { "always", 64, 1, 4096, 3 },   { "always", 512, 1, 4096, 3 },    { "always", 64, 64, 64, 3 },
        { "always", 64, 64, 1024, 3 },  { "always", 64, 64, 16384, 3 },   { "always", 16, 256, 16384, 3 },
        { "always", 4, 256, 65536, 3 }, { "everysec", 1, 1, 0, 3 },       { "everysec", 64, 1, 0, 3 },
        { "everysec", 64, 1, 4096, 3 }, { "everysec", 64, 64, 16384, 3 }, { "everysec", 4, 256, 65536, 3 },
    };
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    if (argc > 2 || (argc == 2 && !quick)) {
        fprintf(stderr, "usage: cluster [--quick]\n");
        return 2;
    }
    printf("| seller | appendfsync | block | threads | orders under way in each | sales a second | median ms | p99 ms |\n"
           "|---|---|--:|--:|--:|--:|--:|--:|\n");
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct run run = runs[i];
        if (quick)
            run.seconds = 0.1;
        measure(&run);
    }
    return 0;
}

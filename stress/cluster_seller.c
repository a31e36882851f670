/* SPDX-License-Identifier: MIT */
/* cluster_seller.c: the process that sells, and that is killed. An answer is one write to a pipe: told, or not. */
#include "cluster.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static ax_event *event;

static void ours_open(const char *servers, uint32_t capacity, uint32_t replicas)
{
    ax_cluster *cluster;
    const ax_event_options options = { .block = 64, .lease_ms = CLUSTER_LEASE_MS };
    if (ax_cluster_open_redis(&(ax_redis_options){ .servers = servers, .replicas = replicas, .answer_ms = 2000 }, &cluster) != AX_OK ||
        ax_event_open(cluster, "stress", capacity, &options, &event) != AX_OK)
        _exit(70);
}

/* As a buyer does: by the same order, until there is an answer. */
static int64_t ours_sell(const ax_order *order)
{
    uint32_t number;
    for (;;) {
        ax_status status = ax_event_sell(event, order, CLUSTER_PATIENCE_MS, &number);
        if (status == AX_OK)
            return number;
        if (status == AX_ESOLDOUT)
            return CLUSTER_NONE;
        if (status != AX_EAGAIN && status != AX_ETIMEDOUT) {
            fprintf(stderr, "ax_event_sell: %s\n", ax_strerror(status));
            _exit(70);
        }
        usleep(1000);
    }
}

const struct cluster_kind cluster_ours = { "ours", ours_open, ours_sell };

/* As ours, told that there are no replicas. What the next master does not have is sold again. */
static void wait_none_open(const char *servers, uint32_t capacity, uint32_t replicas)
{
    (void)replicas;
    ours_open(servers, capacity, 0);
}

const struct cluster_kind cluster_wait_none = { "broken-wait-none", wait_none_open, ours_sell };

static const struct cluster_kind *selling;

static void *sell_until_the_end(void *none)
{
    struct cluster_request request;
    /* requests are shorter than PIPE_BUF: each is read whole, by one thread */
    while (read(STDIN_FILENO, &request, sizeof request) == (ssize_t)sizeof request) {
        const struct cluster_answer answer = { request.purchase, selling->sell(&request.order) };
        if (write(STDOUT_FILENO, &answer, sizeof answer) != (ssize_t)sizeof answer)
            _exit(70);
    }
    return none;
}

int cluster_seller(const struct cluster_kind *kind, const char *servers, uint32_t capacity, uint32_t threads, uint32_t replicas)
{
    pthread_t *thread = calloc(threads, sizeof *thread);
    selling = kind;
    if (thread == NULL)
        return 70;
    kind->open(servers, capacity, replicas);
    for (uint32_t i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, sell_until_the_end, NULL) != 0)
            return 70;
    for (uint32_t i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    free(thread);
    if (event != NULL)
        ax_event_close(event, CLUSTER_PATIENCE_MS);
    return 0;
}

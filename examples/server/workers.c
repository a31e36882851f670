/* SPDX-License-Identifier: MIT */
/*
 * A pool of threads and a queue. The queue needs no bound of its own: a request is in it at most once, and there
 * is one request at a time for each connection.
 */
#include <atomicx/lock.h>

#include <pthread.h>
#include <stdlib.h>

#include "server.h"

struct workers {
    ax_mutex lock;
    pthread_cond_t changed;
    struct request *first AX_MEMBER_GUARDED_BY(lock);
    struct request **last AX_MEMBER_GUARDED_BY(lock);
    bool stopping AX_MEMBER_GUARDED_BY(lock);
    void (*done)(struct request *request);
    size_t count;
    pthread_t threads[];
};

/* The next request, or NULL when there will be none. */
static struct request *take(struct workers *workers)
{
    struct request *request = NULL;
    AX_WITH_LOCK(&workers->lock) {
        while (!workers->first && !workers->stopping)
            (void)ax_mutex_wait(&workers->lock, &workers->changed, NULL);
        request = workers->first;
        if (request && !(workers->first = request->next))
            workers->last = &workers->first;
    }
    return request;
}

static void *work(void *argument)
{
    struct workers *workers = argument;
    struct request *request;
    while ((request = take(workers))) {
        request->route->by_worker(request->server, request, &request->answer);
        workers->done(request);
    }
    return NULL;
}

struct workers *workers_create(int64_t count, void (*done)(struct request *request))
{
    struct workers *workers = calloc(1, sizeof *workers + (size_t)count * sizeof workers->threads[0]);
    if (!workers)
        return NULL;
    (void)ax_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->changed, NULL);
    workers->last = &workers->first;
    workers->done = done;
    while (workers->count < (size_t)count && pthread_create(&workers->threads[workers->count], NULL, work, workers) == 0)
        workers->count++;
    if (workers->count > 0)
        return workers;
    workers_stop(workers);
    return NULL;
}

void workers_add(struct workers *workers, struct request *request)
{
    request->next = NULL;
    AX_WITH_LOCK(&workers->lock) {
        *workers->last = request;
        workers->last = &request->next;
    }
    pthread_cond_signal(&workers->changed);
}

void workers_stop(struct workers *workers)
{
    if (!workers)
        return;
    AX_WITH_LOCK(&workers->lock)
        workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    for (size_t i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->changed);
    (void)ax_mutex_fini(&workers->lock);
    free(workers);
}

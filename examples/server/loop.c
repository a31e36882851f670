/* SPDX-License-Identifier: MIT */
/*
 * The threads that run libmicrohttpd's event loops.
 *
 * Ours and not its own, for two faults of 0.9.75. To quiesce a loop from outside can meet it at the same work, which ends
 * the process; one that is parked does nothing. And when epoll_wait has filled all the places there are, it asks for more,
 * and waits for it as long as the first time: 128 requests that come together lie there until something else happens.
 * So a loop with that many connections doesn't wait for long.
 */
#include <microhttpd.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server.h"

enum {
    PLACES = 128,     /* in libmicrohttpd's call of epoll_wait; two may be for its listening socket and for its own words */
    LONGEST_MS = 100, /* until an order is seen */
    CROWDED_MS = 1,
};

enum { RUN, PARK, END };

struct loop {
    struct MHD_Daemon *daemon;
    _Atomic int order; /* relaxed: what else the two threads know of each other goes through the semaphores and the join */
    sem_t parked, resumed;
    pthread_t thread;
};

static void wait_for(sem_t *word)
{
    while (sem_wait(word) != 0) /* a signal */
        ;
}

static void *run(void *argument)
{
    struct loop *loop = argument;
    int order;
    while ((order = atomic_load_explicit(&loop->order, memory_order_relaxed)) != END) {
        if (order == PARK) {
            (void)sem_post(&loop->parked);
            wait_for(&loop->resumed);
        } else {
            unsigned connections = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
            (void)MHD_run_wait(loop->daemon, connections + 2 < PLACES ? LONGEST_MS : CROWDED_MS);
        }
    }
    return NULL;
}

struct loop *loop_start(struct MHD_Daemon *daemon)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    loop->daemon = daemon;
    if (sem_init(&loop->parked, 0, 0) == 0 && sem_init(&loop->resumed, 0, 0) == 0 &&
        pthread_create(&loop->thread, NULL, run, loop) == 0)
        return loop;
    free(loop);
    return NULL;
}

struct MHD_Daemon *loop_daemon(struct loop *loop)
{
    return loop->daemon;
}

void loop_park(struct loop *loop)
{
    atomic_store_explicit(&loop->order, PARK, memory_order_relaxed);
}

void loop_parked(struct loop *loop)
{
    wait_for(&loop->parked);
}

void loop_resume(struct loop *loop)
{
    atomic_store_explicit(&loop->order, RUN, memory_order_relaxed);
    (void)sem_post(&loop->resumed);
}

void loop_end(struct loop *loop)
{
    atomic_store_explicit(&loop->order, END, memory_order_relaxed);
}

struct MHD_Daemon *loop_ended(struct loop *loop)
{
    struct MHD_Daemon *daemon = loop->daemon;
    (void)pthread_join(loop->thread, NULL);
    (void)sem_destroy(&loop->parked);
    (void)sem_destroy(&loop->resumed);
    free(loop);
    return daemon;
}

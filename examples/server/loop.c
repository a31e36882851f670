/* SPDX-License-Identifier: MIT */
/*
 * The threads that run libmicrohttpd's event loops.
 *
 * Ours and not its own, for two faults of 0.9.75. To quiesce a loop from outside can meet it at the same work, which ends
 * the process; one that is parked does nothing. And when epoll_wait has filled all the places there are, it asks for more,
 * and waits for it as long as the first time: 128 requests that come together lie there until something else happens.
 * So a loop with that many connections doesn't wait for long.
 *
 * A daemon without a thread of its own has nothing to be woken by when one of its connections is resumed. So we put an
 * eventfd into its epoll set, without a pointer: libmicrohttpd passes over such an event (in 1.0.1, too), and MHD_run_wait
 * returns. Edge-triggered, each write to it is one, and nobody need read it.
 */
#include <microhttpd.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server.h"

enum {
    PLACES = 128, /* in libmicrohttpd's call of epoll_wait; two may be for its listening socket and for our eventfd */
    CROWDED_MS = 1
};

enum { RUN, PARK, END };

static _Thread_local struct loop *mine;

struct loop {
    struct MHD_Daemon *daemon;
    _Atomic int order; /* relaxed: what else the two threads know of each other goes through the semaphores and the join */
    sem_t parked, resumed;
    int wake;
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
    mine = loop;
    while ((order = atomic_load_explicit(&loop->order, memory_order_relaxed)) != END) {
        if (order == PARK) {
            (void)sem_post(&loop->parked);
            wait_for(&loop->resumed);
        } else {
            unsigned connections = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
            (void)MHD_run_wait(loop->daemon, connections + 2 < PLACES ? -1 : CROWDED_MS);
        }
    }
    return NULL;
}

struct loop *loop_mine(void)
{
    return mine;
}

void loop_wake(struct loop *loop)
{
    (void)eventfd_write(loop->wake, 1);
}

static void tell(struct loop *loop, int order)
{
    atomic_store_explicit(&loop->order, order, memory_order_relaxed);
    loop_wake(loop);
}

struct loop *loop_start(struct MHD_Daemon *daemon)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    loop->daemon = daemon;
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int epoll = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    struct epoll_event word = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };
    if (loop->wake >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, loop->wake, &word) == 0 &&
        sem_init(&loop->parked, 0, 0) == 0 && sem_init(&loop->resumed, 0, 0) == 0 &&
        pthread_create(&loop->thread, NULL, run, loop) == 0)
        return loop;
    if (loop->wake >= 0)
        close(loop->wake);
    free(loop);
    return NULL;
}

struct MHD_Daemon *loop_daemon(struct loop *loop)
{
    return loop->daemon;
}

void loop_park(struct loop *loop)
{
    tell(loop, PARK);
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
    tell(loop, END);
}

struct MHD_Daemon *loop_ended(struct loop *loop)
{
    struct MHD_Daemon *daemon = loop->daemon;
    (void)pthread_join(loop->thread, NULL);
    (void)sem_destroy(&loop->parked);
    (void)sem_destroy(&loop->resumed);
    close(loop->wake);
    free(loop);
    return daemon;
}

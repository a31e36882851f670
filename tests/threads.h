/* SPDX-License-Identifier: MIT */
/* threads.h: start n threads together on one function, join them. Workers spin on a start line, so that
 * the first ones don't finish before the last ones exist. And until when they wait for each other. */
#ifndef TESTS_THREADS_H
#define TESTS_THREADS_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "check.h"

#define THREADS_MAX 256

struct thread_group {
    void (*body)(int index, void *arg);
    void *arg;
    int count;
    atomic_int waiting;
};

struct thread_seat {
    struct thread_group *group;
    int index;
};

static inline void *thread_group_main(void *arg)
{
    struct thread_seat *seat = arg;
    struct thread_group *group = seat->group;
    atomic_fetch_sub(&group->waiting, 1);
    while (atomic_load(&group->waiting) > 0)
        sched_yield();
    group->body(seat->index, group->arg);
    return NULL;
}

static inline void run_threads(int count, void (*body)(int index, void *arg), void *arg)
{
    struct thread_group group = { .body = body, .arg = arg, .count = count };
    struct thread_seat seats[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    CHECK_FATAL(count <= THREADS_MAX);
    atomic_init(&group.waiting, count);
    for (int i = 0; i < count; i++) {
        seats[i] = (struct thread_seat){ &group, i };
        CHECK_FATAL(pthread_create(&threads[i], NULL, thread_group_main, &seats[i]) == 0);
    }
    for (int i = 0; i < count; i++)
        CHECK_FATAL(pthread_join(threads[i], NULL) == 0);
}

/* So long from now, by CLOCK_MONOTONIC. */
static inline struct timespec in_ms(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

#endif

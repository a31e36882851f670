/* SPDX-License-Identifier: MIT */
/* Starts two or three threads and waits for them. */
#ifndef COURSE_THREADS_H
#define COURSE_THREADS_H

#include <pthread.h>

static inline void run_all(void *(*const bodies[])(void *), int count)
{
    pthread_t threads[4];
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, bodies[i], NULL);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

#define RUN(...)                                                             \
    do {                                                                     \
        void *(*const bodies_[])(void *) = { __VA_ARGS__ };                  \
        run_all(bodies_, (int)(sizeof bodies_ / sizeof *bodies_));           \
    } while (0)

#endif

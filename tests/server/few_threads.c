/* SPDX-License-Identifier: MIT */
/* few_threads.c: preloaded, a process in which no more than AX_THREADS threads can be made. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    static _Atomic int made;
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return atomic_fetch_add(&made, 1) < atoi(getenv("AX_THREADS")) ? real(thread, attributes, run, argument) : EAGAIN;
}

/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "latency.h"

struct run {
    const struct bench_case *subject;
    uint64_t n;
    int threads;
    _Alignas(128) atomic_int arrived;
};

struct worker {
    struct run *run;
    struct track *track;
    int index;
};

static cpu_set_t allowed; /* to the whole program */
static _Thread_local struct track *track;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t bench_stamp(uint64_t done, uint64_t n)
{
    uint64_t next = done + (n + TRACK_CHUNKS - 1) / TRACK_CHUNKS;
    track_add(track, now(), done);
    latency_resume();
    return next < n ? next : n;
}

int run_cores(void)
{
    if (CPU_COUNT(&allowed) == 0)
        bench_require(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
    return CPU_COUNT(&allowed);
}

/* Who is alone on a core doesn't yield it: it would be gone when the last has come. */
static void pass_gate(struct run *run)
{
    track->arrived = now();
    atomic_fetch_add(&run->arrived, 1);
    while (atomic_load(&run->arrived) < run->threads)
        if (run->threads > run_cores())
            sched_yield();
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct run *run = worker->run;
    track = worker->track;
    track->count = 0;
    bench_require(sched_setaffinity(0, sizeof allowed, &allowed) == 0, "sched_setaffinity");
    pass_gate(run);
    latency_begin(worker->index);
    track_add(track, now(), 0);
    run->subject->work(worker->index, run->n);
    track_add(track, now(), track->at[track->count - 1].done);
    return NULL;
}

/* The next of the allowed cores, and after the last the first. */
static size_t next_core(size_t core)
{
    do
        core = (core + 1) % CPU_SETSIZE;
    while (!CPU_ISSET(core, &allowed));
    return core;
}

static void start(pthread_t *handle, struct worker *worker, size_t core)
{
    cpu_set_t mine;
    pthread_attr_t attributes;
    CPU_ZERO(&mine);
    CPU_SET(core, &mine);
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof mine, &mine);
    int error = pthread_create(handle, &attributes, worker_main, worker);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        fprintf(stderr, "bench: thread %d: %s\n", worker->index, strerror(error));
        exit(70);
    }
}

void run_threads(const struct bench_case *subject, int threads, uint64_t n, struct track *tracks)
{
    struct run run = { .subject = subject, .n = n, .threads = threads };
    static struct worker workers[BENCH_THREADS_MAX];
    static pthread_t handles[BENCH_THREADS_MAX];
    atomic_init(&run.arrived, 0);
    (void)run_cores();
    if (subject->prepare)
        subject->prepare(threads, n);
    size_t core = CPU_SETSIZE - 1;
    for (int i = 0; i < threads; i++) {
        workers[i] = (struct worker){ &run, &tracks[i], i };
        core = next_core(core);
        start(&handles[i], &workers[i], core);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    if (subject->finish)
        subject->finish(threads, n);
}

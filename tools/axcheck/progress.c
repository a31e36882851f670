/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static atomic_bool started;
static atomic_uint_fast64_t done;
static bool terminal, stopping, drawn, only;
static const char *phase, *unit;
static uint64_t total;
static struct timespec began;
static pthread_t ticker;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* all but the first two */
static pthread_cond_t stop = PTHREAD_COND_INITIALIZER;

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static void draw(void)
{
    uint64_t so_far = atomic_load_explicit(&done, memory_order_relaxed);
    double took = seconds_since(&began);
    fprintf(stderr, "%saxcheck: %s", terminal ? "\r" : "", phase);
    if (total > 0) {
        so_far = so_far < total ? so_far : total;
        fprintf(stderr, ", %.0f %% of %" PRIu64 " %s", 100.0 * (double)so_far / (double)total, total, unit);
    }
    if (total > 0 && so_far > 0 && so_far < total)
        fprintf(stderr, ", about %.0f s left", took * (double)(total - so_far) / (double)so_far + 1);
    else
        fprintf(stderr, ", %.0f s so far", took);
    fputs(terminal ? "\033[K" : "\n", stderr);
    drawn = true;
}

static void *tick(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    while (!stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        if (pthread_cond_timedwait(&stop, &mutex, &until) != 0 && !stopping && phase != NULL)
            draw();
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

bool axc_progress_start(bool asked)
{
    terminal = isatty(STDERR_FILENO) == 1;
    if (!terminal && !asked)
        return true;
    if (pthread_create(&ticker, NULL, tick, NULL) != 0)
        return false;
    atomic_store_explicit(&started, true, memory_order_relaxed);
    return true;
}

static void clear(void)
{
    if (drawn && terminal)
        fputs("\r\033[K", stderr);
    drawn = false;
}

void axc_progress_clear(void)
{
    pthread_mutex_lock(&mutex);
    clear();
    pthread_mutex_unlock(&mutex);
}

void axc_progress_stop(void)
{
    if (!atomic_load_explicit(&started, memory_order_relaxed))
        return;
    pthread_mutex_lock(&mutex);
    clear();
    stopping = true;
    pthread_cond_signal(&stop);
    pthread_mutex_unlock(&mutex);
    pthread_join(ticker, NULL);
    atomic_store_explicit(&started, false, memory_order_relaxed);
}

/* The caller holds the mutex. */
static void begin(const char *name, const char *of, uint64_t units)
{
    phase = name;
    unit = of;
    total = units;
    atomic_store_explicit(&done, 0, memory_order_relaxed);
    clock_gettime(CLOCK_MONOTONIC, &began);
    if (!terminal)
        draw();
}

void axc_progress_phase(const char *name, const char *of, uint64_t units)
{
    if (!atomic_load_explicit(&started, memory_order_relaxed))
        return;
    pthread_mutex_lock(&mutex);
    if (!only)
        begin(name, of, units);
    pthread_mutex_unlock(&mutex);
}

void axc_progress_only(const char *name, const char *of, uint64_t units)
{
    if (!atomic_load_explicit(&started, memory_order_relaxed))
        return;
    pthread_mutex_lock(&mutex);
    begin(name, of, units);
    only = true;
    pthread_mutex_unlock(&mutex);
}

void axc_progress_add(uint64_t more)
{
    if (atomic_load_explicit(&started, memory_order_relaxed) && !only)
        atomic_fetch_add_explicit(&done, more, memory_order_relaxed);
}

void axc_progress_only_add(void)
{
    atomic_fetch_add_explicit(&done, 1, memory_order_relaxed);
}

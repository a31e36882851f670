/* SPDX-License-Identifier: MIT */
/*
 * Workers and observers. They are created asleep, woken together, and then spin on the start line until
 * the last one has reached it: a barrier that sleeps lets the first finish before the last begins, and
 * hides races.
 */
#include "rounds.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_DEFAULT 1024
#define STACK_MANY (256u * 1024) /* per thread, when there are more than MANY_THREADS */
#define MANY_THREADS 1024

uint64_t axi_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * AXI_SECOND + (uint64_t)now.tv_nsec;
}

/* Asleep until all threads exist; false: go home. */
static bool wait_for_all(struct axi_stress *stress)
{
    pthread_mutex_lock(&stress->mutex);
    while (!stress->all_created && !stress->called_off)
        pthread_cond_wait(&stress->changed, &stress->mutex);
    bool go = !stress->called_off;
    pthread_mutex_unlock(&stress->mutex);
    return go;
}

static void spin_on_start_line(struct axi_stress *stress)
{
    uint32_t all = stress->run.threads + stress->run.observers;
    /* relaxed: the line orders nothing, so that it can't hide a race */
    if (AX_DETAIL_FETCH_ADD_RELAXED(&stress->lined_up, 1u) + 1 == all)
        AX_DETAIL_STORE_RELAXED(&stress->go, 1u);
    /* With more threads than CPUs the spinners must make room for those still on their way. */
    uint32_t patience = all > stress->cpu_count ? 64 : 65536;
    for (uint32_t i = 1; AX_DETAIL_LOAD_RELAXED(&stress->go) == 0; i++) {
        axi_spin_hint();
        if (i % patience == 0)
            sched_yield();
    }
}

/*
 * Batches grow from an eighth of a percent of the work to the program's limit, so that a short run, too, has
 * many of them. The epoch counts the batches of all workers: when another's was counted between two of
 * mine, it ended while mine was running, and the two overlapped.
 */
static void work(struct axi_thread *thread, ax_stress_worker *self)
{
    struct axi_stress *stress = thread->stress;
    const ax_stress_run *run = &stress->run;
    void (*do_work)(ax_stress_worker *, uint64_t, uint64_t) = axi_declared(run->impl) ? axi_calls_work : run->impl->work;
    uint64_t most = run->program->batch != 0 ? run->program->batch : BATCH_DEFAULT;
    uint64_t size = run->iters / 800 < 16 ? 16 : run->iters / 800;
    if (size > most)
        size = most;
    uint64_t next = 0;
    uint64_t epoch = AX_DETAIL_LOAD_RELAXED(&stress->epoch);
    while (next < run->iters && !axi_stop_asked()) {
        uint64_t end = run->iters - next < size ? run->iters : next + size;
        do_work(self, next, end);
        next = end;
        if (self->log != NULL)
            ax_stress_log_pause_(self->log);
        /* relaxed: statistics for the watching thread; joining orders the final values */
        AX_DETAIL_STORE_RELAXED(&thread->done, next);
        uint64_t now = AX_DETAIL_FETCH_ADD_RELAXED(&stress->epoch, 1u);
        thread->batches++;
        thread->overlaps += now != epoch;
        epoch = now + 1;
    }
}

/* Looks often in the beginning and ever more rarely: a long run pays nothing, a short one is well seen. */
static void observe(struct axi_thread *thread, ax_stress_worker *self)
{
    struct axi_stress *stress = thread->stress;
    struct timespec pause = { .tv_nsec = 2000 };
    uint64_t looks = 0;
    while (AX_DETAIL_LOAD_RELAXED(&stress->observers_stop) == 0) {
        stress->run.impl->observe(self);
        AX_DETAIL_STORE_RELAXED(&thread->done, ++looks);
        if (looks % 64 == 0 && self->log != NULL)
            axi_history_flush(self->log); /* so that whoever reads along need not wait for a whole block */
        if (looks % 512 == 0 && pause.tv_nsec < 64000000)
            pause.tv_nsec *= 2;
        nanosleep(&pause, NULL);
    }
}

static void *thread_main(void *arg)
{
    struct axi_thread *thread = arg;
    struct axi_stress *stress = thread->stress;
    const ax_stress_run *run = &stress->run;
    const ax_stress_impl *impl = run->impl;
    /* Observers' streams lie behind all workers', so that their number doesn't change what workers choose. */
    uint64_t stream = thread->observer ? UINT64_C(1) << 32 | thread->number : thread->number;
    ax_stress_worker self = {
        .run = run, .shared = run->shared, .tally = thread->tally, .thread = thread->number,
        .random = ax_stress_random_at(run->seed, stream),
        .log = axi_history_log(stress, thread->observer ? run->threads + thread->number : thread->number),
    };
    if (!wait_for_all(stress))
        return NULL;
    if (!thread->observer) {
        axi_pin_self(stress, thread->number);
        if (impl->enter != NULL)
            impl->enter(&self);
    }
    if (stress->chaos && !thread->observer)
        axi_chaos_enter(run->seed, thread->number);
    spin_on_start_line(stress);
    thread->begun_ns = axi_now_ns();
    if (thread->observer)
        observe(thread, &self);
    else if (stress->rounds != NULL)
        axi_rounds_work(thread);
    else
        work(thread, &self);
    thread->ended_ns = axi_now_ns();
    if (!thread->observer && impl->leave != NULL)
        impl->leave(&self);

    pthread_mutex_lock(&stress->mutex);
    uint32_t *left = thread->observer ? &stress->observers_left : &stress->workers_left;
    if (--*left == 0)
        pthread_cond_broadcast(&stress->changed);
    pthread_mutex_unlock(&stress->mutex);
    return NULL;
}

static size_t isolated(size_t size)
{
    return (size + AXI_ISOLATION - 1) / AXI_ISOLATION * AXI_ISOLATION;
}

static bool allocate(struct axi_stress *stress)
{
    const ax_stress_run *run = &stress->run;
    size_t worker_size = isolated(run->program->tally_size);
    size_t observer_size = isolated(run->program->observer_tally_size);
    size_t count = (size_t)run->threads + run->observers;
    size_t tallies = run->threads * worker_size + run->observers * observer_size;
    stress->threads = aligned_alloc(AXI_ISOLATION, count * sizeof *stress->threads);
    stress->tallies = aligned_alloc(AXI_ISOLATION, tallies == 0 ? AXI_ISOLATION : tallies);
    if (stress->threads == NULL || stress->tallies == NULL)
        return false;
    memset(stress->threads, 0, count * sizeof *stress->threads);
    memset(stress->tallies, 0, tallies);
    char *tally = stress->tallies;
    for (size_t i = 0; i < count; i++) {
        struct axi_thread *thread = &stress->threads[i];
        thread->stress = stress;
        thread->observer = i >= run->threads;
        thread->number = (uint32_t)(thread->observer ? i - run->threads : i);
        thread->tally = tally;
        tally += thread->observer ? observer_size : worker_size;
    }
    return true;
}

/* The whole team is there, or it is sent home. */
static void announce(struct axi_stress *stress, bool all_created)
{
    pthread_mutex_lock(&stress->mutex);
    stress->all_created = all_created;
    stress->called_off = !all_created;
    pthread_cond_broadcast(&stress->changed);
    pthread_mutex_unlock(&stress->mutex);
}

bool axi_threads_create(struct axi_stress *stress, char *sentence, size_t size)
{
    uint32_t count = stress->run.threads + stress->run.observers;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&stress->mutex, NULL);
    pthread_cond_init(&stress->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    stress->workers_left = stress->run.threads;
    stress->observers_left = stress->run.observers;
    if (!allocate(stress)) {
        snprintf(sentence, size, "--threads %u: no memory for so many", stress->run.threads);
        return false;
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (count > MANY_THREADS)
        pthread_attr_setstacksize(&attributes, STACK_MANY);
    int error = 0;
    while (stress->created < count && error == 0 && !axi_stop_asked()) {
        struct axi_thread *thread = &stress->threads[stress->created];
        error = pthread_create(&thread->id, &attributes, thread_main, thread);
        if (error == 0)
            stress->created++;
    }
    pthread_attr_destroy(&attributes);
    bool all = stress->created == count;
    announce(stress, all);
    if (!all && error != 0)
        snprintf(sentence, size, "--threads %u: this machine let us start %u threads and no more (%s)",
                 stress->run.threads, stress->created, strerror(error));
    else if (!all)
        snprintf(sentence, size, "interrupted before the threads had started");
    return all;
}

void axi_threads_join(struct axi_stress *stress)
{
    for (uint32_t i = 0; i < stress->created; i++)
        pthread_join(stress->threads[i].id, NULL);
    stress->created = 0;
}

void axi_threads_free(struct axi_stress *stress)
{
    free(stress->threads);
    free(stress->tallies);
    free(stress->cpu_order);
    stress->threads = NULL;
    stress->tallies = NULL;
    stress->cpu_order = NULL;
    pthread_cond_destroy(&stress->changed);
    pthread_mutex_destroy(&stress->mutex);
}

void *ax_stress_tally(const ax_stress_run *run, uint32_t thread)
{
    return run->internal->threads[thread].tally;
}

uint64_t ax_stress_ops(const ax_stress_run *run, uint32_t thread)
{
    return run->internal->threads[thread].done;
}

void *ax_stress_observer_tally(const ax_stress_run *run, uint32_t observer)
{
    return run->internal->threads[run->threads + observer].tally;
}

/* SPDX-License-Identifier: MIT */
#include "parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "budget.h"

static size_t wanted; /* 0: as many as cores */

void axc_set_workers(size_t workers)
{
    wanted = workers;
}

enum { WORTH_A_THREAD = 20000 };

size_t axc_workers(size_t operations)
{
    cpu_set_t cores;
    size_t count = operations < WORTH_A_THREAD ? 1 : wanted;
    if (count == 0)
        count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? (size_t)CPU_COUNT(&cores) : 1;
    return count < AXC_MAX_WORKERS ? count : AXC_MAX_WORKERS;
}

struct job {
    void (*work)(void *context, size_t piece, size_t worker);
    void *context;
    size_t pieces;
    atomic_size_t next, workers;
    struct axc_budget *budget;
};

static void *run(void *argument)
{
    struct job *job = argument;
    axc_budget_enter(job->budget);
    size_t worker = atomic_fetch_add_explicit(&job->workers, 1, memory_order_relaxed);
    for (size_t piece; (piece = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed)) < job->pieces;)
        job->work(job->context, piece, worker);
    return NULL;
}

void axc_parallel(size_t workers, size_t pieces, void (*work)(void *context, size_t piece, size_t worker), void *context)
{
    struct job job = {.work = work, .context = context, .pieces = pieces, .budget = axc_budget_current()};
    pthread_t threads[AXC_MAX_WORKERS];
    size_t helpers = workers < pieces ? workers : pieces, started = 0;
    while (started + 1 < helpers && pthread_create(&threads[started], NULL, run, &job) == 0)
        started++;
    run(&job);
    while (started > 0)
        pthread_join(threads[--started], NULL);
}

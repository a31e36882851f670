/* SPDX-License-Identifier: MIT */
/* The job stores of stress/jobs, right and broken, from their own sources: two users of one job. */
#include "../threads.h"

#include "../../../stress/jobs.h"

static const struct jobs_kind *kind;
static void *jobs;
static atomic_int torn;

/* What the harness calls; nothing here does. */
void jobs_enter(ax_stress_worker *self) { (void)self; }
void jobs_work(ax_stress_worker *self, uint64_t begin, uint64_t end) { (void)self, (void)begin, (void)end; }
void jobs_observe(ax_stress_worker *self) { (void)self; }

static bool looks(void *context, const struct job *job)
{
    (void)context;
    if (!job_whole(job))
        store(&torn, 1, relaxed);
    return true;
}
THREAD(updates) { kind->update(jobs, 0); return NULL; }
THREAD(lists) { kind->list(jobs, looks, NULL); return NULL; }
THREAD(removes)
{
    struct job last;
    if (kind->remove(jobs, 0, &last) && !job_whole(&last))
        store(&torn, 1, relaxed);
    return NULL;
}
THREAD(gets)
{
    struct job copy;
    if (kind->get(jobs, 0, &copy) && !job_whole(&copy))
        store(&torn, 1, relaxed);
    return NULL;
}

static void run_on_one_job(const struct jobs_kind *of, void *(*first)(void *), void *(*second)(void *))
{
    kind = of;
    jobs = kind->make();
    assert(kind->create(jobs, 0));
    run2(first, second);
    assert(load(&torn, relaxed) == 0);
    kind->end(jobs);
}
static void two_updates(const struct jobs_kind *of)
{
    struct job job;
    kind = of;
    jobs = kind->make();
    assert(kind->create(jobs, 0));
    run2(updates, updates);
    assert(kind->get(jobs, 0, &job) && job.revision == 2);
    kind->end(jobs);
}

AX_MODEL_BROKEN(broken_unlocked_updates, "data race") { two_updates(broken_unlocked_jobs.extra); }
AX_MODEL_BROKEN(broken_unlocked_get, "data race") { run_on_one_job(broken_unlocked_jobs.extra, updates, gets); }
AX_MODEL_BROKEN(broken_iterate_meets_an_update, "data race") { run_on_one_job(broken_iterated_jobs.extra, updates, lists); }
AX_MODEL_BROKEN(broken_handed_out_updates, "data race") { two_updates(broken_handed_out_jobs.extra); }
AX_MODEL_BROKEN(broken_handed_out_get, "data race") { run_on_one_job(broken_handed_out_jobs.extra, updates, gets); }
AX_MODEL_TEST(broken_handed_out_list_is_right) { run_on_one_job(broken_handed_out_jobs.extra, removes, lists); }

#define RIGHT(store)                                                                                         \
    AX_MODEL_TEST(store##_keeps_two_updates) { two_updates(&jobs_##store); }                                 \
    AX_MODEL_TEST(store##_get_during_an_update) { run_on_one_job(&jobs_##store, updates, gets); }            \
    AX_MODEL_TEST(store##_list_during_an_update) { run_on_one_job(&jobs_##store, updates, lists); }          \
    AX_MODEL_TEST(store##_list_during_a_removal) { run_on_one_job(&jobs_##store, removes, lists); }
RIGHT(mutex)
RIGHT(rwlock)

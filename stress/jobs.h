/* SPDX-License-Identifier: MIT */
/* What the job stores share: what a job is, the operations, and the tallies that must agree with what is left. */
#ifndef STRESS_JOBS_H
#define STRESS_JOBS_H

#include <stdlib.h>
#include <string.h>

#include <atomicx/stress.h>

#define JOB_WORDS 30
#define JOBS_NOT_SHOWN UINT64_MAX

enum { JOBS_GET, JOBS_LIST, JOBS_CREATE, JOBS_UPDATE, JOBS_DELETE, JOBS_STEP };

/* Every word follows from the id and the revision, so that a job of which only a part is written shows. */
struct job {
    uint64_t id, revision;
    uint64_t words[JOB_WORDS];
};

static inline uint64_t job_word(uint64_t id, uint64_t revision, uint64_t i)
{
    return (id * UINT64_C(0x9e3779b97f4a7c15) ^ revision * UINT64_C(0xbf58476d1ce4e5b9)) + i;
}

static inline void job_write(struct job *job, uint64_t id, uint64_t revision)
{
    job->id = id;
    job->revision = revision;
    for (uint64_t i = 0; i < JOB_WORDS; i++)
        job->words[i] = job_word(id, revision, i);
}

static inline bool job_whole(const struct job *job)
{
    for (uint64_t i = 0; i < JOB_WORDS; i++)
        if (job->words[i] != job_word(job->id, job->revision, i))
            return false;
    return true;
}

/* Poisons a job, so that whoever still reads it sees it, and frees it. */
static inline void job_free(struct job *job)
{
    memset(job, 0x5d, sizeof *job);
    free(job);
}

typedef bool jobs_visit(void *context, const struct job *job); /* false: that is enough */

/* Each returns whether it was done. A job begins at revision 0, and each update makes it the next one. */
struct jobs_kind {
    void *(*make)(void);
    void (*end)(void *store);
    bool (*get)(void *store, uint64_t id, struct job *copy);
    bool (*create)(void *store, uint64_t id);
    bool (*update)(void *store, uint64_t id);
    bool (*remove)(void *store, uint64_t id, struct job *last);
    void (*list)(void *store, jobs_visit *visit, void *context);
    bool one_moment; /* what a list shows is the store at one moment */
};

/*
 * The workers' jobs have the ids 0 to keys-1. Each worker has a pair beyond them that nobody else changes:
 * it updates the first, then the second, so at each moment the first is level or one revision ahead.
 */
struct jobs_shared {
    void *store;
    uint64_t keys, pairs;
    uint64_t *known; /* a row for each worker, then for each observer: the newest revision of each pair's jobs it knows */
    uint64_t *shown; /* rows likewise: the revisions in the list being read, JOBS_NOT_SHOWN before */
};

/* What the lists that one thread took showed. */
struct jobs_lists {
    int64_t lists;
    int64_t torn, strays, twice; /* jobs that are not whole, that have nobody's id, jobs of pairs shown twice */
    int64_t missed, stale;       /* jobs of pairs not shown, or in an older revision than this thread knew */
    int64_t uneven;              /* pairs out of step */
};

/* For each id, what this worker did with success; `dropped` sums up the revisions of the jobs it removed. */
struct jobs_tally {
    int64_t *created, *updated, *removed, *dropped;
    int64_t first, second; /* updates of its pair's jobs */
    int64_t torn;          /* jobs it got or removed that were not whole, or another id's */
    struct jobs_lists lists;
};

void jobs_enter(ax_stress_worker *self);
void jobs_work(ax_stress_worker *self, uint64_t begin, uint64_t end);
void jobs_observe(ax_stress_worker *self);

#define JOBS_IMPL(name_, kind_, broken_, about_) \
    { .name = name_, .about = about_, .broken = broken_, .work = jobs_work, .enter = jobs_enter, \
      .observe = jobs_observe, .extra = kind_ }

extern const struct jobs_kind jobs_ours, jobs_ours_walked;   /* jobs_ours.c */
extern const struct jobs_kind jobs_mutex, jobs_rwlock;       /* jobs_chain.c */
extern const ax_stress_impl broken_unlocked_jobs, broken_iterated_jobs, broken_handed_out_jobs; /* stress/broken */

#endif

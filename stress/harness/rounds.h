/* SPDX-License-Identifier: MIT */
/* Declared programs: rounds, the hunt for one that fails, and its shrinking; or one long run with a history. */
#ifndef AXI_STRESS_ROUNDS_H
#define AXI_STRESS_ROUNDS_H

#include "plan.h"

#define AXI_ROUND_OPS 4 /* operations of each thread, unless --ops says otherwise */
#define AXI_TEAM 4      /* threads of a round, at most, unless --round has more */

/*
 * What is known of a failure so far. It is in memory that outlives the process of the rounds, so that a crash is but one
 * way for a round to fail: the parent notes it, and the next child goes on from there.
 */
struct axi_hunt {
    bool failed;          /* a round did, and is being shrunk */
    bool shrunk;          /* and nothing can be left out any more */
    bool alone;           /* one team only: with several nobody knows whose round it was that crashed */
    char crashed[96];     /* what became of the process with several */
    struct axi_plan best; /* the smallest that failed */
    char why[160];
    char drawing[16384];
    uint32_t way, ways;    /* how `best` is made simpler next, of so many */
    uint32_t passed;       /* ways since it failed last */
    uint32_t first_calls;  /* of the round that failed first */
    uint64_t patience;     /* rows of rounds that a simpler plan gets to fail in */
    uint64_t rows;         /* spent on shrinking */
    struct axi_plan plan;  /* what the first team is at */
};

struct axi_rounds;

/* Whether an implementation is declared: calls instead of work. */
static inline bool axi_declared(const ax_stress_impl *impl)
{
    return impl->work == NULL;
}

/* hunt.c; NULL without memory. */
struct axi_hunt *axi_hunt_create(void);
void axi_hunt_destroy(struct axi_hunt *hunt);
/* The plan to try next; false when there is none simpler than the best. */
bool axi_hunt_next(struct axi_hunt *hunt, const ax_stress_run *run, struct axi_plan *plan);
/* A round of this plan failed, in this row of those that tried it. */
void axi_hunt_failed(struct axi_hunt *hunt, const ax_stress_run *run, const struct axi_plan *plan, uint64_t rows,
                     const char *why, const char *drawing);
/* None of so many rows did: the next plan. */
void axi_hunt_passed(struct axi_hunt *hunt, uint64_t rows);
/* The process of the rounds died. False: its verdict is final. */
bool axi_hunt_crashed(struct axi_hunt *hunt, const ax_stress_run *run, const char *sentence);
/* The failure in one sentence; and the round, drawn, with the command that runs it again, to be freed: NULL if none failed. */
void axi_hunt_sentence(const struct axi_hunt *hunt, char *sentence, size_t size);
char *axi_hunt_detail(const struct axi_stress *stress);

/* rounds.c; NULL, or why not. */
const char *axi_rounds_start(struct axi_stress *stress);
/* A worker's part, instead of work. */
void axi_rounds_work(struct axi_thread *thread);
ax_stress_verdict axi_rounds_judge(const struct axi_stress *stress, char *sentence, size_t size);
uint64_t axi_rounds_overlaps(const struct axi_stress *stress); /* rounds with two threads at work at once */
void axi_rounds_free(struct axi_stress *stress);

/* calls.c: the long run of a declared program: setup, work, verdict and teardown. */
const char *axi_calls_setup(ax_stress_run *run);
void axi_calls_work(ax_stress_worker *self, uint64_t begin, uint64_t end);
ax_stress_verdict axi_calls_judge(const ax_stress_run *run, char *sentence, size_t size);
void axi_calls_teardown(ax_stress_run *run);

#endif

/* SPDX-License-Identifier: MIT */
/* What the threads of a round do: chosen by chance, read from --round, or cut down from another. */
#ifndef AXI_STRESS_PLAN_H
#define AXI_STRESS_PLAN_H

#include "internal.h"

enum { AXI_TEAM_MOST = 8, AXI_ROUND_MOST = 16 }; /* threads of a round, operations of each */
_Static_assert(AXI_TEAM_MOST * AXI_ROUND_MOST == AX_STRESS_ROUND, "what is promised to models");

struct axi_planned {
    uint32_t operation;
    uint32_t delay; /* turns of an empty loop before it */
    uint32_t pause; /* in the midst of it, after so many instructions; 0: none */
    uint32_t until; /* the pause ends when the others have done so many operations */
    int64_t arguments[AX_STRESS_ARGUMENTS];
};

struct axi_plan {
    uint32_t threads;
    uint32_t count[AXI_TEAM_MOST];
    bool waits[AXI_TEAM_MOST]; /* begins when another one pauses */
    bool exact;                /* with these pauses and no others */
    struct axi_planned calls[AXI_TEAM_MOST][AXI_ROUND_MOST];
};

/* How many arguments an operation takes. */
uint32_t axi_arguments(const ax_stress_operation *operation);
/* Whether thread `number` of a round may call it, of this implementation and mix. */
bool axi_may_call(const struct axi_stress *stress, uint32_t number, uint32_t operation);
bool axi_has_work(const struct axi_stress *stress, uint32_t number); /* whether it may call anything */
/* The first threads of a round, at most so many, that all have something to do. */
uint32_t axi_team_most(const struct axi_stress *stress, uint32_t most);

/* One operation of thread `number`, chosen by chance; its fresh arguments are counted on from *fresh. */
struct axi_planned axi_plan_call(const struct axi_stress *stress, uint32_t number, ax_stress_random *random, int64_t *fresh);
void axi_plan_choose(const struct axi_stress *stress, uint32_t threads, uint32_t operations, ax_stress_random *random,
                     struct axi_plan *plan);
/* Other delays, the same operations; and without pauses. */
void axi_plan_delay(struct axi_plan *plan, ax_stress_random *random);
/* Other pauses: one or two, each after more than `before` instructions; no call of an operation is known to take more than `longest`. */
void axi_plan_pause(struct axi_plan *plan, uint32_t before, const uint32_t longest[AX_STRESS_OPERATIONS], ax_stress_random *random);
bool axi_plan_pauses(const struct axi_plan *plan); /* whether it has any */

/* A plan as text, as --round has it: "push(1) pop@12+1 | > pop", with a pause
 * after 12 instructions of that pop until 1 other operation was done, and a thread that begins in this pause. What does not fit is left out. */
void axi_plan_text(const ax_stress_program *program, const struct axi_plan *plan, char *text, size_t size);
/* And back: NULL, or why not. */
const char *axi_plan_parse(const struct axi_stress *stress, const char *text, struct axi_plan *plan);

uint32_t axi_plan_calls(const struct axi_plan *plan);   /* of all threads */
uint32_t axi_plan_busy(const struct axi_plan *plan);    /* threads that have any */
uint32_t axi_plan_longest(const struct axi_plan *plan); /* of one thread */
/* No pause waits for more operations than the others have. */
void axi_plan_trim(struct axi_plan *plan);

/* Makes the plan simpler: without a thread, with one doing what two did, without an operation, with a smaller key, without
 * a pause, with fresh arguments counted from 1. These are so many ways, by number; false when there are fewer. */
bool axi_plan_simpler(const ax_stress_run *run, struct axi_plan *plan, uint32_t way);

#endif

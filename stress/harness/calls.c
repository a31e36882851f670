/* SPDX-License-Identifier: MIT */
/* A declared program with --history: all threads on one object, each operation written down for axcheck. */
#include "rounds.h"

#include <stdlib.h>

/* What the program's table lacks, for the one who writes it. */
const char *axi_calls_check(const struct axi_stress *stress)
{
    const ax_stress_program *program = stress->run.program;
    const ax_stress_impl *impl = stress->run.impl;
    if (impl->create == NULL || impl->destroy == NULL)
        return "the implementation has neither work nor create and destroy";
    if (program->operation_count == 0 || program->operation_count > AX_STRESS_OPERATIONS)
        return "a declared program has one to eight operations";
    for (size_t i = 0; i < program->operation_count; i++) {
        const ax_stress_operation *operation = &program->operations[i];
        if ((program->state_size == 0) != (operation->model == NULL && operation->allows == NULL))
            return program->state_size == 0 ? "an operation has a model, which needs a state_size"
                                            : "an operation has no model, and the program a state_size";
        for (int a = 0; a < AX_STRESS_ARGUMENTS; a++) {
            if (operation->takes[a] == AX_STRESS_KEY && program->keys == 0)
                return "an operation takes a key, and the program has no keys";
            if (operation->takes[a] == AX_STRESS_CHOSEN && operation->choose == NULL)
                return "an operation takes what choose returns, and has none";
        }
    }
    return NULL;
}

const char *axi_calls_setup(ax_stress_run *run)
{
    run->shared = run->impl->create(run);
    return run->shared != NULL ? NULL : "the object could not be created";
}

/* Fresh arguments tell who made them: the thread in the upper half, its count in the lower. */
void axi_calls_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const ax_stress_run *run = self->run;
    if (!axi_has_work(run->internal, self->thread))
        return;
    for (uint64_t i = begin; i < end; i++) {
        int64_t fresh = (int64_t)((uint64_t)self->thread << 32 | i * AX_STRESS_ARGUMENTS);
        struct axi_planned call = axi_plan_call(run->internal, self->thread, &self->random, &fresh);
        uint32_t count = axi_arguments(&run->program->operations[call.operation]);
        int64_t values[AX_STRESS_ARGUMENTS + 1];
        for (uint32_t a = 0; a < count; a++)
            values[a] = call.arguments[a];
        uint64_t invoked = ax_stress_invoke(self);
        values[count] = run->impl->calls[call.operation](self->shared, call.arguments);
        ax_stress_answer(self, invoked, call.operation, values, count + 1);
    }
}

ax_stress_verdict axi_calls_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    const char *broken = run->program->invariant != NULL ? run->program->invariant(run->shared) : NULL;
    snprintf(sentence, size, "%s", broken != NULL ? broken : run->program->invariant != NULL
             ? "the invariant holds; axcheck judges the history" : "axcheck judges the history");
    return broken != NULL ? AX_STRESS_VIOLATED : run->program->invariant != NULL ? AX_STRESS_HOLDS : AX_STRESS_INCONCLUSIVE;
}

void axi_calls_teardown(ax_stress_run *run)
{
    run->impl->destroy(run->shared);
}

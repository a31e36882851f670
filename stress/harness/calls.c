/* SPDX-License-Identifier: MIT */
/* A declared program with --history: all threads on one object, each operation written down for axcheck. */
#include "rounds.h"

#include <stdlib.h>

const char *axi_calls_setup(ax_stress_run *run)
{
    run->shared = run->impl->create(run);
    return run->shared != NULL ? NULL : "the object could not be created";
}

/* Fresh arguments tell who made them: the thread in the upper half, its count in the lower. */
void axi_calls_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const ax_stress_run *run = self->run;
    uint32_t *calls = &run->internal->threads[self->thread].calls;
    if (!axi_has_work(run->internal, self->thread))
        return;
    for (uint64_t i = begin; i < end; i++) {
        int64_t fresh = (int64_t)((uint64_t)self->thread << 32 | i * AX_STRESS_ARGUMENTS);
        struct axi_planned call = axi_plan_call(run->internal, self->thread, &self->random, &fresh);
        uint32_t count = axi_arguments(&run->program->operations[call.operation]);
        int64_t values[AX_STRESS_ARGUMENTS + 1];
        for (uint32_t a = 0; a < count; a++)
            values[a] = call.arguments[a];
        AX_DETAIL_STORE_RELAXED(calls, call.operation + 1); /* relaxed: only looked at when nothing moves */
        uint64_t invoked = ax_stress_invoke(self);
        values[count] = run->impl->calls[call.operation](self->shared, call.arguments);
        ax_stress_answer(self, invoked, call.operation, values, count + 1);
        AX_DETAIL_STORE_RELAXED(calls, 0u); /* relaxed: the same */
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

/* SPDX-License-Identifier: MIT */
/*
 * The judge of rounds. Most have an order that is easily found: by the middles of the operations' times. Where that is not
 * one, axcheck's search looks at all others (tools/axcheck/history/search.h), with the program's model in the place of its own.
 *
 * A state is the model's bytes. Without a model it is the calls that led to it, and a step does them all again on
 * an object of its own: that can't be copied.
 */
#include "verdict.h"

#include <stdlib.h>
#include <string.h>

#include "history/rows.h"
#include "history/search.h"

#define STEPS_MOST UINT64_C(2000000) /* of a search: some seconds */
#define CALLS_MOST (AXI_TEAM_MOST * AXI_ROUND_MOST)
#define VALUES (AX_STRESS_ARGUMENTS + 1) /* of a call, in the pool */

struct axi_judge {
    struct axc_history history; /* first, so that a step finds the rest */
    struct axc_model model;
    struct axc_verb verbs[AX_STRESS_OPERATIONS];
    int64_t pool[CALLS_MOST * VALUES];
    const ax_stress_run *run;
    struct axi_plan plan;
    struct axc_op ops[CALLS_MOST];  /* of the round, by their invocation */
    uint32_t middle[CALLS_MOST];    /* the same by the middles of their times */
    struct axc_op part[CALLS_MOST]; /* those that are searched */
    uint32_t count;
    size_t words; /* of a state */
    int64_t *start;
    void *state; /* aligned for anything */
    bool no_memory;
};

static const struct axi_planned *planned(const struct axi_judge *judge, uint32_t order)
{
    return &judge->plan.calls[order / AXI_ROUND_MOST][order % AXI_ROUND_MOST];
}

static bool replays(const struct axi_judge *judge)
{
    return judge->run->program->state_size == 0;
}

/* One operation on the state, or on the object that one thread uses: whether its result may be what it was. */
static bool apply(const struct axi_judge *judge, void *state, const struct axc_op *op)
{
    const struct axi_planned *call = planned(judge, op->order);
    const ax_stress_operation *operation = &judge->run->program->operations[call->operation];
    int64_t result = judge->pool[op->values + op->args];
    if (replays(judge))
        return judge->run->impl->calls[call->operation](state, call->arguments) == result;
    if (operation->allows != NULL)
        return operation->allows(state, call->arguments, result);
    return operation->model(state, call->arguments) == result;
}

static void *first_state(struct axi_judge *judge)
{
    if (!replays(judge)) {
        memcpy(judge->state, judge->start, judge->run->program->state_size);
        return judge->state;
    }
    void *object = judge->run->impl->create(judge->run);
    judge->no_memory = judge->no_memory || object == NULL;
    return object;
}

static void last_state(const struct axi_judge *judge, void *state)
{
    if (replays(judge) && state != NULL)
        judge->run->impl->destroy(state);
}

static bool step_again(struct axi_judge *judge, const struct axc_op *op, const int64_t *state, size_t words, int64_t *next)
{
    void *object = first_state(judge);
    for (size_t i = 0; i < words && object != NULL; i++) {
        const struct axi_planned *call = planned(judge, (uint32_t)state[i]);
        (void)judge->run->impl->calls[call->operation](object, call->arguments);
    }
    bool legal = object != NULL && apply(judge, object, op);
    last_state(judge, object);
    memcpy(next, state, words * sizeof *next);
    next[words] = op->order;
    return legal;
}

static enum axc_step step(const struct axc_history *history, const struct axc_op *op, const int64_t *values, const int64_t *state,
                          size_t words, size_t choice, int64_t *next, size_t *next_words)
{
    struct axi_judge *judge = (struct axi_judge *)(uintptr_t)history;
    (void)values;
    if (choice > 0)
        return AXC_NO_CHOICE;
    if (replays(judge)) {
        *next_words = words + 1;
        return step_again(judge, op, state, words, next) ? AXC_LEGAL : AXC_ILLEGAL;
    }
    memcpy(judge->state, state, words * sizeof *state);
    bool legal = apply(judge, judge->state, op);
    memcpy(next, judge->state, words * sizeof *state);
    *next_words = words;
    return legal ? AXC_LEGAL : AXC_ILLEGAL;
}

struct axi_judge *axi_judge_create(const ax_stress_run *run)
{
    const ax_stress_program *program = run->program;
    struct axi_judge *judge = calloc(1, sizeof *judge);
    if (judge == NULL)
        return NULL;
    judge->run = run;
    judge->words = (program->state_size + sizeof(int64_t) - 1) / sizeof(int64_t);
    judge->start = calloc(judge->words + 1, sizeof *judge->start);
    judge->state = aligned_alloc(AXI_ISOLATION, (judge->words * sizeof(int64_t) / AXI_ISOLATION + 1) * AXI_ISOLATION);
    if (judge->start == NULL || judge->state == NULL) {
        axi_judge_destroy(judge);
        return NULL;
    }
    memset(judge->state, 0, judge->words * sizeof(int64_t));
    if (program->start != NULL)
        program->start(run, judge->state);
    memcpy(judge->start, judge->state, judge->words * sizeof(int64_t));
    judge->model = (struct axc_model){ .name = program->noun, .verbs = judge->verbs, .step = step };
    for (size_t i = 0; i < program->operation_count; i++)
        judge->verbs[i] = (struct axc_verb){ .name = program->operations[i].name, .results = 1, .idle = AXC_ACTS,
                                             .args = (uint8_t)axi_arguments(&program->operations[i]) };
    judge->model.verb_count = program->operation_count;
    judge->history.model = &judge->model;
    judge->history.pool = judge->pool;
    return judge;
}

void axi_judge_destroy(struct axi_judge *judge)
{
    if (judge == NULL)
        return;
    free(judge->start);
    free(judge->state);
    free(judge);
}

static uint64_t middle_of(const struct axc_op *op)
{
    return op->invoked / 2 + op->responded / 2 + (op->invoked & op->responded & 1);
}

/* The round as operations of a history, by their invocation. An answer waits for `skew`, so that what seems to
 * precede another operation does. */
static void collect(struct axi_judge *judge, const struct axi_plan *plan, const struct axi_answer *const answers[AXI_TEAM_MOST],
                    uint64_t skew)
{
    judge->plan = *plan;
    judge->count = 0;
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++) {
            const struct axi_planned *call = &plan->calls[t][i];
            struct axc_op op = {
                .invoked = answers[t][i].invoked, .responded = answers[t][i].answered + skew, .process = t,
                .order = t * AXI_ROUND_MOST + i, .verb = (uint8_t)call->operation, .args = judge->verbs[call->operation].args,
                .results = 1,
            };
            op.values = op.order * VALUES;
            memcpy(judge->pool + op.values, call->arguments, op.args * sizeof(int64_t));
            judge->pool[op.values + op.args] = answers[t][i].result;
            uint32_t at = judge->count++;
            for (; at > 0 && judge->ops[at - 1].invoked > op.invoked; at--)
                judge->ops[at] = judge->ops[at - 1];
            judge->ops[at] = op;
        }
    for (uint32_t i = 0; i < judge->count; i++) {
        uint64_t middle = middle_of(&judge->ops[i]);
        uint32_t at = i;
        for (; at > 0 && middle_of(&judge->ops[judge->middle[at - 1]]) > middle; at--)
            judge->middle[at] = judge->middle[at - 1];
        judge->middle[at] = i;
    }
}

static int64_t part_of(const struct axi_judge *judge, const struct axc_op *op)
{
    const struct axi_planned *call = planned(judge, op->order);
    return judge->run->program->part != NULL ? judge->run->program->part(call->operation, call->arguments) : 0;
}

static bool ordered_by_middles(struct axi_judge *judge, int64_t part)
{
    void *state = first_state(judge);
    bool ordered = state != NULL;
    for (uint32_t i = 0; i < judge->count && ordered; i++) {
        const struct axc_op *op = &judge->ops[judge->middle[i]];
        ordered = part_of(judge, op) != part || apply(judge, state, op);
    }
    last_state(judge, state);
    return ordered;
}

static enum axi_opinion judge_part(struct axi_judge *judge, int64_t number)
{
    if (ordered_by_middles(judge, number))
        return AXI_ORDERED;
    struct axc_part part = { .history = &judge->history, .ops = judge->part, .start = judge->start, .start_words = judge->words };
    for (uint32_t i = 0; i < judge->count; i++)
        if (part_of(judge, &judge->ops[i]) == number) {
            judge->part[part.count] = judge->ops[i];
            /* The search takes what has a result and changes nothing here for what never changes anything: not so with a model
             * that it does not know, where put(1) changes nothing only where 1 is. `apply` knows the result. */
            judge->part[part.count++].results = 0;
        }
    uint64_t allowance = STEPS_MOST;
    struct axc_search_stats stats;
    enum axc_answer answer = axc_search(&part, &allowance, &stats);
    if (judge->no_memory)
        return AXI_UNDECIDED;
    return answer == AXC_YES ? AXI_ORDERED : answer == AXC_NO ? AXI_DISORDERED : AXI_UNDECIDED;
}

enum axi_opinion axi_judge_round(struct axi_judge *judge, const struct axi_plan *plan,
                                 const struct axi_answer *const answers[AXI_TEAM_MOST], uint64_t skew)
{
    enum axi_opinion opinion = AXI_ORDERED;
    judge->no_memory = false;
    collect(judge, plan, answers, skew);
    for (uint32_t i = 0; i < judge->count && opinion != AXI_DISORDERED; i++) {
        int64_t part = part_of(judge, &judge->ops[i]);
        bool first = true;
        for (uint32_t before = 0; before < i && first; before++)
            first = part_of(judge, &judge->ops[before]) != part;
        enum axi_opinion this = first ? judge_part(judge, part) : AXI_ORDERED;
        opinion = this != AXI_ORDERED ? this : opinion;
    }
    return opinion;
}

/* What operation `at` should have returned to a thread that was alone, and is not: false, or *result. Where several results are
 * right none of them is named. */
static bool expected(struct axi_judge *judge, uint32_t at, int64_t *result)
{
    const struct axc_op *op = &judge->ops[at];
    const struct axi_planned *call = planned(judge, op->order);
    const ax_stress_operation *operation = &judge->run->program->operations[call->operation];
    void *state = operation->allows == NULL ? first_state(judge) : NULL;
    if (state == NULL)
        return false;
    for (uint32_t i = 0; i < at; i++)
        if (part_of(judge, &judge->ops[i]) == part_of(judge, op))
            (void)apply(judge, state, &judge->ops[i]);
    *result = (replays(judge) ? judge->run->impl->calls[call->operation] : operation->model)(state, call->arguments);
    last_state(judge, state);
    return *result != judge->pool[op->values + op->args];
}

char *axi_judge_draw(struct axi_judge *judge)
{
    struct axc_rows rows = { .history = &judge->history, .ops = judge->ops, .count = judge->count, .who = "thread" };
    struct axc_words text;
    int64_t result;
    if (!axc_rows_begin(&text, &rows))
        return NULL;
    axc_put_rows(&text, &rows);
    for (uint32_t i = 0; i < judge->count && axi_plan_busy(&judge->plan) == 1; i++)
        if (expected(judge, i, &result)) {
            judge->pool[judge->ops[i].values + judge->ops[i].args] = result;
            axc_put(&text, "  one thread, alone; the model says: ");
            axc_put_op(&text, &judge->history, &judge->ops[i]);
            axc_put(&text, "\n");
            break;
        }
    return text.bytes;
}

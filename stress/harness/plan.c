/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MOST 1000000
#define NEAR 64 /* instructions: those of a short operation */
#define DELAY_MOST 128 /* turns: some times what a short operation takes */

uint32_t axi_arguments(const ax_stress_operation *operation)
{
    uint32_t count = 0;
    while (count < AX_STRESS_ARGUMENTS && operation->takes[count] != AX_STRESS_NOTHING)
        count++;
    return count;
}

bool axi_may_call(const struct axi_stress *stress, uint32_t number, uint32_t operation)
{
    const ax_stress_impl *impl = stress->run.impl;
    uint32_t callers = impl->callers[operation];
    return impl->calls[operation] != NULL && stress->weight[operation] > 0 &&
           (callers == 0 || (callers >> (number < 31 ? number : 31) & 1) != 0);
}

bool axi_has_work(const struct axi_stress *stress, uint32_t number)
{
    bool any = false;
    for (uint32_t i = 0; i < stress->run.operations; i++)
        any = any || axi_may_call(stress, number, i);
    return any;
}

uint32_t axi_team_most(const struct axi_stress *stress, uint32_t most)
{
    uint32_t number = 0;
    while (number < most && axi_has_work(stress, number))
        number++;
    return number;
}

struct axi_planned axi_plan_call(const struct axi_stress *stress, uint32_t number, ax_stress_random *random, int64_t *fresh)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < stress->run.operations; i++)
        total += axi_may_call(stress, number, i) ? stress->weight[i] : 0;
    uint64_t chosen = ax_stress_below(random, total);
    struct axi_planned call = { .operation = 0 };
    for (uint32_t i = 0; i < stress->run.operations; i++) {
        if (!axi_may_call(stress, number, i))
            continue;
        call.operation = i;
        if (chosen < stress->weight[i])
            break;
        chosen -= stress->weight[i];
    }
    const ax_stress_operation *operation = &stress->run.program->operations[call.operation];
    for (uint32_t i = 0; i < axi_arguments(operation); i++)
        switch (operation->takes[i]) {
        case AX_STRESS_KEY:
            call.arguments[i] = (int64_t)axi_keys_next(&stress->keys, random);
            break;
        case AX_STRESS_FRESH:
            call.arguments[i] = ++*fresh;
            break;
        case AX_STRESS_CHOSEN:
            call.arguments[i] = operation->choose(random);
            break;
        case AX_STRESS_NOTHING:
            break;
        }
    return call;
}

void axi_plan_choose(const struct axi_stress *stress, uint32_t threads, uint32_t operations, ax_stress_random *random,
                     struct axi_plan *plan)
{
    int64_t fresh = 0;
    memset(plan, 0, sizeof *plan);
    plan->threads = threads;
    for (uint32_t t = 0; t < threads; t++)
        for (; plan->count[t] < operations; plan->count[t]++)
            plan->calls[t][plan->count[t]] = axi_plan_call(stress, t, random, &fresh);
    axi_plan_delay(plan, random);
}

void axi_plan_delay(struct axi_plan *plan, ax_stress_random *random)
{
    memset(plan->waits, 0, sizeof plan->waits);
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++) { /* half of them at once: what is quick to meet meets */
            plan->calls[t][i].delay = (ax_stress_bits(random) & 1) == 0 ? 0 : (uint32_t)ax_stress_below(random, DELAY_MOST);
            plan->calls[t][i].pause = 0;
        }
}

/* How far into an operation to look for a place, of which so many instructions are known. Some times further: what paused was not
 * counted, and may be longer. And often not as far: what waits for others can be of any length, and is as short as the rest
 * where it does not. */
static uint64_t reach(uint64_t known, ax_stress_random *random)
{
    uint64_t chance = ax_stress_below(random, 8);
    if (chance == 0)
        return known < PAUSE_MOST / 4 ? known * 4 : PAUSE_MOST;
    return chance < 4 && known > NEAR ? NEAR : known;
}

void axi_plan_pause(struct axi_plan *plan, uint32_t before, const uint32_t longest[AX_STRESS_OPERATIONS], ax_stress_random *random)
{
    uint32_t all = axi_plan_calls(plan);
    bool pauses_in[AXI_TEAM_MOST] = { false };
    if (axi_plan_busy(plan) < 2) /* nobody to wait for */
        return;
    for (uint64_t pauses = ax_stress_below(random, 4) == 0 ? 2 : 1; pauses > 0; pauses--) {
        uint64_t chosen = ax_stress_below(random, all);
        uint32_t thread = 0;
        for (; chosen >= plan->count[thread]; thread++)
            chosen -= plan->count[thread];
        struct axi_planned *call = &plan->calls[thread][chosen];
        uint32_t others = all - plan->count[thread];
        call->pause = before + 1 + (uint32_t)ax_stress_below(random, reach(longest[call->operation] - before, random));
        call->until = (ax_stress_bits(random) & 1) == 0 ? others : 1 + (uint32_t)ax_stress_below(random, others);
        pauses_in[thread] = true;
    }
    /* Half of the time all others do what they do in the pause. */
    for (uint32_t t = 0, wait = (uint32_t)ax_stress_below(random, 2); t < plan->threads; t++)
        plan->waits[t] = wait != 0 && !pauses_in[t];
}

bool axi_plan_pauses(const struct axi_plan *plan)
{
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++)
            if (plan->calls[t][i].pause != 0)
                return true;
    return false;
}

/* ---- as text ---- */

void axi_plan_text(const ax_stress_program *program, const struct axi_plan *plan, char *text, size_t size)
{
    size_t length = 0;
#define PUT(...) (length += length < size ? (size_t)snprintf(text + length, size - length, __VA_ARGS__) : 0)
    text[0] = '\0';
    uint32_t threads = plan->threads;
    while (threads > 1 && plan->count[threads - 1] == 0)
        threads--;
    for (uint32_t t = 0, before = 0; t < threads; t++) {
        if (t > 0)
            PUT(before > 0 ? " |" : "|"), PUT("%s", plan->count[t] > 0 ? " " : "");
        if (plan->waits[t] && plan->count[t] > 0)
            PUT("> ");
        before = plan->count[t];
        for (uint32_t i = 0; i < plan->count[t]; i++) {
            const struct axi_planned *call = &plan->calls[t][i];
            const ax_stress_operation *operation = &program->operations[call->operation];
            PUT("%s%s", i > 0 ? " " : "", operation->name);
            for (uint32_t a = 0; a < axi_arguments(operation); a++)
                PUT("%s%" PRId64 "%s", a == 0 ? "(" : ",", call->arguments[a], a + 1 == axi_arguments(operation) ? ")" : "");
            if (call->pause != 0)
                PUT("@%" PRIu32 "+%" PRIu32, call->pause, call->until);
        }
    }
#undef PUT
}

static void skip_blanks(const char **at)
{
    while (isblank((unsigned char)**at))
        ++*at;
}

/* One operation with its arguments. */
static const char *parse_call(const struct axi_stress *stress, uint32_t thread, const char **at, struct axi_planned *call)
{
    static char sentence[160];
    const ax_stress_program *program = stress->run.program;
    size_t length = strcspn(*at, "(|@ \t");
    uint32_t which = 0;
    while (which < program->operation_count && (strlen(program->operations[which].name) != length ||
                                                strncmp(program->operations[which].name, *at, length) != 0))
        which++;
    if (which == program->operation_count) {
        snprintf(sentence, sizeof sentence, "%.*s is no operation (--help names them)", (int)(length < 40 ? length : 40), *at);
        return sentence;
    }
    if (!axi_may_call(stress, thread, which)) {
        snprintf(sentence, sizeof sentence, "%s can't be done by thread %u of this implementation and mix",
                 program->operations[which].name, thread);
        return sentence;
    }
    *call = (struct axi_planned){ .operation = which };
    *at += length;
    uint32_t count = axi_arguments(&program->operations[which]);
    for (uint32_t i = 0; i < count; i++) {
        char *end = NULL;
        bool begun = **at == (i == 0 ? '(' : ',');
        errno = 0;
        if (begun)
            call->arguments[i] = strtoll(*at + 1, &end, 10);
        if (!begun || end == *at + 1 || errno != 0 || *end != (i + 1 == count ? ')' : ',')) {
            snprintf(sentence, sizeof sentence, "%s takes %u numbers, as in %s(1%s)", program->operations[which].name, count,
                     program->operations[which].name, count == 1 ? "" : count == 2 ? ",2" : ",2,3");
            return sentence;
        }
        *at = i + 1 == count ? end + 1 : end;
    }
    if (**at == '@') {
        char *end = NULL;
        unsigned long pause = strtoul(*at + 1, &end, 10), until = *end == '+' ? strtoul(end + 1, &end, 10) : 0;
        if (pause == 0 || pause > PAUSE_MOST || until > AXI_TEAM_MOST * AXI_ROUND_MOST)
            return "a pause is an instruction and how many others' operations it waits for, as in push(1)@20+2";
        call->pause = (uint32_t)pause;
        call->until = (uint32_t)until;
        *at = end;
    }
    if (**at != '\0' && strchr(" \t|", **at) == NULL) {
        snprintf(sentence, sizeof sentence, "something follows %s without a space", program->operations[which].name);
        return sentence;
    }
    return NULL;
}

const char *axi_plan_parse(const struct axi_stress *stress, const char *text, struct axi_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    const char *at = text;
    plan->threads = 1;
    for (skip_blanks(&at); *at != '\0'; skip_blanks(&at)) {
        uint32_t thread = plan->threads - 1;
        if (*at == '|') {
            if (plan->threads == AXI_TEAM_MOST)
                return "a round has at most 8 threads";
            plan->threads++;
            at++;
            continue;
        }
        if (*at == '>' && plan->count[thread] == 0) {
            plan->waits[thread] = true;
            at++;
            continue;
        }
        if (plan->count[thread] == AXI_ROUND_MOST)
            return "a thread of a round has at most 16 operations";
        const char *error = parse_call(stress, thread, &at, &plan->calls[thread][plan->count[thread]]);
        if (error != NULL)
            return error;
        plan->count[thread]++;
    }
    return axi_plan_calls(plan) > 0 ? NULL : "there is no operation in it";
}

/* ---- smaller ---- */

uint32_t axi_plan_calls(const struct axi_plan *plan)
{
    uint32_t calls = 0;
    for (uint32_t t = 0; t < plan->threads; t++)
        calls += plan->count[t];
    return calls;
}

uint32_t axi_plan_busy(const struct axi_plan *plan)
{
    uint32_t busy = 0;
    for (uint32_t t = 0; t < plan->threads; t++)
        busy += plan->count[t] > 0;
    return busy;
}

uint32_t axi_plan_longest(const struct axi_plan *plan)
{
    uint32_t longest = 0;
    for (uint32_t t = 0; t < plan->threads; t++)
        longest = plan->count[t] > longest ? plan->count[t] : longest;
    return longest;
}

void axi_plan_trim(struct axi_plan *plan)
{
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++) {
            struct axi_planned *call = &plan->calls[t][i];
            uint32_t others = axi_plan_calls(plan) - plan->count[t];
            call->until = call->until < others ? call->until : others;
        }
}

static void leave_out(struct axi_plan *plan, uint32_t thread, uint32_t call)
{
    plan->count[thread]--;
    memmove(&plan->calls[thread][call], &plan->calls[thread][call + 1],
            (plan->count[thread] - call) * sizeof plan->calls[thread][0]);
}

/* Whether all threads may do the same. */
static bool are_alike(const ax_stress_run *run)
{
    for (size_t i = 0; i < run->program->operation_count; i++)
        if (run->impl->callers[i] != 0)
            return false;
    return true;
}

/* Threads move up to the free place, unless it depends on their numbers what they may do. */
static void leave_out_thread(const ax_stress_run *run, struct axi_plan *plan, uint32_t thread)
{
    plan->count[thread] = 0;
    for (uint32_t t = thread; are_alike(run) && t + 1 < plan->threads; t++) {
        plan->count[t] = plan->count[t + 1];
        plan->waits[t] = plan->waits[t + 1];
        plan->count[t + 1] = 0;
        memcpy(plan->calls[t], plan->calls[t + 1], sizeof plan->calls[t]);
    }
    if (axi_plan_busy(plan) == 1) {
        memset(plan->waits, 0, sizeof plan->waits);
        for (uint32_t t = 0; t < plan->threads; t++)
            for (uint32_t i = 0; i < plan->count[t]; i++)
                plan->calls[t][i].pause = 0;
    }
}

static bool can_join(const ax_stress_run *run, const struct axi_plan *plan, uint32_t thread, uint32_t with)
{
    return thread != with && plan->count[thread] > 0 && plan->count[with] > 0 && are_alike(run) &&
           plan->count[thread] + plan->count[with] <= AXI_ROUND_MOST;
}

/* One thread does what two did, one after the other: what fails then needs no second thread. */
static void join(const ax_stress_run *run, struct axi_plan *plan, uint32_t thread, uint32_t with)
{
    memcpy(&plan->calls[with][plan->count[with]], plan->calls[thread], plan->count[thread] * sizeof plan->calls[0][0]);
    plan->count[with] += plan->count[thread];
    leave_out_thread(run, plan, thread);
}

/* Counts the fresh arguments from 1; false: they were already. */
static bool count_afresh(const ax_stress_run *run, struct axi_plan *plan)
{
    int64_t fresh = 0;
    bool changed = false;
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++)
            for (uint32_t a = 0; a < AX_STRESS_ARGUMENTS; a++) {
                struct axi_planned *call = &plan->calls[t][i];
                if (run->program->operations[call->operation].takes[a] != AX_STRESS_FRESH)
                    continue;
                changed = changed || call->arguments[a] != fresh + 1;
                call->arguments[a] = ++fresh;
            }
    return changed;
}

/* With one pause less of several; false: there are not so many. */
static bool leave_out_pause(struct axi_plan *plan, uint32_t *way)
{
    uint32_t pauses = 0;
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++)
            pauses += plan->calls[t][i].pause != 0;
    for (uint32_t t = 0; t < plan->threads && pauses > 1; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++)
            if (plan->calls[t][i].pause != 0 && (*way)-- == 0) {
                plan->calls[t][i].pause = 0;
                plan->exact = true;
                return true;
            }
    return false;
}

bool axi_plan_simpler(const ax_stress_run *run, struct axi_plan *plan, uint32_t way)
{
    plan->exact = false;
    for (uint32_t t = 0; t < plan->threads; t++)
        if (plan->count[t] > 0 && axi_plan_busy(plan) > 1 && way-- == 0) {
            leave_out_thread(run, plan, t);
            return true;
        }
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t s = 0; s < plan->threads; s++)
            if (can_join(run, plan, t, s) && way-- == 0) {
                join(run, plan, t, s);
                return true;
            }
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++)
            if (axi_plan_calls(plan) > 1 && way-- == 0) {
                leave_out(plan, t, i);
                if (plan->count[t] == 0)
                    leave_out_thread(run, plan, t);
                return true;
            }
    for (uint32_t t = 0; t < plan->threads; t++)
        for (uint32_t i = 0; i < plan->count[t]; i++)
            for (uint32_t a = 0; a < AX_STRESS_ARGUMENTS; a++) {
                struct axi_planned *call = &plan->calls[t][i];
                if (run->program->operations[call->operation].takes[a] == AX_STRESS_KEY && call->arguments[a] > 0 && way-- == 0) {
                    call->arguments[a]--;
                    return true;
                }
            }
    return leave_out_pause(plan, &way) || (way == 0 && count_afresh(run, plan));
}

/* SPDX-License-Identifier: MIT */
/* What a member of a team does with a row of objects: its part of each round, with pauses and stamps, and then some of the judging. */
#include "team.h"

#include <stdlib.h>
#include <time.h>

#include "pause.h"

#define PAUSE_YIELDS 8
#define PAUSE_SLEEP_NS 20000
#define PAUSE_MOST_NS 400000

/* Some turns that no compiler takes away. */
static void pass_time(struct axi_member *me, uint32_t turns)
{
    for (; turns > 0; turns--)
        me->idle = me->idle * 0xd1342543de82ef95u + turns;
}

/* In the midst of a call, by its thread's signal handler. The others may need what this one holds: they are not waited for
 * for long. */
static void pause_for_others(void *argument)
{
    struct axi_member *me = argument;
    const struct axi_team *team = me->team;
    uint32_t all = axi_plan_calls(&team->plan) - team->plan.count[me->number], before = UINT32_MAX;
    uint64_t begun = axi_now_ns();
    AX_DETAIL_STORE_RELAXED(&me->paused, true); /* relaxed: no more than a hint */
    for (int i = 0; axi_now_ns() - begun < PAUSE_MOST_NS; i++) {
        uint32_t done = 0;
        for (uint32_t t = 0; t < team->size; t++)
            done += t != me->number ? AX_DETAIL_LOAD_RELAXED(&team->members[t].done) : 0; /* relaxed: no more than a hint */
        before = before == UINT32_MAX ? done : before;
        if (done == all || done - before >= me->until)
            return;
        if (i < PAUSE_YIELDS)
            sched_yield();
        else
            nanosleep(&(struct timespec){ .tv_nsec = PAUSE_SLEEP_NS }, NULL);
    }
}

/* Until another thread pauses, or is through without: its operation may have been shorter this time. */
static void wait_for_pause(const struct axi_member *me)
{
    const struct axi_team *team = me->team;
    for (uint64_t i = 1;; i++) {
        bool somebody = false;
        for (uint32_t t = 0; t < team->size; t++) {
            const struct axi_member *other = &team->members[t];
            if (AX_DETAIL_LOAD_RELAXED(&other->paused)) /* relaxed: no more than a hint */
                return;
            somebody = somebody || (!team->plan.waits[t] && AX_DETAIL_LOAD_RELAXED(&other->done) < team->plan.count[t]);
        }
        if (!somebody)
            return;
        axi_spin_hint();
        if (i % team->meeting.patience == 0)
            sched_yield();
    }
}

/* One call with its stamps. The one place where it is made, so that all take as many instructions. */
static __attribute__((noinline)) void call(struct axi_member *me, ax_stress_call *function, void *object,
                                           const struct axi_planned *planned, struct axi_answer *answer)
{
    if (planned->pause != 0)
        axi_pause_after(planned->pause, pause_for_others, me);
    uint64_t invoked = ax_stress_log_before_(&me->clock);
    answer->result = function(object, planned->arguments);
    uint64_t answered = ax_stress_log_after_(&me->clock);
    if (planned->pause != 0)
        me->counted = axi_pause_end();
    /* A thread that was moved to a CPU whose clock is behind: its own order is certain. */
    if (invoked < me->last) {
        me->back = me->last - invoked > me->back ? me->last - invoked : me->back;
        invoked = me->last;
    }
    me->last = answered > invoked ? answered : invoked;
    answer->invoked = invoked;
    answer->answered = me->last;
}

/* At its own first instruction, or some before it: what the counting takes until it has read the number, it takes twice. */
static int64_t count_so_far(void *object, const int64_t *arguments)
{
    (void)object, (void)arguments;
    int64_t first = axi_pause_count(), second = axi_pause_count();
    return 2 * first > second ? 2 * first - second : 0;
}

void axi_row_count_surroundings(struct axi_member *me)
{
    struct axi_answer answer;
    me->until = 0;
    call(me, count_so_far, NULL, &(struct axi_planned){ .pause = UINT32_MAX }, &answer);
    me->team->before_call = (uint32_t)answer.result;
    me->team->after_call = me->counted - me->team->before_call;
}

void axi_row_run(struct axi_member *me)
{
    const struct axi_team *team = me->team;
    const struct axi_planned *plan = team->plan.calls[me->number];
    uint32_t count = team->plan.count[me->number];
    if (team->plan.waits[me->number])
        wait_for_pause(me);
    for (size_t i = 0; i < team->row; i++) {
        struct axi_answer *answers = me->answers + i * AXI_ROUND_MOST;
        for (uint32_t k = 0; k < count; k++) {
            uint32_t operation = plan[k].operation;
            pass_time(me, plan[k].delay);
            me->until = plan[k].until;
            me->counted = 0;
            AX_DETAIL_STORE_RELAXED(me->calls, operation + 1); /* relaxed: only looked at when nothing moves */
            call(me, team->stress->run.impl->calls[operation], team->objects[i], &plan[k], &answers[k]);
            me->longest[operation] = me->counted > me->longest[operation] ? me->counted : me->longest[operation];
            AX_DETAIL_STORE_RELAXED(me->calls, 0u); /* relaxed: the same */
            AX_DETAIL_STORE_RELAXED(&me->done, me->done + 1); /* relaxed: no more than a hint */
        }
    }
}

/* Whether two threads were at work at once, all that each did in this round taken as one. */
static bool overlaps(const struct axi_plan *plan, const struct axi_answer *const answers[AXI_TEAM_MOST])
{
    for (uint32_t a = 0; a < plan->threads; a++)
        for (uint32_t b = 0; b < a; b++)
            if (plan->count[a] > 0 && plan->count[b] > 0 &&
                answers[a][0].invoked < answers[b][plan->count[b] - 1].answered &&
                answers[b][0].invoked < answers[a][plan->count[a] - 1].answered)
                return true;
    return false;
}

static void judge_round(struct axi_member *me, size_t at, uint64_t skew)
{
    const struct axi_team *team = me->team;
    const struct axi_answer *answers[AXI_TEAM_MOST];
    const char *(*invariant)(void *object) = team->stress->run.program->invariant;
    const char *broken = NULL;
    for (uint32_t t = 0; t < team->size; t++)
        answers[t] = team->members[t].answers + at * AXI_ROUND_MOST;
    me->overlaps += overlaps(&team->plan, answers);
    enum axi_opinion opinion = axi_judge_round(me->judge, &team->plan, answers, skew);
    me->undecided += opinion == AXI_UNDECIDED;
    if (opinion != AXI_DISORDERED && invariant != NULL)
        broken = invariant(team->objects[at]);
    if (opinion != AXI_DISORDERED && broken == NULL)
        return;
    snprintf(me->why, sizeof me->why, "%s", broken != NULL ? broken : "no order explains these results");
    me->drawing = axi_judge_draw(me->judge);
    me->undecided += me->drawing == NULL;
}

void axi_row_judge(struct axi_member *me)
{
    struct axi_team *team = me->team;
    const ax_stress_impl *impl = team->stress->run.impl;
    uint64_t skew = team->stress->rounds->clock.skew;
    for (uint32_t t = 0; t < team->size; t++)
        skew = team->members[t].back > skew ? team->members[t].back : skew;
    for (size_t at = me->number; at < team->row; at += team->size) {
        if (me->drawing == NULL)
            judge_round(me, at, skew);
        impl->destroy(team->objects[at]);
        team->objects[at] = impl->create(&team->stress->run);
    }
}

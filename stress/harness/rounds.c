/* SPDX-License-Identifier: MIT */
/*
 * Rounds: a team of threads does some operations each on an object of its own, again and again. Several objects stand in a
 * row, down which all of a team run, and then they judge the row, each a part of it. The last one at a meeting leads: it
 * says what the next row is for. The longer the row, the less meeting costs and the more the threads drift apart, so its
 * length is tuned, over and over, for the most rounds in a second in which two threads were at work at once.
 */
#include "team.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TRIAL_NS (AXI_SECOND / 500) /* for each length */
#define TRIAL_ROWS 2
#define UNKNOWN_LENGTH 200 /* of an operation, in instructions, before one was counted to its end */
#define SETTLED_NS (AXI_SECOND / 4) /* with the best one, until all are tried again */

static const size_t lengths[AXI_ROW_LENGTHS] = { 1, 4, 16, AXI_ROW_MOST };

/* ---- the leader ---- */

static void tune(struct axi_team *team, uint64_t overlaps_now)
{
    struct axi_tuning *tuning = &team->tuning;
    uint64_t now = axi_now_ns(), ns = now - tuning->since_ns;
    tuning->rows++;
    tuning->overlaps += overlaps_now;
    if (tuning->at == AXI_ROW_LENGTHS ? ns < SETTLED_NS : ns < TRIAL_NS || tuning->rows < TRIAL_ROWS)
        return;
    if (tuning->at < AXI_ROW_LENGTHS)
        tuning->worth[tuning->at] = (double)tuning->overlaps / (double)(ns + 1);
    tuning->at = tuning->at == AXI_ROW_LENGTHS ? 0 : tuning->at + 1;
    size_t best = 0;
    for (size_t i = 1; i < AXI_ROW_LENGTHS; i++)
        best = tuning->worth[i] > tuning->worth[best] ? i : best;
    tuning->length = lengths[tuning->at < AXI_ROW_LENGTHS ? tuning->at : best];
    tuning->since_ns = now;
    tuning->rows = tuning->overlaps = 0;
}

/* Whether this team shrinks its failure; the first to find one does. */
static bool is_finder(const struct axi_team *team)
{
    /* relaxed: only who wrote it goes on, and the rest is read when all were joined */
    return AX_DETAIL_LOAD_RELAXED(&team->stress->rounds->finder) == team->number + 1;
}

static bool become_finder(const struct axi_team *team)
{
    uint32_t nobody = 0;
    return is_finder(team) || __atomic_compare_exchange_n(&team->stress->rounds->finder, &nobody, team->number + 1, false,
                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* And some more than was seen: another time it may take longer. */
static void learn_length(uint32_t *longest, uint32_t seen)
{
    seen += seen / 8;
    if (*longest == UNKNOWN_LENGTH || seen > *longest)
        *longest = seen;
}

/* What the row that was run last has shown. */
static void conclude(struct axi_team *team)
{
    struct axi_hunt *hunt = team->stress->hunt;
    struct axi_member *failed = NULL;
    uint64_t overlaps_now = 0;
    for (uint32_t t = 0; t < team->size; t++) {
        struct axi_member *member = &team->members[t];
        failed = member->drawing != NULL && failed == NULL ? member : failed;
        overlaps_now += member->overlaps;
        team->undecided += member->undecided;
        member->overlaps = member->undecided = 0;
        member->done = 0;
        member->paused = false;
        for (size_t i = 0; i < AX_STRESS_OPERATIONS; i++)
            if (member->longest[i] > team->before_call + team->after_call)
                learn_length(&team->longest[i], member->longest[i] - team->after_call);
    }
    team->rounds += team->row;
    team->tried++;
    team->overlaps += overlaps_now;
    team->rounds_left -= team->row < team->rounds_left ? team->row : team->rounds_left;
    if (!axi_plan_pauses(&team->plan))
        tune(team, overlaps_now);
    if (failed != NULL && become_finder(team)) {
        axi_hunt_failed(hunt, &team->stress->run, &team->plan, team->tried, failed->why, failed->drawing);
        team->tried = 0;
    } else if (is_finder(team) && team->tried >= hunt->patience) {
        axi_hunt_passed(hunt, team->tried);
        team->tried = 0;
    }
    for (uint32_t t = 0; t < team->size; t++) {
        free(team->members[t].drawing);
        team->members[t].drawing = NULL;
    }
}

/* Where the threads of the plan wait. Where it failed before the same places are tried every other time; else, on a machine
 * that can pause, three of four rows have a pause: they are short. */
static void choose_places(struct axi_team *team, bool keep)
{
    uint64_t bits = ax_stress_bits(&team->random);
    if (!team->plan.exact && (!keep || (bits & 1) != 0)) {
        axi_plan_delay(&team->plan, &team->random);
        if (team->stress->pauses && (bits & 6) != 0)
            axi_plan_pause(&team->plan, team->before_call, team->longest, &team->random);
    }
    team->row = axi_plan_pauses(&team->plan) ? 1 : team->tuning.length;
}

/* The next plan, or the end. */
static bool choose(struct axi_team *team)
{
    struct axi_stress *stress = team->stress;
    if (is_finder(team)) {
        if (axi_interrupted() || !axi_hunt_next(stress->hunt, &stress->run, &team->plan))
            return false;
        choose_places(team, true);
        stress->hunt->plan = team->plan;
        return true;
    }
    /* relaxed: whoever found something goes on without us */
    if (axi_stop_asked() || team->rounds_left == 0 || AX_DETAIL_LOAD_RELAXED(&stress->rounds->finder) != 0)
        return false;
    if (stress->round != NULL) {
        team->plan = *stress->round;
    } else {
        axi_plan_choose(stress, team->size, stress->round_ops, &team->random, &team->plan);
    }
    choose_places(team, axi_plan_pauses(&team->plan));
    team->row = team->row < team->rounds_left ? team->row : team->rounds_left;
    if (team->number == 0)
        stress->hunt->plan = team->plan;
    return true;
}

/* Objects that are missing were never made, or could not be. */
static bool furnish(struct axi_team *team)
{
    const ax_stress_run *run = &team->stress->run;
    for (size_t i = 0; i < team->row; i++) {
        if (team->objects[i] == NULL)
            team->objects[i] = run->impl->create(run);
        if (team->objects[i] == NULL) {
            AX_DETAIL_STORE_RELAXED(&team->stress->rounds->no_object, true); /* relaxed: read when all were joined */
            return false;
        }
    }
    return true;
}

static void lead(struct axi_team *team)
{
    if (team->row > 0)
        conclude(team);
    else if (team->stress->pauses)
        axi_row_count_surroundings(&team->members[0]);
    AX_DETAIL_FETCH_ADD_RELAXED(&team->stress->epoch, 1u); /* relaxed: a sign of life, for the watching thread */
    team->over = !choose(team) || !furnish(team);
    for (size_t i = 0; i < AXI_ROW_MOST && team->over; i++)
        if (team->objects[i] != NULL)
            team->stress->run.impl->destroy(team->objects[i]);
}

void axi_rounds_work(struct axi_thread *thread)
{
    struct axi_member *me = &thread->stress->rounds->members[thread->number];
    struct axi_team *team = me->team;
    if (team == NULL)
        return;
    me->calls = &thread->calls;
    for (;;) {
        if (axi_meet(&team->meeting)) {
            lead(team);
            axi_adjourn(&team->meeting);
        }
        if (team->over)
            return;
        axi_row_run(me);
        /* relaxed: for the watching thread */
        AX_DETAIL_STORE_RELAXED(&thread->done, thread->done + team->row * team->plan.count[me->number]);
        if (axi_meet(&team->meeting))
            axi_adjourn(&team->meeting);
        axi_row_judge(me);
    }
}

/* ---- before and after ---- */

static bool prepare_team(struct axi_stress *stress, struct axi_team *team, uint32_t first)
{
    struct axi_rounds *rounds = stress->rounds;
    uint64_t operations = stress->round != NULL ? axi_plan_longest(stress->round) : stress->round_ops;
    axi_meeting_init(&team->meeting, team->size, stress->run.threads <= stress->cpu_count);
    team->stress = stress;
    team->members = &rounds->members[first];
    team->rounds_left = stress->run.iters / operations + (stress->run.iters % operations != 0);
    team->random = ax_stress_random_at(stress->run.seed, UINT64_C(3) << 32 | team->number);
    for (size_t i = 0; i < AX_STRESS_OPERATIONS; i++)
        team->longest[i] = UNKNOWN_LENGTH;
    team->tuning = (struct axi_tuning){ .length = lengths[0], .since_ns = axi_now_ns() };
    for (uint32_t t = 0; t < team->size; t++) {
        struct axi_member *member = &team->members[t];
        member->team = team;
        member->number = t;
        member->clock = (ax_stress_log){ .counter_ = rounds->clock.counter };
        member->answers = calloc(AXI_ROW_MOST * AXI_ROUND_MOST, sizeof *member->answers);
        member->judge = axi_judge_create(&stress->run);
        if (member->answers == NULL || member->judge == NULL)
            return false;
    }
    return true;
}

/* Teams of at most so many threads, as even as can be. A thread that would be alone stays at home. */
static bool prepare(struct axi_stress *stress, uint32_t most)
{
    struct axi_rounds *rounds = stress->rounds;
    uint32_t threads = stress->run.threads, teams = (threads + most - 1) / most;
    if (threads / teams < 2 && threads >= 2 && most >= 2)
        teams = threads / most;
    if (stress->hunt->alone || stress->round != NULL)
        teams = 1;
    stress->hunt->alone = teams == 1;
    rounds->count = teams;
    rounds->finder = stress->hunt->failed ? 1 : 0;
    rounds->clock = axi_clock_choose(&stress->allowed);
    rounds->teams = aligned_alloc(AXI_ISOLATION, teams * sizeof *rounds->teams);
    rounds->members = aligned_alloc(AXI_ISOLATION, threads * sizeof *rounds->members);
    if (rounds->teams == NULL || rounds->members == NULL)
        return false;
    memset(rounds->teams, 0, teams * sizeof *rounds->teams);
    memset(rounds->members, 0, threads * sizeof *rounds->members);
    for (uint32_t i = 0, first = 0; i < teams; i++) {
        uint32_t share = threads / teams + (i < threads % teams);
        rounds->teams[i].number = i;
        rounds->teams[i].size = share < most ? share : most;
        if (!prepare_team(stress, &rounds->teams[i], first))
            return false;
        first += share;
    }
    return true;
}

const char *axi_rounds_start(struct axi_stress *stress)
{
    uint32_t most = stress->round != NULL ? stress->round->threads : axi_team_most(stress, AXI_TEAM);
    stress->rounds = calloc(1, sizeof *stress->rounds);
    return stress->rounds != NULL && prepare(stress, most) ? NULL : "no memory for rounds";
}

ax_stress_verdict axi_rounds_judge(const struct axi_stress *stress, char *sentence, size_t size)
{
    const struct axi_rounds *rounds = stress->rounds;
    uint64_t all = 0, undecided = 0, together = 0;
    for (uint32_t i = 0; i < rounds->count; i++) {
        all += rounds->teams[i].rounds;
        undecided += rounds->teams[i].undecided;
        together += rounds->teams[i].overlaps;
    }
    if (stress->hunt->failed) {
        axi_hunt_sentence(stress->hunt, sentence, size);
        return AX_STRESS_VIOLATED;
    }
    if (stress->hunt->crashed[0] != '\0') {
        snprintf(sentence, size, "%s, and not again in %" PRIu64 " rounds of one team", stress->hunt->crashed, all);
        return AX_STRESS_VIOLATED;
    }
    if (rounds->no_object) {
        snprintf(sentence, size, "an object could not be created");
        return AX_STRESS_INCONCLUSIVE;
    }
    if (undecided > 0) {
        snprintf(sentence, size, "%" PRIu64 " of %" PRIu64 " rounds would take too long to judge, give fewer --ops", undecided, all);
        return AX_STRESS_INCONCLUSIVE;
    }
    snprintf(sentence, size, "each of %" PRIu64 " rounds has an order, %" PRIu64 " with threads at work at once", all, together);
    return AX_STRESS_HOLDS;
}

uint64_t axi_rounds_overlaps(const struct axi_stress *stress)
{
    uint64_t together = 0;
    for (uint32_t i = 0; i < stress->rounds->count; i++)
        together += stress->rounds->teams[i].overlaps;
    return together;
}

void axi_rounds_free(struct axi_stress *stress)
{
    struct axi_rounds *rounds = stress->rounds;
    if (rounds == NULL)
        return;
    for (uint32_t i = 0; rounds->members != NULL && i < stress->run.threads; i++) {
        free(rounds->members[i].answers);
        axi_judge_destroy(rounds->members[i].judge);
    }
    free(rounds->members);
    free(rounds->teams);
    free(rounds);
    stress->rounds = NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Rounds: a team of threads does some operations each on an object of its own, again and again. Several objects stand in a
 * row, down which all of a team run, and then they judge the row, each a part of it. The last one at a meeting leads: it
 * says what the next row is for. The longer the row, the less meeting costs and the more the threads drift apart, so its
 * length is tuned, over and over, for the most rounds in a second in which two threads were at work at once.
 */
#include "rounds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "meeting.h"
#include "pause.h"
#include "verdict.h"

#define ROW_MOST 64
#define TRIAL_NS (AXI_SECOND / 500) /* for each length */
#define TRIAL_ROWS 2
#define UNKNOWN_LENGTH 200 /* of an operation, in instructions, before one was counted to its end */
#define PAUSE_YIELDS 8
#define PAUSE_SLEEP_NS 20000
#define PAUSE_MOST_NS 400000
#define SETTLED_NS (AXI_SECOND / 4) /* with the best one, until all are tried again */

static const size_t lengths[] = { 1, 4, 16, ROW_MOST };
enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* What a row of each length was worth when it was tried last. */
struct tuning {
    double worth[LENGTHS];
    size_t at; /* the length on trial; LENGTHS: the best one is in use */
    size_t length;
    uint64_t since_ns, rows, overlaps;
};

struct member {
    _Alignas(AXI_ISOLATION) struct team *team;
    uint32_t number;
    uint32_t *calls; /* its thread's */
    ax_stress_log clock;
    uint64_t last, back; /* stamp; the furthest that the clock ever went back */
    uint64_t idle;       /* what passing the time computes */
    uint32_t done;       /* calls of this row; read by those who pause */
    bool paused;         /* in this row; read by those who wait for that */
    uint32_t until;      /* how many calls of the others my pause waits for */
    uint32_t counted;    /* instructions of the last call; 0: it paused, or was not counted */
    uint32_t longest[AX_STRESS_OPERATIONS]; /* the most of all calls of an operation */
    struct axi_answer *answers;
    struct axi_judge *judge;
    /* of the row's part that it judged */
    uint64_t overlaps, undecided;
    char *drawing; /* of the first one that failed, else NULL */
    char why[160];
};

/* What is plain here belongs to whoever leads. */
struct team {
    struct axi_stress *stress;
    uint32_t number, size;
    struct member *members;
    struct axi_meeting meeting;
    struct axi_plan plan;
    size_t row; /* its length */
    void *objects[ROW_MOST];
    ax_stress_random random;
    struct tuning tuning;
    uint64_t rounds, overlaps, undecided, rounds_left;
    uint64_t tried; /* rows of the plan, while a failure is shrunk */
    uint32_t before_call, after_call; /* instructions that are counted beside those of a call */
    uint32_t longest[AX_STRESS_OPERATIONS]; /* the last one of a call, as far as known; what is longer pauses before */
    bool over;
};

struct axi_rounds {
    struct team *teams;
    struct member *members; /* by the number of the thread; those at home have no team */
    uint32_t count;         /* of teams */
    struct axi_clock clock;
    bool no_object;
    uint32_t finder; /* 1 + number of the team that shrinks its failure; the others go home */
};

/* ---- one row ---- */

/* Some turns that no compiler takes away. */
static void pass_time(struct member *me, uint32_t turns)
{
    for (; turns > 0; turns--)
        me->idle = me->idle * 0xd1342543de82ef95u + turns;
}

/* In the midst of a call, by its thread's signal handler. The others may need what this one holds: they are not waited for
 * for long. */
static void pause_for_others(void *argument)
{
    struct member *me = argument;
    const struct team *team = me->team;
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
static void wait_for_pause(const struct member *me)
{
    const struct team *team = me->team;
    for (uint64_t i = 1;; i++) {
        bool somebody = false;
        for (uint32_t t = 0; t < team->size; t++) {
            const struct member *other = &team->members[t];
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
static __attribute__((noinline)) void call(struct member *me, ax_stress_call *function, void *object,
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

/* How many instructions are counted around a call that are not its own. */
static void count_surroundings(struct member *me)
{
    struct axi_answer answer;
    me->until = 0;
    call(me, count_so_far, NULL, &(struct axi_planned){ .pause = UINT32_MAX }, &answer);
    me->team->before_call = (uint32_t)answer.result;
    me->team->after_call = me->counted - me->team->before_call;
}

static void run_row(struct member *me)
{
    const struct team *team = me->team;
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

static void judge_round(struct member *me, size_t at, uint64_t skew)
{
    const struct team *team = me->team;
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

/* Judges every so many-th round of the row, and puts a new object into its place. */
static void judge_row(struct member *me)
{
    struct team *team = me->team;
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

/* ---- the leader ---- */

static void tune(struct team *team, uint64_t overlaps_now)
{
    struct tuning *tuning = &team->tuning;
    uint64_t now = axi_now_ns(), ns = now - tuning->since_ns;
    tuning->rows++;
    tuning->overlaps += overlaps_now;
    if (tuning->at == LENGTHS ? ns < SETTLED_NS : ns < TRIAL_NS || tuning->rows < TRIAL_ROWS)
        return;
    if (tuning->at < LENGTHS)
        tuning->worth[tuning->at] = (double)tuning->overlaps / (double)(ns + 1);
    tuning->at = tuning->at == LENGTHS ? 0 : tuning->at + 1;
    size_t best = 0;
    for (size_t i = 1; i < LENGTHS; i++)
        best = tuning->worth[i] > tuning->worth[best] ? i : best;
    tuning->length = lengths[tuning->at < LENGTHS ? tuning->at : best];
    tuning->since_ns = now;
    tuning->rows = tuning->overlaps = 0;
}

/* Whether this team shrinks its failure; the first to find one does. */
static bool is_finder(const struct team *team)
{
    /* relaxed: only who wrote it goes on, and the rest is read when all were joined */
    return AX_DETAIL_LOAD_RELAXED(&team->stress->rounds->finder) == team->number + 1;
}

static bool become_finder(const struct team *team)
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
static void conclude(struct team *team)
{
    struct axi_hunt *hunt = team->stress->hunt;
    struct member *failed = NULL;
    uint64_t overlaps_now = 0;
    for (uint32_t t = 0; t < team->size; t++) {
        struct member *member = &team->members[t];
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
static void choose_places(struct team *team, bool keep)
{
    uint64_t bits = ax_stress_bits(&team->random);
    if (!keep || (bits & 1) != 0) {
        axi_plan_delay(&team->plan, &team->random);
        if (team->stress->pauses && (bits & 6) != 0)
            axi_plan_pause(&team->plan, team->before_call, team->longest, &team->random);
    }
    team->row = axi_plan_pauses(&team->plan) ? 1 : team->tuning.length;
}

/* The next plan, or the end. */
static bool choose(struct team *team)
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
static bool furnish(struct team *team)
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

static void lead(struct team *team)
{
    if (team->row > 0)
        conclude(team);
    else if (team->stress->pauses)
        count_surroundings(&team->members[0]);
    AX_DETAIL_FETCH_ADD_RELAXED(&team->stress->epoch, 1u); /* relaxed: a sign of life, for the watching thread */
    team->over = !choose(team) || !furnish(team);
    for (size_t i = 0; i < ROW_MOST && team->over; i++)
        if (team->objects[i] != NULL)
            team->stress->run.impl->destroy(team->objects[i]);
}

void axi_rounds_work(struct axi_thread *thread)
{
    struct member *me = &thread->stress->rounds->members[thread->number];
    struct team *team = me->team;
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
        run_row(me);
        /* relaxed: for the watching thread */
        AX_DETAIL_STORE_RELAXED(&thread->done, thread->done + team->row * team->plan.count[me->number]);
        if (axi_meet(&team->meeting))
            axi_adjourn(&team->meeting);
        judge_row(me);
    }
}

/* ---- before and after ---- */

static bool prepare_team(struct axi_stress *stress, struct team *team, uint32_t first)
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
    team->tuning = (struct tuning){ .length = lengths[0], .since_ns = axi_now_ns() };
    for (uint32_t t = 0; t < team->size; t++) {
        struct member *member = &team->members[t];
        member->team = team;
        member->number = t;
        member->clock = (ax_stress_log){ .counter_ = rounds->clock.counter };
        member->answers = calloc(ROW_MOST * AXI_ROUND_MOST, sizeof *member->answers);
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

/* SPDX-License-Identifier: MIT */
/*
 * Outcome tests (include/atomicx/outcome.h). The actors meet, each runs down the same row of states, they meet
 * again, and the last to arrive counts what was seen and clears the states. The longer the row, the less meeting
 * costs and the more the actors drift apart: its length is tuned first, for the most of the rarest outcome in a second.
 */
#include "outcome.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "meeting.h"

#define STRIDE_MOST 4096
#define TUNING_NS (AXI_SECOND / 100) /* for each length */
#define STATE_ALIGNMENT 128
#define STATE_MOST (64u * 1024)

/* When an actor was at work on its row; its own until all are through. */
struct span {
    _Alignas(AXI_ISOLATION) uint64_t begun_ns;
    uint64_t ended_ns;
};

/* One test's run. What is plain here belongs to whoever is last at the meeting. */
struct row {
    const ax_outcome_test *test;
    uint32_t actors;
    size_t size; /* from one state to the next */
    char *states;
    int32_t (*results[AX_OUTCOME_ACTORS + 1])[AX_OUTCOME_RESULTS]; /* the last one is test->last's */
    size_t stride;
    struct span spans[AX_OUTCOME_ACTORS];
    uint64_t until_ns, batches_left;
    struct axi_tally *tally;
    bool over;
    bool enough_cpus;
    struct axi_meeting meeting;
};

struct actor {
    struct row *row;
    uint32_t number;
};

/* Whether the results are those of the pattern: "0 0|1". */
static bool fits(const char *pattern, const int32_t *results, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bool any = false;
        for (;;) {
            char *end;
            any = strtol(pattern, &end, 10) == results[i] || any;
            pattern = end;
            if (*pattern != '|')
                break;
            pattern++;
        }
        if (!any)
            return false;
    }
    return *pattern == '\0';
}

/* Whether it is a pattern for so many results. */
static bool is_pattern(const char *pattern, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (bool more = true; more;) {
            char *end;
            long value = strtol(pattern, &end, 10);
            if (end == pattern || value < INT32_MIN || value > INT32_MAX)
                return false;
            more = *end == '|';
            pattern = end + more;
        }
    return *pattern == '\0';
}

static const char *test_is_wrong(const ax_outcome_test *test)
{
    uint32_t actors = 0;
    while (actors < AX_OUTCOME_ACTORS && test->actors[actors] != NULL)
        actors++;
    for (uint32_t i = actors; i < AX_OUTCOME_ACTORS; i++)
        if (test->actors[i] != NULL)
            return "there is an actor after NULL";
    if (test->name[0] == '\0' || test->about == NULL)
        return "it has no name or no about";
    if (actors < 2)
        return "it takes two actors at least";
    if (test->results == 0 || test->results > AX_OUTCOME_RESULTS)
        return "it has no results, or more than r[0] to r[3]";
    if (test->state_size == 0 || test->state_size > STATE_MOST)
        return "its state has no bytes, or more than 64 KiB";
    for (size_t i = 0; i < test->outcome_count; i++) {
        const ax_outcome *outcome = &test->outcomes[i];
        if (outcome->results == NULL || outcome->why == NULL || (int)outcome->kind < AX_ACCEPTABLE || outcome->kind > AX_FORBIDDEN)
            return "an outcome lacks its results, its kind or its why";
        if (!is_pattern(outcome->results, test->results))
            return "an outcome does not give a number, or some as in 0|1, for each result";
    }
    return NULL;
}

const char *axi_outcome_check(const ax_outcome_test *tests, size_t count)
{
    static char sentence[AXI_SENTENCE];
    if (tests == NULL || count == 0)
        return "there are no tests";
    for (size_t i = 0; i < count; i++) {
        const char *error = tests[i].name == NULL ? "it has no name" : test_is_wrong(&tests[i]);
        for (size_t k = 0; k < i && error == NULL; k++)
            error = strcmp(tests[i].name, tests[k].name) == 0 ? "another test has this name" : NULL;
        if (error != NULL) {
            snprintf(sentence, sizeof sentence, "tests[%zu] (%s): %s", i, tests[i].name != NULL ? tests[i].name : "NULL", error);
            return sentence;
        }
    }
    return NULL;
}

bool axi_outcome_wrong(const struct axi_seen *seen)
{
    return seen->outcome == NULL || seen->outcome->kind == AX_FORBIDDEN;
}

/* Where there is no room for another one: one of the same kind stands for it, and a wrong one takes the place of a right one. */
static struct axi_seen *find_alike(struct axi_tally *tally, const struct axi_seen *other)
{
    for (size_t i = 0; i < tally->count; i++)
        if (tally->seen[i].outcome == other->outcome)
            return &tally->seen[i];
    struct axi_seen *last = &tally->seen[tally->count - 1];
    if (axi_outcome_wrong(other) && !axi_outcome_wrong(last))
        *last = *other;
    return last;
}

static struct axi_seen *find(struct axi_tally *tally, const ax_outcome_test *test, const int32_t *results)
{
    for (size_t i = 0; i < tally->count; i++)
        if (memcmp(tally->seen[i].results, results, sizeof tally->seen[i].results) == 0)
            return &tally->seen[i];
    struct axi_seen seen = { .times = 0 };
    memcpy(seen.results, results, sizeof seen.results);
    for (size_t i = 0; i < test->outcome_count && seen.outcome == NULL; i++)
        if (fits(test->outcomes[i].results, results, test->results))
            seen.outcome = &test->outcomes[i];
    if (tally->count == AXI_OUTCOMES_MOST)
        return find_alike(tally, &seen);
    tally->seen[tally->count] = seen;
    return &tally->seen[tally->count++];
}

static bool overlaps(const struct row *row)
{
    for (uint32_t a = 0; a < row->actors; a++)
        for (uint32_t b = 0; b < a; b++)
            if (row->spans[a].begun_ns < row->spans[b].ended_ns && row->spans[b].begun_ns < row->spans[a].ended_ns)
                return true;
    return false;
}

/* By the last one at the meeting, with nobody else at work. */
static void count_batch(struct row *row)
{
    const ax_outcome_test *test = row->test;
    struct axi_tally *tally = row->tally;
    if (test->last != NULL)
        test->last(row->states, row->size, row->results[AX_OUTCOME_ACTORS], row->stride);
    for (size_t i = 0; i < row->stride; i++) {
        int32_t r[AX_OUTCOME_RESULTS] = { 0 };
        size_t index = 0;
        for (uint32_t k = 0; k < test->results; k++) {
            for (uint32_t a = 0; a < row->actors; a++)
                r[k] += row->results[a][i][k]; /* one actor writes it, it is 0 with the others */
            r[k] += test->last != NULL ? row->results[AX_OUTCOME_ACTORS][i][k] : 0;
            index = index << 2 | (size_t)(r[k] & 3);
        }
        struct axi_seen *seen = tally->shortcut[index];
        if (seen == NULL || memcmp(seen->results, r, sizeof r) != 0)
            tally->shortcut[index] = seen = find(tally, test, r);
        seen->times++;
    }
    tally->runs += row->stride;
    tally->overlaps += overlaps(row);
    memset(row->states, 0, row->size * row->stride);
    if (axi_stop_asked() || (row->batches_left > 0 && --row->batches_left == 0) ||
        (row->until_ns != 0 && axi_now_ns() >= row->until_ns))
        row->over = true;
}

static void *act(void *arg)
{
    const struct actor *actor = arg;
    struct row *row = actor->row;
    struct span *span = &row->spans[actor->number];
    for (;;) {
        if (axi_meet(&row->meeting)) /* all there */
            axi_adjourn(&row->meeting);
        if (row->over)
            return NULL;
        span->begun_ns = axi_now_ns();
        row->test->actors[actor->number](row->states, row->size, row->results[actor->number], row->stride);
        span->ended_ns = axi_now_ns();
        if (axi_meet(&row->meeting)) { /* all through */
            count_batch(row);
            axi_adjourn(&row->meeting);
        }
    }
}

/* Runs with rows of `stride` states for so many batches (0: any number) and nanoseconds (0: any). */
static bool run_with(struct row *row, size_t stride, uint64_t batches, uint64_t ns, struct axi_tally *tally)
{
    pthread_t ids[AX_OUTCOME_ACTORS];
    struct actor actors[AX_OUTCOME_ACTORS];
    uint64_t begun = axi_now_ns();
    row->stride = stride;
    row->batches_left = batches;
    row->until_ns = ns != 0 ? begun + ns : 0;
    row->tally = tally;
    row->over = false;
    axi_meeting_init(&row->meeting, row->actors, row->enough_cpus);
    uint32_t started = 0;
    for (; started < row->actors; started++) {
        actors[started] = (struct actor){ row, started };
        if (pthread_create(&ids[started], NULL, act, &actors[started]) != 0)
            break;
    }
    if (started < row->actors) { /* those who are there wait for a meeting that never comes about: take the others' places */
        row->over = true;
        for (uint32_t i = started; i < row->actors; i++)
            if (axi_arrive(&row->meeting))
                axi_adjourn(&row->meeting);
    }
    for (uint32_t i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    tally->ns += axi_now_ns() - begun;
    return started == row->actors;
}

/* What a length is worth: the interesting outcomes in a second, or where none is seen, the rarest one of all. */
static double worth(const struct axi_tally *tally)
{
    uint64_t interesting = 0, rarest = 0;
    for (size_t i = 0; i < tally->count; i++) {
        const struct axi_seen *seen = &tally->seen[i];
        if (seen->outcome == NULL || seen->outcome->kind != AX_ACCEPTABLE)
            interesting += seen->times;
        if (tally->count > 1 && (rarest == 0 || seen->times < rarest))
            rarest = seen->times;
    }
    return (1e6 * (double)interesting + (double)rarest) / (double)(tally->ns + 1);
}

const char *axi_outcome_run(const ax_outcome_test *test, uint64_t ns, uint64_t iters, struct axi_tally *tally)
{
    static const size_t strides[] = { 32, 64, 128, 256, 512, 1024, 2048, STRIDE_MOST };
    struct row row = { .test = test, .size = (test->state_size + 7) / 8 * 8 };
    const char *error = NULL;
    while (row.actors < AX_OUTCOME_ACTORS && test->actors[row.actors] != NULL)
        row.actors++;
    cpu_set_t allowed;
    row.enough_cpus = sched_getaffinity(0, sizeof allowed, &allowed) != 0 || (uint32_t)CPU_COUNT(&allowed) >= row.actors;
    row.states = aligned_alloc(STATE_ALIGNMENT, (row.size * STRIDE_MOST + STATE_ALIGNMENT - 1) / STATE_ALIGNMENT * STATE_ALIGNMENT);
    bool memory = row.states != NULL;
    for (int i = 0; i <= AX_OUTCOME_ACTORS; i++) {
        row.results[i] = calloc(STRIDE_MOST, sizeof *row.results[i]);
        memory = memory && row.results[i] != NULL;
    }
    if (!memory) {
        error = "no memory";
        goto out;
    }
    memset(row.states, 0, row.size * STRIDE_MOST);
    double best = -1;
    size_t stride = 256;
    for (size_t i = 0; i < sizeof strides / sizeof *strides && iters == 0; i++) {
        struct axi_tally trial = { 0 };
        if (!run_with(&row, strides[i], 0, TUNING_NS, &trial)) {
            error = "no threads";
            goto out;
        }
        if (worth(&trial) > best) {
            best = worth(&trial);
            stride = strides[i];
        }
        for (size_t k = 0; k < trial.count; k++)
            find(tally, test, trial.seen[k].results)->times += trial.seen[k].times; /* a forbidden one counts whenever seen */
        tally->runs += trial.runs;
        tally->overlaps += trial.overlaps;
        tally->ns += trial.ns;
    }
    tally->stride = stride;
    uint64_t batches = iters != 0 ? (iters + stride - 1) / stride : 0;
    if (!run_with(&row, stride, batches, iters != 0 ? 0 : ns, tally))
        error = "no threads";
out:
    for (int i = 0; i <= AX_OUTCOME_ACTORS; i++)
        free(row.results[i]);
    free(row.states);
    return error;
}

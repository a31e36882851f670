/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "../parallel.h"
#include "../progress.h"
#include "explain.h"
#include "fast.h"
#include "gather.h"
#include "sort.h"

static uint64_t allowed_steps = UINT64_C(1000000000);
enum { STEPS_TO_SHOW = 20000000 };

static bool partial_allowed;
static const char *given_setup;

void axc_set_partial(bool allowed)
{
    partial_allowed = allowed;
}

void axc_set_setup(const char *setup)
{
    given_setup = setup;
}

void axc_set_steps(uint64_t steps)
{
    allowed_steps = steps;
}

/* The caller frees the history in any case. */
static bool read_history(struct axc_history *history, enum axc_form form, const char *bytes, size_t length, struct axc_report *report)
{
    *history = (struct axc_history){.capacity = -1, .report = report, .partial = partial_allowed, .given = given_setup};
    switch (form) {
    case AXC_TEXT_FORM:
        return axc_read_text(history, bytes, length);
    case AXC_LINES_FORM:
        return axc_read_lines(history, bytes, length);
    case AXC_BINARY_FORM:
        return axc_read_binary(history, bytes, length);
    case AXC_EDN_FORM:
        return axc_read_edn(history, bytes, length);
    default:
        return axc_corrupt(report, 0, "not a history");
    }
}

static void describe(const struct axc_history *history, struct axc_report *report)
{
    int n = snprintf(report->subject, sizeof report->subject, "history, model %s, %zu process%s, %zu operations",
                     history->model->name, history->processes, history->processes == 1 ? "" : "es", history->count);
    if (history->pending > 0 && n > 0 && (size_t)n < sizeof report->subject)
        snprintf(report->subject + n, sizeof report->subject - (size_t)n, ", %zu of them unanswered", history->pending);
}

/* `where` is "" or which key it is. */
static void state_fast(const struct axc_history *history, const struct axc_fast *fast, const char *where, struct axc_report *report)
{
    axc_state(report, "linearizable", fast->right, "judged %s%s%s%s", fast->rule, where, fast->right ? "" : ": ", fast->why);
    if (fast->right || fast->culprit_count == 0)
        return;
    struct axc_op ops[AXC_CULPRITS];
    struct axc_shrunk shrunk = {.part = {.history = history, .ops = ops, .count = fast->culprit_count}, .by_rule = true};
    memcpy(ops, fast->culprits, sizeof ops);
    axc_sort(ops, fast->culprit_count);
    axc_draw(&shrunk, report);
}

struct jury {
    const struct axc_parts *parts;
    atomic_uint_fast64_t allowance; /* steps left, of all parts together */
    struct finding {
        enum axc_answer answer;
        const char *rule; /* of the fast judge that found it; NULL: the search */
        size_t operations;
        struct axc_search_stats stats;
    } *findings;
    struct axc_gathered gatherings[AXC_MAX_WORKERS + 1], *of_worker[AXC_MAX_WORKERS];
    pthread_mutex_t mutex; /* the two below */
    struct axc_gathered *wrong; /* the first wrong part there is, as its judges left it, */
    size_t wrong_piece;      /* and which one it is */
};

/* Keeps a wrong part if none before it is. */
static void keep(struct jury *jury, size_t piece, size_t worker)
{
    pthread_mutex_lock(&jury->mutex);
    if (piece < jury->wrong_piece) {
        struct axc_gathered *before = jury->wrong;
        jury->wrong = jury->of_worker[worker];
        jury->wrong_piece = piece;
        jury->of_worker[worker] = before;
    }
    pthread_mutex_unlock(&jury->mutex);
}

static void judge_part(void *context, size_t piece, size_t worker)
{
    struct jury *jury = context;
    struct finding *finding = &jury->findings[piece];
    struct axc_gathered *gathered = jury->of_worker[worker];
    struct axc_fast fast;
    finding->operations = jury->parts->plans[piece].operations;
    if (!axc_gather(jury->parts, piece, gathered)) {
        finding->answer = AXC_MEMORY;
    } else if (axc_fast_quiet(&gathered->part) == AXC_RIGHT) {
        finding->answer = AXC_YES;
        finding->rule = "from one quiet moment to the next";
    } else if (axc_judge_fast(&gathered->part, &fast)) {
        finding->answer = fast.right ? AXC_YES : AXC_NO;
        finding->rule = fast.rule;
    } else {
        uint64_t left = atomic_load_explicit(&jury->allowance, memory_order_relaxed), allowance = left;
        finding->answer = axc_search(&gathered->part, &allowance, &finding->stats);
        /* What two use at the same time may together be more than was left: a bound for people, not for machines. */
        uint64_t now = left;
        while (!atomic_compare_exchange_weak_explicit(&jury->allowance, &now, now > left - allowance ? now - (left - allowance) : 0,
                                                      memory_order_relaxed, memory_order_relaxed))
            ;
    }
    if (finding->answer == AXC_NO)
        keep(jury, piece, worker);
    axc_progress_add(finding->operations - finding->stats.told);
}

/* Where it is wrong; else where it could not be said; else NULL. */
static const struct finding *worst(const struct jury *jury, size_t *wrong, uint64_t *steps)
{
    const struct finding *failed = NULL, *open = NULL;
    for (size_t i = 0; i < jury->parts->count; i++) {
        const struct finding *finding = &jury->findings[i];
        *steps += finding->stats.steps;
        if (finding->answer == AXC_NO && (*wrong)++ == 0)
            failed = finding;
        if (finding->answer != AXC_YES && finding->answer != AXC_NO && open == NULL)
            open = finding;
    }
    return failed != NULL ? failed : open;
}

static void state_wrong(const struct jury *jury, const struct finding *finding, size_t wrong, struct axc_report *report)
{
    struct axc_part *part = &jury->wrong->part;
    char key[64] = "";
    axc_progress_phase("looking for a small counterexample", "steps", 0);
    if (part->history->model->keyed)
        snprintf(key, sizeof key, " on key %" PRId64 " (%zu of %zu keys)", part->key, wrong, jury->parts->count);
    struct axc_fast fast;
    if (finding->rule != NULL && axc_judge_fast(part, &fast)) {
        state_fast(part->history, &fast, key, report);
        /* Why takes more than a few operations: what the search finds, if it does not take too long. */
        struct axc_search_stats stats;
        uint64_t allowance = STEPS_TO_SHOW;
        if (fast.culprit_count == 0 && axc_search(part, &allowance, &stats) == AXC_NO)
            axc_explain(part, &stats, report);
        return;
    }
    axc_state(report, "linearizable", false, "no order of the operations%s gives these results", key);
    axc_explain(part, &finding->stats, report);
}

static void state_findings(const struct jury *jury, struct axc_report *report)
{
    const struct axc_parts *parts = jury->parts;
    size_t wrong = 0;
    uint64_t steps = 0;
    const struct finding *found = worst(jury, &wrong, &steps);
    if (found != NULL && found->answer == AXC_NO)
        state_wrong(jury, found, wrong, report);
    else if (found != NULL && found->answer == AXC_STEPS)
        axc_gave_up(report, "no verdict within %" PRIu64 " steps (--steps); at most %zu of %zu operations in order", allowed_steps,
                    found->stats.deepest, found->operations);
    else if (found != NULL)
        axc_gave_up(report, "no verdict within %zu MiB of memory (--memory)", axc_budget_limit() >> 20);
    else if (parts->count == 1 && jury->findings[0].rule != NULL)
        axc_state(report, "linearizable", true, "judged %s", jury->findings[0].rule);
    else if (parts->history->model->keyed)
        axc_state(report, "linearizable", true, "each of %zu keys has an order that gives these results (%" PRIu64 " steps)", parts->count,
                  steps);
    else
        axc_state(report, "linearizable", true, "there is an order that gives these results (%" PRIu64 " steps)", steps);
}

static void judge_parts(const struct axc_parts *parts, struct axc_report *report)
{
    struct jury *jury = axc_zeroed(1, sizeof *jury);
    struct finding *findings = axc_zeroed(parts->count, sizeof *findings);
    if (jury != NULL && findings != NULL) {
        jury->parts = parts;
        jury->findings = findings;
        atomic_init(&jury->allowance, allowed_steps);
        for (size_t i = 0; i < AXC_MAX_WORKERS; i++)
            jury->of_worker[i] = &jury->gatherings[i];
        jury->wrong = &jury->gatherings[AXC_MAX_WORKERS];
        jury->wrong_piece = SIZE_MAX;
        pthread_mutex_init(&jury->mutex, NULL);
        axc_progress_phase("judging", "operations", parts->history->count);
        axc_parallel(axc_workers(parts->history->count), parts->count, judge_part, jury);
        state_findings(jury, report);
        pthread_mutex_destroy(&jury->mutex);
        for (size_t i = 0; i <= AXC_MAX_WORKERS; i++)
            axc_gathered_free(&jury->gatherings[i]);
    } else {
        axc_history_no_memory(parts->history);
    }
    axc_free(jury);
    axc_free(findings);
}

static void judge(struct axc_history *history, struct axc_report *report)
{
    struct axc_fast fast;
    struct axc_parts parts;
    describe(history, report);
    axc_progress_phase("judging", "operations", 0);
    if (history->count == 0) {
        report->verdict = AXC_VACUOUS;
        snprintf(report->reason, sizeof report->reason, "no operation was done");
    } else if (axc_judge_lanes(history, &fast)) {
        state_fast(history, &fast, "", report);
    } else {
        if (axc_split(history, &parts))
            judge_parts(&parts, report);
        else
            axc_history_no_memory(history);
        axc_parts_free(&parts);
    }
}

void axc_judge_history(enum axc_form form, const char *bytes, size_t length, struct axc_report *report)
{
    struct axc_history history;
    if (read_history(&history, form, bytes, length, report) && axc_history_finish(&history))
        judge(&history, report);
    axc_history_free(&history);
}

static int by_process(const void *left, const void *right)
{
    uint32_t a = ((const struct axc_lane *)left)->process, b = ((const struct axc_lane *)right)->process;
    return a < b ? -1 : a > b;
}

void axc_convert_history(enum axc_form form, const char *bytes, size_t length, enum axc_form wanted, struct axc_report *report)
{
    struct axc_history history;
    if (read_history(&history, form, bytes, length, report) && axc_history_finish(&history)) {
        if (history.processes > 0)
            qsort(history.lanes, history.processes, sizeof *history.lanes, by_process);
        bool done = wanted == AXC_TEXT_FORM    ? axc_write_text(&history, stdout)
                    : wanted == AXC_LINES_FORM ? axc_write_lines(&history, stdout)
                                               : axc_write_binary(&history, stdout);
        if (!done)
            axc_history_no_memory(&history);
    }
    axc_history_free(&history);
}

/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "../parallel.h"
#include "../progress.h"
#include "explain.h"
#include "fast.h"
#include "parts.h"
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
    const struct axc_history *history;
    const struct axc_parts *parts;
    atomic_uint_fast64_t allowance; /* steps left, of all parts together */
    struct finding {
        enum axc_answer answer;
        const char *rule; /* of the fast judge that found it; NULL: the search */
        struct axc_search_stats stats;
    } *findings;
};

static void judge_part(void *context, size_t piece, size_t worker)
{
    (void)worker;
    struct jury *jury = context;
    struct finding *finding = &jury->findings[piece];
    struct axc_part *part = &jury->parts->parts[piece];
    struct axc_fast fast;
    if (!axc_part_sort(part)) {
        finding->answer = AXC_MEMORY;
    } else if (axc_fast_quiet(part) == AXC_RIGHT) {
        *finding = (struct finding){.answer = AXC_YES, .rule = "from one quiet moment to the next"};
    } else if (axc_judge_fast(part, &fast)) {
        *finding = (struct finding){.answer = fast.right ? AXC_YES : AXC_NO, .rule = fast.rule};
    } else {
        uint64_t left = atomic_load_explicit(&jury->allowance, memory_order_relaxed), allowance = left;
        finding->answer = axc_search(part, &allowance, &finding->stats);
        /* What two use at the same time may together be more than was left: a bound for people, not for machines. */
        uint64_t now = left;
        while (!atomic_compare_exchange_weak_explicit(&jury->allowance, &now, now > left - allowance ? now - (left - allowance) : 0,
                                                      memory_order_relaxed, memory_order_relaxed))
            ;
    }
    axc_progress_add(part->count - finding->stats.told);
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
    struct axc_part *part = &jury->parts->parts[finding - jury->findings];
    char key[64] = "";
    axc_progress_phase("looking for a small counterexample", "steps", 0);
    if (jury->history->model->keyed)
        snprintf(key, sizeof key, " on key %" PRId64 " (%zu of %zu keys)", part->key, wrong, jury->parts->count);
    struct axc_fast fast;
    if (finding->rule != NULL && axc_judge_fast(part, &fast)) {
        state_fast(jury->history, &fast, key, report);
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

static void judge_parts(const struct axc_history *history, const struct axc_parts *parts, struct axc_report *report)
{
    struct jury jury = {.history = history, .parts = parts, .allowance = allowed_steps};
    size_t wrong = 0;
    uint64_t steps = 0;
    jury.findings = axc_zeroed(parts->count, sizeof *jury.findings);
    if (jury.findings == NULL) {
        axc_history_no_memory(history);
        return;
    }
    axc_progress_phase("judging", "operations", history->count);
    axc_parallel(axc_workers(history->count), parts->count, judge_part, &jury);
    const struct finding *found = worst(&jury, &wrong, &steps);
    if (found != NULL && found->answer == AXC_NO)
        state_wrong(&jury, found, wrong, report);
    else if (found != NULL && found->answer == AXC_STEPS)
        axc_gave_up(report, "no verdict within %" PRIu64 " steps (--steps); at most %zu of %zu operations in order", allowed_steps,
                    found->stats.deepest, parts->parts[found - jury.findings].count);
    else if (found != NULL)
        axc_gave_up(report, "no verdict within %zu MiB of memory (--memory)", axc_budget_limit() >> 20);
    else if (parts->count == 1 && jury.findings[0].rule != NULL)
        axc_state(report, "linearizable", true, "judged %s", jury.findings[0].rule);
    else if (history->model->keyed)
        axc_state(report, "linearizable", true, "each of %zu keys has an order that gives these results (%" PRIu64 " steps)", parts->count,
                  steps);
    else
        axc_state(report, "linearizable", true, "there is an order that gives these results (%" PRIu64 " steps)", steps);
    axc_free(jury.findings);
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
            judge_parts(history, &parts, report);
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

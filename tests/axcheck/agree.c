/* SPDX-License-Identifier: MIT */
/**
 * agree.c: on random small histories of every model, right and wrong, the judges agree with trying every
 * order one after the other, and what is left of a wrong one after shrinking is still wrong.
 *
 * usage: agree HISTORIES [SEED]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axcheck.h"
#include "budget.h"
#include "history/explain.h"
#include "history/fast.h"
#include "history/parts.h"

enum { MOST = 7, PROCESSES = 3, STATE = 64, DOMAIN = 7 };

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random_state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

static void require(bool condition, const char *what, const struct axc_history *history);

/* The oracle: no memory, no order of trying that matters, no rule but the definition. */
static bool some_order(const struct axc_part *part, unsigned done, const int64_t *state, size_t words)
{
    bool all = true;
    for (size_t i = 0; i < part->count; i++)
        all = all && ((done >> i & 1) != 0 || part->ops[i].responded == AXC_PENDING);
    if (all)
        return true;
    for (size_t i = 0; i < part->count; i++) {
        bool may_come = (done >> i & 1) == 0;
        for (size_t j = 0; j < part->count; j++)
            if ((done >> j & 1) == 0 && j != i &&
                (part->ops[j].responded < part->ops[i].invoked ||
                 (part->ops[j].process == part->ops[i].process && part->ops[j].order < part->ops[i].order)))
                may_come = false;
        if (!may_come)
            continue;
        const struct axc_history *history = part->history;
        const struct axc_op *op = &part->ops[i];
        for (size_t choice = 0;; choice++) {
            int64_t next[STATE];
            size_t next_words;
            enum axc_step outcome =
                history->model->step(history, op, axc_values(history, op), state, words, choice, next, &next_words);
            if (outcome == AXC_NO_CHOICE)
                break;
            if (outcome == AXC_LEGAL && some_order(part, done | 1U << i, next, next_words))
                return true;
        }
    }
    return false;
}

struct planned {
    uint64_t invoked, point, responded;
    uint32_t process;
};

static int by_point(const void *left, const void *right)
{
    const struct planned *a = left, *b = right;
    return a->point < b->point ? -1 : a->point > b->point;
}

static int by_process(const void *left, const void *right)
{
    const struct axc_op *a = left, *b = right;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Results that a right object would have given at the points chosen, then perhaps one of them changed. */
static void generate(struct axc_history *history, struct axc_report *report)
{
    static int64_t balances[2] = {3, 2};
    static const int64_t results[] = {0, 1, 2, 3, 4, 5, AXC_NONE, AXC_CLOSED};
    size_t models = 0;
    while (axc_models[models] != NULL)
        models++;
    *history = (struct axc_history){.model = axc_models[random_below(models)], .capacity = -1, .report = report};
    if (history->model->needs_capacity || (history->model->may_have_capacity && random_below(2) == 0))
        history->capacity = 1 + (int64_t)random_below(3);
    if (history->model->has_accounts && !axc_history_setup(history, 0, "balances", 8, balances, 2))
        abort();
    if (history->model->has_initial)
        history->initial = (int64_t)random_below(2);
    size_t count = 1 + random_below(MOST);
    struct planned plan[MOST];
    bool touching = random_below(4) == 0;
    uint64_t clock[PROCESSES] = {0}, last_point[PROCESSES] = {0};
    for (size_t i = 0; i < count; i++) {
        uint32_t process = (uint32_t)random_below(PROCESSES);
        plan[i].process = process;
        plan[i].invoked = clock[process] + random_below(8);
        plan[i].point = (plan[i].invoked + random_below(8)) * 8 + random_below(8);
        if (plan[i].point <= last_point[process])
            plan[i].point = last_point[process] + 1;
        last_point[process] = plan[i].point;
        plan[i].responded = plan[i].point / 8 + random_below(8);
        clock[process] = plan[i].responded + (touching ? random_below(2) : 1);
    }
    qsort(plan, count, sizeof *plan, by_point);
    int64_t state[STATE], next[STATE], values[MOST][AXC_MAX_ARGS + 1];
    size_t words = history->model->begin(history, state), next_words = 0;
    struct axc_op ops[MOST];
    /* One of the verbs more often than others, so that, say, sellers meet sold-out answers. */
    size_t favourite = random_below(history->model->verb_count), changed = random_below(2 * count);
    /* Half of the counters and sellers as the fast judges want them. */
    bool plain = random_below(2) == 0, counter = strcmp(history->model->name, "counter") == 0;
    bool tickets = strcmp(history->model->name, "tickets") == 0;
    for (size_t i = 0; i < count; i++) {
        size_t verb = random_below(3) == 0 ? random_below(history->model->verb_count) : favourite;
        if (plain && (counter || tickets))
            verb = (size_t)(tickets                   ? axc_verb_named(history->model, "sell", 4)
                            : random_below(3) == 0 ? axc_verb_named(history->model, "read", 4)
                                                   : axc_verb_named(history->model, "add", 3));
        const struct axc_verb *known = &history->model->verbs[verb];
        struct axc_op *op = &ops[i];
        *op = (struct axc_op){.invoked = plan[i].invoked, .responded = plan[i].responded, .process = plan[i].process,
                              .verb = (uint8_t)verb, .args = known->args, .order = (uint32_t)i};
        for (size_t j = 0; j < known->args; j++)
            values[i][j] = (int64_t)random_below(history->model->needs_capacity ? (uint64_t)history->capacity : 2);
        if (history->model->keyed)
            values[i][0] = 0;
        if (plain && counter && known->args == 1)
            values[i][0] = 1;
        bool looked = known->results == 1 && (plain || random_below(12) != 0);
        if (looked) {
            op->results = 1;
            bool found = false;
            size_t offset = random_below(sizeof results / sizeof results[0]);
            for (size_t j = 0; j < sizeof results / sizeof results[0] && !found; j++) {
                values[i][op->args] = results[(j + offset) % (sizeof results / sizeof results[0])];
                found = history->model->refuse(history, op, values[i]) == NULL &&
                        history->model->step(history, op, values[i], state, words, 0, next, &next_words) == AXC_LEGAL;
            }
            if (!found)
                op->results = 0;
        }
        enum axc_step outcome = AXC_ILLEGAL;
        for (size_t choice = 0; outcome == AXC_ILLEGAL; choice++)
            outcome = history->model->step(history, op, values[i], state, words, choice, next, &next_words);
        if (outcome == AXC_LEGAL) {
            words = next_words;
            memcpy(state, next, words * sizeof *state);
        }
        if (op->results == 1 && i == changed) {
            int64_t was = values[i][op->args];
            values[i][op->args] = results[random_below(sizeof results / sizeof results[0])];
            if (history->model->refuse(history, op, values[i]) != NULL)
                values[i][op->args] = was;
        }
    }
    struct axc_op sorted[MOST];
    memcpy(sorted, ops, sizeof sorted);
    qsort(sorted, count, sizeof *sorted, by_process);
    for (size_t i = 0; i < count; i++) {
        struct axc_op op = sorted[i];
        bool last = i + 1 == count || sorted[i + 1].process != op.process;
        if (last && random_below(6) == 0) {
            op.responded = AXC_PENDING;
            op.results = 0;
        }
        if (!axc_history_add(history, 0, &op, values[op.order]))
            require(false, report->reason, history);
    }
}

static void print(const struct axc_history *history)
{
    fprintf(stderr, "model %s, initial %" PRId64 ", capacity %" PRId64 "\n", history->model->name, history->initial, history->capacity);
    for (size_t i = 0; i < history->count; i++) {
        const struct axc_op *op = &history->ops[i];
        fprintf(stderr, "%" PRIu32 " %" PRIu64 " %" PRId64 " %s", op->process, op->invoked, (int64_t)op->responded,
                history->model->verbs[op->verb].name);
        for (size_t j = 0; j < (size_t)op->args + op->results; j++)
            fprintf(stderr, "%s %" PRId64, j == op->args ? " ->" : "", axc_values(history, op)[j]);
        fprintf(stderr, "\n");
    }
}

static void require(bool condition, const char *what, const struct axc_history *history)
{
    if (condition)
        return;
    fprintf(stderr, "agree: %s\n", what);
    print(history);
    exit(1);
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, right = 0, wrong = 0, fast = 0, fast_wrong = 0, shrunk_count = 0;
    random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    axc_budget_init((size_t)256 << 20);
    for (uint64_t n = 0; n < wanted; n++) {
        struct axc_report report;
        struct axc_history history;
        struct axc_parts parts;
        axc_report_init(&report);
        generate(&history, &report);
        require(axc_split(&history, &parts) && parts.count == 1, "not one part", &history);
        const struct axc_part *part = &parts.parts[0];
        bool possible = some_order(part, 0, part->start, part->start_words);
        uint64_t allowance = UINT64_MAX;
        struct axc_search_stats stats;
        enum axc_answer answer = axc_search(part, &allowance, &stats);
        require(answer == (possible ? AXC_YES : AXC_NO), "the search and the oracle disagree", &history);
        (possible ? right++ : wrong++);
        struct axc_fast quick;
        if (axc_judge_fast(part, &quick)) {
            require(quick.right == possible, "the fast judge and the oracle disagree", &history);
            fast++;
            fast_wrong += possible ? 0 : 1;
        }
        if (!possible) {
            struct axc_shrunk shrunk;
            require(axc_shrink(part, &stats, &shrunk), "a wrong history did not shrink", &history);
            require(shrunk.part.count <= part->count && shrunk.ends.count == 0 &&
                        !some_order(&shrunk.part, 0, shrunk.part.start, shrunk.part.start_words),
                    "what is left after shrinking is right", &history);
            shrunk_count += shrunk.part.count < part->count ? 1 : 0;
            axc_shrunk_free(&shrunk);
        }
        axc_parts_free(&parts);
        axc_history_free(&history);
    }
    printf("%" PRIu64 " histories: %" PRIu64 " right, %" PRIu64 " wrong (%" PRIu64 " of them shrunk); the fast judges took %" PRIu64
           ", %" PRIu64 " of them wrong\n", wanted, right, wrong, shrunk_count, fast, fast_wrong);
    /* A run that met only one kind would show nothing. */
    return right > wanted / 10 && wrong > wanted / 20 && fast > wanted / 20 && fast_wrong > wanted / 100 ? 0 : 1;
}

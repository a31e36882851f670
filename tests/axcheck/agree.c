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
#include "history/forms.h"
#include "history/lane.h"
#include "history/gather.h"

enum { MOST = 7, PROCESSES = 5, STATE = 64, FRESH = 100, JUDGES = 10, MODELS = 8 };

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

/* What the answered operations and any of the unanswered ones can lead to, each order tried. */
struct reached {
    int64_t state[STATE];
    size_t words;
    unsigned done;
};

enum { MOST_REACHED = 4096 };
static struct reached reached[MOST_REACHED];
static size_t reached_count;

static void reach(const struct axc_part *part, unsigned done, const int64_t *state, size_t words)
{
    unsigned answered = 0;
    for (size_t i = 0; i < part->count; i++)
        answered |= part->ops[i].responded != AXC_PENDING ? 1U << i : 0;
    bool known = (done & answered) != answered;
    for (size_t i = 0; i < reached_count && !known; i++)
        known = reached[i].done == done && reached[i].words == words &&
                (words == 0 || memcmp(reached[i].state, state, words * sizeof *state) == 0);
    if (!known && reached_count < MOST_REACHED) {
        struct reached *new = &reached[reached_count++];
        *new = (struct reached){.words = words, .done = done};
        memcpy(new->state, state, words * sizeof *state);
    }
    for (size_t i = 0; i < part->count; i++) {
        bool may_come = (done >> i & 1) == 0;
        for (size_t j = 0; j < part->count; j++)
            if ((done >> j & 1) == 0 && j != i &&
                (part->ops[j].responded < part->ops[i].invoked ||
                 (part->ops[j].process == part->ops[i].process && part->ops[j].order < part->ops[i].order)))
                may_come = false;
        for (size_t choice = 0; may_come; choice++) {
            int64_t next[STATE];
            size_t next_words;
            enum axc_step outcome = part->history->model->step(part->history, &part->ops[i], axc_values(part->history, &part->ops[i]),
                                                               state, words, choice, next, &next_words);
            if (outcome == AXC_NO_CHOICE)
                break;
            if (outcome == AXC_LEGAL)
                reach(part, done | 1U << i, next, next_words);
        }
    }
}

/* The history at a moment: what was running may have happened, with the results it got later. Both lists of what
 * this leads to must be the same, but for operations that read and were not looked at: the search has no bit for them. */
static bool same_ends(const struct axc_part *part, uint64_t moment)
{
    struct axc_op ops[MOST];
    struct axc_part cut = *part;
    unsigned bits[MOST], bit_count = 0;
    cut.ops = ops;
    cut.count = 0;
    for (size_t i = 0; i < part->count; i++) {
        struct axc_op op = part->ops[i];
        if (op.invoked > moment || (part->history->model->verbs[op.verb].idle == AXC_READS && op.results == 0))
            continue;
        if (op.responded > moment) {
            op.responded = AXC_PENDING;
            bits[bit_count++] = (unsigned)cut.count;
        }
        ops[cut.count++] = op;
    }
    if (cut.count == 0)
        return true;
    reached_count = 0;
    reach(&cut, 0, cut.start, cut.start_words);
    static struct axc_ends ends;
    struct axc_states states = {0};
    struct axc_search_stats stats;
    uint64_t allowance = UINT64_MAX;
    ends = (struct axc_ends){.states = &states};
    bool same = axc_search_ends(&cut, &allowance, &stats, &ends) == AXC_NO && !ends.overflow && ends.count == reached_count;
    for (size_t i = 0; same && i < ends.count; i++) {
        size_t words;
        const int64_t *state = axc_state_words(&states, ends.ends[i].state, &words);
        unsigned done = 0;
        for (size_t j = 0; j < cut.count; j++)
            done |= ops[j].responded != AXC_PENDING ? 1U << j : 0;
        for (unsigned j = 0; j < bit_count; j++)
            done |= (ends.ends[i].happened >> j & 1) != 0 ? 1U << bits[j] : 0;
        bool found = false;
        for (size_t j = 0; j < reached_count && !found; j++)
            found = reached[j].done == done && reached[j].words == words &&
                    (words == 0 || memcmp(reached[j].state, state, words * sizeof *state) == 0);
        same = found;
    }
    axc_states_free(&states);
    return same;
}

/* What is left of a wrong history has no order, from whatever its beginning can have led to. */
static bool still_wrong(const struct axc_shrunk *shrunk)
{
    if (shrunk->ends.count == 0)
        return !some_order(&shrunk->part, 0, shrunk->part.start, shrunk->part.start_words);
    for (size_t i = 0; i < shrunk->ends.count; i++) {
        struct axc_op ops[MOST];
        struct axc_part rest = shrunk->part;
        rest.ops = ops;
        rest.count = 0;
        for (size_t j = 0; j < shrunk->part.count; j++) {
            bool happened = false;
            for (size_t k = 0; k < shrunk->running; k++)
                happened |= shrunk->was_running[k] == shrunk->part.ops[j].order && (shrunk->ends.ends[i].happened >> k & 1) != 0;
            if (!happened)
                ops[rest.count++] = shrunk->part.ops[j];
        }
        size_t words;
        const int64_t *state = axc_state_words(&shrunk->states, shrunk->ends.ends[i].state, &words);
        if (some_order(&rest, 0, state, words))
            return false;
    }
    return true;
}

/* The search takes at once what fits and changes nothing. That is right because whether an operation changes a state is
 * decided by its result: tried for each verb, in two states that were come by at random. */
static void decided_by_result(const struct axc_model *model)
{
    static const int64_t numbers[] = {0, 1, 2, 3, -1, INT64_MAX, INT64_MAX - 1, AXC_CLOSED + 1, AXC_CLOSED, AXC_NONE};
    enum { NUMBERS = sizeof numbers / sizeof numbers[0], ARGUMENTS = 7 /* of these */ };
    static int64_t balances[2];
    struct axc_history history = {.model = model, .capacity = 1 + (int64_t)random_below(3), .balances = balances, .accounts = 2};
    int64_t state[2][STATE], next[STATE], values[AXC_MAX_ARGS + 2];
    bool fits[2], changes[2];
    size_t verb = random_below(model->verb_count), words[2], next_words;
    balances[0] = numbers[random_below(4)];
    balances[1] = random_below(4) == 0 ? INT64_MAX : numbers[random_below(4)];
    history.initial = numbers[random_below(NUMBERS)];
    for (size_t i = 0; i < 2; i++) {
        words[i] = model->begin(&history, state[i]);
        for (size_t steps = random_below(6); steps > 0; steps--) {
            size_t other = random_below(model->verb_count);
            struct axc_op op = {.verb = (uint8_t)other, .args = model->verbs[other].args};
            for (size_t j = 0; j < op.args; j++)
                values[j] = numbers[random_below(ARGUMENTS)];
            if (model->refuse(&history, &op, values) == NULL &&
                model->step(&history, &op, values, state[i], words[i], random_below(4), next, &next_words) == AXC_LEGAL)
                memcpy(state[i], next, (words[i] = next_words) * sizeof *next);
        }
    }
    struct axc_op op = {.verb = (uint8_t)verb, .args = model->verbs[verb].args, .results = model->verbs[verb].results > 1 ? 2 : model->verbs[verb].results};
    for (size_t j = 0; j < (size_t)op.args + op.results; j++)
        values[j] = j >= op.args && random_below(2) == 0 && words[0] > 0 ? state[0][random_below(words[0])] : numbers[random_below(j < op.args ? ARGUMENTS : NUMBERS)];
    if (op.results == 0 || model->refuse(&history, &op, values) != NULL)
        return;
    for (size_t i = 0; i < 2; i++) {
        fits[i] = model->step(&history, &op, values, state[i], words[i], 0, next, &next_words) == AXC_LEGAL;
        changes[i] = next_words != words[i] || memcmp(next, state[i], words[i] * sizeof *next) != 0;
    }
    history.pool = values;
    require(!fits[0] || !fits[1] || changes[0] == changes[1], "the result does not decide whether this changes a state", &history);
    require(!fits[0] || !changes[0] || !axc_changed_nothing(&history, &op), "changes a state although its result says no", &history);
}

static const int64_t met[] = {0, 1, 2, 3, 4, 5, AXC_NONE, AXC_CLOSED};
enum { MET = sizeof met / sizeof met[0] };

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

/* Who does something when, in the order of the points at which it takes effect. The shorter the times, the more of them
 * are equal. */
static size_t plan_times(struct planned *plan)
{
    static const uint64_t spans[] = {1, 2, 4, 8, 8, 20};
    enum { SPANS = sizeof spans / sizeof spans[0] };
    size_t count = 1 + random_below(MOST), processes = 1 + random_below(PROCESSES);
    uint64_t gap = spans[random_below(SPANS)], lead = spans[random_below(SPANS)], tail = spans[random_below(SPANS)];
    bool touching = random_below(2) == 0;
    uint64_t clock[PROCESSES] = {0}, last_point[PROCESSES] = {0};
    for (size_t i = 0; i < count; i++) {
        uint32_t process = (uint32_t)random_below(processes);
        plan[i].process = process;
        plan[i].invoked = clock[process] + random_below(gap);
        plan[i].point = (plan[i].invoked + random_below(lead)) * 8 + random_below(8);
        if (plan[i].point <= last_point[process])
            plan[i].point = last_point[process] + 1;
        last_point[process] = plan[i].point;
        plan[i].responded = plan[i].point / 8 + random_below(tail);
        clock[process] = plan[i].responded + (touching ? random_below(2) : 1);
    }
    qsort(plan, count, sizeof *plan, by_point);
    return count;
}

/* One result changed: to another that is often met, or by 1. */
static void change_result(const struct axc_history *history, const struct axc_op *op, int64_t *values, bool fresh, size_t count)
{
    size_t which = op->args + (op->results > 1 ? random_below(op->results) : 0);
    int64_t was = values[which];
    if (random_below(4) == 0)
        values[which] = (int64_t)((uint64_t)was + 1 - 2 * random_below(2));
    else
        values[which] = fresh && random_below(2) == 0 ? FRESH + (int64_t)random_below(count) : met[random_below(MET)];
    if (history->model->refuse(history, op, values) != NULL)
        values[which] = was;
}

/* Results that a right object would have given at the points chosen, then perhaps some of them changed. */
static void generate(struct axc_history *history, struct axc_report *report)
{
    static int64_t balances[2] = {3, 2};
    size_t model = random_below(MODELS + 2); /* those whose judges are met less often come more often */
    *history = (struct axc_history){.model = model == MODELS ? axc_model_named("accounts", 8) : model > MODELS ? axc_model_named("tickets", 7) : axc_models[model], .capacity = -1, .report = report, .ended = true};
    history->skew = random_below(4) == 0 ? 1 + random_below(5) : 0;
    if (history->model->needs_capacity || (history->model->may_have_capacity && random_below(2) == 0))
        history->capacity = 1 + (int64_t)random_below(3);
    if (history->model->has_accounts && !axc_history_setup(history, 0, "balances", 8, balances, 2))
        abort();
    if (history->model->has_initial)
        history->initial = random_below(12) == 0 ? INT64_MAX - (int64_t)random_below(4) : (int64_t)random_below(2);
    struct planned plan[MOST];
    size_t count = plan_times(plan);
    int64_t state[STATE], next[STATE], values[MOST][AXC_MAX_ARGS + 2];
    size_t words = history->model->begin(history, state), next_words = 0;
    struct axc_op ops[MOST];
    /* One of the verbs more often than others, so that, say, sellers meet sold-out answers. */
    size_t favourite = random_below(history->model->verb_count), changed = random_below(2 * count);
    bool twice = random_below(4) == 0;
    uint64_t open = random_below(3) == 0 ? 2 : 6; /* one in so many is never answered */
    /* Half of the counters and sellers as the fast judges want them. */
    bool plain = random_below(2) == 0, counter = strcmp(history->model->name, "counter") == 0;
    bool blind = plain && random_below(2) == 0; /* additions */
    bool fresh = random_below(2) == 0; /* no value is written twice */
    int64_t step = 1 + (int64_t)random_below(2);
    bool tickets = strcmp(history->model->name, "tickets") == 0;
    bool refunding = tickets && random_below(2) == 0; /* and nobody looks or closes */
    bool looked_at = plain || refunding || strcmp(history->model->name, "set") == 0;
    for (size_t i = 0; i < count; i++) {
        size_t verb = random_below(3) == 0 ? random_below(history->model->verb_count) : favourite;
        if (plain && history->model->has_accounts)
            verb = random_below(3) == 0 ? (size_t)axc_verb_named(history->model, "audit", 5) : random_below(3);
        else if (refunding)
            verb = (size_t)(random_below(2) == 0 ? axc_verb_named(history->model, "sell", 4) : axc_verb_named(history->model, "refund", 6));
        else if (plain && (counter || tickets))
            verb = (size_t)(tickets                   ? axc_verb_named(history->model, "sell", 4)
                            : random_below(3) == 0 ? axc_verb_named(history->model, "read", 4)
                                                   : axc_verb_named(history->model, "add", 3));
        const struct axc_verb *known = &history->model->verbs[verb];
        struct axc_op *op = &ops[i];
        *op = (struct axc_op){.invoked = plan[i].invoked, .responded = plan[i].responded, .process = plan[i].process,
                              .verb = (uint8_t)verb, .args = known->args, .order = (uint32_t)i};
        for (size_t j = 0; j < known->args; j++)
            values[i][j] = (int64_t)random_below(history->model->needs_capacity ? (uint64_t)history->capacity : 2);
        if (history->model->has_accounts)
            values[i][known->args > 0 ? known->args - 1 : 0] = (int64_t)random_below(known->args > 1 ? 3 : 2);
        if (fresh && known->args > 0 && !history->model->has_accounts && !history->model->needs_capacity) {
            values[i][known->args - 1] = FRESH + (int64_t)i;
            if (known->args > 1 && random_below(2) == 0 && words > 0 && state[0] != AXC_NONE)
                values[i][known->args - 2] = state[0]; /* what a cas expects */
        }
        if (history->model->keyed)
            values[i][0] = 0;
        if (plain && counter && known->args == 1)
            values[i][0] = step;
        bool audit = known->results > 1 && (plain || random_below(12) != 0);
        if (audit) {
            op->results = (uint16_t)history->accounts;
            memcpy(values[i] + op->args, state, words * sizeof *state);
        }
        bool looked = known->results == 1 && (looked_at || random_below(12) != 0) && !(blind && counter && known->args == 1);
        if (looked) {
            op->results = 1;
            bool found = false;
            size_t offset = random_below(MET);
            for (size_t j = 0; j <= MET && !found; j++) {
                bool own = j == 0 && words > 0 && (state[0] >= FRESH || state[0] < 0); /* what is there, or next to leave */
                values[i][op->args] = own ? state[0] : met[(j + offset) % MET];
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
        if (op->results > 0 && (i == changed || (twice && i == (changed + 2) % (2 * count))))
            change_result(history, op, values[i], fresh, count);
    }
    struct axc_op sorted[MOST];
    memcpy(sorted, ops, sizeof sorted);
    qsort(sorted, count, sizeof *sorted, by_process);
    for (size_t i = 0; i < count; i++) {
        struct axc_op op = sorted[i];
        bool last = i + 1 == count || sorted[i + 1].process != op.process;
        if (last && random_below(open) == 0) {
            op.responded = AXC_PENDING;
            op.results = 0;
        }
        if (!axc_history_add(history, 0, &op, values[op.order]))
            require(false, report->reason, history);
    }
}

static void require(bool condition, const char *what, const struct axc_history *history)
{
    if (condition)
        return;
    fprintf(stderr, "agree: %s\n", what);
    axc_write_text(history, stderr);
    exit(1);
}

/* What is certain of a right history that is still being written is right, however far each process's part of it got.
 * False: nothing is certain yet. */
static bool beginning_is_right(const struct axc_history *whole)
{
    struct axc_report report;
    struct axc_history written = *whole;
    int64_t values[AXC_MAX_VALUES];
    axc_report_init(&report);
    written.report = &report;
    written.lanes = NULL;
    written.places = NULL;
    written.lane_of = NULL;
    written.pool = NULL;
    written.balances = NULL;
    written.processes = written.lane_room = written.slots = written.count = written.accounts = 0;
    written.ended = written.counted = false;
    written.declared = whole->processes;
    if (whole->accounts > 0)
        require(axc_history_setup(&written, 0, "balances", 8, whole->balances, whole->accounts), report.reason, whole);
    for (size_t i = 0; i < whole->processes; i++) {
        struct axc_cursor cursor;
        struct axc_op op;
        axc_cursor_begin(&cursor, whole, &whole->lanes[i]);
        for (size_t left = 1 + random_below(whole->lanes[i].count + 2); left > 0 && axc_cursor_next(&cursor, &op, values); left--)
            require(axc_history_add(&written, 0, &op, values), report.reason, whole);
    }
    bool certain = axc_history_finish(&written) && written.count > 0;
    if (certain) {
        struct axc_parts parts;
        struct axc_gathered gathered = {0};
        struct axc_fast quick;
        struct axc_search_stats stats;
        uint64_t allowance = UINT64_MAX;
        bool quickly = axc_judge_lanes(&written, &quick);
        require(axc_split(&written, &parts) && parts.count == 1 && axc_gather(&parts, 0, &gathered), "not one part", whole);
        require(axc_search(&gathered.part, &allowance, &stats) == AXC_YES && axc_fast_quiet(&gathered.part) != AXC_WRONG,
                "what is certain of a right history is wrong", whole);
        require((!quickly && !axc_judge_fast(&gathered.part, &quick)) || quick.right, "what is certain of a right history is wrong for a fast judge", whole);
        axc_gathered_free(&gathered);
        axc_parts_free(&parts);
    }
    axc_history_free(&written);
    return certain;
}

/* What each judge took. */
static struct taken {
    const char *rule;
    uint64_t right, wrong;
} taken[JUDGES];
static size_t taken_count;

static void count(const char *rule, bool right)
{
    size_t i = 0;
    while (i < taken_count && strcmp(taken[i].rule, rule) != 0)
        i++;
    if (i == sizeof taken / sizeof taken[0])
        abort();
    taken_count += i == taken_count ? 1 : 0;
    taken[i].rule = rule;
    (right ? taken[i].right++ : taken[i].wrong++);
}

/* Each judge there is met right histories and wrong ones, unless it only ever says "wrong". */
static bool all_were_asked(uint64_t histories)
{
    static const char *const only_wrong[] = {"by the sum that transfers keep", "audit by audit"};
    bool all = taken_count == JUDGES;
    for (size_t i = 0; i < taken_count; i++) {
        const struct taken *judge = &taken[i];
        bool one_sided = strcmp(judge->rule, only_wrong[0]) == 0 || strcmp(judge->rule, only_wrong[1]) == 0;
        printf("  %-52s %9" PRIu64 " right %9" PRIu64 " wrong\n", judge->rule, judge->right, judge->wrong);
        all = all && judge->wrong > histories / 4000 && (one_sided || judge->right > histories / 4000);
    }
    return all;
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, right = 0, wrong = 0, fast = 0, fast_wrong = 0, shrunk_count = 0, replaced = 0, narrowed = 0, beginnings = 0, of_model[MODELS] = {0};
    random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    axc_budget_init((size_t)256 << 20);
    for (uint64_t n = 0; n < wanted * 10; n++)
        decided_by_result(axc_models[n % MODELS]);
    for (uint64_t n = 0; n < wanted; n++) {
        struct axc_report report;
        struct axc_history history;
        struct axc_parts parts;
        struct axc_gathered gathered = {0};
        axc_report_init(&report);
        generate(&history, &report);
        struct axc_fast quick;
        require(axc_history_finish(&history), "not finished", &history);
        bool quickly = axc_judge_lanes(&history, &quick);
        require(axc_split(&history, &parts) && parts.count == 1 && axc_gather(&parts, 0, &gathered), "not one part", &history);
        struct axc_part *part = &gathered.part;
        bool possible = some_order(part, 0, part->start, part->start_words);
        uint64_t allowance = UINT64_MAX;
        struct axc_search_stats stats;
        enum axc_answer answer = axc_search(part, &allowance, &stats);
        require(answer == (possible ? AXC_YES : AXC_NO), "the search and the oracle disagree", &history);
        (possible ? right++ : wrong++);
        for (size_t i = 0; i < MODELS; i++)
            of_model[i] += history.model == axc_models[i] ? 1 : 0;
        enum axc_finding walked = axc_fast_quiet(part);
        require(walked == AXC_NOT_MINE || (walked == AXC_RIGHT) == possible, "from one quiet moment to the next it differs from the oracle", &history);
        if (walked != AXC_NOT_MINE)
            count("from one quiet moment to the next", possible);
        if (quickly || axc_judge_fast(part, &quick)) {
            require(quick.right == possible, "the fast judge and the oracle disagree", &history);
            fast++;
            fast_wrong += possible ? 0 : 1;
            count(quick.rule, possible);
        } else if (history.model->has_accounts && quick.rule != NULL) {
            /* The intervals may be narrower now. */
            require(axc_search(part, &allowance, &stats) == answer, "it is another history after a judge looked at it", &history);
            narrowed++;
        }
        if (possible && n % 4 == 0)
            beginnings += beginning_is_right(&history) ? 1 : 0;
        if (n % 8 == 0)
            require(same_ends(part, random_below(40)), "the search and the oracle differ in what a beginning leads to", &history);
        if (!possible) {
            static struct axc_shrunk shrunk;
            require(axc_shrink(part, &stats, random_below(MOST), &shrunk), "a wrong history did not shrink", &history);
            require(shrunk.part.count <= part->count && still_wrong(&shrunk), "what is left after shrinking is right", &history);
            replaced += shrunk.ends.count > 0 ? 1 : 0;
            shrunk_count += shrunk.part.count < part->count ? 1 : 0;
            axc_shrunk_free(&shrunk);
        }
        axc_gathered_free(&gathered);
        axc_parts_free(&parts);
        axc_history_free(&history);
    }
    printf("%" PRIu64 " histories: %" PRIu64 " right, %" PRIu64 " wrong (%" PRIu64 " of them shrunk, %" PRIu64 " to what a beginning leads to); the fast judges took %" PRIu64
           ", %" PRIu64 " of them wrong, and narrowed %" PRIu64 "; %" PRIu64 " beginnings\n", wanted, right, wrong, shrunk_count, replaced, fast, fast_wrong, narrowed, beginnings);
    for (size_t i = 0; i < MODELS; i++)
        printf("  %s %" PRIu64, axc_models[i]->name, of_model[i]);
    printf("\n");
    /* A run that met only one kind would show nothing. */
    return axc_models[MODELS] == NULL && all_were_asked(wanted) && narrowed > wanted / 100 && right > wanted / 10 && wrong > wanted / 20 && fast > wanted / 20 && fast_wrong > wanted / 100 && replaced > wanted / 100 && beginnings > wanted / 20 ? 0 : 1;
}

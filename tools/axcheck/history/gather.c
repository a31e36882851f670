/* SPDX-License-Identifier: MIT */
/**
 * gather.c: what of a part comes from one lane is in order, so that putting it together is a merge of a few such runs. A lane
 * without keys is read from its beginning. One with keys knows its latest operation on each, and of each operation the one
 * before it on its key: these chains are followed first, all of a part's side by side, as each step waits for memory.
 */
#include "gather.h"

#include "../budget.h"
#include "../progress.h"
#include "lane.h"
#include "losers.h"

/* An operation that is to be read again. */
struct axc_note {
    uint64_t invoked;
    const char *at;
};

struct axc_run {
    const struct axc_lane *lane;
    struct axc_note *next, *end; /* where there are keys: its operations; */
    uint32_t number;             /* and of the one that is to be noted next: its number, */
    size_t span;                 /* and a span that does not begin before the one it is in */
    struct axc_cursor cursor; /* where there are none: behind its next operation, */
    struct axc_op op;         /* which is this one */
    size_t left;              /* with those after it */
};

static uint64_t earlier(uint64_t time, uint64_t skew)
{
    return time > skew ? time - skew : 0;
}

static void widen(struct axc_op *op, uint64_t skew)
{
    op->invoked = earlier(op->invoked, skew);
    if (op->responded != AXC_PENDING)
        op->responded += skew; /* both below 2^63 */
}

/* The span in which the run's next operation is, mostly the one before. */
static const struct axc_span *find_span(struct axc_run *run)
{
    const struct axc_span *spans = run->lane->spans;
    if (run->number < spans[run->span].first && (run->span == 0 || run->number < spans[--run->span].first)) {
        size_t low = 0, high = run->span; /* spans[low] begins no later */
        while (low + 1 < high) {
            size_t middle = low + (high - low) / 2;
            if (spans[middle].first <= run->number)
                low = middle;
            else
                high = middle;
        }
        run->span = low;
    }
    return &spans[run->span];
}

/* Notes all operations, from the latest to the earliest. */
static void follow_chains(struct axc_gathered *gathered, size_t runs)
{
    for (size_t i = 0; i < runs; i++)
        gathered->walking[i] = (uint32_t)i;
    for (size_t walking = runs; walking > 0;) {
        for (size_t i = 0; i < walking;) {
            struct axc_run *run = &gathered->runs[gathered->walking[i]];
            const struct axc_place *place = &run->lane->places[run->number];
            *--run->next = (struct axc_note){.invoked = place->invoked, .at = find_span(run)->at + place->at};
            __builtin_prefetch(run->next->at);
            run->number = place->before;
            if (--run->left > 0) {
                __builtin_prefetch(&run->lane->places[run->number]);
                i++;
            } else {
                gathered->walking[i] = gathered->walking[--walking];
            }
        }
    }
}

static axc_unsigned_wide earliest_noted(const struct axc_run *runs, size_t run, uint64_t skew)
{
    return runs[run].next == runs[run].end ? AXC_LOSERS_NONE : axc_losers_key(earlier(runs[run].next->invoked, skew), 0, (uint32_t)run);
}

static void gather_notes(struct axc_gathered *gathered, size_t runs)
{
    const struct axc_history *history = &gathered->history;
    struct axc_note *note = gathered->notes;
    uint64_t numbers = 0;
    for (size_t i = 0; i < runs; i++) {
        struct axc_run *run = &gathered->runs[i];
        run->end = run->next = note += run->left;
        run->span = run->lane->span_count - 1;
    }
    follow_chains(gathered, runs);
    for (size_t i = 0; i < runs; i++)
        gathered->tree[runs + i] = earliest_noted(gathered->runs, i, history->skew);
    axc_unsigned_wide first = axc_losers_begin(gathered->tree, runs);
    for (size_t i = 0; i < gathered->part.count; i++) {
        size_t which = (uint32_t)first;
        struct axc_run *run = &gathered->runs[which];
        struct axc_op *op = &gathered->part.ops[i];
        op->process = run->lane->process;
        op->order = (uint32_t)(run->next - gathered->notes);
        op->values = numbers;
        axc_decode_again(history, run->lane, run->next->at, run->next->invoked, op, history->pool + numbers);
        widen(op, history->skew);
        numbers += (uint64_t)op->args + op->results;
        run->next++;
        first = axc_losers_next(gathered->tree, runs, which, earliest_noted(gathered->runs, which, history->skew));
    }
}

static axc_unsigned_wide earliest(const struct axc_run *runs, size_t run)
{
    return runs[run].left == 0 ? AXC_LOSERS_NONE : axc_losers_key(runs[run].op.invoked, 0, (uint32_t)run);
}

static void read_next(const struct axc_history *history, struct axc_run *run, uint64_t *numbers)
{
    if (run->left == 0)
        return;
    run->op.values = *numbers;
    axc_cursor_next(&run->cursor, &run->op, history->pool + *numbers);
    widen(&run->op, history->skew);
    *numbers += (uint64_t)run->op.args + run->op.results;
}

static void gather_lanes(struct axc_gathered *gathered, size_t runs)
{
    const struct axc_history *history = &gathered->history;
    uint64_t numbers = 0;
    for (size_t i = 0; i < runs; i++) {
        axc_cursor_begin(&gathered->runs[i].cursor, history, gathered->runs[i].lane);
        read_next(history, &gathered->runs[i], &numbers);
        gathered->tree[runs + i] = earliest(gathered->runs, i);
    }
    axc_unsigned_wide first = axc_losers_begin(gathered->tree, runs);
    for (size_t i = 0; i < gathered->part.count; i++) {
        size_t which = (uint32_t)first;
        struct axc_run *run = &gathered->runs[which];
        gathered->part.ops[i] = run->op;
        run->left--;
        read_next(history, run, &numbers);
        first = axc_losers_next(gathered->tree, runs, which, earliest(gathered->runs, which));
    }
}

/* Room for so many, of what need not be kept. */
static void *provide(void *old, size_t *room, size_t wanted, size_t size)
{
    if (wanted <= *room)
        return old;
    axc_free(old);
    void *larger = axc_alloc(wanted * size);
    *room = larger != NULL ? wanted : 0;
    return larger;
}

bool axc_gather(const struct axc_parts *parts, size_t which, struct axc_gathered *gathered)
{
    const struct axc_plan *plan = &parts->plans[which];
    const struct axc_share *shares = parts->shares + plan->first;
    /* Behind the last number the longest operation has room, so that it can be read before it is known how long it is. */
    int64_t *pool = provide(gathered->history.pool, &gathered->value_room, plan->numbers + AXC_MAX_VALUES, sizeof *pool);
    struct axc_op *ops = provide(gathered->part.ops, &gathered->op_room, plan->operations, sizeof *ops);
    gathered->runs = provide(gathered->runs, &gathered->run_room, plan->shares, sizeof *gathered->runs);
    gathered->tree = provide(gathered->tree, &gathered->tree_room, 2 * plan->shares, sizeof *gathered->tree);
    size_t notes = parts->history->model->keyed ? plan->operations : 1;
    gathered->notes = provide(gathered->notes, &gathered->note_room, notes, sizeof *gathered->notes);
    gathered->walking = provide(gathered->walking, &gathered->walk_room, plan->shares, sizeof *gathered->walking);
    gathered->history = *parts->history;
    gathered->history.pool = pool;
    gathered->part = (struct axc_part){.history = &gathered->history, .ops = ops, .count = plan->operations, .key = shares[0].key,
                                    .start = parts->start, .start_words = parts->start_words, .tell = axc_progress_add};
    if (pool == NULL || ops == NULL || gathered->runs == NULL || gathered->tree == NULL || gathered->notes == NULL || gathered->walking == NULL)
        return false;
    for (size_t i = 0; i < plan->shares; i++)
        gathered->runs[i] = (struct axc_run){.lane = &parts->history->lanes[shares[i].lane], .left = shares[i].operations, .number = shares[i].latest};
    if (parts->history->model->keyed)
        gather_notes(gathered, plan->shares);
    else
        gather_lanes(gathered, plan->shares);
    return true;
}

void axc_gathered_free(struct axc_gathered *gathered)
{
    axc_free(gathered->part.ops);
    axc_free(gathered->history.pool);
    axc_free(gathered->runs);
    axc_free(gathered->tree);
    axc_free(gathered->notes);
    axc_free(gathered->walking);
}

/* SPDX-License-Identifier: MIT */
/**
 * parts.c: operations are taken out of their lanes by counting: how many each lane has of each key is known since they
 * were read, so that each then knows where to put its own. What of a part comes from one lane is in order, and the
 * rest is a merge of a few such runs, left to whoever judges the part.
 */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "../parallel.h"
#include "../progress.h"
#include "lane.h"
#include "sort.h"

struct splitter {
    const struct axc_history *history;
    struct axc_parts *parts;
};

static void widen(struct axc_op *op, uint64_t skew)
{
    op->invoked = op->invoked > skew ? op->invoked - skew : 0;
    if (op->responded != AXC_PENDING)
        op->responded += skew; /* both below 2^63 */
}

/* Some operations on their way from a lane to where they go. */
enum { BATCH = 16 };

struct batch {
    struct axc_op ops[BATCH], *places[BATCH];
    int64_t numbers[2 * AXC_MAX_VALUES];
    size_t count, number_count;
};

static void put_down(struct batch *batch, int64_t *pool)
{
    const int64_t *from = batch->numbers;
    for (size_t i = 0; i < batch->count; i++) {
        const struct axc_op *op = &batch->ops[i];
        *batch->places[i] = *op;
        for (size_t n = (size_t)op->args + op->results, k = 0; k < n; k++)
            pool[op->values + k] = *from++;
    }
    batch->count = batch->number_count = 0;
}

/* Takes a lane's operations out: each, and its numbers, next to the others with its key. These are far apart, so that
 * the memory is asked for some at a time, and they are written when it is there. */
static void take_out(void *context, size_t piece, size_t worker)
{
    (void)worker;
    const struct splitter *splitter = context;
    const struct axc_history *history = splitter->history;
    const struct axc_lane *lane = &history->lanes[piece];
    struct batch batch = {.count = 0};
    struct axc_cursor cursor;
    struct axc_op op;
    axc_cursor_begin(&cursor, history, lane);
    for (int64_t *values = batch.numbers; axc_cursor_next(&cursor, &op, values); values = batch.numbers + batch.number_count) {
        size_t width = (size_t)op.args + op.results;
        struct axc_key *key = axc_keys_find(&lane->keys, history->model->keyed ? values[0] : 0);
        widen(&op, history->skew);
        op.values = key->numbers;
        key->numbers += width;
        __builtin_prefetch(&history->pool[op.values], 1);
        __builtin_prefetch(&splitter->parts->ops[key->place], 1);
        batch.places[batch.count] = &splitter->parts->ops[key->place++];
        batch.ops[batch.count++] = op;
        batch.number_count += width;
        if (batch.count == BATCH || batch.number_count > AXC_MAX_VALUES)
            put_down(&batch, history->pool);
    }
    put_down(&batch, history->pool);
    axc_progress_add(lane->count);
}

static int by_key(const void *left, const void *right)
{
    int64_t a = (*(struct axc_key *const *)left)->key, b = (*(struct axc_key *const *)right)->key;
    return a < b ? -1 : a > b;
}

/* The parts in the order of their keys, and where each lane's share of them goes. */
static bool lay_out(struct splitter *splitter, const int64_t *start, size_t words)
{
    const struct axc_history *history = splitter->history;
    struct axc_parts *parts = splitter->parts;
    size_t entries = 0, n = 0, at = 0, values = 0;
    for (size_t i = 0; i < history->processes; i++)
        entries += history->lanes[i].keys.used;
    struct axc_key **sorted = axc_alloc((entries + 1) * sizeof *sorted);
    parts->parts = axc_alloc((entries + 1) * sizeof *parts->parts);
    if (sorted == NULL || parts->parts == NULL) {
        axc_free(sorted);
        return false;
    }
    for (size_t i = 0; i < history->processes; i++)
        for (size_t j = 0; j < history->lanes[i].keys.slots; j++)
            if (history->lanes[i].keys.entries[j].count != 0)
                sorted[n++] = &history->lanes[i].keys.entries[j];
    qsort(sorted, n, sizeof *sorted, by_key);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || sorted[i]->key != sorted[i - 1]->key)
            parts->parts[parts->count++] = (struct axc_part){.history = history, .ops = parts->ops + at, .key = sorted[i]->key, .start = start, .start_words = words, .tell = axc_progress_add};
        size_t numbers = sorted[i]->numbers;
        sorted[i]->place = (uint32_t)at;
        sorted[i]->numbers = values;
        at += sorted[i]->count;
        values += numbers;
        parts->parts[parts->count - 1].count += sorted[i]->count;
    }
    axc_free(sorted);
    return true;
}

bool axc_split(struct axc_history *history, struct axc_parts *parts)
{
    *parts = (struct axc_parts){0};
    struct splitter splitter = {.history = history, .parts = parts};
    size_t values = 1; /* never none */
    for (size_t i = 0; i < history->processes; i++)
        values += history->lanes[i].width;
    axc_free(history->pool); /* what a judge of lanes would have shown */
    history->pool = axc_alloc(values * sizeof *history->pool);
    parts->start = axc_alloc((history->model->room(history) + 1) * sizeof *parts->start);
    parts->ops = axc_alloc((history->count + 1) * sizeof *parts->ops);
    if (parts->start == NULL || history->pool == NULL || parts->ops == NULL ||
        !lay_out(&splitter, parts->start, history->model->begin(history, parts->start)))
        return false;
    axc_progress_phase("taking it apart", "operations", history->count);
    axc_parallel(axc_workers(history->count), history->processes, take_out, &splitter);
    return true;
}

bool axc_part_sort(struct axc_part *part)
{
    return axc_sort(part->ops, part->count);
}

void axc_parts_free(struct axc_parts *parts)
{
    axc_free(parts->ops);
    axc_free(parts->parts);
    axc_free(parts->start);
}

/* SPDX-License-Identifier: MIT */
/**
 * parts.c: operations are taken out of their lanes by counting: how many does each worker find for each key,
 * so that each then knows where to put its own. What of a part comes from one lane is in order, and the
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
#include "states.h"

/* One worker's keys. */
struct table {
    struct entry {
        int64_t key;
        size_t count; /* 0: empty */
        size_t width; /* numbers in all of them */
        size_t place, values; /* in the second pass: where the next one goes, and its numbers */
    } *entries;
    size_t slots, used;
};

struct splitter {
    const struct axc_history *history;
    struct axc_parts *parts;
    struct table tables[AXC_MAX_WORKERS];
    size_t workers;
    bool placing, failed[AXC_MAX_WORKERS];
};

static struct entry *find(const struct table *table, int64_t key)
{
    size_t at = (axc_hash(1, (uint64_t)key) >> 20) & (table->slots - 1);
    while (table->entries[at].count != 0 && table->entries[at].key != key)
        at = (at + 1) & (table->slots - 1);
    return &table->entries[at];
}

static struct entry *find_or_add(struct table *table, int64_t key)
{
    struct entry *entry = table->slots > 0 ? find(table, key) : NULL;
    if (entry != NULL && entry->count != 0)
        return entry;
    if (table->used * 2 >= table->slots) {
        struct table grown = *table;
        grown.slots = table->slots == 0 ? 64 : table->slots * 2;
        grown.entries = axc_zeroed(grown.slots, sizeof *grown.entries);
        if (grown.entries == NULL)
            return NULL;
        for (size_t i = 0; i < table->slots; i++)
            if (table->entries[i].count != 0)
                *find(&grown, table->entries[i].key) = table->entries[i];
        axc_free(table->entries);
        *table = grown;
        entry = find(table, key);
    }
    table->used++;
    entry->key = key;
    return entry;
}

static void widen(struct axc_op *op, uint64_t skew)
{
    op->invoked = op->invoked > skew ? op->invoked - skew : 0;
    if (op->responded != AXC_PENDING)
        op->responded += skew; /* both below 2^63 */
}

/* An operation and its numbers, next to the others with its key. */
static void put(struct splitter *splitter, struct entry *entry, struct axc_op *op, const int64_t *values, size_t width)
{
    const struct axc_history *history = splitter->history;
    widen(op, history->skew);
    op->values = entry->values;
    memcpy(history->pool + entry->values, values, width * sizeof *values);
    splitter->parts->ops[entry->place++] = *op;
    entry->values += width;
}

/* Every worker has lanes of its own, the same ones in both passes. */
static void go_through(void *context, size_t piece, size_t worker)
{
    (void)worker;
    struct splitter *splitter = context;
    const struct axc_history *history = splitter->history;
    struct table *table = &splitter->tables[piece];
    int64_t values[AXC_MAX_VALUES];
    for (size_t i = piece; i < history->processes; i += splitter->workers) {
        struct axc_cursor cursor;
        struct axc_op op;
        axc_cursor_begin(&cursor, history, &history->lanes[i]);
        while (axc_cursor_next(&cursor, &op, values)) {
            size_t width = (size_t)op.args + op.results;
            int64_t key = history->model->keyed ? values[0] : 0;
            struct entry *entry = splitter->placing ? find(table, key) : find_or_add(table, key);
            if (entry == NULL) {
                splitter->failed[piece] = true;
                return;
            }
            if (splitter->placing) {
                put(splitter, entry, &op, values, width);
            } else {
                entry->count++;
                entry->width += width;
            }
        }
        axc_progress_add(history->lanes[i].count);
    }
}

static int by_key(const void *left, const void *right)
{
    int64_t a = (*(struct entry *const *)left)->key, b = (*(struct entry *const *)right)->key;
    return a < b ? -1 : a > b;
}

/* The parts in the order of their keys, and where each worker puts its share of them. */
static bool lay_out(struct splitter *splitter, const int64_t *start, size_t words)
{
    struct axc_parts *parts = splitter->parts;
    size_t entries = 0, n = 0, at = 0, values = 0;
    for (size_t i = 0; i < splitter->workers; i++)
        entries += splitter->tables[i].used;
    struct entry **sorted = axc_alloc((entries + 1) * sizeof *sorted);
    parts->parts = axc_alloc((entries + 1) * sizeof *parts->parts);
    if (sorted == NULL || parts->parts == NULL) {
        axc_free(sorted);
        return false;
    }
    for (size_t i = 0; i < splitter->workers; i++)
        for (size_t j = 0; j < splitter->tables[i].slots; j++)
            if (splitter->tables[i].entries[j].count != 0)
                sorted[n++] = &splitter->tables[i].entries[j];
    qsort(sorted, n, sizeof *sorted, by_key);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || sorted[i]->key != sorted[i - 1]->key)
            parts->parts[parts->count++] = (struct axc_part){.history = splitter->history, .ops = parts->ops + at, .key = sorted[i]->key, .start = start, .start_words = words, .tell = axc_progress_add};
        sorted[i]->place = at;
        sorted[i]->values = values;
        at += sorted[i]->count;
        values += sorted[i]->width;
        parts->parts[parts->count - 1].count += sorted[i]->count;
    }
    axc_free(sorted);
    return true;
}

static bool split(struct splitter *splitter, struct axc_history *history, size_t words)
{
    struct axc_parts *parts = splitter->parts;
    size_t values = 1; /* never none */
    axc_progress_phase("taking it apart", "steps", 2 * (uint64_t)history->count);
    axc_parallel(splitter->workers, splitter->workers, go_through, splitter);
    for (size_t i = 0; i < splitter->workers; i++) {
        if (splitter->failed[i])
            return false;
        for (size_t j = 0; j < splitter->tables[i].slots; j++)
            values += splitter->tables[i].entries[j].width;
    }
    axc_free(history->pool); /* what a judge of lanes would have shown */
    history->pool = axc_alloc(values * sizeof *history->pool);
    parts->ops = axc_alloc((history->count + 1) * sizeof *parts->ops);
    if (history->pool == NULL || parts->ops == NULL || !lay_out(splitter, parts->start, words))
        return false;
    splitter->placing = true;
    axc_parallel(splitter->workers, splitter->workers, go_through, splitter);
    return true;
}

bool axc_split(struct axc_history *history, struct axc_parts *parts)
{
    *parts = (struct axc_parts){0};
    parts->start = axc_alloc((history->model->room(history) + 1) * sizeof *parts->start);
    if (parts->start == NULL)
        return false;
    struct splitter splitter = {.history = history, .parts = parts, .workers = axc_workers(history->count)};
    bool done = split(&splitter, history, history->model->begin(history, parts->start));
    for (size_t i = 0; i < splitter.workers; i++)
        axc_free(splitter.tables[i].entries);
    return done;
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

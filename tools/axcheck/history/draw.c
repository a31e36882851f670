/* SPDX-License-Identifier: MIT */
/* draw.c: a counterexample as lines of text: who, what, and when, left to right. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "explain.h"

enum { ROWS = 40, LABEL = 200, RESULTS_SHOWN = 8, AT_A_GLANCE = 8 };

struct text {
    char *bytes;
    size_t length, room;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *format, ...)
{
    if (text->length >= text->room)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->bytes + text->length, text->room - text->length, format, args);
    va_end(args);
    text->length += n > 0 ? (size_t)n : 0;
}

static void put_value(struct text *text, int64_t value)
{
    if (value == AXC_NONE || value == AXC_CLOSED)
        put(text, "%s", value == AXC_NONE ? "none" : "closed");
    else
        put(text, "%" PRId64, value);
}

static void put_op(struct text *text, const struct axc_history *history, const struct axc_op *op)
{
    const int64_t *values = axc_values(history, op);
    put(text, "%s", history->model->verbs[op->verb].name);
    for (size_t i = 0; i < op->args; i++) {
        put(text, " ");
        put_value(text, values[i]);
    }
    for (size_t i = 0; i < op->results && i < RESULTS_SHOWN; i++) {
        put(text, "%s", i == 0 ? " -> " : " ");
        put_value(text, values[op->args + i]);
    }
    if (op->results > RESULTS_SHOWN)
        put(text, " ...");
}

static void put_state(struct text *text, const struct axc_history *history, const int64_t *state, size_t words)
{
    if (history->model->needs_capacity) {
        put(text, "%" PRId64 " of %" PRId64 " sold%s", state[1], history->capacity, state[0] != 0 ? ", closed" : "");
        return;
    }
    if (words == 0)
        put(text, "empty");
    for (size_t i = 0; i < words && i < RESULTS_SHOWN; i++) {
        put(text, "%s", i > 0 ? " " : "");
        put_value(text, state[i]);
    }
    if (words > RESULTS_SHOWN)
        put(text, " ...");
}

/* The state before, or the different ones that the operations before may have led to. */
static void put_before(struct text *text, const struct axc_shrunk *shrunk)
{
    const struct axc_part *part = &shrunk->part;
    if (shrunk->ends.count == 0) {
        put_state(text, part->history, part->start, part->start_words);
        put(text, "\n");
        return;
    }
    for (uint32_t i = 0; i < shrunk->states.count && i < RESULTS_SHOWN; i++) {
        size_t words;
        const int64_t *state = axc_state_words(&shrunk->states, i, &words);
        put(text, "%s", i == 0 ? "" : " or ");
        put_state(text, part->history, state, words);
    }
    if (shrunk->states.count > RESULTS_SHOWN)
        put(text, " or %zu others", shrunk->states.count - RESULTS_SHOWN);
    put(text, ", all that the %zu operations before can lead to\n", shrunk->replaced);
    if (shrunk->running > 0)
        put(text, "    those that begin at the left edge were running then and may have happened by then\n");
}

static bool from_the_edge(const struct axc_shrunk *shrunk, const struct axc_op *op)
{
    for (size_t i = 0; i < shrunk->running; i++)
        if (shrunk->was_running[i] == op->order)
            return true;
    return false;
}

static int compare_times(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static size_t column(const uint64_t *times, size_t count, uint64_t time)
{
    size_t low = 0;
    while (low < count && times[low] < time)
        low++;
    return low;
}

void axc_draw(const struct axc_shrunk *shrunk, struct axc_report *report)
{
    const struct axc_part *part = &shrunk->part;
    size_t skip = part->count > ROWS ? part->count - ROWS : 0, rows = part->count - skip, width = 0, count = 0;
    struct text text = {.room = (rows + 8) * (LABEL + 4 * ROWS)};
    text.bytes = axc_alloc(text.room);
    if (text.bytes == NULL)
        return;
    text.bytes[0] = '\0';
    uint64_t times[2 * ROWS], last = 0;
    size_t last_row = 0;
    char label[LABEL];
    for (size_t i = skip; i < part->count; i++) {
        const struct axc_op *op = &part->ops[i];
        struct text one = {.bytes = label, .room = sizeof label};
        put_op(&one, part->history, op);
        size_t length = strlen(label);
        width = length > width ? length : width;
        times[count++] = from_the_edge(shrunk, op) ? 0 : op->invoked;
        if (op->responded != AXC_PENDING) {
            times[count++] = op->responded;
            if (op->responded >= last) {
                last = op->responded;
                last_row = i;
            }
        }
    }
    qsort(times, count, sizeof *times, compare_times);
    size_t different = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || times[i] != times[i - 1])
            times[different++] = times[i];
    const char *many = part->count == 1 ? "" : "s";
    if (shrunk->by_rule) {
        put(&text, "  counterexample of %zu operation%s, for the reason given above\n", part->count, many);
    } else {
        put(&text, "  counterexample of %zu operation%s: no order of these gives these results\n", part->count, many);
        put(&text, "    state before: ");
        put_before(&text, shrunk);
    }
    if (shrunk->left_out > 0)
        put(&text, "    left out: %zu operation%s that changed nothing\n", shrunk->left_out, shrunk->left_out == 1 ? "" : "s");
    if (skip > 0)
        put(&text, "    not shown: the first %zu\n", skip);
    for (size_t i = skip; i < part->count; i++) {
        const struct axc_op *op = &part->ops[i];
        struct text one = {.bytes = label, .room = sizeof label};
        put_op(&one, part->history, op);
        size_t from = from_the_edge(shrunk, op) ? 0 : column(times, different, op->invoked);
        size_t to = op->responded == AXC_PENDING ? different : column(times, different, op->responded);
        put(&text, "    process %-5" PRIu32 " %-*s  %*s%s", op->process, (int)width, label, (int)from, "",
            from_the_edge(shrunk, op) ? "<" : "[");
        for (size_t at = from + 1; at < to; at++)
            put(&text, "=");
        put(&text, "%s\n", op->responded == AXC_PENDING ? "..." : from == to ? "" : i == last_row && !shrunk->by_rule ? "]  from here on it is wrong" : "]");
    }
    report->detail = text.bytes;
}

void axc_explain(const struct axc_part *part, const struct axc_search_stats *failed, struct axc_report *report)
{
    struct axc_shrunk shrunk;
    if (axc_shrink(part, failed, AT_A_GLANCE, &shrunk))
        axc_draw(&shrunk, report);
    axc_shrunk_free(&shrunk);
}

/* SPDX-License-Identifier: MIT */
/* draw.c: a counterexample as lines of text: who, what, and when, left to right. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "words.h"

enum { ROWS = 40, LABEL = 200, AT_A_GLANCE = 8 };

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
    struct axc_words text = {.room = (rows + 8) * (LABEL + 4 * ROWS)};
    text.bytes = axc_alloc(text.room);
    if (text.bytes == NULL)
        return;
    text.bytes[0] = '\0';
    uint64_t times[2 * ROWS], last = 0;
    size_t last_row = 0;
    char label[LABEL];
    for (size_t i = skip; i < part->count; i++) {
        const struct axc_op *op = &part->ops[i];
        struct axc_words one = {.bytes = label, .room = sizeof label};
        axc_put_op(&one, part->history, op);
        size_t length = strlen(label);
        width = length > width ? length : width;
        times[count++] = axc_from_the_edge(shrunk, op) ? 0 : op->invoked;
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
        axc_put(&text, "  counterexample of %zu operation%s, for the reason given above\n", part->count, many);
    } else {
        axc_put(&text, "  counterexample of %zu operation%s: no order of these gives these results\n", part->count, many);
        axc_put(&text, "    state before: ");
        axc_put_before(&text, shrunk);
    }
    if (shrunk->left_out > 0)
        axc_put(&text, "    left out: %zu operation%s that changed nothing\n", shrunk->left_out, shrunk->left_out == 1 ? "" : "s");
    if (skip > 0)
        axc_put(&text, "    not shown: the first %zu\n", skip);
    for (size_t i = skip; i < part->count; i++) {
        const struct axc_op *op = &part->ops[i];
        struct axc_words one = {.bytes = label, .room = sizeof label};
        axc_put_op(&one, part->history, op);
        size_t from = axc_from_the_edge(shrunk, op) ? 0 : column(times, different, op->invoked);
        size_t to = op->responded == AXC_PENDING ? different : column(times, different, op->responded);
        axc_put(&text, "    process %-5" PRIu32 " %-*s  %*s%s", op->process, (int)width, label, (int)from, "",
            axc_from_the_edge(shrunk, op) ? "<" : "[");
        for (size_t at = from + 1; at < to; at++)
            axc_put(&text, "=");
        axc_put(&text, "%s\n", op->responded == AXC_PENDING ? "..." : from == to ? "" : i == last_row && !shrunk->by_rule ? "]  from here on it is wrong" : "]");
    }
    report->detail = text.bytes;
    axc_picture(shrunk, report);
}

void axc_explain(const struct axc_part *part, const struct axc_search_stats *failed, struct axc_report *report)
{
    struct axc_shrunk shrunk;
    if (axc_shrink(part, failed, AT_A_GLANCE, &shrunk))
        axc_draw(&shrunk, report);
    axc_shrunk_free(&shrunk);
}

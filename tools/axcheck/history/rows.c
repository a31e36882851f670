/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"

enum { LABEL = 200, LINES_BEFORE = 8 };

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

static bool from_the_edge(const struct axc_rows *rows, const struct axc_op *op)
{
    return rows->shrunk != NULL && axc_from_the_edge(rows->shrunk, op);
}

static size_t first_row(const struct axc_rows *rows)
{
    return rows->count > AXC_ROWS ? rows->count - AXC_ROWS : 0;
}

bool axc_rows_begin(struct axc_words *text, const struct axc_rows *rows)
{
    *text = (struct axc_words){.room = (rows->count - first_row(rows) + LINES_BEFORE) * (LABEL + 4 * AXC_ROWS)};
    text->bytes = axc_alloc(text->room);
    if (text->bytes != NULL)
        text->bytes[0] = '\0';
    return text->bytes != NULL;
}

static void put_row(struct axc_words *text, const struct axc_rows *rows, const struct axc_op *op, size_t width,
                    const uint64_t *times, size_t columns, bool wrong)
{
    char label[LABEL];
    struct axc_words one = {.bytes = label, .room = sizeof label};
    bool edge = from_the_edge(rows, op), pending = op->responded == AXC_PENDING;
    axc_put_op(&one, rows->history, op);
    size_t from = edge ? 0 : column(times, columns, op->invoked);
    size_t to = pending ? columns : column(times, columns, op->responded);
    axc_put(text, "    %s %-5" PRIu32 " %-*s  %*s%s", rows->who, op->process, (int)width, label, (int)from, "", edge ? "<" : "[");
    for (size_t at = from + 1; at < to; at++)
        axc_put(text, "=");
    axc_put(text, "%s\n", pending ? "..." : from == to ? "" : wrong ? "]  from here on it is wrong" : "]");
}

void axc_put_rows(struct axc_words *text, const struct axc_rows *rows)
{
    uint64_t times[2 * AXC_ROWS], last = 0;
    size_t first = first_row(rows), width = 0, count = 0, columns = 0, last_row = 0;
    for (size_t i = first; i < rows->count; i++) {
        const struct axc_op *op = &rows->ops[i];
        char label[LABEL];
        struct axc_words one = {.bytes = label, .room = sizeof label};
        axc_put_op(&one, rows->history, op);
        size_t length = strlen(label);
        width = length > width ? length : width;
        times[count++] = from_the_edge(rows, op) ? 0 : op->invoked;
        if (op->responded == AXC_PENDING)
            continue;
        times[count++] = op->responded;
        if (op->responded >= last) {
            last = op->responded;
            last_row = i;
        }
    }
    qsort(times, count, sizeof *times, compare_times);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || times[i] != times[i - 1])
            times[columns++] = times[i];
    for (size_t i = first; i < rows->count; i++)
        put_row(text, rows, &rows->ops[i], width, times, columns, rows->wrong_at_last && i == last_row);
}

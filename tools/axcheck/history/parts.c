/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <string.h>

#include "../budget.h"
#include "sort.h"

static void widen(struct axc_op *ops, size_t count, uint64_t skew)
{
    for (size_t i = 0; i < count; i++) {
        ops[i].invoked = ops[i].invoked > skew ? ops[i].invoked - skew : 0;
        if (ops[i].responded != AXC_PENDING)
            ops[i].responded += skew; /* both below 2^63 */
    }
}

bool axc_split(const struct axc_history *history, struct axc_parts *parts)
{
    *parts = (struct axc_parts){0};
    size_t n = history->count;
    bool keyed = history->model->keyed;
    parts->ops = axc_alloc((n + 1) * sizeof *parts->ops);
    parts->start = axc_alloc((history->model->room(history) + 1) * sizeof *parts->start);
    if (parts->ops == NULL || parts->start == NULL)
        return false;
    size_t words = history->model->begin(history, parts->start);
    if (n > 0)
        memcpy(parts->ops, history->ops, n * sizeof *parts->ops);
    widen(parts->ops, n, history->skew);
    if (!axc_sort(history, parts->ops, n, keyed ? axc_by_key : axc_by_invocation))
        return false;
    size_t count = n > 0 ? 1 : 0;
    for (size_t i = 1; keyed && i < n; i++)
        count += axc_values(history, &parts->ops[i])[0] != axc_values(history, &parts->ops[i - 1])[0] ? 1 : 0;
    parts->parts = axc_alloc((count + 1) * sizeof *parts->parts);
    if (parts->parts == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || (keyed && axc_values(history, &parts->ops[i])[0] != axc_values(history, &parts->ops[i - 1])[0]))
            parts->parts[parts->count++] =
                (struct axc_part){.history = history, .ops = &parts->ops[i], .start = parts->start, .start_words = words};
        parts->parts[parts->count - 1].count++;
    }
    return true;
}

void axc_parts_free(struct axc_parts *parts)
{
    axc_free(parts->ops);
    axc_free(parts->parts);
    axc_free(parts->start);
}

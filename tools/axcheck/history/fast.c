/* SPDX-License-Identifier: MIT */
#include "fast.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../budget.h"
#include "lane.h"
#include "model.h"

void axc_fast_show(struct axc_history *history, axc_chosen *chosen, void *context, size_t most, struct axc_fast *fast)
{
    int64_t values[AXC_MAX_VALUES];
    size_t used = fast->culprit_count * AXC_MAX_VALUES;
    if (history->pool == NULL)
        history->pool = axc_alloc((size_t)AXC_CULPRITS * AXC_MAX_VALUES * sizeof *history->pool);
    for (size_t i = 0; history->pool != NULL && i < history->processes; i++) {
        struct axc_cursor cursor;
        struct axc_op op;
        axc_cursor_begin(&cursor, history, &history->lanes[i]);
        while (most > 0 && fast->culprit_count < AXC_CULPRITS && axc_cursor_next(&cursor, &op, values)) {
            if (!chosen(context, &op, values))
                continue;
            op.values = used;
            memcpy(history->pool + used, values, ((size_t)op.args + op.results) * sizeof *values);
            used += AXC_MAX_VALUES;
            fast->culprits[fast->culprit_count++] = op;
            most--;
        }
    }
}

bool axc_fast_wrong(const struct axc_part *part, struct axc_fast *fast, const uint32_t *ops, size_t count, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fast->why, sizeof fast->why, format, args);
    va_end(args);
    fast->culprit_count = 0;
    for (size_t i = 0; i < count && fast->culprit_count < AXC_CULPRITS; i++) {
        bool known = ops[i] == AXC_NOBODY;
        for (size_t k = 0; k < i; k++)
            known |= ops[k] == ops[i];
        if (!known)
            fast->culprits[fast->culprit_count++] = part->ops[ops[i]];
    }
    return false;
}

bool axc_judge_lanes(struct axc_history *history, struct axc_fast *fast)
{
    *fast = (struct axc_fast){.right = false};
    /* Cut off at a moment by clocks that differ, an unanswered operation may not be the last of its lane. */
    if (!history->ended && history->skew > 0)
        return false;
    if (history->model == &axc_counter || history->model == &axc_register)
        return axc_fast_counter(history, fast) || axc_fast_tally(history, fast);
    if (history->model == &axc_tickets)
        return axc_fast_tickets(history, fast);
    if (history->model == &axc_accounts)
        return axc_fast_accounts(history, fast);
    return false;
}

bool axc_judge_fast(struct axc_part *part, struct axc_fast *fast)
{
    *fast = (struct axc_fast){.right = false};
    const struct axc_model *model = part->history->model;
    if (model == &axc_register || model == &axc_counter || model == &axc_map || model == &axc_mutex)
        return axc_fast_groups(part, fast);
    if (model == &axc_set)
        return axc_fast_set(part, fast);
    if (model == &axc_queue)
        return axc_fast_queue(part, fast);
    if (model == &axc_tickets)
        return axc_fast_refunds(part, fast);
    if (model == &axc_accounts)
        return axc_fast_audits(part, fast);
    return false;
}

bool axc_fast_value_by_value(const struct axc_part *part, axc_value_judge *judge, struct axc_fast *fast)
{
    fast->rule = "value by value";
    enum axc_finding answer = judge(part, 0, fast);
    /* Where clocks differ the intervals were made wider, and don't show a process's own order; as they were, they show
     * more than there is. What is wrong without that order is wrong, and what is right with more is right. */
    if (answer == AXC_RIGHT && part->history->skew > 0)
        answer = judge(part, part->history->skew, fast) == AXC_RIGHT ? AXC_RIGHT : AXC_NOT_MINE;
    if (answer == AXC_RIGHT && part->history->touching)
        return false;
    fast->right = answer == AXC_RIGHT;
    return answer != AXC_NOT_MINE;
}

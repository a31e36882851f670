/* SPDX-License-Identifier: MIT */
/**
 * fast.c: the fast judges.
 *
 * Counter: every operation is a read, or an addition of one and the same number d > 0 whose caller looked
 * at the result. The value then never falls, and an addition that returned v is the only one at v: the
 * order of all operations is that of the values they saw, reads of v before the addition at v.
 *
 * Tickets: no refund, no look at what is left, no closing. A sale concerns one ticket only, so that
 * nothing forbids to put it at its invocation; an answer "sold out" needs them all sold and can be put at
 * its response.
 */
#include "fast.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "model.h"

static bool verb_is(const struct axc_part *part, const struct axc_op *op, const char *name)
{
    return strcmp(part->history->model->verbs[op->verb].name, name) == 0;
}

static void blame(struct axc_fast *fast, const struct axc_op *first, const struct axc_op *second)
{
    fast->culprit_count = 0;
    if (first != NULL)
        fast->culprits[fast->culprit_count++] = first;
    if (second != NULL)
        fast->culprits[fast->culprit_count++] = second;
}

static const struct axc_part *sorting; /* qsort has no argument for the comparison */

/* By the value seen, an addition after the reads of it. */
static int by_value(const void *left, const void *right)
{
    const struct axc_op *a = &sorting->ops[*(const uint32_t *)left], *b = &sorting->ops[*(const uint32_t *)right];
    int64_t seen_a = axc_values(sorting->history, a)[a->args], seen_b = axc_values(sorting->history, b)[b->args];
    if (seen_a != seen_b)
        return seen_a < seen_b ? -1 : 1;
    return (a->args > b->args) - (a->args < b->args);
}

/* Only these operations, with one d; gives the number of answered ones that saw a value. */
static bool counter_applies(const struct axc_part *part, int64_t *step, size_t *seen, size_t *unanswered)
{
    *step = 0;
    *seen = *unanswered = 0;
    for (size_t i = 0; i < part->count; i++) {
        const struct axc_op *op = &part->ops[i];
        bool reads = verb_is(part, op, "read");
        if (!reads && !verb_is(part, op, "add"))
            return false;
        if (!reads) {
            int64_t d = axc_values(part->history, op)[0];
            if (d <= 0 || (*step != 0 && d != *step))
                return false;
            *step = d;
        }
        if (op->results > 0)
            (*seen)++;
        else if (!reads && op->responded != AXC_PENDING)
            return false;
        else if (!reads)
            (*unanswered)++;
    }
    /* Nothing here may wrap. */
    int64_t most;
    return *step == 0 || (!__builtin_mul_overflow(*step, (int64_t)part->count, &most) &&
                          !__builtin_add_overflow(part->start[0], most, &most));
}

struct place {
    const struct axc_op *op; /* NULL: must be an unanswered addition */
    int64_t value;
};

/* Puts the operations in the order of their values; fills gaps in the values with unanswered additions. */
static bool line_up(const struct axc_part *part, int64_t step, const uint32_t *sorted, size_t seen, size_t unanswered,
                    struct place *line, size_t *length, struct axc_fast *fast)
{
    axc_wide now = part->start[0];
    size_t gaps = 0;
    *length = 0;
    for (size_t i = 0; i < seen; i++) {
        const struct axc_op *op = &part->ops[sorted[i]];
        int64_t value = axc_values(part->history, op)[op->args];
        if (value < now) {
            if (value >= part->start[0] && op->args == 1)
                snprintf(fast->why, sizeof fast->why, "two additions returned %" PRId64 ", or one a value in between", value);
            else
                snprintf(fast->why, sizeof fast->why, "%" PRId64 " was returned, which the counter never was", value);
            blame(fast, i > 0 ? &part->ops[sorted[i - 1]] : NULL, op);
            return false;
        }
        for (; now < value; now += step) {
            if (gaps == unanswered || (value - now) % step != 0) {
                snprintf(fast->why, sizeof fast->why, "%" PRId64 " was returned, but no addition explains the step from %s", value,
                         AXC_WIDE(now));
                blame(fast, i > 0 ? &part->ops[sorted[i - 1]] : NULL, op);
                return false;
            }
            gaps++;
            line[(*length)++] = (struct place){.op = NULL, .value = (int64_t)now};
        }
        line[(*length)++] = (struct place){.op = op, .value = value};
        now += op->args == 1 ? step : 0;
    }
    return true;
}

/* An operation may not stand after one that was invoked only when it had been answered. */
static bool check_times(const struct axc_part *part, struct place *line, size_t length, uint64_t *deadline, struct axc_fast *fast)
{
    uint64_t latest = 0; /* invocation so far; reads of one value may stand in any order, which the sorting left open */
    uint64_t group_latest = 0;
    const struct axc_op *later = NULL, *group_later = NULL;
    for (size_t i = 0; i < length; i++) {
        const struct axc_op *op = line[i].op;
        bool same_group = i > 0 && op != NULL && line[i - 1].op != NULL && op->args == 0 && line[i - 1].op->args == 0 &&
                          line[i].value == line[i - 1].value;
        if (!same_group && group_latest > latest) {
            latest = group_latest;
            later = group_later;
        }
        if (op == NULL)
            continue;
        if (op->responded < latest) {
            snprintf(fast->why, sizeof fast->why,
                     "process %" PRIu32 " saw %" PRId64 " and was done at %" PRIu64 ", before one was invoked at %" PRIu64 " that comes first",
                     op->process, line[i].value, op->responded, latest);
            blame(fast, later, op);
            return false;
        }
        if (op->invoked > group_latest) {
            group_latest = op->invoked;
            group_later = op;
        }
    }
    /* Unanswered additions fill the gaps from the left, the earliest invoked first: a later gap's deadline is no
     * earlier. Each must have been invoked before all that stand after it were answered. */
    uint64_t first = AXC_PENDING;
    for (size_t i = length; i-- > 0;) {
        deadline[i] = first;
        if (line[i].op != NULL && line[i].op->responded < first)
            first = line[i].op->responded;
    }
    size_t next = 0;
    for (size_t i = 0; i < length; i++) {
        if (line[i].op != NULL)
            continue;
        while (part->ops[next].responded != AXC_PENDING || part->ops[next].args == 0)
            next++;
        if (part->ops[next].invoked > deadline[i]) {
            snprintf(fast->why, sizeof fast->why, "no addition at %" PRId64 " was invoked in time for what followed it", line[i].value);
            blame(fast, &part->ops[next], line[i + 1].op);
            return false;
        }
        next++;
    }
    return true;
}

static bool judge_counter(const struct axc_part *part, struct axc_fast *fast)
{
    int64_t step;
    size_t seen, unanswered, length;
    if (!counter_applies(part, &step, &seen, &unanswered))
        return false;
    fast->rule = "in the order of the values";
    uint32_t *sorted = axc_alloc((seen + 1) * sizeof *sorted);
    struct place *line = axc_alloc((seen + unanswered + 1) * sizeof *line);
    uint64_t *deadline = axc_alloc((seen + unanswered + 1) * sizeof *deadline);
    bool ready = sorted != NULL && line != NULL && deadline != NULL;
    if (ready) {
        size_t count = 0;
        for (size_t i = 0; i < part->count; i++)
            if (part->ops[i].results > 0)
                sorted[count++] = (uint32_t)i;
        sorting = part;
        qsort(sorted, count, sizeof *sorted, by_value);
        fast->right = line_up(part, step, sorted, seen, unanswered, line, &length, fast) &&
                      check_times(part, line, length, deadline, fast);
    }
    axc_free(sorted);
    axc_free(line);
    axc_free(deadline);
    return ready;
}

static bool judge_tickets(const struct axc_part *part, struct axc_fast *fast)
{
    int64_t capacity = part->history->capacity;
    uint64_t first_refusal = AXC_PENDING;
    const struct axc_op *refused = NULL, *last = NULL;
    for (size_t i = 0; i < part->count; i++) {
        const struct axc_op *op = &part->ops[i];
        bool closed = op->results > 0 && axc_values(part->history, op)[0] == AXC_CLOSED;
        if (!verb_is(part, op, "sell") || closed || (op->results == 0 && op->responded != AXC_PENDING))
            return false;
    }
    fast->rule = "ticket by ticket";
    uint32_t *sold = axc_alloc((part->count + 1) * sizeof *sold);
    if (sold == NULL)
        return false;
    size_t sales = 0;
    fast->right = true;
    for (size_t i = 0; i < part->count && fast->right; i++) {
        const struct axc_op *op = &part->ops[i];
        int64_t ticket = op->results > 0 ? axc_values(part->history, op)[0] : AXC_NONE;
        if (op->results > 0 && ticket == AXC_NONE && op->responded < first_refusal) {
            first_refusal = op->responded;
            refused = op;
        } else if (ticket != AXC_NONE && (ticket < 0 || ticket >= capacity)) {
            snprintf(fast->why, sizeof fast->why, "ticket %" PRId64 " was sold, outside 0 to %" PRId64, ticket, capacity - 1);
            blame(fast, op, NULL);
            fast->right = false;
        } else if (ticket != AXC_NONE) {
            sold[sales++] = (uint32_t)i;
            last = op; /* they are in the order of invocation */
        }
    }
    sorting = part;
    qsort(sold, sales, sizeof *sold, by_value);
    for (size_t i = 1; i < sales && fast->right; i++) {
        const struct axc_op *a = &part->ops[sold[i - 1]], *b = &part->ops[sold[i]];
        int64_t ticket = axc_values(part->history, b)[0];
        if (axc_values(part->history, a)[0] == ticket) {
            snprintf(fast->why, sizeof fast->why, "ticket %" PRId64 " was sold to process %" PRIu32 " and to process %" PRIu32, ticket,
                     a->process, b->process);
            blame(fast, a, b);
            fast->right = false;
        }
    }
    int64_t unsold = capacity - (int64_t)sales;
    uint64_t last_sale = last != NULL ? last->invoked : 0;
    /* Unanswered sales may have taken what nobody has, the earliest first. */
    for (size_t i = 0; i < part->count && unsold > 0; i++)
        if (part->ops[i].responded == AXC_PENDING) {
            unsold--;
            if (part->ops[i].invoked >= last_sale) {
                last_sale = part->ops[i].invoked;
                last = &part->ops[i];
            }
        }
    if (fast->right && first_refusal != AXC_PENDING && (unsold > 0 || first_refusal < last_sale)) {
        if (unsold > 0)
            snprintf(fast->why, sizeof fast->why, "a refusal at %" PRIu64 " although %" PRId64 " tickets were never sold",
                     first_refusal, unsold);
        else
            snprintf(fast->why, sizeof fast->why, "a refusal at %" PRIu64 ", before the last ticket was asked for at %" PRIu64,
                     first_refusal, last_sale);
        blame(fast, unsold > 0 ? NULL : last, refused);
        fast->right = false;
    }
    axc_free(sold);
    return true;
}

bool axc_judge_fast(const struct axc_part *part, struct axc_fast *fast)
{
    *fast = (struct axc_fast){.right = false};
    if (part->history->skew != 0 || part->history->touching)
        return false; /* then the intervals alone don't show a process's own order */
    if (part->history->model == &axc_counter || part->history->model == &axc_register)
        return judge_counter(part, fast);
    if (part->history->model == &axc_tickets)
        return judge_tickets(part, fast);
    return false;
}

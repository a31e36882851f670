/* SPDX-License-Identifier: MIT */
/**
 * fast_tally.c: a counter whose additions nobody looked at, all of one and the same number d > 0, and reads.
 *
 * The reads stand in the order of their values; those of one value are a group. Between two groups there
 * are as many additions as their values say, of which each could be any: an addition has a first and a last
 * gap it may stand in, and the gaps are filled from left to right with those that can't wait longest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "fast.h"
#include "heap.h"
#include "lane.h"
#include "model.h"

struct group {
    int64_t value;
    uint64_t earliest, latest;       /* answer, invocation of its reads */
    uint64_t latest_so_far;          /* invocation, of this and all groups before */
    uint64_t earliest_from_here;     /* answer, of this and all groups after */
};

struct addition {
    uint32_t first, last; /* gap; gap n is before group n */
};

struct tally {
    struct axc_history *history;
    size_t verb_read;
    int64_t step;
    struct group *groups;
    size_t group_count;
    struct addition *additions;
    size_t addition_count;
};

struct wanted {
    const struct tally *tally;
    int64_t value;
    uint64_t time;
    bool answered; /* at that time, or invoked */
};

static void widen(const struct tally *t, struct axc_op *op)
{
    uint64_t skew = t->history->skew;
    op->invoked = op->invoked > skew ? op->invoked - skew : 0;
    op->responded += op->responded != AXC_PENDING ? skew : 0;
}

static bool choose(void *context, const struct axc_op *op, const int64_t *values)
{
    const struct wanted *wanted = context;
    struct axc_op wide = *op;
    widen(wanted->tally, &wide);
    return op->verb == wanted->tally->verb_read && op->results > 0 && values[0] == wanted->value &&
           (wanted->answered ? wide.responded : wide.invoked) == wanted->time;
}

static void show(const struct tally *t, const struct group *group, bool answered, struct axc_fast *fast)
{
    struct wanted wanted = {.tally = t, .value = group->value, .time = answered ? group->earliest : group->latest, .answered = answered};
    axc_fast_show(t->history, choose, &wanted, 1, fast);
}

static int by_value(const void *left, const void *right)
{
    int64_t a = ((const struct group *)left)->value, b = ((const struct group *)right)->value;
    return a < b ? -1 : a > b;
}

static size_t group_of(const struct tally *t, int64_t value)
{
    size_t low = 0, high = t->group_count;
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        *(t->groups[middle].value <= value ? &low : &high) = middle;
    }
    return low;
}

/* One group per read, then the equal ones together. */
static void gather_reads(struct tally *t)
{
    int64_t values[AXC_MAX_VALUES];
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < t->history->processes; i++) {
        struct axc_cursor cursor;
        struct axc_op op;
        axc_cursor_begin(&cursor, t->history, &t->history->lanes[i]);
        while (axc_cursor_next(&cursor, &op, values)) {
            if (op.verb != t->verb_read || op.results == 0)
                continue;
            widen(t, &op);
            t->groups[count++] = (struct group){.value = values[0], .earliest = op.responded, .latest = op.invoked};
        }
    }
    if (count > 0)
        qsort(t->groups, count, sizeof *t->groups, by_value);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || t->groups[i].value != t->groups[kept - 1].value)
            t->groups[kept++] = t->groups[i];
        struct group *group = &t->groups[kept - 1];
        group->earliest = t->groups[i].earliest < group->earliest ? t->groups[i].earliest : group->earliest;
        group->latest = t->groups[i].latest > group->latest ? t->groups[i].latest : group->latest;
    }
    t->group_count = kept;
}

/* Whether the groups can stand in this order. */
static bool order_reads(struct tally *t, struct axc_fast *fast)
{
    const struct group *latest = NULL;
    for (size_t i = 0; i < t->group_count; i++) {
        struct group *group = &t->groups[i];
        if (latest != NULL && group->earliest < latest->latest) {
            snprintf(fast->why, sizeof fast->why, "%" PRId64 " was read, and that answered, before a read was invoked that gave %" PRId64,
                     group->value, latest->value);
            show(t, group, true, fast);
            show(t, latest, false, fast);
            return false;
        }
        if (latest == NULL || group->latest > latest->latest)
            latest = group;
        group->latest_so_far = latest->latest;
    }
    uint64_t earliest = AXC_PENDING;
    for (size_t i = t->group_count; i-- > 0;) {
        earliest = t->groups[i].earliest < earliest ? t->groups[i].earliest : earliest;
        t->groups[i].earliest_from_here = earliest;
    }
    return true;
}

/* After every group with a read that was answered before it was invoked. */
static uint32_t first_gap(const struct tally *t, uint64_t invoked)
{
    size_t low = 0, high = t->group_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->groups[middle].earliest_from_here < invoked)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

/* Before every group with a read that was invoked after it was answered. */
static uint32_t last_gap(const struct tally *t, uint64_t responded)
{
    size_t low = 0, high = t->group_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->groups[middle].latest_so_far <= responded)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

/* Each addition's gaps; a process's own reads count, too. False: one process's reads fall. */
static bool place_additions(struct tally *t, struct axc_fast *fast)
{
    int64_t values[AXC_MAX_VALUES];
    for (size_t i = 0; i < t->history->processes; i++) {
        struct axc_cursor cursor;
        struct axc_op op;
        size_t since = t->addition_count; /* the first addition after its last read */
        uint32_t after = 0;               /* the gap after that */
        axc_cursor_begin(&cursor, t->history, &t->history->lanes[i]);
        while (axc_cursor_next(&cursor, &op, values)) {
            widen(t, &op);
            if (op.verb != t->verb_read) {
                uint32_t first = first_gap(t, op.invoked);
                t->additions[t->addition_count++] =
                    (struct addition){.first = first > after ? first : after, .last = last_gap(t, op.responded)};
            } else if (op.results > 0) {
                uint32_t group = (uint32_t)group_of(t, values[0]);
                if (group + 1 < after) {
                    snprintf(fast->why, sizeof fast->why, "one process read %" PRId64 " after %" PRId64, values[0], t->groups[after - 1].value);
                    return false;
                }
                for (; since < t->addition_count; since++)
                    if (t->additions[since].last > group)
                        t->additions[since].last = group;
                after = group + 1;
            }
        }
    }
    return true;
}

static int by_first_gap(const void *left, const void *right)
{
    const struct addition *a = left, *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* `gone` additions stand before this group, which says that there are `wanted`. */
static void tell(const struct tally *t, const struct group *group, bool too_few, size_t gone, struct axc_fast *fast)
{
    if (too_few)
        snprintf(fast->why, sizeof fast->why, "%" PRId64 " was read, but only %zu additions of %" PRId64 " can have been before it", group->value,
                 gone, t->step);
    else
        snprintf(fast->why, sizeof fast->why, "%" PRId64 " was read, but at least %zu additions of %" PRId64 " must have been before it",
                 group->value, gone, t->step);
    show(t, group, too_few, fast);
}

/* False without memory. */
static bool fill_gaps(struct tally *t, struct axc_fast *fast)
{
    uint32_t *heap = axc_alloc((t->addition_count + 1) * sizeof *heap); /* of last gaps */
    if (heap == NULL)
        return false;
    if (t->addition_count > 0)
        qsort(t->additions, t->addition_count, sizeof *t->additions, by_first_gap);
    size_t waiting = 0, next = 0, gone = 0;
    fast->right = true;
    for (size_t gap = 0; gap < t->group_count && fast->right; gap++) {
        const struct group *group = &t->groups[gap];
        uint64_t distance = (uint64_t)group->value - (uint64_t)t->history->initial;
        for (; next < t->addition_count && t->additions[next].first <= gap; next++)
            axc_heap_push(heap, &waiting, t->additions[next].last);
        while (waiting > 0 && gone < distance / (uint64_t)t->step && heap[0] >= gap) {
            axc_heap_pop(heap, &waiting);
            gone++;
        }
        if (group->value < t->history->initial || distance % (uint64_t)t->step != 0) {
            snprintf(fast->why, sizeof fast->why, "%" PRId64 " was read, which the counter never was", group->value);
            show(t, group, true, fast);
            fast->right = false;
        } else if (waiting > 0 && heap[0] <= gap) {
            while (waiting > 0 && heap[0] <= gap) {
                axc_heap_pop(heap, &waiting);
                gone++;
            }
            tell(t, group, false, gone, fast);
            fast->right = false;
        } else if (gone < distance / (uint64_t)t->step) {
            tell(t, group, true, gone, fast);
            fast->right = false;
        }
    }
    for (; fast->right && next < t->addition_count; next++)
        if (t->additions[next].last < t->group_count) {
            tell(t, &t->groups[t->group_count - 1], false, gone + 1, fast);
            fast->right = false;
        }
    axc_free(heap);
    return true;
}

/* Only such operations, and nothing that may wrap. */
static bool applies(struct tally *t)
{
    const struct axc_history *history = t->history;
    size_t verb_add = (size_t)axc_verb_named(history->model, "add", 3);
    t->verb_read = (size_t)axc_verb_named(history->model, "read", 4);
    for (size_t verb = 0; verb < history->model->verb_count; verb++)
        if (verb != t->verb_read && verb != verb_add && axc_history_use(history, verb).count > 0)
            return false;
    struct axc_use adds = axc_history_use(history, verb_add);
    t->step = adds.least;
    int64_t most;
    return adds.count > 0 && adds.looked == 0 && adds.least == adds.most && t->step > 0 &&
           history->initial > AXC_CLOSED && !__builtin_mul_overflow(t->step, (int64_t)adds.count, &most) &&
           !__builtin_add_overflow(history->initial, most, &most);
}

bool axc_fast_tally(struct axc_history *history, struct axc_fast *fast)
{
    struct tally t = {.history = history};
    if (!applies(&t))
        return false;
    struct axc_use adds = axc_history_use(history, (size_t)axc_verb_named(history->model, "add", 3)), reads = axc_history_use(history, t.verb_read);
    fast->rule = "by how many additions can have come before each read";
    t.groups = axc_alloc((reads.count + 1) * sizeof *t.groups);
    t.additions = axc_alloc((adds.count + 1) * sizeof *t.additions);
    bool ready = t.groups != NULL && t.additions != NULL;
    if (ready) {
        gather_reads(&t);
        if (order_reads(&t, fast) && place_additions(&t, fast))
            ready = fill_gaps(&t, fast);
    }
    axc_free(t.groups);
    axc_free(t.additions);
    return ready;
}

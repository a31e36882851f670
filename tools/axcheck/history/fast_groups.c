/* SPDX-License-Identifier: MIT */
/**
 * fast_groups.c: a register, or one key of a map, to which no value comes twice, and mutexes.
 *
 * Where each value is written once, everything that saw it and what replaced it belongs together: a group
 * of operations that no other can come between, whose order inside is fixed. Groups then are like single
 * operations: one comes before another when something in it was answered before something in the other was
 * invoked. There is an order of the groups if no two have to come before each other; docs/histories.md
 * shows that longer circles don't come without such a pair.
 *
 * One value may come back, the one at the beginning (nothing there, nobody): then every group begins and
 * ends with it, and what only saw it is a group of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../budget.h"
#include "fast.h"
#include "model.h"
#include "words.h"

enum role { MADE, SAW, TOOK }; /* what an operation has to do with a value; in this order in time */

struct use {
    int64_t value;
    uint32_t op;
    uint8_t role;
};

/* What an operation says: the value it found and the one it left. */
struct says {
    bool nothing, unknown; /* no more than its time; or what this judge can't tell */
    bool anything_before;  /* it found whatever there was */
    int64_t before, after;
};

struct group {
    uint64_t earliest, latest; /* answer, invocation; 1 + the time, so that 0 and UINT64_MAX are before and after all */
    uint32_t earliest_op, latest_op;
};

struct judge {
    const struct axc_part *part;
    uint64_t narrow;  /* by this much is each interval taken narrower than the part has it */
    int64_t base;     /* the value at the beginning */
    bool recurs;      /* which comes back */
    struct use *uses; /* by value and role */
    size_t use_count;
    bool *dropped;    /* by operation: unanswered, and nobody saw that it happened */
    bool *reached;    /* by use: its value is in some group */
    struct group *groups;
    size_t group_count;
    struct axc_fast *fast;
};

static struct says moves(int64_t before, int64_t after)
{
    return (struct says){.before = before, .after = after};
}

/* An unanswered operation is in the history if somebody saw what it left: the caller looks for that. */
static struct says what_register_says(const struct axc_op *op, const int64_t *v)
{
    struct says unknown = {.unknown = true};
    bool looked = op->results > 0, open = op->responded == AXC_PENDING;
    if (op->verb == WORD_READ)
        return looked ? moves(v[0], v[0]) : (struct says){.nothing = true};
    if (op->verb == WORD_WRITE || (op->verb == WORD_EXCHANGE && !looked))
        return (struct says){.anything_before = true, .after = v[0]};
    if (op->verb == WORD_EXCHANGE)
        return moves(v[1], v[0]);
    if (op->verb == WORD_CAS)
        return open || (looked && v[2] == 1) ? moves(v[0], v[1]) : unknown;
    int64_t sum;
    if (op->verb == WORD_ADD && looked && !__builtin_add_overflow(v[1], v[0], &sum))
        return moves(v[1], sum);
    return unknown;
}

static struct says what_map_says(const struct axc_op *op, const int64_t *v)
{
    struct says unknown = {.unknown = true};
    bool looked = op->results > 0, open = op->responded == AXC_PENDING;
    if (op->verb == MAP_GET)
        return looked ? moves(v[1], v[1]) : (struct says){.nothing = true};
    if (op->verb == MAP_PUT)
        return looked ? moves(v[2], v[1]) : (struct says){.anything_before = true, .after = v[1]};
    if (op->verb == MAP_INSERT)
        return open || (looked && v[2] == 1) ? moves(AXC_NONE, v[1]) : unknown;
    if (op->verb == MAP_REMOVE)
        return looked ? moves(v[1], AXC_NONE) : unknown;
    if (op->verb == MAP_CAS)
        return open || (looked && v[3] == 1) ? moves(v[1], v[2]) : unknown;
    return unknown;
}

/* Who holds a mutex is named by the process and the number of the operation that took it; its next one gives it back. */
static struct says what_mutex_says(const struct axc_op *op, const int64_t *v)
{
    int64_t name = (int64_t)((uint64_t)op->process << 32 | op->order);
    if (op->process > INT32_MAX)
        return (struct says){.unknown = true};
    if (op->verb == MUTEX_UNLOCK)
        return op->responded == AXC_PENDING ? (struct says){.unknown = true} : moves(name - 1, AXC_NONE);
    if (op->verb == MUTEX_LOCK || (op->results > 0 && v[0] == 1))
        return moves(AXC_NONE, name);
    return (struct says){.unknown = true};
}

static struct says what_is_said(const struct axc_part *part, const struct axc_op *op)
{
    const struct axc_model *model = part->history->model;
    const int64_t *values = axc_values(part->history, op);
    struct says says = model == &axc_map     ? what_map_says(op, values)
                       : model == &axc_mutex ? what_mutex_says(op, values)
                                             : what_register_says(op, values);
    if (op->responded == AXC_PENDING && !says.unknown && !says.anything_before && says.before == says.after)
        says.nothing = true; /* it may as well not have happened */
    return says;
}

static const struct axc_op *op_of(const struct judge *j, uint32_t op)
{
    return &j->part->ops[op];
}

static uint64_t invoked(const struct judge *j, uint32_t op)
{
    return axc_fast_invoked(j->part, j->narrow, op);
}

static uint64_t answered(const struct judge *j, uint32_t op)
{
    return axc_fast_answered(j->part, j->narrow, op);
}

static int by_value_and_role(const void *left, const void *right)
{
    const struct use *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->role != b->role ? (int)a->role - (int)b->role : a->op < b->op ? -1 : a->op > b->op;
}

static void add_use(struct judge *j, int64_t value, enum role role, size_t op)
{
    j->uses[j->use_count++] = (struct use){.value = value, .op = (uint32_t)op, .role = (uint8_t)role};
}

/* Where the uses of a value begin; use_count: there are none. */
static size_t find(const struct judge *j, int64_t value)
{
    size_t low = 0, high = j->use_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (j->uses[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < j->use_count && j->uses[low].value == value ? low : j->use_count;
}

/* Drops an unanswered operation if nobody saw what it left, and then, as what only it saw was not seen, who left that.
 * `uses` counts those of a value where its first one is. */
static void drop_if_unseen(struct judge *j, uint32_t *uses, uint32_t op)
{
    while (op_of(j, op)->responded == AXC_PENDING && !j->dropped[op]) {
        struct says says = what_is_said(j->part, op_of(j, op));
        size_t left = find(j, says.after), found = says.anything_before ? j->use_count : find(j, says.before);
        if (uses[left] > 1)
            return;
        j->dropped[op] = true;
        if (found == j->use_count || --uses[found] != 1)
            return;
        while (j->dropped[j->uses[found].op])
            found++;
        if (j->uses[found].role != MADE)
            return;
        op = j->uses[found].op;
    }
}

/* An unanswered operation of which nobody saw what it left need not have happened. False: not for this judge, because it may
 * have had to bring back the value of the beginning, or no memory. */
static bool drop_unseen(struct judge *j)
{
    uint32_t *uses = axc_zeroed(j->use_count + 1, sizeof *uses);
    bool fine = uses != NULL;
    for (size_t i = 0, first = 0; fine && i < j->use_count; i++) {
        first = j->uses[i].value != j->uses[first].value ? i : first;
        uses[first]++;
    }
    for (uint32_t i = 0; fine && i < j->part->count; i++) {
        if (op_of(j, i)->responded != AXC_PENDING)
            continue;
        struct says says = what_is_said(j->part, op_of(j, i));
        if (says.nothing)
            j->dropped[i] = true;
        else if (says.after == j->base)
            fine = false;
        else
            drop_if_unseen(j, uses, i);
    }
    axc_free(uses);
    if (!fine)
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < j->use_count; i++)
        if (!j->dropped[j->uses[i].op])
            j->uses[kept++] = j->uses[i];
    j->use_count = kept;
    return true;
}

/* Everything's part in the values. False: not for this judge. */
static bool collect(struct judge *j)
{
    enum { REMEMBERED = 128 };
    int64_t made[REMEMBERED]; /* some of the values so far, so that what comes twice is mostly seen before all are sorted */
    bool unanswered = false, blind = false;
    for (size_t i = 0; i < REMEMBERED; i++)
        made[i] = j->base;
    for (uint32_t i = 0; i < j->part->count; i++) {
        struct says says = what_is_said(j->part, op_of(j, i));
        if (says.unknown)
            return false;
        unanswered |= op_of(j, i)->responded == AXC_PENDING;
        if (says.nothing)
            continue;
        bool saw = !says.anything_before && says.before == says.after;
        if (saw)
            add_use(j, says.before, SAW, i);
        if (!saw && says.after != j->base) {
            int64_t *before = &made[(uint64_t)says.after % REMEMBERED];
            if (op_of(j, i)->responded != AXC_PENDING && *before == says.after)
                return false;
            *before = op_of(j, i)->responded != AXC_PENDING ? says.after : *before;
            add_use(j, says.after, MADE, i);
        }
        if (!saw && !says.anything_before)
            add_use(j, says.before, TOOK, i);
    }
    if (j->use_count > 0)
        qsort(j->uses, j->use_count, sizeof *j->uses, by_value_and_role);
    if (unanswered && !drop_unseen(j))
        return false;
    for (uint32_t i = 0; i < j->part->count; i++) {
        struct says says = what_is_said(j->part, op_of(j, i));
        if (says.nothing || j->dropped[i])
            continue;
        blind |= says.anything_before;
        j->recurs |= says.after == j->base && (says.anything_before || says.before != says.after);
    }
    for (size_t i = 1; i < j->use_count; i++)
        if (j->uses[i].role == MADE && j->uses[i - 1].role == MADE && j->uses[i].value == j->uses[i - 1].value)
            return false; /* a value comes twice */
    /* Where the first value comes back, a write after whatever there was may begin in the middle of a group. */
    return !(j->recurs && blind);
}

struct label {
    char text[120];
};

static const char *label(const struct judge *j, uint32_t op, struct label *out)
{
    struct axc_words words = {.bytes = out->text, .room = sizeof out->text};
    axc_put_op(&words, j->part->history, op_of(j, op));
    return out->text;
}

/* Into the group, after all that is in its way there: `from` says what. */
static bool join(struct judge *j, struct group *group, uint64_t latest, uint32_t from, uint32_t op)
{
    if (answered(j, op) < latest)
        return axc_fast_wrong(j->part, j->fast, (uint32_t[]){from, op}, 2, "'%s' was answered before '%s' was invoked, which must come first",
                              label(j, op, &(struct label){0}), label(j, from, &(struct label){0}));
    if (answered(j, op) < group->earliest) {
        group->earliest = answered(j, op);
        group->earliest_op = op;
    }
    if (invoked(j, op) > group->latest) {
        group->latest = invoked(j, op);
        group->latest_op = op;
    }
    return true;
}

/* From where a value came to where the chain of its successors ends. `maker` is in the group already. */
static bool follow(struct judge *j, struct group *group, int64_t value)
{
    for (;;) {
        size_t at = find(j, value);
        uint64_t latest = group->latest;
        uint32_t from = group->latest_op, taker = UINT32_MAX;
        for (; at < j->use_count && j->uses[at].value == value; at++) {
            const struct use *use = &j->uses[at];
            j->reached[at] = true;
            if (use->role == MADE)
                continue;
            if (use->role == TOOK) {
                if (taker != UINT32_MAX)
                    return axc_fast_wrong(j->part, j->fast, (uint32_t[]){taker, use->op}, 2, "two operations found the same value and replaced it");
                taker = use->op;
            }
            /* Those that only saw it may stand in any order, and all stand before who replaced it. */
            bool last = use->role == TOOK;
            if (!join(j, group, last ? group->latest : latest, last ? group->latest_op : from, use->op))
                return false;
        }
        if (taker == UINT32_MAX) {
            if (j->recurs)
                group->latest = UINT64_MAX; /* nothing comes after it */
            return true;
        }
        value = what_is_said(j->part, op_of(j, taker)).after;
        if (value == j->base)
            return true;
    }
}

static struct group *new_group(struct judge *j)
{
    j->groups[j->group_count] = (struct group){.earliest = UINT64_MAX};
    return &j->groups[j->group_count++];
}

static bool begin_group(struct judge *j, uint32_t op)
{
    struct group *group = new_group(j);
    return join(j, group, 0, op, op) && follow(j, group, what_is_said(j->part, op_of(j, op)).after);
}

static bool make_groups(struct judge *j)
{
    if (!j->recurs) {
        /* What is at the beginning comes before everything. */
        struct group *group = new_group(j);
        bool fine = follow(j, group, j->base);
        group->earliest = 0;
        if (!fine)
            return false;
    }
    for (uint32_t i = 0; i < j->part->count; i++) {
        struct says says = what_is_said(j->part, op_of(j, i));
        if (says.nothing || j->dropped[i])
            continue;
        bool saw = !says.anything_before && says.before == says.after;
        if (j->recurs && saw && says.before == j->base) {
            if (!join(j, new_group(j), 0, i, i))
                return false;
        } else if (says.anything_before || (j->recurs && !saw && says.before == j->base)) {
            if (!begin_group(j, i))
                return false;
        }
    }
    for (size_t i = 0; i < j->use_count; i++) {
        /* Unanswered ones that only have each other did not happen. */
        if (j->reached[i] || (j->recurs && j->uses[i].value == j->base) || op_of(j, j->uses[i].op)->responded == AXC_PENDING)
            continue;
        if (j->uses[i].role == MADE)
            return axc_fast_wrong(j->part, j->fast, &j->uses[i].op, 1, "what it found came only after what it left");
        return axc_fast_wrong(j->part, j->fast, &j->uses[i].op, 1, "nobody left what process %" PRIu32 " found", op_of(j, j->uses[i].op)->process);
    }
    return true;
}

static int by_earliest(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    return a->earliest < b->earliest ? -1 : a->earliest > b->earliest;
}

static bool clash(struct judge *j, const struct group *a, const struct group *b)
{
    uint32_t ops[] = {a->earliest_op, a->latest_op, b->earliest_op, b->latest_op};
    if (j->part->history->model == &axc_mutex)
        return axc_fast_wrong(j->part, j->fast, ops, 4, "processes %" PRIu32 " and %" PRIu32 " each took it before the other had given it back",
                              op_of(j, a->latest_op)->process, op_of(j, b->latest_op)->process);
    return axc_fast_wrong(j->part, j->fast, ops, 4, "'%s' and what belongs to it must come both before and after '%s' and what belongs to that",
                          label(j, a->latest_op, &(struct label){0}), label(j, b->latest_op, &(struct label){0}));
}

/* Forward groups, in which something was answered before something else was invoked, fill that time: no two at once, and no
 * other group lies within. `groups` is sorted; forward ones are moved to its front. */
static bool order_groups(struct judge *j)
{
    size_t forward = 0;
    qsort(j->groups, j->group_count, sizeof *j->groups, by_earliest);
    for (size_t i = 0; i < j->group_count; i++) {
        struct group group = j->groups[i];
        if (group.earliest >= group.latest)
            continue;
        if (forward > 0 && group.earliest < j->groups[forward - 1].latest)
            return clash(j, &j->groups[forward - 1], &group);
        j->groups[i] = j->groups[forward];
        j->groups[forward++] = group;
    }
    for (size_t i = forward; i < j->group_count; i++) {
        const struct group *group = &j->groups[i];
        size_t low = 0, high = forward; /* forward groups below `low` begin before it was invoked */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (j->groups[middle].earliest < group->latest)
                low = middle + 1;
            else
                high = middle;
        }
        if (low > 0 && group->earliest < j->groups[low - 1].latest)
            return clash(j, &j->groups[low - 1], group);
    }
    return true;
}

static enum axc_finding judge(const struct axc_part *part, uint64_t narrow, struct axc_fast *fast)
{
    struct judge j = {.part = part, .narrow = narrow, .base = part->start[0], .fast = fast};
    j.uses = axc_alloc((2 * part->count + 1) * sizeof *j.uses);
    j.dropped = axc_zeroed(part->count + 1, sizeof *j.dropped);
    j.reached = axc_zeroed(2 * part->count + 1, sizeof *j.reached);
    j.groups = axc_alloc((part->count + 2) * sizeof *j.groups);
    enum axc_finding answer = AXC_NOT_MINE;
    if (j.uses != NULL && j.dropped != NULL && j.reached != NULL && j.groups != NULL && collect(&j))
        answer = make_groups(&j) && order_groups(&j) ? AXC_RIGHT : AXC_WRONG;
    axc_free(j.uses);
    axc_free(j.dropped);
    axc_free(j.reached);
    axc_free(j.groups);
    return answer;
}

bool axc_fast_groups(const struct axc_part *part, struct axc_fast *fast)
{
    return axc_fast_value_by_value(part, judge, fast);
}

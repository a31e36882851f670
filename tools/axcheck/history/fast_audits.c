/* SPDX-License-Identifier: MIT */
/**
 * fast_audits.c: what audits say about the operations that overlap them. Of each process a first part of these
 * came before the audit; which parts add up to what it saw? If none do, the history is wrong. What is in the parts
 * of every answer did come before it, and what is in none came after, so that intervals can be narrowed to that:
 * a search then has few orders left to try.
 *
 * Balances are compared by a sum of theirs with random weights, modulo 2^64. That different ones seem equal would
 * only mean an answer too many, and that less is known.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "fast.h"
#include "model.h"
#include "sort.h"

/* More choices than that, or more answers, and nothing is learnt of an audit. */
enum { MOST_CHOICES = 1 << 14, MOST_ANSWERS = 4096 };

/* An operation that moves something, and by how much it and those before it of its process changed the weighted sum. */
struct effect {
    struct axc_op *op;
    uint64_t sum;
};

struct lane {
    uint32_t process;
    size_t first, count;  /* of the effects */
    size_t least, most;   /* so many certainly came before the audit that is looked at, and so many can have */
    size_t fewest, latest; /* in any answer */
    bool second;          /* in which half it is chosen from */
};

/* What a choice from half of the lanes adds up to; the choice as a number with a digit for each of its lanes. */
struct choice {
    uint64_t sum;
    uint32_t digits;
};

struct auditor {
    const struct axc_part *part;
    struct axc_op **by_process; /* all operations by process, and each process's in its order */
    struct effect *effects;
    struct lane *lanes;
    size_t lane_count;
    struct choice *choices[2];
    struct axc_fast *fast;
};

static uint64_t weight(size_t account)
{
    return axc_hash(axc_hash(1, account + 1), 1) | 1;
}

static uint64_t weighted(const int64_t *balances, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weight(i) * (uint64_t)balances[i];
    return sum;
}

/* Of one that took effect; 0 for those that did not, or did nothing. */
static uint64_t effect_of(const struct axc_part *part, const struct axc_op *op)
{
    const int64_t *values = axc_values(part->history, op);
    bool deposit = op->verb == ACCOUNTS_DEPOSIT, withdraw = op->verb == ACCOUNTS_WITHDRAW, transfer = op->verb == ACCOUNTS_TRANSFER;
    if (!(deposit || withdraw || transfer) || (op->results > 0 && values[op->args] == 0))
        return 0;
    uint64_t amount = (uint64_t)values[op->args - 1], from = deposit ? 0 : weight((size_t)values[0]) * amount;
    uint64_t to = withdraw ? 0 : weight((size_t)values[transfer ? 1 : 0]) * amount;
    return to - from;
}

static int by_order(const void *left, const void *right)
{
    uint32_t a = (*(struct axc_op *const *)left)->order, b = (*(struct axc_op *const *)right)->order;
    return a < b ? -1 : a > b;
}

/* False: not for this judge, as somebody who went on did not look whether it was refused. */
static bool collect(struct auditor *a)
{
    const struct axc_part *part = a->part;
    for (size_t i = 0; i < part->count; i++) {
        struct axc_op *op = &part->ops[i];
        a->by_process[i] = op;
    }
    qsort(a->by_process, part->count, sizeof *a->by_process, by_order);
    size_t count = 0;
    for (size_t i = 0; i < part->count; i++) {
        struct axc_op *op = a->by_process[i];
        uint64_t change = effect_of(part, op);
        bool last = i + 1 == part->count || a->by_process[i + 1]->process != op->process;
        if (change == 0)
            continue;
        if (op->results == 0 && !(op->responded == AXC_PENDING && last))
            return false;
        if (a->lane_count == 0 || a->lanes[a->lane_count - 1].process != op->process)
            a->lanes[a->lane_count++] = (struct lane){.process = op->process, .first = count};
        struct lane *lane = &a->lanes[a->lane_count - 1];
        a->effects[count] = (struct effect){op, change + (lane->count > 0 ? a->effects[count - 1].sum : 0)};
        lane->count++;
        count++;
    }
    return true;
}

/* How many of the lane's first effects are answered before this, or invoked by then, or of that order and before. */
enum limit { ANSWERED_BEFORE, INVOKED_BY, OF_ORDER_BEFORE };

static size_t how_many(const struct auditor *a, const struct lane *lane, enum limit limit, uint64_t what)
{
    size_t low = 0, high = lane->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct axc_op *op = a->effects[lane->first + middle].op;
        bool counts = limit == ANSWERED_BEFORE ? op->responded < what : limit == INVOKED_BY ? op->invoked <= what : op->order < what;
        *(counts ? &low : &high) = counts ? middle + 1 : middle;
    }
    return low;
}

static uint64_t sum_of_first(const struct auditor *a, const struct lane *lane, size_t count)
{
    return count == 0 ? 0 : a->effects[lane->first + count - 1].sum;
}

/* What each choice from one half adds to what certainly came before. 0: there are too many. */
static size_t enumerate(const struct auditor *a, bool second)
{
    struct choice *choices = a->choices[second];
    size_t count = 1;
    choices[0] = (struct choice){0};
    for (size_t i = 0; i < a->lane_count; i++) {
        const struct lane *lane = &a->lanes[i];
        size_t ways = lane->most - lane->least + 1, before = count;
        if (lane->second != second || ways == 1)
            continue;
        if (count * ways > MOST_CHOICES)
            return 0;
        uint64_t certain = sum_of_first(a, lane, lane->least);
        for (size_t way = 1; way < ways; way++)
            for (size_t k = 0; k < before; k++)
                choices[count++] = (struct choice){choices[k].sum + sum_of_first(a, lane, lane->least + way) - certain,
                                                   choices[k].digits + (uint32_t)(way * before)};
    }
    return count;
}

static int by_sum(const void *left, const void *right)
{
    uint64_t a = ((const struct choice *)left)->sum, b = ((const struct choice *)right)->sum;
    return a < b ? -1 : a > b;
}

/* An answer: how many of each lane of this half came before the audit. */
static void note(struct auditor *a, bool second, uint32_t digits)
{
    for (size_t i = 0; i < a->lane_count; i++) {
        struct lane *lane = &a->lanes[i];
        uint32_t ways = (uint32_t)(lane->most - lane->least + 1);
        if (lane->second != second)
            continue;
        size_t chosen = lane->least + digits % ways;
        digits /= ways;
        lane->fewest = chosen < lane->fewest ? chosen : lane->fewest;
        lane->latest = chosen > lane->latest ? chosen : lane->latest;
    }
}

/* Goes through the answers. False when there are more than can be looked at. */
static bool solve(struct auditor *a, uint64_t target, size_t *answers)
{
    size_t first = enumerate(a, false), second = enumerate(a, true);
    *answers = 0;
    if (first == 0 || second == 0)
        return false;
    qsort(a->choices[0], first, sizeof *a->choices[0], by_sum);
    for (size_t i = 0; i < second; i++) {
        uint64_t wanted = target - a->choices[1][i].sum;
        size_t low = 0, high = first;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            *(a->choices[0][middle].sum < wanted ? &low : &high) = a->choices[0][middle].sum < wanted ? middle + 1 : middle;
        }
        for (; low < first && a->choices[0][low].sum == wanted; low++) {
            if (++*answers > MOST_ANSWERS)
                return false;
            note(a, false, a->choices[0][low].digits);
            note(a, true, a->choices[1][i].digits);
        }
    }
    return true;
}

/* Each half gets about as many choices as the other. */
static void halve(struct auditor *a)
{
    size_t ways[2] = {1, 1};
    for (size_t i = 0; i < a->lane_count; i++) {
        struct lane *lane = &a->lanes[i];
        lane->second = ways[1] < ways[0];
        ways[lane->second] *= lane->most - lane->least + 1;
        ways[lane->second] = ways[lane->second] < MOST_CHOICES ? ways[lane->second] : MOST_CHOICES;
    }
}

static void not_before(struct axc_op *op, uint64_t time)
{
    op->invoked = time > op->invoked ? time : op->invoked;
}

/* An operation that was never answered stays one: it may not have happened. */
static void not_after(struct axc_op *op, uint64_t time)
{
    if (op->responded != AXC_PENDING && time < op->responded)
        op->responded = time;
}

static void narrow(struct auditor *a, struct axc_op *audit)
{
    for (size_t i = 0; i < a->lane_count; i++) {
        const struct lane *lane = &a->lanes[i];
        for (size_t k = lane->least; k < lane->fewest; k++) {
            struct axc_op *op = a->effects[lane->first + k].op;
            not_after(op, audit->responded);
            not_before(audit, op->invoked);
        }
        for (size_t k = lane->latest; k < lane->most; k++) {
            struct axc_op *op = a->effects[lane->first + k].op;
            not_before(op, audit->invoked);
            not_after(audit, op->responded);
        }
    }
}

static uint32_t place_of(const struct auditor *a, const struct axc_op *op)
{
    return (uint32_t)(op - a->part->ops);
}

/* False: it saw what can't have been. */
static bool look_at(struct auditor *a, struct axc_op *audit)
{
    uint64_t target = weighted(axc_values(a->part->history, audit), audit->results) - weighted(a->part->start, audit->results);
    uint32_t shown[AXC_CULPRITS] = {place_of(a, audit)};
    size_t overlapping = 0, answers;
    for (size_t i = 0; i < a->lane_count; i++) {
        struct lane *lane = &a->lanes[i];
        bool own = lane->process == audit->process;
        lane->least = how_many(a, lane, own ? OF_ORDER_BEFORE : ANSWERED_BEFORE, own ? audit->order : audit->invoked);
        lane->most = own ? lane->least : how_many(a, lane, INVOKED_BY, audit->responded);
        lane->most = lane->most > lane->least ? lane->most : lane->least;
        lane->fewest = SIZE_MAX;
        lane->latest = 0;
        target -= sum_of_first(a, lane, lane->least);
        for (size_t k = lane->least; k < lane->most; k++)
            if (++overlapping < AXC_CULPRITS)
                shown[overlapping] = place_of(a, a->effects[lane->first + k].op);
    }
    halve(a);
    if (!solve(a, target, &answers))
        return true;
    if (answers == 0)
        return axc_fast_wrong(a->part, a->fast, shown, overlapping < AXC_CULPRITS ? overlapping + 1 : 0,
                              "process %" PRIu32 " saw balances to which what was done before, and any of what was done meanwhile, don't add up",
                              audit->process);
    narrow(a, audit);
    return true;
}

/* A process's own order. False: an operation is left no time. */
static bool keep_own_order(struct auditor *a)
{
    for (size_t i = 1; i < a->part->count; i++)
        if (a->by_process[i]->process == a->by_process[i - 1]->process)
            not_before(a->by_process[i], a->by_process[i - 1]->invoked);
    for (size_t i = a->part->count; i-- > 1;)
        if (a->by_process[i]->process == a->by_process[i - 1]->process)
            not_after(a->by_process[i - 1], a->by_process[i]->responded);
    for (size_t i = 0; i < a->part->count; i++)
        if (a->by_process[i]->responded < a->by_process[i]->invoked)
            return axc_fast_wrong(a->part, a->fast, NULL, 0, "audits say that process %" PRIu32 " did something before it began or after it had ended",
                                  a->by_process[i]->process);
    return true;
}

static bool look_at_all(struct auditor *a, size_t audits)
{
    struct axc_op **seen = axc_alloc((audits + 1) * sizeof *seen);
    bool fine = true;
    size_t count = 0;
    for (size_t i = 0; seen != NULL && i < a->part->count; i++)
        if (a->part->ops[i].verb == ACCOUNTS_AUDIT && a->part->ops[i].results > 0)
            seen[count++] = &a->part->ops[i];
    for (size_t i = 0; i < count && fine && seen[i]->invoked <= seen[i]->responded; i++)
        fine = look_at(a, seen[i]);
    axc_free(seen);
    return fine && keep_own_order(a);
}

bool axc_fast_audits(struct axc_part *part, struct axc_fast *fast)
{
    struct auditor a = {.part = part, .fast = fast};
    size_t audits = 0, room = part->count + 1;
    for (size_t i = 0; i < part->count; i++)
        audits += part->ops[i].verb == ACCOUNTS_AUDIT && part->ops[i].results > 0 ? 1 : 0;
    if (audits == 0)
        return false;
    fast->rule = "audit by audit";
    struct axc_op *as_it_was = axc_alloc(room * sizeof *as_it_was);
    a.by_process = axc_alloc(room * sizeof *a.by_process);
    a.effects = axc_alloc(room * sizeof *a.effects);
    a.lanes = axc_alloc((part->history->processes + 1) * sizeof *a.lanes);
    a.choices[0] = axc_alloc(MOST_CHOICES * sizeof *a.choices[0]);
    a.choices[1] = axc_alloc(MOST_CHOICES * sizeof *a.choices[1]);
    bool wrong = false;
    if (as_it_was != NULL && a.by_process != NULL && a.effects != NULL && a.lanes != NULL && a.choices[0] != NULL && a.choices[1] != NULL) {
        memcpy(as_it_was, part->ops, part->count * sizeof *part->ops);
        wrong = collect(&a) && !look_at_all(&a, audits);
        if (wrong || !axc_sort(part->ops, part->count))
            memcpy(part->ops, as_it_was, part->count * sizeof *part->ops);
    }
    axc_free(as_it_was);
    axc_free(a.by_process);
    axc_free(a.effects);
    axc_free(a.lanes);
    axc_free(a.choices[0]);
    axc_free(a.choices[1]);
    return wrong;
}

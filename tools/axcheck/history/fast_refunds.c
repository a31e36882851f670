/* SPDX-License-Identifier: MIT */
/**
 * fast_refunds.c: tickets that are sold, given back and sold again. Where neither two sales nor two refunds of one
 * ticket overlap, they come by turns in the only order they can have. A ticket then is certainly free from the answer
 * of a refund to the invocation of the sale that follows, and need not be free at any other moment: "sold out" needs
 * a moment at which none certainly is.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "../budget.h"
#include "fast.h"
#include "model.h"

struct use {
    int64_t ticket;
    uint64_t invoked;
    uint32_t op;
    bool refund;
};

/* Between, and not at either end. */
struct gap {
    uint64_t from, to;
};

struct judge {
    const struct axc_part *part;
    uint64_t narrow;
    struct use *uses; /* by ticket, sales first, by invocation */
    size_t use_count;
    uint32_t *refused;
    size_t refused_count;
    struct gap *gaps;
    size_t gap_count, sold; /* tickets that ever were */
    struct axc_fast *fast;
};

static int by_ticket(const void *left, const void *right)
{
    const struct use *a = left, *b = right;
    if (a->ticket != b->ticket)
        return a->ticket < b->ticket ? -1 : 1;
    if (a->refund != b->refund)
        return a->refund ? 1 : -1;
    return a->invoked != b->invoked ? (a->invoked < b->invoked ? -1 : 1) : a->op < b->op ? -1 : a->op > b->op;
}

static uint64_t answered(const struct judge *j, uint32_t op)
{
    return axc_fast_answered(j->part, j->narrow, op);
}

/* False: not for this judge. */
static bool collect(struct judge *j)
{
    for (uint32_t i = 0; i < j->part->count; i++) {
        const struct axc_op *op = &j->part->ops[i];
        const int64_t *values = axc_values(j->part->history, op);
        bool refund = op->verb == TICKETS_REFUND;
        if (op->results == 0 || (!refund && op->verb != TICKETS_SELL) || values[0] == AXC_CLOSED || (refund && values[1] == 0))
            return false;
        if (!refund && values[0] == AXC_NONE)
            j->refused[j->refused_count++] = i;
        else
            j->uses[j->use_count++] = (struct use){values[0], axc_fast_invoked(j->part, j->narrow, i), i, refund};
    }
    if (j->use_count > 0)
        qsort(j->uses, j->use_count, sizeof *j->uses, by_ticket);
    for (size_t i = 1; i < j->use_count; i++) {
        const struct use *a = &j->uses[i - 1], *b = &j->uses[i];
        if (a->ticket == b->ticket && a->refund == b->refund && answered(j, a->op) >= b->invoked)
            return false; /* either may have come first */
    }
    return true;
}

static bool is_ticket(const struct judge *j, int64_t ticket)
{
    return ticket >= 0 && ticket < j->part->history->capacity;
}

/* One ticket's: `sales` and then `refunds`, which come by turns. */
static bool in_turns(struct judge *j, const struct use *sales, size_t sale_count, const struct use *refunds, size_t refund_count)
{
    if (!is_ticket(j, sales->ticket))
        return axc_fast_wrong(j->part, j->fast, &sales->op, 1, "there is no ticket %" PRId64, sales->ticket);
    if (refund_count > sale_count || sale_count > refund_count + 1)
        return axc_fast_wrong(j->part, j->fast, NULL, 0, "ticket %" PRId64 " was sold %zu times and given back %zu times", sales->ticket, sale_count,
                              refund_count);
    uint64_t latest = 0, free_from = 0;
    for (size_t i = 0; i < sale_count + refund_count; i++) {
        const struct use *use = i % 2 == 0 ? &sales[i / 2] : &refunds[i / 2];
        if (answered(j, use->op) < latest)
            return axc_fast_wrong(j->part, j->fast, NULL, 0, "ticket %" PRId64 " was %s before %s", use->ticket, use->refund ? "given back" : "sold",
                                  use->refund ? "it was sold" : "the one who had it gave it back");
        latest = use->invoked > latest ? use->invoked : latest;
        if (use->refund)
            free_from = answered(j, use->op);
        else if (free_from < use->invoked)
            j->gaps[j->gap_count++] = (struct gap){free_from, use->invoked};
    }
    if (sale_count == refund_count)
        j->gaps[j->gap_count++] = (struct gap){free_from, UINT64_MAX};
    j->sold++;
    return true;
}

static bool each_in_turns(struct judge *j)
{
    for (size_t i = 0; i < j->use_count;) {
        size_t sales = 0, refunds = 0;
        while (i + sales < j->use_count && j->uses[i + sales].ticket == j->uses[i].ticket && !j->uses[i + sales].refund)
            sales++;
        const struct use *first = &j->uses[i];
        for (i += sales; i < j->use_count && j->uses[i].ticket == first->ticket; i++)
            refunds++;
        if (!in_turns(j, first, sales, first + sales, refunds))
            return false;
    }
    return true;
}

static int by_beginning(const void *left, const void *right)
{
    const struct gap *a = left, *b = right;
    return a->from < b->from ? -1 : a->from > b->from;
}

/* The times at which some ticket certainly is free, put together where one begins before another ends. */
static void join_gaps(struct judge *j)
{
    size_t kept = 0;
    if (j->gap_count > 0)
        qsort(j->gaps, j->gap_count, sizeof *j->gaps, by_beginning);
    for (size_t i = 0; i < j->gap_count; i++) {
        if (kept == 0 || j->gaps[i].from >= j->gaps[kept - 1].to)
            j->gaps[kept++] = j->gaps[i];
        else if (j->gaps[i].to > j->gaps[kept - 1].to)
            j->gaps[kept - 1].to = j->gaps[i].to;
    }
    j->gap_count = kept;
}

static bool check_refusals(struct judge *j)
{
    if (j->refused_count > 0 && j->sold < (size_t)j->part->history->capacity)
        return axc_fast_wrong(j->part, j->fast, j->refused, 1, "a refusal although %zu tickets were never sold", (size_t)j->part->history->capacity - j->sold);
    join_gaps(j);
    for (size_t i = 0; i < j->refused_count; i++) {
        uint64_t invoked = axc_fast_invoked(j->part, j->narrow, j->refused[i]);
        size_t low = 0, high = j->gap_count; /* those below `low` begin before it was invoked */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (j->gaps[middle].from < invoked)
                low = middle + 1;
            else
                high = middle;
        }
        if (low > 0 && answered(j, j->refused[i]) < j->gaps[low - 1].to)
            return axc_fast_wrong(j->part, j->fast, NULL, 0, "process %" PRIu32 " was refused while at every moment a ticket was free",
                                  j->part->ops[j->refused[i]].process);
    }
    return true;
}

static enum axc_finding judge(const struct axc_part *part, uint64_t narrow, struct axc_fast *fast)
{
    struct judge j = {.part = part, .narrow = narrow, .fast = fast};
    fast->rule = "by the turns of each ticket";
    j.uses = axc_alloc((part->count + 1) * sizeof *j.uses);
    j.refused = axc_alloc((part->count + 1) * sizeof *j.refused);
    j.gaps = axc_alloc((part->count * 2 + 1) * sizeof *j.gaps);
    enum axc_finding answer = AXC_NOT_MINE;
    if (j.uses != NULL && j.refused != NULL && j.gaps != NULL && collect(&j))
        answer = each_in_turns(&j) && check_refusals(&j) ? AXC_RIGHT : AXC_WRONG;
    axc_free(j.uses);
    axc_free(j.refused);
    axc_free(j.gaps);
    return answer;
}

bool axc_fast_refunds(const struct axc_part *part, struct axc_fast *fast)
{
    return axc_fast_value_by_value(part, judge, fast);
}

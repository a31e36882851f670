/* SPDX-License-Identifier: MIT */
/**
 * fast_tickets.c: only sales, no refund, no look at what is left, no closing. A sale concerns one ticket
 * only, so that nothing forbids to put it at its invocation; an answer "sold out" needs them all sold and
 * can be put at its response.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../budget.h"
#include "../parallel.h"
#include "fast.h"
#include "lane.h"
#include "model.h"

struct seller {
    struct axc_history *history;
    atomic_uchar *sold;                  /* a bit per ticket */
    uint64_t *unanswered;                /* by lane: invocation of the sale at its end that may have taken one */
    _Atomic int64_t twice;               /* the least number that was sold twice; INT64_MAX: none */
    _Atomic int64_t outside;             /* the greatest that there is not; AXC_NONE, which alone can't be one: none */
    struct findings {
        size_t sales;
        uint64_t last_sale, first_refusal; /* invoked, answered */
    } found[AXC_MAX_WORKERS];
    atomic_bool closed;                  /* somebody was told that it is: not for this judge */
    _Atomic int64_t sold_after_refusal;  /* least process that was refused and sold to later; INT64_MAX: none */
};

static void at_most(_Atomic int64_t *least, int64_t value)
{
    int64_t now = atomic_load_explicit(least, memory_order_relaxed);
    while (value < now && !atomic_compare_exchange_weak_explicit(least, &now, value, memory_order_relaxed, memory_order_relaxed))
        ;
}

static void at_least(_Atomic int64_t *greatest, int64_t value)
{
    int64_t now = atomic_load_explicit(greatest, memory_order_relaxed);
    while (value > now && !atomic_compare_exchange_weak_explicit(greatest, &now, value, memory_order_relaxed, memory_order_relaxed))
        ;
}

static void sell_lane(void *context, size_t piece, size_t worker)
{
    struct seller *s = context;
    struct findings *found = &s->found[worker];
    const struct axc_history *history = s->history;
    struct axc_cursor cursor;
    struct axc_op op;
    int64_t values[AXC_MAX_VALUES];
    bool refused = false;
    s->unanswered[piece] = AXC_PENDING;
    axc_cursor_begin(&cursor, history, &history->lanes[piece]);
    while (axc_cursor_next(&cursor, &op, values)) {
        if (op.results == 0) {
            if (!refused)
                s->unanswered[piece] = op.invoked;
            continue;
        }
        int64_t ticket = values[0];
        if (ticket == AXC_CLOSED)
            atomic_store_explicit(&s->closed, true, memory_order_relaxed);
        if (ticket == AXC_NONE) {
            if (op.responded < found->first_refusal)
                found->first_refusal = op.responded;
            refused = true;
            continue;
        }
        if (refused)
            at_most(&s->sold_after_refusal, op.process);
        if (ticket < 0 || ticket >= history->capacity) {
            at_least(&s->outside, ticket);
            continue;
        }
        unsigned bit = 1U << (ticket & 7);
        if ((atomic_fetch_or_explicit(&s->sold[ticket >> 3], (unsigned char)bit, memory_order_relaxed) & bit) != 0)
            at_most(&s->twice, ticket);
        found->sales++;
        if (op.invoked > found->last_sale)
            found->last_sale = op.invoked;
    }
}

static int by_time(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

enum what { SOLD_TWICE, SOLD_AFTER, REFUSED_AT, ASKED_AT, AFTER_REFUSAL };

struct wanted {
    enum what what;
    int64_t number;
    uint64_t time;
    bool refused;
};

static bool choose(void *context, const struct axc_op *op, const int64_t *values)
{
    struct wanted *wanted = context;
    bool sold = op->results > 0 && values[0] != AXC_NONE;
    switch (wanted->what) {
    case SOLD_TWICE:
        return sold && values[0] == wanted->number;
    case REFUSED_AT:
        return op->results > 0 && !sold && op->responded == wanted->time;
    case ASKED_AT:
        return (sold || op->responded == AXC_PENDING) && op->invoked == wanted->time;
    default:
        /* The refusal, and the first sale after it. */
        if (op->process != wanted->number || op->results == 0 || sold != wanted->refused)
            return false;
        wanted->refused = true;
        return true;
    }
}

static void show(struct seller *s, enum what what, int64_t number, uint64_t time, size_t most, struct axc_fast *fast)
{
    struct wanted wanted = {.what = what, .number = number, .time = time};
    fast->right = false;
    axc_fast_show(s->history, choose, &wanted, most, fast);
}

/* What is wrong with the sales, whatever was refused. */
static bool judge_sales(struct seller *s, struct axc_fast *fast)
{
    int64_t outside = atomic_load_explicit(&s->outside, memory_order_relaxed);
    int64_t twice = atomic_load_explicit(&s->twice, memory_order_relaxed);
    int64_t buyer = atomic_load_explicit(&s->sold_after_refusal, memory_order_relaxed);
    if (outside != AXC_NONE) {
        snprintf(fast->why, sizeof fast->why, "ticket %" PRId64 " was sold, outside 0 to %" PRId64, outside, s->history->capacity - 1);
        show(s, SOLD_TWICE, outside, 0, 1, fast);
    } else if (twice != INT64_MAX) {
        show(s, SOLD_TWICE, twice, 0, 2, fast);
        snprintf(fast->why, sizeof fast->why, "ticket %" PRId64 " was sold twice", twice);
        if (fast->culprit_count == 2)
            snprintf(fast->why, sizeof fast->why, "ticket %" PRId64 " was sold to process %" PRIu32 " and to process %" PRIu32, twice,
                     fast->culprits[0].process, fast->culprits[1].process);
    } else if (buyer != INT64_MAX) {
        snprintf(fast->why, sizeof fast->why, "process %" PRId64 " was refused, and sold a ticket later", buyer);
        show(s, AFTER_REFUSAL, buyer, 0, 2, fast);
    } else {
        return true;
    }
    return false;
}

/* Without refunds a refusal says that all are sold by then; unanswered sales may have taken what nobody has. */
static void judge_refusals(struct seller *s, struct axc_fast *fast)
{
    struct findings all = {.first_refusal = AXC_PENDING};
    for (size_t i = 0; i < AXC_MAX_WORKERS; i++) {
        all.sales += s->found[i].sales;
        all.last_sale = s->found[i].last_sale > all.last_sale ? s->found[i].last_sale : all.last_sale;
        all.first_refusal = s->found[i].first_refusal < all.first_refusal ? s->found[i].first_refusal : all.first_refusal;
    }
    if (all.first_refusal == AXC_PENDING)
        return;
    uint64_t skew = s->history->skew;
    int64_t unsold = s->history->capacity - (int64_t)all.sales;
    qsort(s->unanswered, s->history->processes, sizeof *s->unanswered, by_time); /* the earliest first */
    for (size_t i = 0; i < s->history->processes && s->unanswered[i] != AXC_PENDING && unsold > 0; i++, unsold--)
        all.last_sale = s->unanswered[i] > all.last_sale ? s->unanswered[i] : all.last_sale;
    if (unsold > 0) {
        snprintf(fast->why, sizeof fast->why, "a refusal at %" PRIu64 " although %" PRId64 " tickets were never sold", all.first_refusal, unsold);
        show(s, REFUSED_AT, 0, all.first_refusal, 1, fast);
    } else if (all.last_sale > skew && all.first_refusal + skew < all.last_sale - skew) {
        snprintf(fast->why, sizeof fast->why, "a refusal at %" PRIu64 ", before the last ticket was asked for at %" PRIu64, all.first_refusal,
                 all.last_sale);
        show(s, REFUSED_AT, 0, all.first_refusal, 1, fast);
        show(s, ASKED_AT, 0, all.last_sale, 1, fast);
    }
}

bool axc_fast_tickets(struct axc_history *history, struct axc_fast *fast)
{
    for (size_t verb = 0; verb < history->model->verb_count; verb++) {
        struct axc_use use = axc_history_use(history, verb);
        bool sells = verb == (size_t)axc_verb_named(history->model, "sell", 4);
        if (use.count > 0 && (!sells || use.blind > 0))
            return false;
    }
    struct seller s = {.history = history, .twice = INT64_MAX, .outside = AXC_NONE, .sold_after_refusal = INT64_MAX};
    for (size_t i = 0; i < AXC_MAX_WORKERS; i++)
        s.found[i].first_refusal = AXC_PENDING;
    s.sold = axc_zeroed((size_t)history->capacity / 8 + 1, sizeof *s.sold);
    s.unanswered = axc_alloc((history->processes + 1) * sizeof *s.unanswered);
    bool ready = s.sold != NULL && s.unanswered != NULL;
    if (ready) {
        fast->rule = "ticket by ticket";
        fast->right = true;
        axc_parallel(axc_workers(history->count), history->processes, sell_lane, &s);
        ready = !atomic_load_explicit(&s.closed, memory_order_relaxed);
        if (ready && judge_sales(&s, fast))
            judge_refusals(&s, fast);
    }
    axc_free(s.sold);
    axc_free(s.unanswered);
    return ready;
}

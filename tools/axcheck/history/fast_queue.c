/* SPDX-License-Identifier: MIT */
/**
 * fast_queue.c: a queue into which no value goes twice. Each value was in it from some moment of its enqueue
 * to some moment of its dequeue, certainly after the one was answered and before the other was invoked. Three
 * things can be wrong, and when none is, there is an order: a value comes out that is not in; one overtakes
 * another that certainly went in before it; or the queue is called empty while at every moment something
 * certainly was in it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "fast.h"
#include "model.h"

/* One value. */
struct stay {
    int64_t value;
    uint32_t in, out; /* operations; out may be AXC_NOBODY */
    uint64_t asked, sure, called, left; /* enqueue invoked and answered, dequeue invoked and answered; 1 + the time */
};

struct judge {
    const struct axc_part *part;
    uint64_t narrow;
    struct stay *stays; /* by value, then as wanted */
    size_t count;
    uint32_t *empty; /* dequeues of nothing */
    size_t empty_count;
    bool bounded;    /* it may have been full, */
    bool refused;    /* and somebody was told that it was */
    bool open;       /* an unanswered dequeue may have taken something */
    struct axc_fast *fast;
};

static const struct axc_op *op_of(const struct judge *j, uint32_t op)
{
    return &j->part->ops[op];
}

static int64_t value_of(const struct judge *j, uint32_t op)
{
    return axc_values(j->part->history, op_of(j, op))[0]; /* what goes in, or what came out */
}

static uint64_t answered(const struct judge *j, uint32_t op)
{
    return axc_fast_answered(j->part, j->narrow, op);
}

static uint64_t invoked(const struct judge *j, uint32_t op)
{
    return axc_fast_invoked(j->part, j->narrow, op);
}

static int by_value(const void *left, const void *right)
{
    const struct stay *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->in == AXC_NOBODY) - (b->in == AXC_NOBODY); /* enqueue first */
}

static int by_asked(const void *left, const void *right)
{
    const struct stay *a = left, *b = right;
    return a->asked < b->asked ? -1 : a->asked > b->asked;
}

static int by_sure(const void *left, const void *right)
{
    const struct stay *a = left, *b = right;
    return a->sure < b->sure ? -1 : a->sure > b->sure;
}

/* False: not for this judge. */
static bool collect(struct judge *j)
{
    for (uint32_t i = 0; i < j->part->count; i++) {
        const struct axc_op *op = op_of(j, i);
        bool in = op->verb == QUEUE_ENQUEUE, looked = op->results > 0, blind = !looked && op->responded != AXC_PENDING;
        if (blind && (!in || j->bounded))
            return false; /* nobody knows what came out, or whether it was refused */
        if (in && looked && axc_values(j->part->history, op)[1] == 0) {
            j->refused = true;
            continue;
        }
        if (in)
            j->stays[j->count++] = (struct stay){.value = value_of(j, i), .in = i, .out = AXC_NOBODY};
        else if (!looked)
            j->open = true;
        else if (value_of(j, i) == AXC_NONE)
            j->empty[j->empty_count++] = i;
        else
            j->stays[j->count++] = (struct stay){.value = value_of(j, i), .in = AXC_NOBODY, .out = i};
    }
    if (j->count > 0)
        qsort(j->stays, j->count, sizeof *j->stays, by_value);
    for (size_t i = 1; i < j->count; i++)
        if (j->stays[i].value == j->stays[i - 1].value && j->stays[i].in != AXC_NOBODY)
            return false; /* it goes in twice */
    return true;
}

/* Both ends of each value together. */
static bool pair(struct judge *j)
{
    size_t kept = 0;
    for (size_t i = 0; i < j->count; i++) {
        struct stay stay = j->stays[i];
        bool again = i > 0 && stay.value == j->stays[kept - 1].value;
        if (stay.in == AXC_NOBODY && !again)
            return axc_fast_wrong(j->part, j->fast, &stay.out, 1, "%" PRId64 " came out and never went in", stay.value);
        if (stay.in == AXC_NOBODY && j->stays[kept - 1].out != AXC_NOBODY)
            return axc_fast_wrong(j->part, j->fast, (uint32_t[]){j->stays[kept - 1].in, j->stays[kept - 1].out, stay.out}, 3, "%" PRId64 " came out twice", stay.value);
        if (stay.in == AXC_NOBODY)
            j->stays[kept - 1].out = stay.out;
        else
            j->stays[kept++] = stay;
    }
    j->count = kept;
    kept = 0;
    for (size_t i = 0; i < j->count; i++) {
        struct stay *stay = &j->stays[i];
        if (stay->out == AXC_NOBODY && op_of(j, stay->in)->responded == AXC_PENDING)
            continue; /* it need not have happened */
        stay->asked = invoked(j, stay->in);
        stay->sure = answered(j, stay->in);
        stay->called = stay->out != AXC_NOBODY ? invoked(j, stay->out) : UINT64_MAX;
        stay->left = stay->out != AXC_NOBODY ? answered(j, stay->out) : UINT64_MAX;
        if (stay->left < stay->asked)
            return axc_fast_wrong(j->part, j->fast, (uint32_t[]){stay->in, stay->out}, 2, "%" PRId64 " had come out before it went in", stay->value);
        j->stays[kept++] = *stay;
    }
    j->count = kept;
    return true;
}

/* No value overtakes one that was in before it was sent. Both lists are of the same values. */
static bool check_order(struct judge *j, struct stay *sure)
{
    memcpy(sure, j->stays, j->count * sizeof *sure);
    if (j->count > 0) {
        qsort(j->stays, j->count, sizeof *j->stays, by_asked);
        qsort(sure, j->count, sizeof *sure, by_sure);
    }
    const struct stay *latest = NULL; /* of those that were in, the one that was called out last, or never */
    for (size_t i = 0, next = 0; i < j->count; i++) {
        const struct stay *stay = &j->stays[i];
        for (; next < j->count && sure[next].sure < stay->asked; next++)
            if (latest == NULL || sure[next].called > latest->called)
                latest = &sure[next];
        if (latest != NULL && stay->left < latest->called)
            return axc_fast_wrong(j->part, j->fast, (uint32_t[]){latest->in, stay->in, stay->out, latest->out}, 4,
                                  "%" PRId64 " was in before %" PRId64 " was sent, and %" PRId64 " came out first", latest->value, stay->value, stay->value);
    }
    return true;
}

/* The fewest values that fill the time of this dequeue between them. */
static bool tell_filled(struct judge *j, uint32_t empty, const struct stay *sure)
{
    uint32_t shown[AXC_CULPRITS + 1] = {empty};
    size_t count = 1;
    for (uint64_t filled = invoked(j, empty); filled <= answered(j, empty) && count + 2 <= AXC_CULPRITS;) {
        const struct stay *longest = &sure[0];
        for (size_t i = 0; i < j->count && sure[i].sure < filled; i++)
            if (sure[i].called > longest->called)
                longest = &sure[i];
        shown[count++] = longest->in;
        shown[count++] = longest->out;
        filled = longest->called;
    }
    return axc_fast_wrong(j->part, j->fast, shown, count, "the queue was called empty when something was in it all the time");
}

/* A dequeue of nothing needs a moment at which nothing certainly is in. `sure` is sorted by when values certainly are;
 * their times are put together where one begins before another ends. */
static bool check_empty(struct judge *j, const struct stay *sure)
{
    struct span {
        uint64_t from, to; /* between, and not at either */
    } *spans = axc_alloc((j->count + 1) * sizeof *spans);
    if (spans == NULL)
        return true; /* said by the caller */
    size_t count = 0;
    for (size_t i = 0; i < j->count; i++) {
        if (sure[i].sure >= sure[i].called)
            continue;
        if (count == 0 || sure[i].sure >= spans[count - 1].to)
            spans[count++] = (struct span){.from = sure[i].sure, .to = sure[i].called};
        else if (sure[i].called > spans[count - 1].to)
            spans[count - 1].to = sure[i].called;
    }
    bool fine = true;
    for (size_t i = 0; i < j->empty_count && fine; i++) {
        size_t low = 0, high = count; /* spans below `low` begin before it was invoked */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (spans[middle].from < invoked(j, j->empty[i]))
                low = middle + 1;
            else
                high = middle;
        }
        fine = low == 0 || answered(j, j->empty[i]) >= spans[low - 1].to || tell_filled(j, j->empty[i], sure);
    }
    axc_free(spans);
    return fine;
}

static enum axc_finding judge(const struct axc_part *part, uint64_t narrow, struct axc_fast *fast)
{
    struct judge j = {.part = part, .narrow = narrow, .fast = fast};
    fast->rule = "by what certainly was in the queue";
    j.bounded = part->history->capacity >= 0 && (uint64_t)part->history->capacity < part->count;
    j.stays = axc_alloc((part->count + 1) * sizeof *j.stays);
    j.empty = axc_alloc((part->count + 1) * sizeof *j.empty);
    struct stay *sure = axc_alloc((part->count + 1) * sizeof *sure);
    enum axc_finding answer = AXC_NOT_MINE;
    axc_budget_clear();
    if (j.stays != NULL && j.empty != NULL && sure != NULL && part->start_words == 0 && collect(&j))
        answer = pair(&j) && check_order(&j, sure) && check_empty(&j, sure) ? AXC_RIGHT : AXC_WRONG;
    /* With a bound fewer orders are left; with an unanswered dequeue there are more. */
    if (axc_budget_exhausted() || (answer == AXC_RIGHT && (j.bounded || j.refused)) || (answer == AXC_WRONG && j.open))
        answer = AXC_NOT_MINE;
    axc_free(j.stays);
    axc_free(j.empty);
    axc_free(sure);
    return answer;
}

bool axc_fast_queue(const struct axc_part *part, struct axc_fast *fast)
{
    return axc_fast_value_by_value(part, judge, fast);
}

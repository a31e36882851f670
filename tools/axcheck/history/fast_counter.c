/* SPDX-License-Identifier: MIT */
/**
 * fast_counter.c: every operation is a read, or an addition of one and the same number d > 0 whose caller
 * looked at the result. The value then never falls, and an addition that returned v is the only one at v:
 * the order of all operations is that of the values they saw, reads of v before the addition at v.
 *
 * A value has a place: how many additions come before it. Each lane goes through the places in their order,
 * or contradicts itself; so that all lanes are read side by side, a window of places at a time, and of a
 * window only the addition at each place and the extremes of its reads are kept. Workers share the places
 * out between them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "../parallel.h"
#include "fast.h"
#include "lane.h"
#include "model.h"

enum { WINDOW = 4096, NOBODY = 0 };

/* What is known of one place. Times are 1 + the time; 0: nothing. */
struct place {
    uint64_t add_invoked, add_responded, read_invoked, read_responded; /* of reads the latest and the earliest */
};

/* A place without an addition that was answered, and the earliest answer after it, up to the next gap. */
struct gap {
    uint64_t place, earliest;
};

enum fault {
    FINE,
    BACKWARDS, /* in one lane: at `late` it saw less than at `before` */
    TWICE,     /* two additions at `place` */
    LATE,      /* something at `place` was answered before `latest`, when something at `latest_at` was invoked */
    NOWHERE,   /* a lane goes on with a value that the counter never has */
};

/* A lane as one worker goes through it. At its end the fields keep what was last. */
struct front {
    struct axc_cursor cursor;
    uint64_t invoked, responded, place;
    uint64_t unanswered; /* invocation of the addition at its end, or NOBODY */
    uint32_t order;
    bool adds, more, any;
};

/* One worker's share of the places. */
struct share {
    uint64_t begin, end;
    struct front *fronts;
    struct place *window;
    uint32_t *started;          /* by lane: the first operation */
    struct gap *gaps;           /* one more than there are unanswered additions: then it is enough */
    size_t gap_count;
    uint64_t latest, latest_at; /* invocation so far, and where */
    uint64_t earliest;          /* answer */
    enum fault fault;
    uint64_t place, responded;
    uint32_t before, late;
    bool failed; /* no memory */
};

struct counter {
    struct axc_history *history;
    int64_t step;
    uint64_t additions; /* answered or not */
    size_t unanswered, verb_add;
    struct share shares[AXC_MAX_WORKERS];
    size_t workers;
};

/* False: the counter never has this value. */
static bool place_of(const struct counter *c, int64_t value, uint64_t *place)
{
    uint64_t distance = (uint64_t)value - (uint64_t)c->history->initial;
    *place = c->step == 1 ? distance : distance / (uint64_t)c->step;
    return value >= c->history->initial && *place <= c->additions && (c->step == 1 || distance % (uint64_t)c->step == 0);
}

/* The next operation that saw a value. */
static void advance(const struct counter *c, struct front *front, int64_t *values)
{
    struct axc_op op;
    uint64_t skew = c->history->skew;
    while ((front->more = axc_cursor_next(&front->cursor, &op, values)) && op.results == 0)
        if (op.verb == c->verb_add)
            front->unanswered = op.invoked > skew ? op.invoked - skew + 1 : 1;
    if (!front->more)
        return;
    front->any = true;
    front->adds = op.verb == c->verb_add;
    front->invoked = op.invoked > skew ? op.invoked - skew + 1 : 1;
    front->responded = op.responded + skew + 1;
    front->order = op.order;
    if (!place_of(c, values[op.args], &front->place))
        front->place = UINT64_MAX; /* no share has it */
}

static uint32_t order_of(const struct front *front)
{
    return front->more ? front->order : UINT32_MAX;
}

/* Where in the lane the share begins: looked for from a span whose first value is before it. */
static void start(const struct counter *c, const struct axc_lane *lane, uint64_t begin, struct front *front, int64_t *values)
{
    *front = (struct front){.more = false};
    axc_cursor_begin(&front->cursor, c->history, lane);
    size_t low = 0, high = begin > 0 ? lane->span_count : 0;
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        axc_cursor_seek(&front->cursor, middle, 0);
        advance(c, front, values);
        if (front->more && front->place < begin)
            low = middle;
        else
            high = middle;
    }
    uint32_t order = lane->first;
    for (size_t i = 0; i < low; i++)
        order += lane->spans[i].count;
    axc_cursor_seek(&front->cursor, low, order);
    do
        advance(c, front, values);
    while (front->more && front->place < begin);
}

static void fault(struct share *share, enum fault what, uint64_t place)
{
    if (share->fault != FINE)
        return;
    share->fault = what;
    share->place = place;
}

/* Everything of this lane before `end` into the window. */
static void scatter(const struct counter *c, struct share *share, struct front *front, uint64_t base, uint64_t end, int64_t *values)
{
    while (front->more && front->place < end && share->fault == FINE) {
        struct place *place = &share->window[front->place - base];
        uint64_t least_next = front->place + (front->adds ? 1 : 0);
        uint32_t before = front->order;
        if (front->adds) {
            if (place->add_responded != NOBODY)
                fault(share, TWICE, front->place);
            place->add_invoked = front->invoked;
            place->add_responded = front->responded;
        } else {
            if (front->invoked > place->read_invoked)
                place->read_invoked = front->invoked;
            if (place->read_responded == NOBODY || front->responded < place->read_responded)
                place->read_responded = front->responded;
        }
        advance(c, front, values);
        if (front->more && front->place < least_next) {
            share->before = before;
            share->late = front->order;
            fault(share, BACKWARDS, front->place);
        }
    }
}

static void take_answer(struct share *share, uint64_t responded, uint64_t at)
{
    if (responded < share->latest && share->fault == FINE) {
        share->responded = responded;
        fault(share, LATE, at);
    }
    if (responded < share->earliest)
        share->earliest = responded;
    if (share->gap_count > 0 && responded < share->gaps[share->gap_count - 1].earliest)
        share->gaps[share->gap_count - 1].earliest = responded;
}

static void take_invocation(struct share *share, uint64_t invoked, uint64_t at)
{
    if (invoked > share->latest && share->fault == FINE) {
        share->latest = invoked;
        share->latest_at = at;
    }
}

/* The window's places from left to right. */
static void go_along(const struct counter *c, struct share *share, uint64_t base, uint64_t end)
{
    for (uint64_t at = base; at < end; at++) {
        const struct place *place = &share->window[at - base];
        if (place->read_responded != NOBODY) {
            take_answer(share, place->read_responded, at);
            take_invocation(share, place->read_invoked, at);
        }
        if (place->add_responded != NOBODY) {
            take_answer(share, place->add_responded, at);
            take_invocation(share, place->add_invoked, at);
        } else if (share->gap_count <= c->unanswered) {
            share->gaps[share->gap_count++] = (struct gap){.place = at, .earliest = UINT64_MAX};
        }
    }
}

static void work(void *context, size_t piece, size_t worker)
{
    (void)worker;
    struct counter *c = context;
    struct share *share = &c->shares[piece];
    size_t lanes = c->history->processes;
    int64_t values[AXC_MAX_VALUES];
    share->fronts = axc_alloc((lanes + 1) * sizeof *share->fronts);
    share->started = axc_alloc((lanes + 1) * sizeof *share->started);
    share->window = axc_alloc(WINDOW * sizeof *share->window);
    share->gaps = axc_alloc((c->unanswered + 1) * sizeof *share->gaps);
    share->failed = share->fronts == NULL || share->started == NULL || share->window == NULL || share->gaps == NULL;
    for (size_t i = 0; i < lanes && !share->failed; i++) {
        start(c, &c->history->lanes[i], share->begin, &share->fronts[i], values);
        share->started[i] = order_of(&share->fronts[i]);
    }
    for (uint64_t base = share->begin; base < share->end && !share->failed && share->fault == FINE; base += WINDOW) {
        uint64_t end = share->end - base < WINDOW ? share->end : base + WINDOW;
        memset(share->window, 0, WINDOW * sizeof *share->window);
        for (size_t i = 0; i < lanes; i++)
            scatter(c, share, &share->fronts[i], base, end, values);
        go_along(c, share, base, end);
    }
    for (size_t i = 0; i < lanes && !share->failed; i++)
        if (share->fronts[i].more && share->fronts[i].place == UINT64_MAX && share->fault == FINE) {
            share->late = share->fronts[i].order;
            fault(share, NOWHERE, UINT64_MAX);
        }
}

static void free_shares(struct counter *c)
{
    for (size_t i = 0; i < c->workers; i++) {
        axc_free(c->shares[i].fronts);
        axc_free(c->shares[i].started);
        axc_free(c->shares[i].window);
        axc_free(c->shares[i].gaps);
    }
}

/* Goes through everything. False without memory. */
static bool go_through(struct counter *c, size_t workers)
{
    uint64_t places = c->additions + 1, each = places / workers + 1;
    c->workers = workers;
    memset(c->shares, 0, sizeof c->shares);
    for (size_t i = 0; i < workers; i++) {
        uint64_t begin = each * i < places ? each * i : places;
        c->shares[i] = (struct share){.begin = begin, .end = places - begin < each ? places : begin + each, .earliest = UINT64_MAX};
    }
    axc_parallel(workers, workers, work, c);
    bool done = true;
    for (size_t i = 0; i < workers; i++)
        done = done && !c->shares[i].failed;
    return done;
}

/* Whether each share took over where the one before left off, in every lane and in time. */
static bool join(const struct counter *c)
{
    uint64_t latest = 0;
    for (size_t i = 0; i < c->workers; i++) {
        const struct share *share = &c->shares[i];
        if (share->fault != FINE || share->earliest < latest)
            return false;
        latest = share->latest > latest ? share->latest : latest;
        for (size_t j = 0; i > 0 && j < c->history->processes; j++)
            if (order_of(&c->shares[i - 1].fronts[j]) != share->started[j])
                return false;
    }
    return true;
}

static int by_number(const void *left, const void *right)
{
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return a < b ? -1 : a > b;
}

/* Unanswered additions fill the gaps. Each can fill any gap from some one on: after what its process saw, and not before
 * something that was answered before it was invoked; and what comes after a gap can only be answered later the later
 * the gap. So those that can fill gap n are among those that can fill gap n + 1, and one for each is enough. */
static bool fill_gaps(const struct counter *c, bool *filled, struct gap *unmet)
{
    size_t count = 0, could = 0;
    const struct share *last = &c->shares[c->workers - 1];
    for (size_t i = 0; i < c->workers; i++)
        count += c->shares[i].gap_count;
    struct gap *gaps = axc_alloc((count + 1) * sizeof *gaps);
    size_t *from = axc_alloc((c->unanswered + 1) * sizeof *from);
    if (gaps == NULL || from == NULL) {
        axc_free(gaps);
        axc_free(from);
        return false;
    }
    uint64_t after = UINT64_MAX; /* earliest answer */
    size_t at = count;
    for (size_t i = c->workers; i-- > 0;) {
        const struct share *share = &c->shares[i];
        for (size_t j = share->gap_count; j-- > 0;) {
            after = share->gaps[j].earliest < after ? share->gaps[j].earliest : after;
            gaps[--at] = (struct gap){.place = share->gaps[j].place, .earliest = after};
        }
        after = share->earliest < after ? share->earliest : after;
    }
    while (count > 0 && gaps[count - 1].earliest == UINT64_MAX)
        count--; /* nothing comes after it: nobody needs it filled */
    for (size_t i = 0; i < c->history->processes; i++) {
        const struct front *front = &last->fronts[i];
        if (front->unanswered == NOBODY)
            continue;
        uint64_t least = front->any ? front->place + (front->adds ? 1 : 0) : 0;
        size_t low = 0, high = count; /* it can't fill those below `low` */
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (gaps[middle].place < least || gaps[middle].earliest < front->unanswered)
                low = middle + 1;
            else
                high = middle;
        }
        from[could++] = low;
    }
    qsort(from, could, sizeof *from, by_number);
    *filled = true;
    for (size_t i = 0; i < count && *filled; i++) {
        *filled = i < could && from[i] <= i;
        *unmet = gaps[i];
    }
    axc_free(gaps);
    axc_free(from);
    return true;
}

struct wanted {
    const struct counter *c;
    const struct share *share;
    enum { FIRST, SECOND, BOTH, AFTER_GAP } which;
    uint64_t responded;
};

static bool choose(void *context, const struct axc_op *op, const int64_t *values)
{
    const struct wanted *wanted = context;
    const struct share *share = wanted->share;
    uint64_t place = 0, skew = wanted->c->history->skew;
    uint64_t invoked = op->invoked > skew ? op->invoked - skew + 1 : 1;
    if (op->results == 0 || (!place_of(wanted->c, values[op->args], &place) && share->fault != NOWHERE && share->fault != BACKWARDS))
        return false;
    if (wanted->which == AFTER_GAP)
        return op->responded + skew + 1 == wanted->responded;
    switch (share->fault) {
    case TWICE:
        return place == share->place && op->verb == wanted->c->verb_add;
    case LATE:
        return wanted->which == FIRST ? place == share->latest_at && invoked == share->latest
                                      : place == share->place && op->responded + skew + 1 == share->responded;
    default:
        return op->order == share->late || (share->fault == BACKWARDS && op->order == share->before);
    }
}

static int64_t value_at(const struct counter *c, uint64_t place)
{
    return c->history->initial + c->step * (int64_t)place;
}

/* The result of an operation that is shown. */
static int64_t shown(const struct counter *c, const struct axc_fast *fast, size_t which)
{
    const struct axc_op *op = &fast->culprits[which];
    return which < fast->culprit_count ? axc_values(c->history, op)[op->args] : 0;
}

/* What the only share found. */
static void tell(struct counter *c, struct axc_fast *fast)
{
    const struct share *share = &c->shares[0];
    struct wanted wanted = {.c = c, .share = share, .which = share->fault == LATE ? FIRST : BOTH};
    axc_fast_show(c->history, choose, &wanted, share->fault == LATE || share->fault == NOWHERE ? 1 : 2, fast);
    wanted.which = SECOND;
    if (share->fault == LATE)
        axc_fast_show(c->history, choose, &wanted, 1, fast);
    switch (share->fault) {
    case TWICE:
        snprintf(fast->why, sizeof fast->why, "two additions returned %" PRId64, value_at(c, share->place));
        break;
    case BACKWARDS:
        snprintf(fast->why, sizeof fast->why, "one process saw %" PRId64 " after %" PRId64 " and what it did itself", shown(c, fast, 1),
                 shown(c, fast, 0));
        break;
    case LATE:
        snprintf(fast->why, sizeof fast->why, "%" PRId64 " was seen, and answered, before one was invoked that saw %" PRId64 " and comes first",
                 value_at(c, share->place), value_at(c, share->latest_at));
        break;
    default:
        snprintf(fast->why, sizeof fast->why, "%" PRId64 " was returned, which the counter never was", shown(c, fast, 0));
    }
}

static void tell_unmet(struct counter *c, const struct gap *gap, struct axc_fast *fast)
{
    struct wanted wanted = {.c = c, .share = &c->shares[0], .which = AFTER_GAP, .responded = gap->earliest};
    axc_fast_show(c->history, choose, &wanted, 1, fast);
    snprintf(fast->why, sizeof fast->why, "no addition returned %" PRId64 ", and none that was never answered can have in time for %" PRId64,
             value_at(c, gap->place), shown(c, fast, 0));
}

/* Only these operations, with one d, and nothing that may wrap. */
static bool applies(struct counter *c)
{
    const struct axc_history *history = c->history;
    size_t verb_read = (size_t)axc_verb_named(history->model, "read", 4);
    c->verb_add = (size_t)axc_verb_named(history->model, "add", 3);
    for (size_t verb = 0; verb < history->model->verb_count; verb++)
        if (verb != verb_read && verb != c->verb_add && axc_history_use(history, verb).count > 0)
            return false;
    struct axc_use adds = axc_history_use(history, c->verb_add);
    c->step = adds.count > 0 ? adds.least : 1;
    c->additions = adds.count;
    c->unanswered = history->pending; /* or less: some may be reads */
    int64_t most;
    return adds.blind == 0 && (adds.count == 0 || adds.least == adds.most) && c->step > 0 && axc_is_number(history->initial) &&
           history->initial != AXC_CLOSED && !__builtin_mul_overflow(c->step, (int64_t)adds.count + 1, &most) &&
           !__builtin_add_overflow(history->initial, most, &most);
}

bool axc_fast_counter(struct axc_history *history, struct axc_fast *fast)
{
    struct counter c = {.history = history};
    struct gap unmet = {0};
    if (!applies(&c))
        return false;
    fast->rule = "in the order of the values";
    size_t workers = axc_workers(history->count);
    bool ready = go_through(&c, workers);
    if (ready && workers > 1 && !join(&c)) {
        /* Once more, in one piece: it then says what is wrong. */
        free_shares(&c);
        ready = go_through(&c, 1);
    }
    if (ready && c.shares[0].fault != FINE)
        tell(&c, fast);
    else if (ready && (ready = fill_gaps(&c, &fast->right, &unmet)) && !fast->right)
        tell_unmet(&c, &unmet, fast);
    free_shares(&c);
    return ready;
}

/* SPDX-License-Identifier: MIT */
/* models_wide.c: the sequential objects whose state grows with what they hold: tickets, accounts, queue. */
#include <string.h>

#include "model.h"

static size_t copy(int64_t *next, const int64_t *state, size_t words)
{
    memcpy(next, state, words * sizeof *state);
    return words;
}

/* tickets: word 0 is 1 once closed, word 1 counts the sold, then a bit per ticket */

static const struct axc_verb tickets_verbs[] = {
    [TICKETS_SELL] = {"sell", 0, 1, AXC_IDLE_WHEN_REFUSED},
    [TICKETS_REFUND] = {"refund", 1, 1, AXC_IDLE_ON_ZERO},
    [TICKETS_LEFT] = {"left", 0, 1, AXC_READS},
    [TICKETS_CLOSE] = {"close", 0, 0, AXC_ACTS},
};

static const char *tickets_refuse(const struct axc_history *history, const struct axc_op *op, const int64_t *values)
{
    if (op->verb == TICKETS_REFUND && (values[0] < 0 || values[0] >= history->capacity))
        return "a ticket outside the capacity was refunded";
    if (op->verb == TICKETS_REFUND && op->results != 0 && values[1] != 0 && values[1] != 1)
        return "the result is neither 0 nor 1";
    return NULL;
}

static size_t tickets_room(const struct axc_history *history)
{
    return 2 + ((size_t)history->capacity + 63) / 64;
}

static size_t tickets_begin(const struct axc_history *history, int64_t *state)
{
    size_t words = tickets_room(history);
    memset(state, 0, words * sizeof *state);
    return words;
}

static bool is_sold(const int64_t *state, int64_t ticket)
{
    return ((uint64_t)state[2 + ticket / 64] >> (ticket % 64) & 1) != 0;
}

static void flip(int64_t *state, int64_t ticket, int64_t more)
{
    state[2 + ticket / 64] = (int64_t)((uint64_t)state[2 + ticket / 64] ^ (uint64_t)1 << (ticket % 64));
    state[1] += more;
}

static enum axc_step sell(const struct axc_history *history, const struct axc_op *op, const int64_t *values, size_t choice,
                          int64_t *next)
{
    bool refusing = next[0] != 0 || next[1] == history->capacity;
    int64_t ticket;
    if (op->results != 0) {
        if (choice > 0)
            return AXC_NO_CHOICE;
        ticket = values[0];
        if (ticket == AXC_CLOSED)
            return axc_legal_if(next[0] != 0);
        if (ticket == AXC_NONE)
            return axc_legal_if(next[0] == 0 && next[1] == history->capacity);
        if (ticket < 0 || ticket >= history->capacity)
            return AXC_ILLEGAL;
    } else {
        if (choice > (size_t)history->capacity)
            return AXC_NO_CHOICE;
        if (choice == (size_t)history->capacity)
            return axc_legal_if(refusing);
        ticket = (int64_t)choice;
    }
    if (next[0] != 0 || is_sold(next, ticket))
        return AXC_ILLEGAL;
    flip(next, ticket, 1);
    return AXC_LEGAL;
}

static enum axc_step tickets_step(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                                  const int64_t *state, size_t words, size_t choice, int64_t *next, size_t *next_words)
{
    *next_words = copy(next, state, words);
    if (op->verb == TICKETS_SELL)
        return sell(history, op, values, choice, next);
    if (choice > 0)
        return AXC_NO_CHOICE;
    switch (op->verb) {
    case TICKETS_REFUND: {
        bool sold = is_sold(state, values[0]);
        if (sold)
            flip(next, values[0], -1);
        return axc_legal_if(axc_result_is(op, values, sold));
    }
    case TICKETS_LEFT:
        return axc_legal_if(axc_result_is(op, values, history->capacity - state[1]));
    default:
        next[0] = 1;
        return AXC_LEGAL;
    }
}

/* The word behind the state counts the closings of what was closed, so that each can be taken back. */
static enum axc_effect tickets_apply(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                                     int64_t *state, size_t words)
{
    bool closed = state[0] != 0;
    switch (op->verb) {
    case TICKETS_SELL:
        if (values[0] == AXC_CLOSED)
            return closed ? AXC_SAME : AXC_CANNOT;
        if (closed || (values[0] == AXC_NONE && state[1] != history->capacity))
            return AXC_CANNOT;
        if (values[0] == AXC_NONE)
            return AXC_SAME;
        if (values[0] < 0 || values[0] >= history->capacity || is_sold(state, values[0]))
            return AXC_CANNOT;
        flip(state, values[0], 1);
        return AXC_CHANGES;
    case TICKETS_REFUND:
        if (is_sold(state, values[0]) != (values[1] != 0))
            return AXC_CANNOT;
        if (values[1] == 0)
            return AXC_SAME;
        flip(state, values[0], -1);
        return AXC_CHANGES;
    case TICKETS_LEFT:
        return op->results == 0 || values[0] == history->capacity - state[1] ? AXC_SAME : AXC_CANNOT;
    default:
        state[closed ? words : 0]++;
        return AXC_CHANGES;
    }
}

static void tickets_revert(const struct axc_op *op, const int64_t *values, int64_t *state, size_t words)
{
    if (op->verb == TICKETS_CLOSE)
        state[state[words] > 0 ? words : 0]--;
    else if (op->verb == TICKETS_SELL)
        flip(state, values[0], -1);
    else
        flip(state, values[0], 1);
}

const struct axc_model axc_tickets = {
    .name = "tickets", .sentence = "numbered tickets, each sold once until it is refunded", .verbs = tickets_verbs,
    .verb_count = sizeof tickets_verbs / sizeof tickets_verbs[0], .needs_capacity = true, .may_have_capacity = true,
    .refuse = tickets_refuse, .begin = tickets_begin, .room = tickets_room, .step = tickets_step, .apply = tickets_apply,
    .revert = tickets_revert,
};

/* accounts: a balance each, never below 0 */

static const struct axc_verb accounts_verbs[] = {
    [ACCOUNTS_DEPOSIT] = {"deposit", 2, 1, AXC_IDLE_ON_ZERO},   [ACCOUNTS_WITHDRAW] = {"withdraw", 2, 1, AXC_IDLE_ON_ZERO},
    [ACCOUNTS_TRANSFER] = {"transfer", 3, 1, AXC_IDLE_ON_ZERO}, [ACCOUNTS_BALANCE] = {"balance", 1, 1, AXC_READS},
    [ACCOUNTS_AUDIT] = {"audit", 0, AXC_MAX_RESULTS, AXC_READS}, [ACCOUNTS_TOTAL] = {"total", 0, 1, AXC_READS},
};

static const char *accounts_refuse(const struct axc_history *history, const struct axc_op *op, const int64_t *values)
{
    size_t named = op->verb == ACCOUNTS_TRANSFER ? 2 : op->args > 0 ? 1 : 0;
    for (size_t i = 0; i < named; i++)
        if (values[i] < 0 || (uint64_t)values[i] >= history->accounts)
            return "there is no such account";
    if (op->args > named && values[named] < 0)
        return "an amount below 0";
    if (op->verb == ACCOUNTS_AUDIT && op->results != 0 && op->results != history->accounts)
        return "an audit has one result per account";
    if (op->verb <= ACCOUNTS_TRANSFER && op->results != 0 && values[op->args] != 0 && values[op->args] != 1)
        return "the result is neither 0 nor 1";
    return NULL;
}

static size_t accounts_room(const struct axc_history *history)
{
    return history->accounts;
}

static size_t accounts_begin(const struct axc_history *history, int64_t *state)
{
    return copy(state, history->balances, history->accounts);
}

static enum axc_step accounts_step(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                                   const int64_t *state, size_t words, size_t choice, int64_t *next, size_t *next_words)
{
    (void)history;
    if (choice > 0)
        return AXC_NO_CHOICE;
    *next_words = copy(next, state, words);
    bool can;
    int64_t after;
    switch (op->verb) {
    case ACCOUNTS_DEPOSIT:
        can = !__builtin_add_overflow(state[values[0]], values[1], &after);
        if (can)
            next[values[0]] = after;
        return axc_legal_if(axc_result_is(op, values, can));
    case ACCOUNTS_WITHDRAW:
        can = state[values[0]] >= values[1];
        if (can)
            next[values[0]] -= values[1];
        return axc_legal_if(axc_result_is(op, values, can));
    case ACCOUNTS_TRANSFER:
        can = state[values[0]] >= values[2] &&
              (values[0] == values[1] || !__builtin_add_overflow(state[values[1]], values[2], &after));
        if (can && values[0] != values[1]) {
            next[values[0]] -= values[2];
            next[values[1]] = after;
        }
        return axc_legal_if(axc_result_is(op, values, can));
    case ACCOUNTS_BALANCE:
        return axc_legal_if(axc_result_is(op, values, state[values[0]]));
    case ACCOUNTS_AUDIT:
        return axc_legal_if(op->results == 0 || memcmp(values, state, words * sizeof *state) == 0);
    default: {
        axc_wide total = 0;
        for (size_t i = 0; i < words; i++)
            total += state[i];
        return axc_legal_if(op->results == 0 || total == values[0]);
    }
    }
}

/* What an operation that was accepted moves: off one account (-1: none), onto another. */
static int64_t moved(const struct axc_op *op, const int64_t *values, int64_t *from, int64_t *to)
{
    *from = op->verb == ACCOUNTS_DEPOSIT ? -1 : values[0];
    *to = op->verb == ACCOUNTS_DEPOSIT ? values[0] : op->verb == ACCOUNTS_TRANSFER ? values[1] : -1;
    return values[op->args - 1];
}

static enum axc_effect accounts_apply(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                                      int64_t *state, size_t words)
{
    (void)history;
    int64_t from, to, after = 0;
    if (op->verb == ACCOUNTS_BALANCE)
        return op->results == 0 || values[1] == state[values[0]] ? AXC_SAME : AXC_CANNOT;
    if (op->verb == ACCOUNTS_AUDIT)
        return op->results == 0 || memcmp(values, state, words * sizeof *state) == 0 ? AXC_SAME : AXC_CANNOT;
    if (op->verb == ACCOUNTS_TOTAL) {
        axc_wide total = 0;
        for (size_t i = 0; i < words; i++)
            total += state[i];
        return op->results == 0 || total == values[0] ? AXC_SAME : AXC_CANNOT;
    }
    int64_t amount = moved(op, values, &from, &to);
    bool can = (from < 0 || state[from] >= amount) && (to < 0 || from == to || !__builtin_add_overflow(state[to], amount, &after));
    if (can != (values[op->args] != 0))
        return AXC_CANNOT;
    if (!can || from == to || amount == 0)
        return AXC_SAME;
    if (from >= 0)
        state[from] -= amount;
    if (to >= 0)
        state[to] = after;
    return AXC_CHANGES;
}

static void accounts_revert(const struct axc_op *op, const int64_t *values, int64_t *state, size_t words)
{
    (void)words;
    int64_t from, to, amount = moved(op, values, &from, &to);
    if (from >= 0)
        state[from] += amount;
    if (to >= 0)
        state[to] -= amount;
}

const struct axc_model axc_accounts = {
    .name = "accounts", .sentence = "balances that never fall below 0", .verbs = accounts_verbs,
    .verb_count = sizeof accounts_verbs / sizeof accounts_verbs[0], .has_accounts = true,
    .refuse = accounts_refuse, .begin = accounts_begin, .room = accounts_room, .step = accounts_step, .apply = accounts_apply,
    .revert = accounts_revert,
};

/* queue: its contents, the next to leave first */

static const struct axc_verb queue_verbs[] = {
    [QUEUE_ENQUEUE] = {"enqueue", 1, 1, AXC_IDLE_ON_ZERO},
    [QUEUE_DEQUEUE] = {"dequeue", 0, 1, AXC_IDLE_ON_NONE},
};

static const char *queue_refuse(const struct axc_history *history, const struct axc_op *op, const int64_t *values)
{
    (void)history;
    if (op->verb == QUEUE_DEQUEUE)
        return NULL;
    if (!axc_is_number(values[0]))
        return "what is enqueued is no number";
    return op->results != 0 && values[1] != 0 && values[1] != 1 ? "the result is neither 0 nor 1" : NULL;
}

static size_t queue_begin(const struct axc_history *history, int64_t *state)
{
    (void)history;
    (void)state;
    return 0;
}

static enum axc_step queue_step(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                                const int64_t *state, size_t words, size_t choice, int64_t *next, size_t *next_words)
{
    if (choice > 0)
        return AXC_NO_CHOICE;
    if (op->verb == QUEUE_ENQUEUE) {
        bool full = history->capacity >= 0 && words >= (size_t)history->capacity;
        *next_words = copy(next, state, words);
        if (!full)
            next[(*next_words)++] = values[0];
        return axc_legal_if(axc_result_is(op, values, !full));
    }
    if (words == 0) {
        *next_words = 0;
        return axc_legal_if(axc_result_is(op, values, AXC_NONE));
    }
    *next_words = copy(next, state + 1, words - 1);
    return axc_legal_if(axc_result_is(op, values, state[0]));
}

const struct axc_model axc_queue = {
    .name = "queue", .sentence = "first in, first out", .verbs = queue_verbs,
    .verb_count = sizeof queue_verbs / sizeof queue_verbs[0], .may_have_capacity = true,
    .refuse = queue_refuse, .begin = queue_begin, .room = axc_one_word, .step = queue_step,
};

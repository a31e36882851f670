/* SPDX-License-Identifier: MIT */
/**
 * search.c: depth-first over configurations. A configuration is which operations are already in order, and
 * the state they lead to. An operation may come next when no other one that is not yet in order was answered
 * before it was invoked. Those not in order are in a list, so that what one operation that waits long costs
 * does not grow with what others do meanwhile.
 *
 * Operations that were never answered are in no list: they may come at any time or never.
 */
#include "search.h"

#include <string.h>

#include "../budget.h"
#include "seen.h"
#include "states.h"

/* A configuration on the way, and which operation was taken from it. */
struct frame {
    uint32_t op, choice; /* the next to try, or the one taken while a child is on the stack */
    uint32_t state, high;
    bool forced;  /* one operation is as good as any: no other is tried */
    bool changed; /* in place: to be taken back */
};

enum { CHANGED = 1 }; /* by a step in place */
enum { WORTH_TELLING = 1 << 16 };

struct search {
    const struct axc_part *part;
    const struct axc_op *ops;
    uint32_t count;
    uint32_t *before;     /* the op before it of the same process, or count */
    uint32_t *unanswered; /* these, in the order of invocation */
    uint32_t unanswered_count;
    bool *followed;       /* by op: one of the same process waits for it, though it was never answered if clocks differ */
    bool *done;
    /* Answered ops that are not in order, in the order of invocation: at [i + 1] the one after op i, and at [0] the first.
     * Ops leave it and come back last out, first in, so that each still knows its neighbours. */
    uint32_t *after, *ahead;
    uint32_t high;     /* 1 + the highest answered op that is done */
    size_t depth;
    struct frame *stack;
    int64_t *place;          /* the state, where it is changed in place: then every configuration has number 0 */
    struct axc_states states;
    struct axc_ends *ends; /* NULL: one order is enough */
    struct axc_seen seen;
    int64_t *next;
    uint64_t *key;
    size_t next_words, next_room, key_room;
};

static bool answered(const struct search *s, uint32_t op)
{
    return s->ops[op].responded != AXC_PENDING;
}

/* The first answered operation that is not in order: count if there is none. */
static uint32_t frontier(const struct search *s)
{
    return s->after[0];
}

static uint32_t after(const struct search *s, uint32_t op)
{
    return s->after[op + 1];
}

/* The earliest answer among operations not in order: who was invoked later can't come next. */
static uint64_t horizon(const struct search *s)
{
    uint64_t first = AXC_PENDING;
    for (uint32_t i = frontier(s); i < s->count && s->ops[i].invoked <= first; i = after(s, i))
        if (s->ops[i].responded < first)
            first = s->ops[i].responded;
    return first;
}

/* With clocks that differ, two operations of one process may seem to overlap: its own order counts. */
static bool may_come(const struct search *s, uint32_t op, uint64_t until)
{
    return !s->done[op] && s->ops[op].invoked <= until && (s->before[op] == s->count || s->done[s->before[op]]);
}

static enum axc_step step(struct search *s, uint32_t op, uint32_t state, size_t choice, uint32_t *next)
{
    size_t words;
    const struct axc_history *history = s->part->history;
    if (s->place != NULL) {
        const int64_t *values = axc_values(history, &s->ops[op]);
        if (choice > 0)
            return AXC_NO_CHOICE;
        enum axc_effect effect = history->model->apply(history, &s->ops[op], values, s->place, s->part->start_words);
        if (effect == AXC_CHANGES)
            history->model->revert(&s->ops[op], values, s->place, s->part->start_words);
        *next = effect == AXC_CHANGES ? CHANGED : 0;
        return effect == AXC_CANNOT ? AXC_ILLEGAL : AXC_LEGAL;
    }
    const int64_t *now = axc_state_words(&s->states, state, &words);
    if (words + 1 > s->next_room) {
        axc_free(s->next);
        s->next_room = words * 2 + 64;
        s->next = axc_alloc(s->next_room * sizeof *s->next);
        if (s->next == NULL) {
            s->next_room = 0;
            *next = AXC_NO_STATE;
            return AXC_LEGAL;
        }
    }
    const struct axc_op *taken = &s->ops[op];
    enum axc_step outcome = history->model->step(history, taken, axc_values(history, taken), now, words, choice, s->next, &s->next_words);
    if (outcome == AXC_LEGAL) {
        bool same = words == 1 && s->next_words == 1 && s->next[0] == now[0];
        *next = same ? state : axc_state_number(&s->states, s->next, s->next_words);
    }
    return outcome;
}

/* The position after `at` among candidates: answered ops of the window, then the unanswered ones, which
 * are numbered from count on. */
static bool candidate(const struct search *s, uint32_t *at, uint64_t until)
{
    for (; *at < s->count && s->ops[*at].invoked <= until; *at = after(s, *at))
        if (may_come(s, *at, until))
            return true;
    if (*at < s->count)
        *at = s->count;
    for (; *at - s->count < s->unanswered_count; (*at)++)
        if (may_come(s, s->unanswered[*at - s->count], until))
            return true;
    return false;
}

static uint32_t op_at(const struct search *s, uint32_t at)
{
    return at < s->count ? at : s->unanswered[at - s->count];
}

/* An answered operation that fits now and changes nothing, here or wherever else it fits, can be put next
 * in any order that exists: no need to try another. What its caller did not look at may differ elsewhere. */
static bool find_forced(struct search *s, const struct frame *frame, uint64_t until, uint32_t *op, struct axc_search_stats *stats)
{
    for (uint32_t i = frontier(s); i < s->count && s->ops[i].invoked <= until; i = after(s, i)) {
        if (!may_come(s, i, until))
            continue;
        if (s->part->history->model->verbs[s->ops[i].verb].idle != AXC_READS && s->ops[i].results == 0)
            continue;
        uint32_t next;
        stats->steps++;
        if (step(s, i, frame->state, 0, &next) == AXC_LEGAL && next == frame->state) {
            *op = i;
            return true;
        }
    }
    return false;
}

/* The state, how far the operations in order reach, those before that are not among them, which all overlap the last one
 * and so are few, and a bit for each unanswered one. 0 without memory. */
static size_t describe(struct search *s, uint32_t state)
{
    size_t words = 1, unanswered = ((size_t)s->unanswered_count + 63) / 64;
    for (uint32_t i = frontier(s); i < s->high; i = after(s, i))
        words++;
    if (words + unanswered > s->key_room) {
        axc_free(s->key);
        s->key_room = (words + unanswered) * 2;
        s->key = axc_alloc(s->key_room * sizeof *s->key);
        if (s->key == NULL) {
            s->key_room = 0;
            return 0;
        }
    }
    s->key[0] = (uint64_t)s->high << 32 | state;
    words = 1;
    for (uint32_t i = frontier(s); i < s->high; i = after(s, i))
        s->key[words++] = i;
    uint64_t *rest = s->key + words;
    memset(rest, 0, unanswered * sizeof *rest);
    for (size_t i = 0; i < s->unanswered_count; i++)
        if (s->done[s->unanswered[i]])
            rest[i / 64] |= (uint64_t)1 << (i % 64);
    return words + unanswered;
}

static bool seen_before(struct search *s, uint32_t state)
{
    size_t words = axc_seen_nothing(&s->seen) ? 0 : describe(s, state);
    return words > 0 && axc_seen_before(&s->seen, s->key, words);
}

/* A configuration is remembered when it is left, and not when it is entered: on the way down the sets only grow, so
 * that none can come again before. A history that needs no second try then remembers nothing. */
static void remember(struct search *s, uint32_t state)
{
    size_t words = describe(s, state);
    if (words > 0)
        axc_seen_add(&s->seen, s->key, words);
}

static void take(struct search *s, uint32_t op, struct frame *frame, uint32_t next)
{
    frame->changed = s->place != NULL && next != frame->state;
    if (frame->changed)
        s->part->history->model->apply(s->part->history, &s->ops[op], axc_values(s->part->history, &s->ops[op]), s->place,
                                       s->part->start_words);
    s->done[op] = true;
    s->depth++;
    if (!answered(s, op))
        return;
    s->after[s->ahead[op]] = after(s, op);
    if (after(s, op) < s->count)
        s->ahead[after(s, op)] = s->ahead[op];
    if (op + 1 > s->high)
        s->high = op + 1;
}

static void take_back(struct search *s, const struct frame *frame)
{
    uint32_t taken = op_at(s, frame->op);
    const struct axc_op *op = &s->ops[taken];
    if (frame->changed)
        s->part->history->model->revert(op, axc_values(s->part->history, op), s->place, s->part->start_words);
    s->done[taken] = false;
    s->depth--;
    if (answered(s, taken)) {
        s->after[s->ahead[taken]] = taken;
        if (after(s, taken) < s->count)
            s->ahead[after(s, taken)] = taken + 1;
    }
    s->high = frame->high;
}

/* Every answered operation is in order, in this state. */
static bool add_end(struct search *s, uint32_t state)
{
    struct axc_ends *ends = s->ends;
    if (ends->count == AXC_MAX_ENDS || s->unanswered_count > 64) {
        ends->overflow = true;
        return true;
    }
    size_t words = s->part->start_words;
    const int64_t *end = s->place != NULL ? s->place : axc_state_words(&s->states, state, &words);
    struct axc_end *added = &ends->ends[ends->count++];
    *added = (struct axc_end){.state = axc_state_number(ends->states, end, words)};
    for (size_t i = 0; i < s->unanswered_count; i++)
        if (s->done[s->unanswered[i]])
            added->happened |= (uint64_t)1 << i;
    return added->state != AXC_NO_STATE;
}

static enum axc_answer run(struct search *s, uint64_t *allowance, struct axc_search_stats *stats)
{
    size_t top = 0;
    s->stack[0] = (struct frame){.state = 0, .op = frontier(s), .high = s->high};
    bool entered = true;
    while (frontier(s) < s->count || s->ends != NULL) {
        if (entered && frontier(s) == s->count && !add_end(s, s->stack[top].state))
            return AXC_MEMORY;
        if (frontier(s) > stats->stuck)
            stats->stuck = frontier(s);
        struct frame *frame = &s->stack[top];
        uint64_t until = horizon(s), before = stats->steps;
        if (until != AXC_PENDING && until > stats->horizon)
            stats->horizon = until;
        uint32_t next = AXC_NO_STATE;
        bool taken = false;
        if (entered && find_forced(s, frame, until, &frame->op, stats)) {
            frame->forced = true;
            next = frame->state;
            taken = true;
        }
        while (!taken && !frame->forced && candidate(s, &frame->op, until)) {
            stats->steps++;
            enum axc_step outcome = step(s, op_at(s, frame->op), frame->state, frame->choice, &next);
            /* An operation that is never answered, has no effect and nobody waits for might as well not have happened. */
            taken = outcome == AXC_LEGAL && (frame->op < s->count || next != frame->state || s->ends != NULL ||
                                             s->followed[op_at(s, frame->op)]);
            if (outcome == AXC_NO_CHOICE) {
                frame->op = frame->op < s->count ? after(s, frame->op) : frame->op + 1;
                frame->choice = 0;
            } else if (!taken) {
                frame->choice++;
            }
        }
        if (stats->steps - before > *allowance) {
            *allowance = 0;
            return AXC_STEPS;
        }
        *allowance -= stats->steps - before;
        if (!taken) {
            if (top == 0)
                return AXC_NO;
            /* Where one move was forced, it leads to one that is remembered. */
            if (!frame->forced)
                remember(s, frame->state);
            frame = &s->stack[--top];
            take_back(s, frame);
            frame->choice++;
            entered = false;
            continue;
        }
        if (next == AXC_NO_STATE)
            return AXC_MEMORY;
        take(s, op_at(s, frame->op), frame, next);
        next = s->place != NULL ? 0 : next;
        if (s->depth > stats->deepest)
            stats->deepest = s->depth;
        if (stats->deepest - stats->told >= WORTH_TELLING && s->part->tell != NULL) {
            s->part->tell(stats->deepest - stats->told);
            stats->told = stats->deepest;
        }
        if (seen_before(s, next)) {
            take_back(s, frame);
            frame->choice++;
            entered = false;
            continue;
        }
        stats->configurations++;
        s->stack[++top] = (struct frame){.state = next, .op = frontier(s), .high = s->high};
        entered = true;
    }
    return AXC_YES;
}

/* A read that nobody was answered for says nothing, and is left out. */
static bool says_something(const struct search *s, uint32_t op)
{
    return answered(s, op) || s->ops[op].results > 0 || s->part->history->model->verbs[s->ops[op].verb].idle != AXC_READS;
}

/* For each operation the one before it of the same process. */
static bool find_before(struct search *s)
{
    size_t slots = 64;
    while (slots < (size_t)s->count * 2)
        slots *= 2;
    uint32_t *table = axc_alloc(slots * sizeof *table);
    if (table == NULL)
        return false;
    memset(table, 0xff, slots * sizeof *table);
    for (uint32_t i = 0; i < s->count; i++) {
        size_t at = axc_hash(0, s->ops[i].process) & (slots - 1);
        while (table[at] != UINT32_MAX && s->ops[table[at]].process != s->ops[i].process)
            at = (at + 1) & (slots - 1);
        s->before[i] = table[at] == UINT32_MAX ? s->count : table[at];
        if (says_something(s, i))
            table[at] = i;
    }
    axc_free(table);
    return true;
}

/* Where the operations in order say what the state is, without their order: every effect must be known. */
static bool in_place(const struct search *s)
{
    const struct axc_model *model = s->part->history->model;
    for (uint32_t i = 0; model->apply != NULL && i < s->count; i++)
        if (s->ops[i].results == 0 && model->verbs[s->ops[i].verb].idle != AXC_READS && model->verbs[s->ops[i].verb].results > 0)
            return false;
    return model->apply != NULL;
}

static bool prepare(struct search *s)
{
    size_t n = s->count;
    s->before = axc_alloc((n + 1) * sizeof *s->before);
    s->unanswered = axc_alloc((n + 1) * sizeof *s->unanswered);
    s->done = axc_alloc(n + 1);
    s->stack = axc_alloc((n + 1) * sizeof *s->stack);
    s->after = axc_alloc((n + 1) * sizeof *s->after);
    s->ahead = axc_alloc((n + 1) * sizeof *s->ahead);
    s->followed = axc_zeroed(n + 1, sizeof *s->followed);
    if (s->after == NULL || s->ahead == NULL || s->followed == NULL || s->before == NULL || s->unanswered == NULL || s->done == NULL || s->stack == NULL || !find_before(s))
        return false;
    memset(s->done, 0, n + 1);
    uint32_t last = 0; /* place in `after` */
    for (uint32_t i = 0; i < s->count; i++) {
        if (!answered(s, i))
            continue;
        s->ahead[i] = last;
        s->after[last] = i;
        last = i + 1;
    }
    s->after[last] = s->count;
    for (uint32_t i = 0; i < s->count; i++)
        if (!answered(s, i) && says_something(s, i))
            s->unanswered[s->unanswered_count++] = i;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->before[i] != s->count)
            s->followed[s->before[i]] = true;
    if (in_place(s)) {
        s->place = axc_alloc((s->part->start_words + 1) * sizeof *s->place);
        if (s->place == NULL)
            return false;
        memcpy(s->place, s->part->start, s->part->start_words * sizeof *s->place);
        s->place[s->part->start_words] = 0;
    }
    s->seen.limit = axc_budget_limit() / 8 / sizeof(uint64_t);
    return s->place != NULL || axc_state_number(&s->states, s->part->start, s->part->start_words) == 0;
}

enum axc_answer axc_search_ends(const struct axc_part *part, uint64_t *allowance, struct axc_search_stats *stats,
                                struct axc_ends *ends)
{
    struct search s = {.part = part, .ops = part->ops, .count = (uint32_t)part->count, .ends = ends};
    *stats = (struct axc_search_stats){0};
    enum axc_answer answer = prepare(&s) ? run(&s, allowance, stats) : AXC_MEMORY;
    axc_states_free(&s.states);
    axc_seen_free(&s.seen);
    axc_free(s.before);
    axc_free(s.unanswered);
    axc_free(s.followed);
    axc_free(s.after);
    axc_free(s.ahead);
    axc_free(s.done);
    axc_free(s.stack);
    axc_free(s.place);
    axc_free(s.next);
    axc_free(s.key);
    return answer;
}

enum axc_answer axc_search(const struct axc_part *part, uint64_t *allowance, struct axc_search_stats *stats)
{
    return axc_search_ends(part, allowance, stats, NULL);
}

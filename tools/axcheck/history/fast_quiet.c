/* SPDX-License-Identifier: MIT */
/**
 * fast_quiet.c: objects of one word that few use at a time, such as a key of a large map. At a quiet moment nothing is
 * running: what was answered before comes before all that was invoked after. Between two such moments there are a
 * handful of operations. Every set of them that can come first is taken with every state it can lead to, and no order of
 * them is tried twice.
 */
#include "fast.h"

/* Between quiet moments: operations, and states that a set of them leads to. With more, a search that stops at the first
 * order it finds is faster. */
enum { TOGETHER = 4, STATES = 4 };

struct reached {
    int64_t of[STATES];
    size_t count;
};

/* False: no room for another one. */
static bool add(struct reached *states, int64_t state)
{
    for (size_t i = 0; i < states->count; i++)
        if (states->of[i] == state)
            return true;
    if (states->count == STATES)
        return false;
    states->of[states->count++] = state;
    return true;
}

/* False, too, for what is no longer one word. */
static bool apply(const struct axc_part *part, const struct axc_op *op, int64_t state, struct reached *after)
{
    int64_t next[2];
    size_t words = 1;
    enum axc_step outcome = part->history->model->step(part->history, op, axc_values(part->history, op), &state, 1, 0, next, &words);
    return outcome != AXC_LEGAL || (words == 1 && add(after, next[0]));
}

/* Where the operations of `ops` lead from any of these states, all but those that are unanswered being in it. */
static bool together(const struct axc_part *part, const struct axc_op *ops, size_t count, struct reached *states)
{
    struct reached sets[1 << TOGETHER]; /* by the operations that came first, a bit each */
    unsigned before[TOGETHER], answered = 0, all = (1U << count) - 1;
    for (size_t i = 0; i < count; i++) {
        before[i] = 0;
        answered |= ops[i].responded != AXC_PENDING ? 1U << i : 0;
        for (size_t j = 0; j < count; j++)
            if (ops[j].responded < ops[i].invoked || (ops[j].process == ops[i].process && ops[j].order < ops[i].order))
                before[i] |= 1U << j;
    }
    sets[0] = *states;
    for (unsigned set = 1; set <= all; set++)
        sets[set].count = 0;
    states->count = 0;
    for (unsigned set = 0; set <= all; set++) {
        for (size_t s = 0; s < sets[set].count; s++) {
            if ((set & answered) == answered && !add(states, sets[set].of[s]))
                return false;
            for (size_t i = 0; i < count; i++)
                if ((set >> i & 1) == 0 && (before[i] & ~set) == 0 && !apply(part, &ops[i], sets[set].of[s], &sets[set | 1U << i]))
                    return false;
        }
    }
    return true;
}

enum axc_finding axc_fast_quiet(const struct axc_part *part)
{
    const struct axc_op *ops = part->ops;
    struct reached states = {.of = {part->start[0]}, .count = 1};
    if (part->start_words != 1)
        return AXC_NOT_MINE;
    for (size_t at = 0, end; at < part->count; at = end) {
        uint64_t latest = ops[at].responded;
        for (end = at + 1; end < part->count && ops[end].invoked <= latest; end++)
            latest = ops[end].responded > latest ? ops[end].responded : latest;
        if (end - at == 1 && states.count == 1 && latest != AXC_PENDING) {
            states.count = 0;
            if (!apply(part, &ops[at], states.of[0], &states))
                return AXC_NOT_MINE;
        } else if (end - at > TOGETHER || !together(part, &ops[at], end - at, &states)) {
            return AXC_NOT_MINE;
        }
        if (states.count == 0)
            return AXC_WRONG;
    }
    return AXC_RIGHT;
}

/* SPDX-License-Identifier: MIT */
/**
 * fast.h: exact answers in n log n steps or fewer, where the results leave little choice of an order. The
 * arguments are in docs/histories.md; tests/axcheck/agree.c compares them with every order there is.
 */
#ifndef AXCHECK_FAST_H
#define AXCHECK_FAST_H

#include "search.h"

enum { AXC_CULPRITS = 8 };

struct axc_fast {
    bool right;
    const char *rule;   /* which judge it was */
    char why[AXC_TEXT]; /* what is wrong, with the numbers */
    struct axc_op culprits[AXC_CULPRITS]; /* the operations that say so, as far as it takes them; values in the history's pool */
    size_t culprit_count;
};

/* Judges the history as it lies in its lanes if one of the fast judges can; what it shows is then all that is taken
 * out of them. False: none can (or no memory), take it apart. */
bool axc_judge_lanes(struct axc_history *history, struct axc_fast *fast);

/* The same for a part, which is sorted. False: use the search; what is certain of the operations' order may then have been
 * put into their intervals. */
bool axc_judge_fast(struct axc_part *part, struct axc_fast *fast);

/* The judges. Each looks first at whether the history is one for it. */
bool axc_fast_counter(struct axc_history *history, struct axc_fast *fast);
bool axc_fast_tally(struct axc_history *history, struct axc_fast *fast);
bool axc_fast_tickets(struct axc_history *history, struct axc_fast *fast);
bool axc_fast_accounts(struct axc_history *history, struct axc_fast *fast);
bool axc_fast_groups(const struct axc_part *part, struct axc_fast *fast);
bool axc_fast_queue(const struct axc_part *part, struct axc_fast *fast);
bool axc_fast_set(const struct axc_part *part, struct axc_fast *fast);
bool axc_fast_refunds(const struct axc_part *part, struct axc_fast *fast);
/* This one only ever says "wrong". */
bool axc_fast_audits(struct axc_part *part, struct axc_fast *fast);

enum axc_finding { AXC_NOT_MINE, AXC_RIGHT, AXC_WRONG };

/* An object of one word that is quiet again and again. What is wrong it leaves to the others, which can say why. */
enum axc_finding axc_fast_quiet(const struct axc_part *part);

/* What a judge of values says with each interval narrowed by so much at either end. */
typedef enum axc_finding axc_value_judge(const struct axc_part *part, uint64_t narrow, struct axc_fast *fast);

/* Asks it as often as clocks that differ make necessary. Returns as the judges above. */
bool axc_fast_value_by_value(const struct axc_part *part, axc_value_judge *judge, struct axc_fast *fast);

/* 1 + its times, so that 0 is before all; UINT64_MAX: never answered. */
static inline uint64_t axc_fast_answered(const struct axc_part *part, uint64_t narrow, uint32_t op)
{
    return part->ops[op].responded == AXC_PENDING ? UINT64_MAX : part->ops[op].responded - narrow + 1;
}

static inline uint64_t axc_fast_invoked(const struct axc_part *part, uint64_t narrow, uint32_t op)
{
    uint64_t invoked = part->ops[op].invoked + narrow + 1, answered = axc_fast_answered(part, narrow, op);
    return invoked < answered ? invoked : answered;
}

/* There is no order, and these operations of the part say so; with AXC_NOBODY for what there is not, and twice for one
 * that is both. None: why there is not takes more than a few. Returns false. */
#define AXC_NOBODY UINT32_MAX
bool axc_fast_wrong(const struct axc_part *part, struct axc_fast *fast, const uint32_t *ops, size_t count, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Finds operations of the lanes again, to show them: up to `most` that `chosen` wants, in the order of the lanes. */
typedef bool axc_chosen(void *context, const struct axc_op *op, const int64_t *values);
void axc_fast_show(struct axc_history *history, axc_chosen *chosen, void *context, size_t most, struct axc_fast *fast);

#endif

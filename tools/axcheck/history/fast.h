/* SPDX-License-Identifier: MIT */
/**
 * fast.h: exact answers in n log n steps where the results leave only one order to consider. The arguments
 * are in docs/histories.md; tests/axcheck/agree.c compares them with every order there is.
 */
#ifndef AXCHECK_FAST_H
#define AXCHECK_FAST_H

#include "search.h"

struct axc_fast {
    bool right;
    const char *rule;  /* which judge it was */
    char why[AXC_TEXT]; /* what is wrong, with the numbers */
    const struct axc_op *culprits[2]; /* the operations that say so, as far as it takes them */
    size_t culprit_count;
};

/* Judges the part if one of the fast judges can. False: none can (or no memory), use the search. */
bool axc_judge_fast(const struct axc_part *part, struct axc_fast *fast);

#endif

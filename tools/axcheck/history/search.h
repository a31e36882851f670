/* SPDX-License-Identifier: MIT */
/**
 * search.h: the general answer to "is there an order?": Wing and Gong's search (1993) with Lowe's
 * memoisation (2017), for any model. docs/histories.md has the argument.
 */
#ifndef AXCHECK_SEARCH_H
#define AXCHECK_SEARCH_H

#include "history.h"

/* A part of a history that can be judged by itself: operations in the order of their invocation, and the
 * state before. `values` of the ops refer to the history's pool. */
struct axc_part {
    const struct axc_history *history;
    struct axc_op *ops;
    size_t count;
    int64_t key; /* of a keyed model */
    const int64_t *start;
    size_t start_words;
    void (*tell)(uint64_t more); /* NULL, or who wants to know that so many more operations were put in order */
};

struct axc_states;

enum axc_answer {
    AXC_YES,     /* there is an order */
    AXC_NO,      /* every order was tried */
    AXC_STEPS,   /* the allowance of steps is used up */
    AXC_MEMORY,  /* no memory for the states; what remembers configurations forgets instead of growing */
};

struct axc_search_stats {
    uint64_t steps;       /* operations tried in a state */
    uint64_t configurations;
    size_t deepest;       /* most operations ever put in order, */
    size_t told;          /* and how many of these were told of */
    size_t stuck;         /* the first operation that no order got past */
    uint64_t horizon;     /* nothing invoked later was ever looked at */
};

/* `allowance` is how many steps are left; what was used is taken off. */
enum axc_answer axc_search(const struct axc_part *part, uint64_t *allowance, struct axc_search_stats *stats);

/* What a search can be in once every answered operation is in order: a state, and which of the unanswered
 * ones (in the order of invocation) have already happened. An unanswered one may have results here: it was
 * running at the moment that is asked about, and answered later. */
struct axc_end {
    uint32_t state; /* in the collection's states */
    uint64_t happened;
};

enum { AXC_MAX_ENDS = 4096 };

struct axc_ends {
    struct axc_states *states;
    struct axc_end ends[AXC_MAX_ENDS];
    size_t count;
    bool overflow; /* there are more, or more than 64 were running */
};

/* Goes through every order instead of stopping at one, and collects where they end. AXC_NO when done. */
enum axc_answer axc_search_ends(const struct axc_part *part, uint64_t *allowance, struct axc_search_stats *stats,
                                struct axc_ends *ends);

#endif

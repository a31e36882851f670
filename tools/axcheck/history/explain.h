/* SPDX-License-Identifier: MIT */
/* explain.h: why a history is wrong, in as few operations as say it. */
#ifndef AXCHECK_EXPLAIN_H
#define AXCHECK_EXPLAIN_H

#include "search.h"
#include "states.h"

/* A part that fails, made smaller by steps each of which can only make it easier to find an order, so that
 * what remains is a counterexample and no artefact of what was left out. */
struct axc_shrunk {
    struct axc_part part;     /* its ops are owned; start and start_words of one of the ends below */
    struct axc_states states; /* what the beginning can have led to, whatever its order */
    struct axc_ends ends;
    size_t running;           /* operations that were running then and may have happened already, */
    uint32_t *was_running;    /* by their `order`, as `happened` counts them; owned */
    size_t replaced;          /* operations answered by that moment: the ends stand for them */
    size_t left_out;          /* operations that changed nothing */
    bool by_rule;             /* a fast judge's reason: these contradict each other whatever the others do */
};

/* `failed` is what the search said that failed. The beginning of a part of more than `shown` operations is
 * replaced by what it can lead to. False without memory. */
bool axc_shrink(const struct axc_part *part, const struct axc_search_stats *failed, size_t shown, struct axc_shrunk *shrunk);
void axc_shrunk_free(struct axc_shrunk *shrunk);

/* Draws it into the report: a row per operation, time from left to right. */
void axc_draw(const struct axc_shrunk *shrunk, struct axc_report *report);

/* The same as SVG, a lane per process: what axc_draw puts beside its text. */
void axc_picture(const struct axc_shrunk *shrunk, struct axc_report *report);

/* Shrinks and draws. */
void axc_explain(const struct axc_part *part, const struct axc_search_stats *failed, struct axc_report *report);

#endif

/* SPDX-License-Identifier: MIT */
/* parts.h: a history taken apart into what can be judged by itself. */
#ifndef AXCHECK_PARTS_H
#define AXCHECK_PARTS_H

#include "search.h"

struct axc_parts {
    struct axc_op *ops; /* all of them, by key and then by invocation */
    struct axc_part *parts;
    size_t count;
    int64_t *start;
};

/* Keyed models split by key (Herlihy and Wing: linearizability is local); others are one part. The
 * intervals are widened by the skew. False without memory. Each part is still to be sorted. */
bool axc_split(struct axc_history *history, struct axc_parts *parts);
bool axc_part_sort(struct axc_part *part); /* by invocation; false without memory */
void axc_parts_free(struct axc_parts *parts);

#endif

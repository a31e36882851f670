/* SPDX-License-Identifier: MIT */
/* sort.h: sorting operations that mostly are in order already, one run per process. */
#ifndef AXCHECK_SORT_H
#define AXCHECK_SORT_H

#include "history.h"

/* Whether a comes strictly before b: by invocation, then by number. */
static inline bool axc_by_invocation(const struct axc_op *a, const struct axc_op *b)
{
    return a->invoked != b->invoked ? a->invoked < b->invoked : a->order < b->order;
}

/* By invocation: merges the runs that are there. False without memory. */
bool axc_sort(struct axc_op *ops, size_t count);

#endif

/* SPDX-License-Identifier: MIT */
/* sort.h: sorting operations that mostly are in order already: one run per process, or one in all. */
#ifndef AXCHECK_SORT_H
#define AXCHECK_SORT_H

#include "history.h"

typedef bool axc_before(const struct axc_history *history, const struct axc_op *a, const struct axc_op *b);

/* Whether a comes strictly before b, by invocation and by process; ties as they were read. */
axc_before axc_by_invocation, axc_by_process, axc_by_key;

/* A stable merge of the runs that are there. False without memory. */
bool axc_sort(const struct axc_history *history, struct axc_op *ops, size_t count, axc_before *before);

#endif

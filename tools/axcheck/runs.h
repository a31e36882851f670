/* SPDX-License-Identifier: MIT */
/**
 * runs.h: a set of ticket numbers as text, "3:2 10" for {3, 4, 15}, read run by run without unpacking it.
 */
#ifndef AXCHECK_RUNS_H
#define AXCHECK_RUNS_H

#include <stdbool.h>
#include <stdint.h>

struct axc_runs {
    const char *next;    /* unread text */
    uint64_t limit;      /* numbers are below it */
    uint64_t start, end; /* the current run: start to end-1 */
    const char *wrong;   /* why reading stopped, when it was not the end; next is where */
};

/* Begins before the first run. The text must stay where it is. */
void axc_runs_init(struct axc_runs *runs, const char *text, uint64_t limit);

/* Moves to the next run. False at the end, or with `wrong` set. */
bool axc_runs_next(struct axc_runs *runs);

#endif

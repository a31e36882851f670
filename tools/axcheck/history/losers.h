/* SPDX-License-Identifier: MIT */
/**
 * losers.h: which of several runs goes on, in a tree of losers (Knuth, The Art of Computer Programming 3, 5.4.1): as many
 * comparisons as the number of runs has bits. Which one it is can't be guessed, so that nothing here branches on it.
 */
#ifndef AXCHECK_LOSERS_H
#define AXCHECK_LOSERS_H

#include "axcheck.h"

/* What a run has next: its time, something to decide between equal ones, and the run itself, so that no two are the same. */
static inline axc_unsigned_wide axc_losers_key(uint64_t time, uint32_t number, uint32_t run)
{
    return (axc_unsigned_wide)time << 64 | (uint64_t)number << 32 | run;
}

#define AXC_LOSERS_NONE (~(axc_unsigned_wide)0) /* what a run has at its end */

/* The caller has filled tree[runs] to tree[2 * runs - 1]. Returns the smallest. */
static inline axc_unsigned_wide axc_losers_begin(axc_unsigned_wide *tree, size_t runs)
{
    for (size_t node = runs - 1; node > 0; node--)
        tree[node] = tree[2 * node] < tree[2 * node + 1] ? tree[2 * node] : tree[2 * node + 1];
    axc_unsigned_wide first = tree[1];
    for (size_t node = 1; node < runs; node++) /* from now on the larger one */
        tree[node] = tree[2 * node] < tree[2 * node + 1] ? tree[2 * node + 1] : tree[2 * node];
    return first;
}

/* The smallest, when the run that had the last one has `next`. */
static inline axc_unsigned_wide axc_losers_next(axc_unsigned_wide *tree, size_t runs, size_t run, axc_unsigned_wide next)
{
    for (size_t node = (runs + run) / 2; node > 0; node /= 2) {
        axc_unsigned_wide loser = tree[node];
        bool smaller = loser < next;
        tree[node] = smaller ? next : loser;
        next = smaller ? loser : next;
    }
    return next;
}

#endif

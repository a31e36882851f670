/* SPDX-License-Identifier: MIT */
/**
 * overlap.h: how far each thread of a run was when, and from it the rate while they ran side by side.
 *
 * Threads never begin or end at the same moment; on two cores a short run may even be one thread after the other, each
 * with every line to itself. So what counts is the window in which as many threads as the machine can run were under
 * way: from when that many have begun to when one fewer is left, and what all did within it.
 */
#ifndef BENCH_OVERLAP_H
#define BENCH_OVERLAP_H

#include <stdint.h>

enum { TRACK_CHUNKS = 64, TRACK_STAMPS = TRACK_CHUNKS + 3 };

/* One thread's way through a run; nanoseconds of one clock for all threads. */
struct track {
    _Alignas(128) uint64_t arrived; /* before it was counted at the gate */
    int count;
    struct {
        uint64_t ns, done; /* operations done by then */
    } at[TRACK_STAMPS];    /* the first: it begins; the last: it has ended */
};

void track_add(struct track *track, uint64_t ns, uint64_t done);

struct overlap {
    double rate;  /* million operations a second within the window; over the whole run where there was none */
    double share; /* of the time from the first beginning to the last end that the window is */
    double slowest; /* thread's rate from its beginning to its end, over the mean of all; with more threads than cores
                     * that is the system's justice and not the case's */
};

/* Ends the program if a thread began before all had arrived: then they were not started together. */
struct overlap overlap_of(const struct track *tracks, int threads, int cores);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * bench.h: several ways to do one thing, timed in turn.
 *
 * Each round runs every case once, one after the other, so that a machine whose speed drifts is unjust
 * to all alike; what counts is the median over the rounds and its ratio to the first case, the baseline.
 * A case is a function that does `n` operations in each of `threads` threads at once. It reports and never
 * judges: there is no threshold in here.
 *
 * The threads of a run begin together: each is made on a core of its own as far as there are enough, waits until all
 * have come, and goes where it likes from then on. The rate is that of the time in which as many of them as there are cores
 * were under way (overlap.h). A run in which that was less than three quarters of the time is done again, twice at most.
 *
 * A program compiled with BENCH_LATENCY, and linked with the harness that was, times each operation by
 * itself instead, and prints percentiles over all rounds. The clock is read twice an operation; what one
 * reading takes is in each figure and printed.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

struct bench_case {
    const char *name;
    void (*prepare)(int threads, uint64_t n); /* before the clock starts; may be NULL */
    void (*work)(int thread, uint64_t n);     /* in every thread */
    void (*finish)(int threads, uint64_t n);  /* after the clock has stopped: check what was done, clean up */
    const char *peer; /* instead of the three: another language's, see peer.h. Left out where that isn't there. */
};

struct bench {
    const char *title;
    const char *unit;              /* what one operation is */
    const struct bench_case *cases; /* the first is the baseline */
    int count;
    uint64_t total;                /* operations per run, shared out among the threads */
};

/* Options: --threads 1,2,8,128  --rounds N  --scale X (times the operations)  --quick (3 rounds of a tenth)
 * --bench TITLE (part of it)  --only NAME (part of a case's)  --json  --help. Returns the exit code. */
int bench_main(int argc, char **argv, const struct bench *benches, int count);

enum { BENCH_THREADS_MAX = 1024 };

/* The calling thread has done so many of n: notes when, and returns up to how many it needn't be told. */
uint64_t bench_stamp(uint64_t done, uint64_t n);

#ifdef BENCH_LATENCY
void bench_lap(void);
#else
static inline void bench_lap(void)
{
}
#endif

/* for (BENCH_EACH(i, n)) { one operation } in a case's work, once in it and without break: what this loop does is what is
 * counted. It is two loops, the inner one no other than if nothing were told. */
#define BENCH_EACH(i, n)                                                  \
    uint64_t i = 0, i##_told; (i##_told = bench_stamp(i, n)) > i;) \
    for (; i < i##_told; i++, bench_lap()

/* For finish: says what was wrong and ends the program, as a figure for a wrong result is worth nothing. */
void bench_require(bool condition, const char *what);

#endif

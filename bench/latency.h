/* SPDX-License-Identifier: MIT */
/* What each operation took, in nanoseconds: kept per thread while a case runs, merged when a run is over. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

/* Log-linear: below 32 ns each has a bucket of its own, then 16 for each doubling (6 % wide). */
enum { LATENCY_BUCKETS = 16 * 60 };

struct latency {
    uint64_t count[LATENCY_BUCKETS];
    uint64_t worst;
};

#ifdef BENCH_LATENCY
enum { LATENCY = 1 };
void latency_begin(int thread);                      /* of a case's work, in that thread */
void latency_resume(void);                            /* in that thread: what was done since the last lap is in no figure */
void latency_merge(int threads, struct latency *sum); /* adds what the threads of the last run took; joined */
uint64_t latency_at(const struct latency *sum, double quantile); /* the upper end of its bucket */
uint64_t latency_of_clock(void);                      /* the median of two readings in a row */
#else
enum { LATENCY = 0 };
static inline void latency_begin(int thread)
{
    (void)thread;
}
static inline void latency_resume(void)
{
}
static inline void latency_merge(int threads, struct latency *sum)
{
    (void)threads;
    (void)sum;
}
static inline uint64_t latency_at(const struct latency *sum, double quantile)
{
    (void)sum;
    (void)quantile;
    return 0;
}
static inline uint64_t latency_of_clock(void)
{
    return 0;
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* run.h: one run of a case in threads of this program, which begin together. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "bench.h"
#include "overlap.h"

/* How many threads can run at the same time. */
int run_cores(void);

void run_threads(const struct bench_case *subject, int threads, uint64_t n, struct track *tracks);

#endif

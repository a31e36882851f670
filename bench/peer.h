/* SPDX-License-Identifier: MIT */
/**
 * peer.h: cases that run in another language, in a process that lives as long as the benchmark, so that they take
 * their turn with all others. bench/peers has them; the build makes those whose compilers are there.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* What a bench_case's `peer` says: "java CASE", "go CASE" or "rust CASE". False: that language was not built. */
bool peer_there(const char *peer);

/* Nanoseconds from the first thread's start to the last one's end. The program ends if the peer does. */
uint64_t peer_run(const char *peer, int threads, uint64_t n);

#endif

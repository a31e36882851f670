/* SPDX-License-Identifier: MIT */
/**
 * peer.h: cases that run in another language, in a process that lives as long as the benchmark, so that they take
 * their turn with all others. bench/peers has them; the build makes those whose compilers are there.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "overlap.h"

/* What a bench_case's `peer` says: "java CASE", "go CASE" or "rust CASE". False: that language was not built. */
bool peer_there(const char *peer);

/*
 * Its tracks. The peer is given "CASE THREADS N" and answers with a line a thread: when it arrived at the gate, when it
 * began, and when it had done each of TRACK_CHUNKS parts of its n. The program ends if the peer does.
 */
void peer_run(const char *peer, int threads, uint64_t n, struct track *tracks);

#endif

/* SPDX-License-Identifier: MIT */
/* parallel.h: pieces of work that don't depend on each other, on as many threads as there are cores for this process. */
#ifndef AXCHECK_PARALLEL_H
#define AXCHECK_PARALLEL_H

#include <stddef.h>

enum { AXC_MAX_WORKERS = 16 };

/* How many workers judging this many operations is worth: one per core, or as many as axc_set_workers said; one for few. */
size_t axc_workers(size_t operations);
void axc_set_workers(size_t workers); /* 1 to AXC_MAX_WORKERS */

/* Calls work(context, piece, worker) once for each piece below `pieces`, `worker` counting from 0 below `workers`.
 * Pieces are handed out in order; they allocate from the caller's budget. Where threads can't be started, the caller's does it. */
void axc_parallel(size_t workers, size_t pieces, void (*work)(void *context, size_t piece, size_t worker), void *context);

#endif

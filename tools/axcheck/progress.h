/* SPDX-License-Identifier: MIT */
/* progress.h: how far a long check is, and about how long it still takes, on stderr. */
#ifndef AXCHECK_PROGRESS_H
#define AXCHECK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on a line a second, over the one before it on a terminal; off a terminal only if `asked`, and then also a line
 * as each phase begins. False if it can't be. */
bool axc_progress_start(bool asked);
void axc_progress_stop(void);
/* Takes the line away, as something else is to be printed. */
void axc_progress_clear(void);

/* A phase of so many units (0: nobody knows) begins, and the one before it is over. Safe for any thread, at no cost unless
 * it was started. */
void axc_progress_phase(const char *phase, const char *unit, uint64_t total);
void axc_progress_add(uint64_t done);
/* Until the end only this phase counts: that of many files, of which each has phases of its own. */
void axc_progress_only(const char *phase, const char *unit, uint64_t total);
/* One more unit of that. */
void axc_progress_only_add(void);

#endif

/* SPDX-License-Identifier: MIT */
/* judge.h: from the bytes of a history to the verdict. */
#ifndef AXCHECK_JUDGE_H
#define AXCHECK_JUDGE_H

#include "history.h"

/* Reads the history in one of its forms. The caller frees it in any case. */
bool axc_read_history(struct axc_history *history, const char *bytes, size_t length, struct axc_report *report);

void axc_judge_history(const char *bytes, size_t length, struct axc_report *report);

/* The steps the general search may take for one file. */
void axc_set_steps(uint64_t steps);

#endif

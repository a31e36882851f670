/* SPDX-License-Identifier: MIT */
/* judge.h: from the bytes of a history to the verdict. */
#ifndef AXCHECK_JUDGE_H
#define AXCHECK_JUDGE_H

#include "forms.h"

void axc_judge_history(enum axc_form form, const char *bytes, size_t length, struct axc_report *report);

/* Writes what it reads to stdout in another form, instead of judging it. */
void axc_convert_history(enum axc_form form, const char *bytes, size_t length, enum axc_form wanted, struct axc_report *report);

/* Whether a binary history without its end is judged as far as it goes. */
void axc_set_partial(bool allowed);

/* "NAME VALUE...", kept by the caller: the setup of histories in a form that has no place for it. */
void axc_set_setup(const char *setup);

/* The steps the general search may take for one file. */
void axc_set_steps(uint64_t steps);

#endif

/* SPDX-License-Identifier: MIT */
/* What the inline part of stress.h would call if a history were written; here none is. */
#include <atomicx/stress.h>

#include <stdlib.h>

uint64_t ax_stress_clock_before_(void)
{
    abort();
}

uint64_t ax_stress_clock_after_(uint64_t *word)
{
    (void)word;
    abort();
}

void ax_stress_log_encode_(ax_stress_log *log)
{
    (void)log;
    abort();
}

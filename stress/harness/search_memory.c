/* SPDX-License-Identifier: MIT */
/* What axcheck's search takes its memory from, when the harness runs it: rounds are small, and no input is hostile. */
#include <stdlib.h>

#include "budget.h"

size_t axc_budget_limit(void)
{
    return (size_t)1 << 28;
}

void *axc_alloc(size_t size)
{
    return malloc(size);
}

void *axc_zeroed(size_t count, size_t size)
{
    return calloc(count, size);
}

void *axc_realloc(void *old, size_t size)
{
    return realloc(old, size);
}

void axc_free(void *memory)
{
    free(memory);
}

/* SPDX-License-Identifier: MIT */
/* budget.c: a counting allocator; what malloc rounds a request up to is counted as well. */
#include "budget.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static size_t limit;
static size_t used;
static bool exhausted;

void axc_budget_init(size_t bytes)
{
    limit = bytes;
    json_set_alloc_funcs(axc_alloc, axc_free);
}

size_t axc_budget_limit(void)
{
    return limit;
}

bool axc_budget_exhausted(void)
{
    return exhausted;
}

void axc_budget_clear(void)
{
    exhausted = false;
}

void *axc_alloc(size_t size)
{
    void *memory = used <= limit && size <= limit - used ? malloc(size) : NULL;
    if (memory == NULL) {
        exhausted = true;
        return NULL;
    }
    used += malloc_usable_size(memory);
    return memory;
}

void *axc_realloc(void *old, size_t size)
{
    size_t before = old != NULL ? malloc_usable_size(old) : 0;
    if (size > before && (used > limit || size - before > limit - used)) {
        exhausted = true;
        return NULL;
    }
    void *memory = realloc(old, size);
    if (memory == NULL) {
        exhausted = true;
        return NULL;
    }
    used = used - before + malloc_usable_size(memory);
    return memory;
}

void axc_free(void *memory)
{
    if (memory == NULL)
        return;
    used -= malloc_usable_size(memory);
    free(memory);
}

/* SPDX-License-Identifier: MIT */
/* few_blocks.h: an ax_allocator's functions with so many blocks to give. */
#ifndef TESTS_MODEL_FEW_BLOCKS_H
#define TESTS_MODEL_FEW_BLOCKS_H

#include <stdlib.h>

static int allocations_left;
static void *allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    return allocations_left-- > 0 ? aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) : NULL;
}
static void give_back(void *context, void *p, size_t size)
{
    (void)context, (void)size;
    free(p);
}

#endif

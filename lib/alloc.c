/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <stdlib.h>

void *axi_allocate(const ax_allocator *allocator, size_t size, size_t alignment)
{
    if (allocator)
        return allocator->allocate(allocator->context, size, alignment);
    size_t rounded = (size + alignment - 1) & ~(alignment - 1); /* aligned_alloc asks for a multiple */
    return rounded < size ? NULL : aligned_alloc(alignment, rounded);
}

void axi_release(const ax_allocator *allocator, void *memory, size_t size)
{
    if (!memory)
        return;
    if (allocator)
        allocator->release(allocator->context, memory, size);
    else
        free(memory);
}

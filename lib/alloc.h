/* SPDX-License-Identifier: MIT */
/* Memory through an optional ax_allocator; NULL means the C library's. */
#ifndef AXI_ALLOC_H
#define AXI_ALLOC_H

#include <atomicx/alloc.h>

#include <stddef.h>

/* NULL when there is none, or when size rounded up to the alignment overflows. */
void *axi_allocate(const ax_allocator *allocator, size_t size, size_t alignment);
void axi_release(const ax_allocator *allocator, void *memory, size_t size);

#endif

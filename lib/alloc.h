/* SPDX-License-Identifier: MIT */
/* Memory through an optional ax_allocator; NULL means the C library's. */
#ifndef AXI_ALLOC_H
#define AXI_ALLOC_H

#include <atomicx/alloc.h>

#include <stddef.h>

/* NULL when there is none, or when size rounded up to the alignment overflows. */
void *axi_allocate(const ax_allocator *allocator, size_t size, size_t alignment);
void axi_release(const ax_allocator *allocator, void *memory, size_t size);

/*
 * The same for tables: zero-filled, and aligned to 64. Without an allocator of the caller's, large ones
 * come as fresh pages of the kernel: nothing is cleared in one go, and they go back at once. Sizes must
 * be the same in both calls.
 */
void *axi_allocate_zeroed(const ax_allocator *allocator, size_t size);
void axi_release_zeroed(const ax_allocator *allocator, void *memory, size_t size);

#endif

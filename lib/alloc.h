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
 * The same for tables: `head` bytes and then `body`, zero-filled, the head a multiple of 64 and both aligned
 * to it. Without an allocator of the caller's, large ones come as fresh pages of the kernel: nothing is
 * cleared in one go, and they go back at once. A body of whole 2 MiB is in huge pages where the kernel
 * gives them (madvise), as a look-up in more memory than the TLB covers costs a page walk on top of its
 * cache miss. Sizes must be the same in both calls.
 */
void *axi_allocate_zeroed(const ax_allocator *allocator, size_t head, size_t body);
void axi_release_zeroed(const ax_allocator *allocator, void *memory, size_t head, size_t body);

#endif

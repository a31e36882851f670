/* SPDX-License-Identifier: MIT */
/* Memory through an optional ax_allocator; NULL means the C library's. */
#ifndef AXI_ALLOC_H
#define AXI_ALLOC_H

#include <atomicx/alloc.h>

#include <stddef.h>

/* NULL when there is none, or when size rounded up to the alignment overflows. The names in parentheses are those
 * that mutant builds make macros of (tests/model/lib/weaken.h). */
void *axi_allocate(const ax_allocator *allocator, size_t size, size_t alignment);
void (axi_release)(const ax_allocator *allocator, void *memory, size_t size);

/*
 * The same for tables: `head` bytes and then `body`, zero-filled, the head a multiple of 64 and both aligned
 * to it. Without an allocator of the caller's, large ones come as fresh pages of the kernel: nothing is
 * cleared in one go, and they go back at once. Sizes must be the same in all calls.
 */
void *axi_allocate_zeroed(const ax_allocator *allocator, size_t head, size_t body);
void (axi_release_zeroed)(const ax_allocator *allocator, void *memory, size_t head, size_t body);

#define AXI_HUGE_PAGE ((size_t)2 << 20)
/*
 * Has a body of whole AXI_HUGE_PAGE moved to huge pages where the kernel can (madvise), as a look-up in more
 * memory than the TLB covers costs a page walk on top of its cache miss. Others may use it meanwhile, and
 * wait for the kernel if they touch the page that is being moved, a fraction of a millisecond; the caller
 * waits for all of them. Asked for once a body is in use and not before, as clearing a huge page at the
 * first touch of each would be a pause of the one who happens to touch it.
 */
void axi_allocated_huge(const ax_allocator *allocator, void *memory, size_t head, size_t body);

#endif

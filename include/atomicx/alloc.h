/* SPDX-License-Identifier: MIT */
/**
 * alloc.h: where an object's memory comes from.
 *
 *     static const ax_allocator pool = { .allocate = my_allocate, .release = my_release, .context = &my_pool };
 *     ax_tickets_create(1000, 0, &pool, &tickets);
 *
 * Every create function takes an optional allocator; NULL means the C library's. The structure and its
 * context must outlive the object. allocate returns memory aligned to `alignment` (a power of two) or
 * NULL, which the object reports as AX_ENOMEM; release gets the size that was asked for. Both are called
 * by whichever thread calls the object, possibly by several at once, never under a lock of ours that
 * the allocator could need, and must not call back into the object.
 */
#ifndef ATOMICX_ALLOC_H
#define ATOMICX_ALLOC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ax_allocator {
    void *(*allocate)(void *context, size_t size, size_t alignment);
    void (*release)(void *context, void *memory, size_t size);
    void *context;
} ax_allocator;

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/* counting.h: an allocator that counts the bytes lent out, and one that refuses; for one thread. */
#ifndef TESTS_COUNTING_H
#define TESTS_COUNTING_H

#include <atomicx/alloc.h>

#include <stdlib.h>

static size_t lent, refused; /* bytes; requests */

static void *count_lent(void *context, size_t size, size_t alignment)
{
    (void)context;
    lent += size;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void *count_refused(void *context, size_t size, size_t alignment)
{
    (void)context, (void)size, (void)alignment;
    refused++;
    return NULL;
}

static void count_returned(void *context, void *memory, size_t size)
{
    (void)context;
    lent -= size;
    free(memory);
}

static const ax_allocator counting = { count_lent, count_returned, NULL };
static const ax_allocator refusing = { count_refused, count_returned, NULL };

#endif

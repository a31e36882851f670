/* SPDX-License-Identifier: MIT */
/* heap.h: numbers, the smallest on top; the room is the caller's. */
#ifndef AXCHECK_HEAP_H
#define AXCHECK_HEAP_H

#include <stddef.h>
#include <stdint.h>

static inline void axc_heap_push(uint32_t *heap, size_t *count, uint32_t number)
{
    size_t at = (*count)++;
    for (; at > 0 && heap[(at - 1) / 2] > number; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = number;
}

/* Of a heap that is not empty. */
static inline uint32_t axc_heap_pop(uint32_t *heap, size_t *count)
{
    uint32_t top = heap[0], last = heap[--(*count)];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < *count; at = child) {
        child += child + 1 < *count && heap[child + 1] < heap[child] ? 1 : 0;
        if (heap[child] >= last)
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return top;
}

#endif

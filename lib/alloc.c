/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* LeakSanitizer, where there is one, follows pointers in mappings it is told of. */
extern void __lsan_register_root_region(const void *begin, size_t size) __attribute__((weak));
extern void __lsan_unregister_root_region(const void *begin, size_t size) __attribute__((weak));

/* From here on a mapping of its own costs less than clearing. */
#define PAGES_FROM ((size_t)128 << 10)

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

void *axi_allocate_zeroed(const ax_allocator *allocator, size_t size)
{
    if (!allocator && size >= PAGES_FROM) {
        void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED)
            return NULL;
        if (__lsan_register_root_region)
            __lsan_register_root_region(pages, size);
        return pages;
    }
    void *memory = axi_allocate(allocator, size, 64);
    return memory ? memset(memory, 0, size) : NULL;
}

void axi_release_zeroed(const ax_allocator *allocator, void *memory, size_t size)
{
    if (!memory || allocator || size < PAGES_FROM) {
        axi_release(allocator, memory, size);
        return;
    }
    if (__lsan_unregister_root_region)
        __lsan_unregister_root_region(memory, size);
    munmap(memory, size);
}

/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <stdbool.h>
#include <stdint.h>
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

void (axi_release)(const ax_allocator *allocator, void *memory, size_t size)
{
    if (!memory)
        return;
    if (allocator)
        allocator->release(allocator->context, memory, size);
    else
        free(memory);
}

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
/* Mapped in front of huge pages for the head; a multiple of every page size, of which one page is used. */
#define LEAD ((size_t)64 << 10)

static bool huge(size_t body)
{
    return body >= AXI_HUGE_PAGE && body % AXI_HUGE_PAGE == 0;
}

static char *map_pages(size_t size)
{
    char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

/* LEAD + body bytes of which the body begins where a huge page can. */
static char *map_aligned(size_t body)
{
    size_t surplus = AXI_HUGE_PAGE;
    if (body > SIZE_MAX - LEAD - surplus)
        return NULL;
    char *pages = map_pages(LEAD + body + surplus);
    if (!pages)
        return NULL;
    size_t before = -(uintptr_t)(pages + LEAD) % AXI_HUGE_PAGE;
    if (before)
        munmap(pages, before);
    if (before < surplus)
        munmap(pages + before + LEAD + body, surplus - before);
    return pages + before;
}

void *axi_allocate_zeroed(const ax_allocator *allocator, size_t head, size_t body)
{
    size_t size = head + body;
    if (allocator || size < PAGES_FROM) {
        void *memory = axi_allocate(allocator, size, 64);
        return memory ? memset(memory, 0, size) : NULL;
    }
    char *pages = huge(body) ? map_aligned(body) : map_pages(size);
    if (!pages)
        return NULL;
    char *memory = huge(body) ? pages + LEAD - head : pages;
    if (__lsan_register_root_region)
        __lsan_register_root_region(memory, size);
    return memory;
}

void (axi_release_zeroed)(const ax_allocator *allocator, void *memory, size_t head, size_t body)
{
    size_t size = head + body;
    if (!memory || allocator || size < PAGES_FROM) {
        axi_release(allocator, memory, size);
        return;
    }
    if (__lsan_unregister_root_region)
        __lsan_unregister_root_region(memory, size);
    if (huge(body))
        munmap((char *)memory + head - LEAD, LEAD + body);
    else
        munmap(memory, size);
}

void axi_allocated_huge(const ax_allocator *allocator, void *memory, size_t head, size_t body)
{
    if (allocator || !huge(body))
        return;
    char *at = (char *)memory + head;
    /* A kernel that cannot leaves small pages, or collects them when it finds the time. */
    madvise(at, body, MADV_HUGEPAGE);
    for (size_t done = 0; done < body; done += AXI_HUGE_PAGE)
        madvise(at + done, AXI_HUGE_PAGE, MADV_COLLAPSE);
}

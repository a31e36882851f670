/* SPDX-License-Identifier: MIT */
/* budget.c: a counting allocator; what malloc rounds a request up to is counted as well. */
#include "budget.h"

#include <jansson.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 }; /* on the machines that have one of another size this advice is only less good */

struct axc_budget {
    atomic_size_t used;
    atomic_bool exhausted;
};

static size_t limit;
static struct axc_budget first;
static _Thread_local struct axc_budget *current; /* NULL: the first */

static struct axc_budget *mine(void)
{
    return current != NULL ? current : &first;
}

void axc_budget_init(size_t bytes)
{
    limit = bytes;
    json_set_alloc_funcs(axc_alloc, axc_free);
}

size_t axc_budget_limit(void)
{
    return limit;
}

struct axc_budget *axc_budget_create(void)
{
    return calloc(1, sizeof(struct axc_budget));
}

void axc_budget_destroy(struct axc_budget *budget)
{
    free(budget);
}

struct axc_budget *axc_budget_current(void)
{
    return mine();
}

void axc_budget_enter(struct axc_budget *budget)
{
    current = budget;
}

bool axc_budget_exhausted(void)
{
    return atomic_load_explicit(&mine()->exhausted, memory_order_relaxed);
}

void axc_budget_clear(void)
{
    atomic_store_explicit(&mine()->exhausted, false, memory_order_relaxed);
}

static void *refused(struct axc_budget *budget)
{
    atomic_store_explicit(&budget->exhausted, true, memory_order_relaxed);
    return NULL;
}

/* Takes `more` bytes, if the budget has them. */
static bool take(struct axc_budget *budget, size_t more)
{
    size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);
    do
        if (used > limit || more > limit - used)
            return false;
    while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + more, memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void give(struct axc_budget *budget, size_t less)
{
    atomic_fetch_sub_explicit(&budget->used, less, memory_order_relaxed);
}

/* What is large is written all over: in pages of 4 KiB half of the time would go into their faults and the misses after
 * them. A kernel that has no large ones to give goes on with small ones. */
static void advise(void *memory, size_t size)
{
    uintptr_t begin = ((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1), end = ((uintptr_t)memory + size) & ~(uintptr_t)(HUGE_PAGE - 1);
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

static void *obtained(struct axc_budget *budget, void *memory, size_t size)
{
    if (memory == NULL) {
        give(budget, size);
        return refused(budget);
    }
    atomic_fetch_add_explicit(&budget->used, malloc_usable_size(memory) - size, memory_order_relaxed);
    if (size >= 2 * HUGE_PAGE)
        advise(memory, size);
    return memory;
}

void *axc_alloc(size_t size)
{
    struct axc_budget *budget = mine();
    return take(budget, size) ? obtained(budget, malloc(size), size) : refused(budget);
}

void *axc_zeroed(size_t count, size_t size)
{
    struct axc_budget *budget = mine();
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || !take(budget, bytes))
        return refused(budget);
    return obtained(budget, calloc(count, size), bytes);
}

void *axc_realloc(void *old, size_t size)
{
    if (old == NULL)
        return axc_alloc(size);
    struct axc_budget *budget = mine();
    size_t before = malloc_usable_size(old), more = size > before ? size - before : 0;
    if (!take(budget, more))
        return refused(budget);
    void *memory = realloc(old, size);
    if (memory == NULL) {
        give(budget, more);
        return refused(budget);
    }
    size_t after = malloc_usable_size(memory);
    if (after > before + more)
        atomic_fetch_add_explicit(&budget->used, after - before - more, memory_order_relaxed);
    else
        give(budget, before + more - after);
    return memory;
}

void axc_free(void *memory)
{
    if (memory == NULL)
        return;
    give(mine(), malloc_usable_size(memory));
    free(memory);
}

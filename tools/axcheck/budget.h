/* SPDX-License-Identifier: MIT */
/**
 * budget.h: all memory that depends on the input comes from one bounded budget, so that a small hostile
 * file can't make the machine swap. The JSON library allocates from it too.
 */
#ifndef AXCHECK_BUDGET_H
#define AXCHECK_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/* Sets the limit and routes the JSON library through it. Once, before any allocation. */
void axc_budget_init(size_t limit);

size_t axc_budget_limit(void);

/**
 * Each file has its own, which the threads that judge it share: they enter it first. A thread that entered
 * none uses one for the whole program.
 */
struct axc_budget;
struct axc_budget *axc_budget_create(void); /* NULL without memory */
void axc_budget_destroy(struct axc_budget *budget);
struct axc_budget *axc_budget_current(void);
void axc_budget_enter(struct axc_budget *budget);

/* Whether an allocation was refused since the last call to axc_budget_clear. */
bool axc_budget_exhausted(void);
void axc_budget_clear(void);

/* Like malloc, calloc, realloc, free; NULL when the budget doesn't allow it. */
void *axc_alloc(size_t size);
void *axc_zeroed(size_t count, size_t size);
void *axc_realloc(void *old, size_t size);
void axc_free(void *memory);

#endif

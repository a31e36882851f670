/* SPDX-License-Identifier: MIT */
/* Stands in for Concurrency Kit's ck_pr.h in model builds. In parentheses because mutant builds have a macro of this
 * name (lib/weaken.h). */
#ifndef STANDIN_CK_PR_H
#define STANDIN_CK_PR_H

#include <stdatomic.h>

/* C11 has no fence between stores alone; the least that is one orders loads before it, too. */
static inline void (ck_pr_fence_store)(void) { atomic_thread_fence(memory_order_release); }

#endif

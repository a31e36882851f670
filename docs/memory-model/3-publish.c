/* SPDX-License-Identifier: MIT */
/* A seller closes and says why; a buyer who is refused reads the reason. */
#include <atomicx/model.h>
#include <assert.h>
#include <stdatomic.h>

#include "threads.h"

static const char *reason;
static atomic_int closed;

static void *closes(void *u)
{
    reason = "fire in the hall";
    atomic_store_explicit(&closed, 1, memory_order_release);
    return u;
}

static void *closes_relaxed(void *u)
{
    reason = "fire in the hall";
    atomic_store_explicit(&closed, 1, memory_order_relaxed);
    return u;
}

static void *is_refused(void *u)
{
    if (atomic_load_explicit(&closed, memory_order_acquire))
        assert(reason != NULL);
    return u;
}

static void *is_refused_relaxed(void *u)
{
    if (atomic_load_explicit(&closed, memory_order_relaxed))
        assert(reason != NULL);
    return u;
}

AX_MODEL_TEST(release_and_acquire) { RUN(closes, is_refused); }
AX_MODEL_BROKEN(release_alone, "data race") { RUN(closes, is_refused_relaxed); }
AX_MODEL_BROKEN(acquire_alone, "data race") { RUN(closes_relaxed, is_refused); }

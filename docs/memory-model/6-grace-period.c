/* SPDX-License-Identifier: MIT */
/* A reader and a writer who frees: when has the last reader left? The smallest grace period there is. */
#include <atomicx/model.h>
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "threads.h"

static _Atomic(int *) current;
static atomic_int inside; /* readers that may hold what `current` was */
static int *unlinked;

static void read_section(memory_order enter, memory_order look)
{
    atomic_fetch_add_explicit(&inside, 1, enter);
    int *object = atomic_load_explicit(&current, look);
    if (object)
        assert(*object == 7);
    atomic_fetch_sub_explicit(&inside, 1, memory_order_release);
}

/* Unlinks, and frees if the look at `inside` says that the grace period is over; else leaves it to main. */
static void unlink_and_free(memory_order unlink, memory_order look)
{
    int *object = atomic_exchange_explicit(&current, NULL, unlink);
    if (atomic_load_explicit(&inside, look) == 0)
        free(object);
    else
        unlinked = object;
}

static void *reader(void *u) { read_section(memory_order_seq_cst, memory_order_seq_cst); return u; }
static void *writer(void *u) { unlink_and_free(memory_order_seq_cst, memory_order_seq_cst); return u; }
static void *reader_acq_rel(void *u) { read_section(memory_order_acq_rel, memory_order_acquire); return u; }
static void *writer_acq_rel(void *u) { unlink_and_free(memory_order_acq_rel, memory_order_acquire); return u; }

static void publish(void)
{
    int *object = malloc(sizeof *object);
    assert(object);
    *object = 7;
    atomic_store_explicit(&current, object, memory_order_release);
}

AX_MODEL_TEST(seq_cst_on_both_sides)
{
    publish();
    RUN(reader, writer);
    free(unlinked);
}

AX_MODEL_BROKEN(acquire_and_release, "use after free")
{
    publish();
    RUN(reader_acq_rel, writer_acq_rel);
    free(unlinked);
}

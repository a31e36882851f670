/* SPDX-License-Identifier: MIT */
/*
 * The mistakes of stress/lock, from their own sources. Unchecked, the model checker finds what they lead to;
 * checked, every execution has a report of them, and nobody was let in who should not be.
 */
#include "../threads.h"

#include "../../../stress/lock.h"

static struct lock_shared service;
static const ax_stress_impl *impl;
static int64_t counted; /* what the lock guards, in place of the table */
static atomic_int told;

bool lock_table_add(struct lock_table *table, uint64_t customer, int64_t n)
{
    (void)table, (void)customer;
    counted += n;
    return true;
}

int64_t lock_table_get(const struct lock_table *table, uint64_t customer)
{
    (void)table, (void)customer;
    return counted;
}

static void tells(const ax_lock_report *report, void *context)
{
    (void)context;
    atomic_fetch_or_explicit(&told, 1 << report->misuse, relaxed);
}

THREAD(works)
{
    struct lock_tally tally = {0};
    ax_stress_worker worker = {.shared = &service, .tally = &tally, .thread = (uint32_t)(size_t)self};
    if (impl->enter)
        impl->enter(&worker);
    impl->work(&worker, 0, 1);
    if (impl->leave)
        impl->leave(&worker);
    return NULL;
}

static void make(const ax_stress_impl *of, ax_lock_check check)
{
    ax_lock_options options = {.check = check, .name = "service"};
    impl = of;
    (void)ax_mutex_init(&service.service.mutex, &options);
    (void)ax_mutex_init(&service.second, &options);
    pthread_mutex_init(&service.apart, NULL);
    ax_lock_on_misuse(tells, NULL);
}

static void two_workers(const ax_stress_impl *of, ax_lock_check check)
{
    make(of, check);
    run2(works, works);
}

#define UNCHECKED(name, kind) \
    AX_MODEL_BROKEN(broken_##name##_unchecked, kind) { two_workers(&broken_lock_##name, AX_LOCK_CHECK_NO); }
UNCHECKED(copied, "data race")
UNCHECKED(unlocked, "misuse")
UNCHECKED(foreign, "misuse")
UNCHECKED(relock, "deadlock")
UNCHECKED(fini_held, "misuse")
UNCHECKED(thread_ended, "deadlock")
/* The third lock keeps this one from ever deadlocking: only a look at the order shows it. */
AX_MODEL_TEST(two_orders_unchecked_have_luck) { two_workers(&broken_lock_inversion, AX_LOCK_CHECK_NO); }

/* The misuse is reported in each execution, as one of these kinds. */
#define REPORTED(name, kinds)                                        \
    AX_MODEL_TEST(name##_is_reported)                                \
    {                                                                \
        two_workers(&broken_lock_##name, AX_LOCK_CHECK_YES);         \
        assert((load(&told, relaxed) & (kinds)) != 0);               \
        ax_model_outcome("reports %x", (unsigned)load(&told, relaxed)); \
    }
REPORTED(copied_checked, 1 << AX_LOCK_COPY_USED | 1 << AX_LOCK_ORIGINAL_COPIED)
REPORTED(unlocked, 1 << AX_LOCK_UNLOCK_UNLOCKED | 1 << AX_LOCK_UNLOCK_FOREIGN)
REPORTED(relock, 1 << AX_LOCK_RELOCK)
REPORTED(fini_held, 1 << AX_LOCK_FINI_HELD)
REPORTED(inversion, 1 << AX_LOCK_INVERSION)
/* The second worker comes when the first has ended; one that waits already looks again after a while, and the
 * model has no time. */
AX_MODEL_TEST(thread_ended_is_reported_and_the_lock_refused)
{
    make(&broken_lock_thread_ended, AX_LOCK_CHECK_YES);
    RUN_THREADS(works);
    assert(load(&told, relaxed) == 1 << AX_LOCK_THREAD_ENDED);
    RUN_THREADS(works);
    assert(load(&told, relaxed) == (1 << AX_LOCK_THREAD_ENDED | 1 << AX_LOCK_ABANDONED));
    assert(counted == 1);
}

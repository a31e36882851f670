/* SPDX-License-Identifier: MIT */
/* lock.h under the model, with the real lib/lock*.c: mutual exclusion, unchecked and checked, and what a
 * checked lock says about misuse, whatever the others do meanwhile. */
#include "../threads.h"

#include <atomicx/lock.h>

static ax_mutex unchecked = AX_MUTEX_INIT;
static ax_mutex checked = AX_MUTEX_CHECKED_INIT("checked", 0);
static ax_mutex second = AX_MUTEX_CHECKED_INIT("second", 0);
static ax_rwlock shared = AX_RWLOCK_INIT;
static int guarded;
static atomic_int told;

static void tells(const ax_lock_report *report, void *context)
{
    (void)context;
    add(&told, 1 << report->misuse, relaxed);
}

THREAD(counts_unchecked)
{
    AX_WITH_LOCK(&unchecked)
    {
        guarded++;
    }
    return NULL;
}
AX_MODEL_TEST(three_threads_exclude_each_other)
{
    run3(counts_unchecked, counts_unchecked, counts_unchecked);
    assert(guarded == 3);
}
THREAD(counts_unchecked_three_times)
{
    for (int i = 0; i < 3; i++)
        counts_unchecked(NULL);
    return NULL;
}
AX_MODEL_TEST(two_threads_exclude_each_other_three_times)
{
    run2(counts_unchecked_three_times, counts_unchecked_three_times);
    assert(guarded == 6);
}

THREAD(counts_checked)
{
    AX_WITH_LOCK(&checked)
    {
        guarded++;
    }
    return NULL;
}
AX_MODEL_TEST(two_threads_exclude_each_other_checked)
{
    ax_lock_on_misuse(tells, NULL);
    run2(counts_checked, counts_checked);
    assert(guarded == 2);
    assert(load(&told, relaxed) == 0);
}

AX_MODEL_TEST(three_threads_exclude_each_other_checked)
{
    ax_lock_on_misuse(tells, NULL);
    counts_checked(NULL); /* binds the lock */
    run3(counts_checked, counts_checked, counts_checked);
    assert(guarded == 4);
    assert(load(&told, relaxed) == 0);
}

static int had[4];
THREAD(tries_checked)
{
    if (ax_mutex_trylock(&checked)) {
        guarded++;
        ax_mutex_unlock(&checked);
        had[(size_t)self]++;
    }
    return NULL;
}
AX_MODEL_TEST(three_threads_try_checked)
{
    ax_lock_on_misuse(tells, NULL);
    counts_checked(NULL); /* binds the lock */
    run3(tries_checked, tries_checked, tries_checked);
    assert(guarded >= 2 && guarded == 1 + had[1] + had[2] + had[3]);
    assert(load(&told, relaxed) == 0);
}
THREAD(tries_checked_three_times)
{
    for (int i = 0; i < 3; i++)
        tries_checked(self);
    return NULL;
}
AX_MODEL_TEST(two_threads_try_checked_three_times)
{
    ax_lock_on_misuse(tells, NULL);
    counts_checked(NULL);
    run2(tries_checked_three_times, tries_checked_three_times);
    assert(guarded >= 2 && guarded == 1 + had[1] + had[2]);
    assert(load(&told, relaxed) == 0);
}

THREAD(writes_shared)
{
    AX_WITH_WRLOCK(&shared)
    {
        guarded++;
    }
    return NULL;
}
THREAD(reads_shared)
{
    AX_WITH_RDLOCK(&shared)
    {
        assert(guarded <= 1);
    }
    return NULL;
}
AX_MODEL_TEST(a_writer_excludes_readers)
{
    run3(writes_shared, reads_shared, reads_shared);
    assert(guarded == 1);
}

THREAD(reads_writes_and_reads)
{
    reads_shared(NULL);
    writes_shared(NULL);
    AX_WITH_RDLOCK(&shared)
    {
        assert(guarded >= 1 && guarded <= 2);
    }
    return NULL;
}
AX_MODEL_TEST(two_threads_read_and_write_three_times)
{
    run2(reads_writes_and_reads, reads_writes_and_reads);
    assert(guarded == 2);
}

static ax_rwlock shared_checked = AX_RWLOCK_CHECKED_INIT("shared", 0);
THREAD(tries_to_write_checked)
{
    if (ax_rwlock_trywrlock(&shared_checked)) {
        guarded++;
        ax_rwlock_unlock(&shared_checked);
        had[(size_t)self]++;
    }
    return NULL;
}
THREAD(tries_to_read_checked)
{
    if (ax_rwlock_tryrdlock(&shared_checked)) {
        assert(guarded >= 0 && guarded <= 3);
        ax_rwlock_unlock(&shared_checked);
    }
    return NULL;
}
static void bind_shared(void)
{
    ax_lock_on_misuse(tells, NULL);
    tries_to_write_checked((void *)0);
}
static void each_write_counts(void)
{
    assert(had[0] == 1 && guarded == had[0] + had[1] + had[2]);
    assert(load(&told, relaxed) == 0);
}
AX_MODEL_TEST(a_writer_and_two_readers_try_checked)
{
    bind_shared();
    run3(tries_to_write_checked, tries_to_read_checked, tries_to_read_checked);
    each_write_counts();
}
THREAD(tries_to_read_write_and_read_checked)
{
    tries_to_read_checked(self);
    tries_to_write_checked(self);
    tries_to_read_checked(self);
    return NULL;
}
AX_MODEL_TEST(two_threads_try_to_read_and_write_checked)
{
    bind_shared();
    run2(tries_to_read_write_and_read_checked, tries_to_read_write_and_read_checked);
    each_write_counts();
}

/* Misuse is reported and refused while another thread uses the lock rightly. */
THREAD(relocks)
{
    assert(ax_mutex_lock(&checked) == AX_OK);
    assert(ax_mutex_lock(&checked) == AX_EDEADLK);
    guarded++;
    assert(ax_mutex_unlock(&checked) == AX_OK);
    return NULL;
}
AX_MODEL_TEST(locking_twice_is_refused_not_a_deadlock)
{
    ax_lock_on_misuse(tells, NULL);
    run2(relocks, counts_checked);
    assert(guarded == 2);
    assert(load(&told, relaxed) == 1 << AX_LOCK_RELOCK);
}
THREAD(unlocks_what_it_does_not_hold)
{
    assert(ax_mutex_unlock(&checked) == AX_EPERM);
    return NULL;
}
AX_MODEL_TEST(unlocking_what_is_not_held_is_refused)
{
    ax_lock_on_misuse(tells, NULL);
    run2(unlocks_what_it_does_not_hold, counts_checked);
    assert(guarded == 1);
    int said = load(&told, relaxed);
    assert(said == 1 << AX_LOCK_UNLOCK_UNLOCKED || said == 1 << AX_LOCK_UNLOCK_FOREIGN);
}

AX_MODEL_TEST(each_misuse_counts)
{
    ax_lock_on_misuse(tells, NULL);
    run2(unlocks_what_it_does_not_hold, unlocks_what_it_does_not_hold);
    assert(ax_lock_misuses() == 2);
}

/* Two orders are reported though no deadlock has to happen, and no two threads have to meet. */
AX_MODEL_TEST(two_orders_are_reported_in_one_thread)
{
    ax_lock_on_misuse(tells, NULL);
    ax_mutex_lock(&checked);
    ax_mutex_lock(&second);
    ax_mutex_unlock(&second);
    ax_mutex_unlock(&checked);
    assert(load(&told, relaxed) == 0);
    ax_mutex_lock(&second);
    ax_mutex_lock(&checked);
    ax_mutex_unlock(&checked);
    ax_mutex_unlock(&second);
    assert(load(&told, relaxed) == 1 << AX_LOCK_INVERSION);
}

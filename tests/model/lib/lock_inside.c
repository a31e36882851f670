/* SPDX-License-Identifier: MIT */
/* lib/lock_record.c and lib/lock_wait.c from within: checked locks when memory runs out, and what waiters report. */
#include <stdbool.h>
#include <stdlib.h>

static bool no_memory;
static void *scarce_calloc(size_t n, size_t size) { return no_memory ? NULL : calloc(n, size); }
#define calloc scarce_calloc
static void *scarce_aligned(size_t alignment, size_t size) { return no_memory ? NULL : aligned_alloc(alignment, size); }
#define aligned_alloc scarce_aligned

#include "../../../lib/lock_record.c"
#include "../../../lib/lock_wait.c"

#include "../threads.h"

static ax_rwlock shared = AX_RWLOCK_CHECKED_INIT("shared", 0);
static ax_mutex limited = AX_MUTEX_CHECKED_INIT("limited", 1);
static atomic_int told; /* a bit for each kind of misuse, and how often a holder was over its limit */
enum { OVER_LIMIT = 1 << 16 };

static void tells(const ax_lock_report *report, void *context)
{
    (void)context;
    if (report->misuse != AX_LOCK_UNCHECKED)
        add(&told, report->misuse == AX_LOCK_HELD_LONG ? OVER_LIMIT : 1 << report->misuse, relaxed);
}

THREAD(reads)
{
    assert(ax_rwlock_rdlock(&shared) == AX_OK);
    assert(ax_rwlock_unlock(&shared) == AX_OK);
    return NULL;
}
static void two_read_without_memory(void)
{
    no_memory = true;
    ax_lock_on_misuse(tells, NULL);
    run2(reads, reads);
    assert(shared.check_.unlisted_ == 0);
    assert(load(&told, relaxed) == 0);
}
AX_MODEL_TEST(readers_of_a_lock_without_a_record_are_counted) { two_read_without_memory(); }
AX_MODEL_TEST(readers_without_a_list_are_counted)
{
    reads(NULL); /* from here on the lock has its record */
    two_read_without_memory();
}

static void knows_no_site(const ax_lock_report *report, void *context)
{
    (void)context;
    assert(report->misuse == AX_LOCK_UNLOCK_UNLOCKED && report->other_site == NULL);
}

/* A holder writes when it took the lock, and then its name; a waiter may see the name first. */
AX_MODEL_TEST(what_a_lock_of_the_past_left_in_the_record_is_not_told_of_the_next)
{
    static ax_mutex past = AX_MUTEX_CHECKED_INIT("past", UINT64_MAX);
    ax_lock_on_misuse(tells, NULL);
    assert(ax_mutex_lock(&past) == AX_OK && ax_mutex_unlock(&past) == AX_OK);
    struct axi_lock_record *record = past.check_.record_;
    atomic_store(&record->since, 1); /* long ago */
    assert(ax_mutex_fini(&past) == AX_OK);

    ax_lock_report report = {.lock = &limited};
    assert(axi_lock_bind(&limited.check_, &limited, "here", &report) == record && report.misuse == 0);
    atomic_store(&record->owner, &told); /* somebody */
    look_at_holder(&limited.check_, record, &limited, "here");
    assert(load(&told, relaxed) == 0);
    atomic_store(&record->owner, NULL);
    ax_lock_on_misuse(knows_no_site, NULL);
    assert(ax_mutex_unlock(&limited) == AX_EPERM); /* has never been taken */
}

THREAD(looks_at_the_holder)
{
    struct axi_lock_record *record = limited.check_.record_;
    look_at_holder(&limited.check_, record, &limited, "here");
    return NULL;
}
AX_MODEL_TEST(of_two_waiters_one_reports_a_holder_over_its_limit)
{
    ax_lock_on_misuse(tells, NULL);
    assert(ax_mutex_lock(&limited) == AX_OK);
    struct axi_lock_record *record = limited.check_.record_;
    atomic_store(&record->since, 1); /* long ago */
    run2(looks_at_the_holder, looks_at_the_holder);
    assert(load(&told, relaxed) == OVER_LIMIT);
    limited.check_.limit_ns_ = 0;
    assert(ax_mutex_unlock(&limited) == AX_OK);
}

/* SPDX-License-Identifier: MIT */
/* memo_entry.c: a walk that still looks at an entry whose last reference is gone, by hand: the window is
 * two instructions wide, and no run of threads can be relied on to meet it. */
#include "memo_impl.h"

#include "../threads.h"

#include <time.h>

static int destroyed;

static ax_status compute(void *context, const void *key, size_t key_len, void **value)
{
    (void)key;
    (void)key_len;
    *value = context;
    return AX_OK;
}

static void destroy(void *context, void *value)
{
    CHECK(value == context);
    destroyed++;
}

static void an_ended_entry_gives_no_reference_and_stays_readable_in_the_section(void)
{
    int value;
    ax_memo_options options = { .compute = compute, .destroy = destroy, .context = &value };
    ax_memo *memo;
    ax_memo_ref ref;
    CHECK_FATAL(ax_memo_create(&options, &memo) == AX_OK);
    CHECK_EQ(ax_memo_do(memo, "key", 3, &ref), AX_OK);
    struct axi_memo_entry *entry = ref.entry_;
    axi_read_begin(); /* the walk has found it */
    CHECK(axi_memo_ref_entry(entry));
    axi_memo_unref_entry(memo, entry);
    CHECK_EQ(ax_memo_forget(memo, "key", 3), AX_OK);
    CHECK(axi_memo_ref_entry(entry)); /* forgotten, but referenced: alive */
    axi_memo_unref_entry(memo, entry);
    CHECK_EQ(destroyed, 0);
    ax_memo_release(memo, &ref);
    CHECK_EQ(destroyed, 1);
    CHECK(!axi_memo_ref_entry(entry)); /* ended: the walk goes to look under the mutex */
    CHECK_EQ(memcmp(entry->key, "key", 3), 0);
    axi_read_end();
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
    CHECK_EQ(destroyed, 1);
}

/* outer waits for inner, which another thread is computing, and is then computed itself. */
static atomic_int inner_runs, outer_asks;
static ax_memo *nested_memo;

static ax_status compute_nested(void *context, const void *key, size_t key_len, void **value)
{
    (void)key;
    *value = context;
    if (key_len == 5 && memcmp(key, "inner", 5) == 0) {
        atomic_store(&inner_runs, 1);
        while (!atomic_load(&outer_asks))
            sched_yield();
        struct timespec t = { 0, 20000000 };
        nanosleep(&t, NULL); /* the other one is asleep in the wait by now */
        return AX_OK;
    }
    ax_memo_ref ref;
    atomic_store(&outer_asks, 1);
    CHECK_EQ(ax_memo_do(nested_memo, "inner", 5, &ref), AX_OK);
    ax_memo_release(nested_memo, &ref);
    return AX_OK;
}

static void get_inner_or_outer(int index, void *arg)
{
    ax_memo_ref ref;
    (void)arg;
    while (index == 1 && !atomic_load(&inner_runs))
        sched_yield();
    CHECK_EQ(ax_memo_do(nested_memo, index == 0 ? "inner" : "outer", 5, &ref), AX_OK);
    struct axi_memo_entry *entry = ref.entry_;
    CHECK(entry->blocked_on == NULL);
    ax_memo_release(nested_memo, &ref);
}

static void a_wait_that_is_over_blocks_nothing(void)
{
    ax_memo_options options = { .compute = compute_nested };
    ax_memo_stats stats;
    CHECK_FATAL(ax_memo_create(&options, &nested_memo) == AX_OK);
    run_threads(2, get_inner_or_outer, NULL);
    ax_memo_stats_read(nested_memo, &stats);
    CHECK_EQ(stats.waits, 1);
    CHECK_EQ(ax_memo_destroy(nested_memo), AX_OK);
}

int main(void)
{
    RUN(a_wait_that_is_over_blocks_nothing);
    RUN(an_ended_entry_gives_no_reference_and_stays_readable_in_the_section);
    return check_summary();
}

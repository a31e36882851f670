/* SPDX-License-Identifier: MIT */
/* memo.c: values that nobody owns, given without a reference. */
#include <atomicx/memo.h>

#include <stdbool.h>

#include "../threads.h"

static atomic_int computed;
static bool fails;
static ax_memo *memo;

/* The value is a number: twice the key, and one. */
static ax_status compute(void *context, const void *key, size_t key_len, void **value)
{
    uint64_t number;
    (void)context;
    CHECK_FATAL(key_len == sizeof number);
    memcpy(&number, key, sizeof number);
    atomic_fetch_add(&computed, 1);
    if (fails)
        return AX_EPERM;
    *value = (void *)(uintptr_t)(2 * number + 1);
    return AX_OK;
}

static void begin(ax_memo_options o)
{
    o.compute = compute;
    atomic_store(&computed, 0);
    fails = false;
    CHECK_FATAL(ax_memo_create(&o, &memo) == AX_OK);
}

static void end(void)
{
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
}

static uint64_t value_of(uint64_t key)
{
    void *value = NULL;
    CHECK_FATAL(ax_memo_do_value(memo, &key, sizeof key, &value) == AX_OK);
    return (uintptr_t)value;
}

static void a_value_is_computed_once_and_nothing_is_held(void)
{
    begin((ax_memo_options){ .capacity = 0 });
    CHECK_EQ(value_of(7), 15);
    CHECK_EQ(value_of(7), 15);
    CHECK_EQ(atomic_load(&computed), 1);
    ax_memo_stats s;
    ax_memo_stats_read(memo, &s);
    CHECK_EQ(s.hits, 1);
    CHECK_EQ(s.computations, 1);
    end(); /* not AX_EBUSY */
}

static void ignore(void *context, void *value)
{
    (void)context;
    (void)value;
}

static void where_values_are_owned_it_is_refused(void)
{
    begin((ax_memo_options){ .destroy = ignore });
    uint64_t key = 7;
    void *value = &key;
    CHECK_EQ(ax_memo_do_value(memo, &key, sizeof key, &value), AX_EINVAL);
    CHECK(value == &key);
    CHECK_EQ(atomic_load(&computed), 0);
    end();
}

static void an_error_is_given_and_kept_as_by_do(void)
{
    begin((ax_memo_options){ .error_ttl_ns = UINT64_MAX });
    fails = true;
    uint64_t key = 7;
    void *value = &key;
    CHECK_EQ(ax_memo_do_value(memo, &key, sizeof key, &value), AX_EPERM);
    CHECK_EQ(ax_memo_do_value(memo, &key, sizeof key, &value), AX_EPERM);
    CHECK(value == &key);
    CHECK_EQ(atomic_load(&computed), 1);
    end();
}

static void a_value_that_is_too_old_is_computed_again(void)
{
    begin((ax_memo_options){ .value_ttl_ns = 1 });
    for (int i = 1; i <= 3; i++) {
        CHECK_EQ(value_of(7), 15); /* a clock that has not moved yet makes it a hit */
        CHECK(atomic_load(&computed) >= 1 && atomic_load(&computed) <= i);
    }
    while (atomic_load(&computed) == 1)
        CHECK_EQ(value_of(7), 15);
    end();
}

/* As with references, but all can go at any time: the bound never refuses. */
static void what_was_asked_for_lately_is_spared_once(void)
{
    begin((ax_memo_options){ .capacity = 8 });
    for (uint64_t key = 0; key < 8; key++)
        CHECK_EQ(value_of(key), 2 * key + 1);
    for (uint64_t round = 0; round < 20; round++) {
        int before = atomic_load(&computed);
        CHECK_EQ(value_of(3), 7);
        CHECK_EQ(atomic_load(&computed), before);
        CHECK_EQ(value_of(100 + round), 201 + 2 * round);
    }
    end();
}

/* --- threads: each value is its key's, whatever others evict and forget -------------------------------- */

enum { WORKERS = 4, ASKED = 20000, KEYS = 40 };

static void ask(int index, void *arg)
{
    uint64_t random = (uint64_t)index + 1;
    (void)arg;
    for (int i = 0; i < ASKED; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t key = random >> 33;
        if (key % 64 == 0)
            (void)ax_memo_forget(memo, &(uint64_t){ key % KEYS }, sizeof(uint64_t));
        else
            CHECK_FATAL(value_of(key % KEYS) == 2 * (key % KEYS) + 1);
    }
}

static void values_are_right_among_evictions_and_forgetting(void)
{
    begin((ax_memo_options){ .capacity = 16 });
    run_threads(WORKERS, ask, NULL);
    ax_memo_stats s;
    ax_memo_stats_read(memo, &s);
    CHECK(s.hits > 0);
    CHECK(s.evictions > 0);
    end();
}

int main(void)
{
    RUN(a_value_is_computed_once_and_nothing_is_held);
    RUN(where_values_are_owned_it_is_refused);
    RUN(an_error_is_given_and_kept_as_by_do);
    RUN(a_value_that_is_too_old_is_computed_again);
    RUN(what_was_asked_for_lately_is_spared_once);
    RUN(values_are_right_among_evictions_and_forgetting);
    return check_summary();
}

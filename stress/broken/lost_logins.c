/* SPDX-License-Identifier: MIT */
/*
 * The login counter that loses logins. It worked for years; then the server got a second worker thread,
 * and the count of logins fell behind the log. `logins++` is three steps: load, add, store. When two
 * threads load the same value, they store the same sum, and one login has never happened.
 *
 * Told twice: once with a plain variable, as it was written, which is a data race that ThreadSanitizer
 * reports; and once with relaxed atomic load and store, as it was "fixed", which has no data race any
 * more, so that ThreadSanitizer is silent, and loses just as many.
 */
#include "../counter.h"

static int64_t lost_add(struct counter_shared *shared)
{
    /* relaxed, both: the mistake is not the order, it is that another thread can come between them */
    int64_t before = AX_DETAIL_LOAD_RELAXED(&shared->word);
    AX_DETAIL_STORE_RELAXED(&shared->word, before + 1);
    return before;
}

static int64_t lost_read(struct counter_shared *shared)
{
    return AX_DETAIL_LOAD_RELAXED(&shared->word); /* relaxed: one word, read to be looked at */
}

/* Not inlined: a compiler that sees the loop may keep the variable in a register through it, and a server
 * handles one login per call. */
static __attribute__((noinline)) int64_t plain_add(struct counter_shared *shared)
{
    return shared->word++;
}

static __attribute__((noinline)) int64_t plain_read(struct counter_shared *shared)
{
    return shared->word;
}

COUNTER_IMPL(lost);
COUNTER_IMPL(plain);

const ax_stress_impl broken_lost_logins = {
    .name = "broken-load-add-store",
    .about = "logins = logins + 1 by atomic load and atomic store: loses logins without a data race",
    .broken = true,
    .work = lost_work,
    .observe = counter_observe,
    .extra = &lost_kind,
};

const ax_stress_impl broken_plain_logins = {
    .name = "broken-plain",
    .about = "logins++ on a plain variable: loses logins, and is a data race",
    .broken = true,
    .work = plain_work,
    .observe = counter_observe,
    .extra = &plain_kind,
};

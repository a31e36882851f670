/* SPDX-License-Identifier: MIT */
/* For finding.py: mistakes that show when one thread does all of a long run of steps at a moment that another chose. */
#include "threads.h"

static atomic_int x, turns[3];

/* What was checked is acted on after the other thread has ended. */
static int steps;
static int first, second;
THREAD(counts_up)
{
    for (int i = 0; i < steps; i++)
        add(&x, 1, relaxed);
    return NULL;
}
THREAD(checks_then_acts)
{
    first = load(&x, relaxed);
    second = load(&x, acquire);
    return NULL;
}
static void all_of_it_comes_between(int n)
{
    steps = n;
    run2(checks_then_acts, counts_up);
    assert(!(first == 0 && second == n));
}
AX_MODEL_BROKEN(broken_check_outlived_by_10_steps, "assertion") { all_of_it_comes_between(10); }
AX_MODEL_BROKEN(broken_check_outlived_by_30_steps, "assertion") { all_of_it_comes_between(30); }
AX_MODEL_BROKEN(broken_check_outlived_by_100_steps, "assertion") { all_of_it_comes_between(100); }

/* Three threads that each work for a while on their own must have done so in the one order that goes wrong. */
static atomic_int stage;
static void work(size_t self)
{
    for (int i = 0; i < steps; i++)
        add(&turns[self - 1], 1, relaxed);
}
THREAD(third_comes_first)
{
    work((size_t)self);
    int zero = 0;
    (void)cas(&stage, &zero, 1, relaxed, relaxed);
    return NULL;
}
THREAD(second_comes_next)
{
    work((size_t)self);
    int one = 1;
    (void)cas(&stage, &one, 2, relaxed, relaxed);
    return NULL;
}
THREAD(first_comes_last)
{
    int two = 2;
    assert(!cas(&stage, &two, 3, relaxed, relaxed));
    return NULL;
}
static void one_order_goes_wrong(int n)
{
    steps = n;
    run3(first_comes_last, second_comes_next, third_comes_first);
}
AX_MODEL_BROKEN(broken_order_of_three_after_10_steps, "assertion") { one_order_goes_wrong(10); }
AX_MODEL_BROKEN(broken_order_of_three_after_30_steps, "assertion") { one_order_goes_wrong(30); }
AX_MODEL_BROKEN(broken_order_of_three_after_100_steps, "assertion") { one_order_goes_wrong(100); }

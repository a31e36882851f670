/* SPDX-License-Identifier: MIT */
/* counter.h under the model: exact, and one order for all counters. */
#include "../threads.h"

#include <atomicx/counter.h>

static ax_counter c, d;
static int64_t before[9];
static int taken;

static void *add_three(void *self)
{
    for (int i = 0; i < 3; i++)
        before[3 * ((size_t)self - 1) + (size_t)i] = ax_counter_add(&c, 1);
    return NULL;
}
AX_MODEL_TEST(six_additions_by_two_threads_return_each_value_once)
{
    run2(add_three, add_three);
    unsigned seen = 0;
    for (int i = 0; i < 6; i++)
        seen |= 1u << before[i];
    assert(seen == 0x3f);
    assert(ax_counter_read(&c) == 6);
}

THREAD(add_five) { ax_counter_add(&c, 5); return NULL; }
THREAD(sub_two) { ax_counter_sub(&c, 2); return NULL; }
THREAD(exchange_hundred) { before[0] = ax_counter_exchange(&c, 100); return NULL; }
AX_MODEL_TEST(addition_subtraction_and_exchange_fall_into_one_order)
{
    run3(add_five, sub_two, exchange_hundred);
    /* What came before the exchange was handed out, what came after stays. */
    assert(before[0] + ax_counter_read(&c) == 103);
}

THREAD(add_c_read_d) { ax_counter_add(&c, 1); before[0] = ax_counter_read(&d); return NULL; }
THREAD(add_d_read_c) { ax_counter_add(&d, 1); before[1] = ax_counter_read(&c); return NULL; }
AX_MODEL_TEST(C1_two_counters_are_in_one_order)
{
    run2(add_c_read_d, add_d_read_c);
    assert(before[0] == 1 || before[1] == 1);
}
THREAD(read_c_then_d) { before[0] = ax_counter_read(&c); before[1] = ax_counter_read(&d); return NULL; }
THREAD(read_d_then_c) { before[2] = ax_counter_read(&d); before[3] = ax_counter_read(&c); return NULL; }
THREAD(add_c) { ax_counter_add(&c, 1); return NULL; }
THREAD(add_d) { ax_counter_add(&d, 1); return NULL; }
AX_MODEL_TEST(C1_two_readers_agree_on_the_order_of_two_counters)
{
    run4(add_c, add_d, read_c_then_d, read_d_then_c);
    assert(!(before[0] == 1 && before[1] == 0 && before[2] == 1 && before[3] == 0));
}

THREAD(swap_from_zero)
{
    int64_t expected = 0;
    if (ax_counter_compare_exchange(&c, &expected, (int64_t)(size_t)self))
        before[(size_t)self] = 1;
    else
        assert(expected != 0);
    return NULL;
}
AX_MODEL_TEST(one_of_three_compare_exchanges_wins)
{
    run3(swap_from_zero, swap_from_zero, swap_from_zero);
    assert(before[1] + before[2] + before[3] == 1);
    assert(before[ax_counter_read(&c)] == 1);
}

THREAD(add_checked)
{
    int64_t previous;
    if (ax_counter_add_checked(&c, 1, &previous) == AX_OK)
        before[(size_t)self] = 1;
    return NULL;
}
AX_MODEL_TEST(checked_addition_stops_at_the_end)
{
    ax_counter_init(&c, INT64_MAX - 1);
    run2(add_checked, add_checked);
    assert(before[1] + before[2] == 1);
    assert(ax_counter_read(&c) == INT64_MAX);
}

THREAD(raise) { ax_counter_raise_to(&c, (int64_t)(size_t)self * 10); return NULL; }
AX_MODEL_TEST(raising_keeps_the_highest)
{
    run3(raise, raise, raise);
    assert(ax_counter_read(&c) == 30);
}

/* A counter publishes: an operation synchronizes with the one whose value it returns. */
THREAD(writes_then_adds) { taken = 7; ax_counter_add(&c, 1); return NULL; }
THREAD(reads_then_looks) { if (ax_counter_read(&c) == 1) assert(taken == 7); return NULL; }
AX_MODEL_TEST(a_returned_value_orders) { run2(writes_then_adds, reads_then_looks); }

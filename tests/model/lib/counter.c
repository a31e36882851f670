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

THREAD(add_exchange_read)
{
    ax_counter_add(&c, 1);
    before[0] = ax_counter_exchange(&c, 10);
    before[1] = ax_counter_read(&c);
    return NULL;
}
THREAD(compare_raise_sub)
{
    int64_t zero = 0;
    taken = ax_counter_compare_exchange(&c, &zero, 5);
    ax_counter_raise_to(&c, 3);
    ax_counter_sub(&c, 1);
    return NULL;
}
AX_MODEL_TEST(six_different_changes_by_two_threads_fall_into_one_order)
{
    run2(add_exchange_read, compare_raise_sub);
    int64_t last = ax_counter_read(&c);
    assert(before[0] >= 1 && before[0] <= 6);
    assert(before[1] == 10 || before[1] == 9);
    if (before[1] == 9) /* all of the other's changes are in it */
        assert(last == 9);
    assert(last == 9 || last == before[0] - 1 || last == 10);
    ax_model_outcome("compare %s, %lld taken out, %lld left", taken ? "swapped" : "failed", (long long)before[0], (long long)last);
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

THREAD(lower) { ax_counter_lower_to(&c, (int64_t)(size_t)self * -10); return NULL; }
AX_MODEL_TEST(lowering_keeps_the_lowest)
{
    run3(lower, lower, lower);
    assert(ax_counter_read(&c) == -30);
}

/* Each way to change a counter and each way to look at one is in the order of all. */
static enum { ADD, SUB, EXCHANGE, COMPARE, CHECKED, RAISE, LOWER } change;
static enum { READ, LOOK_BY_RAISING, LOOK_BY_LOWERING } look;
static bool missed[3];

static void touch(ax_counter *x)
{
    int64_t zero = 0;
    switch (change) {
    case ADD: ax_counter_add(x, 1); break;
    case SUB: ax_counter_sub(x, 1); break;
    case EXCHANGE: ax_counter_exchange(x, 1); break;
    case COMPARE: assert(ax_counter_compare_exchange(x, &zero, 1)); break;
    case CHECKED: assert(ax_counter_add_checked(x, 1, NULL) == AX_OK); break;
    case RAISE: ax_counter_raise_to(x, 1); break;
    case LOWER: ax_counter_lower_to(x, -1); break;
    }
}
static bool untouched(ax_counter *x)
{
    switch (look) {
    case READ: break;
    case LOOK_BY_RAISING: return ax_counter_raise_to(x, 0) == 0;
    case LOOK_BY_LOWERING: return ax_counter_lower_to(x, 1) == 0;
    }
    return ax_counter_read(x) == 0;
}
THREAD(touch_c_look_at_d) { touch(&c); missed[1] = untouched(&d); return NULL; }
THREAD(touch_d_look_at_c) { touch(&d); missed[2] = untouched(&c); return NULL; }
static void cross(void)
{
    run2(touch_c_look_at_d, touch_d_look_at_c);
    assert(!(missed[1] && missed[2]));
}
AX_MODEL_TEST(C1_each_change_is_in_the_order) { change = ax_model_choose(LOWER + 1); cross(); }
AX_MODEL_TEST(C1_each_look_is_in_the_order) { look = ax_model_choose(LOOK_BY_LOWERING + 1); cross(); }

/* A refusal is a look, too: what was taken away before it would have made room. */
THREAD(add_c_add_checked_d) { ax_counter_add(&c, 1); missed[1] = ax_counter_add_checked(&d, INT64_MAX, NULL) != AX_OK; return NULL; }
THREAD(sub_d_read_c) { ax_counter_sub(&d, 1); missed[2] = ax_counter_read(&c) == 0; return NULL; }
AX_MODEL_TEST(C1_a_refusal_is_in_the_order)
{
    ax_counter_init(&d, 1);
    run2(add_c_add_checked_d, sub_d_read_c);
    assert(!(missed[1] && missed[2]));
}

/* A counter publishes: an operation synchronizes with the one whose value it returns. */
THREAD(writes_then_adds) { taken = 7; ax_counter_add(&c, 1); return NULL; }
THREAD(reads_then_looks) { if (ax_counter_read(&c) == 1) assert(taken == 7); return NULL; }
AX_MODEL_TEST(a_returned_value_orders) { run2(writes_then_adds, reads_then_looks); }

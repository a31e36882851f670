/* SPDX-License-Identifier: MIT */
/* adder.h under the model, with the real lib/adder.c: registration, sums during additions, threads that
 * leave, draining. The tables of threads stay reachable for ever, as designed, and are no leak. */
#include "../threads.h"

#include <atomicx/adder.h>

static ax_adder a;
static int64_t sums[4];

static void *adds_one(void *unused) { ax_adder_add(&a, 1); return unused; }
static void *adds_three(void *unused)
{
    for (int i = 0; i < 3; i++)
        ax_adder_add(&a, 1);
    return unused;
}
static void *sums_twice(void *unused)
{
    sums[0] = ax_adder_sum(&a);
    sums[1] = ax_adder_sum(&a);
    return unused;
}

AX_MODEL_TEST(two_threads_three_additions_are_exact_afterwards)
{
    run2(adds_three, adds_three);
    assert(ax_adder_sum(&a) == 6);
}
AX_MODEL_TEST(three_threads_one_addition_are_exact_afterwards)
{
    run3(adds_one, adds_one, adds_one);
    assert(ax_adder_sum(&a) == 3);
}
AX_MODEL_TEST(sums_during_additions_grow_within_bounds)
{
    run2(adds_three, sums_twice);
    assert(0 <= sums[0] && sums[0] <= sums[1] && sums[1] <= 3);
    assert(ax_adder_sum(&a) == 3);
}

/* A thread that ends hands its slot on, with what it holds. */
static void *starts_two_in_turn(void *unused)
{
    for (int i = 0; i < 2; i++) {
        pthread_t t;
        pthread_create(&t, NULL, adds_one, NULL);
        pthread_join(t, NULL);
    }
    return unused;
}
AX_MODEL_TEST(additions_of_ended_threads_stay)
{
    run2(starts_two_in_turn, sums_twice);
    assert(0 <= sums[0] && sums[0] <= sums[1] && sums[1] <= 2);
    assert(ax_adder_sum(&a) == 2);
}

static int64_t drained[2];
static void *drains(void *self)
{
    drained[(size_t)self - 1] = ax_adder_drain(&a);
    return NULL;
}
AX_MODEL_TEST(two_drainers_hand_out_each_unit_once)
{
    ax_adder_add(&a, 2);
    run3(drains, drains, adds_one);
    assert(drained[0] + drained[1] + ax_adder_sum(&a) == 3);
    assert(drained[0] >= 0 && drained[1] >= 0);
    assert(drained[0] + drained[1] + ax_adder_drain(&a) == 3);
}

static void *sums_once(void *unused)
{
    sums[0] = ax_adder_sum(&a);
    return unused;
}
AX_MODEL_TEST(A3_a_sum_beside_a_drain_is_not_negative)
{
    run3(adds_one, drains, sums_once);
    assert(0 <= sums[0] && sums[0] <= 1);
    assert(drained[0] + drained[1] + ax_adder_sum(&a) == 1);
}

static void *adds_from_a_handler(void *unused) { ax_adder_add_async(&a, 1); return unused; }
AX_MODEL_TEST(additions_through_the_shared_word_count)
{
    run3(adds_from_a_handler, adds_one, adds_from_a_handler);
    assert(ax_adder_sum(&a) == 3);
}

/* There are four numbers. The fifth adder does without one to its end, also when others give theirs back. */
AX_MODEL_TEST(an_adder_without_a_number_asks_once)
{
    static ax_adder with[4], without;
    for (int i = 0; i < 4; i++)
        ax_adder_add(&with[i], 1);
    ax_adder_add(&without, 1);
    ax_adder_fini(&with[0]);
    ax_adder_add(&without, 1);
    assert(without.shared_ == 2 && ax_adder_sum(&without) == 2);
}

static ax_adder second;
static void *adds_to_both(void *unused)
{
    ax_adder_add(&a, 1);
    ax_adder_add(&second, 10);
    return unused;
}
AX_MODEL_TEST(a_slot_number_used_again_begins_at_zero)
{
    run2(adds_to_both, adds_one);
    assert(ax_adder_sum(&a) == 2 && ax_adder_sum(&second) == 10);
    ax_adder_fini(&a);
    ax_adder_add(&a, 5);
    assert(ax_adder_sum(&a) == 5 && ax_adder_sum(&second) == 10);
}

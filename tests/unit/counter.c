/* SPDX-License-Identifier: MIT */
#include <atomicx/counter.h>

#include "../alarm.h"
#include "../processes.h"
#include "../threads.h"

static void every_operation_returns_the_value_before(void)
{
    ax_counter c = AX_COUNTER_INIT(5);
    CHECK_EQ(ax_counter_read(&c), 5);
    CHECK_EQ(ax_counter_add(&c, 3), 5);
    CHECK_EQ(ax_counter_sub(&c, 10), 8);
    CHECK_EQ(ax_counter_exchange(&c, 100), -2);
    CHECK_EQ(ax_counter_raise_to(&c, 200), 100);
    CHECK_EQ(ax_counter_lower_to(&c, 50), 200);
    CHECK_EQ(ax_counter_read(&c), 50);
}

static void raise_and_lower_leave_a_value_already_there(void)
{
    ax_counter c = AX_COUNTER_INIT(7);
    CHECK_EQ(ax_counter_raise_to(&c, 7), 7);
    CHECK_EQ(ax_counter_raise_to(&c, -1), 7);
    CHECK_EQ(ax_counter_lower_to(&c, 7), 7);
    CHECK_EQ(ax_counter_lower_to(&c, 8), 7);
    CHECK_EQ(ax_counter_read(&c), 7);
}

static void compare_exchange_tells_what_it_found(void)
{
    ax_counter c = AX_COUNTER_INIT(1);
    int64_t expected = 2;
    CHECK(!ax_counter_compare_exchange(&c, &expected, 9));
    CHECK_EQ(expected, 1);
    CHECK_EQ(ax_counter_read(&c), 1);
    CHECK(ax_counter_compare_exchange(&c, &expected, 9));
    CHECK_EQ(ax_counter_read(&c), 9);
}

static void checked_add_refuses_what_does_not_fit_and_changes_nothing(void)
{
    ax_counter c = AX_COUNTER_INIT(INT64_MAX - 1);
    int64_t previous = 42;
    CHECK_EQ(ax_counter_add_checked(&c, 2, &previous), AX_ERANGE);
    CHECK_EQ(previous, 42);
    CHECK_EQ(ax_counter_read(&c), INT64_MAX - 1);
    CHECK_EQ(ax_counter_add_checked(&c, 1, &previous), AX_OK);
    CHECK_EQ(previous, INT64_MAX - 1);
    CHECK_EQ(ax_counter_add_checked(&c, 1, NULL), AX_ERANGE);
    ax_counter_exchange(&c, INT64_MIN);
    CHECK_EQ(ax_counter_add_checked(&c, -1, NULL), AX_ERANGE);
    CHECK_EQ(ax_counter_add_checked(&c, INT64_MAX, NULL), AX_OK);
    CHECK_EQ(ax_counter_read(&c), -1);
}

static void plain_arithmetic_wraps_around(void)
{
    ax_counter c;
    ax_counter_init(&c, INT64_MAX);
    CHECK_EQ(ax_counter_add(&c, 1), INT64_MAX);
    CHECK_EQ(ax_counter_read(&c), INT64_MIN);
    CHECK_EQ(ax_counter_sub(&c, 1), INT64_MIN);
    CHECK_EQ(ax_counter_sub(&c, INT64_MIN), INT64_MAX);
    CHECK_EQ(ax_counter_read(&c), -1);
}

enum { ADDITIONS = 20000, WORKERS = 8 };

static void add_many(int index, void *arg)
{
    ax_counter *c = arg;
    for (int i = 0; i < ADDITIONS; i++) {
        if (index % 2 == 0)
            ax_counter_add(c, 3);
        else
            CHECK_FATAL(ax_counter_add_checked(c, 3, NULL) == AX_OK);
    }
}

static void no_addition_is_lost_between_threads(void)
{
    ax_counter c = AX_COUNTER_INIT(0);
    run_threads(WORKERS, add_many, &c);
    CHECK_EQ(ax_counter_read(&c), 3LL * ADDITIONS * WORKERS);
}

static void raise_many(int index, void *arg)
{
    for (int i = 0; i < ADDITIONS; i++)
        ax_counter_raise_to(arg, (int64_t)i * WORKERS + index);
}

static void raise_to_keeps_the_greatest_of_all_threads(void)
{
    ax_counter c = AX_COUNTER_INIT(INT64_MIN);
    run_threads(WORKERS, raise_many, &c);
    CHECK_EQ(ax_counter_read(&c), (int64_t)ADDITIONS * WORKERS - 1);
}

/* Each thread adds to its own counter and then reads the other's. Under sequential consistency the two
 * can't both read 0. One round per barrier; the probability of an interesting overlap is what the loop
 * count buys. (axmodel proves it; this shows that the compiled code agrees.) */
enum { ROUNDS = 20000 };
static struct {
    ax_counter x __attribute__((aligned(128)));
    ax_counter y __attribute__((aligned(128)));
} pair[ROUNDS];
static int64_t seen[2][ROUNDS];

static void add_then_read_the_other(int index, void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        ax_counter_add(index == 0 ? &pair[i].x : &pair[i].y, 1);
        seen[index][i] = ax_counter_read(index == 0 ? &pair[i].y : &pair[i].x);
    }
}

static void C1_two_counters_are_one_order(void)
{
    run_threads(2, add_then_read_the_other, NULL);
    int both_missed = 0;
    for (int i = 0; i < ROUNDS; i++)
        both_missed += seen[0][i] == 0 && seen[1][i] == 0;
    CHECK_EQ(both_missed, 0);
}

static ax_counter in_handler = AX_COUNTER_INIT(0);
static void add_one(void)
{
    ax_counter_add(&in_handler, 1);
}

static void additions_in_a_signal_handler_are_counted(void)
{
    int64_t made = interrupt(add_one, add_one, 50);
    CHECK_EQ(ax_counter_read(&in_handler), made);
}

static void processes_count_together_in_shared_memory(void)
{
    ax_counter *c = shared_memory(4096);
    pid_t children[4];
    for (int p = 0; p < 4; p++) {
        children[p] = fork();
        CHECK_FATAL(children[p] >= 0);
        if (children[p] == 0) {
            for (int i = 0; i < ADDITIONS; i++)
                ax_counter_add(c, 1);
            _exit(0);
        }
    }
    for (int p = 0; p < 4; p++)
        waitpid(children[p], NULL, 0);
    CHECK_EQ(ax_counter_read(c), 4LL * ADDITIONS);
    munmap(c, 4096);
}

int main(void)
{
    RUN(every_operation_returns_the_value_before);
    RUN(raise_and_lower_leave_a_value_already_there);
    RUN(compare_exchange_tells_what_it_found);
    RUN(checked_add_refuses_what_does_not_fit_and_changes_nothing);
    RUN(plain_arithmetic_wraps_around);
    RUN(processes_count_together_in_shared_memory);
    RUN(no_addition_is_lost_between_threads);
    RUN(raise_to_keeps_the_greatest_of_all_threads);
    RUN(C1_two_counters_are_one_order);
    RUN(additions_in_a_signal_handler_are_counted);
    return check_summary();
}

/* SPDX-License-Identifier: MIT */
/* memo_recursion.c: computations that ask for what waits for them, and chains that only look like it. */
#include "memo_world.h"

static ax_status inner_status;
static ax_status ask_again(const char *key, void **value)
{
    ax_memo_ref ref;
    if (strcmp(key, "x") == 0) { /* x needs y, which needs x */
        CHECK_EQ(ax_memo_do(world.memo, "y", 1, &ref), AX_OK);
        ax_memo_release(world.memo, &ref);
    } else {
        struct timespec late = in_ms(60000);
        const char *asked = strcmp(key, "y") == 0 ? "x" : key;
        inner_status = ax_memo_do_until(world.memo, asked, 1, &late, &ref);
        CHECK_EQ(ax_memo_do(world.memo, asked, 1, &ref), AX_EDEADLK);
    }
    return make_value(key, value);
}

static void recursion_on_a_key_is_a_status_and_not_a_hang(void)
{
    begin();
    world.script = ask_again;
    inner_status = AX_OK;
    CHECK_EQ(get("a", NULL), AX_OK);
    CHECK_EQ(inner_status, AX_EDEADLK);
    inner_status = AX_OK;
    CHECK_EQ(get("x", NULL), AX_OK);
    CHECK_EQ(inner_status, AX_EDEADLK);
    CHECK_EQ(stats().entries, 3);
    CHECK_EQ(get("y", NULL), AX_OK);
    end();
}

/* p needs q and q needs p, begun by different threads at once; and so do three in a circle. Just one of
 * them is refused, and computes without the other. */
static atomic_int refused, started;
static int circle;
static ax_status need_the_next(const char *key, void **value)
{
    char next[2] = { (char)('p' + (key[0] - 'p' + 1) % circle), '\0' };
    atomic_fetch_add(&started, 1);
    while (atomic_load(&started) < circle)
        sched_yield();
    ax_memo *memo = circle == 2 && key[0] == 'q' ? world.other : world.memo; /* over two memos as well */
    ax_memo_ref ref;
    ax_status status = ax_memo_do(memo, next, 1, &ref);
    if (status == AX_OK)
        ax_memo_release(memo, &ref);
    else if (CHECK_EQ(status, AX_EDEADLK))
        atomic_fetch_add(&refused, 1);
    return make_value(key, value);
}

static void get_in_circle(int index, void *arg)
{
    (void)arg;
    char key[2] = { (char)('p' + index), '\0' };
    ax_memo_ref ref;
    ax_memo *memo = circle == 2 && index == 0 ? world.other : world.memo;
    CHECK_EQ(ax_memo_do(memo, key, 1, &ref), AX_OK);
    ax_memo_release(memo, &ref);
}

static void recursion_through_other_threads_and_memos_is_found(void)
{
    for (circle = 2; circle <= 3; circle++) {
        for (int round = 0; round < 50; round++) {
            begin();
            ax_memo_options o = options();
            CHECK_FATAL(ax_memo_create(&o, &world.other) == AX_OK);
            world.script = need_the_next;
            atomic_store(&refused, 0);
            atomic_store(&started, 0);
            run_threads(circle, get_in_circle, NULL);
            CHECK_EQ(atomic_load(&refused), 1);
            CHECK_EQ(ax_memo_destroy(world.other), AX_OK);
            end();
        }
    }
}

/* Waiting in a long chain that is no circle is fine. */
static ax_status need_the_one_below(const char *key, void **value)
{
    char below[2] = { (char)(key[0] - 1), '\0' };
    if (key[0] > 'a') {
        ax_memo_ref ref;
        CHECK_EQ(ax_memo_do(world.memo, below, 1, &ref), AX_OK);
        ax_memo_release(world.memo, &ref);
    } else {
        sleep_ms(10);
    }
    return make_value(key, value);
}

static void get_own_letter(int index, void *arg)
{
    (void)arg;
    char key[2] = { (char)('a' + index), '\0' };
    CHECK_EQ(get(key, NULL), AX_OK);
}

static void chains_without_a_circle_are_not_refused(void)
{
    for (int round = 0; round < 10; round++) {
        begin();
        world.script = need_the_one_below;
        run_threads(12, get_own_letter, NULL);
        CHECK_EQ(atomic_load(&world.computed), 12);
        end();
    }
}

int main(void)
{
    RUN(recursion_on_a_key_is_a_status_and_not_a_hang);
    RUN(recursion_through_other_threads_and_memos_is_found);
    RUN(chains_without_a_circle_are_not_refused);
    return check_summary();
}

/* SPDX-License-Identifier: MIT */
/* memo.h under the model, the larger cases. */
#include "memo.c"

AX_MODEL_TEST(three_callers_share_one_flight)
{
    open_memo();
    run3(asks, asks, asks);
    assert(computed == 1 && destroyed == 0);
    assert(ax_memo_destroy(memo) == AX_OK);
    assert(destroyed == 1);
}
AX_MODEL_TEST(three_callers_share_errors)
{
    fails = 1;
    open_memo();
    run3(asks, asks, asks);
    for (int i = 1; i <= 3; i++)
        assert(results[i] == AX_EPERM);
    assert(computed >= 1 && computed <= 3);
    assert(ax_memo_destroy(memo) == AX_OK);
}
AX_MODEL_TEST(a_dying_leader_hands_over_to_one_of_two)
{
    dies = 1;
    open_memo();
    run3(asks, asks, asks);
    assert(computed == 2);
    assert(ax_memo_destroy(memo) == AX_OK);
}
THREAD(asks_three_times)
{
    for (int i = 0; i < 3; i++)
        asks(self);
    return NULL;
}
AX_MODEL_TEST(what_is_there_is_not_computed_again)
{
    open_memo();
    run2(asks_three_times, asks_three_times);
    assert(computed == 1);
    assert(ax_memo_destroy(memo) == AX_OK);
}

/* z needs x, which needs y. Who has computed y, and then asks for x, waits for another who may still seem to wait for y:
 * that is no circle. */
static ax_status compute_what_it_needs(void *context, const void *key, size_t key_len, void **value)
{
    const char *needed = *(const char *)key == 'z' ? "x" : *(const char *)key == 'x' ? "y" : NULL;
    ax_memo_ref ref;
    if (needed) {
        assert(ax_memo_do(memo, needed, 1, &ref) == AX_OK);
        ax_memo_release(memo, &ref);
    }
    return compute(context, key, key_len, value);
}
THREAD(asks_for_y_then_z) { ask_for_each("yz"); return NULL; }
THREAD(asks_for_x) { ask_for_each("x"); return NULL; }
AX_MODEL_TEST(who_has_computed_a_key_is_not_in_its_flight_any_more)
{
    ax_memo_options options = {.compute = compute_what_it_needs, .destroy = destroy};
    assert(ax_memo_create(&options, &memo) == AX_OK);
    run2(asks_for_y_then_z, asks_for_x);
    close_memo();
}
AX_MODEL_TEST(M_last_two_ask_while_one_forgets)
{
    open_memo();
    asks((void *)0);
    run3(asks, asks, forgets);
    assert(computed == 1 || computed == 2);
    close_memo();
    assert(destroyed == computed);
}

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

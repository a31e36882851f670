/* SPDX-License-Identifier: MIT */
/* accounts.h under the model, the larger cases: for the night. */
#include "accounts_sizes.c"

static void withdraw(uint32_t account, int64_t amount) { assert(ax_accounts_withdraw(bank, account, amount) == AX_OK); }

/* ---- changes right after an audit: each account's first one also keeps the balance before ---- */

AX_MODEL_TEST(an_audit_during_a_transfer_sees_the_whole_sum)
{
    open_bank(2);
    run2(moves_3, audits);
    assert(sums[2] == 2 * OPENING);
    close_bank(OPENING - 3, OPENING + 3, 0);
}
AX_MODEL_TEST(a_transfer_an_audit_and_a_look)
{
    open_bank(2);
    run3(moves_3, audits, looks_at_1);
    assert(sums[2] == 2 * OPENING);
    assert(sums[3] == OPENING || sums[3] == OPENING + 3);
    close_bank(OPENING - 3, OPENING + 3, 0);
}
AX_MODEL_TEST(a_deposit_an_audit_and_a_look)
{
    open_bank(1);
    run3(pays_in_7, audits, looks);
    assert(sums[2] == OPENING || sums[2] == OPENING + 7);
    assert(sums[3] == OPENING || sums[3] == OPENING + 7);
    close_bank(OPENING + 7, 0, 0);
}
AX_MODEL_TEST(two_deposits_right_after_an_audit)
{
    open_bank(1);
    (void)audit();
    run2(pays_in_7, pays_in_7);
    close_bank(OPENING + 14, 0, 0);
}

/* ---- three who change ---- */

THREAD(takes_out_2) { withdraw(0, 2); return NULL; }
AX_MODEL_TEST(one_looks_while_two_change)
{
    open_bank(1);
    run3(pays_in_7, takes_out_2, looks);
    int64_t seen = sums[3] - OPENING;
    assert(seen == 0 || seen == 7 || seen == -2 || seen == 5);
    close_bank(OPENING + 5, 0, 0);
}
AX_MODEL_TEST(three_deposits_add_up)
{
    open_bank(1);
    run3(pays_in_7, pays_in_7, pays_in_7);
    close_bank(OPENING + 21, 0, 0);
}
THREAD(pays_1_in_9) { deposit(1, 9); return NULL; }
AX_MODEL_TEST(a_deposit_and_a_look_meet_a_transfer)
{
    open_bank(2);
    run3(moves_3, pays_1_in_9, looks_at_0);
    assert(sums[2] == OPENING || sums[2] == OPENING - 3);
    close_bank(OPENING - 3, OPENING + 12, 0);
}

/* ---- three changes each ---- */

THREAD(pays_in_three_times)
{
    for (int i = 0; i < 3; i++)
        deposit(0, 7);
    return NULL;
}
AX_MODEL_TEST(six_deposits_add_up)
{
    open_bank(1);
    run2(pays_in_three_times, pays_in_three_times);
    close_bank(OPENING + 42, 0, 0);
}
THREAD(moves_looks_and_pays_in) { transfer(0, 1, 3); (void)balance(0); deposit(1, 9); return NULL; }
THREAD(moves_back_looks_and_takes_out) { transfer(1, 0, 5); (void)balance(1); withdraw(0, 2); return NULL; }
AX_MODEL_TEST(transfers_cross_and_go_on)
{
    open_bank(2);
    run2(moves_looks_and_pays_in, moves_back_looks_and_takes_out);
    close_bank(OPENING, OPENING + 7, 0);
}

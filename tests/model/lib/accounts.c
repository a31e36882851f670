/* SPDX-License-Identifier: MIT */
/* accounts.h under the model, with the real lib/accounts*.c: transfers in one step, helping, audits. */
#include "../threads.h"

#include <atomicx/accounts.h>

static ax_accounts *bank;
static uint32_t a, b;

static ax_status results[4];
static int note; /* plain on purpose: B1 must order it */

static void open_bank(int64_t in_a, int64_t in_b)
{
    assert(ax_accounts_create(3, 4, NULL, &bank) == AX_OK);
    assert(ax_accounts_open(bank, 0, &a) == AX_OK);
    assert(ax_accounts_open(bank, 0, &b) == AX_OK);
    if (in_a != 0)
        assert(ax_accounts_deposit(bank, a, in_a) == AX_OK);
    if (in_b != 0)
        assert(ax_accounts_deposit(bank, b, in_b) == AX_OK);
}
/* Forgets it too: what somebody still points to is no leak. */
static void close_bank(void)
{
    ax_accounts_destroy(bank);
    bank = NULL;
}
static int64_t balance(uint32_t account)
{
    int64_t v;
    assert(ax_accounts_balance(bank, account, &v) == AX_OK);
    return v;
}

THREAD(moves_a_to_b) { results[1] = ax_accounts_transfer(bank, a, b, 3); return NULL; }
THREAD(deposits_in_a) { results[(size_t)self] = ax_accounts_deposit(bank, a, 7); return NULL; }
THREAD(withdraws_all) { results[(size_t)self] = ax_accounts_withdraw(bank, a, 3); return NULL; }

AX_MODEL_TEST(two_deposits_add_up)
{
    open_bank(1, 0);
    run2(deposits_in_a, deposits_in_a);
    assert(balance(a) == 15);
    close_bank();
}
AX_MODEL_TEST(of_two_withdrawals_the_floor_lets_one)
{
    open_bank(3, 0);
    run2(withdraws_all, withdraws_all);
    assert((results[1] == AX_OK) != (results[2] == AX_OK));
    assert(balance(a) == 0);
    close_bank();
}
THREAD(deposits_and_notes)
{
    note = 9;
    ax_accounts_deposit(bank, a, 1);
    return NULL;
}
THREAD(reads_balance)
{
    if (balance(a) == 1)
        assert(note == 9);
    return NULL;
}
AX_MODEL_TEST(B1_a_balance_that_shows_a_deposit_orders_it)
{
    open_bank(0, 0);
    run2(deposits_and_notes, reads_balance);
    close_bank();
}
THREAD(moves_b_to_a) { results[2] = ax_accounts_transfer(bank, b, a, 5); return NULL; }
AX_MODEL_TEST(transfers_crossing_each_other_keep_the_sum)
{
    open_bank(5, 5);
    run2(moves_a_to_b, moves_b_to_a);
    assert(results[1] == AX_OK && results[2] == AX_OK);
    assert(balance(a) == 7 && balance(b) == 3);
    close_bank();
}

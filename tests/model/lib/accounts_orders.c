/* SPDX-License-Identifier: MIT */
/* accounts.h under the model, with the real lib/accounts*.c. Nobody dies here: the kernel is asked about no one. */
#include "../threads.h"

#include <atomicx/accounts.h>

static ax_accounts *bank;
static int note; /* plain on purpose: written before the transfer that tells of it */

/* Accounts of 1 above a border between the words of a balance, so that a transfer of 2 carries. */
enum { OPENING = 65536 };

static void open_bank(int accounts)
{
    uint32_t number;
    assert(ax_accounts_create((uint32_t)accounts, 2, NULL, &bank) == AX_OK);
    for (int i = 0; i < accounts; i++)
        assert(ax_accounts_open(bank, 0, &number) == AX_OK && ax_accounts_deposit(bank, number, OPENING) == AX_OK);
}

/* Forgets it too: what somebody still points to is no leak. */
static void close_bank(void)
{
    ax_accounts_destroy(bank);
    bank = NULL;
}
static int64_t balance(uint32_t account)
{
    int64_t value;
    assert(ax_accounts_balance(bank, account, &value) == AX_OK);
    return value;
}

static void *transfers(void *unused)
{
    note = 7;
    assert(ax_accounts_transfer(bank, 0, 1, 2) == AX_OK);
    return unused;
}

static void *deposits(void *unused)
{
    note = 7;
    assert(ax_accounts_deposit(bank, 0, 2) == AX_OK);
    return unused;
}

static void *reads_zero(void *unused)
{
    int64_t b = balance(0);
    assert(b == OPENING || b == OPENING + 2);
    if (b != OPENING)
        assert(note == 7);
    return unused;
}

AX_MODEL_TEST(B1_a_balance_comes_with_what_was_done_before_it)
{
    open_bank(1);
    run2(deposits, reads_zero);
    assert(balance(0) == OPENING + 2);
    close_bank();
}

static void *audits(void *unused)
{
    int64_t b[2], sum;
    assert(ax_accounts_audit_all(bank, b, 2, NULL, &sum) == AX_OK);
    assert(sum == 2 * OPENING);
    assert(b[0] == OPENING || b[0] == OPENING - 2);
    if (b[0] != OPENING)
        assert(note == 7);
    return unused;
}

AX_MODEL_TEST(B3_an_audit_sees_all_of_a_transfer_or_nothing)
{
    open_bank(2);
    run2(transfers, audits);
    assert(balance(0) == OPENING - 2 && balance(1) == OPENING + 2);
    close_bank();
}

static void *pays_in(void *unused)
{
    assert(ax_accounts_deposit(bank, 0, 1) == AX_OK);
    return unused;
}

AX_MODEL_TEST(of_two_deposits_none_is_lost)
{
    open_bank(1);
    run2(pays_in, pays_in);
    assert(balance(0) == OPENING + 2);
    close_bank();
}

static void *opens(void *unused)
{
    uint32_t number;
    note = 7;
    assert(ax_accounts_open(bank, -5, &number) == AX_OK);
    return unused;
}

static void *withdraws(void *unused)
{
    ax_status status = ax_accounts_withdraw(bank, 0, 3);
    assert(status == AX_OK || status == AX_ENOTFOUND);
    if (status == AX_OK)
        assert(note == 7);
    return unused;
}

AX_MODEL_TEST(B1_an_account_comes_with_its_floor)
{
    assert(ax_accounts_create(1, 2, NULL, &bank) == AX_OK);
    run2(opens, withdraws);
    close_bank();
}

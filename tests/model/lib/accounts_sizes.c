/* SPDX-License-Identifier: MIT */
/*
 * accounts.h under the model, with the real lib/accounts*.c: three calls of each of two threads, one of each of three,
 * and owners that die. The accounts have been changed since the clock's last tick, as most are in a table that is in
 * use: a change right after an audit also keeps the balance before, which is what the tests with audits are about.
 */
#include "../threads.h"

#include <atomicx/accounts.h>

enum { OPENING = 1000, CALLS = 5 /* threads 2 to 4 begin their search for a place at three of them */ };

static ax_accounts *bank;

static void open_bank(uint32_t accounts)
{
    uint32_t number;
    assert(ax_accounts_create(accounts, CALLS, NULL, &bank) == AX_OK);
    for (uint32_t i = 0; i < accounts; i++)
        assert(ax_accounts_open(bank, 0, &number) == AX_OK && ax_accounts_deposit(bank, number, OPENING) == AX_OK);
}
static int64_t balance(uint32_t account)
{
    int64_t value;
    assert(ax_accounts_balance(bank, account, &value) == AX_OK);
    return value;
}
static int64_t audit(void)
{
    int64_t sum;
    assert(ax_accounts_audit(bank, &sum) == AX_OK);
    return sum;
}
static void transfer(uint32_t from, uint32_t to, int64_t amount)
{
    assert(ax_accounts_transfer(bank, from, to, amount) == AX_OK);
}
static void deposit(uint32_t account, int64_t amount) { assert(ax_accounts_deposit(bank, account, amount) == AX_OK); }

/* The balances at the end. Forgets the bank too: what somebody still points to is no leak. */
static void close_bank(int64_t zero, int64_t one, int64_t two)
{
    assert(balance(0) == zero);
    assert(ax_accounts_opened(bank) < 2 || balance(1) == one);
    assert(ax_accounts_opened(bank) < 3 || balance(2) == two);
    ax_accounts_destroy(bank);
    bank = NULL;
}

/* ---- two threads, three calls ---- */

THREAD(moves_3_on_between_looks)
{
    int64_t before = balance(0);
    transfer(0, 1, 3);
    int64_t after = balance(1);
    assert(before == OPENING || before == OPENING + 5);
    assert(after == OPENING + 3 || after == OPENING - 2);
    return NULL;
}
THREAD(moves_5_back_between_looks)
{
    int64_t before = balance(1);
    transfer(1, 0, 5);
    int64_t after = balance(0);
    assert(before == OPENING || before == OPENING + 3);
    assert(after == OPENING + 5 || after == OPENING + 2);
    return NULL;
}
AX_MODEL_TEST(transfers_cross_between_looks)
{
    open_bank(2);
    run2(moves_3_on_between_looks, moves_5_back_between_looks);
    close_bank(OPENING + 2, OPENING - 2, 0);
}

static int64_t sums[4];
THREAD(pays_in_looks_and_audits)
{
    deposit(0, 7);
    assert(balance(0) == OPENING + 7);
    assert(audit() == OPENING + 7);
    return NULL;
}
THREAD(looks_twice_and_audits)
{
    int64_t first = balance(0), second = balance(0), sum = audit();
    assert(first == OPENING || first == OPENING + 7);
    assert(second == first || second == OPENING + 7);
    assert(sum == second || sum == OPENING + 7);
    return NULL;
}
AX_MODEL_TEST(audits_and_looks_agree)
{
    open_bank(1);
    run2(pays_in_looks_and_audits, looks_twice_and_audits);
    close_bank(OPENING + 7, 0, 0);
}

/* ---- three threads, one call ---- */

THREAD(moves_3) { transfer(0, 1, 3); return NULL; }
THREAD(looks_at_0) { sums[2] = balance(0); return NULL; }
THREAD(looks_at_1) { sums[3] = balance(1); return NULL; }
AX_MODEL_TEST(two_look_at_the_ends_of_a_transfer)
{
    open_bank(2);
    run3(moves_3, looks_at_0, looks_at_1);
    assert(sums[2] == OPENING || sums[2] == OPENING - 3);
    assert(sums[3] == OPENING || sums[3] == OPENING + 3);
    close_bank(OPENING - 3, OPENING + 3, 0);
}
THREAD(looks) { sums[3] = balance(0); return NULL; }
THREAD(audits) { sums[(size_t)self] = audit(); return NULL; }
THREAD(pays_in_7) { deposit(0, 7); return NULL; }
AX_MODEL_TEST(an_audit_beside_a_deposit_has_it_or_not)
{
    open_bank(1);
    run2(pays_in_7, audits);
    assert(sums[2] == OPENING || sums[2] == OPENING + 7);
    close_bank(OPENING + 7, 0, 0);
}
AX_MODEL_TEST(of_two_audits_each_is_of_one_instant)
{
    open_bank(1);
    run3(audits, audits, looks);
    assert(sums[1] == OPENING && sums[2] == OPENING && sums[3] == OPENING);
    close_bank(OPENING, 0, 0);
}

/* ---- who meets a change completes it, whatever became of its owner ---- */

THREAD(moves_3_and_may_die)
{
    ax_model_mortal();
    transfer(0, 1, 3);
    return NULL;
}
THREAD(looks_at_both)
{
    int64_t first = balance(0), second = balance(1);
    assert(first == OPENING || first == OPENING - 3);
    assert(second == OPENING + 3 || (second == OPENING && first == OPENING));
    return NULL;
}
static void all_or_nothing_is_moved(void)
{
    int64_t moved = OPENING - balance(0);
    assert(moved == 0 || moved == 3);
    close_bank(OPENING - moved, OPENING + moved, 0);
}
AX_MODEL_TEST(a_dead_owners_transfer_is_whole)
{
    open_bank(2);
    run2(moves_3_and_may_die, looks_at_both);
    all_or_nothing_is_moved();
}
/* Two calls long the table has a dead thread's change in it, and both go on. */
THREAD(moves_5_back) { transfer(1, 0, 5); return NULL; }
AX_MODEL_TEST(a_transfer_goes_on_past_a_dead_owner)
{
    open_bank(2);
    run2(moves_3_and_may_die, moves_5_back);
    int64_t moved = OPENING + 5 - balance(0);
    assert(moved == 0 || moved == 3);
    close_bank(OPENING + 5 - moved, OPENING - 5 + moved, 0);
}

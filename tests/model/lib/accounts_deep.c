/* SPDX-License-Identifier: MIT */
/* accounts.h under the model, the larger cases: for the night. */
#include "accounts.c"

static int64_t sums[4];
THREAD(audits) { assert(ax_accounts_audit(bank, &sums[(size_t)self]) == AX_OK); return NULL; }

AX_MODEL_TEST(a_transfer_and_a_deposit_both_count)
{
    open_bank(3, 0);
    run2(moves_a_to_b, deposits_in_a);
    assert(results[1] == AX_OK && results[2] == AX_OK);
    assert(balance(a) == 7 && balance(b) == 3);
    ax_accounts_destroy(bank);
}
AX_MODEL_TEST(an_audit_during_a_transfer_sees_the_whole_sum)
{
    open_bank(5, 0);
    run2(moves_a_to_b, audits);
    assert(sums[2] == 5);
    assert(balance(a) == 2 && balance(b) == 3);
    ax_accounts_destroy(bank);
}

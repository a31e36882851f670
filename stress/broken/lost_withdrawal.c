/* SPDX-License-Identifier: MIT */
/*
 * The bank that lost money. A withdrawal reads the balance, takes the amount off in its head and writes the
 * result back; a payment that was made in between is overwritten. Each line looks like what it means.
 */
#include "../accounts.h"

/* Without this the compiler may keep several changes of one account in a register, and nothing would be lost. */
static __attribute__((noinline)) bool lost_update_add(struct accounts_row *row, int64_t amount, int64_t floor)
{
    int64_t balance = row->balance;
    if (amount < 0 && balance + amount < floor)
        return false;
    row->balance = balance + amount;
    return true;
}

static bool lost_update_deposit(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return lost_update_add(&shared->row[account], amount, shared->floor);
}

static bool lost_update_withdraw(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return lost_update_add(&shared->row[account], -amount, shared->floor);
}

static bool lost_update_transfer(struct accounts_shared *shared, uint32_t from, uint32_t to, int64_t amount)
{
    return lost_update_withdraw(shared, from, amount) && lost_update_deposit(shared, to, amount);
}

static bool lost_update_batch(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count)
{
    return accounts_rows_post(shared, legs, count);
}

/* None: with what an audit sees in flight, losses would not be told apart from it. */
static void lost_update_audit(struct accounts_shared *shared, int64_t *balances)
{
    accounts_rows_copy(shared, balances);
}

static const struct accounts_kind lost_update_kind = { lost_update_transfer, lost_update_batch, lost_update_deposit,
                                                       lost_update_withdraw, lost_update_audit };

static void lost_update_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    accounts_do(self, &lost_update_kind, end - begin);
}

const ax_stress_impl broken_lost_update = { .name = "broken-lost-update", .broken = true,
                                            .about = "a withdrawal reads the balance and writes the difference: money is lost",
                                            .enter = accounts_enter, .work = lost_update_work,
                                            .extra = &lost_update_kind };

/* SPDX-License-Identifier: MIT */
/*
 * The account below zero. Whether there is enough money is looked up first, and the money is moved then, each
 * properly under the mutex: two who look at the same moment both find enough.
 */
#include <sched.h>

#include "../accounts.h"

static bool overdraft_check(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count)
{
    bool enough = true;
    pthread_mutex_lock(&shared->mutex);
    for (uint32_t i = 0; i < count; i++)
        enough = enough && (legs[i].amount >= 0 || shared->row[legs[i].account].balance + legs[i].amount >= shared->floor);
    pthread_mutex_unlock(&shared->mutex);
    return enough;
}

static bool overdraft_batch(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count)
{
    static _Thread_local unsigned calls;
    if (!overdraft_check(shared, legs, count))
        return false;
    if (calls++ % 16 == 0)
        sched_yield(); /* now and then there is something to wait for in between: a log, another service */
    pthread_mutex_lock(&shared->mutex);
    for (uint32_t i = 0; i < count; i++)
        shared->row[legs[i].account].balance += legs[i].amount;
    pthread_mutex_unlock(&shared->mutex);
    return true;
}

static bool overdraft_transfer(struct accounts_shared *shared, uint32_t from, uint32_t to, int64_t amount)
{
    return overdraft_batch(shared, (ax_accounts_leg[2]){ { from, -amount }, { to, amount } }, 2);
}

static bool overdraft_deposit(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return overdraft_batch(shared, &(ax_accounts_leg){ account, amount }, 1);
}

static bool overdraft_withdraw(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return overdraft_batch(shared, &(ax_accounts_leg){ account, -amount }, 1);
}

static void overdraft_audit(struct accounts_shared *shared, int64_t *balances)
{
    pthread_mutex_lock(&shared->mutex);
    accounts_rows_copy(shared, balances);
    pthread_mutex_unlock(&shared->mutex);
}

ACCOUNTS_IMPL(overdraft)

const ax_stress_impl broken_overdraft = { .name = "broken-overdraft", .broken = true,
                                          .about = "looks for enough money, then moves it: accounts fall below their floor",
                                          .enter = accounts_enter, .work = overdraft_work, .observe = overdraft_look,
                                          .extra = &overdraft_kind };

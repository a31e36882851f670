/* SPDX-License-Identifier: MIT */
/* What people write instead: one mutex around the bank, or one for each account, taken in order. */
#include "accounts.h"

bool accounts_rows_post(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (legs[i].amount < 0 && shared->row[legs[i].account].balance + legs[i].amount < shared->floor)
            return false;
    for (uint32_t i = 0; i < count; i++)
        shared->row[legs[i].account].balance += legs[i].amount;
    return true;
}

void accounts_rows_copy(const struct accounts_shared *shared, int64_t *balances)
{
    for (uint32_t i = 0; i < shared->count; i++)
        balances[i] = shared->row[i].balance;
}

static bool mutex_batch(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count)
{
    pthread_mutex_lock(&shared->mutex);
    bool done = accounts_rows_post(shared, legs, count);
    pthread_mutex_unlock(&shared->mutex);
    return done;
}

static bool mutex_transfer(struct accounts_shared *shared, uint32_t from, uint32_t to, int64_t amount)
{
    return mutex_batch(shared, (ax_accounts_leg[2]){ { from, -amount }, { to, amount } }, 2);
}

static bool mutex_deposit(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return mutex_batch(shared, &(ax_accounts_leg){ account, amount }, 1);
}

static bool mutex_withdraw(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return mutex_batch(shared, &(ax_accounts_leg){ account, -amount }, 1);
}

static void mutex_audit(struct accounts_shared *shared, int64_t *balances)
{
    pthread_mutex_lock(&shared->mutex);
    accounts_rows_copy(shared, balances);
    pthread_mutex_unlock(&shared->mutex);
}

ACCOUNTS_IMPL(mutex)

const ax_stress_impl accounts_mutex = { .name = "mutex", .about = "one mutex around all accounts",
                                        .enter = accounts_enter, .work = mutex_work, .observe = mutex_look,
                                        .extra = &mutex_kind };

/* In ascending order of accounts, whatever the order of the legs, so that no two can wait for each other. */
static uint32_t lowest_above(const ax_accounts_leg *legs, uint32_t count, uint32_t above, bool first)
{
    uint32_t lowest = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        if ((first || legs[i].account > above) && legs[i].account < lowest)
            lowest = legs[i].account;
    return lowest;
}

static bool two_mutexes_batch(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count)
{
    uint32_t account = 0;
    for (uint32_t i = 0; i < count; i++) {
        account = lowest_above(legs, count, account, i == 0);
        pthread_mutex_lock(&shared->row[account].mutex);
    }
    bool done = accounts_rows_post(shared, legs, count);
    for (uint32_t i = 0; i < count; i++)
        pthread_mutex_unlock(&shared->row[legs[i].account].mutex);
    return done;
}

static bool two_mutexes_transfer(struct accounts_shared *shared, uint32_t from, uint32_t to, int64_t amount)
{
    return two_mutexes_batch(shared, (ax_accounts_leg[2]){ { from, -amount }, { to, amount } }, 2);
}

static bool two_mutexes_deposit(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return two_mutexes_batch(shared, &(ax_accounts_leg){ account, amount }, 1);
}

static bool two_mutexes_withdraw(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return two_mutexes_batch(shared, &(ax_accounts_leg){ account, -amount }, 1);
}

static void two_mutexes_audit(struct accounts_shared *shared, int64_t *balances)
{
    for (uint32_t i = 0; i < shared->count; i++)
        pthread_mutex_lock(&shared->row[i].mutex);
    accounts_rows_copy(shared, balances);
    for (uint32_t i = 0; i < shared->count; i++)
        pthread_mutex_unlock(&shared->row[i].mutex);
}

ACCOUNTS_IMPL(two_mutexes)

const ax_stress_impl accounts_two_mutexes = { .name = "two-mutexes",
                                              .about = "a mutex for each account, taken in order; an audit takes all",
                                              .enter = accounts_enter, .work = two_mutexes_work,
                                              .observe = two_mutexes_look, .extra = &two_mutexes_kind };

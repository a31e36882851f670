/* SPDX-License-Identifier: MIT */
/*
 * The audit that found money missing. A transfer debits one account and then credits the other, each properly
 * under the mutex; who counts in between counts too little. At the end of the day all is there.
 */
#include "../accounts.h"

static bool in_flight_add(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    pthread_mutex_lock(&shared->mutex);
    bool done = accounts_rows_post(shared, &(ax_accounts_leg){ account, amount }, 1);
    pthread_mutex_unlock(&shared->mutex);
    return done;
}

static bool in_flight_deposit(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return in_flight_add(shared, account, amount);
}

static bool in_flight_withdraw(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return in_flight_add(shared, account, -amount);
}

static bool in_flight_transfer(struct accounts_shared *shared, uint32_t from, uint32_t to, int64_t amount)
{
    return in_flight_withdraw(shared, from, amount) && in_flight_deposit(shared, to, amount);
}

/* The first leg is the debit. */
static bool in_flight_batch(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!in_flight_add(shared, legs[i].account, legs[i].amount))
            return false;
    return true;
}

static void in_flight_audit(struct accounts_shared *shared, int64_t *balances)
{
    pthread_mutex_lock(&shared->mutex);
    accounts_rows_copy(shared, balances);
    pthread_mutex_unlock(&shared->mutex);
}

ACCOUNTS_IMPL(in_flight)

const ax_stress_impl broken_in_flight = { .name = "broken-in-flight", .broken = true,
                                          .about = "debits, then credits: an audit in between finds money missing",
                                          .enter = accounts_enter, .work = in_flight_work, .observe = in_flight_look,
                                          .extra = &in_flight_kind };

/* SPDX-License-Identifier: MIT */
/* The banks of stress/accounts, right and broken, from their own sources: two clients, three accounts. */
#include "../threads.h"

#include "../../../stress/accounts.h"

static struct accounts_row rows[3];
static struct accounts_shared bank;
static const struct accounts_kind *kind;
static int64_t counted[3];

/* What the harness calls; nothing here does. */
void accounts_enter(ax_stress_worker *self) { (void)self; }
void accounts_look(ax_stress_worker *self, const struct accounts_kind *of) { (void)self, (void)of; }
void accounts_do(ax_stress_worker *self, const struct accounts_kind *of, uint64_t count) { (void)self, (void)of, (void)count; }

static void open_bank(const ax_stress_impl *impl, int64_t opening)
{
    kind = impl->extra;
    bank = (struct accounts_shared){.row = rows, .count = 3};
    pthread_mutex_init(&bank.mutex, NULL);
    for (int i = 0; i < 3; i++) {
        rows[i].balance = opening;
        pthread_mutex_init(&rows[i].mutex, NULL);
    }
}

THREAD(pays_10_from_0_to_1) { kind->transfer(&bank, 0, 1, 10); return NULL; }
THREAD(pays_10_from_0_to_2) { kind->transfer(&bank, 0, 2, 10); return NULL; }
THREAD(pays_in_7) { kind->deposit(&bank, 0, 7); return NULL; }
THREAD(pays_in_5) { kind->deposit(&bank, 0, 5); return NULL; }
THREAD(audits) { kind->audit(&bank, counted); return NULL; }

static void two_deposits(const ax_stress_impl *impl)
{
    open_bank(impl, 0);
    run2(pays_in_7, pays_in_5);
    assert(rows[0].balance == 12);
}
static void the_last_10_paid_twice(const ax_stress_impl *impl)
{
    open_bank(impl, 10);
    run2(pays_10_from_0_to_1, pays_10_from_0_to_2);
    assert(rows[0].balance == 0);
    assert(rows[1].balance + rows[2].balance == 30);
}
static void an_audit_during_a_transfer(const ax_stress_impl *impl)
{
    open_bank(impl, 10);
    run2(pays_10_from_0_to_1, audits);
    assert(counted[0] + counted[1] + counted[2] == 30);
}

AX_MODEL_BROKEN(broken_lost_update_of_a_balance, "data race") { two_deposits(&broken_lost_update); }
AX_MODEL_BROKEN(broken_overdraft_of_the_last_10, "assertion") { the_last_10_paid_twice(&broken_overdraft); }
AX_MODEL_BROKEN(broken_in_flight_at_the_audit, "assertion") { an_audit_during_a_transfer(&broken_in_flight); }
AX_MODEL_TEST(overdraft_by_one_client_at_a_time)
{
    open_bank(&broken_overdraft, 10);
    pays_10_from_0_to_1(NULL);
    pays_10_from_0_to_2(NULL);
    assert(rows[0].balance == 0);
}

#define RIGHT(impl)                                                                  \
    AX_MODEL_TEST(impl##_keeps_two_deposits) { two_deposits(&accounts_##impl); }     \
    AX_MODEL_TEST(impl##_pays_the_last_10_once) { the_last_10_paid_twice(&accounts_##impl); } \
    AX_MODEL_TEST(impl##_audits_the_whole) { an_audit_during_a_transfer(&accounts_##impl); }
RIGHT(mutex)
RIGHT(two_mutexes)

/* SPDX-License-Identifier: MIT */
/* accounts_threads.c: what accounts.h promises to calls that overlap. */
#include <atomicx/accounts.h>

#include <stdbool.h>
#include <stdlib.h>

#include "../threads.h"

#ifdef __SANITIZE_THREAD__
enum { WORKERS = 8, ROUNDS = 6000 };
#else
enum { WORKERS = 8, ROUNDS = 20000 };
#endif

static ax_accounts *table(uint32_t accounts, uint32_t calls, int64_t opening)
{
    ax_accounts *t = NULL;
    uint32_t number;
    CHECK_FATAL(ax_accounts_create(accounts, calls, NULL, &t) == AX_OK);
    for (uint32_t i = 0; i < accounts; i++)
        CHECK_FATAL(ax_accounts_open(t, 0, &number) == AX_OK && ax_accounts_deposit(t, number, opening) == AX_OK);
    return t;
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 12) % below;
}

struct bank {
    ax_accounts *accounts;
    uint32_t count;
    int64_t total;      /* while transfers only */
    int64_t unit;       /* amounts are multiples of it, to carry into the high parts */
    atomic_int working; /* movers not done */
    atomic_llong added; /* deposits less withdrawals */
    atomic_int audits;
};

static void move_money(struct bank *bank, int index)
{
    uint32_t seed = (uint32_t)index * 2654435761u + 1;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t a = draw(&seed, bank->count), b = (a + 1 + draw(&seed, bank->count - 1)) % bank->count;
        int64_t amount = (int64_t)draw(&seed, 50) * bank->unit;
        ax_status s;
        if (bank->count >= 4 && draw(&seed, 4) == 0) {
            ax_accounts_leg legs[4] = { { a, -3 * amount } };
            for (uint32_t k = 1; k < 4; k++)
                legs[k] = (ax_accounts_leg){ (a + k) % bank->count, amount };
            s = ax_accounts_transfer_many(bank->accounts, legs, 4);
        } else {
            s = ax_accounts_transfer(bank->accounts, a, b, amount);
        }
        CHECK_FATAL(s == AX_OK || s == AX_EINSUFFICIENT);
    }
    atomic_fetch_sub(&bank->working, 1);
}

static void move_or_audit(int index, void *arg)
{
    struct bank *bank = arg;
    if (index < WORKERS) {
        move_money(bank, index);
        return;
    }
    int64_t balances[64], sum;
    uint32_t count;
    do {
        if (index % 2 == 0) {
            CHECK_FATAL(ax_accounts_audit(bank->accounts, &sum) == AX_OK && sum == bank->total);
        } else {
            CHECK_FATAL(ax_accounts_audit_all(bank->accounts, balances, 64, &count, &sum) == AX_OK);
            CHECK_FATAL(count == bank->count && sum == bank->total);
            for (uint32_t i = 0; i < count; i++) {
                CHECK_FATAL(balances[i] >= 0);
                sum -= balances[i];
            }
            CHECK_FATAL(sum == 0);
        }
        atomic_fetch_add(&bank->audits, 1);
    } while (atomic_load(&bank->working) > 0);
}

static void run_bank(uint32_t count, int64_t unit, int auditors)
{
    struct bank bank = { .accounts = table(count, WORKERS, 100 * unit), .count = count, .unit = unit };
    bank.total = 100 * unit * count;
    atomic_init(&bank.working, WORKERS);
    run_threads(WORKERS + auditors, move_or_audit, &bank);
    int64_t sum;
    CHECK_EQ(ax_accounts_audit(bank.accounts, &sum), AX_OK);
    CHECK_EQ(sum, bank.total);
    CHECK(auditors == 0 || atomic_load(&bank.audits) >= auditors);
    ax_accounts_destroy(bank.accounts);
}

static void no_audit_sees_money_in_flight(void)
{
    run_bank(50, 1, 1);
    run_bank(5, 60000, 2);
    run_bank(2, INT64_C(1) << 45, 2);
}

static void overlapping_audits_all_get_done(void)
{
    run_bank(20, 1000, 6);
}

/* Deposits and withdrawals whose result is counted: what is there at the end is what went in. */
static void pay_in_and_out(int index, void *arg)
{
    struct bank *bank = arg;
    uint32_t seed = (uint32_t)index + 77;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t a = draw(&seed, bank->count);
        int64_t amount = draw(&seed, 100000);
        bool in = draw(&seed, 2) != 0;
        ax_status s = in ? ax_accounts_deposit(bank->accounts, a, amount) : ax_accounts_withdraw(bank->accounts, a, amount);
        if (s == AX_OK)
            atomic_fetch_add(&bank->added, in ? amount : -amount);
        else
            CHECK_FATAL(!in && s == AX_EINSUFFICIENT);
        int64_t seen;
        CHECK_FATAL(ax_accounts_balance(bank->accounts, a, &seen) == AX_OK && seen >= 0);
    }
}

static void no_deposit_and_no_withdrawal_is_lost(void)
{
    struct bank bank = { .accounts = table(3, WORKERS, 0), .count = 3 };
    run_threads(WORKERS, pay_in_and_out, &bank);
    int64_t sum;
    CHECK_EQ(ax_accounts_audit(bank.accounts, &sum), AX_OK);
    CHECK_EQ(sum, atomic_load(&bank.added));
    ax_accounts_destroy(bank.accounts);
}

/* All four parts of the balances change with each transfer; a reader finds one of the two amounts, whole. */
#define ALL_PARTS INT64_C(0x0001000100010001)

static void swing_or_look(int index, void *arg)
{
    struct bank *bank = arg;
    if (index == 0) {
        for (int i = 0; i < 10 * ROUNDS; i++)
            CHECK_FATAL(ax_accounts_transfer(bank->accounts, (uint32_t)i % 2, 1 - (uint32_t)i % 2, ALL_PARTS) == AX_OK);
        atomic_store(&bank->working, 0);
        return;
    }
    int64_t seen, all[2];
    while (atomic_load(&bank->working)) {
        CHECK_FATAL(ax_accounts_balance(bank->accounts, 0, &seen) == AX_OK && (seen == 0 || seen == ALL_PARTS));
        if (index == 2)
            CHECK_FATAL(ax_accounts_audit_all(bank->accounts, all, 2, NULL, NULL) == AX_OK &&
                        (all[0] == 0 || all[0] == ALL_PARTS));
    }
}

static void a_balance_is_never_a_mixture_of_two(void)
{
    struct bank bank = { .accounts = table(2, 4, 0) };
    CHECK_FATAL(ax_accounts_deposit(bank.accounts, 0, ALL_PARTS) == AX_OK);
    atomic_init(&bank.working, 1);
    run_threads(4, swing_or_look, &bank);
    ax_accounts_destroy(bank.accounts);
}

/* An audit begun after a deposit has returned includes it; one completed before it began doesn't. */
static void audit_own_deposits(int index, void *arg)
{
    struct bank *bank = arg;
    int64_t balances[WORKERS], sum;
    for (int i = 1; i <= 500; i++) {
        CHECK_FATAL(ax_accounts_deposit(bank->accounts, (uint32_t)index, 3) == AX_OK);
        CHECK_FATAL(ax_accounts_audit_all(bank->accounts, balances, WORKERS, NULL, &sum) == AX_OK);
        CHECK_FATAL(balances[index] == 3 * i);
    }
}

static void an_audit_includes_all_that_was_done_before_its_call(void)
{
    struct bank bank = { .accounts = table(WORKERS, WORKERS, 0), .count = WORKERS };
    run_threads(WORKERS, audit_own_deposits, &bank);
    ax_accounts_destroy(bank.accounts);
}

/* One thread raises accounts 0 and then 1, step by step; no audit may see 1 ahead of 0 or two behind it, and
 * no audit may be older than a balance that its thread has read before, nor a balance older than the audit. */
static void step_or_watch(int index, void *arg)
{
    struct bank *bank = arg;
    if (index == 0) {
        for (int i = 0; i < ROUNDS; i++) {
            CHECK_FATAL(ax_accounts_deposit(bank->accounts, 0, 1) == AX_OK);
            CHECK_FATAL(ax_accounts_deposit(bank->accounts, 1, 1) == AX_OK);
        }
        atomic_store(&bank->working, 0);
        return;
    }
    int64_t b[2], before, after;
    while (atomic_load(&bank->working)) {
        CHECK_FATAL(ax_accounts_balance(bank->accounts, (uint32_t)index % 2, &before) == AX_OK);
        CHECK_FATAL(ax_accounts_audit_all(bank->accounts, b, 2, NULL, NULL) == AX_OK);
        CHECK_FATAL(ax_accounts_balance(bank->accounts, (uint32_t)index % 2, &after) == AX_OK);
        CHECK_FATAL(b[1] <= b[0] && b[0] <= b[1] + 1);
        CHECK_FATAL(before <= b[index % 2] && b[index % 2] <= after);
    }
}

static void audits_respect_the_order_of_changes_and_reads(void)
{
    struct bank bank = { .accounts = table(2, 4, 0), .count = 2 };
    atomic_init(&bank.working, 1);
    run_threads(4, step_or_watch, &bank);
    ax_accounts_destroy(bank.accounts);
}

/* A note is left by plain writes before each deposit; who sees the deposit may read it. */
struct notes {
    ax_accounts *accounts;
    int note[1000];
};

static void write_or_read_notes(int index, void *arg)
{
    struct notes *n = arg;
    int64_t seen = 0;
    if (index == 0) {
        for (int i = 0; i < 1000; i++) {
            n->note[i] = i + 42;
            CHECK_FATAL(ax_accounts_transfer(n->accounts, 0, 1, 1) == AX_OK);
        }
        return;
    }
    while (seen < 1000) {
        int64_t balances[2];
        if (index == 1) {
            CHECK_FATAL(ax_accounts_balance(n->accounts, 1, &seen) == AX_OK);
        } else {
            CHECK_FATAL(ax_accounts_audit_all(n->accounts, balances, 2, NULL, NULL) == AX_OK);
            seen = balances[1];
        }
        for (int i = 0; i < seen; i++)
            CHECK_FATAL(n->note[i] == i + 42);
    }
}

static void B1_who_sees_a_change_sees_what_was_done_before_it(void)
{
    for (int round = 0; round < 5; round++) {
        struct notes *n = calloc(1, sizeof *n);
        CHECK_FATAL(n != NULL);
        n->accounts = table(2, 4, 0);
        CHECK_FATAL(ax_accounts_deposit(n->accounts, 0, 1000) == AX_OK);
        run_threads(3, write_or_read_notes, n);
        ax_accounts_destroy(n->accounts);
        free(n);
    }
}

/* Opening beside audits: every account that an audit counts has been given out, and money is complete. */
static void open_or_audit(int index, void *arg)
{
    struct bank *bank = arg;
    uint32_t number;
    if (index == 0) {
        while (ax_accounts_open(bank->accounts, 0, &number) == AX_OK)
            CHECK_FATAL(ax_accounts_transfer(bank->accounts, 0, number, 1) == AX_OK);
        atomic_store(&bank->working, 0);
        return;
    }
    while (atomic_load(&bank->working)) {
        int64_t sum;
        CHECK_FATAL(ax_accounts_audit(bank->accounts, &sum) == AX_OK);
        CHECK_FATAL(sum == bank->total);
    }
}

static void no_audit_misses_money_on_a_new_account(void)
{
    struct bank bank = { .total = 100000 };
    uint32_t number;
    CHECK_FATAL(ax_accounts_create(3000, 2, NULL, &bank.accounts) == AX_OK);
    CHECK_FATAL(ax_accounts_open(bank.accounts, 0, &number) == AX_OK);
    CHECK_FATAL(ax_accounts_deposit(bank.accounts, number, bank.total) == AX_OK);
    atomic_init(&bank.working, 1);
    run_threads(3, open_or_audit, &bank);
    CHECK_EQ(ax_accounts_opened(bank.accounts), 3000);
    ax_accounts_destroy(bank.accounts);
}

/* Fewer places than threads: each call is done or says AX_EAGAIN and has done nothing. */
static void pay_in_if_there_is_a_place(int index, void *arg)
{
    struct bank *bank = arg;
    (void)index;
    for (int i = 0; i < ROUNDS; i++) {
        ax_status s = ax_accounts_deposit(bank->accounts, 0, 1);
        CHECK_FATAL(s == AX_OK || s == AX_EAGAIN);
        atomic_fetch_add(&bank->added, s == AX_OK);
    }
}

static void a_call_without_a_place_changes_nothing(void)
{
    struct bank bank = { .accounts = table(1, 1, 0), .count = 1 };
    int64_t value;
    run_threads(WORKERS, pay_in_if_there_is_a_place, &bank);
    CHECK_EQ(ax_accounts_balance(bank.accounts, 0, &value), AX_OK);
    CHECK_EQ(value, atomic_load(&bank.added));
    CHECK(value > 0);
    ax_accounts_destroy(bank.accounts);
}

int main(void)
{
    RUN(no_audit_sees_money_in_flight);
    RUN(overlapping_audits_all_get_done);
    RUN(no_deposit_and_no_withdrawal_is_lost);
    RUN(a_balance_is_never_a_mixture_of_two);
    RUN(an_audit_includes_all_that_was_done_before_its_call);
    RUN(audits_respect_the_order_of_changes_and_reads);
    RUN(B1_who_sees_a_change_sees_what_was_done_before_it);
    RUN(no_audit_misses_money_on_a_new_account);
    RUN(a_call_without_a_place_changes_nothing);
    return check_summary();
}

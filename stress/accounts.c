/* SPDX-License-Identifier: MIT */
/* Money moves between accounts while auditors count it: none is lost, none is seen in flight, none is overdrawn. */
#include "accounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH_LEGS = 4, HISTORY_ACCOUNTS = 1024 };

static void require(ax_status status, const char *what)
{
    if (status == AX_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, ax_strerror(status));
    _exit(70);
}

static bool accepted(ax_status status, const char *what)
{
    if (status != AX_EINSUFFICIENT)
        require(status, what);
    return status == AX_OK;
}

static bool ours_transfer(struct accounts_shared *shared, uint32_t from, uint32_t to, int64_t amount)
{
    return accepted(ax_accounts_transfer(shared->accounts, from, to, amount), "ax_accounts_transfer");
}

static bool ours_batch(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count)
{
    return accepted(ax_accounts_transfer_many(shared->accounts, legs, count), "ax_accounts_transfer_many");
}

static bool ours_deposit(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return accepted(ax_accounts_deposit(shared->accounts, account, amount), "ax_accounts_deposit");
}

static bool ours_withdraw(struct accounts_shared *shared, uint32_t account, int64_t amount)
{
    return accepted(ax_accounts_withdraw(shared->accounts, account, amount), "ax_accounts_withdraw");
}

static void ours_audit(struct accounts_shared *shared, int64_t *balances)
{
    require(ax_accounts_audit_all(shared->accounts, balances, shared->count, NULL, NULL), "ax_accounts_audit_all");
}

ACCOUNTS_IMPL(ours)

/* --- workers and auditors ---------------------------------------------------------------------------- */

static int64_t *new_balances(const struct accounts_shared *shared)
{
    int64_t *balances = calloc(shared->count, sizeof *balances);
    if (balances == NULL) {
        fprintf(stderr, "no memory for a ledger\n");
        _exit(70);
    }
    return balances;
}

void accounts_enter(ax_stress_worker *self)
{
    ((struct accounts_tally *)self->tally)->ledger = new_balances(self->shared);
}

static int64_t sum_of(const int64_t *balances, uint32_t count)
{
    int64_t sum = 0; /* openings and amounts are small enough by their options' ranges */
    for (uint32_t i = 0; i < count; i++)
        sum += balances[i];
    return sum;
}

static void audit(ax_stress_worker *self, const struct accounts_kind *kind, int64_t *balances)
{
    struct accounts_shared *shared = self->shared;
    uint64_t invoked = ax_stress_invoke(self);
    kind->audit(shared, balances);
    if (!self->run->history)
        return;
    for (uint32_t i = 0; i < shared->count; i++)
        balances[i] -= shared->floor;
    ax_stress_answer_many(self, invoked, ACCOUNTS_AUDITED, balances, shared->count);
    for (uint32_t i = 0; i < shared->count; i++)
        balances[i] += shared->floor;
}

static void accounts_finish(ax_stress_worker *self)
{
    int64_t *balances = new_balances(self->shared);
    audit(self, self->run->impl->extra, balances);
    free(balances);
}

void accounts_look(ax_stress_worker *self, const struct accounts_kind *kind)
{
    struct accounts_audits *audits = self->tally;
    struct accounts_shared *shared = self->shared;
    if (audits->balances == NULL)
        audits->balances = new_balances(shared);
    audit(self, kind, audits->balances);
    int64_t sum = sum_of(audits->balances, shared->count);
    if (audits->count++ == 0) {
        audits->least = audits->most = sum;
        audits->lowest = audits->balances[0];
    }
    audits->least = sum < audits->least ? sum : audits->least;
    audits->most = sum > audits->most ? sum : audits->most;
    for (uint32_t i = 0; i < shared->count; i++)
        audits->lowest = audits->balances[i] < audits->lowest ? audits->balances[i] : audits->lowest;
}

static void post(struct accounts_tally *tally, bool done, const ax_accounts_leg *legs, uint32_t count)
{
    if (!done) {
        tally->refused++;
        return;
    }
    tally->accepted++;
    for (uint32_t i = 0; i < count; i++)
        tally->ledger[legs[i].account] += legs[i].amount;
}

/* From a drawn account to its neighbours, so that a batch has each account once. */
static bool do_batch(ax_stress_worker *self, const struct accounts_kind *kind, uint32_t from, int64_t amount)
{
    struct accounts_shared *shared = self->shared;
    uint32_t count = shared->count < BATCH_LEGS ? shared->count : BATCH_LEGS;
    ax_accounts_leg legs[BATCH_LEGS] = { { from, -(amount * (count - 1)) } };
    for (uint32_t k = 1; k < count; k++)
        legs[k] = (ax_accounts_leg){ (from + k) % shared->count, amount };
    bool done = kind->batch(shared, legs, count);
    post(self->tally, done, legs, count);
    return done;
}

static void do_one(ax_stress_worker *self, const struct accounts_kind *kind)
{
    struct accounts_shared *shared = self->shared;
    struct accounts_tally *tally = self->tally;
    uint32_t operation = self->run->only == ACCOUNTS_TRANSFER ? ACCOUNTS_TRANSFER : ax_stress_pick(self);
    uint32_t account = (uint32_t)ax_stress_key(self);
    int64_t amount = (int64_t)ax_stress_below(&self->random, (uint64_t)shared->most) + 1;
    uint64_t invoked = ax_stress_invoke(self);
    if (operation == ACCOUNTS_BATCH) {
        (void)do_batch(self, kind, account, amount);
    } else if (operation == ACCOUNTS_DEPOSIT) {
        ax_accounts_leg leg = { account, amount };
        bool done = kind->deposit(shared, account, amount);
        AX_STRESS_ANSWER(self, invoked, ACCOUNTS_DEPOSITED, account, amount, done);
        post(tally, done, &leg, 1);
        tally->deposited += done ? amount : 0;
    } else if (operation == ACCOUNTS_WITHDRAW) {
        ax_accounts_leg leg = { account, -amount };
        bool done = kind->withdraw(shared, account, amount);
        AX_STRESS_ANSWER(self, invoked, ACCOUNTS_WITHDREW, account, amount, done);
        post(tally, done, &leg, 1);
        tally->withdrawn += done ? amount : 0;
    } else {
        uint32_t to = (uint32_t)ax_stress_key(self);
        to = to == account ? (to + 1) % shared->count : to;
        ax_accounts_leg legs[2] = { { account, -amount }, { to, amount } };
        invoked = ax_stress_invoke(self);
        bool done = kind->transfer(shared, account, to, amount);
        AX_STRESS_ANSWER(self, invoked, ACCOUNTS_TRANSFERRED, account, to, amount, done);
        post(tally, done, legs, 2);
    }
}

void accounts_do(ax_stress_worker *self, const struct accounts_kind *kind, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        do_one(self, kind);
}

/* --- the program -------------------------------------------------------------------------------------- */

static const char *accounts_check(const ax_stress_run *run)
{
    if (run->keys < 2)
        return "a transfer needs two accounts: --keys 2 at least";
    if (run->history && run->upto[ACCOUNTS_BATCH] > run->upto[ACCOUNTS_TRANSFER])
        return "--history: a batch is one operation, and the history's accounts know none like it";
    if (run->history && run->keys > HISTORY_ACCOUNTS)
        return "--history: at most 1024 accounts, as each audit has them all";
    if (run->keys > 1000000)
        return "--keys: at most a million accounts";
    return NULL;
}

static void accounts_teardown(ax_stress_run *run)
{
    struct accounts_shared *shared = run->shared;
    for (uint32_t i = 0; i < run->threads; i++)
        free(((struct accounts_tally *)ax_stress_tally(run, i))->ledger);
    for (uint32_t i = 0; i < run->observers; i++)
        free(((struct accounts_audits *)ax_stress_observer_tally(run, i))->balances);
    for (uint32_t i = 0; i < shared->count; i++)
        pthread_mutex_destroy(&shared->row[i].mutex);
    pthread_mutex_destroy(&shared->mutex);
    ax_accounts_destroy(shared->accounts);
    free(shared->row);
    free(shared);
}

static const char *accounts_setup(ax_stress_run *run)
{
    uint32_t count = (uint32_t)run->keys, account;
    struct accounts_shared *shared = aligned_alloc(STRESS_ISOLATION, sizeof *shared);
    if (shared == NULL)
        return "no memory";
    shared->count = count;
    shared->opening = ax_stress_value(run, "opening");
    shared->floor = -ax_stress_value(run, "overdraft");
    shared->most = ax_stress_value(run, "most");
    shared->row = aligned_alloc(_Alignof(struct accounts_row), count * sizeof *shared->row);
    if (shared->row == NULL ||
        ax_accounts_create(count, run->threads < 2048 ? 2 * run->threads : AX_ACCOUNTS_MAX_CALLS, NULL,
                           &shared->accounts) != AX_OK) {
        free(shared->row);
        free(shared);
        return "no memory for the accounts";
    }
    pthread_mutex_init(&shared->mutex, NULL);
    for (uint32_t i = 0; i < count; i++) {
        require(ax_accounts_open(shared->accounts, shared->floor, &account), "ax_accounts_open");
        require(ax_accounts_deposit(shared->accounts, account, shared->opening), "ax_accounts_deposit");
        pthread_mutex_init(&shared->row[i].mutex, NULL);
        shared->row[i].balance = shared->opening;
    }
    run->shared = shared;
    return NULL;
}

static void final_balances(const ax_stress_run *run, int64_t *balances)
{
    const struct accounts_kind *kind = run->impl->extra;
    kind->audit(run->shared, balances);
}

/* Whether audits must all come to the same total: nothing is paid in or out. */
static bool closed(const ax_stress_run *run)
{
    for (uint32_t i = 0; i < run->threads; i++) {
        const struct accounts_tally *tally = ax_stress_tally(run, i);
        if (tally->deposited != 0 || tally->withdrawn != 0)
            return false;
    }
    return true;
}

static ax_stress_verdict judge_balances(const ax_stress_run *run, const int64_t *balances, char *sentence, size_t size)
{
    const struct accounts_shared *shared = run->shared;
    int64_t accepted_calls = 0, refused = 0, audits = 0, total = (int64_t)shared->count * shared->opening;
    for (uint32_t a = 0; a < shared->count; a++) {
        int64_t should = shared->opening;
        for (uint32_t i = 0; i < run->threads; i++) {
            const struct accounts_tally *tally = ax_stress_tally(run, i);
            should += tally->ledger == NULL ? 0 : tally->ledger[a];
        }
        if (balances[a] != should) {
            snprintf(sentence, size, "account %" PRIu32 " has %" PRId64 ", and the ledgers say %" PRId64, a, balances[a],
                     should);
            return AX_STRESS_VIOLATED;
        }
        if (balances[a] < shared->floor) {
            snprintf(sentence, size, "account %" PRIu32 " has %" PRId64 ", below its floor of %" PRId64, a, balances[a],
                     shared->floor);
            return AX_STRESS_VIOLATED;
        }
    }
    for (uint32_t i = 0; i < run->observers; i++) {
        const struct accounts_audits *seen = ax_stress_observer_tally(run, i);
        audits += seen->count;
        if (seen->count > 0 && closed(run) && (seen->least != total || seen->most != total)) {
            snprintf(sentence, size, "audits came to %" PRId64 " up to %" PRId64 "; the total is %" PRId64, seen->least,
                     seen->most, total);
            return AX_STRESS_VIOLATED;
        }
        if (seen->count > 0 && seen->lowest < shared->floor) {
            snprintf(sentence, size, "an audit saw a balance of %" PRId64 ", below the floor of %" PRId64, seen->lowest,
                     shared->floor);
            return AX_STRESS_VIOLATED;
        }
    }
    for (uint32_t i = 0; i < run->threads; i++) {
        const struct accounts_tally *tally = ax_stress_tally(run, i);
        accepted_calls += tally->accepted;
        refused += tally->refused;
    }
    snprintf(sentence, size, "%" PRId64 " done, %" PRId64 " refused; %" PRIu32 " accounts agree with the ledgers, %" PRId64
             " audits with the total", accepted_calls, refused, shared->count, audits);
    return AX_STRESS_HOLDS;
}

static ax_stress_verdict accounts_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    int64_t *balances = new_balances(run->shared);
    final_balances(run, balances);
    ax_stress_verdict verdict = judge_balances(run, balances, sentence, size);
    free(balances);
    return verdict;
}

static void accounts_put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    const struct accounts_shared *shared = run->shared;
    ax_stress_put_integer(out, "accounts", shared->count);
    ax_stress_put_integer(out, "opening", shared->opening);
    ax_stress_put_integer(out, "floor", shared->floor);
}

static void accounts_put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct accounts_tally *tally = ax_stress_tally(run, thread);
    const struct accounts_shared *shared = run->shared;
    ax_stress_put_integer(out, "accepted", tally->accepted);
    ax_stress_put_integer(out, "refused", tally->refused);
    ax_stress_put_integer(out, "deposited", tally->deposited);
    ax_stress_put_integer(out, "withdrawn", tally->withdrawn);
    if (tally->ledger != NULL) /* without it the record is refused */
        ax_stress_put_integers(out, "ledger", tally->ledger, shared->count);
}

static void accounts_put_final(const ax_stress_run *run, ax_stress_out *out)
{
    const struct accounts_shared *shared = run->shared;
    int64_t *balances = new_balances(shared);
    final_balances(run, balances);
    ax_stress_put_integers(out, "balances", balances, shared->count);
    free(balances);
    ax_stress_put_array(out, "audits");
    for (uint32_t i = 0; i < run->observers; i++) {
        const struct accounts_audits *seen = ax_stress_observer_tally(run, i);
        if (seen->count == 0)
            continue;
        ax_stress_put_object(out, NULL);
        ax_stress_put_integer(out, "count", seen->count);
        ax_stress_put_integer(out, "least", seen->least);
        ax_stress_put_integer(out, "most", seen->most);
        ax_stress_put_integer(out, "lowest_balance", seen->lowest);
        ax_stress_put_end(out);
    }
    ax_stress_put_end(out);
}

static void accounts_put_model(const ax_stress_run *run, ax_stress_out *out)
{
    const struct accounts_shared *shared = run->shared;
    ax_stress_put_array(out, "balances");
    for (uint32_t i = 0; i < shared->count; i++)
        ax_stress_put_integer(out, NULL, shared->opening - shared->floor);
    ax_stress_put_end(out);
}

int main(int argc, char **argv)
{
    static const ax_stress_operation operations[] = {
        { .name = "transfer", .weight = 100 }, { .name = "batch" }, { .name = "deposit" }, { .name = "withdraw" },
    };
    static const ax_stress_option options[] = {
        { "opening", "money on each account at first", false, 0, 1000000000, 1000 },
        { "overdraft", "how far below 0 an account may fall", false, 0, 1000000000, 0 },
        { "most", "the largest amount moved at once", false, 1, 1000000000, 1000 },
    };
    static const ax_stress_event events[] = {
        [ACCOUNTS_TRANSFERRED] = { "transfer", 3, 1 }, [ACCOUNTS_DEPOSITED] = { "deposit", 2, 1 },
        [ACCOUNTS_WITHDREW] = { "withdraw", 2, 1 }, [ACCOUNTS_AUDITED] = { "audit", 0, -1 },
    };
    const ax_stress_impl impls[] = {
        { .name = "ours", .about = "ax_accounts_transfer, ax_accounts_audit_all", .enter = accounts_enter,
          .work = ours_work, .observe = ours_look, .extra = &ours_kind },
        accounts_mutex,
        accounts_two_mutexes,
        broken_lost_update,
        broken_overdraft,
        broken_in_flight,
    };
    const ax_stress_program program = {
        .noun = "accounts",
        .about = "Threads move money while auditors count it; it must all be there, at each audit and at the end.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .operations = operations, .operation_count = sizeof operations / sizeof *operations,
        .options = options, .option_count = sizeof options / sizeof *options,
        .iters = 3000000,
        .keys = 1000,
        .observers = 1,
        .tally_size = sizeof(struct accounts_tally),
        .observer_tally_size = sizeof(struct accounts_audits),
        .check = accounts_check, .setup = accounts_setup, .judge = accounts_judge, .teardown = accounts_teardown,
        .put_setup = accounts_put_setup, .put_worker = accounts_put_worker, .put_final = accounts_put_final,
        .model = "accounts", .events = events, .event_count = sizeof events / sizeof *events,
        .put_model = accounts_put_model, .finish = accounts_finish,
    };
    return ax_stress_main(argc, argv, &program);
}

/* SPDX-License-Identifier: MIT */
/*
 * accounts_step.c [STRIDE]: a call that is stopped at any moment, taken literally (stepping.h). A child makes one
 * call on a table in shared memory and is stopped after k accesses to it, for every k from 0 to the end of the call
 * (or every STRIDE-th, from a start that goes round). There it stands while the parent uses the same accounts:
 * nothing may make the parent wait, and all must add up. Then the child is either killed, or goes on and ends its
 * call, late, on accounts that have been through other states and back. All must add up again, and the child's call
 * must be done wholly or not at all, and as its status says. In some scenes a process was killed before, in the
 * middle of a transfer (after every number of accesses, or every STRIDE-th), so that the call has it to complete.
 */
#include <accounts.h> /* the library's own: to see that accounts were left taken */

#include "../stepping.h"

/* OPENING: one unit below a border between the words a balance is kept in, so that each change carries. */
enum { ACCOUNTS = 4, OPENING = 65535, CALLS = 3, NONE = 99 };

struct shared {
    int status; /* of the child's call; NONE: not known */
    int64_t sum;
};

static struct shared *result;
static ax_accounts *bank;
static long left_taken; /* how often there was somebody to help */

/* The child's call, and what it does to each account. */
struct scene {
    const char *name;
    int (*call)(void);
    int64_t effect[ACCOUNTS];
    bool helps; /* a process was killed in the middle of a transfer, so that the call has somebody to help */
    bool audits;      /* the parent audits too, so that the call has an earlier balance to keep */
};

static int call_transfer(void)
{
    return (int)ax_accounts_transfer(bank, 2, 0, 3);
}

static int call_many(void)
{
    ax_accounts_leg legs[4] = { { 3, -30 }, { 1, 10 }, { 0, 10 }, { 2, 10 } };
    return (int)ax_accounts_transfer_many(bank, legs, 4);
}

static int call_deposit(void)
{
    return (int)ax_accounts_deposit(bank, 1, 7);
}

static int call_audit(void)
{
    return (int)ax_accounts_audit(bank, &result->sum);
}

static int call_balance(void)
{
    return (int)ax_accounts_balance(bank, 1, &result->sum);
}

static const struct scene scenes[] = {
    { "transfer", call_transfer, { 3, 0, -3, 0 }, false, false },
    { "transfer, the first after an audit", call_transfer, { 3, 0, -3, 0 }, false, true },
    { "transfer of four", call_many, { 10, 10, 10, -30 }, false, true },
    { "deposit", call_deposit, { 0, 7, 0, 0 }, false, true },
    { "transfer that helps", call_transfer, { 3, 0, -3, 0 }, true, true },
    { "deposit that helps", call_deposit, { 0, 7, 0, 0 }, true, false },
    { "balance that helps", call_balance, { 0, 0, 0, 0 }, true, true },
    { "audit that helps", call_audit, { 0, 0, 0, 0 }, true, true },
    { "audit", call_audit, { 0, 0, 0, 0 }, false, true },
};

static void *memory;
static size_t size;

static pid_t start(int (*call)(void), long accesses)
{
    pid_t child = stepping_fork(memory, size, accesses);
    if (child == 0) {
        stepping_begin();
        result->status = call();
        stepping_end();
    }
    return child;
}

static int64_t balance(uint32_t account)
{
    int64_t value = -1;
    CHECK_EQ(ax_accounts_balance(bank, account, &value), AX_OK);
    return value;
}

/* Changes, there and back, that leave all accounts as they were: by value the child's expectations hold again. */
static void there_and_back(int times)
{
    for (int i = 0; i < times; i++) {
        CHECK_EQ(ax_accounts_transfer(bank, 0, 1, 5), AX_OK);
        CHECK_EQ(ax_accounts_transfer(bank, 2, 3, 70000), AX_EINSUFFICIENT);
        CHECK_EQ(ax_accounts_transfer(bank, 2, 3, 9), AX_OK);
        CHECK_EQ(ax_accounts_transfer(bank, 1, 0, 5), AX_OK);
        CHECK_EQ(ax_accounts_transfer(bank, 3, 2, 9), AX_OK);
    }
}

static int64_t audit(int64_t *balances)
{
    int64_t sum = -1;
    uint32_t count = 0;
    CHECK_EQ(ax_accounts_audit_all(bank, balances, ACCOUNTS, &count, &sum), AX_OK);
    CHECK_EQ(count, ACCOUNTS);
    return sum;
}

/* Whether all accounts show the effects of all `done`, summed up. */
static bool agrees(const int64_t *before, const int64_t *effect, bool done)
{
    bool same = true;
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        same = same && balance(i) == before[i] + (done ? effect[i] : 0);
    return same;
}

static int call_first(void)
{
    return (int)ax_accounts_transfer(bank, 0, 1, 1);
}

/* Whether a transfer that is killed after k accesses leaves accounts taken. */
static bool leave_taken(long k)
{
    pid_t child = start(call_first, k);
    if (stepping_wait(child))
        stepping_finish(child, true);
    return state_taken(atomic_load(&accounts_table(bank)[0].state)) ||
           state_taken(atomic_load(&accounts_table(bank)[1].state));
}

static bool one_stop(const struct scene *scene, long k, bool killed, long left_at)
{
    CHECK_FATAL(ax_accounts_init(memory, size, ACCOUNTS, CALLS, &bank) == AX_OK);
    uint32_t number;
    for (int i = 0; i < ACCOUNTS; i++)
        CHECK_FATAL(ax_accounts_open(bank, 0, &number) == AX_OK &&
                    ax_accounts_deposit(bank, number, OPENING) == AX_OK);

    int64_t sum, deposited = 0, balances[ACCOUNTS], before[ACCOUNTS];
    if (scene->audits)
        CHECK_EQ(ax_accounts_audit(bank, &sum), AX_OK);
    if (scene->helps)
        left_taken += leave_taken(left_at);
    for (int i = 0; i < ACCOUNTS; i++)
        deposited += scene->effect[i];

    result->status = NONE;
    pid_t child = start(scene->call, k);
    bool within = stepping_wait(child);
    /* An audit first, which must not see half of anything; it may see the stopped call's effect or not. */
    sum = audit(balances);
    CHECK(sum == (int64_t)ACCOUNTS * OPENING || sum == (int64_t)ACCOUNTS * OPENING + deposited);
    there_and_back(3);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        before[i] = balance(i);
    if (scene->audits)
        CHECK_EQ(ax_accounts_audit(bank, &sum), AX_OK);
    there_and_back(2);
    bool done = before[2] != OPENING || (before[1] > OPENING + 1);
    if (within)
        stepping_finish(child, killed);

    int status = result->status;
    sum = audit(balances);
    if (killed && status == NONE) {
        CHECK(agrees(before, scene->effect, false));
        CHECK(sum == (int64_t)ACCOUNTS * OPENING || sum == (int64_t)ACCOUNTS * OPENING + deposited);
    } else {
        CHECK_EQ(status, AX_OK);
        CHECK(agrees(before, scene->effect, !done));
        CHECK_EQ(sum, (int64_t)ACCOUNTS * OPENING + deposited);
        if (scene->call == call_audit)
            CHECK_EQ(result->sum, (int64_t)ACCOUNTS * OPENING);
    }
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        CHECK_EQ(balances[i], balance(i));
    there_and_back(1);
    CHECK(agrees(balances, scene->effect, false));
    ax_accounts_fini(bank);
    return within;
}

/* All stops of the scene's call, for one moment at which the one before was killed. */
static long run_stops(const struct scene *scene, long stride, long start_at, long left_at)
{
    long stops = 0;
    for (int killed = 0; killed < 2; killed++)
        for (long k = start_at % stride;; k += stride) {
            unsigned long failed = check_failures;
            alarm(120); /* a call that waits for the stopped child would wait for ever */
            bool within = one_stop(scene, k, killed != 0, left_at);
            if (check_failures != failed)
                fprintf(stderr, "%s, %s after %ld accesses, the one before after %ld\n", scene->name,
                        killed ? "killed" : "stopped", k, left_at);
            if (check_failures > 20 || !within)
                break;
            stops++;
        }
    return stops;
}

static void run_scene(const struct scene *scene, long stride)
{
    long stops = 0, moments = 0;
    left_taken = 0;
    for (long left_at = 0; scene->helps; left_at++) { /* the moments at which the one before leaves something */
        long before = left_taken;
        (void)one_stop(scene, 0, true, left_at);
        if (left_taken == before && moments > 0)
            break;
        if (left_taken > before && moments++ % stride == 0)
            stops += run_stops(scene, stride, stops, left_at);
    }
    if (!scene->helps)
        stops = run_stops(scene, stride, 0, 0);
    printf("%s: %ld stops, %ld of them with a killed one to help, at %ld moments\n", scene->name, stops, left_taken, moments);
    CHECK(stops > 20 / stride);
    CHECK(!scene->helps || left_taken > stops / 2);
}

int main(int argc, char **argv)
{
    long stride = argc > 1 ? atol(argv[1]) : 1;
    alarm(120);
    size = ax_accounts_size(ACCOUNTS, CALLS);
    memory = shared_memory(size);
    result = shared_memory(sizeof *result);
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        run_scene(&scenes[i], stride);
    return check_summary();
}

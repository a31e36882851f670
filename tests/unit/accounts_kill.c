/* SPDX-License-Identifier: MIT */
/*
 * accounts_kill.c [ROUNDS]: processes move money in one table in shared memory and are killed (SIGKILL) at random
 * moments, more of them than the table has places. The total stays, at each audit and at the end, no balance
 * is below its floor, and the places of the dead do not run out.
 */
#include <atomicx/accounts.h>

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "../processes.h"

enum { KILLS = 100, PROCESSES = 4, CALLS = PROCESSES + 1, ACCOUNTS = 6, OPENING = 70000, FLOOR = -100 };

struct shared {
    atomic_llong transfers, audits, refused;
    atomic_int wrong; /* audits that were not the total, balances below the floor, statuses that cannot be */
};

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 12) % below;
}

static void audit(struct shared *s, ax_accounts *t)
{
    int64_t balances[ACCOUNTS], sum;
    if (ax_accounts_audit_all(t, balances, ACCOUNTS, NULL, &sum) != AX_OK || sum != (int64_t)ACCOUNTS * OPENING)
        atomic_fetch_add(&s->wrong, 1);
    for (int i = 0; i < ACCOUNTS; i++)
        if (balances[i] < FLOOR)
            atomic_fetch_add(&s->wrong, 1);
    atomic_fetch_add(&s->audits, 1);
}

static void move_money_until_killed(struct shared *s, ax_accounts *t, unsigned seed)
{
    for (;;) {
        ax_accounts_leg legs[5];
        uint32_t start = draw(&seed, ACCOUNTS), amount = draw(&seed, 20000);
        ax_status status;
        switch (draw(&seed, 8)) {
        case 0:
            audit(s, t);
            continue;
        case 1:
            for (uint32_t i = 0; i < 5; i++)
                legs[i] = (ax_accounts_leg){ (start + i) % ACCOUNTS, i == 0 ? -4 * (int64_t)amount : amount };
            status = ax_accounts_transfer_many(t, legs, 5);
            break;
        default:
            status = ax_accounts_transfer(t, start, (start + 1 + draw(&seed, ACCOUNTS - 1)) % ACCOUNTS, amount);
        }
        if (status == AX_EAGAIN)
            atomic_fetch_add(&s->refused, 1);
        else if (status != AX_OK && status != AX_EINSUFFICIENT)
            atomic_fetch_add(&s->wrong, 1);
        atomic_fetch_add(&s->transfers, status == AX_OK);
    }
}

static pid_t start(struct shared *s, void *memory, size_t size, unsigned seed)
{
    pid_t child = fork_to_be_killed();
    if (child != 0)
        return child;
    ax_accounts *t;
    if (ax_accounts_attach(memory, size, &t) != AX_OK)
        _exit(1);
    move_money_until_killed(s, t, seed);
    _exit(1);
}

static void round_of_kills(unsigned seed)
{
    size_t size = ax_accounts_size(ACCOUNTS, CALLS);
    void *memory = shared_memory(size);
    struct shared *s = shared_memory(sizeof *s);
    ax_accounts *t;
    uint32_t number;
    CHECK_FATAL(ax_accounts_init(memory, size, ACCOUNTS, CALLS, &t) == AX_OK);
    for (int i = 0; i < ACCOUNTS; i++)
        CHECK_FATAL(ax_accounts_open(t, FLOOR, &number) == AX_OK && ax_accounts_deposit(t, number, OPENING) == AX_OK);

    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start(s, memory, size, seed + (unsigned)i);
    for (int k = 0; k < KILLS; k++) {
        struct timespec nap = { 0, (long)draw(&seed, 1000000) * 4 };
        nanosleep(&nap, NULL);
        stop(children[k % PROCESSES]);
        audit(s, t);
        /* the survivors are stopped nowhere, so a place can be had: those of the dead are taken over */
        CHECK_EQ(ax_accounts_deposit(t, 0, 0), AX_OK);
        children[k % PROCESSES] = start(s, memory, size, seed);
    }
    while (atomic_load(&s->transfers) == 0) /* a busy machine may not have let any of them move money yet */
        sched_yield();
    for (int i = 0; i < PROCESSES; i++)
        stop(children[i]);
    audit(s, t);
    printf("%d kills, %lld transfers, %lld audits\n", KILLS + PROCESSES, (long long)atomic_load(&s->transfers),
           (long long)atomic_load(&s->audits));
    CHECK_EQ(atomic_load(&s->wrong), 0);
    CHECK_EQ(atomic_load(&s->refused), 0);
    CHECK(atomic_load(&s->transfers) > 0 && atomic_load(&s->audits) > KILLS);
    ax_accounts_fini(t);
    munmap(memory, size);
    munmap(s, sizeof *s);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    for (int i = 0; i < rounds; i++)
        round_of_kills(seed + 1000u * (unsigned)i);
    return check_summary();
}

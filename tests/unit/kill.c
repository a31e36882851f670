/* SPDX-License-Identifier: MIT */
/*
 * kill.c [ROUNDS]: processes sell the tickets of one seller in shared memory, plainly, by the block and
 * by lease, bring some back, and are killed (SIGKILL) at random moments. No ticket may ever be held
 * twice, and each kill may burn at most what the one call it hit had in flight. What a victim is known
 * to have held is refunded for it; at the end of a round all that is left is bought.
 */
#include <atomicx/counter.h>
#include <atomicx/tickets.h>

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "../processes.h"

enum { KILLS = 100, CAPACITY = 3000, PROCESSES = 4, LEASES = 3, MANY = 3, BLOCK = 50 };

struct shared {
    _Alignas(128) ax_counter sales;
    atomic_int doubled;          /* the evidence of a ticket sold twice */
    atomic_int refused;          /* a refund of a ticket truly held that was refused */
    atomic_uchar holder[CAPACITY]; /* 0: nobody; set after a sale, cleared before a refund */
};

static void got(struct shared *s, int who, uint32_t number)
{
    if (number >= CAPACITY || atomic_exchange(&s->holder[number], (unsigned char)(who + 1)) != 0)
        atomic_fetch_add(&s->doubled, 1);
    ax_counter_add(&s->sales, 1);
}

static void give_back(struct shared *s, ax_tickets *t, uint32_t number)
{
    atomic_store(&s->holder[number], 0);
    if (ax_tickets_refund(t, number) != AX_OK)
        atomic_fetch_add(&s->refused, 1);
}

static void trade_until_killed(struct shared *s, ax_tickets *t, int who, unsigned seed)
{
    uint32_t kept[8], numbers[MANY];
    unsigned count = 0;
    ax_lease lease;
    ax_lease_open(&lease, t, BLOCK);
    for (;;) {
        seed = seed * 1103515245u + 12345u;
        unsigned roll = (seed >> 16) % 32;
        if (count > 4 || (count > 0 && roll < 8)) {
            give_back(s, t, kept[--count]);
        } else if (roll < 10) {
            ax_lease_close(&lease);
        } else if (roll < 22) {
            if (ax_lease_sell(&lease, &kept[count]) == AX_OK)
                got(s, who, kept[count++]);
        } else if (roll < 26) {
            if (ax_tickets_sell_many(t, MANY, numbers) == AX_OK)
                for (int i = 0; i < MANY; i++)
                    got(s, who, kept[count++] = numbers[i]);
        } else if (ax_tickets_sell(t, &kept[count]) == AX_OK) {
            got(s, who, kept[count++]);
        }
    }
}

static pid_t start(struct shared *s, void *memory, size_t size, int who, unsigned seed)
{
    pid_t child = fork_to_be_killed();
    if (child != 0)
        return child;
    ax_tickets *t;
    if (ax_tickets_attach(memory, size, &t) != AX_OK)
        _exit(1);
    trade_until_killed(s, t, who, seed);
    _exit(1);
}

static void round_of_kills(unsigned seed)
{
    size_t size = ax_tickets_size(CAPACITY, LEASES);
    void *memory = shared_memory(size);
    struct shared *s = shared_memory(sizeof *s);
    ax_tickets *t;
    CHECK_FATAL(ax_tickets_init(memory, size, CAPACITY, LEASES, &t) == AX_OK);

    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start(s, memory, size, i, seed + (unsigned)i);
    for (int k = 0; k < KILLS; k++) {
        seed = seed * 1103515245u + 12345u;
        struct timespec nap = { 0, (long)((seed >> 8) % 4000000) };
        nanosleep(&nap, NULL);
        int victim = k % PROCESSES;
        stop(children[victim]);
        for (uint32_t i = 0; i < CAPACITY; i++)
            if (atomic_load(&s->holder[i]) == victim + 1)
                give_back(s, t, i);
        children[victim] = start(s, memory, size, victim, seed);
    }
    while (ax_counter_read(&s->sales) == 0) /* a busy machine may not have let any of them sell yet */
        sched_yield();
    for (int i = 0; i < PROCESSES; i++)
        stop(children[i]);

    /* All holders are dead: every ticket that is neither held nor burned can be bought. */
    int64_t sales = ax_counter_read(&s->sales);
    uint32_t number;
    int bought = 0;
    while (ax_tickets_sell(t, &number) == AX_OK) {
        got(s, PROCESSES, number);
        bought++;
    }
    int held = 0;
    for (int i = 0; i < CAPACITY; i++)
        held += atomic_load(&s->holder[i]) != 0;
    int burned = CAPACITY - held;
    printf("%d kills, %lld sales, %d tickets bought at the end, %d burned\n", KILLS + PROCESSES, (long long)sales,
           bought, burned);
    CHECK_EQ(atomic_load(&s->doubled), 0);
    CHECK_EQ(atomic_load(&s->refused), 0);
    CHECK(sales > 0);
    CHECK(burned >= 0 && burned <= MANY * (KILLS + PROCESSES));
    CHECK_EQ(ax_tickets_left(t), 0);
    ax_tickets_fini(t);
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

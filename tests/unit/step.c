/* SPDX-License-Identifier: MIT */
/*
 * step.c [STRIDE]: "kill -9 at any instruction", taken literally (stepping.h). A child does one call on a seller in
 * shared memory and is killed after k accesses to it, for every k from 0 to the end of the call (or every
 * STRIDE-th). Afterwards the parent buys everything that can be bought: no number twice, none that was already
 * held, and at most what the call had in flight is missing.
 */
#include <atomicx/tickets.h>

#include "../stepping.h"

enum { CAPACITY = 40, LEASES = 2, BLOCK = 10 };

/* What surrounds the call: `setup` runs in the parent before the child is forked and gives the numbers
 * that are held from then on; `call` runs in the child, of which no one hears more. */
struct scene {
    const char *name;
    void (*setup)(ax_tickets *t, bool *held);
    void (*prepare)(ax_tickets *t); /* in the child, not stepped */
    void (*call)(ax_tickets *t);
    int in_flight; /* tickets the call may burn */
    int returns;   /* held tickets that the call may give back: the first so many */
};

static ax_lease child_lease;

static void hold(bool *held, uint32_t number)
{
    CHECK_FATAL(number < CAPACITY && !held[number]);
    held[number] = true;
}

static void setup_nothing(ax_tickets *t, bool *held)
{
    (void)t;
    (void)held;
}

static void setup_some_sold(ax_tickets *t, bool *held)
{
    uint32_t number;
    for (int i = 0; i < 5; i++)
        if (CHECK(ax_tickets_sell(t, &number) == AX_OK))
            hold(held, number);
}

static void setup_refunded(ax_tickets *t, bool *held)
{
    uint32_t numbers[CAPACITY];
    CHECK_FATAL(ax_tickets_sell_many(t, CAPACITY - 1, numbers) == AX_OK);
    for (uint32_t i = 0; i < CAPACITY - 1; i++)
        if (i == 7 || i == 20 || i == 33)
            CHECK_FATAL(ax_tickets_refund(t, i) == AX_OK);
        else
            hold(held, i);
}

/* A process that takes a block, sells two of it and dies; the seller's other tickets are sold. */
static void setup_dead_holder(ax_tickets *t, bool *held)
{
    pid_t child = fork();
    CHECK_FATAL(child >= 0);
    if (child == 0) {
        ax_lease lease;
        uint32_t number;
        ax_lease_open(&lease, t, BLOCK);
        ax_lease_sell(&lease, &number);
        ax_lease_sell(&lease, &number);
        raise(SIGKILL);
    }
    CHECK_FATAL(waitpid(child, NULL, 0) == child);
    hold(held, 0);
    hold(held, 1);
    uint32_t numbers[CAPACITY];
    CHECK_FATAL(ax_tickets_sell_many(t, CAPACITY - BLOCK, numbers) == AX_OK);
    for (int i = 0; i < CAPACITY - BLOCK; i++)
        hold(held, numbers[i]);
}

static void setup_dead_holder_fresh_left(ax_tickets *t, bool *held)
{
    pid_t child = fork();
    CHECK_FATAL(child >= 0);
    if (child == 0) {
        ax_lease lease;
        uint32_t number;
        ax_lease_open(&lease, t, BLOCK);
        ax_lease_sell(&lease, &number);
        raise(SIGKILL);
    }
    CHECK_FATAL(waitpid(child, NULL, 0) == child);
    hold(held, 0);
}

static void prepare_nothing(ax_tickets *t)
{
    (void)t;
}

static void prepare_lease(ax_tickets *t)
{
    ax_lease_open(&child_lease, t, BLOCK);
}

/* Sells a whole block, so that the next sale takes a new one; those ten are the child's, and lost with it. */
static void prepare_used_up_lease(ax_tickets *t)
{
    uint32_t number;
    ax_lease_open(&child_lease, t, BLOCK);
    for (int i = 0; i < BLOCK; i++)
        ax_lease_sell(&child_lease, &number);
}

static void prepare_begun_lease(ax_tickets *t)
{
    uint32_t number;
    ax_lease_open(&child_lease, t, BLOCK);
    ax_lease_sell(&child_lease, &number);
}

static void call_sell(ax_tickets *t)
{
    uint32_t number;
    (void)ax_tickets_sell(t, &number);
}

static void call_sell_four(ax_tickets *t)
{
    uint32_t numbers[4];
    (void)ax_tickets_sell_many(t, 4, numbers);
}

static void call_refund(ax_tickets *t)
{
    (void)ax_tickets_refund(t, 0);
}

static void call_lease_sell(ax_tickets *t)
{
    uint32_t number;
    (void)t;
    (void)ax_lease_sell(&child_lease, &number);
}

static void call_lease_close(ax_tickets *t)
{
    (void)t;
    (void)ax_lease_close(&child_lease);
}

static const struct scene scenes[] = {
    { "sell", setup_nothing, prepare_nothing, call_sell, 1, 0 },
    { "sell a refunded ticket", setup_refunded, prepare_nothing, call_sell, 1, 0 },
    { "sell four, one fresh and three refunded", setup_refunded, prepare_nothing, call_sell_four, 4, 0 },
    { "refund", setup_some_sold, prepare_nothing, call_refund, 1, 1 },
    { "take a slot and a block", setup_some_sold, prepare_lease, call_lease_sell, 1, 0 },
    { "take the next block", setup_some_sold, prepare_used_up_lease, call_lease_sell, 1 + BLOCK, 0 },
    { "sell from the block", setup_some_sold, prepare_begun_lease, call_lease_sell, 2, 0 },
    { "close the lease", setup_some_sold, prepare_begun_lease, call_lease_close, 1, 0 },
    { "take over from a dead holder, plainly", setup_dead_holder, prepare_nothing, call_sell, 1, 0 },
    { "take over from a dead holder, by lease", setup_dead_holder_fresh_left, prepare_lease, call_lease_sell, 1, 0 },
};

static bool one_kill(const struct scene *scene, long k)
{
    static void *memory;
    size_t size = ax_tickets_size(CAPACITY, LEASES);
    if (!memory)
        memory = shared_memory(size);
    ax_tickets *t;
    bool held[CAPACITY] = { false }, seen[CAPACITY] = { false };
    CHECK_FATAL(ax_tickets_init(memory, size, CAPACITY, LEASES, &t) == AX_OK);
    scene->setup(t, held);

    pid_t child = stepping_fork(memory, size, k);
    if (child == 0) {
        scene->prepare(t);
        stepping_begin();
        scene->call(t);
        stepping_end();
    }
    bool within = stepping_wait(child);
    if (within)
        stepping_finish(child, true);

    for (uint32_t number = 0; number < CAPACITY; number++) /* what is held can be given back, whatever was cut off */
        if (held[number] && number >= (uint32_t)scene->returns)
            CHECK(ax_tickets_refund(t, number) == AX_OK && (held[number] = false, true));
    uint32_t number;
    int bought = 0, kept = 0;
    while (ax_tickets_sell(t, &number) == AX_OK) {
        bool again = number >= CAPACITY || seen[number] || (held[number] && number >= (uint32_t)scene->returns);
        if (!CHECK(!again)) {
            fprintf(stderr, "%s, after %ld accesses: ticket %u\n", scene->name, k, number);
            break;
        }
        seen[number] = true;
        bought++;
    }
    for (int i = 0; i < CAPACITY; i++)
        kept += held[i] && !seen[i];
    int burned = CAPACITY - bought - kept;
    if (!CHECK(burned >= 0 && burned <= scene->in_flight))
        fprintf(stderr, "%s, after %ld accesses: %d burned\n", scene->name, k, burned);

    if (bought > 0) {
        for (int i = 0; i < CAPACITY; i++)
            if (seen[i])
                CHECK_EQ(ax_tickets_refund(t, (uint32_t)i), AX_OK);
        CHECK_EQ(ax_tickets_left(t), (uint32_t)bought);
    }
    ax_tickets_fini(t);
    return within;
}

int main(int argc, char **argv)
{
    long stride = argc > 1 ? atol(argv[1]) : 1;
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        long k = 0;
        while (one_kill(&scenes[i], k))
            k += stride;
        printf("%s: killed within %ld accesses, every %ld\n", scenes[i].name, k, stride);
        CHECK(k > 0);
    }
    return check_summary();
}

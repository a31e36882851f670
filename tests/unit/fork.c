/* SPDX-License-Identifier: MIT */
/* fork.c: a process forks while its threads use everything; the child goes on using everything. */
#include <atomicx/accounts.h>
#include <atomicx/adder.h>
#include <atomicx/counter.h>
#include <atomicx/tickets.h>

#include "../processes.h"
#include "../threads.h"

/* BESIDE: more than the parent ever had threads, so that every seat that looks free is taken */
enum { WORKERS = 4, FORKS = 40, ADDITIONS = 1000, BESIDE = 20 };

static ax_adder adders[200];
static ax_counter counter = AX_COUNTER_INIT(0);
static ax_tickets *tickets;
static ax_accounts *accounts; /* two, with 1000 between them */
static atomic_int enough;

/* Threads that come and go, so that a fork meets them in registration too. */
static void *visit(void *arg)
{
    for (int i = 0; i < 200; i++)
        ax_adder_add(&adders[i], 1);
    ax_counter_add(&counter, 1);
    uint32_t number;
    if (ax_tickets_sell(tickets, &number) == AX_OK)
        ax_tickets_refund(tickets, number);
    ax_accounts_transfer(accounts, 0, 1, 1);
    ax_accounts_transfer(accounts, 1, 0, 1);
    return arg;
}

static void *keep_visiting(void *arg)
{
    while (!atomic_load(&enough)) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, visit, NULL) == 0)
            pthread_join(thread, NULL);
        visit(NULL);
    }
    return arg;
}

static pthread_barrier_t all_seated; /* so that each run takes WORKERS seats at once */

static void add_in_child(int index, void *arg)
{
    (void)arg;
    ax_adder_add(&adders[index], 1);
    pthread_barrier_wait(&all_seated);
    for (int i = 1; i < ADDITIONS; i++)
        ax_adder_add(&adders[index], 1);
}

static void *add_to_the_first(void *arg)
{
    for (int i = 0; i < 100 * ADDITIONS; i++)
        ax_adder_add(&adders[0], 1);
    return arg;
}

/* The forking thread has kept its seat for itself. */
static void add_beside_other_threads(void)
{
    pthread_t threads[BESIDE];
    for (int i = 0; i < BESIDE; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, add_to_the_first, NULL) == 0);
    add_to_the_first(NULL);
    for (int i = 0; i < BESIDE; i++)
        pthread_join(threads[i], NULL);
}

/* What the child sees: sums that stay, its own additions on top, seats enough for its threads. */
static int child(void)
{
    pthread_barrier_init(&all_seated, NULL, WORKERS);
    alarm(200); /* a deadlock is a failure, not a hang */
    int64_t before[WORKERS], counted = ax_counter_read(&counter);
    for (int i = 0; i < WORKERS; i++)
        before[i] = ax_adder_sum(&adders[i]);
    ax_adder_add(&adders[0], 5);
    run_threads(WORKERS, add_in_child, NULL);
    for (int i = 0; i < WORKERS; i++)
        CHECK_EQ(ax_adder_sum(&adders[i]), before[i] + ADDITIONS + (i == 0 ? 5 : 0));
    size_t memory = ax_adder_memory();
    for (int i = 0; i < 5; i++)
        run_threads(WORKERS, add_in_child, NULL);
    CHECK_EQ(ax_adder_memory(), memory); /* the seats of the parent's threads are free here */
    int64_t first = ax_adder_sum(&adders[0]);
    add_beside_other_threads();
    CHECK_EQ(ax_adder_sum(&adders[0]), first + 100LL * ADDITIONS * (BESIDE + 1));
    CHECK_EQ(ax_counter_add(&counter, 1), counted);
    uint32_t number;
    CHECK_EQ(ax_tickets_sell(tickets, &number), AX_OK);
    CHECK_EQ(ax_tickets_refund(tickets, number), AX_OK);
    int64_t money;
    CHECK_EQ(ax_accounts_transfer(accounts, 0, 1, 5), AX_OK);
    CHECK_EQ(ax_accounts_audit(accounts, &money), AX_OK);
    CHECK_EQ(money, 1000);
    ax_adder fresh = AX_ADDER_INIT;
    ax_adder_add(&fresh, 7);
    CHECK_EQ(ax_adder_sum(&fresh), 7);
    ax_adder_fini(&fresh);
    return check_summary();
}

static void the_child_of_a_threaded_process_uses_everything(void)
{
    pthread_t threads[WORKERS];
    CHECK_FATAL(ax_tickets_create(1000, 0, NULL, &tickets) == AX_OK);
    uint32_t account;
    CHECK_FATAL(ax_accounts_create(2, 64, NULL, &accounts) == AX_OK);
    for (int i = 0; i < 2; i++)
        CHECK_FATAL(ax_accounts_open(accounts, 0, &account) == AX_OK && ax_accounts_deposit(accounts, account, 500) == AX_OK);
    for (int i = 0; i < WORKERS; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, keep_visiting, NULL) == 0);
    for (int i = 0; i < FORKS; i++) {
        ax_adder_add(&adders[0], 1); /* the forking thread has a seat of its own */
        fflush(stdout);
        pid_t pid = fork();
        CHECK_FATAL(pid >= 0);
        if (pid == 0)
            leave_child(child());
        int status;
        CHECK_FATAL(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    atomic_store(&enough, 1);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(ax_adder_sum(&adders[0]), ax_adder_sum(&adders[1]) + FORKS);
    CHECK_EQ(ax_adder_sum(&adders[1]), ax_counter_read(&counter));
    ax_tickets_destroy(tickets);
    ax_accounts_destroy(accounts);
}

int main(void)
{
    RUN(the_child_of_a_threaded_process_uses_everything);
    return check_summary();
}

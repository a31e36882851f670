/* SPDX-License-Identifier: MIT */
/*
 * A prefork server: workers accept connections on one socket and sell one ticket to each, counting in
 * shared memory, while the parent kills one after the other at whatever instruction it is, and starts
 * another. Clients ask until each has its answers. A kill can cost one request its answer, and no more:
 *
 *   told to clients <= counted, sold, summed <= told to clients + kills, and no ticket is told twice.
 *
 * Adders are private to a process: each worker publishes its sum in a counter of its seat before it answers.
 */
#include <atomicx/adder.h>
#include <atomicx/counter.h>
#include <atomicx/tickets.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "../processes.h"

enum { WORKERS = 4, CLIENTS = 4, ASKED = 1500, TICKETS = 10000, LEAST_KILLS = 50 };

struct shared {
    ax_counter requests;
    ax_counter published[WORKERS]; /* by the worker in the seat; the parent folds it when the worker is gone */
    ax_counter unanswered;
    ax_counter told[TICKETS];
    ax_counter stray; /* answers that are no ticket */
};

static struct shared *shared;
static ax_tickets *tickets;
static ax_adder served;

_Noreturn static void work(int listener, int seat)
{
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            continue;
        uint32_t number = UINT32_MAX;
        ax_counter_add(&shared->requests, 1);
        ax_adder_add(&served, 1);
        (void)ax_tickets_sell(tickets, &number);
        ax_counter_exchange(&shared->published[seat], ax_adder_sum(&served));
        (void)!write(connection, &number, sizeof number);
        close(connection);
    }
}

static void ask(const struct sockaddr_in *address)
{
    for (int answers = 0; answers < ASKED;) {
        uint32_t number = 0;
        int connection = socket(AF_INET, SOCK_STREAM, 0);
        CHECK_FATAL(connection >= 0 && connect(connection, (const struct sockaddr *)address, sizeof *address) == 0);
        if (recv(connection, &number, sizeof number, MSG_WAITALL) != (ssize_t)sizeof number) {
            ax_counter_add(&shared->unanswered, 1);
        } else {
            ax_counter_add(number < TICKETS ? &shared->told[number] : &shared->stray, 1);
            answers++;
        }
        close(connection);
    }
}

static pid_t start_worker(int listener, int seat)
{
    pid_t child = fork_to_be_killed();
    if (child == 0)
        work(listener, seat);
    return child;
}

/* Ends the worker and returns what it published. */
static int64_t end_worker(pid_t worker, int seat)
{
    stop(worker);
    return ax_counter_exchange(&shared->published[seat], 0);
}

/* Waits until the server has taken so many requests; false: the clients have all they asked for. */
static bool wait_for_requests(int64_t count, int *clients)
{
    while (ax_counter_read(&shared->requests) < count) {
        int status;
        for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0; --*clients)
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        if (*clients == 0)
            return false;
        nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
    }
    return true;
}

int main(int argc, char **argv)
{
    unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : (unsigned)time(NULL);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), clients = CLIENTS;
    pid_t workers[WORKERS];
    int64_t summed = 0, kills = 0, told = 0;
    CHECK_FATAL(listener >= 0 && bind(listener, (struct sockaddr *)&address, length) == 0 &&
                listen(listener, 128) == 0 && getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    shared = shared_memory(sizeof *shared);
    size_t size = ax_tickets_size(TICKETS, 0);
    CHECK_FATAL(ax_tickets_init(shared_memory(size), size, TICKETS, 0, &tickets) == AX_OK);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start_worker(listener, i);
    for (int i = 0; i < CLIENTS; i++) {
        if (fork_to_be_killed() == 0) {
            ask(&address);
            _exit(check_failures == 0 ? 0 : 1);
        }
    }
    for (int64_t next = 20; wait_for_requests(next, &clients); next += 1 + rand_r(&seed) % 60, kills++) {
        int seat = rand_r(&seed) % WORKERS;
        summed += end_worker(workers[seat], seat);
        workers[seat] = start_worker(listener, seat);
    }
    for (int i = 0; i < WORKERS; i++)
        summed += end_worker(workers[i], i);
    for (int i = 0; i < TICKETS; i++) {
        int64_t times = ax_counter_read(&shared->told[i]);
        CHECK(times <= 1);
        told += times;
    }
    int64_t counted = ax_counter_read(&shared->requests), sold = TICKETS - (int64_t)ax_tickets_left(tickets);
    CHECK_EQ(ax_counter_read(&shared->stray), 0);
    CHECK_EQ(told, CLIENTS * ASKED);
    CHECK(kills >= LEAST_KILLS);
    CHECK(ax_counter_read(&shared->unanswered) <= kills);
    CHECK(told <= counted && counted <= told + kills);
    CHECK(told <= sold && sold <= told + kills);
    CHECK(told <= summed && summed <= counted);
    printf("%d kills, %d told, %d counted, %d sold, %d summed, %d unanswered\n", (int)kills, (int)told, (int)counted,
           (int)sold, (int)summed, (int)ax_counter_read(&shared->unanswered));
    return check_summary();
}

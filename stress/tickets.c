/* SPDX-License-Identifier: MIT */
/* Many sellers, one hall: each ticket is sold once, none is number -1, and sold out means sold out. */
#include "tickets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t ours_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)lease;
    uint32_t number;
    return ax_tickets_sell(shared->tickets, &number) == AX_OK ? (int64_t)number : NO_TICKET;
}

static bool ours_refund(struct tickets_shared *shared, int64_t number)
{
    return ax_tickets_refund(shared->tickets, (uint32_t)number) == AX_OK;
}

static int64_t ours_left(struct tickets_shared *shared)
{
    return ax_tickets_left(shared->tickets);
}

static int64_t lease_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)shared;
    uint32_t number;
    return ax_lease_sell(lease, &number) == AX_OK ? (int64_t)number : NO_TICKET;
}

#define lease_left ours_left

TICKETS_IMPL(ours, ours_refund);
TICKETS_IMPL(lease, ours_refund);

static void lease_enter(ax_stress_worker *self)
{
    struct tickets_tally *tally = self->tally;
    struct tickets_shared *shared = self->shared;
    ax_status status = ax_lease_open(&tally->lease, shared->tickets, (uint32_t)ax_stress_value(self->run, "block"));
    if (status != AX_OK) {
        fprintf(stderr, "ax_lease_open: %s\n", ax_strerror(status));
        _exit(70);
    }
}

static void lease_leave(ax_stress_worker *self)
{
    struct tickets_tally *tally = self->tally;
    ax_status status = ax_lease_close(&tally->lease);
    if (status != AX_OK) {
        fprintf(stderr, "ax_lease_close: %s\n", ax_strerror(status));
        _exit(70);
    }
}

void tickets_sell_many(ax_stress_worker *self)
{
    struct tickets_tally *tally = self->tally;
    struct tickets_shared *shared = self->shared;
    uint32_t numbers[TICKETS_MANY_MAX];
    uint32_t many = (uint32_t)ax_stress_value(self->run, "many");
    if (ax_tickets_sell_many(shared->tickets, many, numbers) != AX_OK) {
        tally->sold_out++;
        return;
    }
    for (uint32_t i = 0; i < many; i++)
        tickets_take(tally, numbers[i]);
}

void tickets_pile_grow(struct tickets_pile *pile)
{
    size_t room = pile->room == 0 ? 1024 : pile->room * 2;
    int64_t *number = realloc(pile->number, room * sizeof *number);
    if (number == NULL) {
        fprintf(stderr, "tickets: no memory for the numbers sold\n");
        _exit(70);
    }
    pile->number = number;
    pile->room = room;
}

static bool leased(const ax_stress_run *run)
{
    return run->impl->enter == lease_enter;
}

static const char *tickets_check(const ax_stress_run *run)
{
    bool many = run->upto[TICKETS_SELL_MANY] > run->upto[TICKETS_SELL];
    return run->history && many ? "--history: sell-many is one operation, and the history's tickets know none like it" : NULL;
}

static const char *tickets_setup(ax_stress_run *run)
{
    struct tickets_shared *shared = aligned_alloc(STRESS_ISOLATION, sizeof *shared);
    if (shared == NULL)
        return "no memory";
    int64_t capacity = ax_stress_value(run, "capacity");
    *shared = (struct tickets_shared){ .capacity = capacity, .word = capacity };
    pthread_mutex_init(&shared->mutex, NULL);
    pthread_rwlock_init(&shared->rwlock, NULL);
    sem_init(&shared->semaphore, 0, (unsigned)capacity);
    uint32_t leases = !leased(run) ? 0 : run->threads < AX_TICKETS_MAX_LEASES ? run->threads : AX_TICKETS_MAX_LEASES;
    ax_status status = ax_tickets_create((uint32_t)capacity, leases, NULL, &shared->tickets);
    if (status != AX_OK)
        return ax_strerror(status);
    if (run->impl->work == tickets_mutex.work || run->impl->work == tickets_rwlock.work) {
        shared->stack = malloc((size_t)capacity * sizeof *shared->stack);
        if (shared->stack == NULL)
            return "no memory";
        for (int64_t i = 0; i < capacity; i++)
            shared->stack[i] = (uint32_t)(capacity - 1 - i);
    }
    int64_t evenings = capacity / EVENING_SEATS + 1;
    shared->evenings = malloc((size_t)evenings * sizeof *shared->evenings);
    if (shared->evenings == NULL)
        return "no memory";
    for (int64_t i = 0; i < evenings; i++)
        shared->evenings[i] = i + 1 < evenings ? EVENING_SEATS : capacity % EVENING_SEATS;
    run->shared = shared;
    return NULL;
}

static void tickets_teardown(ax_stress_run *run)
{
    struct tickets_shared *shared = run->shared;
    for (uint32_t i = 0; i < run->threads; i++)
        free(((struct tickets_tally *)ax_stress_tally(run, i))->held.number);
    free(shared->evenings);
    free(shared->stack);
    ax_tickets_destroy(shared->tickets);
    sem_destroy(&shared->semaphore);
    pthread_rwlock_destroy(&shared->rwlock);
    pthread_mutex_destroy(&shared->mutex);
    free(shared);
}

static int64_t final_left(const ax_stress_run *run)
{
    const struct tickets_kind *kind = run->impl->extra;
    return kind->left(run->shared);
}

/* How many tickets leases may have had in hand while others were told that all was sold. */
static int64_t most_leased(const ax_stress_run *run)
{
    return leased(run) ? (int64_t)run->threads * ax_stress_value(run, "block") : 0;
}

static int64_t most_at_once(const ax_stress_run *run)
{
    bool many = run->upto[TICKETS_SELL_MANY] > run->upto[TICKETS_SELL];
    return many ? ax_stress_value(run, "many") : 1;
}

/* What became of the tickets, counted from the workers' piles. */
struct census {
    int64_t held, twice, strays, sells, sold_out, refunds, refused_refunds;
    int64_t first_twice, first_stray;
};

static bool take_census(const ax_stress_run *run, struct census *census)
{
    int64_t capacity = ax_stress_value(run, "capacity");
    ax_stress_set *sold = ax_stress_set_create((uint64_t)capacity);
    if (sold == NULL)
        return false;
    for (uint32_t i = 0; i < run->threads; i++) {
        const struct tickets_tally *tally = ax_stress_tally(run, i);
        census->sells += tally->sells;
        census->sold_out += tally->sold_out;
        census->refunds += tally->refunds;
        census->refused_refunds += tally->refused_refunds;
        for (size_t j = 0; j < tally->held.count; j++) {
            int64_t number = tally->held.number[j];
            if (number < 0 || number >= capacity) {
                if (census->strays++ == 0)
                    census->first_stray = number;
            } else if (!ax_stress_set_add(sold, (uint64_t)number) && census->twice++ == 0) {
                census->first_twice = number;
            }
        }
    }
    census->held = (int64_t)ax_stress_set_size(sold);
    ax_stress_set_destroy(sold);
    return true;
}

static ax_stress_verdict tickets_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    struct census census = { 0 };
    int64_t capacity = ax_stress_value(run, "capacity");
    int64_t left = final_left(run);
    if (!take_census(run, &census)) {
        snprintf(sentence, size, "no memory to judge");
        return AX_STRESS_INCONCLUSIVE;
    }
    if (census.strays > 0)
        snprintf(sentence, size, "ticket number %" PRId64 " was sold; %" PRId64 " such sales, %" PRId64 " tickets sold twice",
                 census.first_stray, census.strays, census.twice);
    else if (census.twice > 0)
        snprintf(sentence, size, "ticket number %" PRId64 " was sold twice, and %" PRId64 " more sales of sold tickets",
                 census.first_twice, census.twice - 1);
    else if (census.refused_refunds > 0)
        snprintf(sentence, size, "%" PRId64 " refunds of tickets in hand were refused", census.refused_refunds);
    else if (census.held + left != capacity)
        snprintf(sentence, size, "%" PRId64 " held and %" PRId64 " left are not the capacity, %" PRId64, census.held, left,
                 capacity);
    else if (census.sold_out > 0 && census.refunds == 0 && left >= most_at_once(run) + most_leased(run))
        snprintf(sentence, size, "%" PRId64 " buyers were told sold out, and %" PRId64 " tickets are left", census.sold_out,
                 left);
    else {
        snprintf(sentence, size, "%" PRId64 " sold once each, %" PRId64 " left, of %" PRId64 "; %" PRId64 " refused, %" PRId64
                 " refunds", census.held, left, capacity, census.sold_out, census.refunds);
        return AX_STRESS_HOLDS;
    }
    return AX_STRESS_VIOLATED;
}

static void tickets_put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_integer(out, "capacity", ax_stress_value(run, "capacity"));
    if (most_at_once(run) > 1)
        ax_stress_put_integer(out, "batch", most_at_once(run));
    if (leased(run))
        ax_stress_put_integer(out, "leased", most_leased(run));
}

static void tickets_put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct tickets_tally *tally = ax_stress_tally(run, thread);
    const struct tickets_pile *pile = &tally->held;
    int64_t capacity = ax_stress_value(run, "capacity");
    ax_stress_put_integer(out, "sells", tally->sells);
    ax_stress_put_integer(out, "sold_out", tally->sold_out);
    ax_stress_put_integer(out, "refunds", tally->refunds);
    ax_stress_set *held = ax_stress_set_create((uint64_t)capacity);
    if (held == NULL)
        return; /* the record lacks the field, and is refused */
    ax_stress_put_array(out, "repeats");
    for (size_t i = 0; i < pile->count; i++)
        if (pile->number[i] >= 0 && pile->number[i] < capacity && !ax_stress_set_add(held, (uint64_t)pile->number[i]))
            ax_stress_put_integer(out, NULL, pile->number[i]);
    ax_stress_put_end(out);
    ax_stress_put_array(out, "strays");
    for (size_t i = 0; i < pile->count; i++)
        if (pile->number[i] < 0 || pile->number[i] >= capacity)
            ax_stress_put_integer(out, NULL, pile->number[i]);
    ax_stress_put_end(out);
    ax_stress_put_set(out, "held", held);
    ax_stress_set_destroy(held);
}

static void tickets_put_final(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_integer(out, "left", final_left(run));
}

static void tickets_put_model(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_integer(out, "capacity", ax_stress_value(run, "capacity"));
}

int main(int argc, char **argv)
{
    static const ax_stress_operation operations[] = {
        { .name = "sell", .weight = 100 }, { .name = "sell-many" }, { .name = "refund" }, { .name = "left" },
    };
    static const ax_stress_option options[] = {
        { "capacity", "tickets in the hall", false, 1, AX_TICKETS_MAX_CAPACITY, 10000000 },
        { "block", "tickets a lease takes at a time (--impl lease)", false, 1, AX_TICKETS_MAX_BLOCK, 1024 },
        { "many", "tickets per sell-many", false, 1, TICKETS_MANY_MAX, 4 },
    };
    static const ax_stress_event events[] = {
        [TICKETS_SOLD] = { "sell", 0, 1 }, [TICKETS_REFUNDED] = { "refund", 1, 1 }, [TICKETS_COUNTED] = { "left", 0, 1 },
    };
    const ax_stress_impl impls[] = {
        { .name = "ours", .about = "ax_tickets_sell, ax_tickets_refund", .work = ours_work, .extra = &ours_kind },
        { .name = "lease", .about = "ax_lease_sell: blocks taken at once, sold one by one", .supports = TICKETS_WITH_REFUNDS,
          .enter = lease_enter, .work = lease_work, .leave = lease_leave, .extra = &lease_kind },
        tickets_mutex,
        tickets_rwlock,
        tickets_semaphore,
        tickets_cas_loop,
        tickets_fetch_sub,
        broken_sold_twice,
        broken_ticket_minus_one,
    };
    const ax_stress_program program = {
        .noun = "tickets",
        .about = "Threads sell the tickets of one hall; each number must be sold once, and the rest be left.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .operations = operations, .operation_count = sizeof operations / sizeof *operations,
        .options = options, .option_count = sizeof options / sizeof *options,
        .iters = 10000000,
        .tally_size = sizeof(struct tickets_tally),
        .check = tickets_check, .setup = tickets_setup, .judge = tickets_judge, .teardown = tickets_teardown,
        .put_setup = tickets_put_setup, .put_worker = tickets_put_worker, .put_final = tickets_put_final,
        .model = "tickets", .events = events, .event_count = sizeof events / sizeof *events,
        .put_model = tickets_put_model,
    };
    return ax_stress_main(argc, argv, &program);
}

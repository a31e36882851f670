/* SPDX-License-Identifier: MIT */
/* What the ticket sellers share: the hall in its several forms, the tally, and the hot loop. */
#ifndef STRESS_TICKETS_H
#define STRESS_TICKETS_H

#include <pthread.h>
#include <semaphore.h>

#include <atomicx/stress.h>
#include <atomicx/tickets.h>

#define STRESS_ISOLATION 128
#define TICKETS_MANY_MAX 64

enum { TICKETS_SELL, TICKETS_SELL_MANY, TICKETS_REFUND, TICKETS_LEFT };

/* The operations of its history. A lease's refusals are not in it, nor how many it finds left: others' leases may
 * hold tickets at that time, and that is no mistake. */
enum { TICKETS_SOLD, TICKETS_REFUNDED, TICKETS_COUNTED };

#define NO_TICKET INT64_MIN /* what a seller says when sold out; -1 is a number it might sell */

struct tickets_shared {
    ax_tickets *tickets;
    int64_t capacity;
    _Alignas(STRESS_ISOLATION) int64_t word; /* left, or the next number; plain, or atomic by the operations used on it */
    _Alignas(STRESS_ISOLATION) pthread_mutex_t mutex;
    pthread_rwlock_t rwlock;
    sem_t semaphore;
    uint32_t *stack; /* the numbers left, where a seller keeps them as a stack of `word` */
    int64_t *evenings; /* broken/ticket_minus_one.c */
};

/* Numbers as they come; what refunds take out is replaced by the last. */
struct tickets_pile {
    int64_t *number;
    size_t count, room;
};

struct tickets_tally {
    int64_t sells, sold_out, refunds;
    int64_t refused_refunds; /* of tickets it held: must stay 0 */
    struct tickets_pile held; /* what it was sold and did not give back, strays and repeats included */
    uint64_t lefts; /* of what left returned, so that it is not optimised away */
    ax_lease lease;
};

/* One seller. `lease` is the worker's own; those who have no use for it ignore it. */
struct tickets_kind {
    int64_t (*sell)(struct tickets_shared *shared, ax_lease *lease);
    bool (*refund)(struct tickets_shared *shared, int64_t number); /* NULL: it takes none back */
    int64_t (*left)(struct tickets_shared *shared);
};

/* Ends the program when there is no memory: a tally with holes would be no evidence. */
void tickets_pile_grow(struct tickets_pile *pile);

static inline void tickets_take(struct tickets_tally *tally, int64_t number)
{
    if (number == NO_TICKET) {
        tally->sold_out++;
        return;
    }
    if (tally->held.count == tally->held.room)
        tickets_pile_grow(&tally->held);
    tally->held.number[tally->held.count++] = number;
    tally->sells++;
}

static inline void tickets_give_back(ax_stress_worker *self, struct tickets_kind kind)
{
    struct tickets_tally *tally = self->tally;
    struct tickets_pile *held = &tally->held;
    size_t which = ax_stress_below(&self->random, held->count);
    int64_t number = held->number[which];
    uint64_t invoked = ax_stress_invoke(self);
    bool done = kind.refund(self->shared, number);
    AX_STRESS_ANSWER(self, invoked, TICKETS_REFUNDED, number, done);
    if (done) {
        held->number[which] = held->number[--held->count];
        tally->refunds++;
    } else {
        tally->refused_refunds++;
    }
}

static inline void tickets_sell_one(ax_stress_worker *self, struct tickets_kind kind, bool leased)
{
    struct tickets_tally *tally = self->tally;
    uint64_t invoked = leased ? ax_stress_invoke(self) : ax_stress_invoke_next(self); /* leases answer for some sales only */
    int64_t number = kind.sell(self->shared, &tally->lease);
    if (number != NO_TICKET || !leased)
        AX_STRESS_ANSWER(self, invoked, TICKETS_SOLD, number == NO_TICKET ? AX_STRESS_NONE : number);
    tickets_take(tally, number);
}

static inline void tickets_count(ax_stress_worker *self, struct tickets_kind kind, bool leased)
{
    struct tickets_tally *tally = self->tally;
    uint64_t invoked = ax_stress_invoke(self);
    int64_t left = kind.left(self->shared);
    if (!leased)
        AX_STRESS_ANSWER(self, invoked, TICKETS_COUNTED, left);
    tally->lefts += (uint64_t)left;
}

/* Only of ours; in tickets.c. */
void tickets_sell_many(ax_stress_worker *self);

/* Inlined into each seller's work function, so that the loop has no call through a pointer. */
static inline __attribute__((always_inline)) void tickets_loop(ax_stress_worker *self, uint64_t begin, uint64_t end,
                                                               struct tickets_kind kind)
{
    struct tickets_tally *tally = self->tally;
    bool leased = self->run->impl->leave != NULL;
    bool only_sells = self->run->only == TICKETS_SELL;
    for (uint64_t i = begin; i < end; i++) {
        uint32_t operation = only_sells ? TICKETS_SELL : ax_stress_pick(self);
        if (operation == TICKETS_LEFT)
            tickets_count(self, kind, leased);
        else if (operation == TICKETS_SELL_MANY)
            tickets_sell_many(self);
        else if (operation == TICKETS_REFUND && kind.refund != NULL && tally->held.count > 0)
            tickets_give_back(self, kind);
        else /* also when there is nothing to give back */
            tickets_sell_one(self, kind, leased);
    }
}

/* `refund_` is a function, or NULL for those that take no ticket back. */
#define TICKETS_KIND(name, refund_) \
    (struct tickets_kind) { name##_sell, refund_, name##_left }
#define TICKETS_IMPL(name, refund_)                                               \
    static void name##_work(ax_stress_worker *self, uint64_t begin, uint64_t end) \
    {                                                                             \
        tickets_loop(self, begin, end, TICKETS_KIND(name, refund_));              \
    }                                                                             \
    static const struct tickets_kind name##_kind = { name##_sell, refund_, name##_left }

/* For ax_stress_impl.supports. */
#define TICKETS_SELLS_ONLY (1u << TICKETS_SELL | 1u << TICKETS_LEFT)
#define TICKETS_WITH_REFUNDS (TICKETS_SELLS_ONLY | 1u << TICKETS_REFUND)

/* tickets_others.c */
extern const ax_stress_impl tickets_mutex, tickets_rwlock, tickets_semaphore, tickets_cas_loop, tickets_fetch_sub;
/* stress/broken */
extern const ax_stress_impl broken_sold_twice, broken_ticket_minus_one;

#define EVENING_SEATS 8

#endif

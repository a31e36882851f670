/* SPDX-License-Identifier: MIT */
/*
 * The worker service: workers count requests per customer in one table, behind one lock. What is here:
 * the table, plain as such tables are, and what the lock's implementations share.
 */
#ifndef STRESS_LOCK_H
#define STRESS_LOCK_H

#include <atomicx/lock.h>
#include <atomicx/stress.h>

enum { LOCK_BUCKETS = 64, LOCK_KINDS = AX_LOCK_UNCHECKED + 1 };

/* The operations of its history, those of a mutex. Readers are not in it. A lock that was refused by a checked lock is an
 * attempt that failed: right while somebody holds it, wrong when it is free. */
enum { LOCK_TAKEN, LOCK_TRIED, LOCK_RELEASED };

struct lock_node {
    struct lock_node *next;
    uint64_t customer;
    int64_t count; /* a node whose count comes to 0 is freed */
};

struct lock_table {
    struct lock_node *buckets[LOCK_BUCKETS];
};

/* Adds to the customer's count. Needs the lock; nothing in it is atomic. False: no memory. */
bool lock_table_add(struct lock_table *table, uint64_t customer, int64_t n);
int64_t lock_table_get(const struct lock_table *table, uint64_t customer);

/* The service as one struct, which invites to being passed by value. */
struct lock_service {
    ax_mutex mutex;
    struct lock_table *table;
};

struct lock_shared {
    struct lock_service service;
    ax_rwlock rwlock;
    pthread_mutex_t pthread;
    ax_mutex second; /* for those who nest */
    struct lock_table table;
    pthread_mutex_t apart; /* keeps an inversion from deadlocking, as luck would */
};

struct lock_tally {
    int64_t added;        /* to the table, as this worker believes */
    int64_t refused;      /* operations left undone as the lock was refused */
    uint64_t read_sum;    /* so that reads are not optimised away */
    struct lock_service copy; /* of a worker that was handed the service by value */
};

/* One operation: the next customer gets +1, and now and then a whole account is emptied. */
static inline bool lock_step(struct lock_table *table, ax_stress_worker *self, uint64_t i)
{
    struct lock_tally *tally = self->tally;
    uint64_t customer = ax_stress_below(&self->random, 1000);
    int64_t n = 1;
    if (i % 8 == 7)
        n = -lock_table_get(table, customer);
    if (!lock_table_add(table, customer, n))
        return false;
    tally->added += n;
    return true;
}

/* The block `statement` under AX_WITH_LOCK or its like, with both ends in the history. */
#define LOCK_SECTION(self, with, statement)                                   \
    do {                                                                      \
        uint64_t asked_ = ax_stress_invoke(self);                             \
        bool entered_ = false;                                                \
        with {                                                                \
            ax_stress_answer(self, asked_, LOCK_TAKEN, NULL, 0);              \
            entered_ = true;                                                  \
            statement;                                                        \
            asked_ = ax_stress_invoke(self);                                  \
        }                                                                     \
        if (entered_)                                                         \
            ax_stress_answer(self, asked_, LOCK_RELEASED, NULL, 0);           \
        else                                                                  \
            AX_STRESS_ANSWER(self, asked_, LOCK_TRIED, 0);                    \
    } while (0)

/* stress/broken */
extern const ax_stress_impl broken_lock_copied, broken_lock_copied_checked, broken_lock_unlocked, broken_lock_foreign,
    broken_lock_relock, broken_lock_fini_held, broken_lock_thread_ended, broken_lock_held_long, broken_lock_inversion;

#endif

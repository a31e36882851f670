/* SPDX-License-Identifier: MIT */
/* What the counter's implementations share: the word in its several forms, the tally, and the hot loop. */
#ifndef STRESS_COUNTER_H
#define STRESS_COUNTER_H

#include <pthread.h>
#include <semaphore.h>

#include <atomicx/counter.h>
#include <atomicx/stress.h>

#define STRESS_ISOLATION 128

enum { COUNTER_ADD, COUNTER_READ };

struct counter_shared {
    _Alignas(STRESS_ISOLATION) ax_counter counter;
    _Alignas(STRESS_ISOLATION) int64_t word; /* plain, or atomic by the operations used on it */
    pthread_mutex_t mutex;
    pthread_rwlock_t rwlock;
    sem_t semaphore;
};

struct counter_tally {
    int64_t added;
    uint64_t returned_sum, returned_squares; /* of what the additions returned, modulo 2^64 */
    uint64_t read_sum;                       /* of what reads returned, so that they are not optimised away */
};

/* One implementation: each addition is of 1 and returns the value before. */
struct counter_kind {
    int64_t (*add)(struct counter_shared *shared);
    int64_t (*read)(struct counter_shared *shared);
};

/* The operations of its history. */
enum { COUNTER_ADDED, COUNTER_SEEN };

/* Inlined into each implementation's work function, so that the loop has no call through a pointer. */
static inline __attribute__((always_inline)) void counter_loop(ax_stress_worker *self, uint64_t begin, uint64_t end,
                                                               struct counter_kind kind)
{
    struct counter_tally *tally = self->tally;
    struct counter_shared *shared = self->shared;
    bool only_adds = self->run->only == COUNTER_ADD;
    struct counter_tally batch = { 0 };
    for (uint64_t i = begin; i < end; i++) {
        bool adds = only_adds || ax_stress_pick(self) == COUNTER_ADD;
        uint64_t invoked = ax_stress_invoke_next(self);
        if (adds) {
            uint64_t before = (uint64_t)kind.add(shared);
            AX_STRESS_ANSWER(self, invoked, COUNTER_ADDED, 1, (int64_t)before);
            batch.added++;
            batch.returned_sum += before;
            batch.returned_squares += before * before;
        } else {
            int64_t seen = kind.read(shared);
            AX_STRESS_ANSWER(self, invoked, COUNTER_SEEN, seen);
            batch.read_sum += (uint64_t)seen;
        }
    }
    tally->added += batch.added;
    tally->returned_sum += batch.returned_sum;
    tally->returned_squares += batch.returned_squares;
    tally->read_sum += batch.read_sum;
}

/* One look, by an observer, whose tally is an ax_stress_samples. */
void counter_observe(ax_stress_worker *self);

#define COUNTER_IMPL(name)                                                               \
    static void name##_work(ax_stress_worker *self, uint64_t begin, uint64_t end)        \
    {                                                                                    \
        counter_loop(self, begin, end, (struct counter_kind){ name##_add, name##_read }); \
    }                                                                                    \
    static const struct counter_kind name##_kind = { name##_add, name##_read }

/* stress/broken */
extern const ax_stress_impl broken_lost_logins, broken_plain_logins, broken_copied_counter;

#endif

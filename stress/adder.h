/* SPDX-License-Identifier: MIT */
/* What the adder's implementations share: its several forms, the tally, and the hot loop. */
#ifndef STRESS_ADDER_H
#define STRESS_ADDER_H

#include <pthread.h>

#include <atomicx/adder.h>
#include <atomicx/stress.h>

#define STRESS_ISOLATION 128

enum { ADDER_ADD, ADDER_SUM };

/* The operations of its history: additions that nobody looks at, of which a drain is a negative one, and the sum at the
 * end. A sum while additions run promises less than an order of all operations, and is not in it. */
enum { ADDER_ADDED, ADDER_SUMMED };

struct adder_slot {
    _Alignas(STRESS_ISOLATION) int64_t value;
};

struct adder_shared {
    _Alignas(STRESS_ISOLATION) ax_adder adder;
    _Alignas(STRESS_ISOLATION) int64_t word; /* plain, or atomic by the operations used on it */
    _Alignas(STRESS_ISOLATION) pthread_mutex_t mutex;
    uint32_t slot_count;
    struct adder_slot *slots; /* one per worker */
};

struct adder_tally {
    int64_t added;
    uint64_t sums; /* of what sums returned, so that they are not optimised away */
};

struct adder_observer_tally {
    ax_stress_samples samples; /* without --drain */
    int64_t calls, drained;    /* with it */
};

/* One implementation. Each addition is of 1; `thread` is the worker's number. drain may be NULL. */
struct adder_kind {
    void (*add)(struct adder_shared *shared, uint32_t thread);
    int64_t (*sum)(struct adder_shared *shared);
    int64_t (*drain)(struct adder_shared *shared);
    bool only_drains; /* observers drain, asked to or not */
};

/* Inlined into each implementation's work function, so that the loop has no call through a pointer. */
static inline __attribute__((always_inline)) void adder_loop(ax_stress_worker *self, uint64_t begin, uint64_t end,
                                                             struct adder_kind kind)
{
    struct adder_shared *shared = self->shared;
    struct adder_tally *tally = self->tally;
    uint32_t thread = self->thread;
    if (self->run->only == ADDER_ADD && self->log == NULL) {
        for (uint64_t i = begin; i < end; i++)
            kind.add(shared, thread);
        tally->added += (int64_t)(end - begin);
        return;
    }
    for (uint64_t i = begin; i < end; i++)
        if (ax_stress_pick(self) == ADDER_ADD) {
            uint64_t invoked = ax_stress_invoke(self);
            kind.add(shared, thread);
            AX_STRESS_ANSWER(self, invoked, ADDER_ADDED, 1);
            tally->added++;
        } else {
            tally->sums += (uint64_t)kind.sum(shared);
        }
}

/* --churn: the batch is done by a thread of its own, which ends with it. */
void adder_churn(ax_stress_worker *self, uint64_t begin, uint64_t end,
                 void (*work)(ax_stress_worker *self, uint64_t begin, uint64_t end));
/* One look, by an observer: a sample, or with --drain a drain. */
void adder_observe(ax_stress_worker *self);

#define ADDER_KIND(name, only_drains) \
    (struct adder_kind) { name##_add, name##_sum, name##_drain, only_drains }
#define ADDER_IMPL(name, only_drains)                                             \
    static void name##_here(ax_stress_worker *self, uint64_t begin, uint64_t end) \
    {                                                                             \
        adder_loop(self, begin, end, ADDER_KIND(name, only_drains));              \
    }                                                                             \
    static void name##_work(ax_stress_worker *self, uint64_t begin, uint64_t end) \
    {                                                                             \
        adder_churn(self, begin, end, name##_here);                               \
    }                                                                             \
    static const struct adder_kind name##_kind = { name##_add, name##_sum, name##_drain, only_drains }

/* stress/broken */
extern const ax_stress_impl broken_read_and_reset;

#endif

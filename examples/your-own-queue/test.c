/* SPDX-License-Identifier: MIT */
/*
 * How to test a structure of your own: this file is all there is to it. The model is a sequential queue; the operations are
 * recorded, and axcheck looks for an order of them that such a queue could have had.
 *
 *     your-own-queue --threads 4 --history h && axcheck h
 *     your-own-queue --impl broken-empty --threads 4 --history h; axcheck h
 */
#include <atomicx/stress.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue.h"

enum { PUT, TAKE };

struct tally {
    int64_t put, taken, sum; /* the sum of what was put minus what was taken */
};

static inline __attribute__((always_inline)) void work(ax_stress_worker *self, uint64_t begin, uint64_t end, enum queue_switch how)
{
    struct tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        int64_t value = (int64_t)((uint64_t)self->thread << 32 | i) + 1; /* no two alike: what comes out tells who put it in */
        if (ax_stress_pick(self) == PUT) {
            uint64_t invoked = ax_stress_invoke(self);
            bool done = queue_put(self->shared, value);
            AX_STRESS_ANSWER(self, invoked, PUT, value, done);
            tally->put += done;
            tally->sum += done ? value : 0;
        } else {
            uint64_t invoked = ax_stress_invoke(self);
            bool done = queue_take(self->shared, &value, how);
            AX_STRESS_ANSWER(self, invoked, TAKE, done ? value : AX_STRESS_NONE);
            tally->taken += done;
            tally->sum -= done ? value : 0;
        }
    }
}

static void right_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    work(self, begin, end, AS_IT_SHOULD_BE);
}

static void turn_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    work(self, begin, end, BREAK_TURN);
}

static void empty_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    work(self, begin, end, BREAK_EMPTY);
}

static const char *setup(ax_stress_run *run)
{
    struct queue *queue = aligned_alloc(64, sizeof *queue);
    if (queue == NULL)
        return "no memory";
    atomic_init(&queue->tail, 0);
    atomic_init(&queue->head, 0);
    for (int i = 0; i < CELLS; i++) {
        atomic_init(&queue->cell[i].turn, 0);
        atomic_init(&queue->cell[i].value, 0);
    }
    run->shared = queue;
    return NULL;
}

static void teardown(ax_stress_run *run)
{
    free(run->shared);
}

/* Arithmetic, for runs without a history: all that was put was taken, or is still there. */
static ax_stress_verdict judge(const ax_stress_run *run, char *sentence, size_t size)
{
    struct tally all = { 0 };
    for (uint32_t i = 0; i < run->threads; i++) {
        const struct tally *tally = ax_stress_tally(run, i);
        all.put += tally->put;
        all.taken += tally->taken;
        all.sum += tally->sum;
    }
    int64_t left = 0, value;
    while (queue_take(run->shared, &value, AS_IT_SHOULD_BE)) {
        all.sum -= value;
        left++;
    }
    snprintf(sentence, size, "%lld put, %lld taken, %lld left, sums %s", (long long)all.put, (long long)all.taken, (long long)left,
             all.sum == 0 ? "agree" : "differ");
    return all.sum == 0 && all.put == all.taken + left ? AX_STRESS_HOLDS : AX_STRESS_VIOLATED;
}

static void put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    (void)run;
    ax_stress_put_integer(out, "capacity", CELLS);
}

static void put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_integer(out, "put", tally->put);
    ax_stress_put_integer(out, "taken", tally->taken);
}

static void put_final(const ax_stress_run *run, ax_stress_out *out)
{
    (void)run, (void)out;
}

int main(int argc, char **argv)
{
    static const ax_stress_impl impls[] = {
        { .name = "queue", .about = "the queue as it should be", .work = right_work },
        { .name = "broken-turn", .about = "the cell is given away before its value was taken out", .broken = true,
          .work = turn_work },
        { .name = "broken-empty", .about = "empty, it says, when the first value is on its way and the second is there",
          .broken = true, .work = empty_work },
    };
    static const ax_stress_operation operations[] = { [PUT] = { "put", 50 }, [TAKE] = { "take", 50 } };
    static const ax_stress_event events[] = { [PUT] = { "enqueue", 1, 1 }, [TAKE] = { "dequeue", 0, 1 } };
    static const ax_stress_program program = {
        .noun = "queue", .about = "A bounded queue for many producers and consumers.",
        .impls = impls, .impl_count = 3, .operations = operations, .operation_count = 2,
        .iters = 100000, .tally_size = sizeof(struct tally),
        .setup = setup, .judge = judge, .teardown = teardown,
        .put_setup = put_setup, .put_worker = put_worker, .put_final = put_final,
        .model = "queue", .events = events, .event_count = 2, .put_model = put_setup,
    };
    return ax_stress_main(argc, argv, &program);
}

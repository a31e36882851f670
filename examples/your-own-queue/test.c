/* SPDX-License-Identifier: MIT */
/*
 * How to test a structure of your own: this file is all there is to it. What a queue must do is said by a sequential one,
 * `struct model` and two functions; the harness looks for a round of puts and takes that no order of them explains.
 *
 *     your-own-queue-test                        rounds on the queue as it should be
 *     your-own-queue-test --impl broken-empty    finds a round that fails, and makes it small
 *     your-own-queue-test --history h && axcheck h    one long run, for another judge
 */
#include <atomicx/stress.h>
#include <stdlib.h>

#include "queue.h"

static int64_t put(void *queue, const int64_t *arguments)
{
    return queue_put(queue, arguments[0]);
}

static int64_t take(void *queue, const int64_t *arguments)
{
    int64_t value;
    (void)arguments;
    return queue_take(queue, &value) ? value : AX_STRESS_NONE;
}

struct model {
    int64_t count, values[CELLS]; /* the oldest first; what is not used is 0, so that equal queues are equal bytes */
};

static int64_t model_put(void *state, const int64_t *arguments)
{
    struct model *model = state;
    if (model->count == CELLS)
        return false;
    model->values[model->count++] = arguments[0];
    return true;
}

static int64_t model_take(void *state, const int64_t *arguments)
{
    struct model *model = state;
    int64_t oldest = model->values[0];
    (void)arguments;
    if (model->count == 0)
        return AX_STRESS_NONE;
    for (int i = 1; i < CELLS; i++)
        model->values[i - 1] = model->values[i];
    model->values[CELLS - 1] = 0;
    model->count--;
    return oldest;
}

static void *create(const ax_stress_run *run)
{
    return queue_create(*(const enum queue_switch *)run->impl->extra);
}

/* Only for --history: the setup of axcheck's own queue. */
static void put_model(const ax_stress_run *run, ax_stress_out *out)
{
    (void)run;
    ax_stress_put_integer(out, "capacity", CELLS);
}

int main(int argc, char **argv)
{
    static const enum queue_switch right = AS_IT_SHOULD_BE, turn = BREAK_TURN, empty = BREAK_EMPTY;
    static const ax_stress_impl impls[] = {
        { .name = "queue", .about = "the queue as it should be", .extra = &right, .create = create, .destroy = free,
          .calls = { put, take } },
        { .name = "broken-turn", .about = "the cell is given away before its value was taken out", .broken = true,
          .extra = &turn, .create = create, .destroy = free, .calls = { put, take } },
        { .name = "broken-empty", .about = "empty, it says, when the first value is on its way and the second is there",
          .broken = true, .extra = &empty, .create = create, .destroy = free, .calls = { put, take } },
    };
    static const ax_stress_operation operations[] = {
        { .name = "enqueue", .takes = { AX_STRESS_FRESH }, .model = model_put },
        { .name = "dequeue", .model = model_take },
    };
    static const ax_stress_program program = {
        .noun = "queue", .about = "A bounded queue for many producers and consumers.", .iters = 400000,
        .impls = impls, .impl_count = sizeof impls / sizeof *impls, .state_size = sizeof(struct model),
        .operations = operations, .operation_count = sizeof operations / sizeof *operations,
        .model = "queue", .put_model = put_model,
    };
    return ax_stress_main(argc, argv, &program);
}

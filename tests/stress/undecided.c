/* SPDX-License-Identifier: MIT */
/*
 * A round that nobody can judge: all threads are in each of its calls at once, and the last one of all says a number that only
 * one order of all of them gives. There is an order, and to find it takes as long as to try them all.
 */
#include <atomicx/stress.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS = 4, CALLS = 8, ALL = THREADS * CALLS }; /* of the round that undecided.py asks for */

struct order {
    uint64_t calls, number;
};

struct object {
    _Atomic uint64_t arrived;
    pthread_mutex_t mutex;
    int64_t waiting[THREADS]; /* the arguments of those that are in the same call of theirs */
    struct order order;
};

static void add(struct order *order, int64_t argument)
{
    order->number = (order->number ^ (uint64_t)argument) * UINT64_C(0x9e3779b97f4a7c15);
    order->number ^= order->number >> 29;
    order->calls++;
}

/* As a result: never 0, which says nothing. */
static int64_t number_of(const struct order *order)
{
    return (int64_t)(order->number >> 1 | 1);
}

static void *create(const ax_stress_run *run)
{
    struct object *object = calloc(1, sizeof *object);
    (void)run;
    if (object != NULL)
        pthread_mutex_init(&object->mutex, NULL);
    return object;
}

static void destroy(void *memory)
{
    struct object *object = memory;
    pthread_mutex_destroy(&object->mutex);
    free(object);
}

/* Who comes last does the work of all, and who came last is first, so that the order is not that of the calls' times. */
static int64_t step(void *memory, const int64_t *arguments)
{
    struct object *object = memory;
    pthread_mutex_lock(&object->mutex);
    uint64_t arrived = atomic_load(&object->arrived), all = (arrived / THREADS + 1) * THREADS;
    object->waiting[arrived % THREADS] = arguments[0];
    for (size_t i = THREADS; arrived + 1 == all && i-- > 0;)
        add(&object->order, object->waiting[i]);
    atomic_store(&object->arrived, arrived + 1);
    pthread_mutex_unlock(&object->mutex);
    while (atomic_load(&object->arrived) < all)
        sched_yield();
    /* Who came first to the last call is the last of all. */
    return arrived == ALL - THREADS ? number_of(&object->order) : 0;
}

static bool allows_step(void *state, const int64_t *arguments, int64_t result)
{
    struct order *order = state;
    add(order, arguments[0]);
    return result == 0 ? order->calls < ALL : order->calls == ALL && number_of(order) == result;
}

int main(int argc, char **argv)
{
    const ax_stress_impl impls[] = { { .name = "order", .about = "calls that all overlap", .create = create, .destroy = destroy, .calls = { step } } };
    const ax_stress_operation operations[] = { { .name = "step", .weight = 1, .takes = { AX_STRESS_FRESH }, .allows = allows_step } };
    const ax_stress_program program = {
        .noun = "order", .about = "A round that takes too long to judge.", .impls = impls, .impl_count = 1,
        .operations = operations, .operation_count = 1, .iters = CALLS, .state_size = sizeof(struct order),
    };
    return ax_stress_main(argc, argv, &program);
}

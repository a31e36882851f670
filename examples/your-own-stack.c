/* SPDX-License-Identifier: MIT */
/* A stack of your own, and the whole of its test: what the threads call, what one thread would get, and main. */
#include <atomicx/stress.h>
#include <stdatomic.h>
#include <stdlib.h>

struct stack {
    atomic_int used, top; /* nodes by number, from 1; 0 is the end */
    struct { int64_t value; atomic_int next; } node[AX_STRESS_ROUND + 1];
};

static void *create(const ax_stress_run *run) { return (void)run, calloc(1, sizeof(struct stack)); }

static int64_t push(void *object, const int64_t *a)
{
    struct stack *stack = object;
    int mine = atomic_fetch_add(&stack->used, 1) + 1, top = atomic_load(&stack->top);
    stack->node[mine].value = a[0];
    do atomic_store(&stack->node[mine].next, top);
    while (!atomic_compare_exchange_weak(&stack->top, &top, mine));
    return 0;
}

static int64_t pop(void *object, const int64_t *a)
{
    struct stack *stack = object;
    int top = atomic_load(&stack->top);
    while (top != 0 && !atomic_compare_exchange_weak(&stack->top, &top, atomic_load(&stack->node[top].next)));
    return (void)a, top != 0 ? stack->node[top].value : AX_STRESS_NONE;
}

static int64_t careless_pop(void *object, const int64_t *a)
{
    struct stack *stack = object;
    int top = atomic_load(&stack->top);
    if (top != 0)
        atomic_store(&stack->top, atomic_load(&stack->node[top].next)); /* whoever popped or pushed meanwhile is forgotten */
    return (void)a, top != 0 ? stack->node[top].value : AX_STRESS_NONE;
}

struct model { int64_t depth, values[AX_STRESS_ROUND + 1]; };

static int64_t model_push(void *state, const int64_t *a)
{
    struct model *model = state;
    return model->values[model->depth++] = a[0], 0;
}

static int64_t model_pop(void *state, const int64_t *a)
{
    struct model *model = state;
    int64_t top = model->depth > 0 ? model->values[--model->depth] : AX_STRESS_NONE;
    return (void)a, model->values[model->depth] = 0, top; /* equal stacks are equal bytes */
}

int main(int argc, char **argv)
{
    static const ax_stress_operation operations[] = {
        { .name = "push", .takes = { AX_STRESS_FRESH }, .model = model_push }, { .name = "pop", .model = model_pop },
    };
    static const ax_stress_impl impls[] = {
        { .name = "stack", .about = "as it should be", .create = create, .destroy = free, .calls = { push, pop } },
        { .name = "broken-pop", .about = "top is stored, not exchanged", .broken = true, .create = create, .destroy = free,
          .calls = { push, careless_pop } },
    };
    static const ax_stress_program program = {
        .noun = "stack", .about = "A stack without locks.", .impls = impls, .impl_count = 2, .iters = 100000,
        .operations = operations, .operation_count = 2, .state_size = sizeof(struct model),
    };
    return ax_stress_main(argc, argv, &program);
}

/* SPDX-License-Identifier: MIT */
/* Stacks of Concurrency Kit. The one that swaps one word is right as long as no entry comes back while somebody pops. */
#include <ck_stack.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "peers.h"

struct entry {
    ck_stack_entry_t link;
    int64_t value;
};

CK_STACK_CONTAINER(struct entry, link, entry_of)

struct peer {
    _Alignas(64) ck_stack_t stack;
    atomic_uint used;        /* of `entries` */
    atomic_flag busy;        /* guards `idle` */
    struct entry *idle[PEERS_NODES]; /* popped, and to be pushed again, the first of them first */
    unsigned idle_first, idle_count;
    struct entry entries[PEERS_NODES + 1];
};

static void *create(const ax_stress_run *run)
{
    struct peer *peer = aligned_alloc(64, (sizeof *peer + 63) / 64 * 64);
    (void)run;
    if (peer == NULL)
        return NULL;
    memset(peer, 0, sizeof *peer);
    atomic_flag_clear(&peer->busy);
    ck_stack_init(&peer->stack);
    return peer;
}

static struct entry *fresh(struct peer *peer, int64_t value)
{
    struct entry *entry = &peer->entries[atomic_fetch_add(&peer->used, 1)];
    entry->value = value;
    return entry;
}

static int64_t value_of(ck_stack_entry_t *link)
{
    return link != NULL ? entry_of(link)->value : AX_STRESS_NONE;
}

static int64_t upmc_push(void *object, const int64_t *a)
{
    struct peer *peer = object;
    ck_stack_push_upmc(&peer->stack, &fresh(peer, a[0])->link);
    return 0;
}

static int64_t upmc_pop(void *object, const int64_t *a)
{
    (void)a;
    return value_of(ck_stack_pop_upmc(&((struct peer *)object)->stack));
}

static int64_t mpmc_push(void *object, const int64_t *a)
{
    struct peer *peer = object;
    ck_stack_push_mpmc(&peer->stack, &fresh(peer, a[0])->link);
    return 0;
}

static int64_t mpmc_pop(void *object, const int64_t *a)
{
    (void)a;
    return value_of(ck_stack_pop_mpmc(&((struct peer *)object)->stack));
}

static void swap_idle(struct peer *peer, struct entry **taken, struct entry *given)
{
    while (atomic_flag_test_and_set_explicit(&peer->busy, memory_order_acquire))
        ;
    if (given != NULL)
        peer->idle[peer->idle_count++] = given;
    else
        *taken = peer->idle_first < peer->idle_count ? peer->idle[peer->idle_first++] : NULL;
    atomic_flag_clear_explicit(&peer->busy, memory_order_release);
}

/* The entry that was popped first is pushed next: whoever was in the midst of popping it takes its successor of then for the one
 * of now. */
static int64_t reused_push(void *object, const int64_t *a)
{
    struct peer *peer = object;
    struct entry *entry;
    swap_idle(peer, &entry, NULL);
    if (entry == NULL)
        entry = fresh(peer, a[0]);
    entry->value = a[0];
    ck_stack_push_upmc(&peer->stack, &entry->link);
    return 0;
}

static int64_t reused_pop(void *object, const int64_t *a)
{
    struct peer *peer = object;
    (void)a;
    ck_stack_entry_t *link = ck_stack_pop_upmc(&peer->stack);
    int64_t value = value_of(link);
    if (link != NULL)
        swap_idle(peer, NULL, entry_of(link));
    return value;
}

struct model {
    int64_t count, values[PEERS_NODES]; /* zeros above the top */
};

static int64_t model_push(void *state, const int64_t *a)
{
    struct model *model = state;
    model->values[model->count++] = a[0];
    return 0;
}

static int64_t model_pop(void *state, const int64_t *a)
{
    struct model *model = state;
    (void)a;
    if (model->count == 0)
        return AX_STRESS_NONE;
    int64_t top = model->values[--model->count];
    model->values[model->count] = 0;
    return top;
}

#define STACK(NAME, ABOUT, CALLS) \
    .name = NAME, .about = ABOUT, .create = create, .destroy = free, .calls = { CALLS##_push, CALLS##_pop }

int main(int argc, char **argv)
{
    static const ax_stress_impl impls[] = {
        { STACK("ck-stack", "ck_stack, one word is swapped, no entry comes back", upmc) },
        { STACK("ck-stack-mpmc", "ck_stack, two words are swapped", mpmc) },
        { STACK("broken-ck-stack-reused", "ck_stack, one word is swapped, entries come back at once (ABA)", reused), .broken = true },
    };
    static const ax_stress_operation operations[] = {
        { .name = "push", .takes = { AX_STRESS_FRESH }, .model = model_push },
        { .name = "pop", .model = model_pop },
    };
    static const ax_stress_program program = {
        .noun = "stacks", .about = "Stacks of Concurrency Kit.", .impls = impls, .impl_count = PEERS_COUNT(impls),
        .operations = operations, .operation_count = PEERS_COUNT(operations), .iters = 40000, .state_size = sizeof(struct model),
    };
    return ax_stress_main(argc, argv, &program);
}

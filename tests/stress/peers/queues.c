/* SPDX-License-Identifier: MIT */
/* Queues of Concurrency Kit and liburcu, judged by the same sequential queue. */
#include <ck_fifo.h>
#include <ck_ring.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <urcu/wfcqueue.h>

#include "peers.h"

enum { SLOTS = 4 }; /* of a ring, of which one stays free */

struct node {
    struct cds_wfcq_node link;
    int64_t value;
};

/* One of each, of which one is used. */
struct peer {
    ck_ring_t ring;
    ck_ring_buffer_t buffer[SLOTS];
    ck_fifo_spsc_t spsc;
    ck_fifo_mpmc_t mpmc;
    struct cds_wfcq_head head;
    struct cds_wfcq_tail tail;
    atomic_uint used; /* of the entries and nodes below: none is used twice, so that nobody reads what was freed */
    ck_fifo_spsc_entry_t spsc_entries[PEERS_NODES + 1];
    ck_fifo_mpmc_entry_t mpmc_entries[PEERS_NODES + 1];
    struct node nodes[PEERS_NODES + 1];
};

static unsigned fresh(struct peer *peer)
{
    return atomic_fetch_add(&peer->used, 1) + 1;
}

static void *create(const ax_stress_run *run)
{
    struct peer *peer = aligned_alloc(CK_MD_CACHELINE, (sizeof *peer / CK_MD_CACHELINE + 1) * CK_MD_CACHELINE);
    (void)run;
    if (peer == NULL)
        return NULL;
    ck_ring_init(&peer->ring, SLOTS);
    ck_fifo_spsc_init(&peer->spsc, &peer->spsc_entries[0]);
    ck_fifo_mpmc_init(&peer->mpmc, &peer->mpmc_entries[0]);
    cds_wfcq_init(&peer->head, &peer->tail);
    atomic_init(&peer->used, 0);
    return peer;
}

static void destroy(void *object)
{
    struct peer *peer = object;
    cds_wfcq_destroy(&peer->head, &peer->tail);
    free(peer);
}

static void *as_pointer(int64_t value)
{
    return (void *)(intptr_t)value;
}

static int64_t as_result(bool found, const void *pointer)
{
    return found ? (int64_t)(intptr_t)pointer : AX_STRESS_NONE;
}

static int64_t ring_mpmc_enqueue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    return ck_ring_enqueue_mpmc(&peer->ring, peer->buffer, as_pointer(a[0]));
}

static int64_t ring_mpmc_dequeue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    void *found = NULL;
    (void)a;
    bool done = ck_ring_dequeue_mpmc(&peer->ring, peer->buffer, &found);
    return as_result(done, found);
}

static int64_t ring_spsc_enqueue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    return ck_ring_enqueue_spsc(&peer->ring, peer->buffer, as_pointer(a[0]));
}

static int64_t ring_spsc_dequeue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    void *found = NULL;
    (void)a;
    bool done = ck_ring_dequeue_spsc(&peer->ring, peer->buffer, &found);
    return as_result(done, found);
}

static int64_t fifo_spsc_enqueue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    ck_fifo_spsc_enqueue(&peer->spsc, &peer->spsc_entries[fresh(peer)], as_pointer(a[0]));
    return true;
}

static int64_t fifo_spsc_dequeue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    void *found = NULL;
    (void)a;
    bool done = ck_fifo_spsc_dequeue(&peer->spsc, &found);
    return as_result(done, found);
}

static int64_t fifo_mpmc_enqueue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    ck_fifo_mpmc_enqueue(&peer->mpmc, &peer->mpmc_entries[fresh(peer)], as_pointer(a[0]));
    return true;
}

static int64_t fifo_mpmc_dequeue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    ck_fifo_mpmc_entry_t *garbage;
    void *found = NULL;
    (void)a;
    bool done = ck_fifo_mpmc_dequeue(&peer->mpmc, &found, &garbage);
    return as_result(done, found);
}

static int64_t wfcq_enqueue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    struct node *node = &peer->nodes[fresh(peer)];
    cds_wfcq_node_init(&node->link);
    node->value = a[0];
    (void)cds_wfcq_enqueue(&peer->head, &peer->tail, &node->link);
    return true;
}

static int64_t wfcq_dequeue(void *object, const int64_t *a)
{
    struct peer *peer = object;
    (void)a;
    struct cds_wfcq_node *link = cds_wfcq_dequeue_blocking(&peer->head, &peer->tail);
    return link != NULL ? ((struct node *)(void *)((char *)link - offsetof(struct node, link)))->value : AX_STRESS_NONE;
}

/* What is known of a queue beforehand. */
struct bound {
    int64_t capacity;
    int64_t may_refuse; /* also when there is room */
};

struct model {
    struct bound bound;
    int64_t count, values[PEERS_NODES]; /* the oldest first; zeros behind the last */
};

/* Without a bound: one that no round reaches. */
static void start(const ax_stress_run *run, void *state)
{
    static const struct bound none = { PEERS_NODES, false };
    ((struct model *)state)->bound = run->impl->extra != NULL ? *(const struct bound *)run->impl->extra : none;
}

static bool model_enqueue(void *state, const int64_t *a, int64_t done)
{
    struct model *model = state;
    if (!done)
        return model->bound.may_refuse || model->count == model->bound.capacity;
    if (model->count == model->bound.capacity)
        return false;
    model->values[model->count++] = a[0];
    return true;
}

static int64_t model_dequeue(void *state, const int64_t *a)
{
    struct model *model = state;
    int64_t oldest = model->values[0];
    (void)a;
    if (model->count == 0)
        return AX_STRESS_NONE;
    for (int64_t i = 1; i < model->count; i++)
        model->values[i - 1] = model->values[i];
    model->values[--model->count] = 0;
    return oldest;
}

#define QUEUE(NAME, ABOUT, EXTRA, CALLS)                                                        \
    .name = NAME, .about = ABOUT, .extra = EXTRA, .create = create, .destroy = destroy, .calls = { CALLS##_enqueue, CALLS##_dequeue }
#define ONE_EACH .callers = { 1u << 0, 1u << 1 }

int main(int argc, char **argv)
{
    /* An enqueue that has begun takes its place away from others at once, and gives its value to them later. */
    static const struct bound ring = { SLOTS - 1, true }, strict = { SLOTS - 1, false };
    static const ax_stress_impl impls[] = {
        { QUEUE("ck-ring", "ck_ring, many producers and consumers", &ring, ring_mpmc) },
        { QUEUE("ck-ring-spsc", "ck_ring, one producer and one consumer", &strict, ring_spsc), ONE_EACH },
        { QUEUE("ck-fifo", "ck_fifo, many producers and consumers", NULL, fifo_mpmc) },
        { QUEUE("ck-fifo-spsc", "ck_fifo, one producer and one consumer", NULL, fifo_spsc), ONE_EACH },
        { QUEUE("wfcqueue", "liburcu's wait-free concurrent queue, dequeued under its lock", NULL, wfcq) },
        { QUEUE("broken-ck-ring-full", "ck_ring, many of both, taken at its word when it says full", &strict, ring_mpmc),
          .broken = true },
        { QUEUE("broken-ck-ring-spsc", "ck_ring for one producer and one consumer, used by many", &strict, ring_spsc), .broken = true },
        { QUEUE("broken-ck-fifo-spsc", "ck_fifo for one producer and one consumer, used by many", NULL, fifo_spsc), .broken = true },
    };
    static const ax_stress_operation operations[] = {
        { .name = "enqueue", .takes = { AX_STRESS_FRESH }, .allows = model_enqueue },
        { .name = "dequeue", .model = model_dequeue },
    };
    static const ax_stress_program program = {
        .noun = "queues", .about = "Queues of Concurrency Kit and liburcu.", .impls = impls, .impl_count = PEERS_COUNT(impls),
        .operations = operations, .operation_count = PEERS_COUNT(operations), .iters = 40000,
        .state_size = sizeof(struct model), .start = start,
    };
    return ax_stress_main(argc, argv, &program);
}

/* SPDX-License-Identifier: MIT */
/*
 * Structures of Concurrency Kit and liburcu through the public harness, as anybody would test them: no arithmetic, only
 * their histories, which axcheck judges. peers_queue and peers_map are this file with one or the other model.
 */
#include <ck_fifo.h>
#include <ck_ht.h>
#include <ck_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/wfcqueue.h>

#include <atomicx/stress.h>

static void *must(void *memory)
{
    if (memory == NULL) {
        fputs("no memory\n", stderr);
        exit(70);
    }
    return memory;
}

#ifdef PEERS_QUEUE

enum { ENQUEUED, DEQUEUED };
enum { SLOTS = 8 }; /* of the ring, of which one stays free */

struct peer {
    ck_ring_t ring;
    ck_ring_buffer_t buffer[SLOTS];
    ck_fifo_spsc_t fifo;
    struct cds_wfcq_head head;
    struct cds_wfcq_tail tail;
};

struct item {
    struct cds_wfcq_node node;
    int64_t value;
};

struct kind {
    bool (*enqueue)(struct peer *peer, int64_t value);
    bool (*dequeue)(struct peer *peer, int64_t *value);
    bool one_each; /* one producer and one consumer: workers 0 and 1 */
    bool bounded;
};

static bool ring_enqueue(struct peer *peer, int64_t value)
{
    return ck_ring_enqueue_mpmc(&peer->ring, peer->buffer, (void *)(intptr_t)value);
}

static bool ring_dequeue(struct peer *peer, int64_t *value)
{
    void *found;
    bool done = ck_ring_dequeue_mpmc(&peer->ring, peer->buffer, &found);
    *value = done ? (int64_t)(intptr_t)found : 0;
    return done;
}

static bool fifo_enqueue(struct peer *peer, int64_t value)
{
    ck_fifo_spsc_entry_t *entry = ck_fifo_spsc_recycle(&peer->fifo);
    if (entry == NULL)
        entry = must(malloc(sizeof *entry));
    ck_fifo_spsc_enqueue(&peer->fifo, entry, (void *)(intptr_t)value);
    return true;
}

static bool fifo_dequeue(struct peer *peer, int64_t *value)
{
    void *found;
    bool done = ck_fifo_spsc_dequeue(&peer->fifo, &found);
    *value = done ? (int64_t)(intptr_t)found : 0;
    return done;
}

static bool wfcq_enqueue(struct peer *peer, int64_t value)
{
    struct item *item = must(malloc(sizeof *item));
    cds_wfcq_node_init(&item->node);
    item->value = value;
    (void)cds_wfcq_enqueue(&peer->head, &peer->tail, &item->node);
    return true;
}

static bool wfcq_dequeue(struct peer *peer, int64_t *value)
{
    struct cds_wfcq_node *node = cds_wfcq_dequeue_blocking(&peer->head, &peer->tail);
    if (node == NULL)
        return false;
    struct item *item = (struct item *)(void *)((char *)node - offsetof(struct item, node));
    *value = item->value;
    free(item);
    return true;
}

static void work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const struct kind *kind = self->run->impl->extra;
    for (uint64_t i = begin; i < end; i++) {
        bool puts = kind->one_each ? self->thread == 0 : ax_stress_below(&self->random, 2) == 0;
        if (kind->one_each && self->thread > 1)
            continue;
        int64_t value = (int64_t)((uint64_t)self->thread << 32 | i) + 1;
        uint64_t invoked = ax_stress_invoke(self);
        if (puts) {
            bool done = kind->enqueue(self->shared, value);
            AX_STRESS_ANSWER(self, invoked, ENQUEUED, value, done);
        } else {
            bool done = kind->dequeue(self->shared, &value);
            AX_STRESS_ANSWER(self, invoked, DEQUEUED, done ? value : AX_STRESS_NONE);
        }
    }
}

static const char *setup(ax_stress_run *run)
{
    struct peer *peer = must(calloc(1, sizeof *peer));
    ck_ring_init(&peer->ring, SLOTS);
    ck_fifo_spsc_init(&peer->fifo, must(malloc(sizeof(ck_fifo_spsc_entry_t))));
    cds_wfcq_init(&peer->head, &peer->tail);
    run->shared = peer;
    return NULL;
}

static void teardown(ax_stress_run *run)
{
    struct peer *peer = run->shared;
    ck_fifo_spsc_entry_t *garbage;
    int64_t value;
    while (wfcq_dequeue(peer, &value))
        ;
    cds_wfcq_destroy(&peer->head, &peer->tail);
    ck_fifo_spsc_deinit(&peer->fifo, &garbage);
    for (ck_fifo_spsc_entry_t *next; garbage != NULL; garbage = next) {
        next = garbage->next;
        free(garbage);
    }
    free(peer);
}

static void put_model(const ax_stress_run *run, ax_stress_out *out)
{
    if (((const struct kind *)run->impl->extra)->bounded)
        ax_stress_put_integer(out, "capacity", SLOTS - 1);
}

static const struct kind ring = { ring_enqueue, ring_dequeue, false, true };
static const struct kind fifo = { fifo_enqueue, fifo_dequeue, true, false };
static const struct kind wfcq = { wfcq_enqueue, wfcq_dequeue, false, false };
static const ax_stress_impl impls[] = {
    { .name = "ck-ring", .about = "ck_ring, many producers and consumers", .work = work, .extra = &ring },
    { .name = "ck-fifo", .about = "ck_fifo_spsc, one producer and one consumer", .work = work, .extra = &fifo },
    { .name = "wfcqueue", .about = "liburcu's wait-free concurrent queue, dequeued under its lock", .work = work, .extra = &wfcq },
};
static const ax_stress_event events[] = { [ENQUEUED] = { "enqueue", 1, 1 }, [DEQUEUED] = { "dequeue", 0, 1 } };
#define MODEL "queue"

#else

enum { GOT, INSERTED, REMOVED };
enum { ROOM = 8 };

struct peer {
    ck_ht_t table;
};

struct kind {
    bool looks_first;
};

static void *ht_malloc(size_t size)
{
    return must(malloc(size));
}

static void ht_free(void *memory, size_t size, bool defer)
{
    (void)size;
    if (!defer) /* a reader may still be in it; the process ends soon */
        free(memory);
}

static struct ck_malloc ht_memory = { .malloc = ht_malloc, .free = ht_free };

/* Few places, so that keys meet. */
static void ht_hash(ck_ht_hash_t *hash, const void *key, size_t length, uint64_t seed)
{
    uintptr_t value;
    (void)seed;
    memcpy(&value, key, length < sizeof value ? length : sizeof value);
    hash->value = value % 2;
}

static bool ht_get(struct peer *peer, uint64_t key, int64_t *value)
{
    ck_ht_hash_t hash;
    ck_ht_entry_t entry;
    ck_ht_hash_direct(&hash, &peer->table, (uintptr_t)key + 1);
    ck_ht_entry_key_set_direct(&entry, (uintptr_t)key + 1);
    bool found = ck_ht_get_spmc(&peer->table, hash, &entry);
    *value = found ? (int64_t)ck_ht_entry_value_direct(&entry) : AX_STRESS_NONE;
    return found;
}

static bool ht_insert(struct peer *peer, uint64_t key, int64_t value, bool looks_first)
{
    ck_ht_hash_t hash;
    ck_ht_entry_t entry;
    int64_t old;
    if (looks_first && ht_get(peer, key, &old))
        return false;
    ck_ht_hash_direct(&hash, &peer->table, (uintptr_t)key + 1);
    ck_ht_entry_set_direct(&entry, hash, (uintptr_t)key + 1, (uintptr_t)value);
    return ck_ht_put_spmc(&peer->table, hash, &entry);
}

static int64_t ht_remove(struct peer *peer, uint64_t key)
{
    ck_ht_hash_t hash;
    ck_ht_entry_t entry;
    ck_ht_hash_direct(&hash, &peer->table, (uintptr_t)key + 1);
    ck_ht_entry_key_set_direct(&entry, (uintptr_t)key + 1);
    return ck_ht_remove_spmc(&peer->table, hash, &entry) ? (int64_t)ck_ht_entry_value_direct(&entry) : AX_STRESS_NONE;
}

/* Worker 0 writes, the others read: what spmc means. */
static void work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const struct kind *kind = self->run->impl->extra;
    for (uint64_t i = begin; i < end; i++) {
        uint64_t key = ax_stress_below(&self->random, self->run->keys);
        int64_t value = (int64_t)i + 1;
        uint64_t what = self->thread > 0 ? 0 : ax_stress_below(&self->random, 3);
        uint64_t invoked = ax_stress_invoke(self);
        if (what == 0) {
            (void)ht_get(self->shared, key, &value);
            AX_STRESS_ANSWER(self, invoked, GOT, (int64_t)key, value);
        } else if (what == 1) {
            bool done = ht_insert(self->shared, key, value, kind->looks_first);
            AX_STRESS_ANSWER(self, invoked, INSERTED, (int64_t)key, value, done);
        } else {
            value = ht_remove(self->shared, key);
            AX_STRESS_ANSWER(self, invoked, REMOVED, (int64_t)key, value);
        }
    }
}

static const char *setup(ax_stress_run *run)
{
    struct peer *peer = must(calloc(1, sizeof *peer));
    run->shared = peer;
    return ck_ht_init(&peer->table, CK_HT_MODE_DIRECT, ht_hash, &ht_memory, ROOM, 1) ? NULL : "ck_ht_init failed";
}

static void teardown(ax_stress_run *run)
{
    struct peer *peer = run->shared;
    ck_ht_destroy(&peer->table);
    free(peer);
}

static void put_model(const ax_stress_run *run, ax_stress_out *out)
{
    (void)run, (void)out;
}

static const struct kind trusts = { false }, looks = { true };
static const ax_stress_impl impls[] = {
    { .name = "ck-ht", .about = "ck_ht, one writer, which looks before it puts", .work = work, .extra = &looks },
    { .name = "broken-ck-ht", .about = "ck_ht, one writer, which trusts ck_ht_put_spmc of 0.7.1", .broken = true, .work = work,
      .extra = &trusts },
};
static const ax_stress_event events[] = { [GOT] = { "get", 1, 1 }, [INSERTED] = { "insert", 2, 1 }, [REMOVED] = { "remove", 1, 1 } };
#define MODEL "map"

#endif

static ax_stress_verdict judge(const ax_stress_run *run, char *sentence, size_t size)
{
    snprintf(sentence, size, "%s", run->history ? "axcheck has the verdict" : "without --history nothing is judged");
    return run->history ? AX_STRESS_HOLDS : AX_STRESS_INCONCLUSIVE;
}

static void put_nothing(const ax_stress_run *run, ax_stress_out *out)
{
    (void)run, (void)out;
}

static void put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    (void)run, (void)thread, (void)out;
}

int main(int argc, char **argv)
{
    static const ax_stress_program program = {
        .noun = "peers", .about = "A structure of another library: its history must have an order.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls, .iters = 10000, .keys = 4, .tally_size = 1,
        .setup = setup, .judge = judge, .teardown = teardown,
        .put_setup = put_nothing, .put_worker = put_worker, .put_final = put_nothing,
        .model = MODEL, .events = events, .event_count = sizeof events / sizeof *events, .put_model = put_model,
    };
    return ax_stress_main(argc, argv, &program);
}

/* SPDX-License-Identifier: MIT */
/* Maps of Concurrency Kit and liburcu. The model is that of one key; what happens to others does not concern it. */
#include <ck_ht.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <urcu-bp.h>
#include <urcu/rculfhash.h>

#include "peers.h"

enum { ROOM = 8 };

/* ---- ck_ht: one writer, thread 0 ---- */

static void *ht_malloc(size_t size)
{
    return malloc(size);
}

static void ht_free(void *memory, size_t size, bool defer)
{
    (void)size;
    if (!defer) /* a reader may still be in it; it is lost, for as long as the test takes */
        free(memory);
}

static struct ck_malloc ht_memory = { .malloc = ht_malloc, .free = ht_free };

/* One place for all, so that keys meet, and one that is gone lies before others. */
static void ht_hash(ck_ht_hash_t *hash, const void *key, size_t length, uint64_t seed)
{
    (void)key, (void)length, (void)seed;
    hash->value = 0;
}

static void *ht_create(const ax_stress_run *run)
{
    ck_ht_t *table = malloc(sizeof *table);
    (void)run;
    if (table != NULL && ck_ht_init(table, CK_HT_MODE_DIRECT, ht_hash, &ht_memory, ROOM, 1))
        return table;
    free(table);
    return NULL;
}

static void ht_destroy(void *object)
{
    ck_ht_destroy(object);
    free(object);
}

/* 0 is no key of ck_ht's. */
static ck_ht_hash_t ht_entry(ck_ht_t *table, int64_t key, ck_ht_entry_t *entry)
{
    ck_ht_hash_t hash;
    ck_ht_hash_direct(&hash, table, (uintptr_t)key + 1);
    ck_ht_entry_key_set_direct(entry, (uintptr_t)key + 1);
    return hash;
}

static int64_t ht_get(void *object, const int64_t *a)
{
    ck_ht_entry_t entry;
    ck_ht_hash_t hash = ht_entry(object, a[0], &entry);
    return ck_ht_get_spmc(object, hash, &entry) ? (int64_t)ck_ht_entry_value_direct(&entry) : AX_STRESS_NONE;
}

static int64_t ht_insert(void *object, const int64_t *a)
{
    ck_ht_hash_t hash;
    ck_ht_entry_t entry;
    ck_ht_hash_direct(&hash, object, (uintptr_t)a[0] + 1);
    ck_ht_entry_set_direct(&entry, hash, (uintptr_t)a[0] + 1, (uintptr_t)a[1]);
    return ck_ht_put_spmc(object, hash, &entry);
}

static int64_t ht_look_and_insert(void *object, const int64_t *a)
{
    return ht_get(object, a) == AX_STRESS_NONE && ht_insert(object, a);
}

static int64_t ht_remove(void *object, const int64_t *a)
{
    ck_ht_entry_t entry;
    ck_ht_hash_t hash = ht_entry(object, a[0], &entry);
    return ck_ht_remove_spmc(object, hash, &entry) ? (int64_t)ck_ht_entry_value_direct(&entry) : AX_STRESS_NONE;
}

/* ---- liburcu's lock-free table ---- */

struct node {
    struct cds_lfht_node link;
    int64_t key, value;
};

struct lfht {
    struct cds_lfht *table;
    atomic_uint used; /* of `nodes`: none is used twice, so that there is nothing to wait for */
    struct node nodes[PEERS_NODES];
};

static int lfht_match(struct cds_lfht_node *link, const void *key)
{
    return ((struct node *)(void *)((char *)link - offsetof(struct node, link)))->key == *(const int64_t *)key;
}

static void *lfht_create(const ax_stress_run *run)
{
    struct lfht *lfht = malloc(sizeof *lfht);
    (void)run;
    if (lfht == NULL)
        return NULL;
    atomic_init(&lfht->used, 0);
    lfht->table = cds_lfht_new(2, 2, 2, 0, NULL);
    if (lfht->table != NULL)
        return lfht;
    free(lfht);
    return NULL;
}

static void lfht_destroy(void *object)
{
    struct lfht *lfht = object;
    struct cds_lfht_iter iterator;
    struct cds_lfht_node *link;
    rcu_read_lock();
    cds_lfht_for_each(lfht->table, &iterator, link)
        (void)cds_lfht_del(lfht->table, link);
    rcu_read_unlock();
    (void)cds_lfht_destroy(lfht->table, NULL);
    free(lfht);
}

/* All keys have one of two hashes. */
static struct cds_lfht_node *lfht_find(struct lfht *lfht, const int64_t *key)
{
    struct cds_lfht_iter iterator;
    cds_lfht_lookup(lfht->table, (unsigned long)*key % 2, lfht_match, key, &iterator);
    return cds_lfht_iter_get_node(&iterator);
}

static int64_t lfht_value(struct cds_lfht_node *link)
{
    return link != NULL ? ((struct node *)(void *)((char *)link - offsetof(struct node, link)))->value : AX_STRESS_NONE;
}

static int64_t lfht_get(void *object, const int64_t *a)
{
    rcu_read_lock();
    int64_t value = lfht_value(lfht_find(object, &a[0]));
    rcu_read_unlock();
    return value;
}

static int64_t lfht_insert(void *object, const int64_t *a)
{
    struct lfht *lfht = object;
    struct node *node = &lfht->nodes[atomic_fetch_add(&lfht->used, 1)];
    node->key = a[0];
    node->value = a[1];
    cds_lfht_node_init(&node->link);
    rcu_read_lock();
    bool done = cds_lfht_add_unique(lfht->table, (unsigned long)a[0] % 2, lfht_match, &node->key, &node->link) == &node->link;
    rcu_read_unlock();
    return done;
}

/* Another may be faster between the look-up and the removal: then that one removed it. */
static int64_t lfht_remove(void *object, const int64_t *a)
{
    struct lfht *lfht = object;
    rcu_read_lock();
    struct cds_lfht_node *link = lfht_find(lfht, &a[0]);
    int64_t value = link != NULL && cds_lfht_del(lfht->table, link) == 0 ? lfht_value(link) : AX_STRESS_NONE;
    rcu_read_unlock();
    return value;
}

/* ---- the model: the value of one key ---- */

static void start(const ax_stress_run *run, void *state)
{
    (void)run;
    *(int64_t *)state = AX_STRESS_NONE;
}

static int64_t key_of(uint32_t operation, const int64_t *arguments)
{
    (void)operation;
    return arguments[0];
}

static int64_t model_get(void *state, const int64_t *a)
{
    (void)a;
    return *(int64_t *)state;
}

static int64_t model_insert(void *state, const int64_t *a)
{
    int64_t *value = state;
    if (*value != AX_STRESS_NONE)
        return false;
    *value = a[1];
    return true;
}

static int64_t model_remove(void *state, const int64_t *a)
{
    int64_t *value = state, old = *value;
    (void)a;
    *value = AX_STRESS_NONE;
    return old;
}

#define WRITER (1u << 0)

int main(int argc, char **argv)
{
    static const ax_stress_impl impls[] = {
        { .name = "lfht", .about = "liburcu's lock-free table", .create = lfht_create, .destroy = lfht_destroy,
          .calls = { lfht_get, lfht_insert, lfht_remove } },
        { .name = "ck-ht", .about = "ck_ht, one writer, which looks before it puts", .create = ht_create, .destroy = ht_destroy,
          .calls = { ht_get, ht_look_and_insert, ht_remove }, .callers = { 0, WRITER, WRITER } },
        { .name = "broken-ck-ht", .about = "ck_ht, one writer, which trusts ck_ht_put_spmc of 0.7.1", .broken = true,
          .create = ht_create, .destroy = ht_destroy, .calls = { ht_get, ht_insert, ht_remove }, .callers = { 0, WRITER, WRITER } },
        { .name = "broken-ck-ht-writers", .about = "ck_ht, written by all", .broken = true, .create = ht_create,
          .destroy = ht_destroy, .calls = { ht_get, ht_look_and_insert, ht_remove } },
    };
    static const ax_stress_operation operations[] = {
        { .name = "get", .weight = 1, .takes = { AX_STRESS_KEY }, .model = model_get },
        { .name = "insert", .weight = 2, .takes = { AX_STRESS_KEY, AX_STRESS_FRESH }, .model = model_insert },
        { .name = "remove", .weight = 1, .takes = { AX_STRESS_KEY }, .model = model_remove },
    };
    static const ax_stress_program program = {
        .noun = "maps", .about = "Maps of Concurrency Kit and liburcu.", .impls = impls, .impl_count = PEERS_COUNT(impls),
        .operations = operations, .operation_count = PEERS_COUNT(operations), .iters = 400000, .keys = 3,
        .state_size = sizeof(int64_t), .start = start, .part = key_of, .model = "map",
    };
    return ax_stress_main(argc, argv, &program);
}

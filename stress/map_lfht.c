/* SPDX-License-Identifier: MIT */
/*
 * liburcu's lock-free hash table, used rightly: values end in a dead mark before their node is taken out,
 * or additions would be lost, and nodes are freed by call_rcu. (ThreadSanitizer cannot judge this one:
 * call_rcu's thread is not instrumented.)
 */
#include "map.h"

#include <stdlib.h>

#include <urcu-bp.h>
#include <urcu/rculfhash.h>

#define DEAD UINT64_MAX

struct lfht_node {
    struct cds_lfht_node node;
    struct rcu_head head;
    uint64_t key;
    _Atomic uint64_t value;
};

static unsigned long hash(uint64_t key)
{
    return (unsigned long)(key * UINT64_C(0x9e3779b97f4a7c15) >> 16);
}

static int match(struct cds_lfht_node *node, const void *key)
{
    return caa_container_of(node, struct lfht_node, node)->key == *(const uint64_t *)key;
}

static void *lfht_create(void)
{
    return cds_lfht_new(64, 1, 0, CDS_LFHT_AUTO_RESIZE, NULL);
}

static void free_node(struct rcu_head *head)
{
    free(caa_container_of(head, struct lfht_node, head));
}

static void lfht_destroy(void *table)
{
    struct cds_lfht_iter at;
    struct lfht_node *node;
    rcu_read_lock();
    cds_lfht_for_each_entry(table, &at, node, node) {
        cds_lfht_del(table, &node->node);
        call_rcu(&node->head, free_node);
    }
    rcu_read_unlock();
    rcu_barrier();
    cds_lfht_destroy(table, NULL);
}

static struct lfht_node *find(void *table, uint64_t key)
{
    struct cds_lfht_iter at;
    cds_lfht_lookup(table, hash(key), match, &key, &at);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&at);
    return node ? caa_container_of(node, struct lfht_node, node) : NULL;
}

static bool lfht_get(void *table, uint64_t key, uint64_t *value)
{
    rcu_read_lock();
    struct lfht_node *node = find(table, key);
    uint64_t found = node ? atomic_load_explicit(&node->value, memory_order_acquire) : DEAD;
    rcu_read_unlock();
    if (found != DEAD)
        *value = found;
    return found != DEAD;
}

/* Adds a node unless there is one; one that is dead is taken out by whoever killed it. */
static bool lfht_insert(void *table, uint64_t key, uint64_t value)
{
    struct lfht_node *fresh = malloc(sizeof *fresh);
    bool done = false, again = true;
    if (!fresh)
        return false;
    fresh->key = key;
    atomic_init(&fresh->value, value);
    while (again) {
        rcu_read_lock();
        cds_lfht_node_init(&fresh->node);
        struct cds_lfht_node *there = cds_lfht_add_unique(table, hash(key), match, &key, &fresh->node);
        done = there == &fresh->node;
        again = !done && atomic_load_explicit(&caa_container_of(there, struct lfht_node, node)->value,
                                              memory_order_acquire) == DEAD;
        rcu_read_unlock();
    }
    if (!done)
        free(fresh);
    return done;
}

static bool lfht_add(void *table, uint64_t key, uint64_t n)
{
    for (;;) {
        rcu_read_lock();
        struct lfht_node *node = find(table, key);
        uint64_t value = node ? atomic_load_explicit(&node->value, memory_order_acquire) : DEAD;
        while (value != DEAD && !atomic_compare_exchange_weak_explicit(&node->value, &value, value + n, memory_order_acq_rel,
                                                                       memory_order_acquire)) {
        }
        rcu_read_unlock();
        if (value != DEAD || lfht_insert(table, key, n))
            return true;
    }
}

static bool lfht_remove(void *table, uint64_t key, uint64_t *old)
{
    rcu_read_lock();
    struct lfht_node *node = find(table, key);
    uint64_t value = node ? atomic_exchange_explicit(&node->value, DEAD, memory_order_acq_rel) : DEAD;
    if (value != DEAD) {
        cds_lfht_del(table, &node->node);
        call_rcu(&node->head, free_node);
        *old = value;
    }
    rcu_read_unlock();
    return value != DEAD;
}

static bool lfht_replace(void *table, uint64_t key, uint64_t expected, uint64_t value)
{
    rcu_read_lock();
    struct lfht_node *node = find(table, key);
    bool done = node && atomic_compare_exchange_strong_explicit(&node->value, &expected, value, memory_order_acq_rel,
                                                                memory_order_acquire);
    rcu_read_unlock();
    return done;
}

static void lfht_walk(void *table, map_visit *visit, void *context)
{
    struct cds_lfht_iter at;
    struct lfht_node *node;
    rcu_read_lock();
    cds_lfht_for_each_entry(table, &at, node, node) {
        uint64_t value = atomic_load_explicit(&node->value, memory_order_acquire);
        if (value != DEAD && !visit(context, node->key, value))
            break;
    }
    rcu_read_unlock();
}

const struct map_kind map_lfht = { lfht_create, lfht_destroy, lfht_get, lfht_add, lfht_remove,
                                   lfht_insert, lfht_replace, lfht_walk };

/* SPDX-License-Identifier: MIT */
/* The peers written in C: ours, liburcu's hash table, ck_ht and glib's under a mutex. */
#include "map_peers.h"

#include <atomicx/map.h>

#include <ck_ht.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef BENCH_GLIB
#include <glib.h>
#endif
#define _LGPL_SOURCE
#define URCU_API_MAP
#include <urcu/urcu-memb.h>
#include <urcu/rculfhash.h>

#include "bench.h"

/* A mixer for the peers that leave hashing to us (finalizer of MurmurHash3, Appleby). */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

/* ---- ours ---- */

static void *ax_create_with(ax_map_options o)
{
    ax_map *map = NULL;
    bench_require(ax_map_create(&o, &map) == AX_OK, "ax_map_create");
    return map;
}

static void *ax_create(ax_map_index index, ax_map_keys keys)
{
    return ax_create_with((ax_map_options){ .index = index, .keys = keys });
}

static void *own_create(void)
{
    return ax_create(AX_MAP_INDEX_OWN, AX_MAP_KEYS_U64);
}

static void *ck_create(void)
{
    return ax_create(AX_MAP_INDEX_CK, AX_MAP_KEYS_U64);
}

static void ax_destroy(void *map)
{
    ax_map_destroy(map);
}

static bool ax_get(void *map, uint64_t key, uint64_t *value)
{
    return ax_map_get(map, ax_key_u64(key), value) == AX_OK;
}

static void ax_put(void *map, uint64_t key, uint64_t value)
{
    bench_require(ax_map_put(map, ax_key_u64(key), value) == AX_OK, "ax_map_put");
}

static void ax_add(void *map, uint64_t key, uint64_t n)
{
    bench_require(ax_map_add(map, ax_key_u64(key), n, NULL) == AX_OK, "ax_map_add");
}

static bool ax_remove(void *map, uint64_t key)
{
    return ax_map_remove(map, ax_key_u64(key), NULL) == AX_OK;
}

const struct map_peer peer_own = { "ax_map, own index", own_create, ax_destroy, ax_get, ax_put,
                                   ax_add, ax_remove, NULL, NULL };
const struct map_peer peer_ck = { "ax_map, ck index", ck_create, ax_destroy, ax_get, ax_put,
                                  ax_add, ax_remove, NULL, NULL };

static void *own_bytes_create(void)
{
    return ax_create(AX_MAP_INDEX_OWN, AX_MAP_KEYS_BYTES);
}

static void *own_bytes_unkeyed_create(void)
{
    return ax_create_with((ax_map_options){ .keys = AX_MAP_KEYS_BYTES, .hash = map_bench_std_hash });
}

static void *ck_bytes_create(void)
{
    return ax_create(AX_MAP_INDEX_CK, AX_MAP_KEYS_BYTES);
}

static bool ax_bytes_get(void *map, uint64_t key, uint64_t *value)
{
    uint64_t bytes[2] = { key, ~key };
    return ax_map_get(map, ax_key_bytes(bytes, sizeof bytes), value) == AX_OK;
}

static void ax_bytes_put(void *map, uint64_t key, uint64_t value)
{
    uint64_t bytes[2] = { key, ~key };
    bench_require(ax_map_put(map, ax_key_bytes(bytes, sizeof bytes), value) == AX_OK, "ax_map_put");
}

static void ax_bytes_add(void *map, uint64_t key, uint64_t n)
{
    uint64_t bytes[2] = { key, ~key };
    bench_require(ax_map_add(map, ax_key_bytes(bytes, sizeof bytes), n, NULL) == AX_OK, "ax_map_add");
}

static bool ax_bytes_remove(void *map, uint64_t key)
{
    uint64_t bytes[2] = { key, ~key };
    return ax_map_remove(map, ax_key_bytes(bytes, sizeof bytes), NULL) == AX_OK;
}

const struct map_peer peer_own_bytes = { "ax_map, own index", own_bytes_create, ax_destroy, ax_bytes_get, ax_bytes_put,
                                         ax_bytes_add, ax_bytes_remove, NULL, NULL };
/* With the peers' hash, for the difference that SipHash makes. */
const struct map_peer peer_own_bytes_unkeyed = { "ax_map, own index, std::hash", own_bytes_unkeyed_create, ax_destroy,
                                                 ax_bytes_get, ax_bytes_put, ax_bytes_add, ax_bytes_remove, NULL, NULL };
const struct map_peer peer_ck_bytes = { "ax_map, ck index", ck_bytes_create, ax_destroy, ax_bytes_get, ax_bytes_put,
                                        ax_bytes_add, ax_bytes_remove, NULL, NULL };

/* ---- liburcu's lock-free hash table, memb flavour, presized as its automatic growth stays behind ---- */

struct lfht_entry {
    struct cds_lfht_node node;
    struct rcu_head head;
    uint64_t key;
    atomic_ullong value;
};

static void *lfht_create(void)
{
    return cds_lfht_new(1 << 20, 1, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
}

static int lfht_match(struct cds_lfht_node *node, const void *key)
{
    return ((struct lfht_entry *)node)->key == *(const uint64_t *)key;
}

static struct lfht_entry *lfht_find(void *map, uint64_t key)
{
    struct cds_lfht_iter at;
    cds_lfht_lookup(map, mix(key), lfht_match, &key, &at);
    return (struct lfht_entry *)cds_lfht_iter_get_node(&at);
}

static bool lfht_get(void *map, uint64_t key, uint64_t *value)
{
    rcu_read_lock();
    struct lfht_entry *entry = lfht_find(map, key);
    if (entry)
        *value = atomic_load_explicit(&entry->value, memory_order_acquire);
    rcu_read_unlock();
    return entry != NULL;
}

static void lfht_put(void *map, uint64_t key, uint64_t value)
{
    rcu_read_lock();
    struct lfht_entry *entry = lfht_find(map, key);
    if (!entry) {
        struct lfht_entry *fresh = malloc(sizeof *fresh);
        bench_require(fresh != NULL, "malloc");
        cds_lfht_node_init(&fresh->node);
        fresh->key = key;
        atomic_init(&fresh->value, value);
        entry = (struct lfht_entry *)cds_lfht_add_unique(map, mix(key), lfht_match, &key, &fresh->node);
        if (entry != fresh)
            free(fresh);
    }
    atomic_store_explicit(&entry->value, value, memory_order_release);
    rcu_read_unlock();
}

static void lfht_add(void *map, uint64_t key, uint64_t n)
{
    rcu_read_lock();
    struct lfht_entry *entry = lfht_find(map, key);
    if (entry)
        atomic_fetch_add(&entry->value, n);
    rcu_read_unlock();
}

static void lfht_free(struct rcu_head *head)
{
    free((char *)head - offsetof(struct lfht_entry, head));
}

static bool lfht_remove(void *map, uint64_t key)
{
    rcu_read_lock();
    struct lfht_entry *entry = lfht_find(map, key);
    bool removed = entry && cds_lfht_del(map, &entry->node) == 0;
    rcu_read_unlock();
    if (removed)
        call_rcu(&entry->head, lfht_free);
    return removed;
}

static void lfht_destroy(void *map)
{
    struct cds_lfht_iter at;
    struct cds_lfht_node *node;
    rcu_register_thread();
    rcu_read_lock();
    cds_lfht_for_each(map, &at, node) {
        cds_lfht_del(map, node);
        call_rcu(&((struct lfht_entry *)node)->head, lfht_free);
    }
    rcu_read_unlock();
    rcu_barrier();
    cds_lfht_destroy(map, NULL);
    rcu_unregister_thread();
}

static void lfht_thread_begin(void)
{
    rcu_register_thread();
}

static void lfht_thread_end(void)
{
    rcu_unregister_thread();
}

const struct map_peer peer_lfht = { "liburcu lfht", lfht_create, lfht_destroy, lfht_get, lfht_put,
                                    lfht_add, lfht_remove, lfht_thread_begin, lfht_thread_end };

/* ---- ck_ht as it comes, one mutex around it: values in its slots, keys shifted past its reserved ones ---- */

struct bare_ck {
    pthread_mutex_t mutex;
    ck_ht_t ht;
};

static void *bare_malloc(size_t size)
{
    return malloc(size);
}

static void bare_free(void *memory, size_t size, bool defer)
{
    (void)size;
    (void)defer;
    free(memory);
}

static void bare_hash(ck_ht_hash_t *hash, const void *key, size_t length, uint64_t seed)
{
    uintptr_t k;
    (void)length;
    (void)seed;
    memcpy(&k, key, sizeof k);
    hash->value = mix(k);
}

static void *bare_create(void)
{
    static struct ck_malloc memory = { .malloc = bare_malloc, .free = bare_free };
    struct bare_ck *map = malloc(sizeof *map);
    bench_require(map && ck_ht_init(&map->ht, CK_HT_MODE_DIRECT, bare_hash, &memory, 64, 1), "ck_ht_init");
    pthread_mutex_init(&map->mutex, NULL);
    return map;
}

static void bare_destroy(void *p)
{
    struct bare_ck *map = p;
    ck_ht_destroy(&map->ht);
    free(map);
}

static bool bare_find(struct bare_ck *map, uint64_t key, ck_ht_entry_t *slot, ck_ht_hash_t *hash)
{
    ck_ht_hash_direct(hash, &map->ht, key);
    ck_ht_entry_key_set_direct(slot, key);
    return ck_ht_get_spmc(&map->ht, *hash, slot);
}

static bool bare_get(void *p, uint64_t key, uint64_t *value)
{
    struct bare_ck *map = p;
    ck_ht_entry_t slot;
    ck_ht_hash_t hash;
    pthread_mutex_lock(&map->mutex);
    bool found = bare_find(map, key, &slot, &hash);
    if (found)
        *value = ck_ht_entry_value_direct(&slot);
    pthread_mutex_unlock(&map->mutex);
    return found;
}

static void bare_put(void *p, uint64_t key, uint64_t value)
{
    struct bare_ck *map = p;
    ck_ht_entry_t slot;
    ck_ht_hash_t hash;
    pthread_mutex_lock(&map->mutex);
    ck_ht_hash_direct(&hash, &map->ht, key);
    ck_ht_entry_set_direct(&slot, hash, key, value);
    ck_ht_set_spmc(&map->ht, hash, &slot);
    pthread_mutex_unlock(&map->mutex);
}

static void bare_add(void *p, uint64_t key, uint64_t n)
{
    struct bare_ck *map = p;
    ck_ht_entry_t slot;
    ck_ht_hash_t hash;
    pthread_mutex_lock(&map->mutex);
    if (bare_find(map, key, &slot, &hash)) {
        ck_ht_entry_set_direct(&slot, hash, key, ck_ht_entry_value_direct(&slot) + n);
        ck_ht_set_spmc(&map->ht, hash, &slot);
    }
    pthread_mutex_unlock(&map->mutex);
}

static bool bare_remove(void *p, uint64_t key)
{
    struct bare_ck *map = p;
    ck_ht_entry_t slot;
    ck_ht_hash_t hash;
    pthread_mutex_lock(&map->mutex);
    ck_ht_hash_direct(&hash, &map->ht, key);
    ck_ht_entry_key_set_direct(&slot, key);
    bool found = ck_ht_remove_spmc(&map->ht, hash, &slot);
    pthread_mutex_unlock(&map->mutex);
    return found;
}

const struct map_peer peer_bare_ck = { "ck_ht + mutex", bare_create, bare_destroy, bare_get, bare_put,
                                       bare_add, bare_remove, NULL, NULL };

/* ---- glib's hash table, one mutex around it ---- */

#ifdef BENCH_GLIB
struct glib_map {
    pthread_mutex_t mutex;
    GHashTable *table;
};

static guint glib_hash(gconstpointer key)
{
    return (guint)mix((uint64_t)(uintptr_t)key);
}

static void *glib_create(void)
{
    struct glib_map *map = malloc(sizeof *map);
    bench_require(map != NULL, "malloc");
    pthread_mutex_init(&map->mutex, NULL);
    map->table = g_hash_table_new(glib_hash, NULL);
    return map;
}

static void glib_destroy(void *p)
{
    struct glib_map *map = p;
    g_hash_table_destroy(map->table);
    free(map);
}

static bool glib_get(void *p, uint64_t key, uint64_t *value)
{
    struct glib_map *map = p;
    gpointer found;
    pthread_mutex_lock(&map->mutex);
    bool there = g_hash_table_lookup_extended(map->table, (gpointer)key, NULL, &found);
    if (there)
        *value = (uint64_t)(uintptr_t)found;
    pthread_mutex_unlock(&map->mutex);
    return there;
}

static void glib_put(void *p, uint64_t key, uint64_t value)
{
    struct glib_map *map = p;
    pthread_mutex_lock(&map->mutex);
    g_hash_table_insert(map->table, (gpointer)key, (gpointer)value);
    pthread_mutex_unlock(&map->mutex);
}

static void glib_add(void *p, uint64_t key, uint64_t n)
{
    struct glib_map *map = p;
    pthread_mutex_lock(&map->mutex);
    uint64_t value = (uint64_t)(uintptr_t)g_hash_table_lookup(map->table, (gpointer)key);
    g_hash_table_insert(map->table, (gpointer)key, (gpointer)(value + n));
    pthread_mutex_unlock(&map->mutex);
}

static bool glib_remove(void *p, uint64_t key)
{
    struct glib_map *map = p;
    pthread_mutex_lock(&map->mutex);
    bool removed = g_hash_table_remove(map->table, (gpointer)key);
    pthread_mutex_unlock(&map->mutex);
    return removed;
}

const struct map_peer peer_glib = { "glib + mutex", glib_create, glib_destroy, glib_get, glib_put,
                                    glib_add, glib_remove, NULL, NULL };
#endif

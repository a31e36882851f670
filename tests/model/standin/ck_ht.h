/* SPDX-License-Identifier: MIT */
/* Stands in for Concurrency Kit's ck_ht.h in model builds: the part that lib/map_ck.c uses. Its contract is in ck_ht.c.
 * What must not be called (set, gc) is not here. */
#ifndef STANDIN_CK_HT_H
#define STANDIN_CK_HT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CK_HT_MODE_DIRECT 1U

struct ck_malloc {
    void *(*malloc)(size_t size);
    void (*free)(void *block, size_t size, bool defer);
};

typedef struct {
    uint64_t value;
} ck_ht_hash_t;

typedef struct {
    uintptr_t key;
    uintptr_t value;
    uint64_t hash;
} ck_ht_entry_t;

typedef struct {
    struct ck_malloc *memory;
    _Atomic(struct ck_ht_map *) map;
} ck_ht_t;

typedef struct {
    uint64_t offset;
} ck_ht_iterator_t;

#define CK_HT_ITERATOR_INITIALIZER { 0 }

static inline void ck_ht_iterator_init(ck_ht_iterator_t *at) { at->offset = 0; }
static inline void ck_ht_entry_key_set_direct(ck_ht_entry_t *entry, uintptr_t key) { entry->key = key; }
static inline void ck_ht_entry_set_direct(ck_ht_entry_t *entry, ck_ht_hash_t hash, uintptr_t key, uintptr_t value)
{
    *entry = (ck_ht_entry_t){ key, value, hash.value };
}
static inline uintptr_t ck_ht_entry_key_direct(ck_ht_entry_t *entry) { return entry->key; }
static inline uintptr_t ck_ht_entry_value_direct(ck_ht_entry_t *entry) { return entry->value; }

bool ck_ht_init(ck_ht_t *table, unsigned mode, void *hash, struct ck_malloc *memory, uint64_t capacity, uint64_t seed);
void ck_ht_destroy(ck_ht_t *table);
bool ck_ht_get_spmc(ck_ht_t *table, ck_ht_hash_t hash, ck_ht_entry_t *entry);
bool ck_ht_put_spmc(ck_ht_t *table, ck_ht_hash_t hash, ck_ht_entry_t *entry);
bool ck_ht_remove_spmc(ck_ht_t *table, ck_ht_hash_t hash, ck_ht_entry_t *entry);
bool ck_ht_next(ck_ht_t *table, ck_ht_iterator_t *at, ck_ht_entry_t **entry);

#endif

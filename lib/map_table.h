/* SPDX-License-Identifier: MIT */
/*
 * The own index: open addressing with linear probing over slots { tag, word } whose tags are written once.
 *
 *     shard.table ---> [ slots, some MOVED ] --next--> [ slots ]        while a rebuild is under way
 *
 * A slot is claimed under the shard's mutex, by writing its tag and then its word (M1, M2); from then on
 * its tag stays until the table is freed, and its word never becomes EMPTY again. A key's claims are
 * therefore in the order of its probe sequence, in one table after the other, and a reader that meets
 * EMPTY has seen all that were there when it met it.
 *
 * A rebuild makes the next table known first and then moves slot by slot, under the mutex. SLOTS: it
 * copies the word, then swaps MOVED for what it copied, and copies again if the swap fails. Until the
 * swap the old slot is the key's place; after it the new one is, which has the same word already. Updates
 * therefore go on at every moment. ENTRIES: it copies the address of the entry, and both slots lead to
 * the one cell. New keys are claimed in the next table from its beginning on.
 */
#ifndef AXI_MAP_TABLE_H
#define AXI_MAP_TABLE_H

#include "map_impl.h"

struct axi_slot {
    _Atomic uint64_t tag; /* SLOTS: the key; ENTRIES: its hash */
    axi_cell word;        /* SLOTS: the key's cell; ENTRIES: the entry's address, or a mark */
};

struct axi_table {
    uint64_t mask; /* slots - 1; constant */
    _Atomic(struct axi_table *) next;
    struct axi_retired retired;
    struct axi_slot slots[] __attribute__((aligned(64)));
};

/* The cell of the key `tag` that the shard has for it, alive or dead. SLOTS. */
static inline struct axi_found axi_slots_find(const struct axi_shard *shard, uint64_t tag, uint64_t hash)
{
    struct axi_table *table = axi_load_seq_cst(&shard->table, M1_sc); /* M1.sc */
    while (table) {
        for (uint64_t i = hash & table->mask;; i = (i + 1) & table->mask) {
            struct axi_slot *slot = &table->slots[i];
            uint64_t word = axi_load_seq_cst(&slot->word, M1_sc); /* M1.sc M2.acq */
            if (word == AXI_CELL_EMPTY)
                break;
            /* relaxed: M2 ordered it before the word, and it is written once */
            if (axi_load_relaxed(&slot->tag) != tag)
                continue;
            if (word == AXI_CELL_MOVED)
                break;
            return (struct axi_found){ &slot->word, word };
        }
        table = axi_load_seq_cst(&table->next, M1_sc); /* M1.sc */
    }
    return (struct axi_found){ NULL, 0 };
}

/* The cell of the key's live entry. ENTRIES. */
static inline struct axi_found axi_entries_find(const struct axi_shard *shard, ax_key key, uint64_t hash)
{
    struct axi_table *table = axi_load_seq_cst(&shard->table, M1_sc); /* M1.sc */
    while (table) {
        for (uint64_t i = hash & table->mask;; i = (i + 1) & table->mask) {
            struct axi_slot *slot = &table->slots[i];
            uint64_t word = axi_load_seq_cst(&slot->word, M1_sc); /* M1.sc M2.acq */
            if (word == AXI_CELL_EMPTY)
                break;
            /* relaxed: as above */
            if (axi_load_relaxed(&slot->tag) != hash || !axi_cell_live(word))
                continue;
            struct axi_entry *entry = (struct axi_entry *)(uintptr_t)word;
            axi_edge_own_acquire(entry);
            if (!axi_entry_is(entry, key))
                continue;
            uint64_t value = axi_load_seq_cst(&entry->cell, M1_sc); /* M1.sc */
            if (axi_cell_live(value))
                return (struct axi_found){ &entry->cell, value };
            /* Dead for good; a younger entry of the key is further on. */
        }
        table = axi_load_seq_cst(&table->next, M1_sc); /* M1.sc */
    }
    return (struct axi_found){ NULL, 0 };
}

/* In a read section. */
ax_status axi_table_walk(ax_map *map, struct axi_shard *shard, bool locked, axi_step *step, void *context,
                         bool *stop);
size_t axi_table_slots(const struct axi_shard *shard, size_t *bytes);
void axi_table_tend(ax_map *map, struct axi_shard *shard, int64_t live, bool locked);

/* In a read section and under the shard's mutex. insert: of a key that has no cell. */
ax_status axi_table_insert(ax_map *map, struct axi_shard *shard, uint64_t tag, uint64_t hash, uint64_t word);
void axi_table_unlink(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry);

/* Alone. */
void axi_table_fini(ax_map *map, struct axi_shard *shard);

ax_status axi_table_reserve(ax_map *map, struct axi_shard *shard, size_t keys);
size_t axi_table_release(ax_map *map, struct axi_retired *thing);

#endif

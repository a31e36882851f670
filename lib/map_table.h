/* SPDX-License-Identifier: MIT */
/*
 * The own index: open addressing with linear probing over slots { tag, word } whose tags are written once.
 *
 *     shard.table ---> [ slots, some MOVED ] --next--> [ slots ]        while a rebuild is under way
 *
 * A slot is claimed under the shard's mutex, by writing its tag, the bytes of a short key, and then its word (M1,
 * M2); from then on tag and bytes stay until the table is freed, and its word never becomes EMPTY again. A key's
 * claims are therefore in the order of its probe sequence, in one table after the other, and a reader that meets
 * EMPTY has seen all that were there when it met it. Each table keeps one EMPTY slot, so that it meets one.
 * A key that comes back takes a dead slot: a number or a short key its own, where the cell gets a value; a long key
 * one that has its tag and gets another entry, under the mutex.
 *
 * A rebuild makes the next table known first and then moves slot by slot, under the mutex. A cell: it
 * copies the word, then swaps MOVED for what it copied, and copies again if the swap fails. Until the
 * swap the old slot is the key's place; after it the new one is, which has the same word already. Updates
 * therefore go on at every moment. An entry: it copies the address, and both slots lead to
 * the one cell. New keys are claimed in the next table from its beginning on.
 */
#ifndef AXI_MAP_TABLE_H
#define AXI_MAP_TABLE_H

#include "map_impl.h"

struct axi_slot {
    _Atomic uint64_t tag; /* NUMBERS: the key; BYTES: axi_bytes_tag */
    axi_cell word;        /* the key's cell; of a long key the entry's address, or a mark */
};

/* BYTES. Plain memory, as `word` publishes it: to be read of a claimed slot of a short key only. */
struct axi_wide_slot {
    struct axi_slot slot;
    unsigned char key[AXI_SHORT]; /* zeros behind */
};

/* How large a table's slots are: two to the power of this. */
enum axi_width {
    AXI_NARROW = 4,
    AXI_WIDE = 5
};
_Static_assert(sizeof(struct axi_slot) == 1 << AXI_NARROW && sizeof(struct axi_wide_slot) == 1 << AXI_WIDE, "widths");

struct axi_table {
    uint64_t mask;         /* slots - 1; constant */
    uint64_t bucket_bytes; /* the bits of a hash that are a bucket's place, in bytes; constant */
    _Atomic(struct axi_table *) next;
    struct axi_retired retired;
    struct axi_shard *shard; /* constant */
    enum axi_width width;    /* constant */
    unsigned char slots[] __attribute__((aligned(64)));
};

/*
 * What a slot for the key has as its tag: how long a short key is, or that the key is long, above the bits of the hash
 * that tables look at. Never 0, as the tag of an EMPTY slot may be.
 */
#define AXI_TAG_KIND 56 /* bits from here on */
#define AXI_TAG_LONG (AXI_SHORT + 2)

static inline uint64_t axi_bytes_tag(uint64_t hash, uint64_t length)
{
    uint64_t kind = length <= AXI_SHORT ? length + 1 : AXI_TAG_LONG;
    return (hash & ((UINT64_C(1) << AXI_TAG_KIND) - 1)) | kind << AXI_TAG_KIND;
}

/*
 * Four slots fill a cache line, two of bytes. Probes begin at the first slot of a line, so that a look-up is one miss
 * as long as the line has not overflowed, and compare all its tags at once, without branches: which slot it is
 * can't be predicted, and a branch that waits for the miss keeps the next look-up's miss from overlapping it.
 *
 * `width` is a constant at every caller that is in a hurry.
 */
#define AXI_BUCKET(width) (64u >> (width))

static inline uint64_t axi_probe_begin(const struct axi_table *table, uint64_t hash, enum axi_width width)
{
    return (hash & table->bucket_bytes) >> width;
}

static inline uint64_t axi_probe_next(const struct axi_table *table, uint64_t i, enum axi_width width)
{
    return (i + AXI_BUCKET(width)) & table->mask;
}

static inline struct axi_slot *axi_slot_after(struct axi_slot *first, uint64_t i, enum axi_width width)
{
    return (struct axi_slot *)((char *)first + (i << width));
}

static inline struct axi_slot *axi_slot_at(struct axi_table *table, uint64_t i, enum axi_width width)
{
    return axi_slot_after((struct axi_slot *)table->slots, i, width);
}

/* The key of a slot with the tag of a short one. */
static inline unsigned char *axi_slot_key(struct axi_slot *slot)
{
    return ((struct axi_wide_slot *)slot)->key;
}

/* Whether a claimed slot that has the key's tag is the key's: without `bytes`, a number's tag is the key. */
static inline bool axi_slot_is(struct axi_slot *slot, const struct axi_short *bytes)
{
    return !bytes || ((axi_word_at(axi_slot_key(slot)) ^ bytes->words[0]) |
                      (axi_word_at(axi_slot_key(slot) + sizeof(uint64_t)) ^ bytes->words[1])) == 0;
}

/*
 * A bit for each slot of the bucket that is claimed and has the tag; *last: one is EMPTY, which ends the
 * probe. A slot is claimed only when those before it are, so at the load of the first EMPTY the rest was
 * EMPTY, too.
 */
static inline __attribute__((always_inline)) unsigned axi_bucket_scan(struct axi_slot *bucket, uint64_t tag,
                                                                      enum axi_width width, bool *last)
{
    unsigned bits = 0;
    bool all = true;
#pragma GCC unroll 4 /* the most that AXI_BUCKET is */
    for (unsigned i = 0; i < AXI_BUCKET(width); i++) {
        struct axi_slot *slot = axi_slot_after(bucket, i, width);
        bool claimed = axi_load_seq_cst(&slot->word, M1_sc) != AXI_CELL_EMPTY; /* M1.sc M2.acq */
        /* relaxed: M2 ordered it before the word, and it is written once */
        bits |= (unsigned)(claimed & (axi_load_relaxed(&slot->tag) == tag)) << i;
        all &= claimed;
    }
    *last = !all;
    return bits;
}

/*
 * Whether the bucket ends the probe and has no slot with the tag, in fewer instructions than a scan; it says no
 * at times when a scan would say yes: when a slot is just being claimed, and of tag 0, which EMPTY slots have.
 */
static inline __attribute__((always_inline)) bool axi_bucket_lacks(struct axi_slot *bucket, uint64_t tag,
                                                                   enum axi_width width)
{
    const unsigned end = AXI_BUCKET(width) - 1;
    /* in this order: at the first that is EMPTY, all from there on were */
    for (unsigned i = 0; i < end; i++)
        (void)axi_load_seq_cst(&axi_slot_after(bucket, i, width)->word, M1_sc); /* M1.sc M2.acq */
    if (axi_load_seq_cst(&axi_slot_after(bucket, end, width)->word, M1_sc) != AXI_CELL_EMPTY) /* M1.sc */
        return false;
    for (unsigned i = 0; i <= end; i++)
        if (axi_load_relaxed(&axi_slot_after(bucket, i, width)->tag) == tag) /* relaxed: as above */
            return false;
    return true;
}

/* A condition that is as often true as not: conditional moves are made of it where a branch would be mispredicted. */
#define AXI_EITHER(condition) __builtin_expect_with_probability(condition, true, 0.5)

/*
 * The word of the slot with the tag (and the bytes, of a short key), if it is where nearly all are: in the first bucket
 * of the shard's table. Without a cell: EMPTY, there is none; MOVED, that takes a search to say.
 *
 * How many of a core's look-ups are on their way to memory at once is decided by how many instructions of each
 * wait for its line, as few fit into where they wait. Here these are a comparison and a conditional
 * move for each slot but the first, the load of the word, and the checks of it.
 */
static inline __attribute__((always_inline)) struct axi_found axi_table_first(const struct axi_shard *shard,
                                                                              uint64_t tag, const struct axi_short *bytes,
                                                                              uint64_t hash, enum axi_width width)
{
    const struct axi_found elsewhere = { NULL, AXI_CELL_MOVED };
    /* M2.acq: an older one has MOVED or `next`, and if there was none, the search asks again */
    struct axi_table *table = axi_load_acquire(&shard->table, M2_acq);
    if (__builtin_expect(table == NULL, 0))
        return elsewhere;
    struct axi_slot *bucket = (struct axi_slot *)(table->slots + (hash & table->bucket_bytes));
    struct axi_slot *slot = bucket;
#pragma GCC unroll 3
    for (unsigned i = AXI_BUCKET(width) - 1; i > 0; i--) {
        struct axi_slot *other = axi_slot_after(bucket, i, width);
        /* relaxed: a hint. The first of those that match, as EMPTY slots, which are last, have a tag, too, 0. */
        slot = AXI_EITHER(axi_load_relaxed(&other->tag) == tag) ? other : slot;
    }
    uint64_t word = axi_load_seq_cst(&slot->word, M1_sc); /* M1.sc M2.acq */
    /* relaxed: if the slot is claimed this is its tag */
    if (__builtin_expect(axi_load_relaxed(&slot->tag) == tag, 1) && __builtin_expect(word != AXI_CELL_EMPTY, 1) &&
        __builtin_expect(axi_slot_is(slot, bytes), 1))
        return (struct axi_found){ &slot->word, word };
    if (axi_bucket_lacks(bucket, tag, width) && !axi_load_seq_cst(&table->next, M1_sc)) /* M1.sc */
        return (struct axi_found){ NULL, AXI_CELL_EMPTY };
    return elsewhere;
}

/* The cell of the key, alive or dead, wherever it is; find looks where it nearly always is first. Numbers. */
struct axi_found axi_numbers_search(const struct axi_shard *shard, uint64_t number, uint64_t hash);

static inline struct axi_found axi_numbers_find(const struct axi_shard *shard, uint64_t number, uint64_t hash)
{
    struct axi_found at = axi_table_first(shard, number, NULL, hash, AXI_NARROW);
    return at.word != AXI_CELL_MOVED ? at : axi_numbers_search(shard, number, hash);
}

/* The same of a short key. */
struct axi_found axi_short_search(const struct axi_shard *shard, uint64_t tag, struct axi_short bytes);

static inline __attribute__((always_inline)) struct axi_found axi_short_find(const struct axi_shard *shard, uint64_t tag,
                                                                             struct axi_short bytes)
{
    struct axi_found at = axi_table_first(shard, tag, &bytes, tag, AXI_WIDE);
    return __builtin_expect(at.word != AXI_CELL_MOVED, 1) ? at : axi_short_search(shard, tag, bytes);
}

struct axi_found axi_entries_search(const struct axi_shard *shard, ax_key key, uint64_t tag);

/* The cell of the live entry of a long key. */
static inline __attribute__((always_inline)) struct axi_found axi_entries_find(const struct axi_shard *shard, ax_key key,
                                                                               uint64_t tag)
{
    struct axi_found at = axi_table_first(shard, tag, NULL, tag, AXI_WIDE);
    if (at.word == AXI_CELL_EMPTY)
        return at;
    if (axi_cell_live(at.word)) {
        struct axi_entry *entry = (struct axi_entry *)(uintptr_t)at.word;
        axi_edge_own_acquire(entry);
        if (__builtin_expect(axi_entry_is(entry, key), 1)) {
            at.cell = &entry->cell;
            at.word = axi_load_seq_cst(at.cell, M1_sc); /* M1.sc */
            if (__builtin_expect(axi_cell_live(at.word), 1))
                return at;
        }
    }
    return axi_entries_search(shard, key, tag);
}

/* In a read section. */
ax_status axi_table_walk(ax_map *map, struct axi_shard *shard, bool locked, axi_step *step, void *context,
                         bool *stop);
size_t axi_table_slots(const struct axi_shard *shard, size_t *bytes);
void axi_table_tend(ax_map *map, struct axi_shard *shard, int64_t counted, bool locked);

/*
 * In a read section and under the shard's mutex. insert: of a key that has no cell; of a long one `word` is the
 * address of its entry.
 */
ax_status axi_table_insert(ax_map *map, struct axi_shard *shard, ax_key key, uint64_t hash, uint64_t word);
void axi_table_unlink(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry);

void axi_table_settle(ax_map *map, struct axi_shard *shard, bool locked);

/* Alone, and after the domain is closed. */
void axi_table_fini(ax_map *map, struct axi_shard *shard);

void axi_table_tidy(ax_map *map, struct axi_shard *shard);
ax_status axi_table_reserve(ax_map *map, struct axi_shard *shard, size_t keys);
size_t axi_table_release(ax_map *map, struct axi_retired *thing);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The map's parts and the seam between what a call means (map_ops.c) and where a key's word is found.
 *
 * A cell is the one atomic word that holds a key's value, or one of three marks:
 *
 *     EMPTY   a slot that was never used; it ends a probe
 *     DEAD    no value now
 *     MOVED   the key's cell is in the next table (slots that are cells only)
 *
 * Every value is stored XORed with AXI_CELL_BIAS, so that zero-filled memory is EMPTY and the words that
 * cannot be values are none that people use. Storing, adding and removing are compare-and-swaps on the
 * cell, hence no update is lost against a remove, and neither needs a lock.
 *
 * Three layouts put the cell in different places:
 *
 *     NUMBERS  64-bit keys, own index: slot = { key, cell }.
 *     BYTES    byte strings, own index. Of up to 16 bytes, short: slot = { tag, cell, the bytes }. Longer:
 *              slot = { tag, address of the entry, nothing }, cell in the entry. The tag has the hash and which it is.
 *     CK       ck_ht: hash -> chain of entries with that hash, cell in the entry.
 *
 * A dead slot that is a cell stays its key's and can come back to life; removing needs no memory and no grace
 * period. In entries DEAD is final: whoever killed an entry unlinks it under the shard's mutex and retires it.
 */
#ifndef AXI_MAP_IMPL_H
#define AXI_MAP_IMPL_H

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include <atomicx/map.h>

#include "alloc.h"
#include "atomic.h"
#include "hash.h"
#include "reclaim.h"

#define AXI_CELL_EMPTY UINT64_C(0)
#define AXI_CELL_DEAD UINT64_C(1)
#define AXI_CELL_MOVED UINT64_C(2)
#define AXI_CELL_MARKS UINT64_C(4) /* words below are marks; one is spare */
#define AXI_CELL_BIAS UINT64_C(0x9d5aa5d19ef0c3b8) /* as ax_map_reserved in map.h */

typedef _Atomic uint64_t axi_cell;

static inline bool axi_cell_live(uint64_t word)
{
    return word >= AXI_CELL_MARKS;
}

enum axi_layout {
    AXI_LAYOUT_NUMBERS,
    AXI_LAYOUT_BYTES,
    AXI_LAYOUT_CK
};

/* What is handed to the domain (axi_retire's kind). */
enum axi_map_kind {
    AXI_KIND_TABLE, /* of the map's index */
    AXI_KIND_ENTRY,
    AXI_KIND_OWNED,
    AXI_KIND_CK_BLOCK
};

/*
 * One key with its cell. `u` is the number, or the length in `u.length` and the bytes from
 * AXI_ENTRY_BYTES on. All but the cell and the link is constant once the entry can be found.
 */
struct axi_entry {
    struct axi_retired retired; /* CK: the next entry of the chain. Writers, under the shard's mutex. */
    axi_cell cell;
    union {
        uint64_t number;
        uint32_t length;
    } u;
};
#define AXI_ENTRY_BYTES (offsetof(struct axi_entry, u) + sizeof(uint32_t))

static inline unsigned char *axi_entry_bytes(const struct axi_entry *entry)
{
    return (unsigned char *)entry + AXI_ENTRY_BYTES;
}

/* An owned value on its way to its destructor. */
struct axi_owned {
    struct axi_retired retired;
    void *value;
};

struct axi_shard {
    /* read by everyone, written once per rebuild */
    _Atomic(struct axi_table *) table;       /* own index; NULL before the first insertion */
    _Atomic(struct axi_ck_table *) ck_table; /* ck index */
    /* written by writers */
    pthread_mutex_t mutex __attribute__((aligned(64)));
    size_t claimed;            /* slots used in the newest table, dead ones included. Mutex. */
    size_t moved;              /* slots of the old table that a rebuild has passed. Mutex. */
    _Atomic size_t floor;      /* fewest slots, by reserve. Mutex; read as a hint without. */
    _Atomic size_t bytes;      /* of entries. Mutex; stats reads. */
    _Atomic uint64_t rebuilds; /* begun. Mutex; stats reads. */
} __attribute__((aligned(AXI_ISOLATION)));

struct ax_map {
    /* constant after create */
    enum axi_layout layout;
    bool bytes_keys;
    bool consistent;
    struct axi_direct {
        bool gets;    /* own index, and sections that nobody else needs to be told of */
        bool changes; /* and changes of a value are no more than a compare-and-swap */
    } direct_numbers, /* under our own hash */
        direct_bytes;
    uint64_t shard_mask; /* shard_count - 1 */
    uint32_t shard_count;
    struct axi_shard *shards;
    _Atomic int64_t *live; /* AXI_MAP_STRIPES rows of shard_count, see axi_shard_live */
    size_t live_row;       /* from one row to the next */
    struct axi_number_key number_key;
    struct axi_hash_prepared bytes_key;
    uint64_t (*hash)(void *context, const void *key, size_t length);
    void *hash_context;
    void (*destroy)(void *context, void *value);
    void *destroy_context;
    const ax_allocator *allocator;
    struct ax_map *next; /* list of all maps. Under the registry's mutex. */
    struct axi_domain domain;
};

static inline bool axi_map_takes(const ax_map *map, ax_key key)
{
    return map->bytes_keys ? key.length_ <= UINT32_MAX : key.length_ == UINT64_MAX;
}

/* Of a map whose keys are bytes. */
static inline uint64_t axi_map_hash_bytes(const ax_map *map, ax_key key)
{
    const void *bytes = (const void *)(uintptr_t)key.word_;
    return map->hash ? map->hash(map->hash_context, bytes, (size_t)key.length_)
                     : axi_hash_bytes(&map->bytes_key, bytes, (size_t)key.length_);
}

uint64_t axi_map_hash(const ax_map *map, ax_key key);

static inline struct axi_short axi_key_short(ax_key key)
{
    return axi_short_of((const void *)(uintptr_t)key.word_, (size_t)key.length_);
}

/* Whether the key's cell is a slot's word. */
static inline bool axi_map_has_slot_for(const ax_map *map, ax_key key)
{
    return map->layout == AXI_LAYOUT_NUMBERS || (map->layout == AXI_LAYOUT_BYTES && key.length_ <= AXI_SHORT);
}

static inline struct axi_shard *axi_map_shard(const ax_map *map, uint64_t hash)
{
    return &map->shards[hash >> 48 & map->shard_mask]; /* bits that place no key in a table */
}

/*
 * How many keys of each shard have a value, counted just after the fact: a thread counts in one of several
 * rows, each in lines of its own, so that those who insert and remove don't wait for one another's lines.
 * A row alone means nothing. While others count, the sum is a guess that may be far off.
 */
#ifndef AXI_MAP_STRIPES /* model tests have one, so that all threads meet in it */
#define AXI_MAP_STRIPES 8
#endif

static inline _Atomic int64_t *axi_shard_count(const ax_map *map, const struct axi_shard *shard)
{
    return &map->live[axi_own_stripe(AXI_MAP_STRIPES) * map->live_row + (size_t)(shard - map->shards)];
}

static inline int64_t axi_shard_live(const ax_map *map, const struct axi_shard *shard)
{
    int64_t sum = 0;
    for (size_t i = 0; i < AXI_MAP_STRIPES; i++)
        /* relaxed: exactness comes from quiescence */
        sum += axi_load_relaxed(&map->live[i * map->live_row + (size_t)(shard - map->shards)]);
    return sum;
}

/*
 * Addresses for TSan (tsan.h, axi_edge_own_*), each standing for the keys of one remainder, wherever their
 * cells are. Not in the shards: TSan keeps the clock of a mutex at its address, and overwrites it.
 */
#define AXI_MAP_EDGES 4096
extern const char axi_map_edges[AXI_MAP_EDGES];

static inline const void *axi_map_edge(uint64_t hash)
{
    return &axi_map_edges[hash % AXI_MAP_EDGES & ~(uint64_t)7];
}

static inline bool axi_bytes_equal(const unsigned char *a, const unsigned char *b, size_t length)
{
    if (length < 8 || length > 16)
        return length == 0 || memcmp(a, b, length) == 0; /* no bytes may have no address, which memcmp must not get */
    uint64_t words[4]; /* the first eight bytes of each and the last eight, without a call */
    memcpy(&words[0], a, 8);
    memcpy(&words[1], b, 8);
    memcpy(&words[2], a + length - 8, 8);
    memcpy(&words[3], b + length - 8, 8);
    return ((words[0] ^ words[1]) | (words[2] ^ words[3])) == 0;
}

static inline bool axi_entry_is(const struct axi_entry *entry, ax_key key)
{
    if (key.length_ == UINT64_MAX)
        return entry->u.number == key.word_;
    return entry->u.length == key.length_ &&
           axi_bytes_equal(axi_entry_bytes(entry), (const unsigned char *)(uintptr_t)key.word_, (size_t)key.length_);
}

/* Of an entry for a key with this many bytes; UINT64_MAX: a number. */
static inline size_t axi_entry_size_for(uint64_t length)
{
    size_t size = length == UINT64_MAX ? 0 : AXI_ENTRY_BYTES + (size_t)length;
    return size < sizeof(struct axi_entry) ? sizeof(struct axi_entry) : size;
}

static inline size_t axi_entry_size(const ax_map *map, const struct axi_entry *entry)
{
    return axi_entry_size_for(map->bytes_keys ? entry->u.length : UINT64_MAX);
}

static inline ax_key axi_entry_key(const ax_map *map, const struct axi_entry *entry)
{
    return map->bytes_keys ? ax_key_bytes(axi_entry_bytes(entry), entry->u.length) : ax_key_u64(entry->u.number);
}

static inline struct axi_entry *axi_entry_of(axi_cell *cell)
{
    return (struct axi_entry *)((char *)cell - offsetof(struct axi_entry, cell));
}

/* Allocates an entry for the key with `word` in its cell; NULL when memory is short. Not yet findable. */
struct axi_entry *axi_entry_create(const ax_map *map, ax_key key, uint64_t word);
void axi_entry_release(const ax_map *map, struct axi_entry *entry);

/* Where a key's cell is and what was in it; cell NULL: nowhere. */
struct axi_found {
    axi_cell *cell;
    uint64_t word;
};

/*
 * The walk of one shard, in a read section: step is called with each key that is there for the whole of
 * the walk once, its cell and its word (live when it was read).
 */
typedef ax_status axi_step(void *context, ax_key key, axi_cell *cell, uint64_t word, bool *stop);

/* Destroys an owned value whose cell is being freed, when `word` is one. */
static inline void axi_value_fini(const ax_map *map, uint64_t word)
{
    if (map->destroy && axi_cell_live(word))
        map->destroy(map->destroy_context, (void *)(uintptr_t)(word ^ AXI_CELL_BIAS));
}

#endif

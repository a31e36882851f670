/* SPDX-License-Identifier: MIT */
/*
 * The ck index: ck_ht in DIRECT mode from the full hash to a chain of the entries that have it.
 *
 * Concurrency Kit 0.7.1's ck_ht stores a key twice when it is put again behind a tombstone, can hand a
 * reader another key's value when set moves one, slows down without bound under removals, and cannot be
 * walked while it changes. None of this is met here, by discipline:
 *   - one writer: everything but get runs under the shard's mutex;
 *   - a hash is looked up before it is put, so that none is ever put twice; set and gc are never called;
 *   - a table is rebuilt into a fresh one before half of it has been used, tombstones included, so that
 *     it neither grows by itself nor slows down;
 *   - a reader that is handed an entry of another hash looks again;
 *   - walks collect entries under the mutex and visit them without it.
 *
 * Chains are longer than one entry only where two keys share all 64 bits of the hash. A dead entry at the
 * head of a longer chain cannot be taken out without set, so it stays, marked LEFT, until the chain is
 * otherwise empty or the table is rebuilt. A reader that meets the mark of a retired entry in a link has
 * lost its way and starts again.
 */
#include "map_ck.h"

#include <ck_pr.h>

#define SLOTS_MIN 16

/* In an entry's link, next to the address of the next entry; bit 0 is AXI_RETIRED_MARK. */
#define LEFT ((uintptr_t)2)

struct axi_ck_table {
    struct axi_retired retired;
    ck_ht_t ht;
    size_t slots;   /* constant */
    size_t bytes;   /* constant */
    size_t heads;   /* hashes in it. Mutex. */
    size_t used;    /* slots used, tombstones included, at most. Mutex. */
    size_t entries; /* in all chains, dead ones included. Mutex. */
};

/* ---- ck's memory: its callbacks have no context, so the map is left here around its calls ---- */

static _Thread_local ax_map *allocating_map;

/* In front of each block of ck's. */
struct block {
    struct axi_retired retired;
    size_t bytes;
};

static void *ck_block_allocate(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct block))
        return NULL;
    struct block *block = axi_allocate(allocating_map->allocator, sizeof *block + size, 16);
    if (!block)
        return NULL;
    block->bytes = sizeof *block + size;
    return block + 1;
}

static void ck_block_free(void *memory, size_t size, bool defer)
{
    struct block *block = (struct block *)memory - 1;
    (void)size;
    /* deferred: ck has grown by itself, as it does when a poor hash makes a probe too long */
    if (defer)
        axi_retire(&allocating_map->domain, &block->retired, AXI_KIND_CK_BLOCK, block->bytes);
    else
        axi_release(allocating_map->allocator, block, block->bytes);
}

static struct ck_malloc ck_memory = { .malloc = ck_block_allocate, .free = ck_block_free };

size_t axi_ck_block_release(ax_map *map, struct axi_retired *thing)
{
    struct block *block = (struct block *)thing;
    size_t bytes = block->bytes;
    axi_release(map->allocator, block, bytes);
    return bytes;
}

/* ---- tables ---- */

static size_t table_bytes(size_t slots)
{
    return sizeof(struct axi_ck_table) + slots * sizeof(ck_ht_entry_t);
}

#define SLOTS_MOST (UINT64_C(1) << 31) /* ck rounds their number up in 32 bits: more would become few */

static struct axi_ck_table *table_create(ax_map *map, size_t slots)
{
    if (slots > SLOTS_MOST)
        return NULL;
    struct axi_ck_table *table = axi_allocate(map->allocator, sizeof *table, _Alignof(struct axi_ck_table));
    if (!table)
        return NULL;
    memset(table, 0, sizeof *table);
    table->slots = slots;
    table->bytes = table_bytes(slots);
    allocating_map = map;
    /* without a hash function: each entry is put with its hash, and has it still when ck places it again */
    if (ck_ht_init(&table->ht, CK_HT_MODE_DIRECT, NULL, &ck_memory, slots, 0))
        return table;
    axi_release(map->allocator, table, sizeof *table);
    return NULL;
}

static void table_release(ax_map *map, struct axi_ck_table *table)
{
    allocating_map = map;
    ck_ht_destroy(&table->ht);
    axi_release(map->allocator, table, sizeof *table);
}

size_t axi_ck_table_release(ax_map *map, struct axi_retired *thing)
{
    struct axi_ck_table *table = (struct axi_ck_table *)thing;
    size_t bytes = table->bytes;
    table_release(map, table);
    return bytes;
}

/* ck keeps 0 and ~0 for itself; keys that share a ck key are in one chain like those that share a hash. */
static uintptr_t ck_key(uint64_t hash)
{
    return (uintptr_t)(hash == 0 || hash == UINT64_MAX ? 1 : hash);
}

static struct axi_entry *head_of(struct axi_ck_table *table, uintptr_t key)
{
    ck_ht_entry_t slot;
    ck_ht_hash_t hash = { key };
    ck_ht_entry_key_set_direct(&slot, key);
    if (!ck_ht_get_spmc(&table->ht, hash, &slot))
        return NULL;
    struct axi_entry *entry = (struct axi_entry *)ck_ht_entry_value_direct(&slot);
    axi_edge_acquire(entry); /* publish: see tsan.h */
    return entry;
}

/* Puts a hash that is known not to be there. False without memory (ck had to grow after all). */
static bool put_head(ax_map *map, struct axi_ck_table *table, uintptr_t key, struct axi_entry *entry)
{
    ck_ht_entry_t slot;
    ck_ht_hash_t hash = { key };
    ck_ht_entry_set_direct(&slot, hash, key, (uintptr_t)entry);
    axi_edge_release(entry); /* publish: see tsan.h */
    ck_pr_fence_store();     /* the entry's content before ck's own stores, which are no C11 operations */
    allocating_map = map;
    if (!ck_ht_put_spmc(&table->ht, hash, &slot))
        return false;
    table->heads++;
    table->used++;
    return true;
}

/* Of a chain whose entries are dead, all by this thread's doing or before it had the mutex. */
static void remove_head(struct axi_ck_table *table, uintptr_t key)
{
    ck_ht_entry_t slot;
    ck_ht_hash_t hash = { key };
    ck_ht_entry_key_set_direct(&slot, key);
    ck_pr_fence_store(); /* their death before ck's own store: who misses the key has its removal behind it */
    (void)ck_ht_remove_spmc(&table->ht, hash, &slot);
    table->heads--;
}

static struct axi_entry *link_next(uintptr_t link)
{
    return (struct axi_entry *)(link & ~(uintptr_t)7);
}

static struct axi_ck_table *current(const struct axi_shard *shard)
{
    return axi_load_relaxed(&shard->ck_table); /* relaxed: under the mutex */
}

static uintptr_t link_of(const struct axi_entry *entry)
{
    return axi_load_relaxed(&entry->retired.link); /* relaxed: under the mutex */
}

/* ---- look-up ---- */

struct axi_found axi_ck_find(const ax_map *map, const struct axi_shard *shard, ax_key key, uint64_t hash)
{
    const struct axi_found nothing = { NULL, AXI_CELL_EMPTY };
again:;
    struct axi_ck_table *table = axi_load_seq_cst(&shard->ck_table, M1_sc); /* M1.sc */
    struct axi_entry *entry = table ? head_of(table, ck_key(hash)) : NULL;
    if (entry && !axi_entry_is(entry, key) && ck_key(axi_map_hash(map, axi_entry_key(map, entry))) != ck_key(hash))
        goto again; /* another key's entry: a slot was reused while ck looked at it */
    while (entry) {
        axi_edge_own_acquire(entry);
        if (axi_entry_is(entry, key)) {
            uint64_t word = axi_load_seq_cst(&entry->cell, M1_sc); /* M1.sc */
            if (axi_cell_live(word))
                return (struct axi_found){ &entry->cell, word };
        }
        uintptr_t link = axi_load_seq_cst(&entry->retired.link, M1_sc); /* M1.sc M2.acq */
        if (link & AXI_RETIRED_MARK)
            goto again;
        entry = link_next(link);
    }
    return nothing;
}

/* ---- changes, all under the shard's mutex ---- */

static void retire_entry(ax_map *map, struct axi_shard *shard, struct axi_entry *entry)
{
    size_t bytes = axi_entry_size(map, entry);
    /* relaxed: a statistic, written under the mutex */
    axi_store_relaxed(&shard->bytes, axi_load_relaxed(&shard->bytes) - bytes);
    axi_retire(&map->domain, &entry->retired, AXI_KIND_ENTRY, bytes);
}

/* The first entry of the chain that is not merely left behind. */
static struct axi_entry *first_kept(struct axi_entry *entry)
{
    while (entry && (link_of(entry) & LEFT))
        entry = link_next(link_of(entry));
    return entry;
}

/*
 * Copies what is kept into a fresh table of at least `least` slots, at most a third full, publishes it
 * and retires the old one with the heads that were left behind.
 */
static ax_status rebuild(ax_map *map, struct axi_shard *shard, size_t least)
{
    struct axi_ck_table *old = current(shard);
    size_t heads = old ? old->heads : 0;
    size_t slots = SLOTS_MIN;
    /* relaxed: floor is written under the mutex that we hold */
    while (slots < least || slots < axi_load_relaxed(&shard->floor) || slots / 3 < heads + 1)
        slots *= 2;
    if (old && axi_domain_admit(&map->domain) != AX_OK)
        return AX_EAGAIN;
    struct axi_ck_table *table = table_create(map, slots);
    if (!table)
        return AX_ENOMEM;
    ck_ht_iterator_t at = CK_HT_ITERATOR_INITIALIZER;
    ck_ht_entry_t *slot;
    while (old && ck_ht_next(&old->ht, &at, &slot)) {
        struct axi_entry *head = first_kept((struct axi_entry *)ck_ht_entry_value_direct(slot));
        if (head && !put_head(map, table, ck_ht_entry_key_direct(slot), head)) {
            table_release(map, table);
            return AX_ENOMEM;
        }
    }
    table->entries = old ? old->entries : 0;
    /* M2.rel: the old one has the same chains, and a head that it lacks is M1 by its insertion */
    axi_store_release(&shard->ck_table, table, M2_rel);
    if (!old)
        return AX_OK;
    ck_ht_iterator_init(&at);
    while (ck_ht_next(&old->ht, &at, &slot)) {
        struct axi_entry *entry = (struct axi_entry *)ck_ht_entry_value_direct(slot);
        while (entry && (link_of(entry) & LEFT)) {
            struct axi_entry *next = link_next(link_of(entry));
            table->entries--;
            retire_entry(map, shard, entry);
            entry = next;
        }
    }
    axi_store_relaxed(&shard->rebuilds, axi_load_relaxed(&shard->rebuilds) + 1); /* relaxed: a statistic */
    axi_retire(&map->domain, &old->retired, AXI_KIND_TABLE, old->bytes);
    return AX_OK;
}

/*
 * ck's stores are outside the order of seq_cst operations, so two of ours follow them. The table pointer is stored
 * again, unchanged: whoever loads it later has the insertion behind it and does not miss the key. And the entry
 * gets its value last: whoever finds it there has that store of the pointer behind it, as everybody will.
 */
static bool insert_head(ax_map *map, struct axi_shard *shard, struct axi_ck_table *table, uintptr_t key,
                        struct axi_entry *entry)
{
    uint64_t word = axi_load_relaxed(&entry->cell); /* relaxed, and below: nobody reads it before the put */
    axi_store_relaxed(&entry->cell, AXI_CELL_EMPTY);
    if (!put_head(map, table, key, entry))
        return false; /* with an empty cell: the caller throws the entry away */
    axi_store_seq_cst(&shard->ck_table, table, M1_sc); /* M1.sc */
    axi_store_seq_cst(&entry->cell, word, M1_sc);      /* M1.sc */
    return true;
}

ax_status axi_ck_insert(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry)
{
    struct axi_ck_table *table = current(shard);
    if (!table || table->used + 1 >= table->slots / 2) {
        ax_status status = rebuild(map, shard, 0);
        if (status != AX_OK)
            return status;
        table = current(shard);
    }
    struct axi_entry *last = head_of(table, ck_key(hash));
#ifdef AX_MUTANT_CK_TRUSTS_PUT /* the discipline switched off: tests/unit/map_model must notice */
    if (last && put_head(map, table, ck_key(hash), entry)) {
        table->entries++;
        return AX_OK;
    }
#endif
    if (!last) {
        if (!insert_head(map, shard, table, ck_key(hash), entry))
            return AX_ENOMEM;
    } else {
        while (link_next(link_of(last)))
            last = link_next(link_of(last));
        axi_store_seq_cst(&last->retired.link, (uintptr_t)entry | link_of(last), M1_sc); /* M1.sc M2.rel */
    }
    table->entries++;
    return AX_OK;
}

/* Takes an entry out that its killer has marked dead. */
void axi_ck_unlink(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry)
{
    struct axi_ck_table *table = current(shard);
    struct axi_entry *head = head_of(table, ck_key(hash));
    uintptr_t link = link_of(entry);
    if (head == entry) {
        if (link_next(link)) {
            /* M2.rel: LEFT is for writers, but readers find the next entry by it, which another thread may have made */
            axi_store_release(&entry->retired.link, link | LEFT, M2_rel);
            return;
        }
        remove_head(table, ck_key(hash));
    } else {
        struct axi_entry *before = head;
        while (link_next(link_of(before)) != entry)
            before = link_next(link_of(before));
        /* M2.rel: who misses the entry has its death behind it, and what the next one is */
        axi_store_release(&before->retired.link, (uintptr_t)link_next(link) | (link_of(before) & LEFT), M2_rel);
        if (head == before && link_of(head) == LEFT) {
            remove_head(table, ck_key(hash));
            table->entries--;
            retire_entry(map, shard, head);
        }
    }
    table->entries--;
    retire_entry(map, shard, entry);
}

/* After a removal: a smaller table when few keys are left in a large one. */
void axi_ck_tend(ax_map *map, struct axi_shard *shard)
{
    struct axi_ck_table *table = current(shard);
    /* relaxed: as in rebuild */
    if (table && table->slots > SLOTS_MIN && table->slots > axi_load_relaxed(&shard->floor) &&
        table->heads < table->slots / 16)
        (void)rebuild(map, shard, 0); /* without memory it stays large */
}

/* The same for a shard that had no memory when its keys went. */
void axi_ck_tidy(ax_map *map, struct axi_shard *shard)
{
    axi_read_begin();
    pthread_mutex_lock(&shard->mutex);
    axi_ck_tend(map, shard);
    pthread_mutex_unlock(&shard->mutex);
    axi_read_end();
}

ax_status axi_ck_reserve(ax_map *map, struct axi_shard *shard, size_t keys)
{
    size_t slots = SLOTS_MIN;
    while (slots / 2 <= keys + 1)
        slots *= 2;
    ax_status status = AX_OK;
    axi_read_begin();
    pthread_mutex_lock(&shard->mutex);
    struct axi_ck_table *table = current(shard);
    if (!table || table->slots < slots)
        status = rebuild(map, shard, slots);
    if (status == AX_OK)
        axi_store_relaxed(&shard->floor, slots); /* relaxed: written and heeded under the mutex */
    pthread_mutex_unlock(&shard->mutex);
    axi_read_end();
    return status;
}

/* ---- walks ---- */

/* The entries of all chains, in an array of table->entries. Under the mutex. */
static size_t collect(struct axi_ck_table *table, struct axi_entry **entries)
{
    size_t count = 0;
    ck_ht_iterator_t at = CK_HT_ITERATOR_INITIALIZER;
    ck_ht_entry_t *slot;
    while (ck_ht_next(&table->ht, &at, &slot)) {
        struct axi_entry *entry = (struct axi_entry *)ck_ht_entry_value_direct(slot);
        for (; entry; entry = link_next(link_of(entry)))
            entries[count++] = entry;
    }
    return count;
}

ax_status axi_ck_walk(ax_map *map, struct axi_shard *shard, bool locked, axi_step *step, void *context, bool *stop)
{
    struct axi_entry **entries = NULL;
    size_t bytes = 0, count = 0;
    if (!locked)
        pthread_mutex_lock(&shard->mutex);
    struct axi_ck_table *table = current(shard);
    if (table && table->entries) {
        bytes = table->entries * sizeof *entries;
        entries = axi_allocate(map->allocator, bytes, _Alignof(struct axi_entry *));
        if (entries)
            count = collect(table, entries);
    }
    if (!locked)
        pthread_mutex_unlock(&shard->mutex);
    ax_status status = bytes && !entries ? AX_ENOMEM : AX_OK;
    for (size_t i = 0; i < count && status == AX_OK && !*stop; i++) {
        /* M2.acq: with the value comes what was before it */
        uint64_t word = axi_load_acquire(&entries[i]->cell, M2_acq);
        if (axi_cell_live(word))
            status = step(context, axi_entry_key(map, entries[i]), &entries[i]->cell, word, stop);
    }
    axi_release(map->allocator, entries, bytes);
    return status;
}

size_t axi_ck_slots(const struct axi_shard *shard, size_t *bytes)
{
    struct axi_ck_table *table = axi_load_acquire(&shard->ck_table, M2_acq); /* M2.acq */
    *bytes = table ? table->bytes : 0;
    return table ? table->slots : 0;
}

/* Frees everything. Nobody else uses the shard any more. */
void axi_ck_fini(ax_map *map, struct axi_shard *shard)
{
    struct axi_ck_table *table = current(shard);
    if (!table)
        return;
    ck_ht_iterator_t at = CK_HT_ITERATOR_INITIALIZER;
    ck_ht_entry_t *slot;
    while (ck_ht_next(&table->ht, &at, &slot)) {
        struct axi_entry *entry = (struct axi_entry *)ck_ht_entry_value_direct(slot);
        while (entry) {
            struct axi_entry *next = link_next(link_of(entry));
            axi_value_fini(map, axi_load_relaxed(&entry->cell)); /* relaxed: alone */
            axi_entry_release(map, entry);
            entry = next;
        }
    }
    table_release(map, table);
}

/* SPDX-License-Identifier: MIT */
#include "map_table.h"

#define SLOTS_MIN 4 /* whole lines of either width */
/*
 * Slots moved for each insertion while a rebuild is under way: a rebuild is over long before the next
 * table could be full, and one step takes a few microseconds.
 */
#ifndef AXI_MAP_STEP /* model tests take fewer, so that more happens while a rebuild is under way */
#define AXI_MAP_STEP 64
#endif
/* Removals of one row of counts between two looks at whether the table is too large; a small one costs nothing. */
#define LOOK_EVERY 32
/* Rebuilds from the largest table that can be to the smallest (axi_table_tidy), and no end where others undo them. */
#define TIDY_ROUNDS 10

static size_t table_slots(const struct axi_table *table)
{
    return (size_t)table->mask + 1;
}

/* The slots' bytes, and all of the table's. */
static size_t body_bytes(const struct axi_table *table)
{
    return table_slots(table) << table->width;
}

static size_t table_bytes(const struct axi_table *table)
{
    return sizeof *table + body_bytes(table);
}

/* At three quarters an unsuccessful look-up meets 8.5 slots, two or four cache lines; beyond it rises steeply. */
static size_t table_limit(const struct axi_table *table)
{
    return table_slots(table) - table_slots(table) / 4;
}

static struct axi_table *table_create(const ax_map *map, struct axi_shard *shard, size_t slots)
{
    enum axi_width width = map->bytes_keys ? AXI_WIDE : AXI_NARROW;
    struct axi_table *table = axi_allocate_zeroed(map->allocator, sizeof(struct axi_table), slots << width);
    if (table) {
        table->mask = slots - 1;
        table->bucket_bytes = (slots - AXI_BUCKET(width)) << width;
        table->shard = shard;
        table->width = width;
        axi_edge_own_release(table); /* visitors read the bytes of short keys in it */
    }
    return table;
}

static void table_release(const ax_map *map, struct axi_table *table)
{
    axi_release_zeroed(map->allocator, table, sizeof *table, body_bytes(table));
}

/* For the shard's table, which is filled; not on anybody's way. */
static void pages_huge(const ax_map *map, const struct axi_shard *shard)
{
    axi_read_begin();
    struct axi_table *table = axi_load_acquire(&shard->table, M2_acq); /* M2.acq: an older one is as good */
    if (table)
        axi_allocated_huge(map->allocator, table, sizeof *table, body_bytes(table));
    axi_read_end();
}

size_t axi_table_release(ax_map *map, struct axi_retired *thing)
{
    struct axi_table *table = (struct axi_table *)((char *)thing - offsetof(struct axi_table, retired));
    struct axi_shard *shard = table->shard;
    size_t bytes = table_bytes(table);
    table_release(map, table);
    if (bytes >= AXI_HUGE_PAGE / 2) /* what came in its place may be twice as large */
        pages_huge(map, shard);
    return bytes;
}

/* ---- look-up ---- */

/* The slot that is the key's in one table, or NULL. */
static inline __attribute__((always_inline)) struct axi_slot *cell_in(struct axi_table *table, uint64_t tag,
                                                                      const struct axi_short *bytes, uint64_t hash,
                                                                      enum axi_width width)
{
    bool last = false;
    for (uint64_t i = axi_probe_begin(table, hash, width); !last; i = axi_probe_next(table, i, width)) {
        struct axi_slot *bucket = axi_slot_at(table, i, width);
        for (unsigned bits = axi_bucket_scan(bucket, tag, width, &last); bits; bits &= bits - 1) {
            struct axi_slot *slot = axi_slot_after(bucket, (unsigned)__builtin_ctz(bits), width);
            if (axi_slot_is(slot, bytes))
                return slot; /* a key has one in a table at most */
        }
    }
    return NULL;
}

static inline __attribute__((always_inline)) struct axi_found search_cell(const struct axi_shard *shard, uint64_t tag,
                                                                          const struct axi_short *bytes, uint64_t hash,
                                                                          enum axi_width width)
{
    struct axi_table *table = axi_load_seq_cst(&shard->table, M1_sc); /* M1.sc */
    while (table) {
        struct axi_slot *slot = cell_in(table, tag, bytes, hash, width);
        if (slot) {
            /* M2.acq: the scan has read this word, or an older one, by M1 */
            uint64_t word = axi_load_acquire(&slot->word, M2_acq);
            if (word != AXI_CELL_MOVED)
                return (struct axi_found){ &slot->word, word };
        }
        table = axi_load_seq_cst(&table->next, M1_sc); /* M1.sc */
    }
    return (struct axi_found){ NULL, AXI_CELL_EMPTY };
}

struct axi_found axi_numbers_search(const struct axi_shard *shard, uint64_t number, uint64_t hash)
{
    return search_cell(shard, number, NULL, hash, AXI_NARROW);
}

struct axi_found axi_short_search(const struct axi_shard *shard, uint64_t tag, struct axi_short bytes)
{
    return search_cell(shard, tag, &bytes, tag, AXI_WIDE);
}

struct axi_found axi_entries_search(const struct axi_shard *shard, ax_key key, uint64_t tag)
{
    struct axi_table *table = axi_load_seq_cst(&shard->table, M1_sc); /* M1.sc */
    while (table) {
        bool last = false;
        for (uint64_t i = axi_probe_begin(table, tag, AXI_WIDE); !last; i = axi_probe_next(table, i, AXI_WIDE)) {
            struct axi_slot *bucket = axi_slot_at(table, i, AXI_WIDE);
            for (unsigned bits = axi_bucket_scan(bucket, tag, AXI_WIDE, &last); bits; bits &= bits - 1) {
                struct axi_slot *slot = axi_slot_after(bucket, (unsigned)__builtin_ctz(bits), AXI_WIDE);
                /* M2.acq: by now it may be DEAD, and who goes on for that has the entry's removal behind it */
                uint64_t word = axi_load_acquire(&slot->word, M2_acq);
                if (!axi_cell_live(word))
                    continue;
                struct axi_entry *entry = (struct axi_entry *)(uintptr_t)word;
                axi_edge_own_acquire(entry);
                if (!axi_entry_is(entry, key))
                    continue;
                uint64_t value = axi_load_seq_cst(&entry->cell, M1_sc); /* M1.sc */
                if (axi_cell_live(value))
                    return (struct axi_found){ &entry->cell, value };
                /* Dead for good; a younger entry of the key has a slot further on, or comes after this call began. */
            }
        }
        table = axi_load_seq_cst(&table->next, M1_sc); /* M1.sc */
    }
    return (struct axi_found){ NULL, AXI_CELL_EMPTY };
}

/* ---- changes ---- */

/* Under the mutex tables change by our own hand only, so relaxed loads do. */
static struct axi_table *current(const struct axi_shard *shard)
{
    return axi_load_relaxed(&shard->table);
}

/* Whether the slot, which is claimed, is of a long key. */
static bool leads_to_entry(const struct axi_table *table, struct axi_slot *slot)
{
    /* relaxed: M2 ordered it before the word, or it was written under the mutex that we hold */
    return table->width == AXI_WIDE && axi_load_relaxed(&slot->tag) >> AXI_TAG_KIND == AXI_TAG_LONG;
}

/* A new slot's first words: its word, which is to be stored next, publishes them. */
struct claim {
    uint64_t tag, hash;
    const unsigned char *bytes; /* of a short key, AXI_SHORT of them; otherwise NULL */
    bool again;                 /* a dead slot of the tag does as well */
};

/*
 * Takes the first free slot of the probe sequence. Under the mutex; there is one. With `again`, for a new long key, a
 * dead slot of its tag that is met before does as well: one that comes and goes needs one slot, and no rebuild.
 * (The dead slot of a number or a short key has been found, and others that have a short key's tag have other bytes.)
 * Copies take fresh ones, as their stores are relaxed: who reads what stands in the place of DEAD needs the death
 * behind it, M2.
 */
static struct axi_slot *claim(struct axi_shard *shard, struct axi_table *table, struct claim c)
{
    uint64_t i = axi_probe_begin(table, c.hash, table->width), word;
    struct axi_slot *slot = axi_slot_at(table, i, table->width);
    /* relaxed: only we end EMPTY, and dead slots of entries stay so without us */
    while ((word = axi_load_relaxed(&slot->word)) != AXI_CELL_EMPTY) {
        /* relaxed: written under this mutex; a hint, as a fresh slot is as good */
        if (c.again && word == AXI_CELL_DEAD && axi_load_relaxed(&slot->tag) == c.tag)
            return slot;
        i = (i + 1) & table->mask;
        slot = axi_slot_at(table, i, table->width);
    }
    /* relaxed: the store of the word, which follows, publishes it */
    axi_store_relaxed(&slot->tag, c.tag);
    if (c.bytes)
        memcpy(axi_slot_key(slot), c.bytes, AXI_SHORT);
    shard->claimed++;
    return slot;
}

/* Cells change without the mutex, so the copy is made good before MOVED sends anyone to it. */
static void move_cell(ax_map *map, struct axi_shard *shard, struct axi_slot *from, struct axi_table *to)
{
    uint64_t word = axi_load_relaxed(&from->word); /* relaxed: nobody needs the copy before the swap, which acquires */
    if (word == AXI_CELL_EMPTY)
        return; /* and stays so: new keys go to the next table */
    struct axi_slot *copy = NULL;
    do {
        if (word != AXI_CELL_DEAD && !copy) {
            uint64_t tag = axi_load_relaxed(&from->tag); /* relaxed: written under this mutex */
            copy = claim(shard, to,
                         map->bytes_keys ? (struct claim){ tag, tag, axi_slot_key(from), false }
                                         : (struct claim){ tag, axi_map_hash(map, ax_key_u64(tag)), NULL, false });
        }
        if (copy)
            axi_store_release(&copy->word, word, M2_rel); /* M2.rel: whoever probes past it reads the tag */
        /* M1.sc: whoever reads an older word comes before what is done with the copy */
    } while (!axi_cas_seq_cst(&from->word, &word, AXI_CELL_MOVED, M1_sc));
}

/*
 * Slots of long keys change under the mutex only, and either slot leads to the same entry and its cell. The
 * old one stays readable for walks; axi_table_unlink clears both.
 */
static void copy_entry(struct axi_shard *shard, struct axi_slot *from, struct axi_table *to)
{
    uint64_t word = axi_load_relaxed(&from->word); /* relaxed: written under this mutex */
    if (!axi_cell_live(word))
        return;
    uint64_t tag = axi_load_relaxed(&from->tag); /* relaxed: as above */
    struct axi_slot *copy = claim(shard, to, (struct claim){ tag, tag, NULL, false });
    /*
     * relaxed: a look-up that needs the copy came by shard.table, hence after it. One that came by old->next
     * has found the entry in the old table, or looks for another key: then it has what is behind the entry, which
     * is older than old->next, and if it misses the tag it passes by, as no key's is 0.
     */
    axi_store_relaxed(&copy->word, word);
}

/* Moves up to `slots` slots of the old table; the last one ends the rebuild. Under the mutex. */
static void rebuild_step(ax_map *map, struct axi_shard *shard, size_t slots)
{
    struct axi_table *old = current(shard);
    struct axi_table *next = old ? axi_load_relaxed(&old->next) : NULL;
    if (!next)
        return;
    size_t left = table_slots(old) - shard->moved;
    if (slots > left)
        slots = left;
    for (size_t i = shard->moved; i < shard->moved + slots; i++) {
        struct axi_slot *from = axi_slot_at(old, i, old->width);
        if (leads_to_entry(old, from))
            copy_entry(shard, from, next);
        else
            move_cell(map, shard, from, next);
    }
    shard->moved += slots;
    if (slots == left) {
        /* M1.sc M2.rel: who still comes by the old one does not see all copies, and is before what comes after them */
        axi_store_seq_cst(&shard->table, next, M1_sc);
        axi_retire(&map->domain, &old->retired, AXI_KIND_TABLE, table_bytes(old));
    }
}

/*
 * Makes a fresh table of at least `least` slots, and the first or the next one. Under the mutex, with no
 * rebuild under way.
 *
 * Sized so that the live keys fill at most 2/5. Dead slots can come back to life until they are passed,
 * without this mutex; so that they always find room, a smaller table is taken only if all that the old
 * one has claimed fills at most half of it. Where none is, dead slots are swept out at equal size first.
 *
 * How many keys live is a guess, and one slot must stay EMPTY, or looking for a key that is not there has no
 * end. So whatever the guess was there is room for all that may be claimed until the rebuild is over: what has
 * been claimed, all of it alive, and a new key for each step.
 */
static ax_status rebuild_begin(ax_map *map, struct axi_shard *shard, size_t least)
{
    struct axi_table *old = current(shard);
    int64_t live = axi_shard_live(map, shard); /* a guess, bounded by what has been claimed */
    size_t keys = live > 0 ? (size_t)live : 0;
    if (keys > shard->claimed)
        keys = shard->claimed;
    size_t slots = SLOTS_MIN;
    /* relaxed: floor is written under the mutex that we hold */
    while (slots < least || slots < axi_load_relaxed(&shard->floor) || slots / 5 * 2 < keys)
        slots *= 2;
    if (old) {
        if (axi_domain_admit(&map->domain) != AX_OK)
            return AX_EAGAIN;
        size_t old_slots = table_slots(old);
        while (slots < old_slots && slots / 2 < shard->claimed)
            slots *= 2;
        while (slots <= shard->claimed + (old_slots + AXI_MAP_STEP - 1) / AXI_MAP_STEP)
            slots *= 2;
    }
    struct axi_table *table = table_create(map, shard, slots);
    if (!table)
        return AX_ENOMEM;
    shard->claimed = shard->moved = 0;
    if (old) {
        axi_store_seq_cst(&old->next, table, M1_sc); /* M1.sc */
        /* relaxed: a statistic, written under the mutex */
        axi_store_relaxed(&shard->rebuilds, axi_load_relaxed(&shard->rebuilds) + 1);
    } else {
        axi_store_seq_cst(&shard->table, table, M1_sc); /* M1.sc */
    }
    return AX_OK;
}

static bool rebuilding(const struct axi_table *table)
{
    return table && axi_load_relaxed(&table->next); /* relaxed: under the mutex */
}

/* Adds a key that the shard has no slot for. Under the mutex. AX_ENOMEM, AX_EAGAIN: nothing changed. */
ax_status axi_table_insert(ax_map *map, struct axi_shard *shard, ax_key key, uint64_t hash, uint64_t word)
{
    struct axi_table *table = current(shard);
    if (!rebuilding(table) && (!table || shard->claimed >= table_limit(table))) {
        ax_status status = rebuild_begin(map, shard, 0);
        if (status != AX_OK)
            return status;
    }
    rebuild_step(map, shard, AXI_MAP_STEP);
    table = current(shard);
    struct axi_table *next = axi_load_relaxed(&table->next); /* relaxed: under the mutex */
    if (next) /* M1.sc: once more, with all copies before it, past which the new key is found */
        axi_store_seq_cst(&table->next, next, M1_sc);
    unsigned char bytes[AXI_SHORT] = { 0 };
    struct claim c = { key.word_, hash, NULL, false };
    if (map->bytes_keys) {
        c.tag = axi_bytes_tag(hash, key.length_);
        c.again = key.length_ > AXI_SHORT;
        if (!c.again && key.length_) /* an empty key may have no address, which memcpy must not get */
            memcpy(bytes, (const void *)(uintptr_t)key.word_, (size_t)key.length_);
        c.bytes = c.again ? NULL : bytes;
    }
    struct axi_slot *slot = claim(shard, next ? next : table, c);
    axi_store_seq_cst(&slot->word, word, M1_sc); /* M1.sc M2.rel */
    return AX_OK;
}

/* Takes an entry out that its killer has marked dead, of the old table and the next. Under the mutex. */
void axi_table_unlink(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_entry *entry)
{
    uint64_t tag = axi_bytes_tag(hash, entry->u.length);
    /* relaxed: under the mutex */
    for (struct axi_table *table = current(shard); table; table = axi_load_relaxed(&table->next)) {
        uint64_t i = axi_probe_begin(table, tag, AXI_WIDE);
        struct axi_slot *slot = axi_slot_at(table, i, AXI_WIDE);
        uint64_t word;
        /* relaxed: slots of long keys change under the mutex, and only we end EMPTY */
        while ((word = axi_load_relaxed(&slot->word)) != AXI_CELL_EMPTY) {
            /* relaxed: written under the mutex; it tells the address from a short key's value */
            if (word == (uintptr_t)entry && axi_load_relaxed(&slot->tag) == tag) {
                /* M2.rel: who misses the entry has its death behind it */
                axi_store_release(&slot->word, AXI_CELL_DEAD, M2_rel);
                break;
            }
            i = (i + 1) & table->mask;
            slot = axi_slot_at(table, i, AXI_WIDE);
        }
    }
    size_t bytes = axi_entry_size(map, entry);
    /* relaxed: a statistic, written under the mutex */
    axi_store_relaxed(&shard->bytes, axi_load_relaxed(&shard->bytes) - bytes);
    axi_retire(&map->domain, &entry->retired, AXI_KIND_ENTRY, bytes);
}

static bool sparse(const ax_map *map, const struct axi_shard *shard, const struct axi_table *table)
{
    size_t slots = table_slots(table);
    /* floor: read without the mutex as a hint; rebuild_begin heeds it under the mutex */
    return slots > SLOTS_MIN && slots > axi_load_relaxed(&shard->floor) &&
           axi_shard_live(map, shard) < (int64_t)(slots / 8);
}

/*
 * After a removal, which the caller has `counted`: helps a rebuild along, or begins one when few keys are
 * left in a large table, which is looked into now and then. Gives up when somebody else has the mutex, as
 * whoever has it helps, too.
 */
void axi_table_tend(ax_map *map, struct axi_shard *shard, int64_t counted, bool locked)
{
    struct axi_table *table = axi_load_acquire(&shard->table, M2_acq); /* M2.acq: an older one is looked at as well */
    if (!table)
        return;
    bool look = counted % LOOK_EVERY == 0 || table->mask < LOOK_EVERY * 4;
    /* relaxed: a hint, and looked at again under the mutex */
    if (!axi_load_relaxed(&table->next) && !(look && sparse(map, shard, table)))
        return;
    if (!locked && pthread_mutex_trylock(&shard->mutex) != 0)
        return;
    table = current(shard);
    if (!rebuilding(table) && sparse(map, shard, table))
        (void)rebuild_begin(map, shard, 0); /* without memory it stays large */
    rebuild_step(map, shard, AXI_MAP_STEP);
    if (!locked)
        pthread_mutex_unlock(&shard->mutex);
}

/* Completes a rebuild that is under way; where the caller has no mutex, piece by piece. */
void axi_table_settle(ax_map *map, struct axi_shard *shard, bool locked)
{
    bool more;
    do {
        if (!locked)
            pthread_mutex_lock(&shard->mutex);
        rebuild_step(map, shard, 16 * AXI_MAP_STEP);
        more = rebuilding(current(shard));
        if (!locked)
            pthread_mutex_unlock(&shard->mutex);
    } while (more);
}

/* Begins a rebuild into a smaller table, or one of equal size that allows it, if few keys are left. */
static bool shrink(ax_map *map, struct axi_shard *shard)
{
    pthread_mutex_lock(&shard->mutex);
    struct axi_table *table = current(shard);
    bool begun = table && !rebuilding(table) && sparse(map, shard, table) && rebuild_begin(map, shard, 0) == AX_OK;
    pthread_mutex_unlock(&shard->mutex);
    return begun; /* false without memory, too: then it stays large */
}

/*
 * Ends a rebuild that is under way, and takes a table of the right size if few keys are left. That may take several:
 * one to sweep dead slots out, and each one after it is as small as a 32nd (rebuild_begin).
 */
void axi_table_tidy(ax_map *map, struct axi_shard *shard)
{
    axi_table_settle(map, shard, false);
    for (int i = 0; i < TIDY_ROUNDS && shrink(map, shard); i++)
        axi_table_settle(map, shard, false);
}

/* Room for `keys` keys, for good. */
ax_status axi_table_reserve(ax_map *map, struct axi_shard *shard, size_t keys)
{
    size_t slots = SLOTS_MIN;
    while (slots - slots / 4 < keys)
        slots *= 2;
    pthread_mutex_lock(&shard->mutex);
    while (rebuilding(current(shard))) {
        pthread_mutex_unlock(&shard->mutex);
        axi_table_settle(map, shard, false);
        pthread_mutex_lock(&shard->mutex);
    }
    ax_status status = AX_OK;
    struct axi_table *table = current(shard);
    if (!table || table_slots(table) < slots)
        status = rebuild_begin(map, shard, slots);
    if (status == AX_OK)
        axi_store_relaxed(&shard->floor, slots); /* relaxed: heeded under the mutex; others only guess by it */
    pthread_mutex_unlock(&shard->mutex);
    axi_table_settle(map, shard, false);
    pages_huge(map, shard);
    return status;
}

/* The cell of a key that has moved out of a slot which had this tag, and `key`. */
static struct axi_found find_moved(ax_map *map, struct axi_shard *shard, uint64_t tag, ax_key key)
{
    return map->bytes_keys
               ? axi_short_search(shard, tag, axi_key_short(key))
               : axi_numbers_search(shard, tag, axi_map_hash(map, key));
}

static ax_status walk_slot(ax_map *map, struct axi_shard *shard, const struct axi_table *table, struct axi_slot *slot,
                           axi_step *step, void *context, bool *stop)
{
    uint64_t word = axi_load_acquire(&slot->word, M2_acq); /* M2.acq */
    if (word == AXI_CELL_EMPTY || word == AXI_CELL_DEAD)
        return AX_OK;
    ax_key key;
    struct axi_found found = { &slot->word, word };
    if (leads_to_entry(table, slot)) {
        struct axi_entry *entry = (struct axi_entry *)(uintptr_t)word;
        axi_edge_own_acquire(entry);
        key = axi_entry_key(map, entry);
        found.cell = &entry->cell;
        found.word = axi_load_acquire(&entry->cell, M2_acq); /* M2.acq: with the value comes what was before it */
    } else {
        uint64_t tag = axi_load_relaxed(&slot->tag); /* relaxed: M2 ordered it before the word */
        key = map->bytes_keys ? ax_key_bytes(axi_slot_key(slot), (size_t)(tag >> AXI_TAG_KIND) - 1) : ax_key_u64(tag);
        if (word == AXI_CELL_MOVED)
            found = find_moved(map, shard, tag, key);
    }
    return found.cell && axi_cell_live(found.word) ? step(context, key, found.cell, found.word, stop) : AX_OK;
}

/*
 * Steps through the table that was current when no rebuild was under way. A slot that has moved since is
 * looked up, so that its key is shown once; keys claimed in later tables were not there all the time.
 */
ax_status axi_table_walk(ax_map *map, struct axi_shard *shard, bool locked, axi_step *step, void *context,
                         bool *stop)
{
    struct axi_table *table;
    do {
        axi_table_settle(map, shard, locked);
        table = axi_load_acquire(&shard->table, M2_acq); /* M2.acq */
        /* relaxed: a rebuild that is not seen began during the walk, and moves nothing out of its sight */
    } while (table && axi_load_relaxed(&table->next));
    if (table)
        axi_edge_own_acquire(table);
    for (uint64_t i = 0; table && i <= table->mask && !*stop; i++) {
        struct axi_slot *slot = axi_slot_at(table, i, table->width);
        ax_status status = walk_slot(map, shard, table, slot, step, context, stop);
        if (status != AX_OK)
            return status;
    }
    return AX_OK;
}

/* Slots of the newest table; *bytes gets the size of all tables in use. In a read section. */
size_t axi_table_slots(const struct axi_shard *shard, size_t *bytes)
{
    size_t slots = 0;
    *bytes = 0;
    struct axi_table *table = axi_load_acquire(&shard->table, M2_acq); /* M2.acq */
    for (; table; table = axi_load_acquire(&table->next, M2_acq)) {    /* M2.acq */
        slots = table_slots(table);
        *bytes += table_bytes(table);
    }
    return slots;
}

/* Frees the table with all that is in it: no rebuild is under way, and nobody else uses the shard any more. */
void axi_table_fini(ax_map *map, struct axi_shard *shard)
{
    struct axi_table *table = current(shard);
    if (!table)
        return;
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct axi_slot *slot = axi_slot_at(table, i, table->width);
        uint64_t word = axi_load_relaxed(&slot->word); /* relaxed: alone, here and below */
        if (!leads_to_entry(table, slot)) {
            axi_value_fini(map, word);
        } else if (axi_cell_live(word)) {
            struct axi_entry *entry = (struct axi_entry *)(uintptr_t)word;
            axi_value_fini(map, axi_load_relaxed(&entry->cell));
            axi_entry_release(map, entry);
        }
    }
    table_release(map, table);
}

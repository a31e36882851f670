/* SPDX-License-Identifier: MIT */
/*
 * What each call means, written once over the seam: look the key's cell up, decide on what is there, swap
 * it in; insert under the shard's mutex where there is no cell.
 *
 * Each call takes effect at one access to the cell: the load that found the value (get, and refusals),
 * the compare-and-swap that replaced it, or the store that claimed a slot. A key without a value is
 * witnessed by the load that met EMPTY, DEAD, or the end of the chain.
 */
#include "export.h"
#include "map_ck.h"
#include "map_table.h"

enum change_kind {
    PUT,
    PUT_IF_ABSENT,
    REPLACE_IF_EQUAL,
    ADD,
    REMOVE,
    REMOVE_IF_EQUAL
};

/* What a short cut that led nowhere has found out. */
struct seen {
    uint64_t hash;
    bool hashed;
    bool absent; /* it met EMPTY, so that the key need not be looked up before the mutex is taken */
};

/* One call in the making. `kind` is a constant at every caller, so that its branches are compiled away. */
struct change {
    enum change_kind kind;
    bool in_slot;            /* the key's cell is a slot's word: no entry comes or goes */
    uint64_t operand;        /* the value to store, or the addend */
    uint64_t expected;       /* REPLACE_IF_EQUAL, REMOVE_IF_EQUAL */
    uint64_t found;          /* the value before, when there was one */
    struct seen seen;
    struct axi_owned *owned; /* for the value that goes; allocated when first needed */
    struct axi_entry *entry; /* for a key that comes; likewise */
};

enum verdict {
    REFUSE,
    WRITE,
    KILL
};

static inline struct axi_found find(const ax_map *map, const struct axi_shard *shard, ax_key key, uint64_t hash)
{
    switch (map->layout) {
    case AXI_LAYOUT_NUMBERS:
        return axi_numbers_find(shard, key.word_, hash);
    case AXI_LAYOUT_BYTES: {
        uint64_t tag = axi_bytes_tag(hash, key.length_);
        return key.length_ > AXI_SHORT ? axi_entries_find(shard, key, tag)
                                       : axi_short_find(shard, tag, axi_key_short(key));
    }
    case AXI_LAYOUT_CK:
        break;
    }
    return axi_ck_find(map, shard, key, hash);
}

/* What to do about a key that has the value c->found. */
static inline enum verdict decide_present(const struct change *c, uint64_t *value, ax_status *refusal)
{
    *value = c->operand;
    switch (c->kind) {
    case PUT:
        return WRITE;
    case PUT_IF_ABSENT:
        *refusal = AX_EEXIST;
        return REFUSE;
    case ADD:
        *value += c->found;
        *refusal = AX_ERANGE;
        return ax_map_reserved(*value) ? REFUSE : WRITE;
    case REPLACE_IF_EQUAL:
        *refusal = AX_EEXIST;
        return c->found == c->expected ? WRITE : REFUSE;
    case REMOVE:
        return KILL;
    case REMOVE_IF_EQUAL:
        break;
    }
    *refusal = AX_EEXIST;
    return c->found == c->expected ? KILL : REFUSE;
}

/* Losers of a race for a hot cell step back: whoever wins then runs from its own cache for a while. */
static inline void back_off(unsigned *failures)
{
    for (unsigned i = 0; i < 1u << *failures; i++)
        axi_pause();
    if (*failures < 5)
        ++*failures;
}

static void retire_owned(ax_map *map, struct change *c)
{
    c->owned->value = (void *)(uintptr_t)c->found;
    axi_retire(&map->domain, &c->owned->retired, AXI_KIND_OWNED, sizeof *c->owned);
    c->owned = NULL;
}

/* The key's value has just been killed in `cell`, which is in a slot or in an entry. */
static void after_kill(ax_map *map, struct axi_shard *shard, uint64_t hash, axi_cell *cell, bool in_slot, bool locked)
{
    /* relaxed: len promises no more than a count */
    int64_t counted = axi_fetch_sub_relaxed(axi_shard_count(map, shard), 1);
    if (in_slot) {
        axi_table_tend(map, shard, counted, locked);
        return;
    }
    if (!locked)
        pthread_mutex_lock(&shard->mutex);
    if (map->layout == AXI_LAYOUT_CK) {
        axi_ck_unlink(map, shard, hash, axi_entry_of(cell));
        axi_ck_tend(map, shard);
    } else {
        axi_table_unlink(map, shard, hash, axi_entry_of(cell));
        axi_table_tend(map, shard, counted, true);
    }
    if (!locked)
        pthread_mutex_unlock(&shard->mutex);
}

/* The key had a value. AX_EAGAIN in *again: it has changed meanwhile, look again. */
static inline ax_status change_present(ax_map *map, struct axi_shard *shard, uint64_t hash, struct axi_found at,
                                       struct change *c, bool locked, bool *again)
{
    unsigned failures = 0;
    *again = false;
    do {
        uint64_t value;
        ax_status refusal = AX_OK;
        c->found = at.word ^ AXI_CELL_BIAS;
        enum verdict verdict = decide_present(c, &value, &refusal);
        if (verdict == REFUSE) {
            axi_edge_own_acquire(axi_map_edge(hash));
            return refusal;
        }
        bool goes = map->destroy && (verdict == KILL || value != c->found);
        if (goes && !c->owned) {
            c->owned = axi_allocate(map->allocator, sizeof *c->owned, _Alignof(struct axi_owned));
            if (!c->owned)
                return AX_ENOMEM;
        }
        uint64_t word = verdict == KILL ? AXI_CELL_DEAD : value ^ AXI_CELL_BIAS;
        axi_edge_own_release(axi_map_edge(hash));
        if (axi_cas_seq_cst(at.cell, &at.word, word, M1_sc)) { /* M1.sc */
            axi_edge_own_acquire(axi_map_edge(hash));
            if (verdict == KILL)
                after_kill(map, shard, hash, at.cell, c->in_slot, locked);
            if (goes)
                retire_owned(map, c);
            return AX_OK;
        }
        back_off(&failures);
    } while (axi_cell_live(at.word));
    *again = true;
    return AX_OK;
}

/* The key has no cell: makes one, unless somebody else just did. Under the mutex. */
static ax_status insert_locked(ax_map *map, struct axi_shard *shard, ax_key key, uint64_t hash, struct change *c,
                               bool *again)
{
    *again = find(map, shard, key, hash).cell != NULL;
    if (*again)
        return AX_OK;
    uint64_t word = c->operand ^ AXI_CELL_BIAS;
    if (c->in_slot)
        return axi_table_insert(map, shard, key, hash, word);
    axi_edge_own_release(c->entry);
    ax_status status = map->layout == AXI_LAYOUT_CK
                           ? axi_ck_insert(map, shard, hash, c->entry)
                           : axi_table_insert(map, shard, key, hash, (uintptr_t)c->entry);
    if (status == AX_OK) {
        /* relaxed: a statistic, written under the mutex */
        axi_store_relaxed(&shard->bytes, axi_load_relaxed(&shard->bytes) + axi_entry_size(map, c->entry));
        c->entry = NULL;
    }
    return status;
}

/* The key had no value when looked up: `at` is its dead slot, or nothing. */
static inline ax_status change_absent(ax_map *map, struct axi_shard *shard, ax_key key, uint64_t hash,
                                      struct axi_found at, struct change *c, bool locked, bool *again)
{
    *again = false;
    if (c->kind == REPLACE_IF_EQUAL || c->kind == REMOVE || c->kind == REMOVE_IF_EQUAL)
        return AX_ENOTFOUND;
    if (ax_map_reserved(c->operand)) /* an addend; values have been checked */
        return AX_ERANGE;
    axi_edge_own_release(axi_map_edge(hash));
    ax_status status = AX_OK;
    if (at.cell) {
        /* M1.sc: back to life in place */
        *again = !axi_cas_seq_cst(at.cell, &at.word, c->operand ^ AXI_CELL_BIAS, M1_sc);
    } else {
        if (!c->in_slot && !c->entry) {
            c->entry = axi_entry_create(map, key, c->operand ^ AXI_CELL_BIAS);
            if (!c->entry)
                return AX_ENOMEM;
        }
        if (!locked)
            pthread_mutex_lock(&shard->mutex);
        status = insert_locked(map, shard, key, hash, c, again);
        if (!locked)
            pthread_mutex_unlock(&shard->mutex);
    }
    if (status == AX_OK && !*again)
        (void)axi_fetch_add_relaxed(axi_shard_count(map, shard), 1); /* relaxed: len promises no more than a count */
    return status;
}

static inline ax_status change_once(ax_map *map, struct axi_shard *shard, ax_key key, uint64_t hash, struct change *c)
{
    ax_status status;
    bool again, locked = map->consistent;
    bool absent;
    axi_read_begin(); /* before the mutex: fork takes liburcu's mutexes before ours */
    if (locked)
        pthread_mutex_lock(&shard->mutex);
    do {
        struct axi_found at = { NULL, AXI_CELL_EMPTY };
        if (!c->seen.absent)
            at = find(map, shard, key, hash);
        c->seen.absent = false;
        absent = !axi_cell_live(at.word);
        if (absent)
            status = change_absent(map, shard, key, hash, at, c, locked, &again);
        else
            status = change_present(map, shard, hash, at, c, locked, &again);
    } while (again);
    if (locked)
        pthread_mutex_unlock(&shard->mutex);
    axi_read_end();
    if (absent)
        c->found = 0;
    return status;
}

static inline ax_status change_hashed(ax_map *map, ax_key key, uint64_t hash, struct change *c)
{
    struct axi_shard *shard = axi_map_shard(map, hash);
    c->in_slot = axi_map_has_slot_for(map, key);
    bool retires = map->destroy || (!c->in_slot && (c->kind == REMOVE || c->kind == REMOVE_IF_EQUAL));
    ax_status status = retires ? axi_domain_admit(&map->domain) : AX_OK;
    if (status == AX_OK)
        status = change_once(map, shard, key, hash, c);
    while (__builtin_expect(status == AX_EAGAIN, 0) && axi_domain_wait(&map->domain))
        status = change_once(map, shard, key, hash, c);
    if (c->owned)
        axi_release(map->allocator, c->owned, sizeof *c->owned);
    if (c->entry)
        axi_entry_release(map, c->entry);
    return status;
}

static inline ax_status change(ax_map *map, ax_key key, struct change *c)
{
    bool stores = c->kind == PUT || c->kind == PUT_IF_ABSENT || c->kind == REPLACE_IF_EQUAL;
    if (!axi_map_takes(map, key))
        return AX_EINVAL;
    if (stores && ax_map_reserved(c->operand))
        return AX_ERANGE;
    return change_hashed(map, key, c->seen.hashed ? c->seen.hash : axi_map_hash(map, key), c);
}

/*
 * ---- short cuts: numbers under our own hash, and bytes, in the own index ----
 *
 * How many look-ups a core has under way at once, while it waits for memory, depends on how few
 * instructions lie between them. So what nearly all calls meet, a key in the first bucket of its shard's
 * table, is done here, numbers without any call; everything else takes the long way from its beginning.
 */

/* A constant at every caller. */
enum key_kind {
    NUMBER,
    SHORT_BYTES,
    LONG_BYTES
};

static inline bool short_cut(const ax_map *map, bool changes, enum key_kind kind, ax_key key, struct axi_section *section)
{
    struct axi_direct direct = kind == NUMBER ? map->direct_numbers : map->direct_bytes;
    return __builtin_expect((changes ? direct.changes : direct.gets) && (kind != LONG_BYTES || key.length_ <= UINT32_MAX) &&
                                axi_section_find(section),
                            1);
}

/* A key with what is found out about it before its section begins. */
struct sought {
    ax_key key;
    uint64_t hash;
    struct axi_short bytes; /* SHORT_BYTES */
};

static inline __attribute__((always_inline)) struct sought seek(const ax_map *map, enum key_kind kind, ax_key key)
{
    struct sought s = { .key = key };
    if (kind == SHORT_BYTES)
        s.bytes = axi_key_short(key);
    s.hash = kind == NUMBER ? axi_hash_number(&map->number_key, key.word_)
             : kind == SHORT_BYTES && !map->hash ? axi_hash_short(&map->bytes_key, s.bytes, (size_t)key.length_)
                                                 : axi_map_hash_bytes(map, key);
    return s;
}

static inline __attribute__((always_inline)) struct axi_found find_directly(const ax_map *map, enum key_kind kind,
                                                                            const struct sought *s)
{
    const struct axi_shard *shard = axi_map_shard(map, s->hash);
    uint64_t tag = axi_bytes_tag(s->hash, s->key.length_);
    switch (kind) {
    case NUMBER:
        break;
    case SHORT_BYTES:
        return axi_short_find(shard, tag, s->bytes);
    case LONG_BYTES:
        return axi_entries_find(shard, s->key, tag);
    }
    return axi_table_first(shard, s->key.word_, NULL, s->hash, AXI_NARROW);
}

static __attribute__((noinline)) ax_status get(const ax_map *map, ax_key key, uint64_t *value)
{
    if (!axi_map_takes(map, key))
        return AX_EINVAL;
    uint64_t hash = axi_map_hash(map, key);
    const struct axi_shard *shard = axi_map_shard(map, hash);
    axi_read_begin();
    /* direct: the short cut has nearly always looked into the first bucket already */
    struct axi_found at = map->direct_numbers.gets ? axi_numbers_search(shard, key.word_, hash) : find(map, shard, key, hash);
    axi_read_end();
    if (!axi_cell_live(at.word))
        return AX_ENOTFOUND;
    axi_edge_own_acquire(axi_map_edge(hash));
    if (value)
        *value = at.word ^ AXI_CELL_BIAS;
    return AX_OK;
}

static inline __attribute__((always_inline)) ax_status get_directly(const ax_map *map, enum key_kind kind, ax_key key,
                                                                    uint64_t *value)
{
    struct axi_section section;
    if (!short_cut(map, false, kind, key, &section))
        return get(map, key, value);
    struct sought s = seek(map, kind, key);
    axi_section_begin(&section);
    struct axi_found at = find_directly(map, kind, &s);
    axi_section_end(&section);
    if (__builtin_expect(axi_cell_live(at.word), 1)) {
        if (value)
            *value = at.word ^ AXI_CELL_BIAS;
        return AX_OK;
    }
    return at.word == AXI_CELL_MOVED ? get(map, key, value) : AX_ENOTFOUND;
}

/* The key in two words, here and below: gcc 12 takes the structure apart by way of memory, and that load stalls. */
static __attribute__((noinline)) ax_status get_bytes(const ax_map *map, uint64_t word, uint64_t length, uint64_t *value)
{
    return length <= AXI_SHORT ? get_directly(map, SHORT_BYTES, (ax_key){ word, length }, value)
                               : get_directly(map, LONG_BYTES, (ax_key){ word, length }, value);
}

AXI_EXPORT ax_status ax_map_get(const ax_map *map, ax_key key, uint64_t *value)
{
    return key.length_ == UINT64_MAX ? get_directly(map, NUMBER, key, value)
                                      : get_bytes(map, key.word_, key.length_, value);
}

/* PUT and ADD where there is a value already, which *before gets. False: nothing has been done. */
static inline __attribute__((always_inline)) bool change_directly(ax_map *map, enum key_kind key_kind, ax_key key,
                                                                  enum change_kind kind, uint64_t operand,
                                                                  uint64_t *before, struct seen *seen)
{
    struct axi_section section;
    if (!short_cut(map, true, key_kind, key, &section))
        return false;
    struct sought s = seek(map, key_kind, key);
    axi_section_begin(&section);
    struct axi_found at = find_directly(map, key_kind, &s);
    uint64_t expected = at.word, found = expected ^ AXI_CELL_BIAS, value = kind == ADD ? found + operand : operand;
    if (__builtin_expect(axi_cell_live(expected) && !ax_map_reserved(value) &&
                             axi_cas_seq_cst(at.cell, &expected, value ^ AXI_CELL_BIAS, M1_sc), /* M1.sc */
                         1)) {
        axi_section_end(&section);
        *before = found;
        return true;
    }
    axi_section_end(&section);
    *seen = (struct seen){ s.hash, true, at.word == AXI_CELL_EMPTY };
    return false;
}

static __attribute__((noinline)) ax_status put(ax_map *map, ax_key key, uint64_t value, struct seen seen)
{
    struct change c = { .kind = PUT, .operand = value, .seen = seen };
    return change(map, key, &c);
}

static inline __attribute__((always_inline)) ax_status put_directly(ax_map *map, enum key_kind kind, ax_key key,
                                                                    uint64_t value)
{
    struct seen seen = { 0, false, false };
    uint64_t before;
    return change_directly(map, kind, key, PUT, value, &before, &seen) ? AX_OK : put(map, key, value, seen);
}

static __attribute__((noinline)) ax_status put_bytes(ax_map *map, uint64_t word, uint64_t length, uint64_t value)
{
    return length <= AXI_SHORT ? put_directly(map, SHORT_BYTES, (ax_key){ word, length }, value)
                               : put_directly(map, LONG_BYTES, (ax_key){ word, length }, value);
}

AXI_EXPORT ax_status ax_map_put(ax_map *map, ax_key key, uint64_t value)
{
    return key.length_ == UINT64_MAX ? put_directly(map, NUMBER, key, value)
                                      : put_bytes(map, key.word_, key.length_, value);
}

static __attribute__((noinline)) ax_status add(ax_map *map, ax_key key, uint64_t n, uint64_t *before, struct seen seen)
{
    if (map->destroy)
        return AX_EINVAL;
    struct change c = { .kind = ADD, .operand = n, .seen = seen };
    ax_status status = change(map, key, &c);
    if (status == AX_OK && before)
        *before = c.found;
    return status;
}

static inline __attribute__((always_inline)) ax_status add_directly(ax_map *map, enum key_kind kind, ax_key key,
                                                                    uint64_t n, uint64_t *before)
{
    struct seen seen = { 0, false, false };
    uint64_t found;
    if (!change_directly(map, kind, key, ADD, n, &found, &seen))
        return add(map, key, n, before, seen);
    if (before)
        *before = found;
    return AX_OK;
}

static __attribute__((noinline)) ax_status add_bytes(ax_map *map, uint64_t word, uint64_t length, uint64_t n,
                                                     uint64_t *before)
{
    return length <= AXI_SHORT ? add_directly(map, SHORT_BYTES, (ax_key){ word, length }, n, before)
                               : add_directly(map, LONG_BYTES, (ax_key){ word, length }, n, before);
}

AXI_EXPORT ax_status ax_map_add(ax_map *map, ax_key key, uint64_t n, uint64_t *before)
{
    return key.length_ == UINT64_MAX ? add_directly(map, NUMBER, key, n, before)
                                      : add_bytes(map, key.word_, key.length_, n, before);
}

AXI_EXPORT ax_status ax_map_put_if_absent(ax_map *map, ax_key key, uint64_t value, uint64_t *existing)
{
    struct change c = { .kind = PUT_IF_ABSENT, .operand = value };
    ax_status status = change(map, key, &c);
    if (status == AX_EEXIST && existing)
        *existing = c.found;
    return status;
}

AXI_EXPORT ax_status ax_map_replace_if_equal(ax_map *map, ax_key key, uint64_t *expected, uint64_t value)
{
    struct change c = { .kind = REPLACE_IF_EQUAL, .operand = value, .expected = *expected };
    ax_status status = change(map, key, &c);
    if (status == AX_EEXIST)
        *expected = c.found;
    return status;
}

AXI_EXPORT ax_status ax_map_remove(ax_map *map, ax_key key, uint64_t *old)
{
    struct change c = { .kind = REMOVE };
    ax_status status = change(map, key, &c);
    if (status == AX_OK && old)
        *old = c.found;
    return status;
}

AXI_EXPORT ax_status ax_map_remove_if_equal(ax_map *map, ax_key key, uint64_t *expected)
{
    struct change c = { .kind = REMOVE_IF_EQUAL, .expected = *expected };
    ax_status status = change(map, key, &c);
    if (status == AX_EEXIST)
        *expected = c.found;
    return status;
}

AXI_EXPORT ax_status ax_map_get_or_compute(ax_map *map, ax_key key,
                                           ax_status (*compute)(void *context, ax_key key, uint64_t *value),
                                           void *context, uint64_t *value)
{
    uint64_t found;
    ax_status status = ax_map_get(map, key, &found);
    if (status == AX_ENOTFOUND) {
        uint64_t computed;
        status = compute(context, key, &computed);
        if (status != AX_OK)
            return status;
        found = computed;
        status = ax_map_put_if_absent(map, key, computed, &found);
        if (status != AX_OK && map->destroy)
            map->destroy(map->destroy_context, (void *)(uintptr_t)computed);
        if (status == AX_EEXIST)
            status = AX_OK;
    }
    if (status == AX_OK && value)
        *value = found;
    return status;
}

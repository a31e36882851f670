/* SPDX-License-Identifier: MIT */
/*
 * memo.c: the table. Look-ups walk it in RCU sections; a look-up that finds nothing looks again under
 * the shard's mutex, so that a walk which was led astray (an entry moved to another chain by a growing
 * table under its feet) costs a detour and nothing else. Such a walk ends: chains are grown at their
 * head, so an entry only ever points to entries that were put there before it.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "export.h"
#include "memo_impl.h"

enum {
    SHARDS_MAX = 16,
    SHARD_ENTRIES_MIN = 64, /* a bound is not shared out thinner than this */
    BUCKETS_FIRST = 64,
    STRIPES_PER_PROCESSOR = 4,
};
#define PENDING_MAX ((size_t)16 << 20) /* bytes that wait for a grace period before first callers wait, too */
#define PENDING_WAIT_MS 100u

static struct axi_memo_shard *shard_of(const ax_memo *memo, uint64_t hash)
{
    return &memo->shards[(hash >> 48) & (memo->shard_count - 1)];
}

static _Atomic(struct axi_memo_entry *) *head_of(struct axi_memo_table *table, uint64_t hash)
{
    return &table->heads[hash & (table->buckets - 1)];
}

static bool is_key(const struct axi_memo_entry *entry, uint64_t hash, const void *key, size_t key_len)
{
    if (entry->hash != hash || entry->key_len != key_len)
        return false;
    if (key_len == sizeof(uint64_t)) /* a constant length needs no call */
        return memcmp(entry->key, key, sizeof(uint64_t)) == 0;
    return key_len == 0 || memcmp(entry->key, key, key_len) == 0;
}

static uint64_t hash_of(const ax_memo *memo, const void *key, size_t key_len)
{
    if (key_len != sizeof(uint64_t))
        return axi_hash_bytes(&memo->hash, key, key_len);
    uint64_t number; /* without a call, and without loops */
    memcpy(&number, key, sizeof number);
    return axi_hash_u64(&memo->hash, le64toh(number));
}

/* In a read section or under the mutex. */
static struct axi_memo_entry *look_up(struct axi_memo_shard *shard, uint64_t hash, const void *key, size_t key_len)
{
    struct axi_memo_table *table = axi_load_acquire(&shard->table, F2_acq_table);                /* F2.acq */
    struct axi_memo_entry *entry = axi_load_acquire(head_of(table, hash), F2_acq_head);          /* F2.acq */
    while (entry && !is_key(entry, hash, key, key_len))
        entry = axi_load_acquire(&entry->next, F2_acq_next); /* F2.acq */
    return entry;
}

/* Whether a caller that comes now may have this entry's outcome, present or future; and the word that says so. */
static bool is_current(const struct axi_memo_entry *entry, uint32_t *word)
{
    *word = axi_load_acquire(&entry->state, F1_acq_lookup); /* F1.acq: for expires, and for all of the outcome */
    uint32_t state = *word & AXI_MEMO_STATE;
    return state == AXI_MEMO_COMPUTING || state == AXI_MEMO_VACANT || !axi_memo_expired(entry);
}

/* --- changes: all under the shard's mutex ----------------------------------------------------------- */

static void ring_insert(struct axi_memo_shard *shard, struct axi_memo_entry *entry)
{
    struct axi_memo_entry *hand = shard->hand;
    if (!hand) {
        entry->ring_next = entry->ring_previous = shard->hand = entry;
        return;
    }
    entry->ring_next = hand; /* behind the hand: it comes here last */
    entry->ring_previous = hand->ring_previous;
    entry->ring_previous->ring_next = entry;
    hand->ring_previous = entry;
}

/* relaxed, both: under the mutex; whoever reads it without wants a number, and nothing behind it */
static void count_entries(struct axi_memo_shard *shard, int change)
{
    axi_store_relaxed(&shard->count, axi_load_relaxed(&shard->count) + (size_t)change);
}

static void ring_remove(struct axi_memo_shard *shard, struct axi_memo_entry *entry)
{
    entry->ring_previous->ring_next = entry->ring_next;
    entry->ring_next->ring_previous = entry->ring_previous;
    if (shard->hand == entry)
        shard->hand = entry->ring_next == entry ? NULL : entry->ring_next;
}

static void link_entry(struct axi_memo_shard *shard, struct axi_memo_entry *entry)
{
    struct axi_memo_table *table = axi_load_relaxed(&shard->table); /* relaxed, these: under the mutex */
    _Atomic(struct axi_memo_entry *) *head = head_of(table, entry->hash);
    axi_store_relaxed(&entry->next, axi_load_relaxed(head));
    axi_store_release(head, entry, F2_rel_link); /* F2.rel: the entry is filled in */
    entry->linked = true;
    ring_insert(shard, entry);
    count_entries(shard, 1);
}

/* The caller gives up the table's reference, once the mutex is free. */
static void unlink_entry(ax_memo *memo, struct axi_memo_shard *shard, struct axi_memo_entry *entry)
{
    struct axi_memo_table *table = axi_load_relaxed(&shard->table); /* relaxed, these: under the mutex */
    _Atomic(struct axi_memo_entry *) *link = head_of(table, entry->hash);
    while (axi_load_relaxed(link) != entry) /* relaxed: under the mutex */
        link = &axi_load_relaxed(link)->next;
    /* F2.rel: who reads the link sees the entry behind, which another thread may have filled in */
    axi_store_release(link, axi_load_relaxed(&entry->next), F2_rel_unlink);
    entry->linked = false;
    ring_remove(shard, entry);
    count_entries(shard, -1);
    axi_fetch_add_relaxed(&memo->ending, 1); /* relaxed: read when nothing overlaps */
}

/*
 * Makes room for one entry if the bound asks for it: takes out one that nobody computes, waits for or
 * holds, sparing once those that were used since the hand came by. False: there is none. *victim, if
 * any, has no reference left.
 */
static bool make_room(ax_memo *memo, struct axi_memo_shard *shard, struct axi_memo_entry **victim)
{
    *victim = NULL;
    size_t count = axi_load_relaxed(&shard->count); /* relaxed: under the mutex */
    if (count < memo->shard_capacity)
        return true;
    /* Twice round by the rules; the third time, what is used again and again has to go as well. */
    for (size_t steps = 3 * count; steps > 0; steps--) {
        struct axi_memo_entry *entry = shard->hand;
        shard->hand = entry->ring_next;
        /* relaxed: a hint */
        if (steps > count && axi_load_relaxed(&entry->used)) {
            axi_store_relaxed(&entry->used, 0);
            continue;
        }
        if (axi_memo_unref_unused(memo, entry)) {
            unlink_entry(memo, shard, entry);
            *victim = entry;
            return true;
        }
    }
    return false;
}

/* --- growing ------------------------------------------------------------------------------------------ */

static struct axi_memo_table *table_create(const ax_memo *memo, size_t buckets)
{
    size_t size = sizeof(struct axi_memo_table) + buckets * sizeof(_Atomic(struct axi_memo_entry *));
    struct axi_memo_table *table =
        axi_allocate(memo->options.allocator, size, _Alignof(struct axi_memo_table));
    if (table) {
        memset(table, 0, size);
        table->buckets = buckets;
    }
    return table;
}

static void move_all(struct axi_memo_table *from, struct axi_memo_table *to)
{
    for (size_t i = 0; i < from->buckets; i++) {
        struct axi_memo_entry *entry = axi_load_relaxed(&from->heads[i]), *next; /* relaxed: under the mutex */
        for (; entry; entry = next) {
            next = axi_load_relaxed(&entry->next);
            _Atomic(struct axi_memo_entry *) *head = head_of(to, entry->hash);
            /* F2.rel: a walk through the old table may follow this link to an entry it has not seen yet */
            axi_store_release(&entry->next, axi_load_relaxed(head), F2_rel_move);
            axi_store_relaxed(head, entry); /* published with the table */
        }
    }
}

/* Doubles a table that has become too small. Without memory chains get longer, nothing else. */
static void grow(ax_memo *memo, struct axi_memo_shard *shard, size_t old_buckets)
{
    struct axi_memo_table *table = table_create(memo, 2 * old_buckets);
    if (!table)
        return;
    pthread_mutex_lock(&shard->mutex);
    struct axi_memo_table *old = axi_load_relaxed(&shard->table); /* relaxed: under the mutex */
    bool wanted = old->buckets == old_buckets;
    if (wanted) {
        move_all(old, table);
        axi_store_release(&shard->table, table, F2_rel_table); /* F2.rel: the heads are filled in */
    }
    pthread_mutex_unlock(&shard->mutex);
    struct axi_memo_table *unused = wanted ? old : table;
    size_t size = sizeof *unused + unused->buckets * sizeof(_Atomic(struct axi_memo_entry *));
    if (wanted)
        axi_retire(&memo->domain, &unused->retired, AXI_MEMO_TABLE, size);
    else
        axi_release(memo->options.allocator, unused, size);
}

/* --- do ------------------------------------------------------------------------------------------------ */

static void note_use(const ax_memo *memo, struct axi_memo_entry *entry)
{
    /* relaxed, both: a hint for eviction; not written again and again, which would move its line about */
    if (memo->shard_capacity != SIZE_MAX && !axi_load_relaxed(&entry->used))
        axi_store_relaxed(&entry->used, 1);
}

/* A current entry, its state, and what the caller has to let go of; or NULL. Lock-free. */
static struct axi_memo_entry *find(ax_memo *memo, struct axi_memo_shard *shard, uint64_t hash, const void *key,
                                   size_t key_len, uint32_t *state, void **hold)
{
    axi_read_begin();
    struct axi_memo_entry *entry = look_up(shard, hash, key, key_len);
    if (entry && !is_current(entry, state))
        entry = NULL;
    if (entry && (*state & AXI_MEMO_STATE) == AXI_MEMO_READY)
        *hold = axi_memo_hold(memo, entry);
    else if (entry)
        *hold = axi_memo_ref_entry(entry) ? entry : NULL;
    axi_read_end();
    if (!*hold)
        return NULL;
    note_use(memo, entry);
    return entry;
}

/* The value of a current entry, for those that need not hold it: all in the section, at whose end the entry may go.
 * False, too, if this thread has had no section yet. Lock-free. */
static bool find_value(ax_memo *memo, struct axi_memo_shard *shard, uint64_t hash, const void *key, size_t key_len,
                       void **value)
{
    struct axi_section section;
    uint32_t state;
    if (!axi_sections_are_quick() || !axi_section_find(&section))
        return false;
    axi_section_begin(&section);
    struct axi_memo_entry *entry = look_up(shard, hash, key, key_len);
    bool found = entry && is_current(entry, &state) && (state & AXI_MEMO_STATE) == AXI_MEMO_READY;
    if (found) {
        axi_edge_own_acquire(entry);
        *value = entry->value;
        note_use(memo, entry);
    }
    axi_section_end(&section);
    return found;
}

/*
 * The same under the mutex, where what is not found is made, and its flight begun: from then on others find it, also
 * the allocator and the destructors that are called here. NULL: AX_ENOMEM or AX_EAGAIN.
 */
static struct axi_memo_entry *find_or_make(ax_memo *memo, struct axi_memo_shard *shard, uint64_t hash, const void *key,
                                           size_t key_len, struct axi_memo_flight *first, uint32_t *state,
                                           ax_status *status)
{
    /* no allocator runs under the mutex */
    struct axi_memo_entry *spare = axi_memo_entry_create(memo, key, key_len, hash);
    *status = AX_ENOMEM;
    if (!spare)
        return NULL;
    struct axi_memo_entry *stale = NULL, *victim = NULL;
    size_t grow_from = 0;
    pthread_mutex_lock(&shard->mutex);
    struct axi_memo_entry *entry = look_up(shard, hash, key, key_len);
    if (entry && !is_current(entry, state)) {
        unlink_entry(memo, shard, entry);
        stale = entry;
        entry = NULL;
    }
    if (entry) {
        axi_fetch_add_relaxed(&entry->refs, 1); /* relaxed: as axi_memo_ref_entry; the table's own is there */
    } else if (make_room(memo, shard, &victim)) {
        link_entry(shard, spare);
        entry = spare;
        spare = NULL;
        axi_memo_flight_begin(first, memo, entry);
        size_t buckets = axi_load_relaxed(&shard->table)->buckets; /* relaxed: under the mutex */
        if (axi_load_relaxed(&shard->count) > buckets) /* relaxed: under the mutex */
            grow_from = buckets;
    } else {
        *status = AX_EAGAIN;
    }
    pthread_mutex_unlock(&shard->mutex);

    axi_memo_entry_discard(memo, spare);
    if (stale) {
        ax_adder_add(&memo->expirations, 1);
        axi_memo_unref_unlinked(memo, stale);
    }
    if (victim) {
        ax_adder_add(&memo->evictions, 1);
        axi_memo_entry_end(memo, victim);
    }
    if (grow_from != 0)
        grow(memo, shard, grow_from);
    return entry;
}

AXI_EXPORT ax_status ax_memo_do_until(ax_memo *memo, const void *key, size_t key_len,
                                      const struct timespec *deadline, ax_memo_ref *ref)
{
    if (deadline && (deadline->tv_sec < 0 || deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000))
        return AX_EINVAL;
    uint64_t hash = hash_of(memo, key, key_len);
    struct axi_memo_shard *shard = shard_of(memo, hash);
    struct axi_memo_flight first = { .entry = NULL };
    uint32_t state = AXI_MEMO_COMPUTING;
    void *hold = NULL;
    struct axi_memo_entry *entry = find(memo, shard, hash, key, key_len, &state, &hold);
    if (entry && (state & AXI_MEMO_STATE) == AXI_MEMO_READY) {
        ax_adder_add(&memo->hits, 1);
        axi_edge_own_acquire(entry);
        *ref = (ax_memo_ref){ entry->value, hold };
        return AX_OK;
    }
    if (!entry) {
        if (axi_domain_admit(&memo->domain) != AX_OK)
            (void)axi_domain_wait(&memo->domain); /* grace periods lag behind: no error, but no faster than they */
        ax_status status;
        entry = find_or_make(memo, shard, hash, key, key_len, &first, &state, &status);
        if (!entry)
            return status;
    }
    return axi_memo_fly(memo, entry, deadline, first.entry ? &first : NULL, state, ref);
}

AXI_EXPORT ax_status ax_memo_do(ax_memo *memo, const void *key, size_t key_len, ax_memo_ref *ref)
{
    return ax_memo_do_until(memo, key, key_len, NULL, ref);
}

AXI_EXPORT ax_status ax_memo_do_value(ax_memo *memo, const void *key, size_t key_len, void **value)
{
    if (memo->options.destroy)
        return AX_EINVAL;
    uint64_t hash = hash_of(memo, key, key_len);
    if (find_value(memo, shard_of(memo, hash), hash, key, key_len, value)) {
        ax_adder_add(&memo->hits, 1);
        return AX_OK;
    }
    ax_memo_ref ref;
    ax_status status = ax_memo_do(memo, key, key_len, &ref);
    if (status != AX_OK)
        return status;
    *value = ref.value;
    ax_memo_release(memo, &ref);
    return AX_OK;
}

AXI_EXPORT void ax_memo_release(ax_memo *memo, ax_memo_ref *ref)
{
    void *hold = ref->entry_;
    *ref = (ax_memo_ref){ NULL, NULL };
    if (hold)
        axi_memo_let_go(memo, hold);
}

void axi_memo_unlink_entry(ax_memo *memo, struct axi_memo_entry *entry)
{
    struct axi_memo_shard *shard = shard_of(memo, entry->hash);
    pthread_mutex_lock(&shard->mutex);
    bool linked = entry->linked;
    if (linked)
        unlink_entry(memo, shard, entry);
    pthread_mutex_unlock(&shard->mutex);
    if (linked)
        axi_memo_unref_unlinked(memo, entry);
}

AXI_EXPORT ax_status ax_memo_forget(ax_memo *memo, const void *key, size_t key_len)
{
    uint64_t hash = hash_of(memo, key, key_len);
    struct axi_memo_shard *shard = shard_of(memo, hash);
    pthread_mutex_lock(&shard->mutex);
    struct axi_memo_entry *entry = look_up(shard, hash, key, key_len);
    if (entry)
        unlink_entry(memo, shard, entry);
    pthread_mutex_unlock(&shard->mutex);
    if (!entry)
        return AX_ENOTFOUND;
    axi_memo_unref_unlinked(memo, entry);
    return AX_OK;
}

AXI_EXPORT void ax_memo_stats_read(const ax_memo *memo, ax_memo_stats *stats)
{
    *stats = (ax_memo_stats){
        .hits = (uint64_t)ax_adder_sum(&memo->hits),
        .waits = (uint64_t)ax_adder_sum(&memo->waits),
        .computations = (uint64_t)ax_adder_sum(&memo->computations),
        .errors = (uint64_t)ax_adder_sum(&memo->errors),
        .handovers = (uint64_t)ax_adder_sum(&memo->handovers) + memo->left_behind,
        .evictions = (uint64_t)ax_adder_sum(&memo->evictions),
        .expirations = (uint64_t)ax_adder_sum(&memo->expirations),
        .timeouts = (uint64_t)ax_adder_sum(&memo->timeouts),
    };
    for (uint32_t i = 0; i < memo->shard_count; i++)
        stats->entries += axi_load_relaxed(&memo->shards[i].count); /* relaxed: a sum of moments */
}

/* --- create and destroy --------------------------------------------------------------------------------- */

static size_t memo_size(uint32_t stripes)
{
    return sizeof(ax_memo) + stripes * sizeof(struct axi_memo_stripe);
}

/* So many that threads which run at the same time rarely meet in one; and no more, as who ends an entry reads all. */
static uint32_t stripes_wanted(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t stripes = 1;
    while (stripes < AXI_MEMO_STRIPES_MAX && (long)stripes < processors * STRIPES_PER_PROCESSOR)
        stripes *= 2;
    return stripes;
}

static void free_memo(ax_memo *memo)
{
    ax_adder *adders[] = { &memo->hits, &memo->waits, &memo->computations, &memo->errors,
                           &memo->handovers, &memo->evictions, &memo->expirations, &memo->timeouts };
    for (size_t i = 0; i < sizeof adders / sizeof adders[0]; i++)
        ax_adder_fini(adders[i]);
    const ax_allocator *allocator = memo->options.allocator;
    for (uint32_t i = 0; i < memo->shard_count; i++) {
        struct axi_memo_table *table = axi_load_relaxed(&memo->shards[i].table); /* relaxed: nothing overlaps */
        if (table)
            axi_release(allocator, table,
                        sizeof *table + table->buckets * sizeof(_Atomic(struct axi_memo_entry *)));
        pthread_mutex_destroy(&memo->shards[i].mutex);
    }
    axi_release(allocator, memo->shards, memo->shard_count * sizeof *memo->shards);
    axi_release(allocator, memo, memo_size(memo->stripe_count));
}

static bool random_key(struct axi_hash_key *key)
{
    ssize_t got;
    do
        got = getrandom(key, sizeof *key, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *key;
}

AXI_EXPORT ax_status ax_memo_create(const ax_memo_options *options, ax_memo **made)
{
    struct axi_hash_key key;
    if (!options || !options->compute)
        return AX_EINVAL;
    if (!random_key(&key))
        return AX_EAGAIN;
    uint32_t stripes = stripes_wanted();
    ax_memo *memo = axi_allocate(options->allocator, memo_size(stripes), _Alignof(ax_memo));
    if (!memo)
        return AX_ENOMEM;
    memset(memo, 0, memo_size(stripes));
    memo->stripe_count = stripes;
    memo->options = *options;
    axi_hash_prepare(&memo->hash, &key);
    uint32_t shards = SHARDS_MAX;
    while (options->capacity != 0 && shards > 1 && options->capacity / shards < SHARD_ENTRIES_MIN)
        shards /= 2;
    memo->shard_capacity = options->capacity == 0 ? SIZE_MAX : options->capacity / shards;
    memo->shards = axi_allocate(options->allocator, shards * sizeof *memo->shards, AXI_ISOLATION);
    if (!memo->shards) {
        axi_release(options->allocator, memo, memo_size(stripes));
        return AX_ENOMEM;
    }
    memset(memo->shards, 0, shards * sizeof *memo->shards);
    memo->shard_count = shards;
    bool complete = true;
    for (uint32_t i = 0; i < shards; i++) {
        (void)pthread_mutex_init(&memo->shards[i].mutex, NULL); /* the default kind has no error */
        struct axi_memo_table *table = table_create(memo, BUCKETS_FIRST);
        axi_store_relaxed(&memo->shards[i].table, table); /* relaxed: not yet published */
        complete = complete && table;
    }
    if (!complete || !axi_memo_enlist(memo)) {
        free_memo(memo);
        return AX_ENOMEM;
    }
    memo->domain.limit = PENDING_MAX;
    memo->domain.wait_ms = PENDING_WAIT_MS;
    memo->domain.release = axi_memo_release_retired;
    axi_domain_open(&memo->domain);
    *made = memo;
    return AX_OK;
}

/* Only the table's own references, and no entry that is out of the table but still referenced. */
static bool is_idle(const ax_memo *memo)
{
    for (uint32_t i = 0; i < memo->shard_count; i++) {
        const struct axi_memo_shard *shard = &memo->shards[i];
        const struct axi_memo_entry *entry = shard->hand;
        /* relaxed, these: nothing overlaps */
        for (size_t n = axi_load_relaxed(&shard->count); n > 0; n--, entry = entry->ring_next)
            if (axi_load_relaxed(&entry->refs) != 1)
                return false;
    }
    for (size_t i = 0; i < memo->stripe_count * AXI_MEMO_PINS; i++)
        if (axi_load_relaxed(axi_memo_pin(memo, i)) != 0) /* relaxed: as above */
            return false;
    return axi_load_relaxed(&memo->ending) == 0;
}

AXI_EXPORT ax_status ax_memo_destroy(ax_memo *memo)
{
    if (!memo)
        return AX_OK;
    if (axi_reclaim_would_deadlock())
        return AX_EDEADLK;
    if (!is_idle(memo))
        return AX_EBUSY;
    axi_memo_delist(memo);
    for (uint32_t i = 0; i < memo->shard_count; i++) {
        while (memo->shards[i].hand)
            axi_memo_unlink_entry(memo, memo->shards[i].hand);
    }
    axi_domain_close(&memo->domain);
    free_memo(memo);
    return AX_OK;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "export.h"
#include "fork.h"
#include "map_ck.h"
#include "map_table.h"

/* Each inserter in a shard of its own, nearly always, and yet tables large enough for huge pages early. */
#define SHARDS_PER_PROCESSOR 4
#define SHARDS_LEAST 16
#define SHARDS_MOST 64
/* The ck index copies a shard as a whole, so that one of a million keys is to be copied in a millisecond. */
#define SHARDS_CK 256
/* A consistent snapshot holds all mutexes at once, and ThreadSanitizer ends a program that holds over 64. */
#define SHARDS_CONSISTENT 32
/* In a row of counts, so that no two rows share a line. */
#define COUNTS_LEAST (AXI_ISOLATION / sizeof(int64_t))
#define PENDING_DEFAULT ((size_t)64 << 20)
#define WAIT_DEFAULT_MS 1000

/* All maps of the process, for fork. */
static struct {
    pthread_mutex_t mutex;
    ax_map *maps;
} registry = { .mutex = PTHREAD_MUTEX_INITIALIZER };

const char axi_map_edges[AXI_MAP_EDGES];

uint64_t axi_map_hash(const ax_map *map, ax_key key)
{
    if (map->bytes_keys)
        return axi_map_hash_bytes(map, key);
    return map->hash ? map->hash(map->hash_context, &key.word_, sizeof key.word_)
                     : axi_hash_number(&map->number_key, key.word_);
}

/* ---- entries ---- */

struct axi_entry *axi_entry_create(const ax_map *map, ax_key key, uint64_t word)
{
    struct axi_entry *entry =
        axi_allocate(map->allocator, axi_entry_size_for(key.length_), _Alignof(struct axi_entry));
    if (!entry)
        return NULL;
    atomic_init(&entry->retired.link, 0);
    atomic_init(&entry->cell, word);
    if (!map->bytes_keys) {
        entry->u.number = key.word_;
        return entry;
    }
    entry->u.length = (uint32_t)key.length_;
    if (key.length_) /* an empty key may have no address, which memcpy must not get */
        memcpy(axi_entry_bytes(entry), (const void *)(uintptr_t)key.word_, (size_t)key.length_);
    return entry;
}

void axi_entry_release(const ax_map *map, struct axi_entry *entry)
{
    axi_release(map->allocator, entry, axi_entry_size(map, entry));
}

/* The domain's callback: frees one thing and says how many bytes it counted for. */
static size_t release_thing(struct axi_domain *domain, struct axi_retired *thing, unsigned kind)
{
    ax_map *map = (ax_map *)((char *)domain - offsetof(ax_map, domain));
    size_t bytes = 0;
    switch ((enum axi_map_kind)kind) {
    case AXI_KIND_TABLE:
        return map->layout == AXI_LAYOUT_CK ? axi_ck_table_release(map, thing) : axi_table_release(map, thing);
    case AXI_KIND_ENTRY: {
        struct axi_entry *entry = (struct axi_entry *)thing;
        bytes = axi_entry_size(map, entry);
        axi_entry_release(map, entry);
        break;
    }
    case AXI_KIND_OWNED: {
        struct axi_owned *owned = (struct axi_owned *)thing;
        map->destroy(map->destroy_context, owned->value);
        bytes = sizeof *owned;
        axi_release(map->allocator, owned, sizeof *owned);
        break;
    }
    case AXI_KIND_CK_BLOCK:
        return axi_ck_block_release(map, thing);
    }
    return bytes;
}

/* ---- fork (fork.h) ---- */

static void lock_shards(void)
{
    pthread_mutex_lock(&registry.mutex);
    for (ax_map *map = registry.maps; map; map = map->next)
        for (uint32_t i = 0; i < map->shard_count; i++)
            pthread_mutex_lock(&map->shards[i].mutex);
}

static void unlock_shards(void)
{
    for (ax_map *map = registry.maps; map; map = map->next)
        for (uint32_t i = 0; i < map->shard_count; i++)
            pthread_mutex_unlock(&map->shards[i].mutex);
    pthread_mutex_unlock(&registry.mutex);
}

static ax_status registry_enter(ax_map *map)
{
    static struct axi_fork_part part = { lock_shards, unlock_shards, unlock_shards, NULL, false };
    if (!axi_fork_join(&part))
        return AX_ENOMEM;
    pthread_mutex_lock(&registry.mutex);
    map->next = registry.maps;
    registry.maps = map;
    pthread_mutex_unlock(&registry.mutex);
    return AX_OK;
}

static void registry_leave(ax_map *map)
{
    pthread_mutex_lock(&registry.mutex);
    ax_map **at = &registry.maps;
    while (*at != map)
        at = &(*at)->next;
    *at = map->next;
    pthread_mutex_unlock(&registry.mutex);
}

/* ---- create, destroy ---- */

static bool options_valid(const ax_map_options *o)
{
    for (size_t i = 0; i < sizeof o->unused_ / sizeof o->unused_[0]; i++)
        if (o->unused_[i])
            return false;
    return (o->keys == AX_MAP_KEYS_U64 || o->keys == AX_MAP_KEYS_BYTES) &&
           (o->index == AX_MAP_INDEX_DEFAULT || o->index == AX_MAP_INDEX_OWN || o->index == AX_MAP_INDEX_CK) &&
           o->shards <= AX_MAP_MAX_SHARDS &&
           (o->shards & (o->shards - 1)) == 0 && (o->flags & ~AX_MAP_CONSISTENT) == 0 &&
           (o->flags == 0 || o->shards <= SHARDS_CONSISTENT);
}

static uint32_t default_shards(const ax_map *map)
{
    if (map->consistent)
        return SHARDS_CONSISTENT;
    if (map->layout == AXI_LAYOUT_CK)
        return SHARDS_CK;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t shards = SHARDS_LEAST;
    while (shards < SHARDS_MOST && (long)shards < processors * SHARDS_PER_PROCESSOR)
        shards *= 2;
    return shards;
}

/* Of the shards and, behind them, their counts. */
static size_t shards_bytes(const ax_map *map)
{
    return map->shard_count * sizeof(struct axi_shard) + AXI_MAP_STRIPES * map->live_row * sizeof *map->live;
}

static void map_set_up(ax_map *map, const ax_map_options *o)
{
    map->bytes_keys = o->keys == AX_MAP_KEYS_BYTES;
    map->layout = o->index == AX_MAP_INDEX_CK ? AXI_LAYOUT_CK
                  : map->bytes_keys           ? AXI_LAYOUT_BYTES
                                              : AXI_LAYOUT_NUMBERS;
    map->consistent = (o->flags & AX_MAP_CONSISTENT) != 0;
    map->shard_count = o->shards ? o->shards : default_shards(map);
    map->live_row = map->shard_count < COUNTS_LEAST ? COUNTS_LEAST : map->shard_count;
    map->shard_mask = map->shard_count - 1;
    map->hash = o->hash;
    bool changes = !map->consistent && !o->destroy;
    map->direct_numbers.gets = map->layout == AXI_LAYOUT_NUMBERS && !o->hash && axi_sections_are_quick();
    map->direct_numbers.changes = map->direct_numbers.gets && changes;
    map->direct_bytes.gets = map->layout == AXI_LAYOUT_BYTES && axi_sections_are_quick();
    map->direct_bytes.changes = map->direct_bytes.gets && changes;
    map->hash_context = o->hash_context;
    map->destroy = o->destroy;
    map->destroy_context = o->destroy_context;
    map->allocator = o->allocator;
    map->domain.limit = o->pending_limit ? o->pending_limit : PENDING_DEFAULT;
    map->domain.wait_ms = o->pending_wait_ms ? o->pending_wait_ms : WAIT_DEFAULT_MS;
    map->domain.release = release_thing;
}

/* At most 256 bytes, which getrandom gives whole or not at all. */
static ax_status random_bytes(void *bytes, size_t size)
{
    ssize_t got;
    do
        got = getrandom(bytes, size, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)size ? AX_OK : AX_EAGAIN;
}

AXI_EXPORT ax_status ax_map_create(const ax_map_options *options, ax_map **map_out)
{
    static const ax_map_options defaults;
    const ax_map_options *o = options ? options : &defaults;
    struct {
        struct axi_number_key number;
        struct axi_hash_key bytes;
    } keys;
    if (!options_valid(o))
        return AX_EINVAL;
    ax_status status = random_bytes(&keys, sizeof keys);
    if (status != AX_OK)
        return status;
    ax_map *map = axi_allocate(o->allocator, sizeof *map, _Alignof(ax_map));
    if (!map)
        return AX_ENOMEM;
    memset(map, 0, sizeof *map);
    map_set_up(map, o);
    map->number_key = keys.number;
    axi_hash_prepare(&map->bytes_key, &keys.bytes);
    size_t bytes = shards_bytes(map);
    map->shards = axi_allocate(map->allocator, bytes, _Alignof(struct axi_shard));
    if (!map->shards) {
        axi_release(map->allocator, map, sizeof *map);
        return AX_ENOMEM;
    }
    memset(map->shards, 0, bytes);
    map->live = (_Atomic int64_t *)(map->shards + map->shard_count);
    for (uint32_t i = 0; i < map->shard_count; i++)
        pthread_mutex_init(&map->shards[i].mutex, NULL);
    axi_domain_open(&map->domain);
    status = registry_enter(map);
    if (status != AX_OK) {
        axi_domain_close(&map->domain);
        axi_release(map->allocator, map->shards, bytes);
        axi_release(map->allocator, map, sizeof *map);
        return status;
    }
    *map_out = map;
    return AX_OK;
}

AXI_EXPORT ax_status ax_map_destroy(ax_map *map)
{
    if (!map)
        return AX_OK;
    if (axi_reclaim_would_deadlock())
        return AX_EDEADLK;
    registry_leave(map);
    for (uint32_t i = 0; i < map->shard_count && map->layout != AXI_LAYOUT_CK; i++)
        axi_table_settle(map, &map->shards[i], false); /* retires a table, for which the domain must be open */
    axi_domain_close(&map->domain); /* now: whoever frees an old table advises on the pages of the present one */
    for (uint32_t i = 0; i < map->shard_count; i++) {
        if (map->layout == AXI_LAYOUT_CK)
            axi_ck_fini(map, &map->shards[i]);
        else
            axi_table_fini(map, &map->shards[i]);
        pthread_mutex_destroy(&map->shards[i].mutex);
    }
    axi_release(map->allocator, map->shards, shards_bytes(map));
    axi_release(map->allocator, map, sizeof *map);
    return AX_OK;
}

/* ---- the rest that is not about keys ---- */

AXI_EXPORT void ax_map_read_begin(const ax_map *map)
{
    (void)map;
    axi_read_begin();
}

AXI_EXPORT void ax_map_read_end(const ax_map *map)
{
    (void)map;
    axi_read_end();
}

AXI_EXPORT size_t ax_map_len(const ax_map *map)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < map->shard_count; i++)
        sum += axi_shard_live(map, &map->shards[i]);
    return sum > 0 ? (size_t)sum : 0;
}

AXI_EXPORT ax_status ax_map_reserve(ax_map *map, size_t entries)
{
    if (entries > SIZE_MAX >> 16) /* no machine has so much, and the sums below stay in range */
        return AX_ENOMEM;
    /* Keys spread over the shards evenly but for chance: room for five standard deviations more. */
    size_t mean = entries / map->shard_count + 1;
    size_t root = 1;
    while (root * root < mean)
        root *= 2;
    for (uint32_t i = 0; i < map->shard_count; i++) {
        struct axi_shard *shard = &map->shards[i];
        ax_status status = map->layout == AXI_LAYOUT_CK ? axi_ck_reserve(map, shard, mean + 5 * root)
                                                        : axi_table_reserve(map, shard, mean + 5 * root);
        if (status != AX_OK)
            return status;
    }
    return AX_OK;
}

AXI_EXPORT void ax_map_stats_read(const ax_map *map, ax_map_stats *stats)
{
    ax_map_stats s;
    memset(&s, 0, sizeof s);
    s.entries = ax_map_len(map);
    s.shards = map->shard_count;
    s.index = map->layout == AXI_LAYOUT_CK ? AX_MAP_INDEX_CK : AX_MAP_INDEX_OWN;
    /* relaxed: each number for itself */
    s.pending_bytes = axi_load_relaxed(&map->domain.pending);
    s.released = axi_load_relaxed(&map->domain.released);
    s.bytes = sizeof *map + shards_bytes(map);
    axi_read_begin();
    for (uint32_t i = 0; i < map->shard_count; i++) {
        const struct axi_shard *shard = &map->shards[i];
        size_t bytes;
        s.slots += map->layout == AXI_LAYOUT_CK ? axi_ck_slots(shard, &bytes) : axi_table_slots(shard, &bytes);
        s.bytes += bytes + axi_load_relaxed(&shard->bytes);
        s.rebuilds += axi_load_relaxed(&shard->rebuilds);
    }
    axi_read_end();
    *stats = s;
}

AXI_EXPORT ax_status ax_map_flush(ax_map *map)
{
    if (axi_reclaim_would_deadlock())
        return AX_EDEADLK;
    for (uint32_t i = 0; i < map->shard_count; i++)
        if (map->layout == AXI_LAYOUT_CK)
            axi_ck_tidy(map, &map->shards[i]);
        else
            axi_table_tidy(map, &map->shards[i]);
    return axi_domain_flush(&map->domain);
}

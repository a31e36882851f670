/* SPDX-License-Identifier: MIT */
/* Calls that go through all keys, shard by shard: for_each, clear, snapshot. */
#include "export.h"
#include "map_ck.h"
#include "map_table.h"

static ax_status walk(ax_map *map, struct axi_shard *shard, bool locked, axi_step *step, void *context, bool *stop)
{
    return map->layout == AXI_LAYOUT_CK ? axi_ck_walk(map, shard, locked, step, context, stop)
                                        : axi_table_walk(map, shard, locked, step, context, stop);
}

/* Room for what the visitor may erase; waiting is possible between sections only. */
static ax_status make_room(ax_map *map)
{
    if (axi_domain_admit(&map->domain) == AX_OK || axi_domain_wait(&map->domain))
        return AX_OK;
    return AX_EAGAIN;
}

struct visitor {
    ax_map *map;
    ax_map_visit (*visit)(void *context, ax_key key, uint64_t value);
    void *context;
};

static ax_status visit_step(void *context, ax_key key, axi_cell *cell, uint64_t word, bool *stop)
{
    struct visitor *v = context;
    uint64_t value = word ^ AXI_CELL_BIAS;
    ax_status status;
    (void)cell;
    axi_edge_own_acquire(axi_map_edge(axi_map_hash(v->map, key)));
    do {
        ax_map_visit next = v->visit(v->context, key, value);
        *stop = next == AX_MAP_STOP;
        if (next != AX_MAP_ERASE)
            return AX_OK;
        status = ax_map_remove_if_equal(v->map, key, &value);
    } while (status == AX_EEXIST); /* it has another value now: shown again */
    return status == AX_ENOTFOUND ? AX_OK : status;
}

AXI_EXPORT ax_status ax_map_for_each(ax_map *map, ax_map_visit (*visit)(void *context, ax_key key, uint64_t value),
                                     void *context)
{
    struct visitor v = { map, visit, context };
    ax_status status = AX_OK;
    bool stop = false;
    for (uint32_t i = 0; i < map->shard_count && status == AX_OK && !stop; i++) {
        (void)make_room(map); /* a visitor that erases nothing needs none */
        axi_read_begin();
        status = walk(map, &map->shards[i], false, visit_step, &v, &stop);
        axi_read_end();
    }
    return status;
}

static ax_status clear_step(void *context, ax_key key, axi_cell *cell, uint64_t word, bool *stop)
{
    (void)cell;
    (void)word;
    (void)stop;
    ax_status status = ax_map_remove(context, key, NULL);
    return status == AX_ENOTFOUND ? AX_OK : status;
}

AXI_EXPORT ax_status ax_map_clear(ax_map *map)
{
    for (uint32_t i = 0; i < map->shard_count;) {
        bool stop = false;
        axi_read_begin();
        ax_status status = walk(map, &map->shards[i], false, clear_step, map, &stop);
        axi_read_end();
        if (status == AX_EAGAIN)
            status = make_room(map);
        else
            i++;
        if (status != AX_OK)
            return status;
    }
    return AX_OK;
}

/* ---- snapshot ---- */

/* What a snapshot has collected so far; keys are still views of the map's own. */
struct collection {
    const ax_map *map;
    ax_map_item *items;
    size_t count, room;
    size_t key_bytes;
};

static void collection_free(struct collection *c)
{
    axi_release(c->map->allocator, c->items, c->room * sizeof *c->items);
}

static bool collection_grow(struct collection *c, size_t room)
{
    ax_map_item *items = axi_allocate(c->map->allocator, room * sizeof *items, _Alignof(ax_map_item));
    if (!items)
        return false;
    if (c->count)
        memcpy(items, c->items, c->count * sizeof *items);
    collection_free(c);
    c->items = items;
    c->room = room;
    return true;
}

static ax_status collect_step(void *context, ax_key key, axi_cell *cell, uint64_t word, bool *stop)
{
    struct collection *c = context;
    (void)cell;
    (void)stop;
    if (c->count == c->room && !collection_grow(c, c->room * 2))
        return AX_ENOMEM;
    axi_edge_own_acquire(axi_map_edge(axi_map_hash(c->map, key)));
    c->items[c->count++] = (ax_map_item){ key, word ^ AXI_CELL_BIAS };
    if (key.length_ != UINT64_MAX)
        c->key_bytes += (size_t)key.length_;
    return AX_OK;
}

/* With all mutexes no update can begin, and those under way have ended: what is seen is one moment. */
static void lock_all(ax_map *map)
{
    for (uint32_t i = 0; i < map->shard_count; i++)
        pthread_mutex_lock(&map->shards[i].mutex);
}

static void unlock_all(ax_map *map)
{
    for (uint32_t i = 0; i < map->shard_count; i++)
        pthread_mutex_unlock(&map->shards[i].mutex);
}

/* Copies items and the bytes of their keys into one allocation. */
static ax_status pack(const struct collection *c, ax_map_snapshot *snapshot)
{
    size_t bytes = c->count * sizeof *c->items + c->key_bytes;
    if (bytes == 0)
        bytes = 1;
    ax_map_item *items = axi_allocate(c->map->allocator, bytes, _Alignof(ax_map_item));
    if (!items)
        return AX_ENOMEM;
    unsigned char *at = (unsigned char *)(items + c->count);
    for (size_t i = 0; i < c->count; i++) {
        items[i] = c->items[i];
        if (items[i].key.length_ == UINT64_MAX)
            continue;
        size_t length;
        const void *key = ax_key_data(c->items[i].key, &length);
        memcpy(at, key, length);
        items[i].key = ax_key_bytes(at, length);
        at += length;
    }
    *snapshot = (ax_map_snapshot){ items, c->count, bytes };
    return AX_OK;
}

AXI_EXPORT ax_status ax_map_snapshot_take(ax_map *map, ax_map_snapshot *snapshot)
{
    struct collection c = { .map = map };
    if (!collection_grow(&c, ax_map_len(map) + 16))
        return AX_ENOMEM;
    ax_status status = AX_OK;
    bool stop = false;
    axi_read_begin();
    if (map->consistent)
        lock_all(map);
    for (uint32_t i = 0; i < map->shard_count && status == AX_OK; i++)
        status = walk(map, &map->shards[i], map->consistent, collect_step, &c, &stop);
    if (map->consistent)
        unlock_all(map);
    if (status == AX_OK)
        status = pack(&c, snapshot);
    axi_read_end();
    collection_free(&c);
    return status;
}

AXI_EXPORT void ax_map_snapshot_free(ax_map *map, ax_map_snapshot *snapshot)
{
    axi_release(map->allocator, snapshot->items, snapshot->bytes_);
    *snapshot = (ax_map_snapshot){ NULL, 0, 0 };
}

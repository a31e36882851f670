/* SPDX-License-Identifier: MIT */
/* map.h under the model: what is taken out is given back, once, and not before readers have left. Keys of bytes have
 * entries of their own; values may be pointers that the map owns. */
#include "../threads.h"

#include <atomicx/map.h>

#include "fork.h"
#include "few_blocks.h"

#ifdef CK
#define INDEX .index = AX_MAP_INDEX_CK
#else
#define INDEX .index = AX_MAP_INDEX_OWN
#endif

static bool no_handlers; /* stands in for lib/fork.c */
bool axi_fork_join(struct axi_fork_part *part) { return (void)part, !no_handlers; }

static ax_map *map;
static int destroyed; /* plain on purpose: a value is destroyed by one thread */

/* Too long for slots. */
static ax_key key(void) { return ax_key_str("a key with an entry of its own"); }
static ax_key other(void) { return ax_key_str("another key with an entry"); }
static void destroy(void *context, void *value)
{
    (void)context;
    free(value);
    destroyed++;
}
static uint64_t box(int content)
{
    int *value = malloc(sizeof *value);
    *value = content;
    return (uint64_t)(uintptr_t)value;
}
static void open_map(bool owns)
{
    ax_map_options options = {INDEX, .shards = 1, .keys = AX_MAP_KEYS_BYTES, .destroy = owns ? destroy : NULL};
    assert(ax_map_create(&options, &map) == AX_OK);
}
/* Forgets it too: what somebody still points to is no leak. */
static void close_map(void)
{
    assert(ax_map_destroy(map) == AX_OK);
    map = NULL;
}

THREAD(takes_out)
{
    ax_status status = ax_map_remove(map, key(), NULL);
    assert(status == AX_OK || status == AX_ENOTFOUND);
    return NULL;
}
THREAD(looks)
{
    uint64_t value;
    if (ax_map_get(map, key(), &value) == AX_OK)
        assert(value == 7);
    return NULL;
}
AX_MODEL_TEST(M4_an_entry_stays_while_somebody_looks)
{
    open_map(false);
    assert(ax_map_put(map, key(), 7) == AX_OK);
    run2(takes_out, looks);
    close_map();
}

THREAD(looks_into_the_value)
{
    uint64_t value;
    ax_map_read_begin(map);
    if (ax_map_get(map, key(), &value) == AX_OK)
        assert(*(int *)(uintptr_t)value == 7);
    ax_map_read_end(map);
    return NULL;
}
AX_MODEL_TEST(M4_a_value_stays_while_somebody_reads_it)
{
    open_map(true);
    assert(ax_map_put(map, key(), box(7)) == AX_OK);
    run2(takes_out, looks_into_the_value);
    close_map();
    assert(destroyed == 1);
}
AX_MODEL_TEST(of_two_who_take_a_value_out_one_ends_it)
{
    open_map(true);
    assert(ax_map_put(map, key(), box(7)) == AX_OK);
    run2(takes_out, takes_out);
    close_map();
    assert(destroyed == 1);
}

static uint64_t one_hash(void *context, const void *bytes, size_t length)
{
    (void)context, (void)bytes, (void)length;
    return 7;
}
static size_t bytes_in_use(void)
{
    ax_map_stats stats;
    ax_map_stats_read(map, &stats);
    return stats.bytes;
}
/* Whichever goes first: the head of their chain (ck index), or what is behind it. */
AX_MODEL_TEST(keys_of_one_hash_are_given_back_one_by_one)
{
    ax_map_options options = {INDEX, .shards = 1, .keys = AX_MAP_KEYS_BYTES, .hash = one_hash};
    assert(ax_map_create(&options, &map) == AX_OK);
    assert(ax_map_put(map, key(), 7) == AX_OK && ax_map_remove(map, key(), NULL) == AX_OK);
    size_t before = bytes_in_use();
    for (int head_first = 0; head_first < 2; head_first++) {
        assert(ax_map_put(map, key(), 7) == AX_OK && ax_map_put(map, other(), 8) == AX_OK);
        assert(ax_map_remove(map, head_first ? key() : other(), NULL) == AX_OK);
        assert(ax_map_remove(map, head_first ? other() : key(), NULL) == AX_OK);
        assert(bytes_in_use() == before);
    }
    close_map();
}

AX_MODEL_TEST(a_snapshot_is_given_back)
{
    ax_map_snapshot snapshot;
    open_map(false);
    assert(ax_map_put(map, key(), 7) == AX_OK);
    assert(ax_map_snapshot_take(map, &snapshot) == AX_OK && snapshot.count == 1 && snapshot.items[0].value == 7);
    ax_map_snapshot_free(map, &snapshot);
    close_map();
}

AX_MODEL_TEST(what_cannot_be_made_leaves_nothing_behind)
{
    ax_allocator allocator = {allocate, give_back, NULL};
    ax_map_options options = {INDEX, .shards = 1, .keys = AX_MAP_KEYS_BYTES, .allocator = &allocator};
    ax_status status = AX_ENOMEM;
    for (int room = 0; status == AX_ENOMEM; room++) {
        allocations_left = room;
        status = ax_map_create(&options, &map);
        if (status == AX_OK) {
            status = ax_map_put(map, key(), 7);
            close_map();
        }
    }
    assert(status == AX_OK);
    no_handlers = true;
    assert(ax_map_create(NULL, &map) == AX_ENOMEM);
}

/* SPDX-License-Identifier: MIT */
/* lib/memo.c from within: chains and tables made by hand, with hashes that meet in one bucket. */
#include "../../../lib/memo.c"

#include "../threads.h"
#include "few_blocks.h"

static ax_memo *memo;
static struct axi_memo_shard *shard;
static int computed;

static ax_status compute(void *context, const void *key, size_t key_len, void **value)
{
    (void)context, (void)key, (void)key_len, (void)value;
    computed++; /* plain on purpose: one thread at most computes */
    return AX_OK;
}
static void open_memo(void)
{
    ax_memo_options options = {.compute = compute, .capacity = 8};
    assert(ax_memo_create(&options, &memo) == AX_OK);
    assert(memo->shard_count == 1);
    shard = memo->shards;
}
/* Forgets it too: what somebody still points to is no leak. */
static void close_memo(void)
{
    assert(ax_memo_destroy(memo) == AX_OK);
    memo = NULL;
    shard = NULL;
}

/* An entry whose flight has ended in `state`, at the head of the chain. */
static struct axi_memo_entry *put(const char *key, uint64_t hash, enum axi_memo_state state)
{
    struct axi_memo_entry *entry = axi_memo_entry_create(memo, key, 1, hash);
    store(&entry->refs, 1, relaxed);
    store(&entry->state, state, relaxed);
    pthread_mutex_lock(&shard->mutex);
    link_entry(shard, entry);
    pthread_mutex_unlock(&shard->mutex);
    return entry;
}
static void walk(const char *key)
{
    axi_read_begin();
    struct axi_memo_entry *entry = look_up(shard, 0, key, 1);
    assert(entry == NULL || entry->key[0] == (unsigned char)key[0]);
    axi_read_end();
}

THREAD(puts_a_second_and_grows)
{
    put("y", 0, AXI_MEMO_FAILED);
    grow(memo, shard, BUCKETS_FIRST);
    return NULL;
}
THREAD(walks_to_the_second) { walk("y"); return NULL; }
AX_MODEL_TEST(F2_a_walk_through_a_growing_table_sees_whole_entries)
{
    open_memo();
    put("x", 0, AXI_MEMO_FAILED);
    run2(puts_a_second_and_grows, walks_to_the_second);
    grow(memo, shard, BUCKETS_FIRST); /* nobody wants this any more: given back at once */
    close_memo();
}

/* The head that a walk finds was stored by who took the second out, and its entry filled in by who put it there. */
THREAD(puts_two)
{
    put("x", 0, AXI_MEMO_FAILED);
    put("y", 0, AXI_MEMO_FAILED);
    return NULL;
}
THREAD(takes_the_second_out)
{
    pthread_mutex_lock(&shard->mutex);
    struct axi_memo_entry *entry = look_up(shard, 0, "y", 1);
    if (entry)
        unlink_entry(memo, shard, entry);
    pthread_mutex_unlock(&shard->mutex);
    if (entry)
        axi_memo_unref_entry(memo, entry);
    return NULL;
}
THREAD(walks_to_the_first) { walk("x"); return NULL; }
AX_MODEL_TEST(F2_a_walk_past_a_removal_sees_whole_entries)
{
    open_memo();
    run3(puts_two, takes_the_second_out, walks_to_the_first);
    close_memo();
}

THREAD(forgets_the_first) { assert(ax_memo_forget(memo, "x", 1) == AX_OK); return NULL; }
THREAD(forgets_the_second) { assert(ax_memo_forget(memo, "y", 1) == AX_OK); return NULL; }
AX_MODEL_TEST(two_entries_end_at_once)
{
    open_memo();
    put("x", hash_of(memo, "x", 1), AXI_MEMO_FAILED);
    put("y", hash_of(memo, "y", 1), AXI_MEMO_FAILED);
    run2(forgets_the_first, forgets_the_second);
    close_memo(); /* which counts */
}

/* What a computing thread that ended has left. */
THREAD(asks)
{
    ax_memo_ref ref;
    assert(ax_memo_do(memo, "k", 1, &ref) == AX_OK);
    ax_memo_release(memo, &ref);
    return NULL;
}
AX_MODEL_TEST(of_two_callers_one_takes_an_abandoned_flight_over)
{
    open_memo();
    put("k", hash_of(memo, "k", 1), AXI_MEMO_VACANT);
    run2(asks, asks);
    assert(computed == 1);
    close_memo();
}

AX_MODEL_TEST(what_cannot_be_made_leaves_nothing_behind)
{
    ax_allocator allocator = {allocate, give_back, NULL};
    ax_memo_options options = {.compute = compute, .capacity = 8, .allocator = &allocator};
    for (int room = 0; room < 3; room++) {
        allocations_left = room;
        assert(ax_memo_create(&options, &memo) == AX_ENOMEM);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * memo_fork.c: all memos of the process, and what becomes of them in a forked child.
 *
 * The child gets the tables whole, as all shards' mutexes are held while it is made, but of all threads only the
 * one that forked. Another's flight has lost its computing thread there: it is handed over, as if that thread had
 * ended, to the next who asks. Its waiters stayed behind as well, so all references to it but the table's are gone.
 * References to finished entries cannot be told apart: those of threads that stayed behind stay for ever, and so do
 * their pins, each a word less of a stripe. (One whose entry was freed meanwhile counts for whatever comes there.)
 */
#include <pthread.h>

#include "fork.h"
#include "memo_impl.h"

static struct {
    pthread_mutex_t mutex;
    ax_memo *memos;
} registry = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* A flight in the table: the forking thread's own goes on, any other is handed over. */
static void hand_over(ax_memo *memo, struct axi_memo_entry *entry)
{
    /* relaxed, all of these: no other thread exists, and none that comes later existed before */
    uint32_t state = axi_load_relaxed(&entry->state) & AXI_MEMO_STATE;
    if (state == AXI_MEMO_READY || state == AXI_MEMO_FAILED || axi_memo_computes(entry))
        return;
    if (state == AXI_MEMO_COMPUTING)
        memo->left_behind++;
    axi_store_relaxed(&entry->state, AXI_MEMO_VACANT);
    axi_store_relaxed(&entry->refs, 1);
    entry->blocked_on = NULL;
}

static void lock_shards(void)
{
    pthread_mutex_lock(&registry.mutex);
    for (ax_memo *memo = registry.memos; memo; memo = memo->next)
        for (uint32_t i = 0; i < memo->shard_count; i++)
            pthread_mutex_lock(&memo->shards[i].mutex);
    axi_memo_flights_before_fork();
}

static void unlock_shards(void)
{
    axi_memo_flights_after_fork();
    for (ax_memo *memo = registry.memos; memo; memo = memo->next)
        for (uint32_t i = 0; i < memo->shard_count; i++)
            pthread_mutex_unlock(&memo->shards[i].mutex);
    pthread_mutex_unlock(&registry.mutex);
}

static void unlock_shards_in_child(void)
{
    for (ax_memo *memo = registry.memos; memo; memo = memo->next) {
        for (uint32_t i = 0; i < memo->shard_count; i++) {
            struct axi_memo_entry *entry = memo->shards[i].hand;
            size_t count = axi_load_relaxed(&memo->shards[i].count); /* relaxed: under the mutex */
            for (; count > 0; count--, entry = entry->ring_next)
                hand_over(memo, entry);
        }
    }
    unlock_shards();
}

bool axi_memo_enlist(ax_memo *memo)
{
    static struct axi_fork_part part = { lock_shards, unlock_shards, unlock_shards_in_child, NULL, false };
    if (!axi_fork_join(&part))
        return false;
    pthread_mutex_lock(&registry.mutex);
    memo->next = registry.memos;
    registry.memos = memo;
    pthread_mutex_unlock(&registry.mutex);
    return true;
}

void axi_memo_delist(ax_memo *memo)
{
    pthread_mutex_lock(&registry.mutex);
    ax_memo **at = &registry.memos;
    while (*at != memo)
        at = &(*at)->next;
    *at = memo->next;
    pthread_mutex_unlock(&registry.mutex);
}

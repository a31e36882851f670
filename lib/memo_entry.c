/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "memo_impl.h"

static size_t entry_size(size_t key_len)
{
    return offsetof(struct axi_memo_entry, key) + key_len; /* its end is padding, which the key may use */
}

uint64_t axi_memo_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* this clock always exists */
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Made to be computed by the calling thread: two references, the table's and the thread's. */
struct axi_memo_entry *axi_memo_entry_create(ax_memo *memo, const void *key, size_t key_len, uint64_t hash)
{
    if (key_len > SIZE_MAX / 2)
        return NULL;
    struct axi_memo_entry *entry =
        axi_allocate(memo->options.allocator, entry_size(key_len), _Alignof(struct axi_memo_entry));
    if (!entry)
        return NULL;
    memset(entry, 0, offsetof(struct axi_memo_entry, key));
    entry->hash = hash;
    entry->key_len = key_len;
    entry->expires = UINT64_MAX;
    if (key_len != 0)
        memcpy(entry->key, key, key_len);
    /* relaxed, all: not yet published */
    axi_store_relaxed(&entry->refs, 2);
    axi_store_relaxed(&entry->state, AXI_MEMO_COMPUTING);
    return entry;
}

void axi_memo_entry_discard(ax_memo *memo, struct axi_memo_entry *entry)
{
    if (entry)
        axi_release(memo->options.allocator, entry, entry_size(entry->key_len));
}

bool axi_memo_ref_entry(struct axi_memo_entry *entry)
{
    /* relaxed: a reference publishes nothing; what it protects was acquired with the entry's state (F1) */
    uint32_t refs = axi_load_relaxed(&entry->refs);
    while (refs != 0)
        if (axi_wcas_relaxed_relaxed(&entry->refs, &refs, refs + 1))
            return true;
    return false;
}

void axi_memo_entry_end(ax_memo *memo, struct axi_memo_entry *entry)
{
    uint32_t state = axi_load_relaxed(&entry->state); /* relaxed: F3 has ordered it, nobody else is left */
    if ((state & AXI_MEMO_STATE) == AXI_MEMO_READY && memo->options.destroy)
        memo->options.destroy(memo->options.context, entry->value);
    axi_fetch_sub_relaxed(&memo->ending, 1); /* relaxed: read when nothing overlaps */
    axi_retire(&memo->domain, &entry->retired, AXI_MEMO_ENTRY, entry_size(entry->key_len));
}

void axi_memo_unref_entry(ax_memo *memo, struct axi_memo_entry *entry)
{
    axi_edge_own_release(entry);
    /* F3.rel: this holder is done with the value; F3.acq: the last one has seen all others be done */
    if (axi_fetch_add_acq_rel(&entry->refs, (uint32_t)-1, F3_unref) == 1) {
        axi_edge_own_acquire(entry);
        axi_memo_entry_end(memo, entry);
    }
}

bool axi_memo_expired(const struct axi_memo_entry *entry)
{
    return entry->expires != UINT64_MAX && axi_memo_now() >= entry->expires;
}

/* After a grace period, without any lock. */
size_t axi_memo_release_retired(struct axi_domain *domain, struct axi_retired *thing, unsigned kind)
{
    ax_memo *memo = (ax_memo *)((char *)domain - offsetof(ax_memo, domain));
    size_t size;
    if (kind == AXI_MEMO_ENTRY)
        size = entry_size(((struct axi_memo_entry *)thing)->key_len);
    else
        size = sizeof(struct axi_memo_table) +
               ((struct axi_memo_table *)thing)->buckets * sizeof(_Atomic(struct axi_memo_entry *));
    axi_release(memo->options.allocator, thing, size);
    return size;
}

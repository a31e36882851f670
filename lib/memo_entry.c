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
    while ((refs & ~AXI_MEMO_ENDING) != 0)
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

static void give_up(ax_memo *memo, struct axi_memo_entry *entry, uint32_t references)
{
    axi_edge_own_release(entry);
    /* F3.rel: this holder is done with the value; F3.acq: the last one has seen all others be done */
    if ((axi_fetch_add_acq_rel(&entry->refs, -references, F3_unref) & ~AXI_MEMO_ENDING) == references) {
        axi_edge_own_acquire(entry);
        axi_memo_entry_end(memo, entry);
    }
}

void axi_memo_unref_entry(ax_memo *memo, struct axi_memo_entry *entry)
{
    give_up(memo, entry, 1);
}

/* --- pins --------------------------------------------------------------------------------------------- */

/* True: the reference is a counted one by now, and still the caller's. */
static bool unpin(_Atomic uintptr_t *pin)
{
    /* F3.rel: this holder is done with the value */
    return (axi_exchange_release(pin, 0, F3_unpin) & AXI_MEMO_COUNTED) != 0;
}

void *axi_memo_hold(ax_memo *memo, struct axi_memo_entry *entry)
{
    _Atomic uintptr_t *pins = memo->stripes[axi_own_stripe(memo->stripe_count)].pins;
    for (size_t i = 0; i < AXI_MEMO_PINS; i++) {
        uintptr_t free = axi_load_relaxed(&pins[i]); /* relaxed: a guess, the swap decides */
        /* F4.sc pin: before the look below */
        if (free != 0 || !axi_cas_seq_cst(&pins[i], &free, (uintptr_t)entry, F4_pin))
            continue;
        if (!(axi_load_seq_cst(&entry->refs, F4_look) & AXI_MEMO_ENDING)) /* F4.sc look */
            return &pins[i];
        if (unpin(&pins[i]))
            return entry;
        break;
    }
    return axi_memo_ref_entry(entry) ? entry : NULL;
}

void axi_memo_let_go(ax_memo *memo, void *hold)
{
    if ((uintptr_t)hold - (uintptr_t)memo->stripes >= memo->stripe_count * sizeof *memo->stripes) {
        axi_memo_unref_entry(memo, hold);
        return;
    }
    _Atomic uintptr_t *pin = hold;
    /* relaxed: nobody changes it but for the mark */
    struct axi_memo_entry *entry = (struct axi_memo_entry *)(axi_load_relaxed(pin) & ~AXI_MEMO_COUNTED);
    axi_edge_own_release(entry);
    if (unpin(pin))
        axi_memo_unref_entry(memo, entry);
}

/* How many of the entry's pins, which takes no more of them, are counted from now on. A holder who finds itself counted
 * may give its reference up before the count has it, but not before AXI_MEMO_COUNTING was added (its own fetch_add would
 * else come before the swap that it has read), and so doesn't seem to be the last. */
static uint32_t count_pins(ax_memo *memo, const struct axi_memo_entry *entry)
{
    uint32_t counted = 0;
    for (size_t i = 0; i < memo->stripe_count; i++) {
        for (size_t j = 0; j < AXI_MEMO_PINS; j++) {
            _Atomic uintptr_t *pin = &memo->stripes[i].pins[j];
            /* F4.sc scan: after ENDING was set. F3.acq, and of the swap that fails: who had it pinned is done with the
             * value. The swap that succeeds needs no order, but C11 allows it none weaker. */
            uintptr_t seen = axi_load_seq_cst(pin, F4_scan);
            if (__builtin_expect(seen == (uintptr_t)entry, 0) &&
                axi_cas_acquire_acquire(pin, &seen, seen | AXI_MEMO_COUNTED, F3_gone, F3_gone))
                counted++;
        }
    }
    return counted;
}

void axi_memo_unref_unlinked(ax_memo *memo, struct axi_memo_entry *entry)
{
    /* F4.sc end: before the pins are looked through */
    axi_fetch_add_seq_cst(&entry->refs, AXI_MEMO_ENDING + AXI_MEMO_COUNTING, F4_end);
    uint32_t counted = count_pins(memo, entry);
    give_up(memo, entry, AXI_MEMO_COUNTING + 1 - counted);
}

bool axi_memo_unref_unused(ax_memo *memo, struct axi_memo_entry *entry)
{
    const uint32_t ending = AXI_MEMO_ENDING + AXI_MEMO_COUNTING;
    uint32_t refs = 1;
    if (!axi_cas_seq_cst(&entry->refs, &refs, ending + 1, F4_evict)) /* F4.sc end: as above */
        return false;
    uint32_t counted = count_pins(memo, entry);
    refs = ending + 1;
    /* F3.acq: all who held it have released; from here on nobody can take a reference */
    if (counted == 0 && axi_cas_acquire_relaxed(&entry->refs, &refs, AXI_MEMO_ENDING, F3_evict)) {
        axi_edge_own_acquire(entry);
        return true;
    }
    axi_fetch_add_relaxed(&entry->refs, counted - ending); /* relaxed: the table's reference stays */
    return false;
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

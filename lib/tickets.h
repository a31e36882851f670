/* SPDX-License-Identifier: MIT */
/*
 * What tickets.c and lease.c share: the layout of a seller in memory. Everything in it is position
 * independent (processes map it at different addresses) and every field a kill -9 can interrupt is one
 * word.
 *
 *   struct ax_tickets    header: read-mostly line, the line of the pool and its grants, the hint's line
 *   struct lease_slot[]  `leases` of them, each a line for the holder and one for its mutex
 *   words[]              one bit per ticket: 1 = refunded and waiting to be sold again
 *   summary[]            one bit per word: 1 = the word may be non-zero; a hint, never the truth
 */
#ifndef AXI_TICKETS_H
#define AXI_TICKETS_H

#include <atomicx/tickets.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

/*
 * The pool, one word:
 *   bits 0-30   next      tickets below it have been taken from the pool at least once; it only rises
 *   bits 31-61  returned  refunded tickets that can be sold; at least so many bits are set in words[]
 *   bit  62     grant     flips with each lease block taken; pairs with the grant record
 *   bit  63     closed    never cleared
 * Equal words are equal states of the pool (next only rises, and the bitmap is claimed under the count),
 * so compare-and-swap has no ABA problem.
 */
typedef uint64_t pool_word;
#define POOL_FIELD 0x7fffffffu
#define POOL_RETURNED_ONE ((pool_word)1 << 31)
#define POOL_GRANT ((pool_word)1 << 62)
#define POOL_CLOSED ((pool_word)1 << 63)

static inline uint32_t pool_next(pool_word w)
{
    return (uint32_t)w & POOL_FIELD;
}

static inline uint32_t pool_returned(pool_word w)
{
    return (uint32_t)(w >> 31) & POOL_FIELD;
}

/*
 * Numbers in a lease slot, one word:
 *   bits 0-31   first  the first unsold number
 *   bits 32-62  left   how many are unsold
 *   bit  63     there  of a reserve only: clear while the next one is on its way into the slot
 */
typedef uint64_t range_word;
#define RANGE_THERE ((range_word)1 << 63)
#define RANGE_SALE AX_DETAIL_LEASE_SALE  /* less this: without the first number */
#define RANGE_LAST ((range_word)1 << 32) /* less this: without the last number */

static inline uint32_t range_first(range_word w)
{
    return (uint32_t)w;
}

static inline uint32_t range_left(range_word w)
{
    return (uint32_t)(w >> 32) & POOL_FIELD;
}

static inline uint32_t range_end(range_word w)
{
    return range_first(w) + range_left(w);
}

static inline range_word range_make(uint32_t first, uint32_t end)
{
    return (range_word)(end - first) << 32 | first;
}

/*
 * What a slot has unsold is one run of numbers, from range.first to the end of the reserve:
 *
 *        range.first        reserve.first             reserve's end
 *     sold   |   the block       |     the reserve           |   sold, or never in this slot
 *
 * The holder sells the block from its beginning by plain stores of `range`, and takes the next one off the front
 * of the reserve by compare-and-swap. From the back of the reserve anybody sells who finds the pool used up.
 * Where the block ends is what reserve.first says: the `left` of `range` is the holder's own count, and after a
 * kill may be that of before.
 */
struct lease_slot {
    /* As struct ax_detail_desk. */
    _Alignas(AXI_ISOLATION) _Atomic range_word range; /* written by the holder, or in a dead one's place */
    _Atomic uint32_t closed; /* POOL_CLOSED again: where a lease looks */

    _Atomic range_word reserve;
    _Alignas(AXI_ISOLATION) pthread_mutex_t held; /* robust: held while the lease lives */
};

/*
 * The grant record, one word, written before the pool word changes and cleared when what was taken stands in
 * its slot: bits 0-30 start, 31-46 length, 47-62 slot, 63 the pool's grant bit once it is done. 0: none.
 */
typedef uint64_t grant_word;

#define TICKETS_MAGIC UINT64_C(0x32746b6369747861) /* "axtickt2": the layout's version is its last digit */

struct ax_tickets {
    /* Written by init only, but for slots_used. */
    _Atomic uint64_t magic; /* last word that init writes */
    uint64_t size;
    uint32_t capacity;
    uint32_t leases;
    _Atomic uint32_t slots_used;  /* slots 0 to this - 1 have been taken at least once */
    const ax_allocator *allocator; /* of create; meaningless in another process */
    bool created;

    /* 64 bytes, so that taking a block needs one line. */
    _Alignas(AXI_ISOLATION) _Atomic pool_word pool;
    _Atomic grant_word grant;
    pthread_mutex_t granting; /* robust: held while a block is taken or a dead holder's is taken over */

    _Alignas(AXI_ISOLATION) _Atomic uint32_t hint; /* the word of a recent refund: where to look first */
};

static inline struct lease_slot *tickets_slots(const ax_tickets *t)
{
    return (struct lease_slot *)(uintptr_t)(t + 1);
}

static inline uint32_t tickets_words_count(const ax_tickets *t)
{
    return t->capacity / 64 + 1;
}

static inline _Atomic uint64_t *tickets_words(const ax_tickets *t)
{
    return (_Atomic uint64_t *)(uintptr_t)(tickets_slots(t) + t->leases);
}

static inline _Atomic uint64_t *tickets_summary(const ax_tickets *t)
{
    return tickets_words(t) + tickets_words_count(t);
}

/* After a lost race the line is elsewhere: staying away for a while lets its owner do several operations
 * before it travels again. Doubling, so that few contenders stay away briefly. */
static inline unsigned axi_back_off(unsigned pauses)
{
    for (unsigned i = 0; i < pauses; i++)
        axi_pause();
    return pauses < 256 ? 2 * pauses : pauses;
}

/* lease.c, for sell: sells one ticket of a reserve, or of what a holder had who is no more. */
bool axi_lease_sell_reserve(ax_tickets *tickets, uint32_t *number);
/* lease.c, for refund: whether a lease holds this number unsold. */
bool axi_lease_holds(const ax_tickets *tickets, uint32_t number);
/* lease.c, for left: what the reserves add up to. */
uint32_t axi_lease_reserves(const ax_tickets *tickets);
/* lease.c, for init and fini. */
bool axi_lease_init_slots(ax_tickets *tickets);
void axi_lease_fini_slots(ax_tickets *tickets);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * tickets.h: a seller of n numbered tickets, each sold exactly once, never an n+1st, never number -1.
 *
 *     ax_tickets *hall;
 *     ax_tickets_create(500, 0, NULL, &hall);
 *     uint32_t seat;
 *     if (ax_tickets_sell(hall, &seat) == AX_OK)          seat is yours alone, 0 to 499
 *         ...
 *
 * Invariant: each of the numbers 0 to capacity-1 is at each moment in exactly one of three places: left,
 * held by a lease, or sold. A sale takes it from left (or from the lease), a refund puts it back.
 *
 * | operation      | progress   | blocks | allocates | signal handler | after kill -9 in the middle   |
 * |----------------|------------|--------|-----------|----------------|-------------------------------|
 * | sell           | lock-free  | never  | never     | yes (a)        | at most this ticket is burned |
 * | sell_many      | lock-free  | never  | never     | yes (a)        | at most these k are burned    |
 * | refund         | lock-free  | never  | never     | yes            | at most this ticket is burned |
 * | left, capacity | wait-free  | never  | never     | yes            | nothing                       |
 * | close          | wait-free  | never  | never     | yes            | closed or not                 |
 * | lease_sell     | wait-free from the block, else as sell | never | never | no | at most this ticket is burned |
 * | lease_close    | wait-free  | never  | never     | no             | the rest returns              |
 *
 * "Burned": never sold, never sold twice. (a) only for sellers created with 0 leases.
 * sell, sell_many, refund, left, close and sales from different leases may all overlap, from any threads
 * and, in MAP_SHARED memory, any processes that attached. A thread is never made to wait for another.
 *
 * Sold out. Without leases AX_ESOLDOUT is exact: at one moment during the call, fewer tickets were left
 * than asked for. While leases are in use (open, or closed with a rest not yet sold on) it means: at one
 * moment during the call the common pool had too few, and the reserve of each lease, open or closed, was
 * seen empty, each at a moment of its own. The block that a live lease sells from does not count as left;
 * that of a holder that ended without closing (thread exit, kill -9) counts from when a call that finds
 * the pool empty has taken it over, which each such call tries.
 *
 * Memory order. T1: what the closer did before ax_tickets_close happens before what a buyer does after
 * AX_ECLOSED. T2: what the refunder did before ax_tickets_refund happens before what the next buyer of
 * *that number* does after its sale. A sale publishes nothing else; two buyers are not ordered.
 *
 * One 64-bit word holds the state of the pool, changed by compare-and-swap (the "exact limit counter" of
 * McKenney, "Is Parallel Programming Hard", section 5.4, in its lock-free form; the mutex-free refund is
 * a bitmap claimed under that count).
 */
#ifndef ATOMICX_TICKETS_H
#define ATOMICX_TICKETS_H

#include <stddef.h>
#include <stdint.h>

#include <atomicx/alloc.h>
#include <atomicx/detail/atomic.h>
#include <atomicx/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_TICKETS_MAX_CAPACITY 2147483647u /**< 2^31 - 1 */
#define AX_TICKETS_MAX_LEASES 65535u        /**< slots for leases, see ax_lease_open */
#define AX_TICKETS_MAX_BLOCK 65535u         /**< tickets a lease takes at a time */

typedef struct ax_tickets ax_tickets; /**< opaque */

/**
 * Bytes for `capacity` tickets (1 to AX_TICKETS_MAX_CAPACITY) and up to `leases` leases at once (0 to
 * AX_TICKETS_MAX_LEASES): about capacity/8 + 256 * leases + 1024. 0 when an argument is out of range.
 */
size_t ax_tickets_size(uint32_t capacity, uint32_t leases);

/**
 * Makes a seller in the caller's memory (at least ax_tickets_size bytes, aligned to 128), which may be
 * MAP_SHARED, and gives its address in *tickets. AX_EINVAL for arguments out of range, AX_EAGAIN when the
 * system has no robust process-shared mutex to give (leases need them). No other call may overlap;
 * publish it afterwards. The memory may hold anything before.
 */
ax_status ax_tickets_init(void *memory, size_t size, uint32_t capacity, uint32_t leases, ax_tickets **tickets);

/**
 * Finds the seller that another process made in shared memory. AX_ECORRUPT when there is none, or one of
 * another version, or the memory is smaller than it needs. Must happen after its init.
 */
ax_status ax_tickets_attach(void *memory, size_t size, ax_tickets **tickets);

/** Ends a seller made by init, after all other calls everywhere; the memory is the caller's again. */
void ax_tickets_fini(ax_tickets *tickets);

/** As init, in memory of the allocator (NULL: the C library's). AX_ENOMEM, AX_EINVAL. */
ax_status ax_tickets_create(uint32_t capacity, uint32_t leases, const ax_allocator *allocator, ax_tickets **tickets);

/** Ends a seller made by create, after all other calls. NULL is allowed. */
void ax_tickets_destroy(ax_tickets *tickets);

/** Sells one ticket into *number. AX_ESOLDOUT, AX_ECLOSED: *number is unchanged. */
ax_status ax_tickets_sell(ax_tickets *tickets, uint32_t *number);

/**
 * Sells k tickets (at least 1) into numbers[0..k-1], all or none, as one atomic step. The numbers are
 * contiguous and ascending when k tickets that were never sold before are left, and arbitrary otherwise.
 * AX_ESOLDOUT when fewer than k are in the common pool (what leases have in reserve is sold singly, and
 * only counts here once it is refunded); AX_ECLOSED; AX_EINVAL for k = 0.
 */
ax_status ax_tickets_sell_many(ax_tickets *tickets, uint32_t k, uint32_t *numbers);

/**
 * Takes a sold ticket back; it is left again, also after close (when nothing is sold any more).
 * AX_ENOTSOLD for a number that is not sold at this moment (never sold, refunded already, held by a
 * lease), AX_EINVAL for one that is no ticket: nothing is changed. Of two overlapping refunds of one
 * ticket exactly one succeeds.
 */
ax_status ax_tickets_refund(ax_tickets *tickets, uint32_t number);

/**
 * Tickets left. Exact (linearizable) while no lease is in use; with leases the sum of the pool and the
 * reserves of leases, read one after the other; the blocks that live leases sell from are not left.
 */
uint32_t ax_tickets_left(const ax_tickets *tickets);

/** The n of init. */
uint32_t ax_tickets_capacity(const ax_tickets *tickets);

/**
 * No sale that begins after close has returned succeeds, from a lease neither. May be called again.
 * Refunds still work. Time: a store for each lease that init was asked for.
 */
void ax_tickets_close(ax_tickets *tickets);

/**
 * A lease: a block of tickets that nobody else can buy, sold by its thread with a plain store each.
 * Caller's storage, used by one thread (the one that opened it) until closed.
 *
 *     ax_lease desk;
 *     ax_lease_open(&desk, hall, 1024);
 *     while (ax_lease_sell(&desk, &seat) == AX_OK) ...      takes the next block by itself
 *     ax_lease_close(&desk);                               the unsold rest can be sold by others again
 *
 * While many tickets are left (over 16 blocks for each lease) it takes up to 16 blocks from the pool at
 * once. Those that it isn't selling from yet are its reserve, which anybody can buy from when the pool is
 * used up; what is left of a block goes back there when the lease is closed.
 *
 * The holder is watched by the kernel (a robust mutex): when its thread ends or its process is killed,
 * the rest of its block can be sold by others. It must not be used in a child after fork, and must be
 * closed before its memory is unmapped.
 */
typedef struct ax_lease {
    struct ax_detail_desk *desk_; /* in the seller's memory, see below */
    ax_tickets *tickets_;
    uint32_t slot_;  /* which lease slot of the seller is ours, plus one; 0: none yet */
    uint32_t block_;
    int owner_; /* the kernel's id of the thread that took the slot */
} ax_lease;

/* What a sale needs, in a line that its thread has to itself until the seller closes. */
struct ax_detail_desk {
    uint64_t range;  /* the block: first unsold number in the low half, how many are left in the high half */
    uint32_t closed; /* the seller is; written by ax_tickets_close, once */
};

/* What a sale takes off the range: one from what is left, and minus one from the number. It borrows if none is left. */
#define AX_DETAIL_LEASE_SALE UINT64_C(0xffffffff)
ax_status ax_detail_lease_sell_slow(ax_lease *lease, uint32_t *number);

/**
 * Prepares a lease that takes `block` tickets (1 to AX_TICKETS_MAX_BLOCK) at a time; takes none yet.
 * AX_EINVAL. Never fails for want of a slot: a lease beyond the number given to init, or one that finds
 * the slots busy, sells from the common pool ticket by ticket until a slot is free.
 */
ax_status ax_lease_open(ax_lease *lease, ax_tickets *tickets, uint32_t block);

/**
 * Sells one ticket of the block into *number, taking a new block (or, when too few are left for one, a
 * single ticket as ax_tickets_sell does) once it is used up. AX_ESOLDOUT, AX_ECLOSED as for sell.
 */
static inline ax_status ax_lease_sell(ax_lease *lease, uint32_t *number)
{
    struct ax_detail_desk *desk = lease->desk_;
    if (__builtin_expect(AX_DETAIL_LOAD_ACQUIRE(&desk->closed, T1_lease) != 0, 0)) /* T1.acq */
        return AX_ECLOSED;
    /* relaxed, and no read-modify-write: while the lease is open its thread alone writes the range */
    uint64_t range = AX_DETAIL_LOAD_RELAXED(&desk->range), rest;
    if (__builtin_expect(!__builtin_sub_overflow(range, AX_DETAIL_LEASE_SALE, &rest), 1)) {
        AX_DETAIL_STORE_RELAXED(&desk->range, rest);
        *number = (uint32_t)range;
        return AX_OK;
    }
    uint32_t sold; /* `number` itself goes into no call, so that the caller's variable can be a register */
    ax_status status = ax_detail_lease_sell_slow(lease, &sold);
    if (status == AX_OK)
        *number = sold;
    return status;
}

/**
 * Ends the lease; the unsold rest is left again. AX_EPERM when the caller is not the thread that took
 * the block (in a forked child, too): nothing is changed. A closed lease may be used again.
 */
ax_status ax_lease_close(ax_lease *lease);

#ifdef __cplusplus
}
#endif
#endif

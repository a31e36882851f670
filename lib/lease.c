/* SPDX-License-Identifier: MIT */
/*
 * lease.c: blocks of tickets that one thread sells with plain stores.
 *
 * A slot belongs to the thread that holds its robust mutex, from taking the slot to closing the lease;
 * the kernel tells the next one to try that a holder has died. Nobody ever waits for these mutexes: all
 * is trylock, and who finds one busy sells from the pool instead.
 *
 * Taking a block has to change two words, the pool and the slot, and a kill may come between. So the
 * grant record is written first, under the mutex `granting`, and the pool word's grant bit, which flips
 * in the same compare-and-swap that takes the block, tells whoever inherits `granting` from a dead
 * thread whether the block was taken. Sales of others meanwhile leave that bit alone.
 *
 * A dead holder's slot is touched only under `granting` with the record settled: else a half-granted
 * block could be written into a slot that has gone to somebody else.
 */
#include "tickets.h"

#include <errno.h>
#include <unistd.h>

#include "export.h"

static uint64_t no_range; /* what a lease without a slot looks at: nothing there, never written */

/* --- the grant record ------------------------------------------------------------------------------ */

static grant_word grant_make(uint32_t slot, uint32_t start, uint32_t length, pool_word taken)
{
    return (grant_word)start | (grant_word)length << 31 | (grant_word)slot << 47 |
           (grant_word)((taken & POOL_GRANT) != 0) << 63;
}

static uint32_t grant_start(grant_word g)
{
    return (uint32_t)g & POOL_FIELD;
}

static uint32_t grant_end(grant_word g)
{
    return grant_start(g) + ((uint32_t)(g >> 31) & 0xffff);
}

static uint32_t grant_slot(grant_word g)
{
    return (uint32_t)(g >> 47) & 0xffff;
}

static bool grant_taken(grant_word g, pool_word w)
{
    return (g >> 63 != 0) == ((w & POOL_GRANT) != 0);
}

/* The block is written into its slot, if it was taken and isn't there yet. The end tells: no two blocks
 * have the same. Idempotent, so a kill in here is repaired by the next one. */
static void settle_grant(ax_tickets *t)
{
    grant_word g = axi_load_relaxed(&t->grant); /* relaxed: a dead holder's words came with the mutex */
    if (g == 0)
        return;
    _Atomic range_word *range = &tickets_slots(t)[grant_slot(g)].range;
    /* relaxed, three times: the dead holder's words came with the mutex, and T5 below publishes */
    if (grant_taken(g, axi_load_relaxed(&t->pool)) && range_end(axi_load_relaxed(range)) != grant_end(g))
        axi_store_relaxed(range, range_make(grant_start(g), grant_end(g)));
    axi_store_release(&t->grant, 0, T5_rel_heir); /* T5.rel: who sees the record gone sees the block in its slot */
}

/* --- the mutexes ----------------------------------------------------------------------------------- */

/* Takes a robust mutex if it is free or its holder is dead; *died says which. */
static bool take(pthread_mutex_t *mutex, bool *died)
{
    int error = pthread_mutex_trylock(mutex);
    *died = error == EOWNERDEAD;
    return error == 0 || *died;
}

/* A few tries, as the holder is usually done in less time than one sale from the pool would take. */
static bool take_granting(ax_tickets *t)
{
    bool died;
    unsigned pauses = 1;
    while (!take(&t->granting, &died)) {
        if (pauses > 64)
            return false;
        pauses = axi_back_off(pauses);
    }
    if (died) {
        settle_grant(t);
        (void)pthread_mutex_consistent(&t->granting);
    }
    return true;
}

static void leave(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_unlock(mutex);
}

bool axi_lease_init_slots(ax_tickets *t)
{
    pthread_mutexattr_t attr;
    if (t->leases == 0)
        return true;
    if (pthread_mutexattr_init(&attr) != 0)
        return false;
    bool ok = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
              pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
              pthread_mutex_init(&t->granting, &attr) == 0;
    for (uint32_t i = 0; ok && i < t->leases; i++)
        ok = pthread_mutex_init(&tickets_slots(t)[i].held, &attr) == 0;
    (void)pthread_mutexattr_destroy(&attr);
    return ok;
}

/* A dead holder's mutex is released first: ThreadSanitizer takes the destruction of a held one for a bug. */
static void end_mutex(pthread_mutex_t *mutex)
{
    bool died;
    if (take(mutex, &died)) {
        if (died)
            (void)pthread_mutex_consistent(mutex);
        leave(mutex);
    }
    (void)pthread_mutex_destroy(mutex);
}

void axi_lease_fini_slots(ax_tickets *t)
{
    if (t->leases == 0)
        return;
    end_mutex(&t->granting);
    for (uint32_t i = 0; i < t->leases; i++)
        end_mutex(&tickets_slots(t)[i].held);
}

/* --- taking ---------------------------------------------------------------------------------------- */

/* Makes the range ours alone again; its word afterwards. */
static range_word shut(_Atomic range_word *range)
{
    range_word r = axi_load_relaxed(range); /* relaxed: a guess, the read-modify-write decides */
    /* relaxed: nothing is handed over with tickets that were never sold */
    while ((r & RANGE_OPEN) && !axi_wcas_relaxed_relaxed(range, &r, r & ~RANGE_OPEN))
        ;
    return r & ~RANGE_OPEN;
}

/* Under granting: a slot for this lease. What an earlier holder left in it is sold on. */
static bool take_slot(ax_lease *lease)
{
    ax_tickets *t = lease->tickets_;
    for (uint32_t i = 0; i < t->leases; i++) {
        struct lease_slot *slot = &tickets_slots(t)[i];
        bool died;
        if (!take(&slot->held, &died))
            continue;
        if (died)
            (void)pthread_mutex_consistent(&slot->held);
        (void)shut(&slot->range);
        lease->range_ = (uint64_t *)&slot->range;
        lease->slot_ = i + 1;
        lease->owner_ = gettid();
        /* relaxed, twice: granting orders the writers; T4 brings it to who sees a block taken */
        if (axi_load_relaxed(&t->slots_used) < i + 1)
            axi_store_relaxed(&t->slots_used, i + 1);
        return true;
    }
    return false;
}

/* Under granting: takes a block of never sold tickets into the lease's own, empty slot. */
static bool take_block(ax_lease *lease)
{
    ax_tickets *t = lease->tickets_;
    _Atomic range_word *range = &tickets_slots(t)[lease->slot_ - 1].range;
    pool_word w, taken;
    uint32_t start, length;
    do {
        w = axi_load_relaxed(&t->pool); /* relaxed: a guess; the sale after a refusal reads it for T1 */
        start = pool_next(w);
        length = t->capacity - start;
        if (length == 0 || (w & POOL_CLOSED)) {
            /* T5.rel: who reads this instead of what an earlier grant left sees that one's block in its slot */
            axi_store_release(&t->grant, 0, T5_rel_none);
            return false;
        }
        if (length > lease->block_)
            length = lease->block_;
        taken = (w + length) ^ POOL_GRANT;
        /* T5.rel: as above, for the record of the next grant; T4 publishes it before its block is taken */
        axi_store_release(&t->grant, grant_make(lease->slot_ - 1, start, length, taken), T5_rel_next);
        /* T4.rel: the record, and slots_used, are there for who sees `next` beyond the block's numbers */
    } while (!axi_cas_release_relaxed(&t->pool, &w, taken, T4_rel));
    axi_store_relaxed(range, range_make(start, start + length)); /* relaxed: published by T5 */
    axi_store_release(&t->grant, 0, T5_rel); /* T5.rel: who sees the record gone sees the block in its slot */
    return true;
}

/* Whether the lease has something to sell from now. */
static bool refill(ax_lease *lease)
{
    ax_tickets *t = lease->tickets_;
    if (!take_granting(t))
        return false;
    bool ready = lease->slot_ != 0 || take_slot(lease);
    if (ready) {
        range_word r = AX_DETAIL_LOAD_RELAXED(lease->range_); /* relaxed: our own */
        ready = range_left(r) != 0 || take_block(lease);
    }
    leave(&t->granting);
    return ready;
}

AXI_EXPORT ax_status ax_lease_open(ax_lease *lease, ax_tickets *t, uint32_t block)
{
    if (lease == NULL || t == NULL || block == 0 || block > AX_TICKETS_MAX_BLOCK)
        return AX_EINVAL;
    *lease = (ax_lease){ .range_ = &no_range,
                         .closed_ = (const uint32_t *)&t->closed,
                         .tickets_ = t,
                         .block_ = block };
    return AX_OK;
}

AXI_EXPORT ax_status ax_detail_lease_sell_slow(ax_lease *lease, uint32_t *number)
{
    ax_tickets *t = lease->tickets_;
    if (t->leases != 0 && refill(lease))
        return ax_lease_sell(lease, number);
    return ax_tickets_sell(t, number);
}

AXI_EXPORT ax_status ax_lease_close(ax_lease *lease)
{
    if (lease->slot_ != 0) {
        if (lease->owner_ != gettid())
            return AX_EPERM;
        struct lease_slot *slot = &tickets_slots(lease->tickets_)[lease->slot_ - 1];
        range_word r = axi_load_relaxed(&slot->range); /* relaxed: our own */
        axi_store_relaxed(&slot->range, r | RANGE_OPEN); /* relaxed: see sell_open */
        leave(&slot->held);
    }
    lease->range_ = &no_range;
    lease->slot_ = 0;
    return AX_OK;
}

/* --- what tickets.c asks --------------------------------------------------------------------------- */

/* Relaxed throughout. A rest hands nothing over but its numbers, and whoever comes here has seen the pool
 * used up, acquiring: that is after the last grant was recorded (T4), and so no record it may still read
 * can speak of another block in this slot than the one it sells from. */
static bool sell_open(struct lease_slot *slot, uint32_t *number)
{
    range_word r = axi_load_relaxed(&slot->range); /* relaxed: a guess, the read-modify-write decides */
    while ((r & RANGE_OPEN) && range_left(r) != 0) {
        uint32_t first = range_first(r);
        if (axi_cas_relaxed_relaxed(&slot->range, &r, r - RANGE_SALE)) { /* relaxed: see above */
            *number = first;
            return true;
        }
    }
    return false;
}

/* Opens the rests of dead holders; whether there were any. */
static bool open_dead(ax_tickets *t, uint32_t used)
{
    bool found = false;
    if (!take_granting(t))
        return false;
    for (uint32_t i = 0; i < used; i++) {
        struct lease_slot *slot = &tickets_slots(t)[i];
        range_word r = axi_load_relaxed(&slot->range); /* relaxed: a guess; again under the mutex */
        bool died;
        if ((r & RANGE_OPEN) || range_left(r) == 0 || !take(&slot->held, &died))
            continue;
        if (died)
            (void)pthread_mutex_consistent(&slot->held);
        r = axi_load_relaxed(&slot->range);              /* relaxed: ours now */
        axi_store_relaxed(&slot->range, r | RANGE_OPEN); /* relaxed: see sell_open */
        leave(&slot->held);
        found = true;
    }
    leave(&t->granting);
    return found;
}

bool axi_lease_sell_rest(ax_tickets *t, uint32_t *number)
{
    uint32_t used = axi_load_relaxed(&t->slots_used); /* relaxed: a slot taken meanwhile is a live lease's */
    if (used == 0)
        return false;
    do {
        for (uint32_t i = 0; i < used; i++)
            if (sell_open(&tickets_slots(t)[i], number))
                return true;
    } while (open_dead(t, used));
    return false;
}

/*
 * The caller has read, acquiring (T4), that `next` is beyond the number. So if a lease took it, the
 * record of that grant or a later state of the record is what is read here; and once the record is
 * gone, the block is in its slot (T5). A number that was truly sold from a block was sold after the
 * record had gone, so for that one the record says nothing and the slot says sold.
 */
bool axi_lease_holds(const ax_tickets *t, uint32_t number)
{
    uint32_t used = axi_load_relaxed(&t->slots_used); /* relaxed: came with T4 */
    if (used == 0)
        return false;
    for (;;) {
        grant_word g = axi_load_acquire(&t->grant, T5_acq); /* T5.acq */
        for (uint32_t i = 0; i < used; i++) {
            range_word r = axi_load_relaxed(&tickets_slots(t)[i].range); /* relaxed: came with T5 or the sale */
            if (range_first(r) <= number && number < range_end(r))
                return true;
        }
        if (g == 0 || number < grant_start(g) || number >= grant_end(g))
            return false;
        /* T4.acq: the second look at the record is not older than the pool word */
        pool_word w = axi_load_acquire(&t->pool, T4_again);
        range_word r = axi_load_relaxed(&tickets_slots(t)[grant_slot(g)].range); /* relaxed: see below */
        if (axi_load_relaxed(&t->grant) != g) /* relaxed: coherence; a changed record means another round */
            continue;
        if (!grant_taken(g, w))
            return false; /* this attempt has not taken it, and yet `next` is beyond: sold singly */
        /* In the slot (its end tells) it is held if not yet sold; not seen there yet, it can't be sold. */
        return range_end(r) != grant_end(g) || range_first(r) <= number;
    }
}

uint32_t axi_lease_rests(const ax_tickets *t)
{
    uint32_t rests = 0;
    uint32_t used = axi_load_relaxed(&t->slots_used); /* relaxed: a sum of moments, as the header says */
    for (uint32_t i = 0; i < used; i++) {
        range_word r = axi_load_relaxed(&tickets_slots(t)[i].range); /* relaxed: as above */
        if (r & RANGE_OPEN)
            rests += range_left(r);
    }
    return rests;
}

/* SPDX-License-Identifier: MIT */
/*
 * lease.c: blocks of tickets that one thread sells with plain stores.
 *
 * A slot belongs to the thread that holds its robust mutex, from taking the slot to closing the lease;
 * the kernel tells the next one to try that a holder has died. Nobody ever waits for these mutexes: all
 * is trylock, and who finds one busy sells from the pool instead.
 *
 * A slot's next block comes off the front of its reserve, in its own line; only when that is used up are
 * tickets taken from the pool, several blocks at once while there are many. This has to change two words,
 * the pool and the slot, and a kill may come between. So the grant record is written first, under the
 * mutex `granting`, and the pool word's grant bit, which flips in the same compare-and-swap that takes
 * the tickets, tells whoever inherits `granting` from a dead thread whether they were taken. Sales of
 * others meanwhile leave that bit alone.
 *
 * A dead holder's slot is touched only under `granting` with the record settled: else half-granted
 * tickets could be written into a slot that has gone to somebody else.
 */
#include "tickets.h"

#include <errno.h>
#include <unistd.h>

#include "export.h"

/* A grant is of up to this many blocks, and of at most this part of what was never sold, shared among the slots. */
enum { RESERVE_BLOCKS = 16, RESERVE_SHARE = 16 };

static struct ax_detail_desk no_desk; /* where a lease without a slot looks: nothing there, never written */

_Static_assert(offsetof(struct lease_slot, range) == offsetof(struct ax_detail_desk, range) &&
                   offsetof(struct lease_slot, closed) == offsetof(struct ax_detail_desk, closed),
               "the inlined sale reads the slot");

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

/* Under granting: what was taken goes into the slot, which had nothing: a block for the holder, the rest in reserve. */
static void fill(struct lease_slot *slot, uint32_t start, uint32_t block, uint32_t end)
{
    axi_store_relaxed(&slot->range, range_make(start, start + block)); /* relaxed: published by T6 */
    /* T6.rel: who sees this reserve sees which block lies before it */
    axi_store_release(&slot->reserve, RANGE_THERE | range_make(start + block, end), T6_rel);
}

/* What a dead holder of granting took is put into its slot, if it isn't there yet: the slot has had no reserve
 * since before the record. */
static void settle_grant(ax_tickets *t)
{
    grant_word g = axi_load_relaxed(&t->grant); /* relaxed: a dead holder's words came with the mutex */
    if (g == 0)
        return;
    struct lease_slot *slot = &tickets_slots(t)[grant_slot(g)];
    /* relaxed, both: the dead holder's words came with the mutex */
    if (grant_taken(g, axi_load_relaxed(&t->pool)) && !(axi_load_relaxed(&slot->reserve) & RANGE_THERE))
        fill(slot, grant_start(g), 0, grant_end(g));
    axi_store_release(&t->grant, 0, T5_rel_heir); /* T5.rel: who sees the record gone sees the slot filled */
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

/* --- a slot's numbers ------------------------------------------------------------------------------ */

/* Takes a block off the front of the holder's own reserve. False: there is none. */
static bool take_block(const ax_lease *lease)
{
    struct lease_slot *slot = &tickets_slots(lease->tickets_)[lease->slot_ - 1];
    range_word r = axi_load_relaxed(&slot->reserve); /* relaxed: a guess, the read-modify-write decides */
    while (range_left(r) != 0) {
        uint32_t length = range_left(r) < lease->block_ ? range_left(r) : lease->block_;
        /* relaxed: nothing is handed over with tickets that were never sold, here and wherever a reserve changes */
        if (axi_cas_relaxed_relaxed(&slot->reserve, &r, r - length * RANGE_SALE)) {
            axi_store_relaxed(&slot->range, range_make(range_first(r), range_first(r) + length)); /* relaxed: as above */
            return true;
        }
    }
    return false;
}

/* Makes the unsold rest of the block the front of the reserve again. By the holder, or in a dead one's place, which
 * may have been cut off in here or in take_block: so the block's end is where the reserve begins. */
static void return_block(struct lease_slot *slot)
{
    uint32_t first = range_first(axi_load_relaxed(&slot->range)); /* relaxed: our own, or came with the mutex */
    range_word r = axi_load_relaxed(&slot->reserve);              /* relaxed: a guess, as in take_block */
    range_word whole;
    do { /* another round if somebody has bought one: not more than there are in the reserve */
        if (!(r & RANGE_THERE))
            return; /* and no block either */
        whole = RANGE_THERE | range_make(first, range_end(r));
    } while (!axi_cas_relaxed_relaxed(&slot->reserve, &r, whole)); /* relaxed: see take_block */
    axi_store_relaxed(&slot->range, range_make(first, first));          /* relaxed: see take_block */
}

/* Sells the last of the reserve. Relaxed: a reserve hands nothing over but its numbers, and whoever comes here has
 * seen the pool used up, acquiring: that is after the last grant was recorded (T4), and so no record it may still
 * read can speak of another block in this slot than the one it sells from. */
static bool sell_last(struct lease_slot *slot, uint32_t *number)
{
    range_word r = axi_load_relaxed(&slot->reserve); /* relaxed: a guess, the read-modify-write decides */
    while (range_left(r) != 0)
        if (axi_cas_relaxed_relaxed(&slot->reserve, &r, r - RANGE_LAST)) { /* relaxed: see above */
            *number = range_end(r) - 1;
            return true;
        }
    return false;
}

/* --- taking ---------------------------------------------------------------------------------------- */

/* Under granting: a slot for this lease, with what an earlier holder left in it. */
static bool take_slot(ax_lease *lease)
{
    ax_tickets *t = lease->tickets_;
    for (uint32_t i = 0; i < t->leases; i++) {
        struct lease_slot *slot = &tickets_slots(t)[i];
        bool died;
        if (!take(&slot->held, &died))
            continue;
        if (died) {
            return_block(slot);
            (void)pthread_mutex_consistent(&slot->held);
        }
        lease->desk_ = (struct ax_detail_desk *)slot;
        lease->slot_ = i + 1;
        lease->owner_ = gettid();
        /* relaxed, twice: granting orders the writers; T4 brings it to who sees numbers taken */
        if (axi_load_relaxed(&t->slots_used) < i + 1)
            axi_store_relaxed(&t->slots_used, i + 1);
        return true;
    }
    return false;
}

/* How many tickets to take at once: a block, or several while that leaves most of them in the pool. The fewer are
 * left the smaller, for all to be done at about the same time (Polychronopoulos and Kuck, "Guided self-scheduling",
 * 1987). */
static uint32_t length_of_grant(const ax_tickets *t, uint32_t block, uint32_t never_sold)
{
    uint32_t length = never_sold / (RESERVE_SHARE * axi_load_relaxed(&t->slots_used)); /* relaxed: see take_slot */
    if (length > RESERVE_BLOCKS * block)
        length = RESERVE_BLOCKS * block;
    if (length > AX_TICKETS_MAX_BLOCK)
        length = AX_TICKETS_MAX_BLOCK;
    if (length < block)
        length = block;
    return length < never_sold ? length : never_sold;
}

/* Under granting: takes never sold tickets into the lease's own slot, which has none. False: there are none left. */
static bool take_grant(ax_lease *lease)
{
    ax_tickets *t = lease->tickets_;
    struct lease_slot *slot = &tickets_slots(t)[lease->slot_ - 1];
    pool_word w, taken;
    uint32_t start, length;
    if (axi_load_relaxed(&slot->reserve) != 0) /* relaxed: written by holders only while nothing is left in it */
        /* T6.rel: who sees the reserve gone sees the record gone that it came with */
        axi_store_release(&slot->reserve, 0, T6_rel_none);
    do {
        w = axi_load_relaxed(&t->pool); /* relaxed: a guess; the sale after a refusal reads it for T1 */
        start = pool_next(w);
        length = length_of_grant(t, lease->block_, t->capacity - start);
        if (length == 0 || (w & POOL_CLOSED))
            return false; /* a record of a try before stays: it says what nobody takes any more */
        taken = (w + length) ^ POOL_GRANT;
        /* T5.rel: who reads this instead of what an earlier grant left sees that one's slot filled; T4 publishes it
         * before its numbers are taken */
        axi_store_release(&t->grant, grant_make(lease->slot_ - 1, start, length, taken), T5_rel_next);
        /* T4.rel: the record, and slots_used, are there for who sees `next` beyond the numbers */
    } while (!axi_cas_release_relaxed(&t->pool, &w, taken, T4_rel));
    fill(slot, start, length < lease->block_ ? length : lease->block_, start + length);
    axi_store_release(&t->grant, 0, T5_rel); /* T5.rel: who sees the record gone sees the slot filled */
    return true;
}

/* Whether the lease has a block to sell from now. */
static bool refill(ax_lease *lease)
{
    ax_tickets *t = lease->tickets_;
    if (!take_granting(t))
        return false;
    bool ready = (lease->slot_ != 0 || take_slot(lease)) && (take_block(lease) || take_grant(lease));
    leave(&t->granting);
    return ready;
}

AXI_EXPORT ax_status ax_lease_open(ax_lease *lease, ax_tickets *t, uint32_t block)
{
    if (lease == NULL || t == NULL || block == 0 || block > AX_TICKETS_MAX_BLOCK)
        return AX_EINVAL;
    *lease = (ax_lease){ .desk_ = &no_desk, .tickets_ = t, .block_ = block };
    return AX_OK;
}

AXI_EXPORT ax_status ax_detail_lease_sell_slow(ax_lease *lease, uint32_t *number)
{
    ax_tickets *t = lease->tickets_;
    if ((lease->slot_ != 0 && take_block(lease)) || (t->leases != 0 && refill(lease)))
        return ax_lease_sell(lease, number);
    return ax_tickets_sell(t, number);
}

AXI_EXPORT ax_status ax_lease_close(ax_lease *lease)
{
    if (lease->slot_ != 0) {
        if (lease->owner_ != gettid())
            return AX_EPERM;
        struct lease_slot *slot = &tickets_slots(lease->tickets_)[lease->slot_ - 1];
        return_block(slot);
        leave(&slot->held);
    }
    lease->desk_ = &no_desk;
    lease->slot_ = 0;
    return AX_OK;
}

/* --- what tickets.c asks --------------------------------------------------------------------------- */

/* The slot has the numbers from *first to below what this returns, all unsold when they were read. */
static uint32_t unsold(const struct lease_slot *slot, uint32_t *first)
{
    range_word r = axi_load_acquire(&slot->reserve, T6_acq);  /* T6.acq */
    *first = range_first(axi_load_relaxed(&slot->range));     /* relaxed: not older than the reserve, by T6 */
    return r & RANGE_THERE ? range_end(r) : 0;
}

/* Takes over what dead holders had; whether there was any. */
static bool return_dead(ax_tickets *t, uint32_t used)
{
    bool found = false;
    if (!take_granting(t))
        return false;
    for (uint32_t i = 0; i < used; i++) {
        struct lease_slot *slot = &tickets_slots(t)[i];
        bool died;
        uint32_t first, end = unsold(slot, &first);
        if (first >= end || !take(&slot->held, &died))
            continue;
        if (died)
            (void)pthread_mutex_consistent(&slot->held);
        return_block(slot);
        leave(&slot->held);
        found = true;
    }
    leave(&t->granting);
    return found;
}

bool axi_lease_sell_reserve(ax_tickets *t, uint32_t *number)
{
    uint32_t used = axi_load_relaxed(&t->slots_used); /* relaxed: a slot taken meanwhile is a live lease's */
    if (used == 0)
        return false;
    do {
        for (uint32_t i = 0; i < used; i++)
            if (sell_last(&tickets_slots(t)[i], number))
                return true;
    } while (return_dead(t, used));
    return false;
}

/*
 * The caller has read, acquiring (T4), that `next` is beyond the number. So if a lease took it, the
 * record of that grant or a later state of the record is what is read here; and once the record is
 * gone, the numbers are in the slot (T5). A number that was truly sold from there left the run of
 * unsold ones, whose ends only move inwards until the next grant, of higher numbers.
 */
bool axi_lease_holds(const ax_tickets *t, uint32_t number)
{
    uint32_t used = axi_load_relaxed(&t->slots_used); /* relaxed: came with T4 */
    if (used == 0)
        return false;
    for (;;) {
        grant_word g = axi_load_acquire(&t->grant, T5_acq); /* T5.acq */
        bool filled = false;
        for (uint32_t i = 0; i < used; i++) {
            uint32_t first, end = unsold(&tickets_slots(t)[i], &first);
            if (first <= number && number < end)
                return true;
            if (i == grant_slot(g))
                filled = end != 0;
        }
        if (g == 0 || number < grant_start(g) || number >= grant_end(g))
            return false;
        /* T4.acq: the second look at the record is not older than the pool word */
        pool_word w = axi_load_acquire(&t->pool, T4_again);
        if (axi_load_relaxed(&t->grant) != g) /* relaxed: coherence; a changed record means another round */
            continue;
        /* Not taken, and yet `next` is beyond: sold singly. Taken and not in the slot yet: it can't have been sold. */
        return grant_taken(g, w) && !filled;
    }
}

uint32_t axi_lease_reserves(const ax_tickets *t)
{
    uint32_t sum = 0;
    uint32_t used = axi_load_relaxed(&t->slots_used); /* relaxed: a sum of moments, as the header says */
    for (uint32_t i = 0; i < used; i++)
        sum += range_left(axi_load_relaxed(&tickets_slots(t)[i].reserve)); /* relaxed: as above */
    return sum;
}

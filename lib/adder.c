/* SPDX-License-Identifier: MIT */
/*
 * adder.c: registration, hand-over and summing of statistical counters.
 *
 *   registry.chunks[0] -> seat 0, seat 1, ...      one seat per thread alive at once; 64, 64, 128, 256 ...
 *   seat.table ---------> slot 0, slot 1, ...      one slot per adder; written by the seat's owner only
 *
 * A thread takes a seat with its first addition and leaves it, contents and all, to the next thread. So
 * a slot has one writer at a time, its value is never moved elsewhere, and a sum over all seats meets
 * every addition once. Seats and tables are never freed: sum walks them without any protection.
 *
 * A table is address space for every adder that can have a slot, of which only the pages that are written
 * become memory. So it never grows, and whether an addition has a slot is one comparison: see adder.h.
 */
#include <atomicx/adder.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"
#include "atomic.h"
#include "export.h"

#ifndef AXI_ADDER_SLOTS /* the model test has fewer, as it clears the table in each execution */
#define AXI_ADDER_SLOTS AX_ADDER_SLOTS
#endif

enum {
    FIRST_SEATS = 64, /* seats of chunk 0; chunk c > 0 doubles what is there */
    CHUNKS = 26,      /* 64 * 2^25 seats: more than Linux has thread ids for (2^22) */
    LINE = 64,
    /* Tables begin at one of so many lines of their first page: else a slot would be at the same place of its
     * page in all threads, and those that a sum reads would share a few sets of the cache. */
    BEGINNINGS = AXI_ADDER_SLOTS < 64 ? 1 : 64,
    TABLE_SIZE = AXI_ADDER_SLOTS * 8 + BEGINNINGS * LINE,
    REFUSED_ADDITIONS = 1000, /* made through the shared word before a thread that got no table asks again */
};

/* An adder's offset is what its slot's address is in a table at address 0, plus this: it lies above every address,
 * and a thread without a table has UINT64_MAX to take off. */
#define FIRST_OFFSET (UINT64_C(1) << 63)
#define NO_NUMBER UINT64_C(1) /* the offset of an adder that found all numbers taken */
#define NO_TABLE UINT64_MAX

static uint64_t offset_of(uint32_t number)
{
    return FIRST_OFFSET + UINT64_C(8) * number;
}

static uint32_t number_of(uint64_t offset)
{
    return (uint32_t)((offset - FIRST_OFFSET) / 8);
}

static bool has_number(uint64_t offset)
{
    return offset >= FIRST_OFFSET;
}

struct seat {
    uint64_t *table;        /* set before the seat is counted, for ever */
    struct seat *next_free; /* under the mutex; meaningful while free */
};

static struct {
    pthread_mutex_t mutex;
    _Atomic(struct seat *) chunks[CHUNKS]; /* set once each, under the mutex */
    _Atomic uint32_t seats;                /* how many were ever taken; raised under the mutex */
    struct seat *free;                     /* under the mutex, like all that follows */
    uint32_t free_numbers[AXI_ADDER_SLOTS]; /* a stack with room for every number, so that giving back can't fail */
    uint32_t free_count, numbers;           /* how many of them; how many numbers were ever given */
    pthread_once_t once;
    bool ready; /* the key and the fork handlers are there */
    pthread_key_t key;
} registry = { .mutex = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

AXI_EXPORT __thread uint64_t ax_detail_adder_self = NO_TABLE;
static __thread struct seat *own_seat;
static __thread unsigned refused; /* additions to make through the shared word */

static void lock(void)
{
    (void)pthread_mutex_lock(&registry.mutex); /* default kind, never locked twice: cannot fail */
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&registry.mutex);
}

/* Chunk c > 0 starts at seat 64 * 2^(c-1). */
static unsigned chunk_of(uint32_t seat)
{
    return seat < FIRST_SEATS ? 0 : (unsigned)(32 - __builtin_clz(seat / FIRST_SEATS));
}

static uint32_t chunk_start(unsigned chunk)
{
    return chunk == 0 ? 0 : (uint32_t)FIRST_SEATS << (chunk - 1);
}

static uint32_t chunk_seats(unsigned chunk)
{
    return chunk == 0 ? FIRST_SEATS : chunk_start(chunk);
}

/* --- a thread's end, and fork ------------------------------------------------------------------- */

static void free_seat(struct seat *seat)
{
    seat->next_free = registry.free;
    registry.free = seat;
}

/* The thread's last additions happen before those of the seat's next owner through the mutex. */
static void leave_seat(void *seat)
{
    ax_detail_adder_self = NO_TABLE;
    own_seat = NULL;
    lock();
    free_seat(seat);
    unlock();
}

/* In the child only the forking thread is left: the others' seats are free, with what they hold. */
static void fork_child(void)
{
    registry.free = NULL;
    uint32_t seats = axi_load_relaxed(&registry.seats); /* relaxed: the only thread there is */
    for (uint32_t i = 0; i < seats; i++) {
        unsigned chunk = chunk_of(i);
        struct seat *seat = axi_load_relaxed(&registry.chunks[chunk]) + (i - chunk_start(chunk)); /* as above */
        if (seat != own_seat)
            free_seat(seat);
    }
    unlock();
}

/* Not under the mutex: a fork in another thread holds the C library's lock on the handlers while it
 * waits for our mutex. Without a key or fork handlers no thread may take a seat. */
static void make_ready(void)
{
    if (pthread_key_create(&registry.key, leave_seat) != 0)
        return;
    registry.ready = pthread_atfork(lock, unlock, fork_child) == 0;
}

/* --- the slow path: all under the mutex ---------------------------------------------------------- */

/* The index only picks where the table begins. */
static uint64_t *make_table(uint32_t index)
{
    char *memory = axi_allocate_zeroed(NULL, 0, TABLE_SIZE);
    if (!memory)
        return NULL;
    /* Else one slot could cost 2 MiB. A kernel without huge pages refuses; that is as good. */
    (void)madvise(memory, TABLE_SIZE, MADV_NOHUGEPAGE);
    return (uint64_t *)(void *)(memory + index % BEGINNINGS * LINE);
}

/* The chunk's seats, made if they are not there yet. */
static struct seat *chunk_seats_at(unsigned chunk)
{
    struct seat *seats = axi_load_relaxed(&registry.chunks[chunk]); /* relaxed: the mutex orders the writers */
    if (!seats && (seats = axi_allocate_zeroed(NULL, 0, chunk_seats(chunk) * sizeof *seats)))
        axi_store_relaxed(&registry.chunks[chunk], seats); /* relaxed: published by the count, in add_seat */
    return seats;
}

static struct seat *add_seat(void)
{
    uint32_t index = axi_load_relaxed(&registry.seats); /* relaxed: the mutex orders the writers */
    unsigned chunk = chunk_of(index);
    struct seat *seats = chunk < CHUNKS ? chunk_seats_at(chunk) : NULL;
    uint64_t *table = seats ? make_table(index) : NULL;
    if (!table)
        return NULL;
    struct seat *seat = seats + (index - chunk_start(chunk));
    seat->table = table;
    /* A1.rel: who reads the raised count sees the chunk's address, the seat and the zeroes of its table */
    axi_store_release(&registry.seats, index + 1, A1_rel);
    return seat;
}

static struct seat *take_seat(void)
{
    struct seat *seat = registry.free;
    if (!seat)
        return add_seat();
    registry.free = seat->next_free;
    return seat;
}

/* What the slots of this number hold, over all seats. */
static uint64_t slots_total(uint32_t number)
{
    uint64_t total = 0;
    uint32_t seats = axi_load_acquire(&registry.seats, A1_acq); /* A1.acq */
    for (unsigned chunk = 0; chunk_start(chunk) < seats; chunk++) {
        /* relaxed: set before the count that says it is there (A1) */
        struct seat *seat = axi_load_relaxed(&registry.chunks[chunk]);
        uint32_t here = seats - chunk_start(chunk);
        if (here > chunk_seats(chunk))
            here = chunk_seats(chunk);
        for (struct seat *end = seat + here; seat < end; seat++)
            /* relaxed: any value from the owner's past additions will do; quiescence orders the rest */
            total += AX_DETAIL_LOAD_RELAXED(&seat->table[number]);
    }
    return total;
}

/* Gives the adder a slot number if it has none. */
static bool take_number(ax_adder *adder)
{
    uint64_t offset = AX_DETAIL_LOAD_RELAXED(&adder->offset_); /* relaxed: the mutex orders the writers */
    if (offset != 0)
        return has_number(offset);
    uint32_t number;
    if (registry.free_count != 0) {
        number = registry.free_numbers[--registry.free_count];
    } else if (registry.numbers < AXI_ADDER_SLOTS) {
        number = registry.numbers++;
    } else {
        AX_DETAIL_STORE_RELAXED(&adder->offset_, NO_NUMBER); /* relaxed: there is no base to read after it */
        return false;
    }
    /* An earlier adder of this number may have left something in the slots; nobody adds there now. */
    adder->base_ = (int64_t)slots_total(number);
    /* A2.rel: who reads the offset sees the base */
    AX_DETAIL_STORE_RELEASE(&adder->offset_, offset_of(number), A2_rel);
    return true;
}

/* A seat for the calling thread. */
static bool take_own_seat(void)
{
    if (own_seat)
        return true;
    struct seat *seat = take_seat();
    if (!seat)
        return false;
    /* Without the key's destructor the seat would be lost at the thread's end. */
    if (pthread_setspecific(registry.key, seat) != 0) {
        free_seat(seat);
        return false;
    }
    own_seat = seat;
    ax_detail_adder_self = FIRST_OFFSET - (uintptr_t)seat->table;
    return true;
}

/* --- the interface ------------------------------------------------------------------------------- */

static bool enlist(ax_adder *adder)
{
    /* relaxed: the adder keeps a missing number until its end */
    if (AX_DETAIL_LOAD_RELAXED(&adder->offset_) == NO_NUMBER)
        return false;
    if (refused != 0) {
        refused--;
        return false;
    }
    int error = errno;
    (void)pthread_once(&registry.once, make_ready);
    lock();
    bool seated = registry.ready && take_own_seat();
    bool enlisted = seated && take_number(adder);
    unlock();
    errno = error;
    if (!seated)
        refused = REFUSED_ADDITIONS;
    return enlisted;
}

AXI_EXPORT void ax_detail_adder_add_slow(ax_adder *adder, int64_t n)
{
    if (enlist(adder))
        ax_adder_add(adder, n);
    else
        ax_adder_add_async(adder, n);
}

static uint64_t total(const ax_adder *adder)
{
    /* relaxed: an addition through the shared word is like one through a slot */
    uint64_t sum = (uint64_t)AX_DETAIL_LOAD_RELAXED(&adder->shared_);
    uint64_t offset = AX_DETAIL_LOAD_ACQUIRE(&adder->offset_, A2_acq); /* A2.acq */
    if (has_number(offset))
        sum += slots_total(number_of(offset)) - (uint64_t)adder->base_;
    return sum;
}

AXI_EXPORT int64_t ax_adder_sum(const ax_adder *adder)
{
    /* A3.acq: what the drainer had summed is not missed here, so no sum falls below what was drained */
    uint64_t drained = (uint64_t)AX_DETAIL_LOAD_ACQUIRE(&adder->drained_, A3_acq);
    return (int64_t)(total(adder) - drained);
}

AXI_EXPORT int64_t ax_adder_drain(ax_adder *adder)
{
    _Atomic int64_t *drained = (_Atomic int64_t *)&adder->drained_;
    int64_t before, now;
    do {
        before = axi_load_acquire(drained, A3_acq); /* A3.acq */
        now = (int64_t)total(adder);
        /* A3.rel: the next drainer's total includes all that this one has seen */
    } while (!axi_cas_release_relaxed(drained, &before, now, A3_rel));
    return (int64_t)((uint64_t)now - (uint64_t)before);
}

AXI_EXPORT void ax_adder_fini(ax_adder *adder)
{
    lock();
    uint64_t offset = AX_DETAIL_LOAD_RELAXED(&adder->offset_); /* relaxed: no call overlaps fini */
    if (has_number(offset))
        registry.free_numbers[registry.free_count++] = number_of(offset);
    unlock();
    ax_adder_init(adder);
}

AXI_EXPORT size_t ax_adder_memory(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), memory = 0;
    lock();
    uint32_t seats = axi_load_relaxed(&registry.seats); /* relaxed: the mutex orders the writers */
    for (uint32_t i = 0; i < seats; i++) /* its pages up to the slot of the highest number */
        memory += (i % BEGINNINGS * LINE + registry.numbers * sizeof(uint64_t) + page - 1) / page * page;
    for (unsigned chunk = 0; chunk_start(chunk) < seats; chunk++)
        memory += chunk_seats(chunk) * sizeof(struct seat);
    unlock();
    return memory;
}

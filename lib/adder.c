/* SPDX-License-Identifier: MIT */
/*
 * adder.c: registration, hand-over and summing of statistical counters.
 *
 *   registry.chunks[0] -> seat 0, seat 1, ...      one seat per thread alive at once; 64, 64, 128, 256 ...
 *   seat.table ---------> ... slot 1, slot 0       one slot per adder; written by the seat's owner only
 *
 * A thread takes a seat with its first addition and leaves it, contents and all, to the next thread. So
 * a slot has one writer at a time, its value is never moved elsewhere, and a sum over all seats meets
 * every addition once. Seats and tables are never freed: sum walks them without any protection.
 */
#include <atomicx/adder.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "export.h"

enum {
    FIRST_SEATS = 64, /* seats of chunk 0; chunk c > 0 doubles what is there */
    CHUNKS = 26,      /* 64 * 2^25 seats: more than Linux has thread ids for (2^22) */
    CLASSES = 9,      /* a table of class c has 64 * 8^c slots; 64 * 8^8 = 2^30 adders */
    TABLE_ALIGN = 64, /* a line of its own, and room for the class in the low bits of the address */
};

/* The address of a slot table with its class in the low bits: one word, so that no reader can pair the
 * address of one table with the length of another. 0: no table yet. */
typedef uintptr_t table_word;

static int64_t *table_slots(table_word table)
{
    return (int64_t *)(table & ~(uintptr_t)(TABLE_ALIGN - 1));
}

/* Offsets fall as slot numbers rise (see adder.h); this is slot 0's. No number may reach offset 0. */
#define TOP_OFFSET ((uint64_t)8 << 32)

static uint64_t offset_of(uint32_t number)
{
    return TOP_OFFSET - (uint64_t)8 * number;
}

static uint32_t number_of(uint64_t offset)
{
    return (uint32_t)((TOP_OFFSET - offset) / 8);
}

static uint32_t class_limit(unsigned class)
{
    return (uint32_t)FIRST_SEATS << (3 * class);
}

static uint32_t table_limit(table_word table)
{
    return table == 0 ? 0 : class_limit((unsigned)(table & (TABLE_ALIGN - 1)));
}

static int64_t *table_slot(table_word table, uint32_t number)
{
    return table_slots(table) + (table_limit(table) - 1 - number);
}

static struct ax_detail_adder_thread table_view(table_word table)
{
    return (struct ax_detail_adder_thread){ .base = (uintptr_t)table_slot(table, 0) - (uintptr_t)TOP_OFFSET,
                                            .floor = (uintptr_t)table_slots(table) };
}

#define NO_TABLE { .base = 0, .floor = (uintptr_t)INTPTR_MAX } /* above every offset, by a signed distance */

struct seat {
    _Atomic table_word table; /* written by the owner, under the mutex */
    struct seat *next_free;   /* under the mutex; meaningful while free */
};

/* What a table had been before it grew. A sum may still be reading it, so it is kept; being reachable
 * from here, it is no leak to a leak checker. */
struct outgrown {
    table_word table;
    struct outgrown *next;
};

static struct {
    pthread_mutex_t mutex;
    _Atomic(struct seat *) chunks[CHUNKS]; /* set once each, under the mutex */
    _Atomic uint32_t seats;                /* how many were ever taken; raised under the mutex */
    struct seat *free;                     /* under the mutex, like all that follows */
    struct outgrown *outgrown;
    uint32_t *free_numbers; /* a stack with room for every number ever given, so that giving back can't fail */
    uint32_t free_count, free_room, numbers;
    size_t memory;
    pthread_once_t once;
    bool ready; /* the key and the fork handlers are there */
    pthread_key_t key;
} registry = { .mutex = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

AXI_EXPORT __thread struct ax_detail_adder_thread ax_detail_adder_self = NO_TABLE;
static __thread struct seat *own_seat;

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
    ax_detail_adder_self = (struct ax_detail_adder_thread)NO_TABLE;
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

static struct seat *take_seat(void)
{
    struct seat *seat = registry.free;
    if (seat) {
        registry.free = seat->next_free;
    } else {
        uint32_t index = axi_load_relaxed(&registry.seats); /* relaxed: the mutex orders the writers */
        unsigned chunk = chunk_of(index);
        if (chunk >= CHUNKS)
            return NULL;
        struct seat *seats = axi_load_relaxed(&registry.chunks[chunk]); /* as above */
        if (!seats) {
            size_t size = chunk_seats(chunk) * sizeof *seats;
            seats = aligned_alloc(TABLE_ALIGN, (size + TABLE_ALIGN - 1) & ~(size_t)(TABLE_ALIGN - 1));
            if (!seats)
                return NULL;
            memset(seats, 0, size);
            registry.memory += size;
            axi_store_relaxed(&registry.chunks[chunk], seats); /* published by the count below */
        }
        seat = seats + (index - chunk_start(chunk));
        /* A1.rel: who reads the raised count sees the chunk's address and its zeroes */
        axi_store_release(&registry.seats, index + 1, A1_rel);
    }
    return seat;
}

/* Gives the seat a table with room for slot `number`, keeping what the old one holds. */
static bool grow_table(struct seat *seat, uint32_t number)
{
    table_word old = axi_load_relaxed(&seat->table); /* relaxed: the owner reads its own */
    uint32_t old_limit = table_limit(old);
    if (number < old_limit)
        return true;
    unsigned class = 0;
    while (class < CLASSES && class_limit(class) <= number)
        class++;
    if (class == CLASSES)
        return false;

    struct outgrown *keep = NULL;
    if (old != 0 && !(keep = malloc(sizeof *keep)))
        return false;
    /* calloc and not aligned_alloc: large tables come as untouched zero pages */
    size_t size = class_limit(class) * sizeof(int64_t);
    char *memory = calloc(1, size + TABLE_ALIGN);
    if (!memory) {
        free(keep);
        return false;
    }
    table_word table = (((uintptr_t)memory + TABLE_ALIGN - 1) & ~(uintptr_t)(TABLE_ALIGN - 1)) | class;
    for (uint32_t i = 0; i < old_limit; i++) /* relaxed: own slots; published as a whole below */
        AX_DETAIL_STORE_RELAXED(table_slot(table, i), AX_DETAIL_LOAD_RELAXED(table_slot(old, i)));
    if (keep) {
        *keep = (struct outgrown){ old, registry.outgrown };
        registry.outgrown = keep;
        registry.memory += sizeof *keep;
    }
    registry.memory += size + TABLE_ALIGN;
    /* A2.rel: who reads this address sees the zeroes and what was copied */
    axi_store_release(&seat->table, table, A2_rel);
    return true;
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
        for (struct seat *end = seat + here; seat < end; seat++) {
            table_word table = axi_load_acquire(&seat->table, A2_acq); /* A2.acq */
            if (number < table_limit(table))
                /* relaxed: any value from the owner's past additions will do; quiescence orders the rest */
                total += (uint64_t)AX_DETAIL_LOAD_RELAXED(table_slot(table, number));
        }
    }
    return total;
}

/* Gives the adder a slot number if it has none. */
static bool take_number(ax_adder *adder)
{
    if (AX_DETAIL_LOAD_RELAXED(&adder->offset_) != 0) /* relaxed: the mutex orders the writers */
        return true;
    uint32_t number;
    if (registry.free_count != 0) {
        number = registry.free_numbers[--registry.free_count];
    } else {
        if (registry.numbers == class_limit(CLASSES - 1))
            return false;
        if (registry.numbers == registry.free_room) {
            uint32_t room = registry.free_room == 0 ? FIRST_SEATS : 2 * registry.free_room;
            uint32_t *numbers = realloc(registry.free_numbers, room * sizeof *numbers);
            if (!numbers)
                return false;
            registry.memory += (room - registry.free_room) * sizeof *numbers;
            registry.free_numbers = numbers;
            registry.free_room = room;
        }
        number = registry.numbers++;
    }
    /* An earlier adder of this number may have left something in the slots; nobody adds there now. */
    adder->base_ = (int64_t)slots_total(number);
    /* A3.rel: who reads the offset sees the base */
    AX_DETAIL_STORE_RELEASE(&adder->offset_, offset_of(number), A3_rel);
    return true;
}

/* A seat with room for the adder's slot, for the calling thread. */
static bool enlist(ax_adder *adder)
{
    if (!registry.ready || !take_number(adder))
        return false;
    struct seat *seat = own_seat;
    if (!seat) {
        if (!(seat = take_seat()))
            return false;
        /* Without the key's destructor the seat would be lost at the thread's end. */
        if (pthread_setspecific(registry.key, seat) != 0) {
            free_seat(seat);
            return false;
        }
        own_seat = seat;
    }
    /* relaxed, twice: the mutex orders the offset's writers, and the owner reads its own table */
    if (!grow_table(seat, number_of(AX_DETAIL_LOAD_RELAXED(&adder->offset_))))
        return false;
    ax_detail_adder_self = table_view(axi_load_relaxed(&seat->table));
    return true;
}

/* --- the interface ------------------------------------------------------------------------------- */

AXI_EXPORT void ax_detail_adder_add_slow(ax_adder *adder, int64_t n)
{
    int error = errno;
    (void)pthread_once(&registry.once, make_ready);
    lock();
    bool enlisted = enlist(adder);
    unlock();
    errno = error;
    if (enlisted)
        ax_adder_add(adder, n);
    else
        ax_adder_add_async(adder, n);
}

static uint64_t total(const ax_adder *adder)
{
    /* relaxed: an addition through the shared word is like one through a slot */
    uint64_t sum = (uint64_t)AX_DETAIL_LOAD_RELAXED(&adder->shared_);
    uint64_t offset = AX_DETAIL_LOAD_ACQUIRE(&adder->offset_, A3_acq); /* A3.acq */
    if (offset != 0)
        sum += slots_total(number_of(offset)) - (uint64_t)adder->base_;
    return sum;
}

AXI_EXPORT int64_t ax_adder_sum(const ax_adder *adder)
{
    /* A4.acq: what the drainer had summed is not missed here, so no sum falls below what was drained */
    uint64_t drained = (uint64_t)AX_DETAIL_LOAD_ACQUIRE(&adder->drained_, A4_acq);
    return (int64_t)(total(adder) - drained);
}

AXI_EXPORT int64_t ax_adder_drain(ax_adder *adder)
{
    _Atomic int64_t *drained = (_Atomic int64_t *)&adder->drained_;
    int64_t before, now;
    do {
        before = axi_load_acquire(drained, A4_acq); /* A4.acq */
        now = (int64_t)total(adder);
        /* A4.rel: the next drainer's total includes all that this one has seen */
    } while (!axi_cas_release_relaxed(drained, &before, now, A4_rel));
    return (int64_t)((uint64_t)now - (uint64_t)before);
}

AXI_EXPORT void ax_adder_fini(ax_adder *adder)
{
    lock();
    uint64_t offset = AX_DETAIL_LOAD_RELAXED(&adder->offset_); /* relaxed: no call overlaps fini */
    if (offset != 0)
        registry.free_numbers[registry.free_count++] = number_of(offset);
    unlock();
    ax_adder_init(adder);
}

AXI_EXPORT size_t ax_adder_memory(void)
{
    lock();
    size_t memory = registry.memory;
    unlock();
    return memory;
}

/* SPDX-License-Identifier: MIT */
/*
 * What memo.c (the table), memo_entry.c (references, eviction, freeing), memo_flight.c (computing and
 * waiting) and memo_fork.c (all memos, in a forked child) share.
 *
 *   ax_memo -> shard[] -> table -> bucket chains of entries     read in RCU sections, written under the
 *                      -> ring of the same entries (eviction)   shard's mutex
 *
 * An entry's references: one of the table while linked, one of its computing thread, one of each waiter
 * and one of each ax_memo_ref that has no pin (below). At zero it is unlinked for good, its value is destroyed,
 * and its memory goes after a grace period, as a reader may still be looking at it.
 */
#ifndef AXI_MEMO_IMPL_H
#define AXI_MEMO_IMPL_H

#include <atomicx/adder.h>
#include <atomicx/memo.h>

#include <pthread.h>
#include <stdbool.h>

#include "alloc.h"
#include "hash.h"
#include "reclaim.h"

/*
 * The state of an entry, a futex word. WAITED may stand beside COMPUTING: somebody sleeps, and is woken by
 * whoever ends that state, for whatever reason.
 *   VACANT -> COMPUTING  by compare-and-swap: whoever succeeds computes
 *   COMPUTING -> READY or FAILED, for good; COMPUTING -> VACANT when the computing thread ends
 */
enum axi_memo_state {
    AXI_MEMO_VACANT = 0,
    AXI_MEMO_COMPUTING = 1,
    AXI_MEMO_READY = 2,
    AXI_MEMO_FAILED = 3,
    AXI_MEMO_STATE = 3,
    AXI_MEMO_WAITED = 4,
};

enum axi_memo_kind { AXI_MEMO_ENTRY, AXI_MEMO_TABLE }; /* what is retired */

struct axi_memo_entry {
    struct axi_retired retired;
    bool linked; /* in the table. Under the shard's mutex, as the ring. */
    struct axi_memo_entry *ring_next, *ring_previous;
    struct axi_memo_entry *blocked_on; /* what the computing thread waits for. memo_flight.c's mutex. */

    /* What a hit looks at: one line, with the first 8 bytes of the key. */
    _Alignas(64) _Atomic(struct axi_memo_entry *) next; /* in the bucket. Under the shard's mutex; readers walk it. */
    uint64_t hash;                                      /* constant, as key and key_len */
    size_t key_len;
    _Atomic uint32_t refs; /* a count, AXI_MEMO_COUNTING and AXI_MEMO_ENDING */
    _Atomic uint32_t state;
    /* The outcome. Written by the computing thread before the state says READY or FAILED (F1). */
    void *value;
    uint64_t expires; /* nanoseconds of CLOCK_MONOTONIC; UINT64_MAX: never */
    ax_status status;
    _Atomic uint32_t used; /* since the hand last came by. Readers and the hand. */
    unsigned char key[];
};

/* A computation, on the stack of its thread. */
struct axi_memo_flight {
    ax_memo *memo;
    struct axi_memo_entry *entry;
    struct axi_memo_flight *outer; /* the thread's, around this one */
};

/*
 * A pin is a reference that the entry's count doesn't know of: a word of its holder's stripe says so, and who hits an
 * entry that others hit, too, writes nothing that they write.
 *   0                          free
 *   entry                      somebody has a reference to it
 *   entry | AXI_MEMO_COUNTED   the same, and by now the count knows
 * Whoever wants to end an entry sets AXI_MEMO_ENDING, then looks through all pins and has them counted; who pins it
 * looks for AXI_MEMO_ENDING then (F4). Where all words of a stripe are in use, references are counted to begin with.
 */
#ifndef AXI_MEMO_STRIPES_MAX /* model tests have one pin, so that all threads meet in it */
#define AXI_MEMO_STRIPES_MAX 64
#endif
#ifndef AXI_MEMO_PINS
#define AXI_MEMO_PINS 8 /* a line */
#endif
#define AXI_MEMO_ENDING ((uint32_t)1 << 31)   /* of refs: takes no pins */
#define AXI_MEMO_COUNTING ((uint32_t)1 << 30) /* so much too high while pins are being counted: not everybody's yet */
#define AXI_MEMO_COUNTED ((uintptr_t)1)

struct axi_memo_stripe {
    _Alignas(AXI_ISOLATION) _Atomic uintptr_t pins[AXI_MEMO_PINS];
};

struct axi_memo_table {
    struct axi_retired retired;
    size_t buckets; /* a power of two */
    _Atomic(struct axi_memo_entry *) heads[];
};

struct axi_memo_shard {
    pthread_mutex_t mutex __attribute__((aligned(AXI_ISOLATION)));
    _Atomic(struct axi_memo_table *) table; /* under the mutex; readers load it */
    _Atomic size_t count;                   /* written under the mutex, as the hand; stats reads */
    struct axi_memo_entry *hand;            /* where eviction looks next; NULL: no entry */
};

struct ax_memo {
    ax_memo_options options; /* constant, as the next five */
    struct axi_hash_prepared hash;
    uint32_t shard_count; /* a power of two */
    uint32_t stripe_count; /* a power of two */
    size_t shard_capacity; /* SIZE_MAX: no bound */
    struct axi_memo_shard *shards;
    struct axi_domain domain;
    _Atomic size_t ending; /* entries out of the table whose references are not yet zero */
    uint64_t left_behind; /* flights of other threads at a fork, in the child. Its fork handler. */
    ax_memo *next;        /* all memos. memo_fork.c's mutex. */
    ax_adder hits, waits, computations, errors, handovers, evictions, expirations, timeouts;
    struct axi_memo_stripe stripes[];
};

static inline _Atomic uintptr_t *axi_memo_pin(const ax_memo *memo, size_t i)
{
    return (_Atomic uintptr_t *)&memo->stripes[i / AXI_MEMO_PINS].pins[i % AXI_MEMO_PINS];
}

/* --- memo_entry.c --- */
struct axi_memo_entry *axi_memo_entry_create(ax_memo *memo, const void *key, size_t key_len, uint64_t hash);
/* One that was never linked. */
void axi_memo_entry_discard(ax_memo *memo, struct axi_memo_entry *entry);
/* In a read section or under the shard's mutex. False: it has ended. */
bool axi_memo_ref_entry(struct axi_memo_entry *entry);
/* Not under a lock: may destroy the value. */
void axi_memo_unref_entry(ax_memo *memo, struct axi_memo_entry *entry);
/* As axi_memo_ref_entry, of an entry that is READY: a pin if possible. Gives what to let go of, NULL: it has ended. */
void *axi_memo_hold(ax_memo *memo, struct axi_memo_entry *entry);
/* Gives up what axi_memo_hold gave, or a counted reference. Not under a lock. */
void axi_memo_let_go(ax_memo *memo, void *hold);
/* Gives up the table's reference to an entry that was taken out of it. Not under a lock. */
void axi_memo_unref_unlinked(ax_memo *memo, struct axi_memo_entry *entry);
/* The same for one that is in the table, if nobody else has a reference to it. Under the shard's mutex. */
bool axi_memo_unref_unused(ax_memo *memo, struct axi_memo_entry *entry);
/* What follows the last reference. */
void axi_memo_entry_end(ax_memo *memo, struct axi_memo_entry *entry);
size_t axi_memo_release_retired(struct axi_domain *domain, struct axi_retired *thing, unsigned kind);
uint64_t axi_memo_now(void);
/* Whether a published outcome is too old to be given to a new caller. */
bool axi_memo_expired(const struct axi_memo_entry *entry);

/* --- memo.c --- */
/* Takes the entry out of the table if it is in it. */
void axi_memo_unlink_entry(ax_memo *memo, struct axi_memo_entry *entry);

/* --- memo_flight.c --- */
/* The outcome of an entry the caller has a reference to; computes or waits as needed. The reference
 * becomes *ref's, or is given up. deadline NULL: none. `first`: the flight, if the caller made the entry and has
 * begun it; else NULL. `state`: as it was found. */
ax_status axi_memo_fly(ax_memo *memo, struct axi_memo_entry *entry, const struct timespec *deadline,
                       struct axi_memo_flight *first, uint32_t state, ax_memo_ref *ref);
/* The calling thread computes the entry from now on. */
void axi_memo_flight_begin(struct axi_memo_flight *flight, ax_memo *memo, struct axi_memo_entry *entry);
bool axi_memo_computes(const struct axi_memo_entry *entry); /* by the calling thread */
void axi_memo_flights_before_fork(void);
void axi_memo_flights_after_fork(void);

/* --- memo_fork.c --- */
/* False: no memory for fork handlers. */
bool axi_memo_enlist(ax_memo *memo);
void axi_memo_delist(ax_memo *memo);

#endif

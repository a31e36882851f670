/* SPDX-License-Identifier: MIT */
/*
 * What the accounts*.c files share: the layout of a table in memory and the multi-word step. Everything is
 * position independent (numbers instead of pointers), and every field a kill -9 can interrupt is one word.
 *
 *   struct ax_accounts   header: a read-mostly line, the line that open writes, the line that audits write
 *   struct place[]       `calls` of them: what one change in progress wants to do
 *   struct account[]     a line each
 *   struct earlier[]     for each account the balance before its latest audit; touched once per audit
 *
 * A balance of full 64 bits has no room for a mark or a version, and a helper that was suspended must not
 * be able to write an old balance late. So a balance lies in four words, 16 bits in each, beside a version:
 * all writes are compare-and-swaps from a word that never comes back. The lowest 16 bits lie in the account's
 * state word, so that a change that does not carry out of them writes nothing else.
 */
#ifndef AXI_ACCOUNTS_H
#define AXI_ACCOUNTS_H

#include <atomicx/accounts.h>

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

/*
 * The state of an account, one word:
 *   0                            no such account (yet)
 *   bit 63 clear   free:         bits 16-62 version, bits 0-15 the lowest bits of the balance
 *   bit 63 set     taken by a change in progress: bits 51-62 its place, bits 0-50 its number there
 * The version rises each time the account becomes free, whether the balance changed or not, and a number is
 * used by one change only: no word comes back (but for wrap-around, see accounts.h).
 */
typedef uint64_t state_word;
#define STATE_TAKEN ((state_word)1 << 63)
#define STATE_NUMBER (((state_word)1 << 51) - 1)
#define STATE_VERSION (((state_word)1 << 47) - 1)

static inline bool state_taken(state_word w)
{
    return (w & STATE_TAKEN) != 0;
}

static inline uint32_t state_place(state_word w)
{
    return (uint32_t)(w >> 51) & 0xfff;
}

static inline state_word state_make_taken(uint32_t place, uint64_t number)
{
    return STATE_TAKEN | (state_word)place << 51 | (number & STATE_NUMBER);
}

static inline state_word state_make_free(uint64_t version, uint64_t balance)
{
    return version << 16 | (balance & 0xffff);
}

/* The version after that of a free word; never 0, so that no word of an open account is 0. */
static inline uint64_t state_next_version(state_word w)
{
    uint64_t next = ((w >> 16) + 1) & STATE_VERSION;
    return next != 0 ? next : 1;
}

/* A part of a balance, one word: bits 16-62 the version it was written for, bits 0-15 sixteen bits of it. */
typedef uint64_t part_word;

struct account {
    /* Taken by who installs a change, freed by whoever completes it. */
    _Alignas(64) _Atomic state_word state;
    /* Written while taken by a change that has succeeded, by whoever completes it, each word once per change. */
    _Atomic part_word high[3];  /* bits 16-31, 32-47, 48-63 of the balance */
    _Atomic uint64_t stamp;     /* the audit clock at the latest change; only rises */
    _Atomic int64_t floor;      /* written by open only */
};

/* The balance before the account's first change of its latest stamp; written like `high`. */
struct earlier {
    _Atomic part_word parts[4];
};

/*
 * The outcome of a change, one word. Undecided carries the change's number, so a decider that comes late finds
 * another word; success carries the time stamp.
 */
typedef uint64_t outcome_word;
#define OUTCOME_KIND ((outcome_word)3)
#define OUTCOME_UNDECIDED ((outcome_word)1)
#define OUTCOME_SUCCESS ((outcome_word)2)
#define OUTCOME_FAILURE ((outcome_word)3)

static inline outcome_word outcome_make(outcome_word kind, uint64_t value)
{
    return value << 2 | kind;
}

/* One account's part in a change. Accounts are in ascending order. */
struct leg {
    uint32_t account;
    state_word expected; /* a free word: the state the balance was read in */
    int64_t before, after;
};

/* The same, where others read it: written by the place's owner, before it takes the first account. */
struct shared_leg {
    _Atomic uint64_t account;
    _Atomic state_word expected;
    _Atomic int64_t before, after;
};

struct place {
    /* low half: the kernel's thread id of the owner, 0 for none; high half: rises with each owner */
    _Alignas(AXI_ISOLATION) _Atomic uint64_t owner;
    _Atomic uint64_t number;  /* of the latest change; the owner's alone */
    _Atomic uint64_t count;   /* legs that may have been installed; 0: no account can refer to this place */
    _Atomic outcome_word outcome;
    struct shared_leg legs[AX_ACCOUNTS_MAX_LEGS];
};

#define ACCOUNTS_MAGIC UINT64_C(0x3174636361747861) /* "axtacct1": the layout's version is its last digit */

struct ax_accounts {
    /* Written by init only. */
    _Alignas(AXI_ISOLATION) _Atomic uint64_t magic; /* last word that init writes */
    uint64_t size;
    uint32_t capacity;
    uint32_t calls;
    const ax_allocator *allocator; /* of create; meaningless in another process */

    _Alignas(AXI_ISOLATION) _Atomic uint32_t opened;

    /* Written by audits only. Audit n is the instant at which the clock goes from n to n + 1. */
    _Alignas(AXI_ISOLATION) _Atomic uint64_t clock;
    _Atomic uint64_t completed; /* an audit that somebody has completed; a hint */
    _Atomic uint64_t wanted;    /* an audit that somebody needs who was overtaken before; a hint */
};

static inline struct place *accounts_places(const ax_accounts *t)
{
    return (struct place *)(uintptr_t)(t + 1);
}

static inline struct account *accounts_table(const ax_accounts *t)
{
    return (struct account *)(uintptr_t)(accounts_places(t) + t->calls);
}

static inline struct earlier *accounts_earlier(const ax_accounts *t)
{
    return (struct earlier *)(uintptr_t)(accounts_table(t) + t->capacity);
}

/* accounts_place.c: a place of the caller's own, all earlier use of it completed. NULL: all are busy. */
struct place *axi_place_take(ax_accounts *accounts);
void axi_place_leave(struct place *place);
/* accounts_place.c, for init and attach: prepares this process for axi_place_take. False: no memory for it. */
bool axi_place_prepare(void);

/* accounts_step.c: tries to change all legs from `expected` to `after` as one step. False: one had changed. */
bool axi_step(ax_accounts *accounts, struct place *place, const struct leg *legs, uint32_t count);
/* accounts_step.c: completes what the dead owner of this place may have left, as its new owner. */
void axi_step_recover(ax_accounts *accounts, struct place *place);
/* accounts_step.c: completes the change that the account was seen taken by. */
void axi_step_help(ax_accounts *accounts, uint32_t account, state_word taken);
/* accounts_step.c: leg->before and leg->expected of leg->account. False: no such account. */
bool axi_account_read(ax_accounts *accounts, struct leg *leg);
/* accounts_step.c: the balance as of audit `audit`, the latest; 0 where there is no account. */
int64_t axi_account_read_as_of(ax_accounts *accounts, uint32_t account, uint64_t audit);

#endif

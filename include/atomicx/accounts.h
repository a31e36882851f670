/* SPDX-License-Identifier: MIT */
/**
 * accounts.h: a table of accounts with balances, transfers in one step, and audits as of one instant.
 *
 *     ax_accounts *bank;
 *     ax_accounts_create(1000, 64, NULL, &bank);
 *     uint32_t alice, bob;
 *     ax_accounts_open(bank, 0, &alice);                    floor 0: never overdrawn
 *     ax_accounts_open(bank, -50000, &bob);
 *     ax_accounts_deposit(bank, alice, 2500);
 *     if (ax_accounts_transfer(bank, alice, bob, 1999) == AX_EINSUFFICIENT)
 *         ...
 *
 * Balances are signed 64-bit counts of the smallest unit of money (cents). Invariants: no balance is ever
 * below its account's floor; the sum of all balances is what was deposited less what was withdrawn; a
 * transfer changes all its accounts or none, at one instant. All operations are linearizable.
 *
 * | operation                        | progress  | blocks | allocates | signal handler | after kill -9 in the middle |
 * |----------------------------------|-----------|--------|-----------|----------------|-----------------------------|
 * | open                             | lock-free | never  | never     | yes            | opened, or one number is burned |
 * | deposit, withdraw                | lock-free | never  | never     | yes            | done or not                 |
 * | transfer, transfer_many          | lock-free | never  | never     | yes            | done or not, never half     |
 * | balance                          | lock-free | never  | never     | yes            | nothing                     |
 * | audit, audit_all                 | lock-free (a) | never | never  | yes            | nothing                     |
 * | opened, capacity                 | wait-free | never  | never     | yes            | nothing                     |
 *
 * No call waits for another: who finds an account taken by a transfer in progress, its thread suspended,
 * ended or killed, completes that transfer and goes on. (a) An audit is begun again only when another
 * audit has been completed in the meantime; audits and transfers do not hold each other up.
 *
 * All calls but init, fini, create and destroy may overlap, on any accounts, from any threads and, in
 * MAP_SHARED memory, any processes that attached; there is nothing to register. A call that changes
 * balances uses one of the table's `calls` places while it runs. When more than `calls` are in progress
 * at once (suspended ones count), the next one returns AX_EAGAIN and has changed nothing. Places of killed
 * processes and ended threads are taken over when places run short. For that, processes that share a table
 * must be in one PID namespace, and a killed one counts as ended once it has been waited for.
 *
 * fork: a table private to the process (create) may be used in the child; it completes there what
 * other threads of the parent were in the middle of, and their places in the child's copy are free once
 * those threads of the parent have ended. A shared table is used on by both.
 *
 * Memory order. B1: what a thread did before a call that changed an account happens before what another
 * does after a call that saw the change, or a later state of the same account: balance, an audit that
 * includes it, a change, or a refusal (AX_EINSUFFICIENT, AX_ERANGE). Calls on accounts that have nothing
 * to do with each other order nothing in the callers.
 *
 * Each change of an account takes a version number of 47 bits, which come round: the guarantees hold
 * unless one single call sleeps through 2^47 changes of one account (months at the full speed of a core).
 *
 * Source: multi-word compare-and-swap with helping after Harris, Fraser and Pratt, "A practical multi-word
 * compare-and-swap operation" (DISC 2002), with version numbers instead of their restricted double compare
 * and their collector; the audit is a snapshot by time stamps that only audits advance (Wei, Ben-David,
 * Blelloch, Fatourou, Ruppert and Sun, "Constant-time snapshots with applications to concurrent data
 * structures", PPoPP 2021) with one earlier version kept for each account (Riany, Shavit and Touitou,
 * "Towards a practical snapshot algorithm", PODC 1995).
 */
#ifndef ATOMICX_ACCOUNTS_H
#define ATOMICX_ACCOUNTS_H

#include <stddef.h>
#include <stdint.h>

#include <atomicx/alloc.h>
#include <atomicx/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_ACCOUNTS_MAX_CAPACITY 268435456u /**< 2^28 accounts */
#define AX_ACCOUNTS_MAX_CALLS 4096u         /**< changes in progress at once */
#define AX_ACCOUNTS_MAX_LEGS 8u             /**< accounts in one transfer */

typedef struct ax_accounts ax_accounts; /**< opaque */

/** One account's part in a transfer of several. */
typedef struct ax_accounts_leg {
    uint32_t account;
    int64_t amount; /**< what is added to its balance; negative: taken from it */
} ax_accounts_leg;

/**
 * Bytes for `capacity` accounts (1 to AX_ACCOUNTS_MAX_CAPACITY) and up to `calls` changes in progress at once
 * (1 to AX_ACCOUNTS_MAX_CALLS; twice the number of threads is a good choice): about 96 * capacity +
 * 384 * calls + 1024. 0 when an argument is out of range.
 */
size_t ax_accounts_size(uint32_t capacity, uint32_t calls);

/**
 * Makes a table without accounts in the caller's memory (at least ax_accounts_size bytes, aligned to 128),
 * which may be MAP_SHARED, and gives its address in *accounts. AX_EINVAL for arguments out of range. No
 * other call may overlap; publish it afterwards. The memory may hold anything before.
 */
ax_status ax_accounts_init(void *memory, size_t size, uint32_t capacity, uint32_t calls, ax_accounts **accounts);

/**
 * Finds the table that another process made in shared memory. AX_ECORRUPT when there is none, or one of
 * another version, or the memory is smaller than it needs; AX_EINVAL. Must happen after its init.
 */
ax_status ax_accounts_attach(void *memory, size_t size, ax_accounts **accounts);

/** Ends a table made by init, after all other calls everywhere; the memory is the caller's again. */
void ax_accounts_fini(ax_accounts *accounts);

/** As init, in memory of the allocator (NULL: the C library's). AX_ENOMEM, AX_EINVAL. */
ax_status ax_accounts_create(uint32_t capacity, uint32_t calls, const ax_allocator *allocator, ax_accounts **accounts);

/** Ends a table made by create, after all other calls. NULL is allowed. */
void ax_accounts_destroy(ax_accounts *accounts);

/**
 * Opens an account with balance 0 and gives its number, which is less than the capacity, in *account. The
 * balance will never be below `floor`, which is 0 or negative (an overdraft limit; INT64_MIN: none).
 * AX_EINVAL for a floor above 0; AX_ENOMEM when all numbers are given out. Accounts are never closed.
 */
ax_status ax_accounts_open(ax_accounts *accounts, int64_t floor, uint32_t *account);

/**
 * Adds amount, 0 or more, to the balance. AX_ERANGE when the balance would not fit in an int64_t,
 * AX_ENOTFOUND when there is no such account, AX_EINVAL for a negative amount, AX_EAGAIN when all places
 * are busy: nothing is changed.
 */
ax_status ax_accounts_deposit(ax_accounts *accounts, uint32_t account, int64_t amount);

/** Takes amount, 0 or more, from the balance. AX_EINSUFFICIENT when it would fall below the floor; else as deposit. */
ax_status ax_accounts_withdraw(ax_accounts *accounts, uint32_t account, int64_t amount);

/**
 * Moves amount, 0 or more, from one account to another, in one atomic step. AX_EINSUFFICIENT, AX_ERANGE,
 * AX_ENOTFOUND, AX_EAGAIN, and AX_EINVAL for a negative amount or from = to: nothing is changed.
 */
ax_status ax_accounts_transfer(ax_accounts *accounts, uint32_t from, uint32_t to, int64_t amount);

/**
 * Adds legs[i].amount to the balance of legs[i].account, for all `count` legs (1 to AX_ACCOUNTS_MAX_LEGS), in one
 * atomic step. The amounts sum to zero and no account comes twice, else AX_EINVAL. AX_EINSUFFICIENT, AX_ERANGE,
 * AX_ENOTFOUND (of the leg with the lowest account number that has a reason), AX_EAGAIN: nothing is changed.
 */
ax_status ax_accounts_transfer_many(ax_accounts *accounts, const ax_accounts_leg *legs, uint32_t count);

/** The balance now. AX_ENOTFOUND: *balance is unchanged. */
ax_status ax_accounts_balance(ax_accounts *accounts, uint32_t account, int64_t *balance);

/**
 * The sum of all balances as of one instant during the call, to which each transfer contributes all of its
 * legs or none. AX_ERANGE when it does not fit in an int64_t: *sum is unchanged. Time: a few loads per account.
 */
ax_status ax_accounts_audit(ax_accounts *accounts, int64_t *sum);

/**
 * As audit, and every balance as of that instant: balances[i] is account i's, for i below *count (the number of
 * accounts given out, see ax_accounts_opened). AX_ERANGE, with *sum and *count unchanged and balances[] written in
 * part or whole, when `room` is less than that count or the sum does not fit. sum and count may be NULL;
 * without sum it need not fit.
 */
ax_status ax_accounts_audit_all(ax_accounts *accounts, int64_t *balances, uint32_t room, uint32_t *count, int64_t *sum);

/** How many account numbers were given out: accounts are 0 to this - 1. A number burned by a kill -9 in open counts. */
uint32_t ax_accounts_opened(const ax_accounts *accounts);

/** The capacity of init. */
uint32_t ax_accounts_capacity(const ax_accounts *accounts);

#ifdef __cplusplus
}
#endif
#endif

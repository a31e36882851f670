/* SPDX-License-Identifier: MIT */
/* What the banks share: the accounts in their several forms, the ledgers, and the hot loop. */
#ifndef STRESS_ACCOUNTS_H
#define STRESS_ACCOUNTS_H

#include <pthread.h>

#include <atomicx/accounts.h>
#include <atomicx/stress.h>

#define STRESS_ISOLATION 128

enum { ACCOUNTS_TRANSFER, ACCOUNTS_BATCH, ACCOUNTS_DEPOSIT, ACCOUNTS_WITHDRAW };

/* The operations of its history, in which every balance is told from the floor up: the model's own floor is 0. */
enum { ACCOUNTS_TRANSFERRED, ACCOUNTS_DEPOSITED, ACCOUNTS_WITHDREW, ACCOUNTS_AUDITED };

/* An account of those who keep them themselves. Plain: what guards it is the implementation's business. */
struct accounts_row {
    _Alignas(64) pthread_mutex_t mutex;
    int64_t balance;
};

struct accounts_shared {
    ax_accounts *accounts;
    struct accounts_row *row;
    uint32_t count;
    int64_t opening, floor, most; /* at first; never below; the largest amount moved at once */
    _Alignas(STRESS_ISOLATION) pthread_mutex_t mutex;
};

struct accounts_tally {
    int64_t *ledger; /* for each account what this worker's accepted calls added to it */
    int64_t accepted, refused, deposited, withdrawn;
};

/* What an observer's audits came to. */
struct accounts_audits {
    int64_t *balances;
    int64_t count, least, most, lowest; /* the sums' extremes, and the lowest balance of any account */
};

/* One bank. What it refuses (false) it must not have done. */
struct accounts_kind {
    bool (*transfer)(struct accounts_shared *shared, uint32_t from, uint32_t to, int64_t amount);
    bool (*batch)(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count);
    bool (*deposit)(struct accounts_shared *shared, uint32_t account, int64_t amount);
    bool (*withdraw)(struct accounts_shared *shared, uint32_t account, int64_t amount);
    void (*audit)(struct accounts_shared *shared, int64_t *balances);
};

/* In accounts.c, for every kind. */
void accounts_enter(ax_stress_worker *self);
void accounts_look(ax_stress_worker *self, const struct accounts_kind *kind);
void accounts_do(ax_stress_worker *self, const struct accounts_kind *kind, uint64_t count);

#define ACCOUNTS_IMPL(name)                                                       \
    static const struct accounts_kind name##_kind = {                             \
        name##_transfer, name##_batch, name##_deposit, name##_withdraw, name##_audit \
    };                                                                            \
    static void name##_work(ax_stress_worker *self, uint64_t begin, uint64_t end) \
    {                                                                             \
        accounts_do(self, &name##_kind, end - begin);                             \
    }                                                                             \
    static void name##_look(ax_stress_worker *self)                               \
    {                                                                             \
        accounts_look(self, &name##_kind);                                        \
    }

/* The rows of one who holds what guards them. */
bool accounts_rows_post(struct accounts_shared *shared, const ax_accounts_leg *legs, uint32_t count);
void accounts_rows_copy(const struct accounts_shared *shared, int64_t *balances);

/* accounts_others.c */
extern const ax_stress_impl accounts_mutex, accounts_two_mutexes;
/* stress/broken */
extern const ax_stress_impl broken_lost_update, broken_overdraft, broken_in_flight;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the memo's implementations share: the computation, what is written down of each one, and what of
 * each call. A key is a number; its value is the sum of the numbers in a small file, after a slow call.
 */
#ifndef STRESS_MEMO_H
#define STRESS_MEMO_H

#include <pthread.h>
#include <stdatomic.h>

#include <atomicx/memo.h>
#include <atomicx/stress.h>

enum { MEMO_FILES = 16, MEMO_LINES = 100 };

/* The operations of its history, as those of a map: a call that computed put its value where there must have been none,
 * any other call found one. */
enum { MEMO_FOUND, MEMO_COMPUTED };

/* One value. Plain on purpose: whoever gets it reads it without more ado. */
struct memo_value {
    uint64_t key;
    int64_t serial; /* which computation it comes from, from 1 */
    int64_t sum;    /* of its file */
    int64_t complete; /* ~serial, written last */
};

/* Of one computation. */
struct memo_computed {
    int64_t key, serial, end; /* end: nanoseconds since the run began */
    struct memo_computed *next;
};

struct memo_shared {
    ax_memo *ours;
    pthread_mutex_t mutex; /* memo2's, memo3's */
    pthread_cond_t done;   /* memo4's */
    _Atomic(struct memo_node *) *table; /* key -> node, for those who keep their own */
    uint64_t keys;
    char folder[64];
    int64_t sums[MEMO_FILES]; /* what each file adds up to */
    int64_t start;            /* CLOCK_MONOTONIC */
    _Atomic int64_t serials, inside, peak; /* computations: begun, under way, most at once */

    /* memo_forgetful.c's */
    _Atomic int64_t *forgets_begun, *forgets_ended; /* by key: how often somebody made the memo forget it */
    _Atomic int64_t attempts, died, destroyed; /* computations entered by workers, ended by their threads; values */
    ax_memo_stats stats; /* at the end */
};

/* An entry of a hand-written table. */
struct memo_node {
    struct memo_value *value;
    bool computing;
};

/* What a worker remembers of a key that may be forgotten. */
struct memo_last {
    int64_t serial;  /* what its last call got; 0: none */
    int64_t forgets; /* of the key, ended before that call */
    int64_t older;   /* the last computation that had begun before this worker forgot the key; 0: it never did */
};

struct memo_tally {
    int64_t *serials, *times; /* by key: what the first call got (0: none), and when it had it */
    int64_t again;            /* later calls that got something else */
    int64_t early;            /* calls that saw a value that was not complete */
    int64_t wrong;            /* calls whose value was not that of the key */
    int64_t failed;           /* calls that got none */
    struct memo_computed *computed; /* by this thread, last first */

    /* memo_forgetful.c's */
    struct memo_last *last; /* by key */
    int64_t *forgotten;     /* by key: how often this worker made the memo forget it */
    int64_t errors;         /* its computations that failed */
    int64_t stale;          /* calls that got what had been forgotten before */
};

/* Computes the value of a key, in the calling worker; NULL: no memory or no file. */
struct memo_value *memo_compute(struct memo_shared *shared, uint64_t key);
int64_t memo_time(const struct memo_shared *shared);
/* The calling worker's. */
struct memo_tally *memo_own_tally(void);
/* Is the value complete, and the key's? */
void memo_look_at(const struct memo_shared *shared, struct memo_tally *tally, uint64_t key, const struct memo_value *value);

/* One call: gives the value, and takes it back when it has been looked at. */
typedef const struct memo_value *memo_get(struct memo_shared *shared, uint64_t key, void **handle);
typedef void memo_put(struct memo_shared *shared, void *handle);

/* put may be NULL: the value stays for ever. */
void memo_loop(ax_stress_worker *self, uint64_t begin, uint64_t end, memo_get *get, memo_put *put);

void memo_enter(ax_stress_worker *self);

/* memo_others.c */
extern const ax_stress_impl memo2, memo4;
/* memo_forgetful.c; extra: the memo's options, but for the context. Others that have none use the plain memo. */
extern const ax_stress_impl memo_forgetful, memo_keeps_errors;
/* stress/broken */
extern const ax_stress_impl broken_memo1, broken_memo3;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The memo as its users have it on a bad day: keys are forgotten while they are computed, computations fail, and
 * threads end in the middle of them. Values are computed again only after a key was forgotten; whoever asks after
 * that gets a newer one; and every flight is accounted for.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memo.h"

enum { FORGETS = 5, ENDINGS = 3, HUNDRED = 100 }; /* per cent of the operations */
enum { FAILS_EACH = 4 };                          /* one of so many computations fails */
#define FAILURE_OF_KEY 1000                       /* the status of a failed computation: this plus the key */

/* relaxed, but where it says otherwise: counts; what has an order has it from the memo */
static void add(_Atomic int64_t *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

static int64_t look(_Atomic int64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static _Thread_local bool doomed; /* this thread ends in the computation it enters */

/* AddressSanitizer leaves the frames that pthread_exit unwinds poisoned. */
__attribute__((no_sanitize_address)) static ax_status compute(void *context, const void *key, size_t key_len, void **value)
{
    struct memo_shared *shared = context;
    struct memo_tally *tally = memo_own_tally();
    struct timespec slow = { 0, 50000 };
    uint64_t number;
    if (key_len != sizeof number)
        return AX_EINVAL;
    memcpy(&number, key, sizeof number);
    if (doomed) {
        add(&shared->died);
        nanosleep(&slow, NULL);
        pthread_exit(NULL);
    }
    if (atomic_fetch_add_explicit(&shared->attempts, 1, memory_order_relaxed) % FAILS_EACH == 0) {
        nanosleep(&slow, NULL);
        tally->errors++;
        return (ax_status)(FAILURE_OF_KEY + number);
    }
    *value = memo_compute(shared, number);
    return *value ? AX_OK : AX_ENOMEM;
}

static void destroy(void *context, void *value)
{
    struct memo_shared *shared = context;
    memset(value, 0x5a, sizeof(struct memo_value)); /* who still reads it shall notice */
    free(value);
    add(&shared->destroyed);
}

/* Tries again until the computation does not fail. */
static ax_status get(struct memo_shared *shared, uint64_t key, ax_memo_ref *ref)
{
    for (;;) {
        ax_status status = ax_memo_do(shared->ours, &key, sizeof key, ref);
        if (status != (ax_status)(FAILURE_OF_KEY + key))
            return status;
        nanosleep(&(struct timespec){ 0, 20000 }, NULL);
    }
}

static void ask(struct memo_shared *shared, struct memo_tally *tally, uint64_t key)
{
    /* acquire: what these forgot is gone for the call, too */
    int64_t forgets = atomic_load_explicit(&shared->forgets_ended[key], memory_order_acquire);
    ax_memo_ref ref;
    if (get(shared, key, &ref) != AX_OK) {
        tally->failed++;
        return;
    }
    const struct memo_value *value = ref.value;
    int64_t serial = value->serial;
    memo_look_at(shared, tally, key, value);
    ax_memo_release(shared->ours, &ref);
    if (tally->serials[key] == 0) {
        tally->times[key] = memo_time(shared);
        tally->serials[key] = serial;
    }
    /* All who have begun to forget the key were done before this worker's last call for it: it is the same value. */
    struct memo_last *last = &tally->last[key];
    tally->again += last->serial != 0 && last->serial != serial && look(&shared->forgets_begun[key]) == last->forgets;
    tally->stale += serial <= last->older;
    last->serial = serial;
    last->forgets = forgets;
}

static void forget(struct memo_shared *shared, struct memo_tally *tally, uint64_t key)
{
    int64_t older = look(&shared->serials); /* computations that have begun: gone when forget returns */
    add(&shared->forgets_begun[key]);
    ax_status status = ax_memo_forget(shared->ours, &key, sizeof key);
    atomic_fetch_add_explicit(&shared->forgets_ended[key], 1, memory_order_release); /* with the acquire in ask */
    tally->forgotten[key] += status == AX_OK;
    tally->failed += status != AX_OK && status != AX_ENOTFOUND;
    tally->last[key].older = older;
}

struct ending {
    struct memo_shared *shared;
    uint64_t key;
    int64_t failed;
};

static void *ask_and_end(void *arg)
{
    struct ending *ending = arg;
    ax_memo_ref ref;
    doomed = true;
    ending->failed = get(ending->shared, ending->key, &ref) != AX_OK; /* it comes back only with another's value */
    if (ending->failed == 0)
        ax_memo_release(ending->shared->ours, &ref);
    return NULL;
}

static void work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct memo_tally *tally = self->tally;
    struct memo_shared *shared = self->shared;
    if (!tally->serials || !tally->times || !tally->last || !tally->forgotten) {
        tally->failed += (int64_t)(end - begin);
        return;
    }
    for (uint64_t i = begin; i < end; i++) {
        uint64_t key = ax_stress_below(&self->random, shared->keys), draw = ax_stress_below(&self->random, HUNDRED);
        if (draw < FORGETS) {
            forget(shared, tally, key);
        } else if (draw < FORGETS + ENDINGS) {
            struct ending ending = { shared, key, 0 };
            pthread_t thread;
            if (pthread_create(&thread, NULL, ask_and_end, &ending) == 0)
                pthread_join(thread, NULL);
            tally->failed += ending.failed;
        } else {
            ask(shared, tally, key);
        }
    }
}

static void enter(ax_stress_worker *self)
{
    struct memo_tally *tally = self->tally;
    const struct memo_shared *shared = self->shared;
    memo_enter(self);
    tally->last = calloc(shared->keys, sizeof *tally->last);
    tally->forgotten = calloc(shared->keys, sizeof *tally->forgotten);
}

static const ax_memo_options errors_retried = { .compute = compute, .destroy = destroy };
static const ax_memo_options errors_kept = { .compute = compute, .destroy = destroy, .error_ttl_ns = 1000000 };

const ax_stress_impl memo_forgetful = {
    .name = "ours-forgetful",
    .about = "ax_memo_do, with forgotten keys, failing computations and threads that end in them",
    .enter = enter, .work = work, .extra = &errors_retried,
};
const ax_stress_impl memo_keeps_errors = {
    .name = "ours-keeps-errors",
    .about = "the same, errors being kept for a millisecond",
    .enter = enter, .work = work, .extra = &errors_kept,
};

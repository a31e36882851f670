/* SPDX-License-Identifier: MIT */
/*
 * memo_flight.c: computing a key, waiting for another's computation, and never for one's own.
 *
 * Compiled with -fexceptions, so that the cleanup around the compute callback also runs when a C++
 * exception leaves it.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memo_impl.h"

/* The computations this thread is in, innermost first, on its stack. */
static __thread struct axi_memo_flight *innermost __attribute__((tls_model("initial-exec")));

/*
 * Who waits for whom, among threads that are computing: entry -> blocked_on -> ... A thread that computes
 * nothing delays nobody and is not in it. The mutex is taken only by a thread that waits while it
 * computes, and never while another lock of ours is held.
 */
static pthread_mutex_t blocked_mutex = PTHREAD_MUTEX_INITIALIZER;

void axi_memo_flight_begin(struct axi_memo_flight *flight, ax_memo *memo, struct axi_memo_entry *entry)
{
    *flight = (struct axi_memo_flight){ memo, entry, innermost };
    innermost = flight;
}

bool axi_memo_computes(const struct axi_memo_entry *entry)
{
    const struct axi_memo_flight *flight = innermost;
    while (flight && flight->entry != entry)
        flight = flight->outer;
    return flight != NULL;
}

void axi_memo_flights_before_fork(void)
{
    pthread_mutex_lock(&blocked_mutex);
}

void axi_memo_flights_after_fork(void)
{
    pthread_mutex_unlock(&blocked_mutex);
}

/* --- the futex ------------------------------------------------------------------------------------- */

/* Sleeps while *word is `value`. Only ETIMEDOUT matters: everything else is a reason to look again. */
static bool sleep_on(_Atomic uint32_t *word, uint32_t value, const struct timespec *deadline)
{
    int error = errno;
    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL,
                          FUTEX_BITSET_MATCH_ANY); /* absolute, CLOCK_MONOTONIC */
    bool timed_out = result == -1 && errno == ETIMEDOUT;
    errno = error;
    return !timed_out;
}

static void wake_all(_Atomic uint32_t *word)
{
    int error = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = error;
}

/* --- waiting ----------------------------------------------------------------------------------------- */

/*
 * Enters all that this thread is computing as blocked on the entry, unless that entry is blocked, over
 * however many others, on one that this thread computes: it asks its own stack, so an end of the chain that
 * was ours, and is not any more, is none. An answer "blocked" is never stale: the last step of the chain is a
 * computation of our own, which stands still, so its waiter does, and so on back. The entries of the chain
 * stay: each is referenced by a waiter who cannot leave without the mutex.
 */
static bool block_on(struct axi_memo_entry *entry)
{
    bool circle = false;
    pthread_mutex_lock(&blocked_mutex);
    for (struct axi_memo_entry *at = entry; at && !circle; at = at->blocked_on)
        circle = axi_memo_computes(at);
    if (!circle)
        for (struct axi_memo_flight *flight = innermost; flight; flight = flight->outer)
            flight->entry->blocked_on = entry;
    pthread_mutex_unlock(&blocked_mutex);
    return !circle;
}

static void unblock(void)
{
    pthread_mutex_lock(&blocked_mutex);
    for (struct axi_memo_flight *flight = innermost; flight; flight = flight->outer)
        flight->entry->blocked_on = NULL;
    pthread_mutex_unlock(&blocked_mutex);
}

/* Until the flight is no longer COMPUTING, or the deadline. `state` is COMPUTING, as it was read. */
static ax_status wait_for(struct axi_memo_entry *entry, uint32_t state, const struct timespec *deadline)
{
    if (innermost && !block_on(entry))
        return AX_EDEADLK;
    /* relaxed: asks to be woken; whoever ends the flight exchanges the word and so sees it. Where the swap fails,
     * another waiter has asked, or the flight has ended and the kernel, which looks at the word, does not sleep. */
    if (!(state & AXI_MEMO_WAITED))
        (void)axi_cas_relaxed_relaxed(&entry->state, &state, AXI_MEMO_COMPUTING | AXI_MEMO_WAITED);
    bool in_time = sleep_on(&entry->state, AXI_MEMO_COMPUTING | AXI_MEMO_WAITED, deadline);
    if (innermost)
        unblock();
    return in_time ? AX_OK : AX_ETIMEDOUT;
}

/* --- computing --------------------------------------------------------------------------------------- */

static void end_flight(struct axi_memo_entry *entry, enum axi_memo_state state)
{
    axi_edge_own_release(entry);
    /* F1.rel: who reads the state sees the outcome */
    uint32_t before = axi_exchange_release(&entry->state, (uint32_t)state, F1_rel);
    if (before & AXI_MEMO_WAITED)
        wake_all(&entry->state);
}

/* The computing thread ends: whoever comes first takes over. */
static void hand_over(void *arg)
{
    struct axi_memo_flight *flight = arg;
    innermost = flight->outer;
    ax_adder_add(&flight->memo->handovers, 1);
    end_flight(flight->entry, AXI_MEMO_VACANT);
    axi_memo_unref_entry(flight->memo, flight->entry);
}

static uint64_t expiry(uint64_t ttl)
{
    if (ttl == UINT64_MAX)
        return UINT64_MAX;
    uint64_t expires;
    return __builtin_add_overflow(axi_memo_now(), ttl, &expires) ? UINT64_MAX : expires;
}

/* The innermost flight. Returns the state that its entry has from then on. */
static uint32_t compute(struct axi_memo_flight *flight)
{
    ax_memo *memo = flight->memo;
    struct axi_memo_entry *entry = flight->entry;
    const ax_memo_options *options = &memo->options;
    void *value = NULL;
    ax_status status;
    ax_adder_add(&memo->computations, 1);
    pthread_cleanup_push(hand_over, flight);
    status = options->compute(options->context, entry->key, entry->key_len, &value);
    pthread_cleanup_pop(0);
    innermost = flight->outer;

    entry->value = value;
    entry->status = status;
    if (status == AX_OK) {
        entry->expires = options->value_ttl_ns == 0 ? UINT64_MAX : expiry(options->value_ttl_ns);
        end_flight(entry, AXI_MEMO_READY);
        return AXI_MEMO_READY;
    }
    ax_adder_add(&memo->errors, 1);
    if (options->error_ttl_ns == 0)
        axi_memo_unlink_entry(memo, entry); /* before anybody can find the error in the table */
    else
        entry->expires = expiry(options->error_ttl_ns);
    end_flight(entry, AXI_MEMO_FAILED);
    return AXI_MEMO_FAILED;
}

ax_status axi_memo_fly(ax_memo *memo, struct axi_memo_entry *entry, const struct timespec *deadline,
                       struct axi_memo_flight *first, uint32_t state, ax_memo_ref *ref)
{
    struct axi_memo_flight later;
    bool computed = false, waited = false;
    ax_status status = AX_OK;
    if (first) {
        state = compute(first);
        computed = true;
    }
    for (;;) {
        switch (state & AXI_MEMO_STATE) {
        case AXI_MEMO_READY:
        case AXI_MEMO_FAILED:
            if (!computed)
                ax_adder_add(waited ? &memo->waits : &memo->hits, 1);
            axi_edge_own_acquire(entry);
            status = entry->status;
            if (status == AX_OK)
                *ref = (ax_memo_ref){ entry->value, entry };
            else
                axi_memo_unref_entry(memo, entry);
            return status;
        case AXI_MEMO_VACANT:
            /* relaxed: an abandoned flight hands nothing over. All who slept were woken: nobody is forgotten. */
            if (axi_cas_relaxed_relaxed(&entry->state, &state, AXI_MEMO_COMPUTING)) {
                axi_memo_flight_begin(&later, memo, entry);
                state = compute(&later);
                computed = true;
                continue;
            }
            break;
        default:
            waited = true;
            status = wait_for(entry, state, deadline);
            if (status != AX_OK) {
                if (status == AX_ETIMEDOUT)
                    ax_adder_add(&memo->timeouts, 1);
                axi_memo_unref_entry(memo, entry);
                return status;
            }
        }
        state = axi_load_acquire(&entry->state, F1_acq); /* F1.acq */
    }
}

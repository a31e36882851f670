/* SPDX-License-Identifier: MIT */
/* Sellers that people write instead of using ours; all of them are right. */
#include "tickets.h"

/* The numbers left are a stack; refunds push. Under a lock, plain variables will do. */
static int64_t pop(struct tickets_shared *shared)
{
    return shared->word > 0 ? shared->stack[--shared->word] : NO_TICKET;
}

static int64_t mutex_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)lease;
    pthread_mutex_lock(&shared->mutex);
    int64_t number = pop(shared);
    pthread_mutex_unlock(&shared->mutex);
    return number;
}

static bool mutex_refund(struct tickets_shared *shared, int64_t number)
{
    pthread_mutex_lock(&shared->mutex);
    bool room = shared->word < shared->capacity;
    if (room)
        shared->stack[shared->word++] = (uint32_t)number;
    pthread_mutex_unlock(&shared->mutex);
    return room;
}

static int64_t mutex_left(struct tickets_shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    int64_t left = shared->word;
    pthread_mutex_unlock(&shared->mutex);
    return left;
}

static int64_t rwlock_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)lease;
    pthread_rwlock_wrlock(&shared->rwlock);
    int64_t number = pop(shared);
    pthread_rwlock_unlock(&shared->rwlock);
    return number;
}

static bool rwlock_refund(struct tickets_shared *shared, int64_t number)
{
    pthread_rwlock_wrlock(&shared->rwlock);
    bool room = shared->word < shared->capacity;
    if (room)
        shared->stack[shared->word++] = (uint32_t)number;
    pthread_rwlock_unlock(&shared->rwlock);
    return room;
}

static int64_t rwlock_left(struct tickets_shared *shared)
{
    pthread_rwlock_rdlock(&shared->rwlock);
    int64_t left = shared->word;
    pthread_rwlock_unlock(&shared->rwlock);
    return left;
}

/* A counting semaphore keeps the number of sales right; the ticket's number comes from a counter. */
static int64_t semaphore_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)lease;
    if (sem_trywait(&shared->semaphore) != 0)
        return NO_TICKET;
    return shared->capacity - AX_DETAIL_FETCH_ADD_RELAXED(&shared->word, -1); /* relaxed: only the number matters */
}

static int64_t semaphore_left(struct tickets_shared *shared)
{
    int left = 0;
    sem_getvalue(&shared->semaphore, &left);
    return left;
}

/* Check and act in one step: the compare-and-exchange succeeds only if the check still holds. */
static int64_t cas_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)lease;
    int64_t left = AX_DETAIL_LOAD_RELAXED(&shared->word); /* relaxed: confirmed by the exchange */
    do {
        if (left == 0)
            return NO_TICKET;
    } while (!AX_DETAIL_CAS_SEQ_CST(&shared->word, &left, left - 1, stress));
    return left - 1;
}

static int64_t word_left(struct tickets_shared *shared)
{
    return AX_DETAIL_LOAD_RELAXED(&shared->word); /* relaxed: one word */
}

/*
 * Take first, look afterwards, and put back what was one too many. While somebody has yet to put back,
 * the word is too low: with refunds, a buyer could be refused though a ticket is left. There are none here.
 */
static int64_t fetch_sub_sell(struct tickets_shared *shared, ax_lease *lease)
{
    (void)lease;
    int64_t left = AX_DETAIL_FETCH_ADD_RELAXED(&shared->word, -1); /* relaxed: only the number matters */
    if (left > 0)
        return left - 1;
    (void)AX_DETAIL_FETCH_ADD_RELAXED(&shared->word, 1); /* relaxed: as above */
    return NO_TICKET;
}

#define cas_left word_left
#define fetch_sub_left word_left

TICKETS_IMPL(mutex, mutex_refund);
TICKETS_IMPL(rwlock, rwlock_refund);
TICKETS_IMPL(semaphore, NULL);
TICKETS_IMPL(cas, NULL);
TICKETS_IMPL(fetch_sub, NULL);

#define IMPL(name_, kind_, supports_, about_) \
    { .name = name_, .about = about_, .supports = supports_, .work = kind_##_work, .extra = &kind_##_kind }

const ax_stress_impl tickets_mutex =
    IMPL("mutex", mutex, TICKETS_WITH_REFUNDS, "a stack of numbers under a mutex");
const ax_stress_impl tickets_rwlock =
    IMPL("rwlock", rwlock, TICKETS_WITH_REFUNDS, "a stack of numbers under a readers-writer lock");
const ax_stress_impl tickets_semaphore =
    IMPL("semaphore", semaphore, TICKETS_SELLS_ONLY, "a counting semaphore, and a counter for the numbers; no refunds");
const ax_stress_impl tickets_cas_loop =
    IMPL("cas-loop", cas, TICKETS_SELLS_ONLY, "compare-and-exchange on the number left; no refunds");
const ax_stress_impl tickets_fetch_sub =
    IMPL("fetch-sub-corrected", fetch_sub, TICKETS_SELLS_ONLY, "take, and put back what was one too many; no refunds");

/* SPDX-License-Identifier: MIT */
/* Zoo: threads that die while they hold a mutex. */
#include "../threads.h"

#include <errno.h>

static pthread_mutex_t till;
static atomic_int served;
static int cash, counted; /* guarded by till; equal but in the middle of a change */

static void open_till(int robustness)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, robustness);
    pthread_mutex_init(&till, &attr);
    pthread_mutexattr_destroy(&attr);
}
THREAD(dies_at_the_till)
{
    ax_model_mortal();
    pthread_mutex_lock(&till);
    cash++;
    add(&served, 1, relaxed); /* one more place to die at */
    counted++;
    pthread_mutex_unlock(&till);
    return NULL;
}
THREAD(trusts_the_till)
{
    pthread_mutex_lock(&till);
    assert(cash == counted);
    pthread_mutex_unlock(&till);
    return NULL;
}
AX_MODEL_BROKEN(broken_an_owner_dies_and_the_mutex_is_not_robust, "deadlock")
{
    open_till(PTHREAD_MUTEX_STALLED);
    run2(dies_at_the_till, trusts_the_till);
}
AX_MODEL_BROKEN(broken_an_owner_dies_and_nobody_asks, "assertion")
{
    open_till(PTHREAD_MUTEX_ROBUST);
    run2(dies_at_the_till, trusts_the_till);
}
THREAD(counts_the_till_again)
{
    if (pthread_mutex_lock(&till) == EOWNERDEAD) {
        counted = cash;
        pthread_mutex_consistent(&till);
    }
    assert(cash == counted);
    pthread_mutex_unlock(&till);
    return NULL;
}
AX_MODEL_TEST(repaired_an_owner_dies_and_the_next_one_repairs)
{
    open_till(PTHREAD_MUTEX_ROBUST);
    run2(dies_at_the_till, counts_the_till_again);
    counts_the_till_again(NULL);
    pthread_mutex_destroy(&till);
}
THREAD(leaves_it_as_it_is)
{
    if (pthread_mutex_lock(&till) != ENOTRECOVERABLE)
        pthread_mutex_unlock(&till);
    return NULL;
}
AX_MODEL_TEST(a_mutex_nobody_repairs_is_lost_to_all)
{
    open_till(PTHREAD_MUTEX_ROBUST);
    run2(dies_at_the_till, leaves_it_as_it_is);
    leaves_it_as_it_is(NULL);
    int last = pthread_mutex_lock(&till);
    assert(last == 0 || last == ENOTRECOVERABLE);
    ax_model_outcome("%s", last == 0 ? "usable" : "lost");
    if (last == 0)
        pthread_mutex_unlock(&till);
}

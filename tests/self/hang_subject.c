/* SPDX-License-Identifier: MIT */
/* A program that hangs: each of two threads has what the other waits for. What tests/self/hang looks at. */
#include "../threads.h"

static pthread_mutex_t left = PTHREAD_MUTEX_INITIALIZER, right = PTHREAD_MUTEX_INITIALIZER;
static atomic_int holding;

static void wait_for_the_other(pthread_mutex_t *first, pthread_mutex_t *second)
{
    pthread_mutex_lock(first);
    atomic_fetch_add(&holding, 1);
    while (atomic_load(&holding) < 2)
        sched_yield();
    pthread_mutex_lock(second);
}

static void left_then_right(int index, void *unused)
{
    (void)unused;
    if (index == 0)
        wait_for_the_other(&left, &right);
    else
        wait_for_the_other(&right, &left);
}

int main(void)
{
    run_threads(2, left_then_right, NULL);
    return 1;
}

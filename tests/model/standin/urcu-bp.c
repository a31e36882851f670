/* SPDX-License-Identifier: MIT */
/* Stands in for liburcu in model builds: not its code but its contract, in C11 atomics, so that the code
 * that relies on it can be explored.
 *
 *   A grace period waits for each read section that began before it. So what a reader did in a section
 *   that the grace period waited for happens before its end; and a section that it did not wait for sees
 *   what was unlinked before the grace period began. */
#include "../threads.h"

#include <urcu-bp.h>

enum { THREADS = 16 };

static atomic_int reading[THREADS];
static _Thread_local int depth;

static size_t me(void) { return (size_t)pthread_self() % THREADS; }

void urcu_bp_read_lock(void)
{
    if (depth++ != 0)
        return;
    store(&reading[me()], 1, relaxed);
    fence(seq_cst);
}

void urcu_bp_read_unlock(void)
{
    if (--depth == 0)
        store(&reading[me()], 0, release);
}

int urcu_bp_read_ongoing(void) { return depth != 0; }

void urcu_bp_synchronize_rcu(void)
{
    fence(seq_cst);
    for (int i = 0; i < THREADS; i++)
        if (i != (int)me())
            while (load(&reading[i], acquire))
                ;
}

void urcu_bp_before_fork(void) {}
void urcu_bp_after_fork_parent(void) {}
void urcu_bp_after_fork_child(void) {}

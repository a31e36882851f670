/* SPDX-License-Identifier: MIT */
/*
 * lock_tsan.c race|inversion|guarded: what ThreadSanitizer must and must not say of a program that uses
 * checked locks.
 *
 *   race       two threads, each with locks of its own, write one plain variable one after the other,
 *              kept apart by time alone. Both go through first uses, new orders and a report in between:
 *              were the checker's own mutex visible, the race would be hidden.
 *   inversion  ThreadSanitizer's own lock-order report still comes, though we take locks by try.
 *   guarded    the same variable under one lock: nothing to report.
 */
#include <atomicx/lock.h>

#include "../threads.h"

static int plain;
static ax_mutex common = AX_MUTEX_CHECKED_INIT("common", 1000000000);
static atomic_int turn; /* relaxed: passes the turn without ordering anything */

static void silent(const ax_lock_report *report, void *context)
{
    (void)report;
    (void)context;
}

static void use_the_checker(void)
{
    ax_mutex mine = AX_MUTEX_CHECKED_INIT("mine", 1000000000), inner = AX_MUTEX_CHECKED_INIT("inner", 0);
    AX_WITH_LOCK(&mine)
        AX_WITH_LOCK(&inner)
            (void)ax_mutex_lock(&mine);
    (void)ax_mutex_fini(&mine);
    (void)ax_mutex_fini(&inner);
}

static void write_in_turn(int index, void *arg)
{
    bool guarded = arg != NULL;
    while (atomic_load_explicit(&turn, memory_order_relaxed) != index)
        sched_yield();
    use_the_checker();
    if (guarded)
        ax_mutex_lock(&common);
    plain++;
    if (guarded)
        ax_mutex_unlock(&common);
    use_the_checker();
    atomic_store_explicit(&turn, index + 1, memory_order_relaxed);
}

static void invert(void)
{
    ax_mutex a = AX_MUTEX_CHECKED_INIT("a", 0), b = AX_MUTEX_CHECKED_INIT("b", 0);
    AX_WITH_LOCK(&a)
        AX_WITH_LOCK(&b)
            plain++;
    AX_WITH_LOCK(&b)
        AX_WITH_LOCK(&a)
            plain++;
    (void)ax_mutex_fini(&a);
    (void)ax_mutex_fini(&b);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    ax_lock_on_misuse(silent, NULL);
    if (strcmp(what, "inversion") == 0)
        invert();
    else if (strcmp(what, "race") == 0 || strcmp(what, "guarded") == 0)
        run_threads(2, write_in_turn, strcmp(what, "guarded") == 0 ? &common : NULL);
    else
        return 2;
    printf("done: %d\n", plain);
    return 0;
}

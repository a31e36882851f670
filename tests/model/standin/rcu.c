/* SPDX-License-Identifier: MIT */
/* Stands in for liburcu and for lib/reclaim.c in model builds: not their code but their contract, in C11
 * atomics, so that the code that relies on it can be explored.
 *
 *   A grace period waits for each read section that began before it. So what a reader did in a section
 *   that the grace period waited for happens before its end; and a section that it did not wait for sees
 *   what was unlinked before the grace period began.
 *
 * Shown with it: that our code is right if liburcu and reclaim.c keep this contract. Not shown: that they
 * do; nor bounds, the background thread, fork. A retired thing is freed at once after a grace period or
 * when the domain closes: the model looks at both. */
#include "../threads.h"

#include "reclaim.h"

enum { THREADS = 16, KEPT = 16 };

static atomic_int reading[THREADS];
static _Thread_local int depth;

/* What waits for its domain to close; each thread's own, read by the closer after all have ended. */
static struct {
    struct axi_retired *thing;
    unsigned kind;
} kept[THREADS][KEPT];
static int kept_count[THREADS];

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

static void grace_period(void)
{
    fence(seq_cst);
    for (int i = 0; i < THREADS; i++)
        if (i != (int)me())
            while (load(&reading[i], acquire))
                ;
}

void axi_read_begin_tsan(void) {}
void axi_read_end_tsan(void) {}

void axi_domain_open(struct axi_domain *domain) { (void)domain; }

void axi_domain_close(struct axi_domain *domain)
{
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < kept_count[t]; i++)
            domain->release(domain, kept[t][i].thing, kept[t][i].kind);
        kept_count[t] = 0;
    }
}

void axi_retire(struct axi_domain *domain, struct axi_retired *thing, unsigned kind, size_t bytes)
{
    (void)bytes;
    if (depth == 0 && ax_model_choose(2) == 1) {
        grace_period();
        domain->release(domain, thing, kind);
        return;
    }
    size_t t = me();
    assert(kept_count[t] < KEPT);
    kept[t][kept_count[t]].thing = thing;
    kept[t][kept_count[t]++].kind = kind;
}

bool axi_domain_wait(struct axi_domain *domain)
{
    (void)domain;
    return depth == 0;
}

ax_status axi_domain_flush(struct axi_domain *domain)
{
    (void)domain;
    return depth == 0 ? AX_OK : AX_EDEADLK;
}

bool axi_reclaim_would_deadlock(void) { return depth != 0; }

void urcu_bp_before_fork(void) {}
void urcu_bp_after_fork_parent(void) {}
void urcu_bp_after_fork_child(void) {}
void axi_reclaim_before_fork(void) {}
void axi_reclaim_after_fork_parent(void) {}
void axi_reclaim_after_fork_child(void) {}

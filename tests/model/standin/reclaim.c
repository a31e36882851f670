/* SPDX-License-Identifier: MIT */
/* Stands in for lib/reclaim.c in model builds: its contract over that of liburcu (urcu-bp.c), without the
 * background thread. Shown with it: that the code which retires is right if reclaim.c keeps its contract,
 * which lib/reclaim.c here in tests/model is about; not bounds, nor fork. A retired thing is freed at once
 * after a grace period or when the domain closes: the model looks at both. */
#include "../threads.h"

#include "reclaim.h"

enum { THREADS = 16, KEPT = 16 };

/* What waits for its domain to close; each thread's own, read by the closer after all have ended. */
static struct {
    struct axi_retired *thing;
    unsigned kind;
} kept[THREADS][KEPT];
static int kept_count[THREADS];

void axi_read_begin_tsan(void) {}
void axi_read_end_tsan(void) {}

void axi_domain_open(struct axi_domain *domain) { (void)domain; }

void axi_domain_close(struct axi_domain *domain)
{
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < kept_count[t]; i++) {
            struct axi_retired *thing = kept[t][i].thing;
            kept[t][i].thing = NULL; /* what is pointed to is no leak */
            domain->release(domain, thing, kept[t][i].kind);
        }
        kept_count[t] = 0;
    }
}

void (axi_retire)(struct axi_domain *domain, struct axi_retired *thing, unsigned kind, size_t bytes)
{
    (void)bytes;
    if (!urcu_bp_read_ongoing() && ax_model_choose(2) == 1) {
        urcu_bp_synchronize_rcu();
        domain->release(domain, thing, kind);
        return;
    }
    size_t t = (size_t)pthread_self() % THREADS;
    assert(kept_count[t] < KEPT);
    kept[t][kept_count[t]].thing = thing;
    kept[t][kept_count[t]++].kind = kind;
}

bool axi_domain_wait(struct axi_domain *domain)
{
    (void)domain;
    return !urcu_bp_read_ongoing();
}

ax_status axi_domain_flush(struct axi_domain *domain)
{
    (void)domain;
    return urcu_bp_read_ongoing() ? AX_EDEADLK : AX_OK;
}

bool axi_reclaim_would_deadlock(void) { return urcu_bp_read_ongoing(); }

void axi_reclaim_before_fork(void) {}
void axi_reclaim_after_fork_parent(void) {}
void axi_reclaim_after_fork_child(void) {}

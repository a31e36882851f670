/* SPDX-License-Identifier: MIT */
/*
 * Read sections and what is freed after them: liburcu-bp underneath, one background thread for the
 * process, and for each object a domain that counts the bytes it has waiting and bounds them.
 *
 * liburcu's bp flavour because its threads register themselves and leave by themselves: a library that
 * servers embed cannot ask for it. Not call_rcu: it aborts when memory is short, its worker outlives us,
 * and nothing bounds what waits in it.
 */
#ifndef AXI_RECLAIM_H
#define AXI_RECLAIM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <atomicx/status.h>

#include "atomic.h"
#include "tsan.h"

#ifdef AXI_INLINE_RCU
#define _LGPL_SOURCE /* the read side is inlined: functions of under ten lines, as liburcu's licence allows */
#endif
#include <urcu-bp.h>

/* Outermost begin and end of a thread, for TSan alone: which grace periods had to wait for the section. */
void axi_read_begin_tsan(void);
void axi_read_end_tsan(void);

static inline void axi_read_begin(void)
{
    urcu_bp_read_lock();
    if (axi_tsan_present())
        axi_read_begin_tsan();
}

static inline void axi_read_end(void)
{
    if (axi_tsan_present())
        axi_read_end_tsan();
    urcu_bp_read_unlock();
}

/*
 * Sections of the quick paths, of threads that have had a section before, when nobody else needs to be told:
 * the thread's word is looked up once and no call is in sight, so that registers need not be saved for one.
 */
#ifdef AXI_INLINE_RCU
struct axi_section {
    struct urcu_bp_reader *reader;
    unsigned long inside;
};

static inline bool axi_sections_are_quick(void)
{
    return !axi_tsan_present();
}

/* False: this thread has not had one yet. */
static inline bool axi_section_find(struct axi_section *section)
{
    section->reader = URCU_TLS(urcu_bp_reader);
    return section->reader != NULL;
}

static inline void axi_section_begin(struct axi_section *section)
{
    unsigned long before = section->reader->ctr;
    cmm_barrier();
    section->inside = __builtin_expect(before & URCU_BP_GP_CTR_NEST_MASK, 0) ? before + URCU_BP_GP_COUNT
                                                                            : CMM_LOAD_SHARED(urcu_bp_gp.ctr);
    CMM_STORE_SHARED(section->reader->ctr, section->inside);
    urcu_bp_smp_mb_slave();
}

static inline void axi_section_end(const struct axi_section *section)
{
    urcu_bp_smp_mb_slave();
    CMM_STORE_SHARED(section->reader->ctr, section->inside - URCU_BP_GP_COUNT);
    cmm_barrier();
}
#else /* every section is a call here; the quick paths are taken nonetheless, to be tested */
struct axi_section {
    char unused;
};

static inline bool axi_sections_are_quick(void)
{
    return true;
}

static inline bool axi_section_find(struct axi_section *section)
{
    (void)section;
    return true;
}

static inline void axi_section_begin(struct axi_section *section)
{
    (void)section;
    axi_read_begin();
}

static inline void axi_section_end(const struct axi_section *section)
{
    (void)section;
    axi_read_end();
}
#endif

/*
 * The link that everything retirable starts with or contains. Until it is retired its owner may use the
 * word as it likes with bit 0 clear (map_ck.c chains entries with it); a reader that still holds a
 * retired thing sees bit 0 set. Bits 1 and 2: what kind of thing it is, for the domain's release.
 */
struct axi_retired {
    _Atomic uintptr_t link;
};
#define AXI_RETIRED_MARK ((uintptr_t)1)

#define AXI_DOMAIN_STRIPES 8

/* Threads spread over `stripes`, a power of two up to 64, by where their stacks are. */
static inline size_t axi_own_stripe(size_t stripes)
{
    return (size_t)((uint64_t)(uintptr_t)pthread_self() * UINT64_C(0x9e3779b97f4a7c15) >> 58) % stripes;
}

struct axi_domain {
    /* each on its own line: removers push here, the background thread takes all */
    struct {
        _Atomic uintptr_t head;
        char isolation[64 - sizeof(uintptr_t)];
    } stripes[AXI_DOMAIN_STRIPES] __attribute__((aligned(64)));
    _Atomic size_t pending;    /* bytes retired and not yet freed */
    _Atomic uint64_t released; /* things freed. The thread that frees them. */
    size_t limit;              /* constant */
    uint32_t wait_ms;          /* constant */
    /* Frees one thing and returns the bytes it was retired with. Called without any lock. */
    size_t (*release)(struct axi_domain *domain, struct axi_retired *thing, unsigned kind);
    _Atomic(struct axi_retired *) batch; /* taken, to be freed after a grace period. Whoever runs a pass. */
    struct axi_domain *next; /* list of all domains. Under the reclaimer's mutex. */
    bool busy;               /* a batch of it is being freed. Under the reclaimer's mutex. */
};

/* Enters the domain, whose limit, wait_ms and release are set, into the list. */
void axi_domain_open(struct axi_domain *domain);
/* Takes it out again and frees what is left in it; no reader may be left. Not in a read section. */
void axi_domain_close(struct axi_domain *domain);

/* Hands over a thing that no new reader can find; it is freed after a grace period. Never fails. In parentheses
 * because mutant builds have a macro of this name (tests/model/lib/weaken.h). */
void (axi_retire)(struct axi_domain *domain, struct axi_retired *thing, unsigned kind, size_t bytes);

/* Whether more may be retired now: AX_OK or AX_EAGAIN, at once. */
static inline ax_status axi_domain_admit(struct axi_domain *domain)
{
    /* relaxed: a bound, not a protocol; each caller may go past it by its own one item */
    return axi_load_relaxed(&domain->pending) <= domain->limit ? AX_OK : AX_EAGAIN;
}
/* Waits for room as long as the domain says; false, at once, where waiting would wait for itself. */
bool axi_domain_wait(struct axi_domain *domain);
/* Waits until all that was retired before is freed. AX_EDEADLK where that would wait for itself. */
ax_status axi_domain_flush(struct axi_domain *domain);

/* Whether the caller is in a read section or is the thread that frees. */
bool axi_reclaim_would_deadlock(void);

/* For fork: the reclaimer's own part of the three handlers. */
void axi_reclaim_before_fork(void);
void axi_reclaim_after_fork_parent(void);
void axi_reclaim_after_fork_child(void);

#endif

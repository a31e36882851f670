/* SPDX-License-Identifier: MIT */
/* Where threads wait for each other over and over, spinning at first. What each did before is there for all after it. */
#ifndef AXI_STRESS_MEETING_H
#define AXI_STRESS_MEETING_H

#include <time.h>

#include "internal.h"

#define AXI_MEETING_YIELDS 64 /* and then to sleep: somebody is not there for long */

struct axi_meeting {
    uint32_t members;
    uint32_t patience; /* how long to spin for the others before making room for them */
    _Alignas(AXI_ISOLATION) uint32_t arrived;
    _Alignas(AXI_ISOLATION) uint32_t generation; /* meetings that are over */
};

/* With more threads than CPUs the spinners must make room for those still on their way. */
static inline void axi_meeting_init(struct axi_meeting *meeting, uint32_t members, bool enough_cpus)
{
    *meeting = (struct axi_meeting){ .members = members, .patience = enough_cpus ? 1024 : 16 };
}

/* True for the last to arrive, on whom the others wait until it adjourns. */
static inline bool axi_arrive(struct axi_meeting *meeting)
{
    /* acquire and release: what a member wrote is there for the last one, and the other way round */
    return __atomic_add_fetch(&meeting->arrived, 1, __ATOMIC_ACQ_REL) == meeting->members;
}

/* Arrives and waits; true, and at once, for the last one. */
static inline bool axi_meet(struct axi_meeting *meeting)
{
    uint32_t generation = AX_DETAIL_LOAD_RELAXED(&meeting->generation); /* relaxed: it can't change before I arrive */
    if (axi_arrive(meeting))
        return true;
    for (uint32_t i = 1, yields = 0; AX_DETAIL_LOAD_ACQUIRE(&meeting->generation, stress) == generation; i++) {
        axi_spin_hint();
        if (i % meeting->patience != 0)
            continue;
        if (++yields < AXI_MEETING_YIELDS)
            sched_yield();
        else
            nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
    }
    return false;
}

static inline void axi_adjourn(struct axi_meeting *meeting)
{
    uint32_t generation = AX_DETAIL_LOAD_RELAXED(&meeting->generation); /* relaxed: only the last one writes it */
    AX_DETAIL_STORE_RELAXED(&meeting->arrived, 0u); /* relaxed: the next line publishes it */
    AX_DETAIL_STORE_RELEASE(&meeting->generation, generation + 1, stress);
}

#endif

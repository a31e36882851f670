/* SPDX-License-Identifier: MIT */
/* Which clock a history is written by, and how far the clocks of two CPUs are apart. */
#ifndef AXI_STRESS_CLOCK_H
#define AXI_STRESS_CLOCK_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct axi_clock {
    bool counter;  /* the processor's counter; else clock_gettime */
    uint64_t skew; /* in its units */
};

struct axi_clock axi_clock_choose(const cpu_set_t *allowed);

#endif

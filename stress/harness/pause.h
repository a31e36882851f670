/* SPDX-License-Identifier: MIT */
/* Pauses at an instruction: a thread stops after so many of them, in the middle of an operation, and goes on later. */
#ifndef AXI_STRESS_PAUSE_H
#define AXI_STRESS_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether this machine can. Call it once before axi_pause_after, in any thread. */
bool axi_pauses_work(void);

/* From here on the calling thread counts its instructions, and after `instructions` of them calls `pause`, once, which
 * may do what a signal handler may. */
void axi_pause_after(uint32_t instructions, void (*pause)(void *), void *argument);

/* How many there were so far. */
uint32_t axi_pause_count(void);

/* No more counting. How many instructions there were; 0: the pause came before. */
uint32_t axi_pause_end(void);

#endif

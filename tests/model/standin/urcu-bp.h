/* SPDX-License-Identifier: MIT */
/* Stands in for liburcu's header in model builds: the two functions our headers inline. See rcu.c. */
#ifndef STANDIN_URCU_BP_H
#define STANDIN_URCU_BP_H

void urcu_bp_read_lock(void);
void urcu_bp_read_unlock(void);

#endif

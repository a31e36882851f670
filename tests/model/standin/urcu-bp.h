/* SPDX-License-Identifier: MIT */
/* Stands in for liburcu's header in model builds: the functions our sources call. See urcu-bp.c. */
#ifndef STANDIN_URCU_BP_H
#define STANDIN_URCU_BP_H

void urcu_bp_read_lock(void);
void urcu_bp_read_unlock(void);
int urcu_bp_read_ongoing(void);
void urcu_bp_synchronize_rcu(void);
void urcu_bp_before_fork(void);
void urcu_bp_after_fork_parent(void);
void urcu_bp_after_fork_child(void);

#endif

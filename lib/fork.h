/* SPDX-License-Identifier: MIT */
/*
 * fork.h: what a fork of a process with threads asks of the primitives that use read sections: every mutex of
 * ours is taken before, so that the child gets them all free.
 *
 * In this order: liburcu's first, which waits for a grace period that is under way, hence for sections, and calls
 * may take mutexes inside sections; then those of each part; the reclaimer's last, as what is retired under a
 * part's mutex may take it. A call begins its section, which may register the thread with liburcu, before it
 * takes a mutex.
 */
#ifndef AXI_FORK_H
#define AXI_FORK_H

#include <stdbool.h>

/* One kind of object; static. Parts' mutexes are never taken one inside another. */
struct axi_fork_part {
    void (*before)(void);      /* takes all of its mutexes */
    void (*after)(void);       /* gives them back, in the parent */
    void (*after_child)(void); /* the same in the child, where no other thread exists */
    struct axi_fork_part *next;
    bool joined;
};

/* At each creation of an object. False: no memory for fork handlers. */
bool axi_fork_join(struct axi_fork_part *part);

#endif

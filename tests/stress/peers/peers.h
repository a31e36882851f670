/* SPDX-License-Identifier: MIT */
/* What the tests of other libraries' structures share. A round's operations are few: what they need lies in the object. */
#ifndef PEERS_H
#define PEERS_H

#include <atomicx/stress.h>

enum { PEERS_NODES = AX_STRESS_ROUND };

#define PEERS_COUNT(table) (sizeof(table) / sizeof *(table))

#endif

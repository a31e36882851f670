/* SPDX-License-Identifier: MIT */
/* Zoo: loops without an operation that others could see. Apart, because seconds have to pass. */
#include "../threads.h"

static int stop;
static atomic_int started;
THREAD(spins_on_a_plain_variable)
{
    store(&started, 1, relaxed);
    while (!stop)
        ;
    return NULL;
}
THREAD(stops_it) { stop = 1; return NULL; }
AX_MODEL_BROKEN(broken_spin_on_a_plain_variable, "livelock") { run2(spins_on_a_plain_variable, stops_it); }

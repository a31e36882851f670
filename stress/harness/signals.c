/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/*
 * Handlers and workers share these words; relaxed throughout, since they carry no data: who sees `stop`
 * finishes its batch, and is joined. They live here and not in struct axi_stress because a handler has no
 * argument; static and lock-free, as C11 7.14.1.1 asks.
 */
static struct {
    _Alignas(AXI_ISOLATION) uint32_t stop;
    uint32_t interrupts;
    int child;
    const char *path;
} signals;

/* A second Ctrl-C is a person who does not want to wait. A second SIGTERM is not: timeout(1) sends one to its child and then
 * one to its process group, and the parent of a broken implementation passes it on. */
static void on_interrupt(int number)
{
    AX_DETAIL_STORE_RELAXED(&signals.stop, 1u);
    if (AX_DETAIL_FETCH_ADD_RELAXED(&signals.interrupts, 1u) == 0 || number != SIGINT)
        return;
    int child = AX_DETAIL_LOAD_RELAXED(&signals.child);
    if (child > 0)
        kill(child, SIGKILL);
    const char *path = AX_DETAIL_LOAD_RELAXED(&signals.path);
    if (path != NULL)
        unlink(path);
    _exit(AXI_EXIT_INTERRUPTED);
}

void axi_signals_install(bool child)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    /* On a terminal Ctrl-C reaches the child, too; the parent passes it on, and once is enough. */
    if (child)
        action.sa_handler = SIG_IGN;
    sigaction(SIGINT, &action, NULL);
}

bool axi_stop_asked(void)
{
    return AX_DETAIL_LOAD_RELAXED(&signals.stop) != 0;
}

void axi_ask_to_stop(void)
{
    AX_DETAIL_STORE_RELAXED(&signals.stop, 1u);
}

bool axi_interrupted(void)
{
    return AX_DETAIL_LOAD_RELAXED(&signals.interrupts) != 0;
}

void axi_signals_child(int pid)
{
    AX_DETAIL_STORE_RELAXED(&signals.child, pid);
}

void axi_signals_unlink(const char *path)
{
    AX_DETAIL_STORE_RELAXED(&signals.path, path);
}

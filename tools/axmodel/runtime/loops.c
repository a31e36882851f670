/* SPDX-License-Identifier: MIT */
/* Loops: those that wait, which are recognised and go round once, and those that --bound unroll cuts. */
#include "axm.h"

#include <string.h>

/* The thread has changed something that is not on its stack and is no event: a turn of a loop with that in it is not
 * one for nothing. */
void axm_side_effect(void) { axm.cur->spins = 0; }

/* A thread that comes back to a load with the registers and the stack it had there before, and has
 * written nothing in between, has made a turn of a loop for nothing. Any execution with that turn has a
 * twin without it, so the thread stops here, until one of the reads of the turn is revisited.
 *
 * A read-modify-write that finds the value that it writes, as the exchange of a lock that is held does, counts as a
 * read here. In the twin who read its write reads the one before it, which has the same value and is as old for
 * everybody: all that is lost is the order that came by way of the turn, and with less order there is no violation
 * less. */
bool axm_spin_again(uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    uintptr_t sp = axm_regs[AXM_REGS - 1];
    if (sp < (uintptr_t)f->lo || sp >= (uintptr_t)f->hi || (uintptr_t)f->hi - sp > AXM_SPIN_BYTES)
        return false;
    uint32_t bytes = (uint32_t)((uintptr_t)f->hi - sp);
    struct axm_spin *s = NULL;
    for (unsigned i = 0; i < f->spins; i++)
        if (f->spin[i].pc == pc)
            s = &f->spin[i];
    if (s != NULL && s->bytes == bytes && memcmp(s->regs, axm_regs, sizeof axm_regs) == 0 &&
        memcmp(s->stack, (const void *)sp, bytes) == 0) {
        if (f->next != AXM_NONE || f->pos == s->events)
            return false;
        bool stale = true, spurious = false;
        if (axm_directed())
            axm_link(axm.g);
        for (uint16_t i = axm.g->last[f->tid]; i != AXM_NONE && axm.g->ev[i].idx >= s->events; i = axm.g->ev[i].po_prev) {
            const struct axm_event *e = &axm.g->ev[i];
            if (e->kind == AXM_WRITE)
                continue; /* half of a read-modify-write, and idle */
            bool late = e->flags & AXM_SPURIOUS && axm_may_wait(e->op);
            stale = stale && e->kind == AXM_READ && (e->flags & AXM_STALE || late);
            spurious = spurious || (e->flags & AXM_SPURIOUS && !late);
        }
        if (axm_directed()) {
            if (spurious)
                return false; /* only a failure of its own kept it: it just goes on */
            f->fair = (uint16_t)(f->pos - s->events);
            f->spin[0] = *s; /* what it sees next decides, not what it passed by before */
            f->spin[0].events = f->pos;
            f->spins = 1;
            return true;
        }
        if (stale || spurious)
            axm_stop(AXM_END_PRUNED); /* no revisit would ever change that turn */
        f->pc = pc;
        f->doing = "spin";
        f->want = s->events;
        axm_give_up(AXM_SPINNING);
    }
    if (s == NULL) {
        if (f->spins == AXM_SPIN_SITES)
            return false;
        s = &f->spin[f->spins++];
        s->pc = pc;
        s->bytes = 0;
        if (axm_directed())
            return false;
    }
    s->bytes = bytes;
    s->events = f->pos;
    memcpy(s->regs, axm_regs, sizeof axm_regs);
    memcpy(s->stack, (const void *)sp, bytes);
    return false;
}

/* --bound unroll. A place is a call of it together with all the calls around
 * it, so that a function called from two places is two. */
void axm_count_pass(uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    uintptr_t place = pc;
    for (unsigned i = 0; i < f->depth && i < AXM_CALLS; i++)
        place = place * UINT64_C(0x9e3779b97f4a7c15) + f->calls[i];
    unsigned k = 0;
    while (k < f->sites && f->site[k].place != place)
        k++;
    if (k == AXM_SITES)
        axm_violation(AXM_LIMIT, pc, "--bound unroll counts no more than %d places per thread", AXM_SITES);
    if (k == f->sites) {
        f->sites++;
        f->site[k].place = place;
        f->site[k].passes = 0;
    }
    if (++f->site[k].passes > axm.opt.unroll)
        axm_give_up(AXM_UNROLLED);
}

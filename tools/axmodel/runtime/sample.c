/* SPDX-License-Identifier: MIT */
/* Directed runs: old sources, places in the middle of a modification order, waiting, and what else does not happen in
 * every operation; the rest is in sample.h. */
#include "sample.h"

#include <string.h>

/* With a bound on preemptions: what of the other threads event i, the running thread's last one, depends on. */
void axm_sample_porf(uint16_t i)
{
    struct axm_graph *g = axm.g;
    struct axm_fiber *f = axm.cur;
    struct axm_event *e = &g->ev[i];
    if (e->rf == AXM_NONE || e->rf == AXM_INIT) {
        f->porf.v[f->tid] = (uint16_t)(e->idx + 1);
        e->porf_pre = f->porf;
    } else {
        axm_join(&f->porf, &g->ev[e->rf].porf);
    }
    e->porf = f->porf;
}

/* The writes that event i fits to, newest first, as far back as its thread may see. A replay has only the newest
 * and the one that its token names, or the next one to that which fits: tokens that were changed may name any. */
static unsigned options(const struct axm_graph *g, uint16_t i, uint32_t bound, uint16_t *list)
{
    const struct axm_event *e = &g->ev[i];
    bool replay = axm.opt.mode == AXM_REPLAY;
    unsigned n = 0, back = replay ? axm_token_back() : AXM_OPTIONS;
    for (uint16_t w = axm_newest(&g->locs[e->loc]);; w = g->ev[w].mo_prev) {
        bool fit = axm_fits(g, e->op, e->cmp, e->loc, w), last = w == AXM_INIT || g->ev[w].rank <= bound;
        if (fit) {
            if (replay && n == 2)
                n = 1;
            list[n++] = w;
        }
        if (replay && (back == 0 || last))
            axm_token_took(fit && back == 0);
        if (last || (replay ? back == 0 && n != 0 : n == AXM_OPTIONS))
            return n;
        if (back != 0)
            back--;
    }
}

/* One of so many. */
static inline unsigned choose(unsigned n)
{
    if (n == 1)
        return 0;
    return axm.opt.mode == AXM_REPLAY ? n - 1 : (unsigned)axm_random_draw(n);
}

/* Option k is not consistent. */
static void drop(uint16_t *list, unsigned *n, unsigned k)
{
    if (axm.opt.mode == AXM_REPLAY)
        axm_token_took(false);
    memmove(&list[k], &list[k + 1], (--*n - k) * sizeof list[0]);
}

/* Only what is not the newest can be against the seq_cst axiom. */
static inline bool consistent(struct axm_graph *g, uint16_t i)
{
    if (g->sc < 2)
        return true;
    axm_link(g);
    return axm_sc_consistent(g, i, AXM_NONE);
}

/* Places write i in any gap after what the thread knows that no read-modify-write has closed. */
void axm_sample_place(uint16_t i, uint32_t bound)
{
    struct axm_graph *g = axm.g;
    struct axm_event *e = &g->ev[i];
    uint16_t list[AXM_OPTIONS];
    unsigned n = options(g, i, bound, list);
    for (;;) {
        unsigned k = choose(n);
        axm_place(g, i, list[k]);
        if (e->mo_next == AXM_NONE || consistent(g, i))
            return;
        axm_unplace(g, i);
        drop(list, &n, k);
    }
}

/* Release sequences with later writes of the same thread. */
void axm_sample_c11_sequence(uint16_t i)
{
    axm.g->ev[i].pre = axm.g->ev[i].rel;
    axm_link(axm.g);
    axm_release_clock(axm.g, i);
}

static void read_from(struct axm_graph *g, uint16_t i, uint16_t w)
{
    struct axm_event *e = &g->ev[i];
    axm_take(g, e, w);
    if (w != AXM_INIT && axm_acquires(e->ord))
        axm_join(&e->vc, &g->ev[w].rel);
}

static void unread(struct axm_graph *g, uint16_t i)
{
    struct axm_event *e = &g->ev[i];
    if (e->ord == AXM_SC)
        g->sc--;
    e->vc = axm.cur->cur;
}

/* Draws a source for read i among those that are consistent. */
void axm_sample_read_old(uint16_t i, uint32_t bound)
{
    struct axm_graph *g = axm.g;
    uint16_t newest = axm_newest(&g->locs[g->ev[i].loc]), list[AXM_OPTIONS];
    unsigned n = options(g, i, bound, list);
    while (n != 0) {
        unsigned k = choose(n);
        read_from(g, i, list[k]);
        if (list[k] == newest || consistent(g, i))
            return;
        unread(g, i);
        drop(list, &n, k);
    }
    axm_stop(AXM_END_PRUNED); /* it can only go on with what the others forbid it */
}

/* Read i is a wait that times out: every source left would have it go on waiting. */
void axm_sample_read_late(uint16_t i)
{
    struct axm_graph *g = axm.g;
    g->ev[i].flags |= AXM_SPURIOUS;
    read_from(g, i, axm_newest(&g->locs[g->ev[i].loc]));
}

/* Weak compare-exchange i would succeed, and may fail all the same. */
void axm_sample_fail_perhaps(uint16_t i)
{
    struct axm_graph *g = axm.g;
    if (axm.opt.mode == AXM_REPLAY ? !axm_token_spurious() : axm_random_choice(8, false) != 1)
        return;
    unread(g, i);
    g->ev[i].flags |= AXM_SPURIOUS;
    read_from(g, i, g->ev[i].rf);
}

/* ---- waiting ---- */

/* Whether a thread that waits on a value could go on now; its request is kept in f->wait. */
bool axm_would_proceed(struct axm_fiber *f)
{
    struct axm_graph *g = axm.g;
    const struct axm_step_at s = {g, g->ev, f, &g->locs[f->wait_loc], f->wait_loc};
    uint32_t bound = axm_knows(&s);
    for (uint16_t w = axm_newest(s.l);; w = g->ev[w].mo_prev) {
        if (axm_fits(g, f->wait.op, f->wait.cmp, f->wait_loc, w))
            return true;
        if (w == AXM_INIT || g->ev[w].rank <= bound)
            return false;
    }
}

/* Whether a thread that would have to wait times out at once. */
static bool times_out(struct axm_fiber *f)
{
    if (axm.opt.mode == AXM_REPLAY)
        return (f->wait.flags & (AXM_WEAK | AXM_TIMED)) && axm_token_spurious();
    return (f->wait.flags & AXM_WEAK) && !axm_would_proceed(f) && axm_random_choice(4, false) == 1;
}

/* There are no revisits: a thread that has to wait is not enabled until it can go on, or until its deadline has
 * passed, which is false. */
bool axm_sample_wait(const struct axm_req *q, uint16_t loc)
{
    struct axm_fiber *f = axm.cur;
    f->wait = *q;
    f->wait_loc = loc;
    if (times_out(f))
        return false;
    f->timed_out = false;
    while (!axm_would_proceed(f)) {
        axm_set_state(f, AXM_BLOCKED);
        axm_schedule();
        axm_token_again();
        if (f->timed_out)
            return false;
    }
    return true;
}

/* The same for a spin: another turn makes sense only after somebody has written, and then it sees that. */
void axm_sample_spin(uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    f->pc = pc;
    f->doing = "spin";
    f->want = axm.writes;
    axm_set_state(f, AXM_SPINNING);
    axm_schedule();
}

uint64_t axm_operate(const struct axm_req *q, bool *wrote) { return axm_access(q, wrote); }

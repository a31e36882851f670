/* SPDX-License-Identifier: MIT */
/* Directed runs: the events. Sources and places in modification order are drawn from what the memory model allows.
 *
 * Nothing here is ever revisited, and so less is kept of an event than explore.c needs: no porf clocks, unless a
 * bound on preemptions asks for them, and no clocks of what was there before a read. Events are numbered in the order
 * in which they happen, and memory holds the end of each modification order. */
#include "axm.h"

#include <string.h>

enum { MOST_OPTIONS = 64 };

/* A new event of the running thread. Its clock is that of the thread and the event itself. */
static inline uint16_t make(struct axm_graph *g, struct axm_fiber *f, enum axm_kind kind, uint16_t loc,
                            const struct axm_req *q)
{
    uint16_t i = axm_add(g, f->tid, (uint8_t)kind, loc);
    struct axm_event *e = &g->ev[i];
    e->op = q->op;
    e->size = q->size;
    e->ord = e->ord_ok = q->ord;
    e->ord_fail = q->ord_fail;
    e->note = q->note;
    e->flags = q->flags;
    e->result = AXM_WRITES;
    e->arg = q->arg;
    e->cmp = q->cmp;
    e->pc = q->pc;
    e->tick = (uint16_t)(f->tick + 1);
    e->vc = f->cur;
    e->vc.v[f->tid] = e->tick;
    f->cur.v[f->tid] = f->tick = e->tick;
    f->pos++;
    g->locs[loc].latest[f->tid] = i;
    if (AXM_UNLIKELY(axm.opt.preemptions != AXM_ANY_NUMBER)) {
        f->porf.v[f->tid] = (uint16_t)(e->idx + 1);
        e->porf = e->porf_pre = f->porf;
    }
    return i;
}

/* The rank of the newest write to loc that the thread knows of. Its own last access tells, unless it has learned
 * something since. */
static inline uint32_t known(const struct axm_graph *g, uint16_t loc, const struct axm_fiber *f)
{
    uint16_t own = g->locs[loc].latest[f->tid];
    if (own == AXM_NONE || g->ev[own].tick < f->learned)
        return axm_known(g, loc, f->tid, &f->cur, f->learned, AXM_NONE);
    return g->ev[own].kind == AXM_WRITE ? g->ev[own].rank : axm_rank(g, g->ev[own].rf);
}

/* Whether event e may read from w, or be placed directly after it, as far as w goes. An operation that would wait
 * takes a source that lets it go on. */
static inline bool fits(const struct axm_graph *g, const struct axm_event *e, uint16_t w)
{
    enum axm_result r = axm_effect(e->op, axm_value(g, e->loc, w), e->cmp);
    return r == AXM_READS || (r == AXM_WRITES && axm_taken(g, e->loc, w) == AXM_NONE);
}

/* The writes that event i fits to, newest first, as far back as its thread may see. A replay has only the newest and
 * the one that its token names, or the next one to that which fits: tokens that were changed may name any. */
static unsigned options(const struct axm_graph *g, uint16_t i, uint32_t bound, uint16_t *list)
{
    const struct axm_event *e = &g->ev[i];
    bool replay = axm.opt.mode == AXM_REPLAY;
    unsigned n = 0, back = replay ? axm_token_back() : MOST_OPTIONS;
    for (uint16_t w = axm_newest(&g->locs[e->loc]);; w = g->ev[w].mo_prev) {
        bool fit = fits(g, e, w), last = w == AXM_INIT || axm_rank(g, w) <= bound;
        if (fit) {
            if (replay && n == 2)
                n = 1;
            list[n++] = w;
        }
        if (replay && (back == 0 || last))
            axm_token_took(fit && back == 0);
        if (last || (replay ? back == 0 && n != 0 : n == MOST_OPTIONS))
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

/* ---- writes ---- */

/* Write i is in its place: what it releases, and memory. */
static inline void written(struct axm_graph *g, struct axm_fiber *f, uint16_t i)
{
    struct axm_event *e = &g->ev[i];
    e->pre = axm_releases(e->ord) ? e->vc : f->frel;
    axm_release_clock(g, i);
    if (e->mo_next == AXM_NONE)
        axm_store_value(&g->locs[e->loc], e->value);
    f->spins = 0;
    axm.writes++;
}

/* Any gap after what the thread knows that no read-modify-write has closed. */
static void place(struct axm_graph *g, uint16_t i, uint32_t bound)
{
    struct axm_event *e = &g->ev[i];
    uint16_t list[MOST_OPTIONS];
    unsigned n = options(g, i, bound, list);
    for (;;) {
        unsigned k = choose(n);
        axm_place(g, i, list[k]);
        if (e->mo_next == AXM_NONE || axm_sc_consistent(g, i, AXM_NONE))
            return;
        axm_unplace(g, i);
        drop(list, &n, k);
    }
}

static void sample_store(struct axm_graph *g, struct axm_fiber *f, const struct axm_req *q, uint16_t loc)
{
    uint32_t bound = known(g, loc, f);
    uint16_t i = make(g, f, AXM_WRITE, loc, q);
    g->ev[i].value = q->arg;
    if (q->ord == AXM_SC)
        g->sc++;
    place(g, i, bound);
    written(g, f, i);
}

/* The other half of read r: directly after its source. */
static inline void write_half(struct axm_graph *g, struct axm_fiber *f, const struct axm_req *q, uint16_t r)
{
    uint16_t loc = g->ev[r].loc, source = g->ev[r].rf;
    uint16_t i = make(g, f, AXM_WRITE, loc, q);
    struct axm_event *e = &g->ev[i];
    e->flags &= AXM_INTERNAL;
    e->value = axm_apply(q->op, q->size, g->ev[r].value, q->arg);
    e->rmw = r;
    g->ev[r].rmw = i;
    if (e->ord == AXM_SC)
        g->sc++;
    axm_place(g, i, source);
    *(source == AXM_INIT ? &g->locs[loc].taken : &g->ev[source].taken) = r;
    written(g, f, i);
}

/* ---- reads ---- */

static inline void read_from(struct axm_graph *g, const struct axm_fiber *f, struct axm_event *e, uint16_t w)
{
    axm_take(g, e, w);
    if (w != AXM_INIT && axm_acquires(e->ord)) {
        e->vc = f->cur;
        axm_join(&e->vc, &g->ev[w].rel);
    }
}

static void unread(struct axm_graph *g, const struct axm_fiber *f, struct axm_event *e)
{
    if (e->ord == AXM_SC)
        g->sc--;
    e->vc = f->cur;
}

/* Draws a source for read i among those that are consistent. */
static void draw_source(struct axm_graph *g, struct axm_fiber *f, uint16_t i, uint32_t bound)
{
    struct axm_event *e = &g->ev[i];
    uint16_t newest = axm_newest(&g->locs[e->loc]), list[MOST_OPTIONS];
    unsigned n = 1;
    list[0] = newest;
    if (f->fair != 0 && !axm_may_wait(e->op))
        f->fair--;
    else if (bound != axm_rank(g, newest))
        n = options(g, i, bound, list);
    while (n != 0) {
        unsigned k = choose(n);
        read_from(g, f, e, list[k]);
        if (list[k] == newest || axm_sc_consistent(g, i, AXM_NONE))
            return;
        unread(g, f, e);
        drop(list, &n, k);
    }
    axm_stop(AXM_END_PRUNED); /* it can only go on with what the others forbid it */
}

/* Whether a weak compare-exchange that would succeed fails. */
static inline bool fails(const struct axm_event *e)
{
    if (AXM_LIKELY(!(e->flags & AXM_WEAK)) || e->op != AXM_CAS || e->result != AXM_WRITES)
        return false;
    return axm.opt.mode == AXM_REPLAY ? axm_token_spurious() : axm_random_choice(8, false) == 1;
}

static uint64_t sample_read(struct axm_graph *g, struct axm_fiber *f, const struct axm_req *q, uint16_t loc, bool late,
                            bool *wrote)
{
    uint32_t bound = known(g, loc, f);
    uint16_t i = make(g, f, AXM_READ, loc, q);
    struct axm_event *e = &g->ev[i];
    if (AXM_UNLIKELY(late)) { /* a wait that times out, which every source left would have go on */
        e->flags |= AXM_SPURIOUS;
        read_from(g, f, e, axm_newest(&g->locs[loc]));
    } else {
        draw_source(g, f, i, bound);
        if (AXM_UNLIKELY(fails(e))) {
            uint16_t w = e->rf;
            unread(g, f, e);
            e->flags |= AXM_SPURIOUS;
            read_from(g, f, e, w);
        }
    }
    if (e->rf != AXM_INIT) {
        const struct axm_event *w = &g->ev[e->rf];
        axm_join(&f->facq, &w->rel);
        if (axm_acquires(e->ord)) {
            f->cur = e->vc;
            f->learned = e->tick;
        }
        if (AXM_UNLIKELY(axm.opt.preemptions != AXM_ANY_NUMBER)) {
            axm_join(&f->porf, &w->porf);
            e->porf = f->porf;
        }
    }
    *wrote = e->result == AXM_WRITES;
    if (*wrote)
        write_half(g, f, q, i);
    return e->value;
}

/* ---- waiting ---- */

/* Whether a thread that waits on a value could go on now; its request is kept in f->wait. */
bool axm_would_proceed(const struct axm_fiber *f)
{
    const struct axm_graph *g = axm.g;
    const struct axm_event e = {.op = f->wait.op, .cmp = f->wait.cmp, .loc = f->wait_loc};
    uint32_t bound = known(g, f->wait_loc, f);
    for (uint16_t w = axm_newest(&g->locs[f->wait_loc]);; w = g->ev[w].mo_prev) {
        if (fits(g, &e, w))
            return true;
        if (w == AXM_INIT || axm_rank(g, w) <= bound)
            return false;
    }
}

/* Whether a thread that would have to wait times out at once. */
static bool times_out(const struct axm_fiber *f)
{
    if (axm.opt.mode == AXM_REPLAY)
        return (f->wait.flags & (AXM_WEAK | AXM_TIMED)) && axm_token_spurious();
    return (f->wait.flags & AXM_WEAK) && !axm_would_proceed(f) && axm_random_choice(4, false) == 1;
}

/* There are no revisits: a thread that has to wait is not enabled until it can go on, or until its deadline has
 * passed, which is false. */
static bool wait_until_possible(struct axm_fiber *f, const struct axm_req *q, uint16_t loc)
{
    f->wait = *q;
    f->wait_loc = loc;
    if (times_out(f))
        return false;
    f->timed_out = false;
    while (!axm_would_proceed(f)) {
        f->state = AXM_BLOCKED;
        axm_schedule();
        axm_token_again();
        if (f->timed_out)
            return false;
    }
    return true;
}

/* The same for a spin: another turn makes sense only after somebody has written, and then it sees that. */
void axm_sample_spin(const struct axm_req *q)
{
    struct axm_fiber *f = axm.cur;
    f->pc = q->pc;
    f->doing = "spin";
    f->want = axm.writes;
    f->state = AXM_SPINNING;
    axm_schedule();
}

uint64_t axm_sample(const struct axm_req *q, bool *wrote)
{
    struct axm_fiber *f = axm.cur;
    struct axm_graph *g = axm.g;
    f->pc = q->pc;
    axm_random_turn();
    bool fresh;
    uint16_t loc = axm_locate(q, AXM_NONE, &fresh);
    bool late = axm_may_wait(q->op) && !wait_until_possible(f, q, loc);
    axm_token_check();
    uint64_t value = 0;
    *wrote = q->op == AXM_STORE;
    if (*wrote)
        sample_store(g, f, q, loc);
    else
        value = sample_read(g, f, q, loc, late, wrote);
    axm_atomic_touch(q, *wrote);
    return value;
}

/* SPDX-License-Identifier: MIT */
/* Directed runs: one execution, its choices made by a random generator, by PCT, or by a replay token.
 *
 * Threads, sources and places in modification order are all drawn from what the memory model allows.
 * The scheduler works in bursts (a thread keeps the processor for a geometric number of steps), or
 * queues never grow and retries never fail. PCT (Burckhardt et al., ASPLOS 2010) instead gives threads
 * random priorities and lowers the running one at d-1 random steps; reads then take the newest value but
 * at as many random steps, in the spirit of PCT for weak memory (Gao et al., ASPLOS 2023). */
#include "axm.h"

#include <string.h>

static AXM_STATE uint64_t state;
static AXM_STATE uint32_t step, last_steps;
static AXM_STATE uint32_t change[16];
static AXM_STATE unsigned burst;

void axm_yield_to(struct axm_fiber *f);

/* xorshift64*, seeded through splitmix64. */
uint64_t axm_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t below(uint64_t n) { return ((axm_random() >> 32) * n) >> 32; }

void axm_random_begin(uint64_t seed, uint64_t number)
{
    uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + number + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    state = (z ^ (z >> 31)) | 1;
    last_steps = step > 8 ? step : 8;
    step = 0;
    burst = 0;
    if (axm.opt.mode == AXM_PCT) {
        for (unsigned i = 0; i < axm.opt.depth && i < 16; i++)
            change[i] = (uint32_t)below(last_steps);
        for (unsigned t = 0; t < AXM_THREADS; t++)
            axm.fiber[t]->priority = (axm_random() >> 8) + 16;
    }
}

static bool ready(const struct axm_fiber *f)
{
    switch ((enum axm_state)f->state) {
    case AXM_READY:
    case AXM_FRONTIER: return true;
    case AXM_JOINING: return axm.fiber[f->join]->state == AXM_DONE;
    case AXM_BLOCKED: return axm_would_proceed(f);
    case AXM_SPINNING: return f->want != axm.writes;
    default: return false;
    }
}

struct axm_fiber *axm_random_pick(void)
{
    struct axm_fiber *list[AXM_THREADS], *top = NULL;
    unsigned n = 0;
    for (unsigned t = 0; t < axm.tids; t++) {
        struct axm_fiber *f = axm.fiber[t];
        if (!ready(f))
            continue;
        list[n++] = f;
        if (axm.opt.mode == AXM_PCT && (top == NULL || f->priority > top->priority))
            top = f;
    }
    if (n == 0)
        return NULL;
    if (axm.opt.mode == AXM_PCT)
        return top;
    if (axm.opt.mode == AXM_REPLAY)
        return axm_token_pick(list, n);
    return n == 1 ? list[0] : list[below(n)];
}

static void yield_to(struct axm_fiber *f)
{
    axm.cur->state = AXM_FRONTIER;
    axm_token_resume(f);
    f->state = AXM_READY;
    axm_yield_to(f);
}

/* Called before each new event: perhaps another thread goes first. */
void axm_random_switch(void)
{
    struct axm_fiber *self = axm.cur;
    step++;
    if (axm.opt.mode == AXM_REPLAY) {
        axm_token_stop();
        struct axm_fiber *f = axm_random_pick();
        if (f != NULL && f != self)
            yield_to(f);
        axm_token_advance();
        return;
    }
    if (axm.opt.mode == AXM_RANDOM) {
        if (burst != 0) {
            burst--;
            return;
        }
        uint64_t r = axm_random() >> 40;
        if ((r & 3) == 0)
            burst = (unsigned)(r >> 4 & 15);
    } else if (axm.opt.mode == AXM_PCT) {
        bool changed = false;
        for (unsigned i = 0; i + 1 < axm.opt.depth && i < 16; i++)
            if (change[i] == step) {
                self->priority = i;
                changed = true;
            }
        if (!changed)
            return;
    }
    struct axm_fiber *f = axm_random_pick();
    if (f == NULL || f == self)
        return;
    axm_token_stop();
    yield_to(f);
}

/* What is rare comes once in sixteen: a thread that may die at each step should get somewhere first. */
uint64_t axm_random_choice(unsigned alternatives, bool rare)
{
    if (axm.opt.mode == AXM_REPLAY)
        return axm_token_choice(alternatives);
    return rare && below(16) != 0 ? 0 : below(alternatives);
}

/* How many steps from the newest write to the source or place that is taken. */
static uint64_t draw(unsigned options)
{
    if (options == 1)
        return 0;
    if (axm.opt.mode == AXM_PCT) {
        for (unsigned i = 0; i < axm.opt.depth && i < 16; i++)
            if (below(last_steps) < 2)
                return below(options);
        return 0;
    }
    return below(options);
}

/* A source for read e, among those that are consistent; an operation that would wait takes one that
 * lets it go on. */
void axm_random_read(struct axm_graph *g, uint16_t i)
{
    struct axm_event *e = &g->ev[i];
    const struct axm_loc *l = &g->locs[e->loc];
    uint16_t list[64];
    unsigned n = 0;
    if (axm.opt.mode == AXM_REPLAY) {
        axm_read_from(g, i, axm_token_walk(g, e->loc));
        if (axm_token_spurious()) {
            e->flags |= AXM_SPURIOUS;
            axm_read_from(g, i, e->rf);
        }
        return;
    }
    if (e->flags & AXM_SPURIOUS) { /* a wait that times out, which every source left would have go on */
        axm_read_from(g, i, axm_newest(l));
        return;
    }
    uint32_t bound = axm_bound(g, e->loc, &e->pre, i);
    bool newest_only = axm.fiber[e->tid]->fair;
    for (uint16_t w = axm_newest(l);; w = g->ev[w].mo_prev) {
        uint64_t out;
        enum axm_result r = AXM_READS;
        if (e->op != AXM_LOAD)
            r = axm_apply(e->op, e->size, axm_value(g, e->loc, w), e->arg, e->cmp, &out);
        if (r == AXM_READS || (r == AXM_WRITES && axm_taken(g, e->loc, w) == AXM_NONE))
            list[n++] = w;
        if (w == AXM_INIT || axm_rank(g, w) <= bound || n == 64 || newest_only)
            break;
    }
    while (n != 0) {
        uint64_t k = draw(n);
        axm_read_from(g, i, list[k]);
        if (list[k] == axm_newest(l) || axm_sc_consistent(g, i, AXM_NONE))
            break;
        memmove(&list[k], &list[k + 1], (--n - k) * sizeof list[0]);
    }
    if ((e->flags & AXM_WEAK) && e->op == AXM_CAS && e->result == AXM_WRITES && axm_random_choice(8, false) == 1) {
        e->flags |= AXM_SPURIOUS;
        axm_read_from(g, i, e->rf);
    }
}

/* Whether a thread that waits on a value could go on now; its request is kept in f->wait. */
bool axm_would_proceed(const struct axm_fiber *f)
{
    const struct axm_graph *g = axm.g;
    const struct axm_loc *l = &g->locs[f->wait_loc];
    uint32_t bound = axm_bound(g, f->wait_loc, &f->cur, AXM_NONE);
    for (uint16_t w = axm_newest(l);; w = g->ev[w].mo_prev) {
        uint64_t out;
        enum axm_result r = axm_apply(f->wait.op, f->wait.size, axm_value(g, f->wait_loc, w), f->wait.arg, f->wait.cmp,
                                      &out);
        if (r == AXM_READS || (r == AXM_WRITES && axm_taken(g, f->wait_loc, w) == AXM_NONE))
            return true;
        if (w == AXM_INIT || axm_rank(g, w) <= bound)
            return false;
    }
}

/* Whether a thread that would have to wait times out at once. */
bool axm_random_times_out(const struct axm_fiber *f)
{
    if (axm.opt.mode == AXM_REPLAY)
        return axm_token_spurious();
    return (f->wait.flags & AXM_WEAK) && !axm_would_proceed(f) && axm_random_choice(4, false) == 1;
}

/* A place for write e: any gap after what its thread knows that no read-modify-write has closed. */
void axm_random_write(struct axm_graph *g, uint16_t i)
{
    struct axm_event *e = &g->ev[i];
    const struct axm_loc *l = &g->locs[e->loc];
    uint16_t list[64];
    unsigned n = 0;
    if (axm.opt.mode == AXM_REPLAY) {
        axm_place(g, i, axm_token_walk(g, e->loc));
        return;
    }
    uint32_t bound = axm_bound(g, e->loc, &e->vc, i);
    for (uint16_t w = axm_newest(l);; w = g->ev[w].mo_prev) {
        if (axm_taken(g, e->loc, w) == AXM_NONE)
            list[n++] = w;
        if (w == AXM_INIT || axm_rank(g, w) <= bound || n == 64)
            break;
    }
    for (;;) {
        uint64_t k = draw(n);
        axm_place(g, i, list[k]);
        if (e->mo_next == AXM_NONE || axm_sc_consistent(g, i, AXM_NONE))
            return;
        axm_unplace(g, i);
        memmove(&list[k], &list[k + 1], (--n - k) * sizeof list[0]);
    }
}

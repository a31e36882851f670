/* SPDX-License-Identifier: MIT */
/* One run of the test: threads are fibers that replay the graph axm.g and then extend it.
 *
 * While events of the graph are left each thread gets from it the values it reads; a thread waits when
 * the source of its read has not run yet in this run, so that plain memory, which is the real thing, is
 * written before it is read. After that the enabled thread with the lowest number goes on, which makes
 * the order a function of the graph, as explore.c needs. */
#include "sample.h"

#include "atomicx/model.h"

#include <string.h>

AXM_STATE struct axm axm;

/* NULL means the controller's. */
static inline void use_tls(const struct axm_fiber *f)
{
    if (axm_own_tls)
        axm_tls_switch(f);
}

static void switch_to(struct axm_fiber *f)
{
    struct axm_fiber *self = axm.cur;
    int kept = *self->errno_at;
    axm.cur = f;
    use_tls(f);
    axm_switch(&self->sp, f->sp);
    *self->errno_at = kept;
}

void axm_stop(enum axm_end end)
{
    axm.end = (uint8_t)end;
    if (axm_directed() && end == AXM_END_VIOLATED)
        axm_token_stop();
    void *scrap;
    use_tls(NULL);
    axm_switch(&scrap, axm.controller);
    __builtin_unreachable();
}

static bool executed(uint16_t e)
{
    const struct axm_event *v = &axm.g->ev[e];
    return axm.fiber[v->tid]->pos > v->idx;
}

/* The threads that can go on in an exhaustive run. */
static unsigned enabled(bool replaying)
{
    unsigned can = axm.in[AXM_READY] | (replaying ? 0u : axm.in[AXM_FRONTIER]);
    for (unsigned m = axm.in[AXM_REPLAY_WAIT]; m != 0; m &= m - 1)
        if (executed(axm_lowest(m)->want))
            can |= m & -m;
    return can;
}

static struct axm_fiber *pick(void)
{
    if (axm_directed())
        return axm_random_pick();
    bool replaying = axm.replay_left != 0;
    unsigned can = enabled(replaying);
    if (can != 0)
        return axm_lowest(can);
    if (replaying)
        axm_violation(AXM_DIVERGED, axm.cur->pc,
                      "the test did something else when it was run again with the same values: does it use "
                      "time, random numbers, uninitialised memory, or state that outlives one execution?");
    return NULL;
}

/* Whether all that wait see the newest values. If not, a revisit goes on from here with the values that
 * those do not see. One that spins sees the same in another write of the same value, perhaps its own. */
bool axm_all_wait(void)
{
    const struct axm_graph *g = axm.g;
    for (unsigned t = 0; t < axm.tids; t++) {
        const struct axm_fiber *f = axm.fiber[t];
        if (f->state == AXM_GIVEN_UP || f->state == AXM_UNROLLED)
            return false;
        if (axm_directed() || (f->state != AXM_BLOCKED && f->state != AXM_SPINNING))
            continue;
        bool spins = f->state == AXM_SPINNING;
        uint16_t from = spins ? f->want : g->ev[g->last[t]].idx;
        for (uint16_t i = g->last[t]; i != AXM_NONE && g->ev[i].idx >= from; i = g->ev[i].po_prev) {
            const struct axm_event *e = &g->ev[i];
            if (e->kind != AXM_READ)
                continue;
            uint16_t newest = axm_newest(&g->locs[e->loc]);
            if (spins ? axm_value(g, e->loc, newest) != e->value : newest != e->rf)
                return false;
        }
    }
    return true;
}

/* Nobody can go on: time passes until the deadline of somebody who waits. A thread that may yet time out
 * early in the exhaustive search does not need this: it does so in another execution. */
static struct axm_fiber *pick_late(void)
{
    if (!axm_all_wait())
        return NULL;
    for (unsigned t = 0; t < axm.tids; t++) {
        struct axm_fiber *f = axm.fiber[t];
        if (f->state != AXM_BLOCKED)
            continue;
        uint8_t flags = axm_directed() ? f->wait.flags : axm.g->ev[axm.g->last[t]].flags;
        if ((flags & AXM_TIMED) && (axm_directed() || f->spurious >= axm.opt.spurious)) {
            f->timed_out = true;
            return f;
        }
    }
    return NULL;
}

/* Lets another thread run if it is its turn; the caller has set its own state. */
void axm_schedule(void)
{
    axm.reschedule = false;
    if (axm_directed())
        axm_token_stop();
    struct axm_fiber *f = pick();
    if (f == NULL)
        f = pick_late();
    if (f == NULL) {
        axm_stop(axm.in[AXM_UNROLLED] != 0 ? AXM_END_UNROLLED
                 : axm.in[AXM_GIVEN_UP] != 0 ? AXM_END_PRUNED
                 : (uint16_t)(axm.in[AXM_UNBORN] | axm.in[AXM_DONE]) != (uint16_t)-1 ? AXM_END_BLOCKED
                                                                                     : AXM_END_COMPLETE);
    }
    if (axm_directed())
        axm_token_resume(f);
    axm_set_state(f, AXM_READY);
    if (f != axm.cur)
        switch_to(f);
}

static void fiber_main(void)
{
    struct axm_fiber *f = axm.cur;
    axm_exit_thread(f->entry(f->arg));
}

static void *run_body(void *unused)
{
    (void)unused;
    axm.test->body();
    return NULL;
}

/* Thread numbers must not depend on the schedule: the nth thread of a parent always has the same. */
static uint8_t number_thread(uint8_t parent, uint8_t child)
{
    for (uint8_t t = 1; t < axm.tids; t++)
        if (axm.tid_parent[t] == parent && axm.tid_child[t] == child)
            return t;
    if (axm.tids == AXM_THREADS)
        axm_violation(AXM_LIMIT, axm.cur->pc, "more than %d threads", AXM_THREADS);
    axm.tid_parent[axm.tids] = parent;
    axm.tid_child[axm.tids] = child;
    return axm.tids++;
}

static void start(struct axm_fiber *f, void *(*entry)(void *), void *arg)
{
    memset(&f->cur, 0, offsetof(struct axm_fiber, tid) - offsetof(struct axm_fiber, cur));
    f->next = axm.g->first[f->tid];
    f->want = AXM_NONE;
    axm_set_state(f, AXM_READY);
    f->children = f->spurious = 0;
    f->detached = f->joined = f->timed_out = f->mortal = f->killed = false;
    f->robust_held = f->sites = 0;
    f->looks = 0;
    f->entry = entry;
    f->arg = arg;
    f->ret = f->cleanup = NULL;
    f->pc = 0;
    f->doing = NULL;
    f->spins = f->depth = 0;
    f->fair = 0;
    f->wake = 0;
    if (f->has_keys)
        memset(f->keys, 0, sizeof f->keys);
    f->has_keys = false;
    if (axm_own_tls)
        axm_tls_renew(f);
    axm_fiber_start(f, fiber_main);
    axm.nthreads++;
}

struct axm_fiber *axm_spawn(void *(*entry)(void *), void *arg, uintptr_t pc)
{
    struct axm_fiber *self = axm.cur;
    self->pc = pc;
    axm_side_effect();
    struct axm_fiber *f = axm.fiber[number_thread(self->tid, self->children++)];
    start(f, entry, arg);
    f->parent = self->tid;
    self->cur.v[self->tid] = ++self->tick;
    f->cur = self->cur;
    f->porf = self->porf;
    return f;
}

void axm_join_thread(struct axm_fiber *target, uintptr_t pc)
{
    struct axm_fiber *self = axm.cur;
    self->pc = pc;
    if (target->state != AXM_DONE) {
        axm_set_state(self, AXM_JOINING);
        self->join = target->tid;
        self->doing = "join";
        axm_schedule();
    }
    target->joined = true;
    axm_join(&self->cur, &target->cur);
    self->learned = (uint16_t)(self->tick + 1);
    axm_join(&self->porf, &target->porf);
}

void axm_exit_thread(void *ret)
{
    struct axm_fiber *self = axm.cur;
    self->mortal = false;
    if (!self->killed) {
        axm_destroy_locals();
        if (self->has_keys)
            axm_run_key_destructors();
    }
    if (self->robust_held != 0)
        axm_leave_robust();
    self->ret = ret;
    self->cur.v[self->tid] = ++self->tick;
    axm_set_state(self, AXM_DONE);
    for (unsigned m = axm.in[AXM_JOINING]; m != 0; m &= m - 1)
        if (axm_lowest(m)->join == self->tid)
            axm_set_state(axm_lowest(m), AXM_READY);
    axm_schedule();
    __builtin_unreachable();
}

/* The running thread goes no further; the others do. */
void axm_give_up(enum axm_state how)
{
    axm_set_state(axm.cur, how);
    axm_schedule();
    __builtin_unreachable();
}

static void unbear(unsigned threads)
{
    for (; threads != 0; threads &= threads - 1) {
        axm_lowest(threads)->state = AXM_UNBORN;
        axm_lowest(threads)->pos = 0;
    }
    memset(axm.in, 0, sizeof axm.in);
    axm.in[AXM_UNBORN] = (uint16_t)-1;
}

/* Before a search: nobody is there, whatever the one before has left. */
void axm_threads_reset(void) { unbear((1u << AXM_THREADS) - 1); }

enum axm_end axm_run(void)
{
    axm_globals_restore();
    axm_shadow_reset();
    axm_heap_reset();
    axm_outcome_begin();
    axm.nthreads = 0;
    axm.end = AXM_END_NONE;
    axm.replay_left = axm.g->n;
    axm.reschedule = false;
    axm.writes = 0;
    axm.porf_kept = axm_directed() && axm.opt.preemptions != AXM_ANY_NUMBER;
    for (uint16_t i = 0; i < axm.g->nlocs; i++)
        axm.g->locs[i].holder = AXM_NONE;
    unbear((uint16_t)~axm.in[AXM_UNBORN]);
    if (axm.tids == 0)
        axm.tids = 1;
    axm.cur = axm.fiber[0];
    start(axm.fiber[0], run_body, NULL);
    use_tls(axm.cur);
    axm_switch(&axm.controller, axm.cur->sp);
    axm.cur = NULL;
    axm.stats.runs++;
    return (enum axm_end)axm.end;
}

/* ---- events ---- */

/* Memory holds the value of the newest write that has run, for plain reads and for the debugger. */
static void commit(uint16_t w)
{
    const struct axm_event *e = &axm.g->ev[w];
    struct axm_loc *l = &axm.g->locs[e->loc];
    if (l->holder != AXM_NONE && axm.g->ev[l->holder].rank > e->rank)
        return;
    l->holder = w;
    axm_store_value(l->addr, l->size, e->value);
}

/* The thread has made an operation of so many events, of which e is the last. */
static inline void step_to(struct axm_fiber *f, const struct axm_event *e, unsigned events)
{
    f->tick = e->tick;
    f->learned = e->learned;
    f->cur = e->vc;
    f->porf = e->porf;
    f->pos = (uint16_t)(f->pos + events);
    f->next = e->po_next;
}

static void replayed(unsigned events)
{
    if (axm.replay_left == 0)
        return;
    axm.replay_left = (uint16_t)(axm.replay_left - events);
    if (axm.replay_left == 0)
        axm.reschedule = true;
}

/* Makes event i happen in this run: clocks, memory, and the wait of an operation that has to wait. */
static uint64_t take(struct axm_fiber *f, uint16_t i, const struct axm_req *q, bool *wrote)
{
    const struct axm_event *e = &axm.g->ev[i];
    bool replay = f->next == i;
    uint64_t value = e->value;
    uint16_t last = i;
    unsigned events = 1;
    *wrote = e->result == AXM_WRITES;
    if (e->kind == AXM_READ) {
        if (e->rf != AXM_INIT)
            axm_join(&f->facq, &axm.g->ev[e->rf].rel);
        if (*wrote) {
            last = e->rmw;
            events = 2;
        }
    }
    step_to(f, &axm.g->ev[last], events);
    axm_atomic_touch(q->addr, q->size, q->pc, *wrote);
    if (*wrote) {
        commit(last);
        if (!axm_idle_write(axm.g, last))
            f->spins = 0;
    }
    if (replay)
        replayed(events);
    if (AXM_UNLIKELY(e->result == AXM_WAITS)) {
        if (f->next == AXM_NONE) {
            axm_set_state(f, AXM_BLOCKED);
            axm_schedule(); /* comes back only when its deadline has passed */
        }
        axm_choose(1, AXM_N_TIMEOUT, q->pc);
    }
    return value;
}

static void diverged(const struct axm_req *q)
{
    axm_violation(AXM_DIVERGED, q->pc,
                  "the test did something else when it was run again with the same values: does it use time, "
                  "random numbers, uninitialised memory, or state that outlives one execution?");
}

static uint64_t replay(struct axm_fiber *f, const struct axm_req *q, bool *wrote)
{
    uint16_t i = f->next;
    const struct axm_event *e = &axm.g->ev[i];
    if (e->loc == AXM_NONE || axm.g->locs[e->loc].addr != q->addr || e->op != q->op || e->size != q->size)
        diverged(q);
    if (e->kind == AXM_READ && e->rf != AXM_INIT)
        while (!executed(e->rf)) {
            axm_set_state(f, AXM_REPLAY_WAIT);
            f->want = e->rf;
            axm_schedule();
        }
    axm_locate(q->addr, q->size, q->pc, e->loc);
    return take(f, i, q, wrote);
}

/* Waits for its turn to add an event. */
static void frontier(struct axm_fiber *f)
{
    if (axm_directed()) {
        axm_sample_turn();
        axm_token_check();
        return;
    }
    if (axm.replay_left != 0 || axm.reschedule) {
        axm_set_state(f, AXM_FRONTIER);
        axm_schedule();
    }
    if (axm.g->n + 2u > axm.opt.events)
        axm_stop(AXM_END_LONG);
}

/* Directed runs: thread f goes on in place of the running one, which could. */
void axm_yield_to(struct axm_fiber *f)
{
    axm_set_state(axm.cur, AXM_FRONTIER);
    axm_token_resume(f);
    axm_set_state(f, AXM_READY);
    switch_to(f);
}

static void describe(struct axm_event *e, const struct axm_req *q, struct axm_fiber *f)
{
    e->op = q->op;
    e->size = q->size;
    e->arg = q->arg;
    e->cmp = q->cmp;
    e->pc = q->pc;
    e->ord_ok = q->ord_ok;
    e->ord_fail = q->ord_fail;
    e->flags |= q->flags;
    e->note = q->note;
    e->learned = f->learned;
    e->tick = ++f->tick;
    f->cur.v[f->tid] = e->tick;
}

uint64_t axm_extend(const struct axm_req *q, bool *wrote)
{
    struct axm_fiber *f = axm.cur;
    struct axm_graph *g = axm.g;
    f->pc = q->pc;
    if (f->next != AXM_NONE)
        return replay(f, q, wrote);
    frontier(f);
    uint16_t had = g->nlocs, loc = axm_locate(q->addr, q->size, q->pc, AXM_NONE);
    uint16_t i = axm_add(g, f->tid, q->op == AXM_STORE ? AXM_WRITE : AXM_READ, loc);
    struct axm_event *e = &g->ev[i];
    if (g->nlocs != had)
        e->flags |= AXM_NEW_LOC;
    describe(e, q, f);
    if (q->op == AXM_STORE) {
        e->value = q->arg;
        e->ord = q->ord_ok;
        e->result = AXM_WRITES;
        e->vc = f->cur;
        e->porf = f->porf;
        e->porf.v[f->tid] = (uint16_t)(e->idx + 1);
        e->pre = axm_releases(e->ord) ? e->vc : f->frel;
        if (e->ord == AXM_SC)
            g->sc++;
        axm_release_clock(g, i);
        axm_place(g, i, axm_newest(&g->locs[loc]));
    } else {
        e->pre = f->cur;
        e->learned_pre = f->learned;
        e->porf_pre = f->porf;
        e->porf_pre.v[f->tid] = (uint16_t)(e->idx + 1);
        e->rel = f->frel;
        axm_read_from(g, i, axm_newest(&g->locs[loc]));
        if (e->result == AXM_WRITES)
            axm_write_half(g, i);
    }
    return take(f, i, q, wrote);
}

/* An event without a location, in a run of either kind. */
static uint16_t add(struct axm_graph *g, const struct axm_fiber *f, enum axm_kind kind)
{
    if (axm_directed())
        axm_link(g);
    uint16_t i = axm_add(g, f->tid, (uint8_t)kind, AXM_NONE);
    g->linked = g->n;
    return i;
}

void axm_sc_fence(uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    struct axm_graph *g = axm.g;
    f->pc = pc;
    axm_acquire_fence();
    uint16_t i = f->next;
    if (i == AXM_NONE) {
        frontier(f);
        i = add(g, f, AXM_FENCE);
        struct axm_event *e = &g->ev[i];
        const struct axm_req q = {.pc = pc, .op = AXM_LOAD, .ord_ok = AXM_SC};
        describe(e, &q, f);
        e->ord = AXM_SC;
        g->sc++;
        g->fences++;
        e->vc = f->cur;
        e->porf = f->porf;
        e->porf.v[f->tid] = (uint16_t)(e->idx + 1);
        step_to(f, e, 1);
    } else {
        const struct axm_req q = {.pc = pc};
        if (g->ev[i].kind != AXM_FENCE)
            diverged(&q);
        step_to(f, &g->ev[i], 1);
        replayed(1);
    }
    axm_release_fence();
}

unsigned axm_choose(unsigned alternatives, uint8_t note, uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    struct axm_graph *g = axm.g;
    f->pc = pc;
    uint16_t i = f->next;
    if (i == AXM_NONE) {
        frontier(f);
        i = add(g, f, AXM_CHOICE);
        struct axm_event *e = &g->ev[i];
        const struct axm_req q = {.pc = pc, .op = AXM_LOAD, .note = note};
        describe(e, &q, f);
        e->ord = AXM_RLX;
        e->alternatives = (uint16_t)alternatives;
        e->value = axm_directed() ? axm_random_choice(alternatives, note == AXM_N_DIES) : 0;
        e->vc = f->cur;
        e->porf = f->porf;
        e->porf.v[f->tid] = (uint16_t)(e->idx + 1);
        step_to(f, e, 1);
    } else {
        const struct axm_req q = {.pc = pc};
        if (g->ev[i].kind != AXM_CHOICE || g->ev[i].alternatives != alternatives)
            diverged(&q);
        step_to(f, &g->ev[i], 1);
        replayed(1);
    }
    return (unsigned)g->ev[i].value;
}

void axm_acquire_fence(void)
{
    struct axm_fiber *f = axm.cur;
    axm_join(&f->cur, &f->facq);
    f->learned = (uint16_t)(f->tick + 1);
}

void axm_release_fence(void)
{
    struct axm_fiber *f = axm.cur;
    f->cur.v[f->tid] = ++f->tick;
    f->frel = f->cur;
}

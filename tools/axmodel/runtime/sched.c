/* SPDX-License-Identifier: MIT */
/* One run of the test: threads are fibers that replay the graph axm.g and then extend it.
 *
 * While events of the graph are left each thread gets from it the values it reads; a thread waits when
 * the source of its read has not run yet in this run, so that plain memory, which is the real thing, is
 * written before it is read. After that the enabled thread with the lowest number goes on, which makes
 * the order a function of the graph, as explore.c needs. */
#include "axm.h"

#include "atomicx/model.h"

#include <errno.h>
#include <string.h>

AXM_STATE struct axm axm;

void axm_fiber_tls(struct axm_fiber *f);
void axm_use_tls(const struct axm_fiber *f);

static void switch_to(struct axm_fiber *f)
{
    struct axm_fiber *self = axm.cur;
    self->saved_errno = errno;
    axm.cur = f;
    axm_use_tls(f);
    axm_switch(&self->sp, f->sp);
    errno = self->saved_errno;
}

void axm_stop(enum axm_end end)
{
    axm.end = (uint8_t)end;
    if (axm_directed() && end == AXM_END_VIOLATED)
        axm_token_stop();
    void *scrap;
    axm_use_tls(NULL);
    axm_switch(&scrap, axm.controller);
    __builtin_unreachable();
}

static bool executed(uint16_t e)
{
    const struct axm_event *v = &axm.g->ev[e];
    return axm.fiber[v->tid]->pos > v->idx;
}

static bool enabled(const struct axm_fiber *f, bool replaying)
{
    switch ((enum axm_state)f->state) {
    case AXM_READY: return true;
    case AXM_FRONTIER: return !replaying;
    case AXM_REPLAY_WAIT: return executed(f->want);
    case AXM_JOINING: return axm.fiber[f->join]->state == AXM_DONE;
    case AXM_UNBORN:
    case AXM_BLOCKED:
    case AXM_SPINNING:
    case AXM_GIVEN_UP:
    case AXM_UNROLLED:
    case AXM_DONE: return false;
    }
    return false;
}

static struct axm_fiber *pick(void)
{
    if (axm_directed())
        return axm_random_pick();
    bool replaying = axm.replay_left != 0;
    for (unsigned t = 0; t < axm.tids; t++)
        if (enabled(axm.fiber[t], replaying))
            return axm.fiber[t];
    if (replaying)
        axm_violation(AXM_DIVERGED, axm.cur->pc,
                      "the test did something else when it was run again with the same values: does it use "
                      "time, random numbers, uninitialised memory, or state that outlives one execution?");
    return NULL;
}

/* Whether all that wait see the newest values. If not, a revisit goes on from here with the values that
 * those do not see. */
bool axm_all_wait(void)
{
    const struct axm_graph *g = axm.g;
    for (unsigned t = 0; t < axm.tids; t++) {
        const struct axm_fiber *f = axm.fiber[t];
        if (f->state == AXM_GIVEN_UP || f->state == AXM_UNROLLED)
            return false;
        if (axm_directed() || (f->state != AXM_BLOCKED && f->state != AXM_SPINNING))
            continue;
        uint16_t from = f->state == AXM_BLOCKED ? g->ev[g->last[t]].idx : f->want;
        for (uint16_t i = g->last[t]; i != AXM_NONE && g->ev[i].idx >= from; i = g->ev[i].po_prev)
            if (g->ev[i].kind == AXM_READ && g->ev[i].rf != axm_newest(&g->locs[g->ev[i].loc]))
                return false;
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
        enum axm_end end = AXM_END_COMPLETE;
        for (unsigned t = 0; t < axm.tids; t++) {
            enum axm_state s = (enum axm_state)axm.fiber[t]->state;
            if (s == AXM_UNROLLED)
                end = AXM_END_UNROLLED;
            else if (s == AXM_GIVEN_UP && end != AXM_END_UNROLLED)
                end = AXM_END_PRUNED;
            else if (s != AXM_UNBORN && s != AXM_DONE && end == AXM_END_COMPLETE)
                end = AXM_END_BLOCKED;
        }
        axm_stop(end);
    }
    if (axm_directed())
        axm_token_resume(f);
    f->state = AXM_READY;
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
    f->state = AXM_READY;
    f->children = f->spurious = 0;
    f->detached = f->joined = f->timed_out = f->mortal = f->killed = false;
    f->robust_held = f->sites = 0;
    f->looks = 0;
    f->saved_errno = 0;
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
    axm_fiber_tls(f);
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
        self->state = AXM_JOINING;
        self->join = target->tid;
        self->doing = "join";
        axm_schedule();
    }
    target->joined = true;
    axm_join(&self->cur, &target->cur);
    self->learned = (uint16_t)(self->tick + 1);
    axm_join(&self->porf, &target->porf);
}

void axm_run_key_destructors(void);

void axm_exit_thread(void *ret)
{
    struct axm_fiber *self = axm.cur;
    self->mortal = false;
    if (!self->killed)
        axm_run_key_destructors();
    axm_leave_robust();
    self->ret = ret;
    self->cur.v[self->tid] = ++self->tick;
    self->state = AXM_DONE;
    axm_schedule();
    __builtin_unreachable();
}

/* The running thread goes no further; the others do. */
void axm_give_up(enum axm_state how)
{
    axm.cur->state = (uint8_t)how;
    axm_schedule();
    __builtin_unreachable();
}

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
    for (uint16_t i = 0; i < axm.g->nlocs; i++)
        axm.g->locs[i].holder = AXM_NONE;
    for (unsigned t = 0; t < AXM_THREADS; t++) {
        axm.fiber[t]->state = AXM_UNBORN;
        axm.fiber[t]->pos = 0;
    }
    if (axm.tids == 0)
        axm.tids = 1;
    axm.cur = axm.fiber[0];
    start(axm.fiber[0], run_body, NULL);
    axm_use_tls(axm.cur);
    axm_switch(&axm.controller, axm.cur->sp);
    axm.cur = NULL;
    axm.stats.runs++;
    return (enum axm_end)axm.end;
}

/* ---- events ---- */

void axm_store_value(const struct axm_loc *l, uint64_t value)
{
    if (l->addr & AXM_NOWHERE)
        return;
    switch (l->size) {
    case 1: *(uint8_t *)l->addr = (uint8_t)value; break;
    case 2: *(uint16_t *)l->addr = (uint16_t)value; break;
    case 4: *(uint32_t *)l->addr = (uint32_t)value; break;
    default: *(uint64_t *)l->addr = value; break;
    }
}

/* Memory holds the value of the newest write that has run, for plain reads and for the debugger. */
static void commit(uint16_t w)
{
    const struct axm_event *e = &axm.g->ev[w];
    struct axm_loc *l = &axm.g->locs[e->loc];
    if (l->holder != AXM_NONE && axm.g->ev[l->holder].rank > e->rank)
        return;
    l->holder = w;
    axm_store_value(l, e->value);
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
    axm_atomic_touch(q, *wrote);
    if (*wrote) {
        commit(last);
        f->spins = 0;
        axm.writes++;
    }
    if (replay)
        replayed(events);
    if (AXM_UNLIKELY(e->result == AXM_WAITS)) {
        if (f->next == AXM_NONE) {
            f->state = AXM_BLOCKED;
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
            f->state = AXM_REPLAY_WAIT;
            f->want = e->rf;
            axm_schedule();
        }
    bool fresh;
    axm_locate(q, e->loc, &fresh);
    return take(f, i, q, wrote);
}

/* Waits for its turn to add an event. */
static void frontier(struct axm_fiber *f)
{
    if (axm_directed()) {
        axm_random_turn();
        axm_token_check();
        return;
    }
    if (axm.replay_left != 0 || axm.reschedule) {
        f->state = AXM_FRONTIER;
        axm_schedule();
    }
    if (axm.g->n + 2u > axm.opt.events)
        axm_stop(AXM_END_LONG);
}

void axm_yield_to(struct axm_fiber *f);
void axm_yield_to(struct axm_fiber *f)
{
    if (f != axm.cur)
        switch_to(f);
}

static void describe(struct axm_event *e, const struct axm_req *q, struct axm_fiber *f)
{
    e->op = q->op;
    e->size = q->size;
    e->arg = q->arg;
    e->cmp = q->cmp;
    e->pc = q->pc;
    e->ord_ok = q->ord;
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
    bool fresh;
    uint16_t loc = axm_locate(q, AXM_NONE, &fresh);
    uint16_t i = axm_add(g, f->tid, q->op == AXM_STORE ? AXM_WRITE : AXM_READ, loc);
    struct axm_event *e = &g->ev[i];
    if (fresh)
        e->flags |= AXM_NEW_LOC;
    describe(e, q, f);
    if (q->op == AXM_STORE) {
        e->value = q->arg;
        e->ord = q->ord;
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

void axm_sc_fence(uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    struct axm_graph *g = axm.g;
    f->pc = pc;
    axm_acquire_fence();
    uint16_t i = f->next;
    if (i == AXM_NONE) {
        frontier(f);
        i = axm_add(g, f->tid, AXM_FENCE, AXM_NONE);
        struct axm_event *e = &g->ev[i];
        const struct axm_req q = {.pc = pc, .op = AXM_LOAD, .ord = AXM_SC};
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
        i = axm_add(g, f->tid, AXM_CHOICE, AXM_NONE);
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

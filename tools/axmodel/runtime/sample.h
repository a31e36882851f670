/* SPDX-License-Identifier: MIT */
/**
 * sample.h: directed runs. An operation becomes events whose source or place is drawn.
 *
 * There are no revisits and nothing is taken back, so less is kept than explore.c needs: no porf clocks, unless a bound
 * on preemptions asks for them, no clocks of what was there before a read, and program order is linked only when
 * somebody asks (axm_link). Events are numbered in the order in which they happen, and memory holds the end of each
 * modification order.
 *
 * Here is where a random execution spends its time, so all of it is compiled into the entry points, once for each
 * operation. What is rare is in sample.c.
 */
#ifndef AXM_SAMPLE_H
#define AXM_SAMPLE_H

#include "cells.h"

#define AXM_FLAT static inline __attribute__((always_inline))

enum { AXM_OPTIONS = 64 }; /* most sources or places that one is drawn from */

/* A step of the running thread at a location. */
struct axm_step_at {
    struct axm_graph *g;
    struct axm_event *ev; /* of g */
    struct axm_fiber *f;
    struct axm_loc *l;
    uint16_t loc;
};

/* sample.c */
void axm_sample_reconsider(void);
void axm_sample_porf(uint16_t i);
void axm_sample_read_old(uint16_t i, uint32_t bound);
void axm_sample_read_late(uint16_t i);
void axm_sample_fail_perhaps(uint16_t i);
void axm_sample_place(uint16_t i, uint32_t bound);
void axm_sample_c11_sequence(uint16_t i);
bool axm_sample_wait(const struct axm_req *q, uint16_t loc);

/* A new event of the running thread. Its clock is that of the thread and the event itself. */
AXM_FLAT uint16_t axm_make(const struct axm_step_at *s, enum axm_kind kind, const struct axm_req *q)
{
    struct axm_fiber *f = s->f;
    uint16_t i = s->g->n++;
    struct axm_event *e = &s->ev[i];
    e->arg = q->arg;
    e->cmp = q->cmp;
    e->pc = q->pc;
    e->op = q->op;
    e->size = q->size;
    e->ord = e->ord_ok = q->ord_ok;
    e->ord_fail = q->ord_fail;
    e->note = q->note;
    e->flags = q->flags;
    e->tid = f->tid;
    e->kind = (uint8_t)kind;
    e->result = AXM_WRITES;
    e->rf = e->rmw = e->taken = e->early = e->mo_prev = e->mo_next = AXM_NONE;
    e->loc = s->loc;
    e->loc_prev = s->l->accesses;
    s->l->accesses = s->l->latest[f->tid] = i;
    e->idx = f->pos++;
    e->tick = ++f->tick;
    axm_next_tick(&f->cur, &f->one);
    e->vc = f->cur;
    if (AXM_UNLIKELY(axm.porf_kept))
        axm_sample_porf(i);
    return i;
}

/* The rank of the newest write that the thread knows of here. Its own last access tells, unless it has learned
 * something since. */
AXM_FLAT uint32_t axm_knows(const struct axm_step_at *s)
{
    uint16_t own = s->l->latest[s->f->tid];
    if (own == AXM_NONE || s->ev[own].tick < s->f->learned)
        return axm_known(s->g, s->loc, s->f->tid, &s->f->cur, s->f->learned, AXM_NONE);
    uint16_t w = s->ev[own].kind == AXM_WRITE ? own : s->ev[own].rf;
    return w == AXM_INIT ? 0 : s->ev[w].rank;
}

/* ---- writes ---- */

/* Write i goes to the end of its modification order, where `newest` is. */
AXM_FLAT void axm_append(const struct axm_step_at *s, uint16_t i, uint16_t newest)
{
    struct axm_event *e = &s->ev[i];
    e->mo_prev = newest;
    if (newest == AXM_INIT) {
        e->rank = 1;
        s->l->first = i;
    } else {
        e->rank = s->ev[newest].rank + 1;
        s->ev[newest].mo_next = i;
    }
    s->l->last = i;
}

/* Write i is in its place: what it releases, with what the release sequence carries that it goes on with, and memory. */
AXM_FLAT void axm_written(const struct axm_step_at *s, const struct axm_req *q, uint16_t i, uint16_t source, bool idle)
{
    struct axm_event *e = &s->ev[i];
    e->rel = axm_releases(q->ord_ok) ? s->f->cur : s->f->frel;
    if (AXM_UNLIKELY(axm.opt.c11_sequences))
        axm_sample_c11_sequence(i);
    else if (source != AXM_INIT)
        axm_join(&e->rel, &s->ev[source].rel);
    if (e->mo_next == AXM_NONE)
        axm_store_value(q->addr, q->size, e->value);
    if (idle)
        return;
    s->f->spins = 0;
    axm.writes++;
}

AXM_FLAT void axm_sample_store(const struct axm_step_at *s, const struct axm_req *q)
{
    uint32_t bound = axm_knows(s);
    uint16_t newest = axm_newest(s->l), i = axm_make(s, AXM_WRITE, q);
    s->ev[i].value = q->arg;
    if (q->ord_ok == AXM_SC)
        s->g->sc++;
    if (bound == axm_rank(s->g, newest))
        axm_append(s, i, newest);
    else
        axm_sample_place(i, bound);
    axm_written(s, q, i, AXM_INIT, false);
}

/* The other half of read r: directly after its source. */
AXM_FLAT void axm_sample_write_half(const struct axm_step_at *s, const struct axm_req *q, uint16_t r)
{
    uint16_t source = s->ev[r].rf, i = axm_make(s, AXM_WRITE, q);
    struct axm_event *e = &s->ev[i];
    e->flags &= AXM_INTERNAL;
    e->value = axm_apply(q->op, q->size, s->ev[r].value, q->arg);
    e->rmw = r;
    s->ev[r].rmw = i;
    if (q->ord_ok == AXM_SC)
        s->g->sc++;
    if (AXM_LIKELY(source == axm_newest(s->l)))
        axm_append(s, i, source);
    else
        axm_place(s->g, i, source);
    *(source == AXM_INIT ? &s->l->taken : &s->ev[source].taken) = r;
    axm_written(s, q, i, source, axm_idle_write(s->g, i));
}

/* ---- reads ---- */

/* Whether an operation may read from w, or be placed directly after it, as far as w goes. One that would wait
 * takes a source that lets it go on. */
AXM_FLAT bool axm_fits(const struct axm_graph *g, uint8_t op, uint64_t cmp, uint16_t loc, uint16_t w)
{
    enum axm_result r = axm_effect(op, axm_value(g, loc, w), cmp);
    return r == AXM_READS || (r == AXM_WRITES && axm_taken(g, loc, w) == AXM_NONE);
}

/* One of the sources of a read, as far back as the thread may see, where no seq_cst axiom has a say: newest first, as
 * axm_sample_read_old has them. */
AXM_FLAT uint16_t axm_draw_source(const struct axm_step_at *s, const struct axm_req *q, uint32_t bound)
{
    uint16_t list[AXM_OPTIONS];
    unsigned n = 0;
    for (uint16_t w = axm_newest(s->l);; w = s->ev[w].mo_prev) {
        if (axm_fits(s->g, q->op, q->cmp, s->loc, w))
            list[n++] = w;
        if (w == AXM_INIT || s->ev[w].rank <= bound || n == AXM_OPTIONS)
            return list[axm_random_draw(n)];
    }
}

/* What read e does with source w: value, what the operation makes of that, which of its orders it has, its clock. */
AXM_FLAT void axm_draw_from(const struct axm_step_at *s, struct axm_event *e, const struct axm_req *q, uint16_t w)
{
    e->rf = w;
    e->value = w == AXM_INIT ? s->l->init : s->ev[w].value;
    enum axm_result r = axm_effect(q->op, e->value, q->cmp);
    e->result = (uint8_t)r;
    uint8_t ord = r == AXM_READS && q->op != AXM_LOAD && q->op != AXM_WAIT_NOT ? q->ord_fail : q->ord_ok;
    e->ord = ord;
    if (ord == AXM_SC)
        s->g->sc++;
    if (axm_acquires(ord) && w != AXM_INIT)
        axm_join(&e->vc, &s->ev[w].rel);
}

AXM_FLAT uint64_t axm_sample_read(const struct axm_step_at *s, const struct axm_req *q, bool late, bool *wrote)
{
    struct axm_fiber *f = s->f;
    uint32_t bound = axm_knows(s);
    uint16_t newest = axm_newest(s->l);
    bool fair = AXM_UNLIKELY(f->fair != 0) && !axm_may_wait(q->op);
    uint16_t i = axm_make(s, AXM_READ, q);
    struct axm_event *e = &s->ev[i];
    if (late) {
        axm_sample_read_late(i);
    } else {
        if (AXM_UNLIKELY(fair))
            f->fair--;
        if (bound == axm_rank(s->g, newest) || fair)
            axm_draw_from(s, e, q, newest);
        else if (AXM_LIKELY(s->g->sc == 0 && !axm_may_wait(q->op) && axm.opt.mode != AXM_REPLAY))
            axm_draw_from(s, e, q, axm_draw_source(s, q, bound));
        else
            axm_sample_read_old(i, bound);
        if (q->op == AXM_CAS && q->flags & AXM_WEAK && e->result == AXM_WRITES)
            axm_sample_fail_perhaps(i);
    }
    if (e->rf != AXM_INIT) {
        if (axm_acquires(e->ord)) {
            f->cur = e->vc;
            f->learned = e->tick;
        } else {
            axm_join(&f->facq, &s->ev[e->rf].rel);
        }
        if (AXM_UNLIKELY(axm.porf_kept))
            axm_sample_porf(i);
    }
    uint64_t value = e->value;
    *wrote = q->op != AXM_LOAD && e->result == AXM_WRITES;
    if (*wrote)
        axm_sample_write_half(s, q, i);
    return value;
}

/* ---- operations ---- */

/* Before each new event: perhaps another thread goes first. */
AXM_FLAT void axm_sample_turn(void)
{
    if (axm.burst != 0)
        axm.burst--;
    else
        axm_sample_reconsider();
    if (AXM_UNLIKELY(axm.g->n + 2u > axm.opt.events))
        axm_stop(AXM_END_LONG);
}

AXM_FLAT uint64_t axm_sample(const struct axm_req *q, bool *wrote)
{
    struct axm_fiber *f = axm.cur;
    f->pc = q->pc;
    axm_sample_turn();
    uint16_t loc = axm_locate(q->addr, q->size, q->pc, AXM_NONE);
    bool late = false;
    if (axm_may_wait(q->op)) {
        const struct axm_req kept = *q;
        late = !axm_sample_wait(&kept, loc);
    }
    axm_token_check();
    const struct axm_step_at s = {axm.g, axm.g->ev, f, &axm.g->locs[loc], loc};
    uint64_t value = 0;
    *wrote = q->op == AXM_STORE;
    if (q->op == AXM_STORE)
        axm_sample_store(&s, q);
    else
        value = axm_sample_read(&s, q, late, wrote);
    axm_atomic_touch(q->addr, q->size, q->pc, *wrote);
    return value;
}

/* A visible operation of the running thread: what it found, and whether it wrote. */
AXM_FLAT uint64_t axm_access(const struct axm_req *q, bool *wrote)
{
    if (axm_directed())
        return axm_sample(q, wrote);
    const struct axm_req kept = *q;
    bool w;
    uint64_t value = axm_extend(&kept, &w);
    *wrote = w;
    return value;
}

#endif

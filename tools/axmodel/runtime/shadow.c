/* SPDX-License-Identifier: MIT */
/* What is known about each eight bytes of the test's memory in this run: the last plain accesses, with
 * their clocks, and the atomic locations that live there.
 *
 * A plain access is not an event: memory itself holds its value, which is unique as long as there is no
 * race. Two conflicting accesses race when happens-before does not order them; an access is forgotten
 * when a later one that is ordered after it conflicts with everything it would conflict with.
 * Most memory is touched by one thread alone, always the same bytes of it: what is to be remembered then has its
 * place in the cell itself, and goes into a list of records when that changes.
 *
 * A plain write to an atomic location (atomic_init on a live object, memset, free) ends the location's
 * life; the next atomic access begins a new one, with the value found in memory. */
#include "cells.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct record {
    uintptr_t pc;
    uint32_t next;
    uint16_t clk;
    uint8_t tid, kind, mask;
};

/* A write to, or the freeing of, many whole cells at once. Cells that are not there yet begin with the newest one
 * that covers them. */
struct range {
    uintptr_t from, to; /* keys, inclusive */
    struct record record;
};

enum { RECORDS = 1 << 20, RANGES = 64, RANGE_BYTES = 64 };

AXM_STATE struct axm_cells axm_cells;
static AXM_STATE struct record *records;
static AXM_STATE uint32_t records_used;
static AXM_STATE struct range ranges[RANGES]; /* oldest first */
static AXM_STATE unsigned ranges_used;

static AXM_STATE uint32_t dropped; /* records not in use any more */

static void *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        axm_fatal("out of memory for the shadow of the test's memory");
    return p;
}

void axm_shadow_reset(void)
{
    struct axm_cells *s = &axm_cells;
    if (s->at == NULL) {
        s->mask = (1 << 12) - 1;
        s->at = reserve(sizeof *s->at * (s->mask + 1));
        records = reserve(sizeof *records * RECORDS);
    }
    if (++s->gen == 0) {
        memset(s->at, 0, sizeof *s->at * (s->mask + 1));
        s->gen = 1;
    }
    s->used = 0;
    records_used = 1;
    dropped = AXM_NO_RECORD;
    ranges_used = 0;
}

static bool empty(const struct axm_cell *c) { return c->gen != axm_cells.gen; }

static struct axm_cell *next_place(const struct axm_cell *c)
{
    return &axm_cells.at[(size_t)(c + 1 - axm_cells.at) & axm_cells.mask];
}

/* The cell of this key, or the empty place where it would be. */
static struct axm_cell *place_of(uintptr_t key)
{
    struct axm_cell *c = axm_cell_place(key);
    while (!empty(c) && c->key != key)
        c = next_place(c);
    return c;
}

static struct axm_cell *find(uintptr_t key)
{
    struct axm_cell *c = place_of(key);
    return empty(c) ? NULL : c;
}

static void grow(void)
{
    struct axm_cells *s = &axm_cells;
    struct axm_cell *old = s->at;
    size_t count = s->mask + 1;
    s->mask = count * 4 - 1;
    s->at = reserve(sizeof *s->at * (s->mask + 1));
    for (size_t i = 0; i < count; i++)
        if (!empty(&old[i]))
            *place_of(old[i].key) = old[i];
    s->at_hand = s->at;
    munmap(old, sizeof *old * count);
}

static uint32_t new_record(uintptr_t pc)
{
    uint32_t r = dropped;
    if (r != AXM_NO_RECORD) {
        dropped = records[r].next;
        return r;
    }
    if (records_used == RECORDS)
        axm_violation(AXM_LIMIT, pc, "more than %d plain accesses to remember in one execution", RECORDS);
    return records_used++;
}

static void push_record(struct axm_cell *c, uintptr_t pc, uint16_t clk, uint8_t tid, enum axm_touch how, uint8_t mask)
{
    uint32_t r = new_record(pc);
    records[r] = (struct record){.pc = pc, .next = c->records, .clk = clk, .tid = tid, .kind = (uint8_t)how, .mask = mask};
    c->records = r;
}

static uint16_t sole_of(const struct axm_fiber *f, uint8_t mask) { return (uint16_t)(f->tid << 8 | mask); }

/* The cell is no longer one thread's alone: what it remembers becomes records. */
static void share(struct axm_cell *c)
{
    if (c->sole == AXM_NOT_SOLE)
        return;
    uint8_t tid = (uint8_t)(c->sole >> 8), mask = (uint8_t)c->sole;
    c->sole = AXM_NOT_SOLE;
    if (c->wrote != 0)
        push_record(c, c->wrote_pc, c->wrote, tid, AXM_TOUCH_WRITE, mask);
    if (c->read != 0)
        push_record(c, c->read_pc, c->read, tid, AXM_TOUCH_READ, mask);
}

static void drop_record(uint32_t r)
{
    records[r].next = dropped;
    dropped = r;
}

static inline void claim(struct axm_cell *c, uintptr_t key)
{
    axm_cells.used++;
    c->key = key;
    c->gen = axm_cells.gen;
    c->records = AXM_NO_RECORD;
    c->covered = 0;
    c->sole = AXM_NOT_SOLE;
    memset(c->loc, 0xff, sizeof c->loc);
}

static __attribute__((noinline)) struct axm_cell *search(uintptr_t key)
{
    struct axm_cell *c = place_of(key);
    if (!empty(c))
        return c;
    if (AXM_UNLIKELY(axm_cells.used > axm_cells.mask / 2)) {
        grow();
        c = place_of(key);
    }
    claim(c, key);
    for (unsigned k = ranges_used; k-- != 0;)
        if (key >= ranges[k].from && key <= ranges[k].to) {
            c->records = new_record(ranges[k].record.pc);
            records[c->records] = ranges[k].record;
            break;
        }
    return c;
}

static inline struct axm_cell *find_or_add(uintptr_t key)
{
    struct axm_cell *c = axm_cell_place(key);
    return AXM_LIKELY(axm_cell_is(c, key)) ? c : search(key);
}

/* One of two accesses that meet. */
struct party {
    enum axm_touch how;
    bool atomic;
    uint8_t tid;
    uintptr_t pc;
};

static inline struct party running(enum axm_touch how, bool atomic, uintptr_t pc)
{
    return (struct party){how, atomic, axm.cur->tid, pc};
}

static const char *name_of(const struct party *p)
{
    static const char *const plain[] = {"plain read", "plain write", "free"}, *const atomic[] = {"atomic read", "atomic write"};
    return p->atomic ? atomic[p->how] : plain[p->how];
}

static size_t first_byte(uintptr_t key, uint8_t bytes) { return key << 3 | (unsigned)__builtin_ctz(bytes); }

/* Happens-before does not order the two, and so neither is the earlier one: they are named by the numbers of their threads,
 * and with the bytes that both use. The report is the same in whatever order this run has come by them. */
static void report_unordered(struct party a, struct party b, uintptr_t key, uint8_t bytes)
{
    const struct party *p = a.tid < b.tid ? &a : &b, *q = a.tid < b.tid ? &b : &a;
    int size = __builtin_popcount(bytes);
    if (a.how == AXM_TOUCH_FREE || b.how == AXM_TOUCH_FREE)
        axm_note(AXM_USE_AFTER_FREE, p->pc, "%s by thread %u and %s by thread %u, of memory at %#zx, are not ordered",
                 name_of(p), p->tid, name_of(q), q->tid, first_byte(key, bytes));
    else
        axm_note(AXM_RACE, p->pc, "%s by thread %u and %s by thread %u, of %d byte%s at %#zx, are not ordered", name_of(p),
                 p->tid, name_of(q), q->tid, size, size == 1 ? "" : "s", first_byte(key, bytes));
    axm.tid1 = p->tid;
    axm.pc2 = q->pc;
    axm.tid2 = q->tid;
    axm_stop(AXM_END_VIOLATED);
}

/* The atomic accesses of this run to a location, against a plain access of the running thread to these bytes of it. */
static void check_atomics(uint16_t loc, struct party mine, uintptr_t key, uint8_t bytes)
{
    const struct axm_graph *g = axm.g;
    for (uint16_t i = g->locs[loc].accesses; i != AXM_NONE; i = g->ev[i].loc_prev) {
        const struct axm_event *e = &g->ev[i];
        if (axm.fiber[e->tid]->pos <= e->idx || axm.cur->cur.v[e->tid] >= e->tick)
            continue;
        if (mine.how == AXM_TOUCH_READ && e->kind != AXM_WRITE)
            continue;
        enum axm_touch how = e->kind == AXM_WRITE ? AXM_TOUCH_WRITE : AXM_TOUCH_READ;
        report_unordered(mine, (struct party){how, true, e->tid, e->pc}, key, bytes);
    }
}

/* A conflict of an access of the running thread to bytes of a cell with record r, if there is one. */
static inline void check_record(const struct record *r, struct party mine, uintptr_t key, uint8_t mask)
{
    uint8_t bytes = r->mask & mask;
    if (axm.cur->cur.v[r->tid] < r->clk && r->tid != mine.tid) {
        if (mine.how != AXM_TOUCH_READ || r->kind != AXM_TOUCH_READ)
            report_unordered(mine, (struct party){r->kind, false, r->tid, r->pc}, key, bytes);
    } else if (r->kind == AXM_TOUCH_FREE) {
        axm.pc2 = r->pc;
        axm.tid2 = r->tid;
        axm_violation(AXM_USE_AFTER_FREE, mine.pc, "%s at %#zx by thread %u of memory that thread %u has freed", name_of(&mine),
                      first_byte(key, bytes), mine.tid, r->tid);
    }
}

static void make_own(struct axm_cell *c, uint8_t mask, enum axm_touch how, uintptr_t pc)
{
    c->sole = sole_of(axm.cur, mask);
    c->wrote = c->read = 0;
    axm_touch_own(c, c->key, c->sole, (uint16_t)(axm.cur->tick + 1), how == AXM_TOUCH_WRITE, pc);
}

static __attribute__((noinline)) void touch_cell(struct axm_cell *c, uint8_t mask, enum axm_touch how, uintptr_t pc)
{
    const struct axm_fiber *f = axm.cur;
    share(c);
    uint32_t *link = &c->records;
    uint32_t mine = AXM_NO_RECORD;
    while (*link != AXM_NO_RECORD) {
        struct record *r = &records[*link];
        if (!(r->mask & mask)) {
            link = &r->next;
            continue;
        }
        check_record(r, running(how, false, pc), c->key, mask);
        bool ordered = f->cur.v[r->tid] >= r->clk || r->tid == f->tid;
        if (ordered && (r->mask & ~mask) == 0 && (how != AXM_TOUCH_READ || r->kind == AXM_TOUCH_READ)) {
            if (mine != AXM_NO_RECORD)
                drop_record(mine);
            mine = *link;
            *link = r->next;
            continue;
        }
        link = &r->next;
    }
    if (c->covered & mask) {
        for (unsigned i = 0; i < 8; i++) {
            if (c->loc[i] == AXM_NONE)
                continue;
            const struct axm_loc *l = &axm.g->locs[c->loc[i]];
            uint8_t bytes = (uint8_t)(((1u << l->size) - 1) << i);
            if (!(bytes & mask))
                continue;
            check_atomics(c->loc[i], running(how, false, pc), c->key, bytes & mask);
            if (how == AXM_TOUCH_READ)
                continue;
            c->loc[i] = AXM_NONE;
            c->covered &= (uint8_t)~bytes;
        }
    }
    if (c->records == AXM_NO_RECORD && c->covered == 0 && how != AXM_TOUCH_FREE) {
        if (mine != AXM_NO_RECORD)
            drop_record(mine);
        make_own(c, mask, how, pc);
        return;
    }
    if (mine == AXM_NO_RECORD)
        mine = new_record(pc);
    records[mine] = (struct record){.pc = pc, .next = c->records, .clk = (uint16_t)(f->tick + 1), .tid = f->tid,
                                    .kind = (uint8_t)how, .mask = mask};
    c->records = mine;
}

/* Writes or frees the whole cells from..to: those that are there one by one, the others together; false when there is
 * no room for that. */
static bool touch_range(uintptr_t from, uintptr_t to, enum axm_touch how, uintptr_t pc)
{
    const struct axm_fiber *f = axm.cur;
    if (ranges_used == RANGES)
        return false;
    bool absent = false;
    for (uintptr_t key = from; key <= to; key++) {
        struct axm_cell *c = find(key);
        if (c != NULL)
            touch_cell(c, 0xff, how, pc);
        else
            absent = true;
    }
    if (!absent)
        return true;
    unsigned kept = 0;
    for (unsigned k = 0; k < ranges_used; k++) {
        if (ranges[k].from <= to && ranges[k].to >= from)
            check_record(&ranges[k].record, running(how, false, pc), ranges[k].from > from ? ranges[k].from : from, 0xff);
        if (ranges[k].from < from || ranges[k].to > to)
            ranges[kept++] = ranges[k];
    }
    ranges[kept] = (struct range){from, to, {.pc = pc, .next = AXM_NO_RECORD, .clk = (uint16_t)(f->tick + 1), .tid = f->tid,
                                             .kind = (uint8_t)how, .mask = 0xff}};
    ranges_used = kept + 1;
    return true;
}

/* A thread reads again what since then others have only read, or writes again what nobody has touched since. */
static inline bool touch_again(const struct axm_cell *c, uint8_t mask, enum axm_touch how, uintptr_t pc)
{
    const struct axm_fiber *f = axm.cur;
    for (uint32_t i = c->records; i != AXM_NO_RECORD && records[i].kind == how; i = records[i].next) {
        if (records[i].tid == f->tid && records[i].mask == mask) {
            records[i].pc = pc;
            records[i].clk = (uint16_t)(f->tick + 1);
            return true;
        }
        if (how != AXM_TOUCH_READ)
            return false;
    }
    return false;
}

/* An access to more than one cell. */
static __attribute__((noinline)) void touch_cells(uintptr_t addr, size_t size, enum axm_touch how, uintptr_t pc)
{
    uintptr_t last = addr + size - 1;
    uintptr_t whole = (addr + 7) >> 3, end = (addr + size) >> 3; /* the cells that lie within */
    bool together = how != AXM_TOUCH_READ && size >= RANGE_BYTES && touch_range(whole, end - 1, how, pc);
    for (uintptr_t key = addr >> 3; key <= last >> 3; key++) {
        if (together && key == whole)
            key = end;
        if (key > last >> 3)
            break;
        unsigned from = key == addr >> 3 ? addr & 7 : 0;
        unsigned to = key == last >> 3 ? (last & 7) + 1 : 8;
        uint8_t mask = (uint8_t)(((1u << to) - 1) & ~((1u << from) - 1));
        touch_cell(find_or_add(key), mask, how, pc);
    }
}

/* An access to a cell that is new or not the thread's alone. */
static __attribute__((noinline)) void touch_other(uintptr_t key, uint8_t mask, enum axm_touch how, uintptr_t pc)
{
    struct axm_cell *c = axm_cell_place(key);
    if (empty(c) && ranges_used == 0 && how != AXM_TOUCH_FREE && axm_cells.used <= axm_cells.mask / 2) {
        claim(c, key);
        make_own(c, mask, how, pc);
        return;
    }
    c = find_or_add(key);
    share(c);
    if (how == AXM_TOUCH_FREE || c->covered & mask || !touch_again(c, mask, how, pc))
        touch_cell(c, mask, how, pc);
}

void axm_touch(uintptr_t addr, size_t size, enum axm_touch how, uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    if (f == NULL || size == 0)
        return;
    if (how != AXM_TOUCH_READ && f->spins != 0 && (addr < (uintptr_t)f->lo || addr >= (uintptr_t)f->hi))
        f->spins = 0;
    unsigned offset = addr & 7;
    if (offset + size > 8) {
        touch_cells(addr, size, how, pc);
        return;
    }
    uintptr_t key = addr >> 3;
    uint8_t mask = (uint8_t)(((1u << size) - 1) << offset);
    if (AXM_UNLIKELY(how == AXM_TOUCH_FREE || !axm_touch_own(axm_cell_place(key), key, sole_of(f, mask),
                                                             (uint16_t)(f->tick + 1), how == AXM_TOUCH_WRITE, pc)))
        touch_other(key, mask, how, pc);
}

/* The memory begins a new life: nothing of what was known about it counts. */
void axm_forget(uintptr_t addr, size_t size)
{
    uintptr_t last = (addr + size - 1) >> 3;
    unsigned kept = 0;
    for (unsigned k = 0; k < ranges_used; k++)
        if (ranges[k].from < addr >> 3 || ranges[k].to > last)
            ranges[kept++] = ranges[k];
    ranges_used = kept;
    for (uintptr_t key = addr >> 3; key <= last; key++) {
        struct axm_cell *c = find(key);
        if (c == NULL)
            continue;
        c->records = AXM_NO_RECORD;
        c->covered = 0;
        c->sole = AXM_NOT_SOLE;
        memset(c->loc, 0xff, sizeof c->loc);
    }
}

/* One of our own words that a stand-in reuses for something new. */
void axm_renew(uintptr_t addr, size_t size) { axm_forget(addr, size); }

uint16_t axm_locate_new(uintptr_t addr, unsigned size, uintptr_t pc, uint16_t known)
{
    unsigned offset = addr & 7;
    if (AXM_UNLIKELY((offset & (size - 1u)) != 0))
        axm_violation(AXM_MISUSE, pc, "atomic access of %u bytes at %#zx is not aligned", size, (size_t)addr);
    struct axm_cell *c = find_or_add(addr >> 3);
    share(c);
    axm_cells.at_hand = c;
    uint8_t mask = (uint8_t)(((1u << size) - 1) << offset);
    uint16_t loc = c->loc[offset];
    if (loc != AXM_NONE && axm.g->locs[loc].size == size)
        return loc;
    if (c->covered & mask)
        axm_violation(AXM_MIXED_SIZE, pc,
                      "atomic access of %u bytes at %#zx overlaps one of another size: C11 gives that no meaning "
                      "and the model has none", size, (size_t)addr);
    if (known == AXM_NONE) {
        uint64_t init = 0;
        if (!(addr & AXM_NOWHERE))
            memcpy(&init, (const void *)addr, size);
        known = axm_loc_new(axm.g, addr, (uint8_t)size, init);
    }
    c->loc[offset] = known;
    c->covered |= mask;
    return known;
}

void axm_check_plain(uintptr_t addr, unsigned size, uintptr_t pc, bool writes)
{
    const struct axm_cell *c = find_or_add(addr >> 3);
    uint8_t mask = (uint8_t)(((1u << size) - 1) << (addr & 7));
    for (uint32_t i = c->records; i != AXM_NO_RECORD; i = records[i].next)
        if (records[i].mask & mask)
            check_record(&records[i], running(writes ? AXM_TOUCH_WRITE : AXM_TOUCH_READ, true, pc), c->key, mask);
}

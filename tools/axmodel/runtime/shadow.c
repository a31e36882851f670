/* SPDX-License-Identifier: MIT */
/* What is known about each eight bytes of the test's memory in this run: the last plain accesses, with
 * their clocks, and the atomic locations that live there.
 *
 * A plain access is not an event: memory itself holds its value, which is unique as long as there is no
 * race. Two conflicting accesses race when happens-before does not order them; an access is forgotten
 * when a later one that is ordered after it conflicts with everything it would conflict with.
 *
 * A plain write to an atomic location (atomic_init on a live object, memset, free) ends the location's
 * life; the next atomic access begins a new one, with the value found in memory. */
#include "axm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct record {
    uintptr_t pc;
    uint32_t next;
    uint16_t clk;
    uint8_t tid, kind, mask;
};

struct cell {
    _Alignas(64) uintptr_t key; /* address / 8 */
    uint32_t gen, records;
    uint16_t loc[8]; /* by offset of its first byte */
    uint8_t covered; /* bytes that belong to an atomic location */
};

/* A write to, or the freeing of, many whole cells at once. Cells that are not there yet begin with the newest one
 * that covers them. */
struct range {
    uintptr_t from, to; /* keys, inclusive */
    struct record record;
};

enum { RECORDS = 1 << 20, NO_RECORD = 0, RANGES = 64, RANGE_BYTES = 64 };

static AXM_STATE struct cell *cells;
static AXM_STATE size_t cell_mask, cells_used;
static AXM_STATE uint32_t gen;
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
    if (cells == NULL) {
        cell_mask = (1 << 12) - 1;
        cells = reserve(sizeof *cells * (cell_mask + 1));
        records = reserve(sizeof *records * RECORDS);
    }
    if (++gen == 0) {
        memset(cells, 0, sizeof *cells * (cell_mask + 1));
        gen = 1;
    }
    cells_used = 0;
    records_used = 1;
    dropped = NO_RECORD;
    ranges_used = 0;
}

static size_t slot(uintptr_t key) { return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & cell_mask; }

static struct cell *find(uintptr_t key)
{
    for (size_t i = slot(key); cells[i].gen == gen; i = (i + 1) & cell_mask)
        if (cells[i].key == key)
            return &cells[i];
    return NULL;
}

static void grow(void)
{
    struct cell *old = cells;
    size_t count = cell_mask + 1;
    cell_mask = count * 4 - 1;
    cells = reserve(sizeof *cells * (cell_mask + 1));
    for (size_t i = 0; i < count; i++) {
        if (old[i].gen != gen)
            continue;
        size_t k = slot(old[i].key);
        while (cells[k].gen == gen)
            k = (k + 1) & cell_mask;
        cells[k] = old[i];
    }
    munmap(old, sizeof *old * count);
}

static uint32_t new_record(uintptr_t pc)
{
    uint32_t r = dropped;
    if (r != NO_RECORD) {
        dropped = records[r].next;
        return r;
    }
    if (records_used == RECORDS)
        axm_violation(AXM_LIMIT, pc, "more than %d plain accesses to remember in one execution", RECORDS);
    return records_used++;
}

static void drop_record(uint32_t r)
{
    records[r].next = dropped;
    dropped = r;
}

static struct cell *search(uintptr_t key);

static inline struct cell *find_or_add(uintptr_t key)
{
    struct cell *c = &cells[slot(key)];
    return AXM_LIKELY(c->key == key && c->gen == gen) ? c : search(key);
}

static __attribute__((noinline)) struct cell *search(uintptr_t key)
{
    size_t i = slot(key);
    for (; cells[i].gen == gen; i = (i + 1) & cell_mask)
        if (cells[i].key == key)
            return &cells[i];
    if (AXM_UNLIKELY(cells_used > cell_mask / 2)) {
        grow();
        for (i = slot(key); cells[i].gen == gen; i = (i + 1) & cell_mask)
            ;
    }
    cells_used++;
    struct cell *c = &cells[i];
    c->key = key;
    c->gen = gen;
    c->records = NO_RECORD;
    c->covered = 0;
    memset(c->loc, 0xff, sizeof c->loc);
    for (unsigned k = ranges_used; k-- != 0;)
        if (key >= ranges[k].from && key <= ranges[k].to) {
            c->records = new_record(ranges[k].record.pc);
            records[c->records] = ranges[k].record;
            break;
        }
    return c;
}

static const char *const touch_name[] = {"read", "write", "free"};

static void report_race(const char *mine, uintptr_t addr, size_t size, uintptr_t pc, const char *other, uint8_t tid,
                        uintptr_t other_pc)
{
    axm.pc2 = other_pc;
    axm.tid2 = tid;
    axm_violation(AXM_RACE, pc, "%s of %zu bytes at %#zx by thread %u is not ordered with an earlier %s by thread %u",
                  mine, size, (size_t)addr, axm.cur->tid, other, tid);
}

static void report_freed(const char *mine, uintptr_t addr, const struct record *r, uintptr_t pc)
{
    axm.pc2 = r->pc;
    axm.tid2 = r->tid;
    if (mine[0] == 'f')
        axm_violation(AXM_DOUBLE_FREE, pc, "memory at %#zx is freed again; thread %u has freed it", (size_t)addr, r->tid);
    axm_violation(AXM_USE_AFTER_FREE, pc, "%s at %#zx by thread %u of memory that thread %u has freed", mine,
                  (size_t)addr, axm.cur->tid, r->tid);
}

/* The atomic accesses of this run to a location, against a plain access of the running thread. */
static void check_atomics(uint16_t loc, enum axm_touch how, uintptr_t pc)
{
    const struct axm_graph *g = axm.g;
    for (uint16_t i = g->locs[loc].accesses; i != AXM_NONE; i = g->ev[i].loc_prev) {
        const struct axm_event *e = &g->ev[i];
        if (axm.fiber[e->tid]->pos <= e->idx || axm.cur->cur.v[e->tid] >= e->tick)
            continue;
        if (how == AXM_TOUCH_READ && e->kind != AXM_WRITE)
            continue;
        bool free = how == AXM_TOUCH_FREE;
        axm.pc2 = e->pc;
        axm.tid2 = e->tid;
        axm_violation(free ? AXM_USE_AFTER_FREE : AXM_RACE, pc,
                      "plain %s of %#zx by thread %u is not ordered with an earlier atomic %s by thread %u",
                      touch_name[how], (size_t)g->locs[loc].addr, axm.cur->tid,
                      e->kind == AXM_WRITE ? "write" : "read", e->tid);
    }
}

/* A conflict of this access with record r, if there is one. */
static void check_record(const struct record *r, uintptr_t addr, size_t size, enum axm_touch how, uintptr_t pc)
{
    const struct axm_fiber *f = axm.cur;
    if (r->kind == AXM_TOUCH_FREE)
        report_freed(touch_name[how], addr, r, pc);
    if (f->cur.v[r->tid] >= r->clk || r->tid == f->tid || (how == AXM_TOUCH_READ && r->kind == AXM_TOUCH_READ))
        return;
    if (how == AXM_TOUCH_FREE) {
        axm.pc2 = r->pc;
        axm.tid2 = r->tid;
        axm_violation(AXM_USE_AFTER_FREE, pc, "thread %u frees memory at %#zx while thread %u may still %s it", f->tid,
                      (size_t)addr, r->tid, touch_name[r->kind]);
    }
    report_race(how == AXM_TOUCH_WRITE ? "plain write" : "plain read", addr, size, pc,
                r->kind == AXM_TOUCH_WRITE ? "plain write" : "plain read", r->tid, r->pc);
}

static __attribute__((noinline)) void touch_cell(struct cell *c, uint8_t mask, uintptr_t addr, size_t size, enum axm_touch how, uintptr_t pc)
{
    const struct axm_fiber *f = axm.cur;
    uint32_t *link = &c->records;
    uint32_t mine = NO_RECORD;
    while (*link != NO_RECORD) {
        struct record *r = &records[*link];
        if (!(r->mask & mask)) {
            link = &r->next;
            continue;
        }
        check_record(r, addr, size, how, pc);
        bool ordered = f->cur.v[r->tid] >= r->clk || r->tid == f->tid;
        if (ordered && (r->mask & ~mask) == 0 && (how != AXM_TOUCH_READ || r->kind == AXM_TOUCH_READ)) {
            if (mine != NO_RECORD)
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
            check_atomics(c->loc[i], how, pc);
            if (how == AXM_TOUCH_READ)
                continue;
            c->loc[i] = AXM_NONE;
            c->covered &= (uint8_t)~bytes;
        }
    }
    if (mine == NO_RECORD)
        mine = new_record(pc);
    records[mine] = (struct record){.pc = pc, .next = c->records, .clk = (uint16_t)(f->tick + 1), .tid = f->tid,
                                    .kind = (uint8_t)how, .mask = mask};
    c->records = mine;
}

/* Writes or frees the whole cells from..to: those that are there one by one, the others together; false when there is
 * no room for that. */
static bool touch_range(uintptr_t from, uintptr_t to, uintptr_t addr, size_t size, enum axm_touch how, uintptr_t pc)
{
    const struct axm_fiber *f = axm.cur;
    if (ranges_used == RANGES)
        return false;
    bool absent = false;
    for (uintptr_t key = from; key <= to; key++) {
        struct cell *c = find(key);
        if (c != NULL)
            touch_cell(c, 0xff, addr, size, how, pc);
        else
            absent = true;
    }
    if (!absent)
        return true;
    unsigned kept = 0;
    for (unsigned k = 0; k < ranges_used; k++) {
        if (ranges[k].from <= to && ranges[k].to >= from)
            check_record(&ranges[k].record, addr, size, how, pc);
        if (ranges[k].from < from || ranges[k].to > to)
            ranges[kept++] = ranges[k];
    }
    ranges[kept] = (struct range){from, to, {.pc = pc, .next = NO_RECORD, .clk = (uint16_t)(f->tick + 1), .tid = f->tid,
                                             .kind = (uint8_t)how, .mask = 0xff}};
    ranges_used = kept + 1;
    return true;
}

/* A thread reads again what since then others have only read. */
static inline bool read_again(const struct cell *c, uint8_t mask, uintptr_t pc)
{
    const struct axm_fiber *f = axm.cur;
    for (uint32_t i = c->records; i != NO_RECORD && records[i].kind == AXM_TOUCH_READ; i = records[i].next)
        if (records[i].tid == f->tid && records[i].mask == mask) {
            records[i].pc = pc;
            records[i].clk = (uint16_t)(f->tick + 1);
            return true;
        }
    return false;
}

/* A thread goes on with what it alone has touched since: its last access to these bytes was of the same kind, or a
 * write that it now reads, or a read between that and the write now. Whatever those were ordered with, this one is. */
static inline bool touch_again(struct cell *c, uint8_t mask, enum axm_touch how, uintptr_t pc)
{
    const struct axm_fiber *f = axm.cur;
    uint32_t top = c->records;
    struct record *r = &records[top];
    if (top == NO_RECORD || c->covered & mask)
        return false;
    if (how == AXM_TOUCH_READ && r->kind == AXM_TOUCH_READ)
        return read_again(c, mask, pc);
    if (r->tid != f->tid || r->mask != mask)
        return false;
    if (r->kind == how) {
        r->pc = pc;
        r->clk = (uint16_t)(f->tick + 1);
        return true;
    }
    if (how == AXM_TOUCH_READ && r->kind == AXM_TOUCH_WRITE) {
        uint32_t mine = new_record(pc);
        records[mine] = (struct record){.pc = pc, .next = top, .clk = (uint16_t)(f->tick + 1), .tid = f->tid,
                                        .kind = AXM_TOUCH_READ, .mask = mask};
        c->records = mine;
        return true;
    }
    struct record *below = &records[r->next];
    if (how != AXM_TOUCH_WRITE || r->kind != AXM_TOUCH_READ || r->next == NO_RECORD || below->tid != f->tid ||
        below->kind != AXM_TOUCH_WRITE || below->mask != mask)
        return false;
    c->records = r->next;
    drop_record(top);
    below->pc = pc;
    below->clk = (uint16_t)(f->tick + 1);
    return true;
}

/* An access to more than one cell. */
static __attribute__((noinline)) void touch_cells(uintptr_t addr, size_t size, enum axm_touch how, uintptr_t pc)
{
    uintptr_t last = addr + size - 1;
    uintptr_t whole = (addr + 7) >> 3, end = (addr + size) >> 3; /* the cells that lie within */
    bool together = how != AXM_TOUCH_READ && size >= RANGE_BYTES && touch_range(whole, end - 1, addr, size, how, pc);
    for (uintptr_t key = addr >> 3; key <= last >> 3; key++) {
        if (together && key == whole)
            key = end;
        if (key > last >> 3)
            break;
        unsigned from = key == addr >> 3 ? addr & 7 : 0;
        unsigned to = key == last >> 3 ? (last & 7) + 1 : 8;
        uint8_t mask = (uint8_t)(((1u << to) - 1) & ~((1u << from) - 1));
        touch_cell(find_or_add(key), mask, addr, size, how, pc);
    }
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
    struct cell *c = find_or_add(addr >> 3);
    uint8_t mask = (uint8_t)(((1u << size) - 1) << offset);
    if (how == AXM_TOUCH_FREE || !touch_again(c, mask, how, pc))
        touch_cell(c, mask, addr, size, how, pc);
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
        struct cell *c = find(key);
        if (c == NULL)
            continue;
        c->records = NO_RECORD;
        c->covered = 0;
        memset(c->loc, 0xff, sizeof c->loc);
    }
}

/* One of our own words that a stand-in reuses for something new. */
void axm_renew(uintptr_t addr, size_t size) { axm_forget(addr, size); }

static __attribute__((noinline)) uint16_t locate_new(const struct axm_req *q, uint16_t known, bool *fresh)
{
    unsigned offset = q->addr & 7;
    if (AXM_UNLIKELY((offset & (q->size - 1u)) != 0))
        axm_violation(AXM_MISUSE, q->pc, "atomic access of %u bytes at %#zx is not aligned", q->size, (size_t)q->addr);
    struct cell *c = find_or_add(q->addr >> 3);
    uint8_t mask = (uint8_t)(((1u << q->size) - 1) << offset);
    uint16_t loc = c->loc[offset];
    if (loc != AXM_NONE && axm.g->locs[loc].size == q->size)
        return loc;
    if (c->covered & mask)
        axm_violation(AXM_MIXED_SIZE, q->pc,
                      "atomic access of %u bytes at %#zx overlaps one of another size: C11 gives that no meaning "
                      "and the model has none", q->size, (size_t)q->addr);
    if (known == AXM_NONE) {
        uint64_t init = 0;
        if (!(q->addr & AXM_NOWHERE))
            memcpy(&init, (const void *)q->addr, q->size);
        known = axm_loc_new(axm.g, q->addr, q->size, init);
        *fresh = true;
    }
    c->loc[offset] = known;
    c->covered |= mask;
    return known;
}

/* The location of an atomic access; `known` in a replay. */
uint16_t axm_locate(const struct axm_req *q, uint16_t known, bool *fresh)
{
    const struct cell *c = &cells[slot(q->addr >> 3)];
    uint16_t loc = c->loc[q->addr & 7];
    *fresh = false;
    if (AXM_LIKELY(c->key == q->addr >> 3 && c->gen == gen && loc != AXM_NONE && axm.g->locs[loc].size == q->size))
        return loc;
    return locate_new(q, known, fresh);
}

static __attribute__((noinline)) void check_plain(const struct cell *c, const struct axm_req *q, bool writes)
{
    const struct axm_fiber *f = axm.cur;
    uint8_t mask = (uint8_t)(((1u << q->size) - 1) << (q->addr & 7));
    for (uint32_t i = c->records; i != NO_RECORD; i = records[i].next) {
        const struct record *r = &records[i];
        if (!(r->mask & mask))
            continue;
        if (r->kind == AXM_TOUCH_FREE)
            report_freed(writes ? "atomic write" : "atomic read", q->addr, r, q->pc);
        if (f->cur.v[r->tid] >= r->clk || r->tid == f->tid || (r->kind == AXM_TOUCH_READ && !writes))
            continue;
        report_race(writes ? "atomic write" : "atomic read", q->addr, q->size, q->pc,
                    r->kind == AXM_TOUCH_WRITE ? "plain write" : "plain read", r->tid, r->pc);
    }
}

/* An atomic access against the plain accesses before it. */
void axm_atomic_touch(const struct axm_req *q, bool writes)
{
    const struct cell *c = find_or_add(q->addr >> 3);
    if (c->records != NO_RECORD)
        check_plain(c, q, writes);
}

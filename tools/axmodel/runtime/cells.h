/* SPDX-License-Identifier: MIT */
/**
 * cells.h: where the shadow of the test's memory is looked up; shadow.c says what it is.
 */
#ifndef AXM_CELLS_H
#define AXM_CELLS_H

#include "axm.h"

/* What is known about eight bytes. */
struct axm_cell {
    _Alignas(64) uintptr_t key; /* address / 8 */
    uint32_t gen, records;
    uint16_t loc[8]; /* by offset of its first byte */
    uint16_t sole;   /* the thread that alone has touched the cell, and which bytes, or AXM_NOT_SOLE */
    uint16_t wrote, read; /* its clock at its last write, and at its last read since: 0 is none */
    uint8_t covered; /* bytes that belong to an atomic location */
    uintptr_t wrote_pc, read_pc;
};
_Static_assert(sizeof(struct axm_cell) == 64, "a cell is one cache line");

enum { AXM_NO_RECORD = 0, AXM_NOT_SOLE = 0xffff };

struct axm_cells {
    struct axm_cell *at;
    size_t mask, used;
    uint32_t gen;              /* cells of other generations are empty */
    struct axm_cell *at_hand;  /* where the latest atomic operation found its location */
};
extern struct axm_cells axm_cells;

/* Where the cell is, unless another one has its place. */
static inline struct axm_cell *axm_cell_place(uintptr_t key)
{
    return &axm_cells.at[(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & axm_cells.mask];
}

static inline bool axm_cell_is(const struct axm_cell *c, uintptr_t key) { return c->key == key && c->gen == axm_cells.gen; }

/* A plain access within one cell: true when the thread goes on with what it alone has touched so far, always these
 * bytes of it. Its last write is all that counts, and its last read since. */
static inline bool axm_touch_own(struct axm_cell *c, uintptr_t key, uint16_t who, uint16_t now, bool writes, uintptr_t pc)
{
    if (!axm_cell_is(c, key) || c->sole != who)
        return false;
    if (writes) {
        c->wrote = now;
        c->wrote_pc = pc;
        c->read = 0;
    } else {
        c->read = now;
        c->read_pc = pc;
    }
    return true;
}

uint16_t axm_locate_new(uintptr_t addr, unsigned size, uintptr_t pc, uint16_t known);
void axm_check_plain(uintptr_t addr, unsigned size, uintptr_t pc, bool writes);

/* The location of an atomic access; `known` in a replay. */
static inline uint16_t axm_locate(uintptr_t addr, unsigned size, uintptr_t pc, uint16_t known)
{
    struct axm_cell *c = axm_cell_place(addr >> 3);
    uint16_t loc = c->loc[addr & 7];
    axm_cells.at_hand = c;
    if (AXM_LIKELY(axm_cell_is(c, addr >> 3) && loc != AXM_NONE && axm.g->locs[loc].size == size))
        return loc;
    return axm_locate_new(addr, size, pc, known);
}

/* An atomic access against the plain accesses before it. */
static inline void axm_atomic_touch(uintptr_t addr, unsigned size, uintptr_t pc, bool writes)
{
    const struct axm_cell *c = axm_cells.at_hand;
    if (AXM_UNLIKELY(c->key != addr >> 3 || c->records != AXM_NO_RECORD))
        axm_check_plain(addr, size, pc, writes);
}

#endif

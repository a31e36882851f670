/* SPDX-License-Identifier: MIT */
/**
 * graph.h: the execution graph: clocks, events, locations, and what is read off them.
 */
#ifndef AXM_GRAPH_H
#define AXM_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AXM_THREADS = 16,      /* lanes of a clock: the main thread and 15 more */
    AXM_EVENTS = 16000,    /* events of one execution, over all threads */
    AXM_LOCS = 8192,       /* atomic locations of one execution */
    AXM_STACK = 256 << 10, /* bytes of a fiber's stack */
    AXM_CALLS = 32,        /* remembered callers, for reports */
    AXM_ROBUST = 16,       /* robust mutexes held by one thread */
    AXM_SITES = 64,        /* places counted per thread for --bound unroll */
    AXM_ANY_NUMBER = 1 << 20
};

/* Event indices. An index is also the event's stamp: events are numbered in the order they were added. */
#define AXM_NONE ((uint16_t)0xffff)
#define AXM_INIT ((uint16_t)0xfffe) /* the value a location had before its first atomic access */

/* ---- clocks ---- */

/* Lane t of a happens-before clock: the last tick of thread t that is ordered before (inclusive).
 * Lane t of a porf clock (program order and reads-from, no memory order needed): how many events of t. */
struct axm_clock {
    _Alignas(16) uint16_t v[AXM_THREADS];
};

static inline void axm_join(struct axm_clock *restrict into, const struct axm_clock *restrict from)
{
    for (unsigned i = 0; i < AXM_THREADS; i++)
        into->v[i] = from->v[i] > into->v[i] ? from->v[i] : into->v[i];
}

/* The next tick of a thread's own lane: `one` has 1 there. All lanes at once, since what is stored in part and
 * loaded whole right afterwards makes the processor wait. */
static inline void axm_next_tick(struct axm_clock *restrict clock, const struct axm_clock *restrict one)
{
    for (unsigned i = 0; i < AXM_THREADS; i++)
        clock->v[i] = (uint16_t)(clock->v[i] + one->v[i]);
}

/* ---- events ---- */

enum axm_kind { AXM_READ, AXM_WRITE, AXM_FENCE, AXM_CHOICE };

/* What a visible operation does to the value it finds. AXM_WAIT_* are our own: the operations of
 * locks and the like, which do not take effect until the value allows it. */
enum axm_op {
    AXM_LOAD, AXM_STORE, AXM_XCHG, AXM_ADD, AXM_SUB, AXM_AND, AXM_OR, AXM_XOR, AXM_NAND, AXM_CAS,
    AXM_WAIT_CAS,  /* waits for cmp, then writes arg */
    AXM_WAIT_NOT,  /* waits until the value is not cmp, reads it */
    AXM_WAIT_DEC,  /* waits until the value is not 0, subtracts one */
    AXM_WAIT_SHARE, /* waits until the value is not cmp, adds one */
    AXM_TRY_DEC,    /* the same two without waiting */
    AXM_TRY_SHARE
};

static inline bool axm_may_wait(uint8_t op) { return op >= AXM_WAIT_CAS && op <= AXM_WAIT_SHARE; }

/* Added to an address: a location without memory behind it. */
#define AXM_NOWHERE (UINT64_C(1) << 62)

enum axm_result { AXM_READS, AXM_WRITES, AXM_WAITS };

/* What the operation does when it finds this value. */
static inline enum axm_result axm_effect(uint8_t op, uint64_t old, uint64_t cmp)
{
    switch ((enum axm_op)op) {
    case AXM_LOAD: return AXM_READS;
    case AXM_CAS: return old == cmp ? AXM_WRITES : AXM_READS;
    case AXM_WAIT_CAS: return old == cmp ? AXM_WRITES : AXM_WAITS;
    case AXM_WAIT_NOT: return old != cmp ? AXM_READS : AXM_WAITS;
    case AXM_WAIT_DEC: return old != 0 ? AXM_WRITES : AXM_WAITS;
    case AXM_WAIT_SHARE: return old != cmp ? AXM_WRITES : AXM_WAITS;
    case AXM_TRY_DEC: return old != 0 ? AXM_WRITES : AXM_READS;
    case AXM_TRY_SHARE: return old != cmp ? AXM_WRITES : AXM_READS;
    default: return AXM_WRITES;
    }
}

/* What an operation that writes makes of the value it finds. */
static inline uint64_t axm_apply(uint8_t op, uint8_t size, uint64_t old, uint64_t arg)
{
    uint64_t v = arg;
    switch ((enum axm_op)op) {
    case AXM_ADD: v = old + arg; break;
    case AXM_SUB: v = old - arg; break;
    case AXM_AND: v = old & arg; break;
    case AXM_OR: v = old | arg; break;
    case AXM_XOR: v = old ^ arg; break;
    case AXM_NAND: v = ~(old & arg); break;
    case AXM_WAIT_DEC:
    case AXM_TRY_DEC: v = old - 1; break;
    case AXM_WAIT_SHARE:
    case AXM_TRY_SHARE: v = old + 1; break;
    case AXM_LOAD:
    case AXM_STORE:
    case AXM_XCHG:
    case AXM_CAS:
    case AXM_WAIT_CAS:
    case AXM_WAIT_NOT: break;
    }
    return size == 8 ? v : v & ((UINT64_C(1) << (8 * size)) - 1);
}

/* Memory orders, the numbers compilers pass to __tsan_atomic*. */
enum axm_order { AXM_RLX, AXM_CONSUME, AXM_ACQ, AXM_REL, AXM_ACQ_REL, AXM_SC };

static inline bool axm_acquires(uint8_t o) { return o == AXM_ACQ || o == AXM_CONSUME || o >= AXM_ACQ_REL; }
static inline bool axm_releases(uint8_t o) { return o >= AXM_REL; }

enum axm_flag {
    AXM_NEW_LOC = 1,  /* this event brought its location into the graph */
    AXM_DEAD = 2,     /* write half of a read-modify-write whose source another one has taken: the
                         graph is inconsistent until that one is revisited; not in modification order */
    AXM_STALE = 4,    /* a read that was added with a source that was not the newest */
    AXM_SPURIOUS = 8, /* a weak compare-exchange that fails though the value matches, or a wait that ends
                         though the value says to go on waiting: it times out */
    AXM_INTERNAL = 16, /* made by our stand-ins for locks and the like */
    AXM_WEAK = 32,    /* that may still happen to it */
    AXM_TIMED = 64    /* a wait with a deadline: it ends when nobody else can go on */
};

/* In the order of use: a directed run fills the first two cache lines, and little else. */
struct axm_event {
    _Alignas(64) uint64_t value; /* read or written, or the chosen alternative */
    uint64_t arg, cmp;     /* operands of op */
    uintptr_t pc;
    uint8_t op, size, ord_ok, ord_fail;
    uint8_t note;          /* enum axm_note: what to call it in a trace */
    uint8_t flags;         /* enum axm_flag */
    uint8_t tid, kind;
    uint16_t rf;           /* read: its source */
    uint16_t rmw;          /* the other half of a read-modify-write, or AXM_NONE */
    uint16_t taken;        /* write: the read half of the read-modify-write that follows it, or AXM_NONE */
    uint16_t early;        /* write: the read that was added before it and now reads from it, or AXM_NONE */
    uint16_t mo_prev, mo_next;
    uint32_t rank;         /* write: place in modification order; the initial value has rank 0 */
    uint16_t loc_prev;     /* previously added access to the same location */
    uint16_t loc;
    uint16_t idx, tick;    /* position in its thread; own lane of vc */
    struct axm_clock vc;   /* happens-before, this event included */
    struct axm_clock rel;  /* write: what an acquiring reader gets; read: the thread's release fence */
    struct axm_clock porf; /* as vc for program order and reads-from */
    struct axm_clock porf_pre; /* read: porf without its source */
    struct axm_clock pre;  /* read: vc without its source; write: what this write alone releases */
    uint16_t po_prev, po_next;
    uint16_t learned;      /* from this tick of the thread on the other lanes of vc are as here */
    uint16_t learned_pre;  /* read: the same for pre */
    uint16_t alternatives; /* choice: how many */
    uint16_t revisit;      /* write: events from here on are done with as targets of a revisit */
    uint8_t result, ord;
};
_Static_assert(sizeof(struct axm_event) == 256, "an index becomes an address by a shift");

/* A visible operation as the entry points hand it in. */
struct axm_req {
    uintptr_t addr, pc;
    uint64_t arg, cmp;
    uint8_t op, size, ord_ok, ord_fail, note, flags;
};

enum axm_note {
    AXM_PLAIN_NAME, AXM_N_LOCK, AXM_N_TRYLOCK, AXM_N_UNLOCK, AXM_N_RDLOCK, AXM_N_WRLOCK, AXM_N_COND, AXM_N_WAKE,
    AXM_N_SLEEP, AXM_N_SEM_WAIT, AXM_N_SEM_POST, AXM_N_ONCE, AXM_N_BARRIER, AXM_N_FUTEX, AXM_N_CHOOSE,
    AXM_N_TIMEOUT, AXM_N_SPURIOUS, AXM_N_DIES
};

struct axm_loc {
    _Alignas(64) uintptr_t addr;
    uint64_t init;
    uint16_t first, last; /* modification order */
    uint16_t taken;       /* as axm_event.taken, for the initial value */
    uint16_t accesses;    /* last added access */
    uint16_t latest[AXM_THREADS]; /* directed runs: each thread's last access */
    uint16_t holder;      /* exhaustive runs: the write whose value memory holds */
    uint8_t size;
};
_Static_assert(sizeof(struct axm_loc) == 64, "a location is one cache line");

struct axm_graph {
    struct axm_event *ev;
    struct axm_loc *locs;
    uint16_t n, nlocs;
    uint16_t base;    /* events before this one are settled for the whole life of this graph */
    bool revisited;   /* the event at base is the write that made this graph by a revisit */
    uint16_t linked;  /* directed runs: events before this one are linked in program order */
    uint16_t pending; /* reads that will write and whose write half is not there yet */
    uint16_t sc;      /* seq_cst events, fences included */
    uint16_t fences;  /* of them */
    uint16_t first[AXM_THREADS], last[AXM_THREADS], count[AXM_THREADS];
    struct axm_graph *below;
};

/* graph.c */
struct axm_graph *axm_graph_new(void);
void axm_graph_free(struct axm_graph *g);
void axm_graph_clear(struct axm_graph *g);
void axm_graph_copy(struct axm_graph *to, const struct axm_graph *from);
uint16_t axm_loc_new(struct axm_graph *g, uintptr_t addr, uint8_t size, uint64_t init);
uint16_t axm_add(struct axm_graph *g, uint8_t tid, uint8_t kind, uint16_t loc);
void axm_link(struct axm_graph *g);
void axm_drop_last(struct axm_graph *g);
uint32_t axm_known(const struct axm_graph *g, uint16_t loc, uint8_t tid, const struct axm_clock *vc, uint16_t learned,
                   uint16_t self);
void axm_read_from(struct axm_graph *g, uint16_t e, uint16_t w);
void axm_unread(struct axm_graph *g, uint16_t e);
uint16_t axm_write_half(struct axm_graph *g, uint16_t r);
void axm_place(struct axm_graph *g, uint16_t w, uint16_t after);
void axm_unplace(struct axm_graph *g, uint16_t w);
void axm_release_clock(struct axm_graph *g, uint16_t w);

static inline uint32_t axm_rank(const struct axm_graph *g, uint16_t w) { return w == AXM_INIT ? 0 : g->ev[w].rank; }
static inline uint16_t axm_newest(const struct axm_loc *l) { return l->last == AXM_NONE ? AXM_INIT : l->last; }
static inline uint16_t axm_after(const struct axm_graph *g, uint16_t loc, uint16_t w)
{
    return w == AXM_INIT ? g->locs[loc].first : g->ev[w].mo_next;
}
static inline uint16_t axm_taken(const struct axm_graph *g, uint16_t loc, uint16_t w)
{
    return w == AXM_INIT ? g->locs[loc].taken : g->ev[w].taken;
}
static inline uint64_t axm_value(const struct axm_graph *g, uint16_t loc, uint16_t w)
{
    return w == AXM_INIT ? g->locs[loc].init : g->ev[w].value;
}
/* The rank of the newest write that the thread of event i knows of before it. */
static inline uint32_t axm_bound(const struct axm_graph *g, uint16_t i)
{
    const struct axm_event *e = &g->ev[i];
    bool read = e->kind == AXM_READ;
    return axm_known(g, e->loc, e->tid, read ? &e->pre : &e->vc, read ? e->learned_pre : e->learned, i);
}
/* A read that could have written, or have gone on waiting, and did not. */
static inline bool axm_failed(const struct axm_event *e)
{
    return e->result == AXM_READS && (e->flags & AXM_SPURIOUS || (e->op != AXM_LOAD && e->op != AXM_WAIT_NOT));
}
/* What read e does with source w: its value, what the operation makes of that, and which of its orders it has. */
static inline void axm_take(struct axm_graph *g, struct axm_event *e, uint16_t w)
{
    e->rf = w;
    e->value = axm_value(g, e->loc, w);
    e->result = e->flags & AXM_SPURIOUS ? AXM_READS : (uint8_t)axm_effect(e->op, e->value, e->cmp);
    e->ord = axm_failed(e) ? e->ord_fail : e->ord_ok;
    if (e->ord == AXM_SC)
        g->sc++;
}
/* Write w is half of a read-modify-write that has left the value as it was. */
static inline bool axm_idle_write(const struct axm_graph *g, uint16_t w)
{
    const struct axm_event *e = &g->ev[w];
    return e->rmw != AXM_NONE && g->ev[e->rmw].value == e->value;
}
/* a happens before b, which is another event. */
static inline bool axm_hb(const struct axm_event *a, const struct axm_event *b)
{
    return b->vc.v[a->tid] >= a->tick;
}

#endif

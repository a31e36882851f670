/* SPDX-License-Identifier: MIT */
/**
 * axm.h: what the parts of the model checker's runtime share.
 *
 * One execution of the test is an execution graph: events in program order per thread, a reads-from
 * source for each read, a modification order per location. Threads are fibers that stop at each visible
 * operation; `graph` holds the events, `explore` decides which graphs there are, `sched` runs the test
 * so that it produces a given graph and then extends it, the other files are the entry points by which
 * the compiled test reaches us.
 *
 * All mutable state sits in the section axm_state (AXM_STATE): the globals of the test are put back
 * to their first values before each execution, and the runtime's own must not be.
 */
#ifndef AXM_H
#define AXM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AXM_STATE __attribute__((section("axm_state")))
#define AXM_PUBLIC __attribute__((visibility("default")))
#define AXM_LIKELY(x) __builtin_expect((x) != 0, 1)
#define AXM_UNLIKELY(x) __builtin_expect((x) != 0, 0)

#include "graph.h"

/* Memory gets the value, for plain reads and for the debugger. */
static inline void axm_store_value(uintptr_t addr, uint8_t size, uint64_t value)
{
    if (addr & AXM_NOWHERE)
        return;
    switch (size) {
    case 1: *(uint8_t *)addr = (uint8_t)value; break;
    case 2: *(uint16_t *)addr = (uint16_t)value; break;
    case 4: *(uint32_t *)addr = (uint32_t)value; break;
    default: *(uint64_t *)addr = value; break;
    }
}

/* psc.c */
bool axm_sc_consistent(const struct axm_graph *g, uint16_t changed, uint16_t other);

/* preempt.c */
bool axm_more_preemptions(const struct axm_graph *g, unsigned limit);

/* ---- options and outcome ---- */

enum axm_mode { AXM_EXHAUSTIVE, AXM_RANDOM, AXM_PCT, AXM_REPLAY };

enum axm_verdict {
    AXM_HOLDS, AXM_ASSERT, AXM_RACE, AXM_DEADLOCK, AXM_LIVELOCK, AXM_LEAK, AXM_USE_AFTER_FREE, AXM_DOUBLE_FREE,
    AXM_BAD_FREE, AXM_MIXED_SIZE, AXM_MISUSE, AXM_CRASH, AXM_EXIT, AXM_UNSUPPORTED, AXM_LIMIT, AXM_DIVERGED,
    AXM_VERDICTS
};

struct axm_options {
    enum axm_mode mode;
    uint64_t executions; /* most to explore; 0: no limit */
    uint64_t seed;
    unsigned depth;      /* PCT: change points + 1 */
    unsigned spurious;   /* most spurious weak failures per thread */
    unsigned events;     /* most events of one execution */
    unsigned preemptions; /* most of one execution, or AXM_ANY_NUMBER */
    unsigned unroll;     /* most passes of a thread by the same place, or AXM_ANY_NUMBER */
    unsigned silence;    /* seconds of processor time without an event after which a run is taken for endless */
    bool c11_sequences;  /* release sequences with later writes of the same thread, as before C++20 */
    bool reuse;          /* freed memory may be handed out again at once */
    bool leaks;
    bool quiet, json, progress, check_subset, check_once;
    bool must_find, list, shrink;
    const char *test;    /* only this one */
};

/* ---- fibers ---- */

enum axm_state {
    AXM_UNBORN, AXM_READY, AXM_FRONTIER, /* stopped before an operation that is not in the graph yet */
    AXM_REPLAY_WAIT,                     /* stopped before a read whose source has not run in this run */
    AXM_JOINING, AXM_BLOCKED, AXM_SPINNING, AXM_DONE,
    AXM_GIVEN_UP, AXM_UNROLLED,          /* an assumption of it does not hold; it has gone round too often */
    AXM_STATES
};

enum { AXM_SPIN_SITES = 6, AXM_SPIN_BYTES = 2048, AXM_REGS = 7, AXM_PATIENCE = 6 };

/* The machine state of a thread at one load: seen again with nothing done since, it is a spin. */
struct axm_spin {
    uintptr_t pc;
    uint64_t regs[AXM_REGS];
    uint32_t bytes;
    uint16_t events; /* of the thread, when it was taken */
    unsigned char stack[AXM_SPIN_BYTES];
};

struct axm_fiber {
    void *sp;
    struct axm_clock one;  /* 1 in its own lane */
    struct axm_clock cur;  /* happens-before the thread's next step */
    struct axm_clock frel; /* cur at the last release fence */
    struct axm_clock facq; /* what an acquire fence would add */
    struct axm_clock porf;
    uint16_t tick;
    uint16_t learned; /* tick from which on nothing was learned of other threads: other lanes of cur are as then */
    uint16_t pos;  /* events executed in this run */
    uint16_t next; /* next event to replay, or AXM_NONE at the end of the graph */
    uint16_t want; /* AXM_REPLAY_WAIT: the event that must run first */
    uint8_t tid, state, join, parent, children, spurious;
    bool detached, joined;
    bool mortal, killed;   /* may die before each of its atomic operations; has done so */
    bool timed_out;     /* directed runs: what it waits for has */
    uint32_t looks;     /* at the clock */
    int *errno_at;
    void *(*entry)(void *);
    void *arg, *ret;
    void *cleanup;         /* innermost pthread_cleanup_push */
    void *tp;              /* thread pointer, when the test has thread-local storage */
    unsigned char *lo, *hi; /* stack */
    uintptr_t pc;          /* of the operation it stands before */
    const char *doing;     /* what it waits for, for reports */
    uint64_t priority;
    uint32_t wake;         /* the word a sleeping thread waits on */
    struct axm_req wait;   /* directed runs: what a blocked thread wants to do, and where */
    uint16_t wait_loc;
    uint16_t fair;         /* directed runs: it has spun, so many reads to come take the newest value */
    uint16_t spins;        /* entries of spin in use */
    uint16_t patience;     /* directed runs: loads to come before it is asked whether they are the turns of a spin */
    uint16_t depth;        /* entries of calls in use, may exceed AXM_CALLS */
    uintptr_t calls[AXM_CALLS];
    uint8_t robust_held, sites;
    void *robust[AXM_ROBUST];
    struct {
        uintptr_t place;
        unsigned passes;
    } site[AXM_SITES];
    bool has_keys;
    void *keys[128];
    struct axm_spin spin[AXM_SPIN_SITES];
};

enum axm_end {
    AXM_END_NONE, AXM_END_COMPLETE, AXM_END_BLOCKED, AXM_END_PRUNED, AXM_END_LONG, AXM_END_UNROLLED, AXM_END_VIOLATED
};

struct axm_stats {
    uint64_t executions, blocked, pruned, runs;
    uint64_t long_ones, unrolled, beyond; /* given up by --bound events, unroll, preemptions */
    uintptr_t long_pc; /* where the first of long_ones was */
};

struct axm {
    struct axm_options opt;
    struct axm_graph *g;
    struct axm_fiber *cur; /* NULL outside of a run */
    struct axm_fiber *fiber[AXM_THREADS];
    uint16_t in[AXM_STATES]; /* the threads that are in each state, a bit for each */
    uint16_t nthreads;     /* born in this run */
    uint16_t replay_left;  /* events of the graph that this run has not executed */
    uint16_t writes;       /* directed runs: counts writes, so that a spinning thread sees progress */
    uint16_t burst;        /* random runs: events that the running thread still makes in one go */
    bool astray;           /* replays: the event to come is not the one that the token names */
    bool porf_kept;        /* directed runs: a bound on preemptions needs those clocks */
    bool reschedule;       /* the running thread may not be the one to go on */
    uint8_t end;           /* enum axm_end */
    uint8_t verdict;       /* enum axm_verdict */
    bool stalled;          /* a run has gone on for seconds without an event */
    bool shrinking;        /* runs count for nothing */
    bool lenient;          /* replays: a token that does not fit is taken as far as it goes */
    uint8_t tid_parent[AXM_THREADS], tid_child[AXM_THREADS], tids;
    void *controller;      /* saved stack pointer */
    uint64_t rng;
    struct ax_model_case *test;
    char message[512];
    uintptr_t pc1, pc2;    /* where the violation is, and the other access */
    uint8_t tid1, tid2;
    uint8_t caught;        /* the thread that was running, and its callers */
    uint16_t depth;
    uintptr_t calls[AXM_CALLS];
    struct axm_stats stats;
};

extern struct axm axm;
extern uint64_t axm_regs[AXM_REGS];

static inline bool axm_directed(void) { return axm.opt.mode != AXM_EXHAUSTIVE; }

static inline void axm_set_state(struct axm_fiber *f, enum axm_state s)
{
    uint16_t bit = (uint16_t)(1u << f->tid);
    axm.in[f->state] &= (uint16_t)~bit;
    axm.in[s] |= bit;
    f->state = (uint8_t)s;
}

/* The fiber with the lowest number in a mask that is not empty. */
static inline struct axm_fiber *axm_lowest(unsigned mask) { return axm.fiber[__builtin_ctz(mask)]; }

/* fiber.c */
void axm_fibers_init(void);
void axm_fiber_start(struct axm_fiber *f, void (*entry)(void));
void axm_tls_renew(struct axm_fiber *f);
void axm_tls_switch(const struct axm_fiber *f);
extern bool axm_own_tls; /* each thread of the test has thread-local storage of its own */
void axm_switch(void **save, void *load);
void axm_globals_save(void);
void axm_globals_restore(void);
void axm_globals_visit(void (*visit)(const void *from, size_t size));

/* sched.c */
void axm_threads_reset(void);
enum axm_end axm_run(void);
uint64_t axm_extend(const struct axm_req *q, bool *wrote);
void axm_sc_fence(uintptr_t pc);
unsigned axm_choose(unsigned alternatives, uint8_t note, uintptr_t pc);
void axm_acquire_fence(void);
void axm_release_fence(void);
struct axm_fiber *axm_spawn(void *(*entry)(void *), void *arg, uintptr_t pc);
void axm_join_thread(struct axm_fiber *target, uintptr_t pc);
void axm_exit_thread(void *ret) __attribute__((noreturn));
void axm_stop(enum axm_end end) __attribute__((noreturn));
void axm_schedule(void);
void axm_yield_to(struct axm_fiber *f);
void axm_give_up(enum axm_state how) __attribute__((noreturn));
bool axm_all_wait(void);

/* loops.c */
void axm_side_effect(void);
bool axm_spin_again(uintptr_t pc);
void axm_count_pass(uintptr_t pc);

/* main.c */
struct ax_model_case;
int axm_main(int argc, char **argv);
bool axm_execute(bool sampled);

/* actors.c */
void axm_seen_load(const char *path);
bool axm_is_outcome_test(const struct ax_model_case *c);
bool axm_outcomes_compare(const struct ax_model_case *c, bool exhausted);

/* once.c */
void axm_once_reset(void);
bool axm_once(void);

/* options.c */
void axm_parse(int argc, char **argv);
void axm_usage(const char *program, const char *problem, const char *what) __attribute__((noreturn));

/* estimate.c */
void axm_estimate_reset(void);
double axm_estimate(uint64_t runs);

/* threads.c */
void axm_run_key_destructors(void);

/* mutex.c */
void axm_die_perhaps(uintptr_t pc);
void axm_leave_robust(void);

/* explore.c */
bool axm_next_graph(void);
void axm_explore_end(void);
double axm_weigh_alternatives(double (*weight)(uint16_t events));
void axm_take_alternative(double (*weight)(uint16_t events), double at);
void axm_explore_begin(void);

/* random.c */
void axm_random_begin(uint64_t seed, uint64_t number);
uint64_t axm_random(void);
uint64_t axm_random_choice(unsigned alternatives, bool rare);
struct axm_fiber *axm_random_pick(void);
uint64_t axm_random_draw(unsigned options);

/* sample.c */
uint64_t axm_operate(const struct axm_req *q, bool *wrote); /* of a stand-in */
void axm_sample_spin(uintptr_t pc);
bool axm_would_proceed(struct axm_fiber *f);

/* cxx.c */
void axm_destroy_locals(void);

/* token.c */
struct axm_step {
    uint8_t tid;
    bool spurious, eventless;
    uint16_t back, choice;
};
void axm_token_set(const struct axm_step *steps, unsigned count);
unsigned axm_token_get(struct axm_step *steps);
struct axm_fiber *axm_token_pick(unsigned can);
uint64_t axm_token_choice(unsigned alternatives);
size_t axm_token_parse(const char *text);
void axm_token_begin(void);
void axm_token_end(bool violated);
void axm_token_advance(void);
void axm_token_again(void);
void axm_token_resume(const struct axm_fiber *f);
void axm_token_arrive(void);
void axm_token_stop(void);
void axm_token_refuse(void) __attribute__((noreturn));
unsigned axm_token_back(void);
void axm_token_took(bool exactly);
bool axm_token_spurious(void);
/* The running thread makes its next event now. */
static inline void axm_token_check(void)
{
    if (AXM_UNLIKELY(axm.astray))
        axm_token_refuse();
}
void axm_token_make(char *out, size_t size, bool whole);

/* shadow.c */
enum axm_touch { AXM_TOUCH_READ, AXM_TOUCH_WRITE, AXM_TOUCH_FREE };
void axm_shadow_reset(void);
void axm_touch(uintptr_t addr, size_t size, enum axm_touch how, uintptr_t pc);
void axm_forget(uintptr_t addr, size_t size);
void axm_renew(uintptr_t addr, size_t size);

/* heap.c */
void axm_heap_init(void);
void axm_heap_reset(void);
bool axm_heap_leaks(void);
bool axm_heap_owns(const void *p);
size_t axm_heap_place(const void *p, unsigned *tid);

/* report.c */
void axm_violation(enum axm_verdict v, uintptr_t pc, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
void axm_note(enum axm_verdict v, uintptr_t pc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *axm_verdict_name(enum axm_verdict v);
void axm_print_violation(const char *test, const char *token);

/* shrink.c */
void axm_report(const char *test);
void axm_print_trace(void);
void axm_where(uintptr_t pc, char *out, size_t size);
void axm_fatal(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));   /* exits with 70 */
void axm_corrupt(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2))); /* ... with 65 */
unsigned axm_linearize(uint16_t *order);

/* outcome.c */
void axm_outcomes_reset(void);
void axm_outcome_begin(void);
bool axm_outcome_commit(bool sampled);
const char *axm_outcome_text(void);
const char *axm_outcome_row(unsigned i, uint64_t *executions);
void axm_outcomes_print(bool json);

/* Before an operation of the test: --bound unroll, and death. */
static inline void axm_pass(uintptr_t pc)
{
    if (AXM_UNLIKELY(axm.opt.unroll != AXM_ANY_NUMBER))
        axm_count_pass(pc);
}
static inline void axm_may_die(uintptr_t pc)
{
    if (AXM_UNLIKELY(axm.cur->mortal))
        axm_die_perhaps(pc);
}

/* Before an operation that may be the turn of a spin loop: whether the thread has to wait, and to ask again. Directed
 * runs do not look before some more turns: most loops end sooner. */
static inline bool axm_spin_check(uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    if (!axm_directed())
        return axm_spin_again(pc);
    if (f->spins == 0) {
        f->spins = 1;
        f->patience = AXM_PATIENCE;
        f->spin[0].pc = pc;
        f->spin[0].bytes = 0;
        return false;
    }
    if (f->patience == 0)
        return axm_spin_again(pc);
    f->patience--;
    return false;
}

#define AXM_CALLER ((uintptr_t)__builtin_return_address(0))

#endif

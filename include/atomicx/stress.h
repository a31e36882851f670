/* SPDX-License-Identifier: MIT */
/**
 * stress.h: hammer a concurrent structure from many threads, then do the arithmetic.
 *
 *     static int64_t push(void *stack, const int64_t *a) { return my_stack_push(stack, a[0]); }
 *     static const ax_stress_impl impls[] = { { .name = "mine", .create = make, .destroy = unmake, .calls = { push, pop } } };
 *     static const ax_stress_operation operations[] = {
 *         { .name = "push", .weight = 1, .takes = { AX_STRESS_FRESH }, .model = model_push },
 *         { .name = "pop", .weight = 1, .model = model_pop },
 *     };
 *     int main(int argc, char **argv) { return ax_stress_main(argc, argv, &program); }
 *
 * A program names its noun, its own options, its operations and a table of implementations: the right one,
 * what people would write instead, and the broken ones that the test must catch. It comes in one of two forms.
 *
 * Declared, as above: what each operation calls, and what a sequential model says of it. The harness runs many short
 * rounds, each on an object of its own, and looks for an order of each round's operations that the model explains. A round
 * that has none is shrunk to the fewest threads and operations that still fail, and drawn. See "a declared program".
 *
 * Written out: `work` does the operations of one worker on one object that all share, and counts in a private tally; when
 * the last worker was joined, `judge` compares the tallies with the final state, and the
 * put_ functions write both down (--record), so that another program can judge them again.
 *
 * From ax_stress_main the program gets --threads, --iters, --duration, --impl, --list, --seed, --record, --history,
 * --pin, --mix, --keys, --dist, --chaos, --observers, --json and the rest; a spinning start line; interruption with a
 * partial verdict; a watchdog; broken implementations in a child process; and the exit codes
 * 0 holds, 1 violated, 2 usage, 3 inconclusive or vacuous, 64 a mistake in the program's table, said in a sentence, 70 internal
 * error, 130 interrupted.
 *
 * Who runs what: check, setup, judge, put_ and teardown run alone, in the main thread. enter, work and leave
 * run in each worker, observe in each observer, all at once. Everything setup wrote happens before them, and
 * everything they wrote happens before judge. Between work calls the harness orders nothing (its words are
 * relaxed), so that it can't hide a race from ThreadSanitizer. Nothing here is called by signal handlers.
 *
 * Link with libatomicx-stress. It needs no other part of libatomicx.
 */
#ifndef ATOMICX_STRESS_H
#define ATOMICX_STRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <atomicx/detail/log.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ax_stress_program ax_stress_program;
typedef struct ax_stress_impl ax_stress_impl;
typedef struct ax_stress_run ax_stress_run;
typedef struct ax_stress_out ax_stress_out; /**< opaque: where a record is written */

#define AX_STRESS_OPERATIONS 8 /**< at most so many operations in a mix */

typedef enum ax_stress_verdict {
    AX_STRESS_HOLDS = 0,
    AX_STRESS_VIOLATED = 1,
    AX_STRESS_INCONCLUSIVE = 3
} ax_stress_verdict;

/* ---- random choices: all of them come from (seed, thread) ---- */

/** One thread's stream. SplitMix64 (Steele, Lea and Flood 2014), started at a hash of seed and thread. */
typedef struct ax_stress_random {
    uint64_t state_;
} ax_stress_random;

/** The stream for this seed and number; different numbers give unrelated streams. */
ax_stress_random ax_stress_random_at(uint64_t seed, uint64_t number);

/** 64 random bits. */
static inline uint64_t ax_stress_bits(ax_stress_random *random)
{
    uint64_t z = random->state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/** Uniform in 0 to n-1, exactly (n at least 1), by Lemire's multiplication with rejection. */
static inline uint64_t ax_stress_below(ax_stress_random *random, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)ax_stress_bits(random) * n;
    if ((uint64_t)product < n) {
        uint64_t reject = (0 - n) % n;
        while ((uint64_t)product < reject)
            product = (wide)ax_stress_bits(random) * n;
    }
    return (uint64_t)(product >> 64);
}

/* ---- what a run is, for reading ---- */

/** The configuration of the run. The harness writes it; fields may be added at the end. */
struct ax_stress_run {
    const ax_stress_program *program;
    const ax_stress_impl *impl;
    uint32_t threads;
    uint32_t observers;
    uint64_t iters;       /**< operations asked of each worker; UINT64_MAX when limited by --duration */
    uint64_t duration_ns; /**< 0 without --duration */
    uint64_t seed;
    uint64_t keys;        /**< 0 for a program without keys */
    bool complete;        /**< for judge: every worker did what was asked */
    void *shared;         /**< setup's: the structure under test, handed to every worker */
    uint32_t operations;  /**< how many operations the mix knows; 0 without a mix */
    int32_t only;         /**< the one operation that has a weight, or -1 when several have */
    uint64_t upto[AX_STRESS_OPERATIONS]; /**< see ax_stress_pick */
    struct axi_stress *internal;
    bool history; /**< the operations are written down (--history) */
};

/** A worker or observer, seen from its own thread. */
typedef struct ax_stress_worker {
    const ax_stress_run *run;
    void *shared;            /**< run->shared */
    void *tally;             /**< private, zeroed, on cache lines of its own: program->tally_size bytes */
    uint32_t thread;         /**< 0 to run->threads-1; observers: 0 to run->observers-1 */
    ax_stress_random random; /**< this thread's choices */
    ax_stress_log *log;      /**< its part of the history; NULL without --history */
} ax_stress_worker;

/** The next operation by the weights of --mix: an index into program->operations. */
static inline uint32_t ax_stress_pick(ax_stress_worker *self)
{
    const ax_stress_run *run = self->run;
    if (run->only >= 0)
        return (uint32_t)run->only;
    uint64_t bits = ax_stress_bits(&self->random) >> 1;
    uint32_t operation = 0;
    while (bits >= run->upto[operation])
        operation++;
    return operation;
}

/** The next key by --dist: 0 to run->keys-1, key 0 the most frequent. Only where the program has keys. */
uint64_t ax_stress_key(ax_stress_worker *self);

/* ---- histories: what was asked and answered, and when (--history, docs/history-format.md) ----
 *
 *     uint64_t invoked = ax_stress_invoke(self);
 *     bool done = my_map_remove(map, key, &old);
 *     AX_STRESS_ANSWER(self, invoked, REMOVE, (int64_t)key, done ? (int64_t)old : AX_STRESS_NONE);
 *
 * Nothing but the operation belongs between the two: what stands there widens its interval, and hides mistakes.
 * In a loop that does next to nothing else, ax_stress_invoke_next takes the moment of the answer before, which costs less.
 * Each thread writes its own operations, those of one thread one after the other. These calls write to no memory
 * that another thread reads, never block but to hand a full block (64 KiB) to the kernel, never allocate, and are not
 * for signal handlers. They order nothing for ThreadSanitizer. In the machine an answer waits for the stores of its
 * operation to be seen by all: that is what an answer means, and a store that is seen later is not a mistake of yours.
 * Without --history each costs one comparison. */

#define AX_STRESS_NONE INT64_MIN         /**< as a result: nothing there, empty, sold out */
#define AX_STRESS_CLOSED (INT64_MIN + 1) /**< as a result: closed */
#define AX_STRESS_VALUES 8               /**< at most so many arguments and results of an operation, */
#define AX_STRESS_RESULTS 4096           /**< or so many results by ax_stress_answer_many */

/** An operation as the sequential model knows it. One whose results nobody looks at has an entry of its own. */
typedef struct ax_stress_event {
    const char *name;   /**< of the model's table in docs/history-format.md */
    uint32_t arguments;
    int32_t results;    /**< -1: any number, for ax_stress_answer_many */
} ax_stress_event;

/** The moment before an operation; 0 without --history. */
static inline uint64_t ax_stress_invoke(ax_stress_worker *self)
{
    return self->log == NULL ? 0 : ax_stress_log_before_(self->log);
}

/** Instead of ax_stress_invoke, in a loop in which only a few instructions lie between an answer and the next operation: the
 * moment of that answer, if it was in this call of `work` and no time was needed since to write operations down; else as
 * ax_stress_invoke. It spares reading the clock. What lies between the two counts as the operation's own time, so
 * that no right history looks wrong, and a wrong one may look right where its results alone don't show it. Not for
 * operations whose results say nothing, such as a lock and its unlock. */
static inline uint64_t ax_stress_invoke_next(ax_stress_worker *self)
{
    return self->log == NULL ? 0 : ax_stress_log_turn_(self->log);
}

/** The moment after it. `event` is an index into program->events, `values` its arguments and then its results, as many as
 * the table says: another number ends the program with a sentence and exit code 64. */
static inline void ax_stress_answer(ax_stress_worker *self, uint64_t invoked, uint32_t event, const int64_t *values,
                                    uint32_t count)
{
    ax_stress_log *log = self->log;
    if (log != NULL)
        ax_stress_log_note_(log, invoked, ax_stress_log_after_(log), event, values, count, AX_STRESS_VALUES);
}

/** The same with the values one by one, at least one. */
#define AX_STRESS_ANSWER(self, invoked, event, ...)                                                    \
    do {                                                                                               \
        const int64_t values_[] = { __VA_ARGS__ };                                                     \
        ax_stress_answer(self, invoked, event, values_, (uint32_t)(sizeof values_ / sizeof *values_)); \
    } while (0)

/** The same for an event without arguments and with up to AX_STRESS_RESULTS results; more, and no history comes of it. */
void ax_stress_answer_many(ax_stress_worker *self, uint64_t invoked, uint32_t event, const int64_t *results, uint32_t count);

/** Instead of ax_stress_answer: it was invoked and never answered. `arguments` are all it has; the last operation of its
 * thread. */
void ax_stress_unanswered(ax_stress_worker *self, uint64_t invoked, uint32_t event, const int64_t *arguments,
                          uint32_t count);

/** The value of one of the program's own options; a flag is 0 or 1. The name must be one it declared. */
int64_t ax_stress_value(const ax_stress_run *run, const char *name);

/** The tally of worker `thread`, and the operations it did; only in judge, put_ and teardown. */
void *ax_stress_tally(const ax_stress_run *run, uint32_t thread);
uint64_t ax_stress_ops(const ax_stress_run *run, uint32_t thread);
void *ax_stress_observer_tally(const ax_stress_run *run, uint32_t observer);

/* ---- a program ---- */

/** What an operation does to `object`, or to the state of the model: it reads its arguments and returns its result. */
typedef int64_t ax_stress_call(void *object, const int64_t *arguments);

/** One implementation of the noun. The first of the table is the default. It has `work`, or `create` and `calls`. */
struct ax_stress_impl {
    const char *name;   /**< for --impl */
    const char *about;  /**< one line for --list */
    bool broken;        /**< must be caught: runs in a child process, where crash and hang are verdicts too */
    uint32_t supports;  /**< bit i: it can do operation i of the mix; 0: all of them */
    const void *extra;  /**< the program's own; the harness never looks */
    void (*enter)(ax_stress_worker *self); /**< before the start line; may be NULL */
    /** Does the worker's operations begin to end-1, all of them; called over and over. The hot loop. */
    void (*work)(ax_stress_worker *self, uint64_t begin, uint64_t end);
    void (*leave)(ax_stress_worker *self); /**< after the last operation; may be NULL */
    /** One look at the structure, by an observer, over and over while workers run; NULL: none to make. */
    void (*observe)(ax_stress_worker *self);

    /** Declared: a new object, which the calls then get, or NULL without memory. Any thread may call it, and destroy. */
    void *(*create)(const ax_stress_run *run);
    void (*destroy)(void *object); /**< by one thread, after all calls on it */
    ax_stress_call *calls[AX_STRESS_OPERATIONS]; /**< for each of program->operations; NULL: it has no such */
    /** Who may call each: bit i is thread i of a round, bit 31 all later ones; 0: every thread may. */
    uint32_t callers[AX_STRESS_OPERATIONS];
};

/** Where an argument comes from. */
typedef enum ax_stress_source {
    AX_STRESS_NOTHING, /**< there is no such argument */
    AX_STRESS_KEY,     /**< --keys and --dist choose it, as in ax_stress_key */
    AX_STRESS_FRESH,   /**< no other call on the same object has it; small in rounds, from 1 */
    AX_STRESS_CHOSEN   /**< operation->choose returns it */
} ax_stress_source;

#define AX_STRESS_ARGUMENTS 3 /**< at most so many arguments of a declared operation */
#define AX_STRESS_ROUND 128   /**< at most so many calls on one object of a round, for models and objects that have room for some */

/** An operation that --mix can give a weight. All but these two fields are for declared programs. */
typedef struct ax_stress_operation {
    const char *name;
    uint32_t weight; /**< by default */
    ax_stress_source takes[AX_STRESS_ARGUMENTS];
    int64_t (*choose)(ax_stress_random *random); /**< for AX_STRESS_CHOSEN */
    /** What it does to the model's state, and the only result it may then have. */
    ax_stress_call *model;
    /** Instead of `model`, where several results are right: whether this one is, and what it then does to the state. */
    bool (*allows)(void *state, const int64_t *arguments, int64_t result);
} ax_stress_operation;

/** An option of the program's own: --name N, an exact integer, or --name alone for a flag. */
typedef struct ax_stress_option {
    const char *name;
    const char *about;
    bool flag;
    int64_t least, most, normal; /**< range and default; unused for a flag */
} ax_stress_option;

struct ax_stress_program {
    const char *noun;
    const char *about;      /**< one line for --help */
    const char *blind_spot; /**< what a run of this program can't show, beyond the harness's own sentence, or NULL */
    const char *built_with; /**< a second line for --version, or NULL */
    const ax_stress_impl *impls;
    size_t impl_count;
    const ax_stress_operation *operations; /**< NULL: no mix, every operation is alike */
    size_t operation_count;
    const ax_stress_option *options;
    size_t option_count;
    uint64_t iters;         /**< default for --iters */
    uint64_t keys;          /**< default for --keys; 0: the program has no keys */
    uint32_t observers;     /**< default for --observers */
    uint32_t batch;         /**< most operations per call of work; 0: 1024 */
    size_t tally_size;      /**< bytes of private tally per worker */
    size_t observer_tally_size;

    /** Refuses options that don't fit together: NULL, or the sentence of the usage error. May be NULL. */
    const char *(*check)(const ax_stress_run *run);
    /** Makes run->shared. NULL, or the sentence why it can't. */
    const char *(*setup)(ax_stress_run *run);
    /** The verdict and its sentence with the numbers. run->complete tells whether all operations were done. */
    ax_stress_verdict (*judge)(const ax_stress_run *run, char *sentence, size_t size);
    /** The record: fields of `setup`, of one worker, of `final`, and at top level. Each may be NULL. */
    void (*put_setup)(const ax_stress_run *run, ax_stress_out *out);
    void (*put_worker)(const ax_stress_run *run, uint32_t thread, ax_stress_out *out);
    void (*put_final)(const ax_stress_run *run, ax_stress_out *out);
    void (*put_more)(const ax_stress_run *run, ax_stress_out *out);
    void (*teardown)(ax_stress_run *run); /**< frees what setup made; may be NULL */

    const char *model;             /**< the sequential object of the history; NULL: this program writes none */
    const ax_stress_event *events; /**< its operations */
    size_t event_count;
    /** The fields of the history's `setup`: how the object began. May be NULL. */
    void (*put_model)(const ax_stress_run *run, ax_stress_out *out);
    /** With --history: last operations by the main thread, after all others have ended. May be NULL. */
    void (*finish)(ax_stress_worker *self);

    /** Of a declared program: bytes of the model's state, all of which count when two states are compared. 0, and no
     * operation has a model: what an object does that one thread uses is right. */
    size_t state_size;
    void (*start)(const ax_stress_run *run, void *state); /**< fills in the first state; NULL: it is all zeros */
    /** Operations with different numbers don't concern each other, and `state` is that of one number. May be NULL. */
    int64_t (*part)(uint32_t operation, const int64_t *arguments);
    /** What must be true of an object that nobody uses any more: NULL, or the sentence why it is not. May be NULL. */
    const char *(*invariant)(void *object);
};

/* ---- a declared program ----
 *
 * impl->create and impl->calls, program->operations with takes and a model, and nothing else is needed: no setup, judge,
 * put_ or events. Results are one number each; AX_STRESS_NONE is a result like any other ("nothing there").
 *
 * A round is a new object, two to four threads, and --ops operations of each (4 by default), chosen by --mix and the
 * operations' `takes`. Its threads begin together, at offsets that vary. The calls are stamped as in histories, and then an
 * order of all of them is searched that keeps each thread's own order, keeps apart what did not overlap, and in which every
 * result is what the model says. The search is exact: no such order is a violation. With more than four --threads there are
 * several teams, each with rounds of its own. A run of which no round had two threads at work at once is vacuous.
 *
 * What fails is shrunk: with fewer threads, fewer operations and smaller keys, each tried over and over, until nothing can be
 * left out. The smallest failing round is drawn, with the command that runs it again (--round). An implementation that crashes
 * is broken, too: the round in which it did is shrunk like one without an order.
 *
 * The calls, create, destroy and the model may allocate and block; a call that never returns is a hang, which is a verdict.
 * The calls on one object run at once with each other, all else alone with its object or state. What needs to know its
 * thread takes it from `enter`, and a variable of the thread. Between the beginning and the end of a round the harness orders
 * nothing but by its stamps, which ThreadSanitizer does not see.
 *
 * With --history there are no rounds: all threads use one object for --iters operations each and write them down as those of
 * program->model, whose operations have the names of program->operations, for axcheck to judge. */

/** Runs the program by its command line and returns the exit code. Call it once, from main. */
int ax_stress_main(int argc, char **argv, const ax_stress_program *program);

/* ---- fields of a record; key is NULL inside an array ---- */

void ax_stress_put_integer(ax_stress_out *out, const char *key, int64_t value);
/** An array of `count` integers. */
void ax_stress_put_integers(ax_stress_out *out, const char *key, const int64_t *values, uint64_t count);
void ax_stress_put_boolean(ax_stress_out *out, const char *key, bool value);
void ax_stress_put_string(ax_stress_out *out, const char *key, const char *value);
/** Unsigned 64 bits as a decimal string, for sums modulo 2^64. */
void ax_stress_put_modular(ax_stress_out *out, const char *key, uint64_t value);
void ax_stress_put_object(ax_stress_out *out, const char *key);
void ax_stress_put_array(ax_stress_out *out, const char *key);
void ax_stress_put_end(ax_stress_out *out); /**< ends the object or array begun last */

/* ---- sets of numbers, kept as a bitmap, written as runs (docs/record-format.md) ---- */

typedef struct ax_stress_set ax_stress_set;

/** An empty set of numbers below `capacity`; NULL when there is no memory. Not for use by two threads. */
ax_stress_set *ax_stress_set_create(uint64_t capacity);
void ax_stress_set_destroy(ax_stress_set *set);
void ax_stress_set_clear(ax_stress_set *set);
/** Adds a number below capacity; false: it was there. */
bool ax_stress_set_add(ax_stress_set *set, uint64_t number);
uint64_t ax_stress_set_size(const ax_stress_set *set);
void ax_stress_put_set(ax_stress_out *out, const char *key, const ax_stress_set *set);

/* ---- samples: what an observer saw, in order, thinned as they grow many ---- */

#define AX_STRESS_SAMPLES 1024

/** For an observer's tally. Zeroed memory is ready. */
typedef struct ax_stress_samples {
    uint64_t seen;        /**< values offered */
    uint32_t kept;        /**< of `value` */
    uint32_t every_;      /**< log2 of how many offered values there are to one kept */
    bool fell;            /**< two consecutive values fell; they are the last two kept */
    int64_t last_;
    int64_t value[AX_STRESS_SAMPLES];
} ax_stress_samples;

/** Offers a value. A fall is kept for evidence, and ends the collection. */
void ax_stress_sample(ax_stress_samples *samples, int64_t value);
void ax_stress_put_samples(ax_stress_out *out, const char *key, const ax_stress_samples *samples);

#ifdef __cplusplus
}
#endif
#endif

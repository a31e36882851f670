/* SPDX-License-Identifier: MIT */
/**
 * history.h: a history in memory: operations with the time at which each was invoked and answered, what
 * was asked and what came back. docs/history-format.md is the contract with whoever writes one.
 */
#ifndef AXCHECK_HISTORY_H
#define AXCHECK_HISTORY_H

#include "axcheck.h"

/* Two values that are no number; -(2^63 - 1) to 2^63 - 1 are. */
#define AXC_NONE INT64_MIN        /* nothing there, sold out, empty, nobody */
#define AXC_CLOSED (INT64_MIN + 1) /* refused because closed; a plain number elsewhere is larger */
#define AXC_PENDING UINT64_MAX    /* response of an operation that had not been answered */

enum { AXC_MAX_ARGS = 3, AXC_MAX_RESULTS = 1024, AXC_MAX_SETUP = 1024 };

struct axc_op {
    uint64_t invoked, responded; /* a precedes b when a.responded < b.invoked */
    uint64_t values;             /* where its arguments and then its results are in the pool */
    uint32_t order;              /* in which it was read */
    uint32_t process;
    uint16_t results;            /* how many were recorded; none: the caller did not look */
    uint8_t verb;                /* in the model's table */
    uint8_t args;
};

struct axc_model;

struct axc_history {
    const struct axc_model *model;
    int64_t initial;            /* setup of the models that have it */
    int64_t capacity;           /* -1: without bound */
    int64_t *balances;
    size_t accounts;
    uint64_t skew;              /* clocks of two processes may differ by this much */
    char origin[AXC_TEXT];      /* where it comes from, for people */
    struct axc_op *ops;         /* each process's in its own order */
    size_t count, room;
    int64_t *pool;
    size_t pool_count, pool_room;
    struct axc_last *last;      /* by process: when its last operation was answered; a hash table */
    size_t processes, last_room, pending;
    size_t declared;            /* how many processes the writer has; 0: it did not say */
    bool touching;              /* a process's operation was invoked at the very time its last one was answered */
    bool ended;                 /* the writer said that this is all */
    bool partial;               /* an input that is still being written is welcome */
    const char *given;          /* NAME VALUE... of --setup, for forms that have no place for it; or NULL */
    struct axc_report *report;
};

/* With which recorded result an operation is known to have changed nothing. */
enum axc_idle { AXC_ACTS, AXC_IDLE_ON_ZERO, AXC_IDLE_ON_NONE, AXC_READS };

/* What one verb of a model takes and gives. */
struct axc_verb {
    const char *name;
    uint8_t args;
    uint16_t results; /* at most; AXC_MAX_RESULTS: one per account */
    enum axc_idle idle;
};

enum axc_step {
    AXC_LEGAL,
    AXC_ILLEGAL,   /* not with this result in this state, or not with this choice */
    AXC_NO_CHOICE, /* there are fewer choices than that */
};

/* A sequential object: the reference every history is compared with. */
struct axc_model {
    const char *name;
    const char *sentence;
    const struct axc_verb *verbs;
    size_t verb_count;
    bool keyed;        /* the first argument is a key; operations on different keys never meet */
    bool needs_capacity, may_have_capacity, has_initial, has_accounts;
    /* Why this operation can be of no history at all (a balance of no account, a result that is neither 0
     * nor 1), or NULL. */
    const char *(*refuse)(const struct axc_history *history, const struct axc_op *op, const int64_t *values);
    /* Words of the initial state. */
    size_t (*begin)(const struct axc_history *history, int64_t *state);
    size_t (*room)(const struct axc_history *history); /* most words `begin` writes */
    /* Applies the op to a state of `words` words. `choice` counts through what an operation without
     * recorded results may have done. Writes at most words + 1 words to next. */
    enum axc_step (*step)(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                          const int64_t *state, size_t words, size_t choice, int64_t *next, size_t *next_words);
};

const struct axc_model *axc_model_named(const char *name, size_t length);
/* The table of models, ended by NULL; for --help and the tests. */
extern const struct axc_model *const axc_models[];

static inline const int64_t *axc_values(const struct axc_history *history, const struct axc_op *op)
{
    return history->pool + op->values;
}

/* Whether the operation changed nothing, going by its verb and what was recorded of it. */
bool axc_changed_nothing(const struct axc_history *history, const struct axc_op *op);

/* Adds what one line or block says; `offset` is where it says so. False with the reason in the report: out
 * of memory, a model that does not know this, or an order in time that can't be. */
bool axc_history_setup(struct axc_history *history, uint64_t offset, const char *name, size_t length,
                       const int64_t *values, size_t count);
/* The setup that the command line gives, if it does. */
bool axc_history_given(struct axc_history *history);
bool axc_history_ready(struct axc_history *history, uint64_t offset); /* the header is complete: anything missing? */
bool axc_history_add(struct axc_history *history, uint64_t offset, const struct axc_op *op, const int64_t *values);
/* A block of the binary form: each process's are numbered from 0. */
bool axc_history_block(struct axc_history *history, uint64_t offset, uint32_t process, uint32_t number);
/* Of a history that is still being written, what is certain: up to the earliest of all processes' last answers. */
bool axc_history_cut(struct axc_history *history);
void axc_history_free(struct axc_history *history);

/* A verb of the model, or -1. */
int axc_verb_named(const struct axc_model *model, const char *name, size_t length);

#endif

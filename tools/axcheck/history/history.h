/* SPDX-License-Identifier: MIT */
/**
 * history.h: a history in memory: operations with the time at which each was invoked and answered, what
 * was asked and what came back. docs/history-format.md is the contract with whoever writes one.
 */
#ifndef AXCHECK_HISTORY_H
#define AXCHECK_HISTORY_H

#include "axcheck.h"
#include "keys.h"

/* Two values that are no number; -(2^63 - 2) to 2^63 - 1 are. */
#define AXC_NONE INT64_MIN        /* nothing there, sold out, empty, nobody */
#define AXC_CLOSED (INT64_MIN + 1) /* refused because closed */
#define AXC_PENDING UINT64_MAX    /* response of an operation that had not been answered */

enum { AXC_MAX_ARGS = 3, AXC_MAX_RESULTS = 1024, AXC_MAX_SETUP = 1024 };

struct axc_op {
    uint64_t invoked, responded; /* a precedes b when a.responded < b.invoked */
    uint64_t values;             /* where its arguments and then its results are in the pool */
    uint32_t order;              /* its number: by process, and then in the process's own order */
    uint32_t process;
    uint16_t results;            /* how many were recorded; none: the caller did not look */
    uint8_t verb;                /* in the model's table */
    uint8_t args;
};

/* One kind of operation as the binary form has them: one without its results is a kind of its own. */
struct axc_kind {
    uint8_t verb, args;
    int16_t results; /* -1: their number comes before them */
};

enum { AXC_MAX_KINDS = 64, AXC_MAX_VERBS = 8 };

struct axc_kinds {
    struct axc_kind of[AXC_MAX_KINDS];
    size_t count;
};

/* What is known of all a process's operations of one verb. */
struct axc_use {
    size_t count;
    size_t looked;       /* of these, with results */
    size_t blind;        /* of these, answered and without */
    int64_t least, most; /* of the first arguments, where there are any */
};

/* Some operations of one process, coded as in a block of the binary form. */
struct axc_span {
    const char *at;
    size_t length;
    uint32_t count;
    uint32_t first; /* the number of its first one among those of the process */
};

/* Where an operation on a key is. Small, as there is one for each; in the order of the lane. */
struct axc_place {
    uint64_t invoked;
    uint32_t at;     /* in its span */
    uint32_t before; /* the lane's operation before it on the same key, if there is one */
};

/* What one process did. Spans are in the input if that is binary; else there is one, here. */
struct axc_lane {
    uint32_t process;
    uint32_t first; /* number of its first operation */
    size_t count;
    struct axc_span *spans;
    size_t span_count, span_room;
    char *own;
    size_t own_room;
    uint64_t time;      /* the last one that was coded */
    uint64_t responded; /* when its last operation was answered */
    struct axc_keys keys; /* of its operations, where they have keys */
    struct axc_place *places; /* of these, in the history's */
    size_t width;       /* numbers in all its operations */
    bool keys_lost;     /* there was no memory for one */
    bool touching;      /* an operation was invoked at the very time the one before was answered */
    struct axc_use uses[AXC_MAX_VERBS];
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
    struct axc_kinds kinds;
    struct axc_lane *lanes;
    size_t processes, lane_room;
    uint32_t *lane_of;          /* by process: 1 + place in lanes; a hash table */
    size_t slots;
    struct axc_place *places;   /* of all lanes, where the model has keys */
    int64_t *pool;              /* values of operations that were taken out of their lanes */
    size_t count, pending;
    size_t declared;            /* how many processes the writer has; 0: it did not say */
    uint64_t until;             /* what was invoked at this time or later is left out */
    bool touching;              /* some lane is */
    bool counted;               /* the lanes know what they have of each verb and key */
    bool ended;                 /* the writer said that this is all */
    bool partial;               /* an input that is still being written is welcome */
    const char *given;          /* NAME VALUE... of --setup, for forms that have no place for it; or NULL */
    struct axc_report *report;
};

/* With which recorded result an operation is known to have changed nothing. Whatever a verb has here, its recorded result
 * decides whether it changes a state, the same in every state in which it fits: the search relies on that where it takes
 * what changes nothing at once, and tests/axcheck/agree.c tries it on every verb. */
enum axc_idle { AXC_ACTS, AXC_IDLE_ON_ZERO, AXC_IDLE_ON_NONE, AXC_IDLE_WHEN_REFUSED, AXC_READS }; /* refused: none or closed */

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

enum axc_effect { AXC_CANNOT, AXC_SAME, AXC_CHANGES };

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
    /* For objects on which a set of operations whose results are known leads to one state, in whatever order: the same
     * step in place, and back. `apply` leaves the state alone unless it says that it changes. Behind the state there is one
     * more word, 0 at first, for the object's own use. NULL: not such an object. */
    enum axc_effect (*apply)(const struct axc_history *history, const struct axc_op *op, const int64_t *values, int64_t *state, size_t words);
    void (*revert)(const struct axc_op *op, const int64_t *values, int64_t *state, size_t words);
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

/* Adds what one line says; `offset` is where it says so. False with the reason in the report: out of memory,
 * a model that does not know this, or an order in time that can't be. */
bool axc_history_setup(struct axc_history *history, uint64_t offset, const char *name, size_t length,
                       const int64_t *values, size_t count);
/* The setup that the command line gives, if it does. */
bool axc_history_given(struct axc_history *history);
bool axc_history_ready(struct axc_history *history, uint64_t offset); /* the header is complete: anything missing? */
bool axc_history_add(struct axc_history *history, uint64_t offset, const struct axc_op *op, const int64_t *values);
/* The lane of this process, a new one if need be; NULL without memory, with the report saying so. */
struct axc_lane *axc_history_lane(struct axc_history *history, uint32_t process);
/* Whether this can be the lane's next operation, which it then is: for readers that code nothing. The reason if not. */
bool axc_lane_check(const struct axc_history *history, struct axc_lane *lane, uint64_t offset, const struct axc_op *op,
                    const int64_t *values, struct axc_report *report);
/* What is found out about the lane's latest operation, which is at this place in its span. */
void axc_lane_count(const struct axc_history *history, struct axc_lane *lane, const struct axc_op *op, const int64_t *values, size_t at);
/* Room for the places of all that the lanes' spans can have; before anything is counted. */
bool axc_history_places(struct axc_history *history);
/* Everything is there: counts, and numbers the operations. Of a history that is still being written, keeps
 * what is certain: up to the earliest of all processes' last answers. */
bool axc_history_finish(struct axc_history *history);
/* Over all processes. */
struct axc_use axc_history_use(const struct axc_history *history, size_t verb);
void axc_history_free(struct axc_history *history);
bool axc_history_no_memory(const struct axc_history *history); /* false, with the report saying so */

/* A verb of the model, or -1. */
int axc_verb_named(const struct axc_model *model, const char *name, size_t length);

#endif

/* SPDX-License-Identifier: MIT */
/* models.c: the table of sequential objects, and those of one word: counter, register, map, set, mutex. */
#include <string.h>

#include "model.h"

const struct axc_model *const axc_models[] = {
    &axc_counter, &axc_register, &axc_map, &axc_set, &axc_tickets, &axc_accounts, &axc_queue, &axc_mutex, NULL,
};

const struct axc_model *axc_model_named(const char *name, size_t length)
{
    for (const struct axc_model *const *model = axc_models; *model != NULL; model++)
        if (strlen((*model)->name) == length && memcmp((*model)->name, name, length) == 0)
            return *model;
    return NULL;
}

size_t axc_one_word(const struct axc_history *history)
{
    (void)history;
    return 1;
}

static const char *refuse_flag(const struct axc_op *op, const int64_t *values)
{
    if (op->results != 0 && values[op->args] != 0 && values[op->args] != 1)
        return "the result is neither 0 nor 1";
    return NULL;
}

/* counter and register: the same machine, a word */

static const struct axc_verb word_verbs[] = {
    [WORD_READ] = {"read", 0, 1, AXC_READS},          [WORD_WRITE] = {"write", 1, 0, AXC_ACTS},
    [WORD_ADD] = {"add", 1, 1, AXC_ACTS},           [WORD_ADD_CHECKED] = {"add_checked", 1, 1, AXC_IDLE_ON_NONE},
    [WORD_EXCHANGE] = {"exchange", 1, 1, AXC_ACTS}, [WORD_CAS] = {"cas", 2, 1, AXC_IDLE_ON_ZERO},
    [WORD_RAISE] = {"raise", 1, 1, AXC_ACTS},       [WORD_LOWER] = {"lower", 1, 1, AXC_ACTS},
};

static const char *word_refuse(const struct axc_history *history, const struct axc_op *op, const int64_t *values)
{
    (void)history;
    for (size_t i = 0; i < op->args; i++)
        if (!axc_is_number(values[i]))
            return "an argument is no number";
    return op->verb == WORD_CAS ? refuse_flag(op, values) : NULL;
}

static size_t word_begin(const struct axc_history *history, int64_t *state)
{
    state[0] = history->initial;
    return 1;
}

static enum axc_step word_step(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                               const int64_t *state, size_t words, size_t choice, int64_t *next, size_t *next_words)
{
    (void)history;
    (void)words;
    if (choice > 0)
        return AXC_NO_CHOICE;
    int64_t now = state[0], after;
    *next_words = 1;
    next[0] = now;
    switch (op->verb) {
    case WORD_READ:
        return axc_legal_if(axc_result_is(op, values, now));
    case WORD_WRITE:
        next[0] = values[0];
        return AXC_LEGAL;
    case WORD_ADD:
        (void)__builtin_add_overflow(now, values[0], &next[0]); /* wraps, as the word does */
        return axc_legal_if(axc_result_is(op, values, now));
    case WORD_ADD_CHECKED:
        if (!axc_is_number(now) || __builtin_add_overflow(now, values[0], &after))
            return axc_legal_if(axc_result_is(op, values, AXC_NONE));
        next[0] = after;
        return axc_legal_if(axc_result_is(op, values, now));
    case WORD_EXCHANGE:
        next[0] = values[0];
        return axc_legal_if(axc_result_is(op, values, now));
    case WORD_CAS:
        if (now == values[0])
            next[0] = values[1];
        return axc_legal_if(axc_result_is(op, values, now == values[0]));
    case WORD_RAISE:
        if (values[0] > now)
            next[0] = values[0];
        return axc_legal_if(axc_result_is(op, values, now));
    case WORD_LOWER:
        if (values[0] < now)
            next[0] = values[0];
        return axc_legal_if(axc_result_is(op, values, now));
    default:
        return AXC_ILLEGAL;
    }
}

enum { WORD_VERBS = sizeof word_verbs / sizeof word_verbs[0] };

const struct axc_model axc_counter = {
    .name = "counter", .sentence = "a 64-bit word that is mostly added to", .verbs = word_verbs, .verb_count = WORD_VERBS,
    .has_initial = true, .refuse = word_refuse, .begin = word_begin, .room = axc_one_word, .step = word_step,
};

const struct axc_model axc_register = {
    .name = "register", .sentence = "a 64-bit word that is mostly written", .verbs = word_verbs, .verb_count = WORD_VERBS,
    .has_initial = true, .refuse = word_refuse, .begin = word_begin, .room = axc_one_word, .step = word_step,
};

/* map: one word per key, AXC_NONE where there is nothing */

static const struct axc_verb map_verbs[] = {
    [MAP_GET] = {"get", 1, 1, AXC_READS},       [MAP_PUT] = {"put", 2, 1, AXC_ACTS},  [MAP_INSERT] = {"insert", 2, 1, AXC_IDLE_ON_ZERO},
    [MAP_REMOVE] = {"remove", 1, 1, AXC_IDLE_ON_NONE}, [MAP_CAS] = {"cas", 3, 1, AXC_IDLE_ON_ZERO},
    [MAP_ADD] = {"add", 2, 1, AXC_ACTS},        [MAP_UPDATE] = {"update", 2, 1, AXC_IDLE_ON_ZERO},
};

static const char *map_refuse(const struct axc_history *history, const struct axc_op *op, const int64_t *values)
{
    (void)history;
    for (size_t i = 0; i < op->args; i++)
        if (!axc_is_number(values[i]))
            return "a key or value is no number";
    return op->verb == MAP_INSERT || op->verb == MAP_CAS || op->verb == MAP_UPDATE ? refuse_flag(op, values) : NULL;
}

static size_t map_begin(const struct axc_history *history, int64_t *state)
{
    (void)history;
    state[0] = AXC_NONE;
    return 1;
}

static enum axc_step map_step(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                              const int64_t *state, size_t words, size_t choice, int64_t *next, size_t *next_words)
{
    (void)history;
    (void)words;
    if (choice > 0)
        return AXC_NO_CHOICE;
    int64_t now = state[0];
    *next_words = 1;
    next[0] = now;
    switch (op->verb) {
    case MAP_GET:
        return axc_legal_if(axc_result_is(op, values, now));
    case MAP_PUT:
        next[0] = values[1];
        return axc_legal_if(axc_result_is(op, values, now));
    case MAP_INSERT:
        if (now == AXC_NONE)
            next[0] = values[1];
        return axc_legal_if(axc_result_is(op, values, now == AXC_NONE));
    case MAP_REMOVE:
        next[0] = AXC_NONE;
        return axc_legal_if(axc_result_is(op, values, now));
    case MAP_CAS:
        if (now == values[1])
            next[0] = values[2];
        return axc_legal_if(axc_result_is(op, values, now == values[1]));
    case MAP_ADD:
        (void)__builtin_add_overflow(now == AXC_NONE ? 0 : now, values[1], &next[0]); /* wraps, as counter's does */
        return axc_legal_if(axc_result_is(op, values, now));
    case MAP_UPDATE:
        if (now != AXC_NONE)
            (void)__builtin_add_overflow(now, values[1], &next[0]);
        return axc_legal_if(axc_result_is(op, values, now != AXC_NONE));
    default:
        return AXC_ILLEGAL;
    }
}

const struct axc_model axc_map = {
    .name = "map", .sentence = "keys to values", .verbs = map_verbs, .verb_count = sizeof map_verbs / sizeof map_verbs[0],
    .keyed = true, .refuse = map_refuse, .begin = map_begin, .room = axc_one_word, .step = map_step,
};

/* set: one bit per key */

static const struct axc_verb set_verbs[] = {
    [SET_ADD] = {"add", 1, 1, AXC_IDLE_ON_ZERO}, [SET_REMOVE] = {"remove", 1, 1, AXC_IDLE_ON_ZERO}, [SET_CONTAINS] = {"contains", 1, 1, AXC_READS},
};

static const char *set_refuse(const struct axc_history *history, const struct axc_op *op, const int64_t *values)
{
    (void)history;
    return axc_is_number(values[0]) ? refuse_flag(op, values) : "an argument is no number";
}

static size_t set_begin(const struct axc_history *history, int64_t *state)
{
    (void)history;
    state[0] = 0;
    return 1;
}

static enum axc_step set_step(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                              const int64_t *state, size_t words, size_t choice, int64_t *next, size_t *next_words)
{
    (void)history;
    (void)words;
    if (choice > 0)
        return AXC_NO_CHOICE;
    bool there = state[0] != 0;
    *next_words = 1;
    next[0] = op->verb == SET_ADD ? 1 : op->verb == SET_REMOVE ? 0 : state[0];
    return axc_legal_if(axc_result_is(op, values, op->verb == SET_ADD ? !there : there));
}

const struct axc_model axc_set = {
    .name = "set", .sentence = "keys that are in or out", .verbs = set_verbs, .verb_count = sizeof set_verbs / sizeof set_verbs[0],
    .keyed = true, .refuse = set_refuse, .begin = set_begin, .room = axc_one_word, .step = set_step,
};

/* mutex: who holds it */

static const struct axc_verb mutex_verbs[] = {
    [MUTEX_LOCK] = {"lock", 0, 0, AXC_ACTS}, [MUTEX_TRYLOCK] = {"trylock", 0, 1, AXC_IDLE_ON_ZERO}, [MUTEX_UNLOCK] = {"unlock", 0, 0, AXC_ACTS},
};

static const char *mutex_refuse(const struct axc_history *history, const struct axc_op *op, const int64_t *values)
{
    (void)history;
    return refuse_flag(op, values);
}

static size_t mutex_begin(const struct axc_history *history, int64_t *state)
{
    (void)history;
    state[0] = AXC_NONE;
    return 1;
}

static enum axc_step mutex_step(const struct axc_history *history, const struct axc_op *op, const int64_t *values,
                                const int64_t *state, size_t words, size_t choice, int64_t *next, size_t *next_words)
{
    (void)history;
    (void)words;
    if (choice > 0)
        return AXC_NO_CHOICE;
    bool is_free = state[0] == AXC_NONE;
    *next_words = 1;
    next[0] = state[0];
    switch (op->verb) {
    case MUTEX_LOCK:
        next[0] = op->process;
        return axc_legal_if(is_free);
    case MUTEX_TRYLOCK:
        if (is_free)
            next[0] = op->process;
        return axc_legal_if(axc_result_is(op, values, is_free));
    default:
        next[0] = AXC_NONE;
        return axc_legal_if(state[0] == op->process);
    }
}

const struct axc_model axc_mutex = {
    .name = "mutex", .sentence = "a lock, unlocked by whoever locked it", .verbs = mutex_verbs,
    .verb_count = sizeof mutex_verbs / sizeof mutex_verbs[0],
    .refuse = mutex_refuse, .begin = mutex_begin, .room = axc_one_word, .step = mutex_step,
};

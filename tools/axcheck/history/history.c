/* SPDX-License-Identifier: MIT */
/* history.c: builds a history, whatever the form it is read from, and refuses what can't have happened. */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"

struct axc_last {
    uint64_t responded;
    uint32_t process, blocks;
    bool used, before; /* it had an operation */
};

static bool no_memory(struct axc_history *history)
{
    return axc_gave_up(history->report, "the history needs more than %zu MiB of memory (--memory)", axc_budget_limit() >> 20);
}

/* Room for one more: doubles, within the budget. */
static bool grow(struct axc_history *history, void **array, size_t *room, size_t wanted, size_t size)
{
    if (wanted <= *room)
        return true;
    size_t larger = *room < 512 ? 1024 : *room * 2;
    while (larger < wanted)
        larger *= 2;
    void *grown = axc_realloc(*array, larger * size);
    if (grown == NULL)
        return no_memory(history);
    *array = grown;
    *room = larger;
    return true;
}

static struct axc_last *find_last(struct axc_last *table, size_t room, uint32_t process)
{
    size_t at = (size_t)(process * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (room - 1);
    while (table[at].used && table[at].process != process)
        at = (at + 1) & (room - 1);
    return &table[at];
}

static struct axc_last *last_of(struct axc_history *history, uint32_t process)
{
    if ((history->processes + 1) * 2 > history->last_room) {
        size_t room = history->last_room == 0 ? 64 : history->last_room * 2;
        struct axc_last *table = axc_alloc(room * sizeof *table);
        if (table == NULL) {
            no_memory(history);
            return NULL;
        }
        memset(table, 0, room * sizeof *table);
        for (size_t i = 0; i < history->last_room; i++)
            if (history->last[i].used)
                *find_last(table, room, history->last[i].process) = history->last[i];
        axc_free(history->last);
        history->last = table;
        history->last_room = room;
    }
    struct axc_last *last = find_last(history->last, history->last_room, process);
    if (!last->used) {
        *last = (struct axc_last){.process = process, .used = true};
        history->processes++;
    }
    return last;
}

bool axc_changed_nothing(const struct axc_history *history, const struct axc_op *op)
{
    int64_t result = op->results > 0 ? axc_values(history, op)[op->args] : 0;
    switch (history->model->verbs[op->verb].idle) {
    case AXC_READS:
        return true;
    case AXC_IDLE_ON_ZERO:
        return op->results > 0 && result == 0;
    case AXC_IDLE_ON_NONE:
        return op->results > 0 && (result == AXC_NONE || result == AXC_CLOSED);
    default:
        return false;
    }
}

int axc_verb_named(const struct axc_model *model, const char *name, size_t length)
{
    for (size_t i = 0; i < model->verb_count; i++)
        if (strlen(model->verbs[i].name) == length && memcmp(model->verbs[i].name, name, length) == 0)
            return (int)i;
    return -1;
}

bool axc_history_setup(struct axc_history *history, uint64_t offset, const char *name, size_t length,
                       const int64_t *values, size_t count)
{
    const struct axc_model *model = history->model;
    if (model == NULL)
        return axc_corrupt(history->report, offset, "setup before model");
    bool single = count == 1 && values[0] != AXC_NONE;
    if (length == 7 && memcmp(name, "initial", 7) == 0 && model->has_initial && count == 1) {
        history->initial = values[0];
        return true;
    }
    if (length == 8 && memcmp(name, "capacity", 8) == 0 && model->may_have_capacity && single && values[0] >= 1 &&
        values[0] <= INT32_MAX) {
        history->capacity = values[0];
        return true;
    }
    if (length == 8 && memcmp(name, "balances", 8) == 0 && model->has_accounts && count >= 1 && count <= AXC_MAX_SETUP &&
        history->balances == NULL) {
        for (size_t i = 0; i < count; i++)
            if (values[i] < 0)
                return axc_corrupt(history->report, offset, "a balance below 0");
        history->balances = axc_alloc(count * sizeof *values);
        if (history->balances == NULL)
            return no_memory(history);
        memcpy(history->balances, values, count * sizeof *values);
        history->accounts = count;
        return true;
    }
    return axc_corrupt(history->report, offset, "no such setup for a %s: %.*s with %zu values", model->name,
                       (int)(length < 40 ? length : 40), name, count);
}

bool axc_history_given(struct axc_history *history)
{
    const char *at = history->given;
    if (at == NULL)
        return true;
    int64_t values[AXC_MAX_SETUP];
    size_t count = 0, length = strcspn(at, " ");
    for (const char *word = at + length; *word != '\0';) {
        char *end;
        errno = 0;
        bool none = strncmp(word, " none", 5) == 0;
        long long value = none ? 0 : strtoll(word + 1, &end, 10);
        if (!none && (end == word + 1 || errno != 0 || value <= AXC_CLOSED))
            return axc_corrupt(history->report, 0, "--setup '%s': not a name and numbers", at);
        word = none ? word + 5 : end;
        if (count == AXC_MAX_SETUP || (*word != ' ' && *word != '\0'))
            return axc_corrupt(history->report, 0, "--setup '%s': not a name and numbers", at);
        values[count++] = none ? AXC_NONE : value;
    }
    return axc_history_setup(history, 0, at, length, values, count);
}

bool axc_history_ready(struct axc_history *history, uint64_t offset)
{
    const struct axc_model *model = history->model;
    if (model == NULL)
        return axc_corrupt(history->report, offset, "the history does not name its model");
    if (model->needs_capacity && history->capacity < 0)
        return axc_corrupt(history->report, offset, "%s need a capacity", model->name);
    if (model->has_accounts && history->accounts == 0)
        return axc_corrupt(history->report, offset, "accounts need balances");
    return true;
}

bool axc_history_add(struct axc_history *history, uint64_t offset, const struct axc_op *op, const int64_t *values)
{
    const char *refused = history->model->refuse(history, op, values);
    if (refused != NULL)
        return axc_corrupt(history->report, offset, "%s: %s", history->model->verbs[op->verb].name, refused);
    if (history->count == UINT32_MAX - 1)
        return axc_gave_up(history->report, "more than 2^32 operations");
    if (op->responded < op->invoked)
        return axc_corrupt(history->report, offset, "answered at %" PRIu64 ", before it was invoked at %" PRIu64,
                           op->responded, op->invoked);
    if (op->responded == AXC_PENDING && op->results > 0)
        return axc_corrupt(history->report, offset, "a result of an operation that was never answered");
    struct axc_last *last = last_of(history, op->process);
    if (last == NULL)
        return false;
    if (op->invoked < last->responded)
        return axc_corrupt(history->report, offset, "process %" PRIu32 " invoked it at %" PRIu64 " while its last one %s",
                           op->process, op->invoked, last->responded == AXC_PENDING ? "is unanswered" : "was running");
    history->touching |= last->before && op->invoked == last->responded;
    last->responded = op->responded;
    last->before = true;
    void *ops = history->ops, *pool = history->pool;
    size_t width = (size_t)op->args + op->results;
    if (!grow(history, &ops, &history->room, history->count + 1, sizeof *op))
        return false;
    history->ops = ops;
    if (!grow(history, &pool, &history->pool_room, history->pool_count + width + 1, sizeof *values))
        return false;
    history->pool = pool;
    struct axc_op *added = &history->ops[history->count++];
    *added = *op;
    added->values = history->pool_count;
    added->order = (uint32_t)(history->count - 1);
    if (width > 0)
        memcpy(history->pool + history->pool_count, values, width * sizeof *values);
    history->pool_count += width;
    history->pending += op->responded == AXC_PENDING ? 1 : 0;
    return true;
}

bool axc_history_block(struct axc_history *history, uint64_t offset, uint32_t process, uint32_t number)
{
    struct axc_last *last = last_of(history, process);
    if (last == NULL)
        return false;
    if (last->blocks != number)
        return axc_corrupt(history->report, offset, "block %" PRIu32 " of process %" PRIu32 " where its block %" PRIu32 " is expected",
                           number, process, last->blocks);
    last->blocks++;
    return true;
}

bool axc_history_cut(struct axc_history *history)
{
    uint64_t known = AXC_PENDING; /* all that was invoked before is here */
    for (size_t i = 0; i < history->last_room; i++)
        if (history->last[i].used && history->last[i].responded < known)
            known = history->last[i].responded;
    if (history->declared == 0 || history->processes < history->declared)
        return axc_gave_up(history->report, "blocks of %zu of %zu processes so far", history->processes, history->declared);
    size_t kept = 0;
    history->pending = 0;
    for (size_t i = 0; i < history->count; i++) {
        struct axc_op op = history->ops[i];
        if (op.invoked >= known)
            continue;
        /* What is not here may have had a part in what was answered later, by whichever clock. */
        if (op.responded != AXC_PENDING && op.responded + 2 * history->skew >= known) {
            op.responded = AXC_PENDING;
            op.results = 0;
        }
        history->pending += op.responded == AXC_PENDING ? 1 : 0;
        history->ops[kept++] = op;
    }
    history->count = kept;
    return true;
}

void axc_history_free(struct axc_history *history)
{
    axc_free(history->ops);
    axc_free(history->pool);
    axc_free(history->balances);
    axc_free(history->last);
}

/* SPDX-License-Identifier: MIT */
/* history.c: builds a history, whatever the form it is read from, and refuses what can't have happened. */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "lane.h"

bool axc_history_no_memory(const struct axc_history *history)
{
    return axc_gave_up(history->report, "the history needs more than %zu MiB of memory (--memory)", axc_budget_limit() >> 20);
}

static uint32_t *find_slot(const struct axc_history *history, uint32_t *table, size_t slots, uint32_t process)
{
    size_t at = axc_hash(0, process) & (slots - 1);
    while (table[at] != 0 && history->lanes[table[at] - 1].process != process)
        at = (at + 1) & (slots - 1);
    return &table[at];
}

static bool grow_lanes(struct axc_history *history)
{
    size_t room = history->lane_room == 0 ? 16 : history->lane_room * 2, slots = room * 2;
    struct axc_lane *lanes = axc_realloc(history->lanes, room * sizeof *lanes);
    if (lanes == NULL)
        return axc_history_no_memory(history);
    history->lanes = lanes;
    uint32_t *table = axc_zeroed(slots, sizeof *table);
    if (table == NULL)
        return axc_history_no_memory(history);
    for (size_t i = 0; i < history->processes; i++)
        *find_slot(history, table, slots, lanes[i].process) = (uint32_t)i + 1;
    axc_free(history->lane_of);
    history->lane_of = table;
    history->slots = slots;
    history->lane_room = room;
    return true;
}

struct axc_lane *axc_history_lane(struct axc_history *history, uint32_t process)
{
    if (history->processes == history->lane_room && !grow_lanes(history))
        return NULL;
    uint32_t *slot = find_slot(history, history->lane_of, history->slots, process);
    if (*slot == 0) {
        history->lanes[history->processes] = (struct axc_lane){.process = process};
        *slot = (uint32_t)++history->processes;
    }
    return &history->lanes[*slot - 1];
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
        return op->results > 0 && result == AXC_NONE;
    case AXC_IDLE_WHEN_REFUSED:
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
            return axc_history_no_memory(history);
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

static void count_use(struct axc_use *use, const struct axc_op *op, const int64_t *values)
{
    use->looked += op->results > 0 ? 1 : 0;
    use->blind += op->results == 0 && op->responded != AXC_PENDING ? 1 : 0;
    if (op->args > 0) {
        use->least = use->count == 0 || values[0] < use->least ? values[0] : use->least;
        use->most = use->count == 0 || values[0] > use->most ? values[0] : use->most;
    }
    use->count++;
}

void axc_lane_count(const struct axc_history *history, struct axc_lane *lane, const struct axc_op *op, const int64_t *values, size_t at)
{
    size_t width = (size_t)op->args + op->results;
    count_use(&lane->uses[op->verb], op, values);
    lane->width += width;
    if (!history->model->keyed)
        return;
    uint32_t number = (uint32_t)lane->count - 1, before = number;
    if (axc_keys_count(&lane->keys, values[0], width, &before))
        lane->places[number] = (struct axc_place){.invoked = op->invoked, .at = (uint32_t)at, .before = before};
    else
        lane->keys_lost = true;
}

bool axc_lane_check(const struct axc_history *history, struct axc_lane *lane, uint64_t offset, const struct axc_op *op,
                    const int64_t *values, struct axc_report *report)
{
    const char *refused = history->model->refuse(history, op, values);
    if (refused != NULL)
        return axc_corrupt(report, offset, "%s: %s", history->model->verbs[op->verb].name, refused);
    if (op->responded < op->invoked)
        return axc_corrupt(report, offset, "answered at %" PRIu64 ", before it was invoked at %" PRIu64, op->responded, op->invoked);
    if (op->responded == AXC_PENDING && op->results > 0)
        return axc_corrupt(report, offset, "a result of an operation that was never answered");
    if (op->invoked < lane->responded)
        return axc_corrupt(report, offset, "process %" PRIu32 " invoked it at %" PRIu64 " while its last one %s", op->process, op->invoked,
                           lane->responded == AXC_PENDING ? "is unanswered" : "was running");
    lane->touching |= lane->count > 0 && op->invoked == lane->responded;
    lane->responded = op->responded;
    lane->count++;
    return true;
}

/* Room for another operation in the lane's own span. */
static bool reserve(struct axc_history *history, struct axc_lane *lane, size_t more)
{
    if (lane->spans == NULL) {
        lane->spans = axc_zeroed(1, sizeof *lane->spans);
        if (lane->spans == NULL)
            return axc_history_no_memory(history);
        lane->span_count = 1;
    }
    size_t used = lane->spans[0].length;
    if (used + more > UINT32_MAX)
        return axc_gave_up(history->report, "more than 4 GiB of process %" PRIu32, lane->process);
    if (used + more > lane->own_room) {
        size_t room = (used + more) * 3 / 2 + 64;
        char *grown = axc_realloc(lane->own, room);
        if (grown == NULL)
            return axc_history_no_memory(history);
        lane->own = grown;
        lane->own_room = room;
        lane->spans[0].at = grown;
    }
    return true;
}

static const char too_many[] = "more than 2^32 operations";

bool axc_history_add(struct axc_history *history, uint64_t offset, const struct axc_op *op, const int64_t *values)
{
    if (history->kinds.count == 0)
        axc_kinds_of(history->model, &history->kinds);
    struct axc_lane *lane = axc_history_lane(history, op->process);
    if (lane == NULL || !axc_lane_check(history, lane, offset, op, values, history->report) ||
        !reserve(history, lane, axc_op_room(op)))
        return false;
    if (++history->count == UINT32_MAX)
        return axc_gave_up(history->report, too_many);
    struct axc_span *span = &lane->spans[0];
    span->length += axc_encode_op(lane->own + span->length, &history->kinds, op, values, &lane->time);
    span->count++;
    return true;
}

/* The moment up to which everything is here. */
static bool cut(struct axc_history *history)
{
    for (size_t i = 0; i < history->processes; i++)
        if (history->lanes[i].responded < history->until)
            history->until = history->lanes[i].responded;
    return (history->declared > 0 && history->processes >= history->declared) ||
           axc_gave_up(history->report, "blocks of %zu of %zu processes so far", history->processes, history->declared);
}

/* What there is in a lane, up to that moment. */
static bool count_lane(struct axc_history *history, struct axc_lane *lane)
{
    int64_t *values = axc_alloc(AXC_MAX_VALUES * sizeof *values);
    if (values == NULL)
        return axc_history_no_memory(history);
    struct axc_cursor cursor;
    struct axc_op op;
    lane->count = lane->width = 0;
    memset(lane->uses, 0, sizeof lane->uses);
    axc_keys_free(&lane->keys);
    axc_cursor_begin(&cursor, history, lane);
    for (const char *at; (at = axc_cursor_at(&cursor)) != NULL && axc_cursor_next(&cursor, &op, values);) {
        lane->count++;
        axc_lane_count(history, lane, &op, values, (size_t)(at - axc_cursor_span(&cursor)->at));
        history->pending += op.responded == AXC_PENDING ? 1 : 0;
    }
    axc_free(values);
    return true;
}

bool axc_history_places(struct axc_history *history)
{
    enum { LEAST = 3 }; /* bytes of an operation with a key: what it is, when, and the key */
    size_t room = 0;
    if (!history->model->keyed || history->places != NULL)
        return true;
    for (int laid_out = 0; laid_out < 2; laid_out++) {
        room = 0;
        for (size_t i = 0; i < history->processes; i++) {
            struct axc_lane *lane = &history->lanes[i];
            lane->places = laid_out ? history->places + room : NULL;
            for (size_t j = 0; j < lane->span_count; j++)
                room += lane->spans[j].count < lane->spans[j].length / LEAST ? lane->spans[j].count : lane->spans[j].length / LEAST;
        }
        if (!laid_out && (history->places = axc_alloc((room + 1) * sizeof *history->places)) == NULL)
            return axc_history_no_memory(history);
    }
    return true;
}

bool axc_history_finish(struct axc_history *history)
{
    bool counted = history->counted && history->ended;
    history->until = AXC_PENDING;
    if ((!history->ended && !cut(history)) || !axc_history_places(history))
        return false;
    history->count = history->pending = 0;
    for (size_t i = 0; i < history->processes; i++) {
        struct axc_lane *lane = &history->lanes[i];
        lane->first = (uint32_t)history->count;
        if (!counted && !count_lane(history, lane))
            return false;
        history->pending += counted && lane->count > 0 && lane->responded == AXC_PENDING ? 1 : 0;
        history->count += lane->count;
        if (lane->keys_lost)
            return axc_history_no_memory(history);
        history->touching |= lane->touching;
        if (history->count >= UINT32_MAX)
            return axc_gave_up(history->report, too_many);
    }
    return true;
}

struct axc_use axc_history_use(const struct axc_history *history, size_t verb)
{
    struct axc_use all = {0};
    for (size_t i = 0; i < history->processes; i++) {
        const struct axc_use *use = &history->lanes[i].uses[verb];
        if (use->count == 0)
            continue;
        all.least = all.count == 0 || use->least < all.least ? use->least : all.least;
        all.most = all.count == 0 || use->most > all.most ? use->most : all.most;
        all.count += use->count;
        all.looked += use->looked;
        all.blind += use->blind;
    }
    return all;
}

void axc_history_free(struct axc_history *history)
{
    for (size_t i = 0; i < history->processes; i++) {
        axc_free(history->lanes[i].spans);
        axc_free(history->lanes[i].own);
        axc_keys_free(&history->lanes[i].keys);
    }
    axc_free(history->lanes);
    axc_free(history->lane_of);
    axc_free(history->places);
    axc_free(history->pool);
    axc_free(history->balances);
}

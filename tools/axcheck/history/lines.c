/* SPDX-License-Identifier: MIT */
/* lines.c: a history as JSON lines, for those who have a JSON writer at hand and nothing else. */
#include <inttypes.h>
#include <string.h>

#include "../budget.h"
#include "description.h"
#include "forms.h"
#include "lane.h"

static bool get_time(json_t *json, uint64_t *out)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0)
        return false;
    *out = (uint64_t)json_integer_value(json);
    return true;
}

static bool get_values(json_t *array, size_t most, int64_t *values, size_t *count)
{
    *count = json_array_size(array);
    if (*count > most || (array != NULL && !json_is_array(array)))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (!axc_json_to_value(json_array_get(array, i), &values[i]))
            return false;
    return true;
}

static bool read_op(struct axc_history *history, json_t *line, uint64_t offset)
{
    struct axc_report *report = history->report;
    struct axc_op op = {.responded = AXC_PENDING};
    uint64_t process;
    json_t *answered = json_object_get(line, "answered"), *results = json_object_get(line, "results");
    const char *name = json_string_value(json_object_get(line, "op"));
    if (!get_time(json_object_get(line, "process"), &process) || process > UINT32_MAX)
        return axc_corrupt(report, offset, "process is no number of a process");
    if (!get_time(json_object_get(line, "invoked"), &op.invoked))
        return axc_corrupt(report, offset, "invoked is no time");
    if (answered != NULL && !json_is_null(answered) && !get_time(answered, &op.responded))
        return axc_corrupt(report, offset, "answered is neither a time nor null");
    int verb = name != NULL ? axc_verb_named(history->model, name, strlen(name)) : -1;
    if (verb < 0)
        return axc_corrupt(report, offset, "a %s has no operation '%.40s'", history->model->name, name != NULL ? name : "");
    const struct axc_verb *known = &history->model->verbs[verb];
    int64_t values[AXC_MAX_ARGS + AXC_MAX_RESULTS];
    size_t args, count = 0;
    if (!get_values(json_object_get(line, "args"), AXC_MAX_ARGS, values, &args) || args != known->args)
        return axc_corrupt(report, offset, "%s has %d arguments", known->name, known->args);
    if (!get_values(results, known->results, values + args, &count) || (results != NULL && count == 0 && known->results > 0))
        return axc_corrupt(report, offset, "%s has up to %d results", known->name, known->results);
    op.process = (uint32_t)process;
    op.verb = (uint8_t)verb;
    op.args = known->args;
    op.results = (uint16_t)count;
    return axc_history_add(history, offset, &op, values);
}

static bool read_line(struct axc_history *history, const char *text, size_t length, uint64_t offset)
{
    json_error_t error;
    axc_budget_clear();
    json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (line == NULL && axc_budget_exhausted())
        return axc_gave_up(history->report, "the history needs more than %zu MiB of memory (--memory)", axc_budget_limit() >> 20);
    if (line == NULL)
        return axc_corrupt(history->report, offset + (error.position > 0 ? (uint64_t)error.position : 0), "%s", error.text);
    json_t *end = json_object_get(line, "end");
    bool fine = true;
    if (end == NULL)
        fine = read_op(history, line, offset);
    else if (!json_is_integer(end) || json_integer_value(end) < 0 || (uint64_t)json_integer_value(end) != history->count)
        fine = axc_corrupt(history->report, offset, "%zu operations, but the end says something else", history->count);
    else
        history->ended = true;
    json_decref(line);
    return fine;
}

/* What it says of its operations belongs to the binary form: here they have their names. */
static bool read_first(struct axc_history *history, const char *text, size_t length)
{
    bool fine = axc_read_description(history, text, length, 0);
    history->kinds.count = 0;
    return fine;
}

bool axc_read_lines(struct axc_history *history, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    for (const char *next = bytes; next < end;) {
        const char *line = next, *stop = memchr(line, '\n', (size_t)(end - line));
        uint64_t offset = (uint64_t)(line - bytes);
        if (stop == NULL)
            return axc_corrupt(history->report, length, "truncated: the last line has no end");
        next = stop + 1;
        if (line == bytes ? !read_first(history, line, (size_t)(stop - line))
            : history->ended ? !axc_corrupt(history->report, offset, "more after the end")
                             : !read_line(history, line, (size_t)(stop - line), offset))
            return false;
    }
    return history->ended || axc_corrupt(history->report, length, "truncated: the line {\"end\":COUNT} is missing");
}

static bool write_op(const struct axc_history *history, const struct axc_op *op, const int64_t *values, FILE *out)
{
    json_t *args = json_array(), *results = json_array();
    for (size_t i = 0; i < op->args; i++)
        json_array_append_new(args, axc_value_to_json(values[i]));
    for (size_t i = 0; i < op->results; i++)
        json_array_append_new(results, axc_value_to_json(values[op->args + i]));
    json_t *line = json_pack("{sIsIsosssoso*}", "process", (json_int_t)op->process, "invoked", (json_int_t)op->invoked, "answered",
                             op->responded == AXC_PENDING ? json_null() : json_integer((json_int_t)op->responded), "op",
                             history->model->verbs[op->verb].name, "args", args, "results", op->results > 0 ? results : NULL);
    if (op->results == 0)
        json_decref(results);
    bool fine = line != NULL && json_dumpf(line, out, JSON_COMPACT) == 0;
    fputc('\n', out);
    json_decref(line);
    return fine;
}

bool axc_write_lines(const struct axc_history *history, FILE *out)
{
    json_t *root = axc_write_description(history);
    bool fine = root != NULL && json_object_del(root, "operations") == 0 && json_dumpf(root, out, JSON_COMPACT) == 0;
    json_decref(root);
    fputc('\n', out);
    for (size_t i = 0; fine && i < history->processes; i++) {
        struct axc_cursor cursor;
        struct axc_op op;
        int64_t values[AXC_MAX_VALUES];
        axc_cursor_begin(&cursor, history, &history->lanes[i]);
        while (fine && axc_cursor_next(&cursor, &op, values))
            fine = write_op(history, &op, values, out);
    }
    fprintf(out, "{\"end\":%zu}\n", history->count);
    return fine;
}

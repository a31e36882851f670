/* SPDX-License-Identifier: MIT */
/* text.c: the line-oriented form of a history, for people and for small tools. */
#include <inttypes.h>
#include <string.h>

#include "forms.h"
#include "lane.h"

/* One line, taken apart from left to right. */
struct line {
    struct axc_history *history;
    const char *begin; /* of the whole input */
    const char *at, *end;
};

static uint64_t offset_of(const struct line *line, const char *at)
{
    return (uint64_t)(at - line->begin);
}

static bool wrong(const struct line *line, const char *at, const char *what)
{
    return axc_corrupt(line->history->report, offset_of(line, at), "%s", what);
}

/* The next word, up to a space or the end. Exactly one space stands between words. */
static bool word(struct line *line, const char **out, size_t *length)
{
    const char *at = line->at;
    while (line->at < line->end && *line->at != ' ')
        line->at++;
    *out = at;
    *length = (size_t)(line->at - at);
    if (*length == 0)
        return wrong(line, at, "a word is missing");
    if (line->at < line->end && ++line->at == line->end)
        return wrong(line, line->at, "a space at the end of the line");
    return true;
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool unsigned_number(struct line *line, uint64_t most, uint64_t *out)
{
    const char *text;
    size_t length;
    if (!word(line, &text, &length))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return wrong(line, text, "not a number that is expected here");
    if (value > most || (length > 1 && text[0] == '0'))
        return wrong(line, text, "not a number that is expected here");
    *out = value;
    return true;
}

static bool value(struct line *line, int64_t *out)
{
    const char *text = line->at;
    size_t length = 0;
    while (text + length < line->end && text[length] != ' ')
        length++;
    if (is_word(text, length, "none") || is_word(text, length, "closed")) {
        *out = text[0] == 'n' ? AXC_NONE : AXC_CLOSED;
        return word(line, &text, &length);
    }
    bool negative = line->at < line->end && *line->at == '-';
    line->at += negative ? 1 : 0;
    uint64_t magnitude;
    if (!unsigned_number(line, (uint64_t)INT64_MAX - (negative ? 1 : 0), &magnitude))
        return false;
    *out = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static bool setup(struct line *line)
{
    const char *name;
    size_t length, count = 0;
    int64_t values[AXC_MAX_SETUP];
    if (!word(line, &name, &length))
        return false;
    while (line->at < line->end) {
        if (count == AXC_MAX_SETUP)
            return wrong(line, line->at, "too many values");
        if (!value(line, &values[count++]))
            return false;
    }
    return axc_history_setup(line->history, offset_of(line, name), name, length, values, count);
}

/* PROCESS INVOKED RESPONDED|- VERB ARGUMENT... [-> RESULT...] */
static bool operation(struct line *line)
{
    struct axc_history *history = line->history;
    const char *start = line->at, *text;
    size_t length;
    uint64_t process, invoked, responded = AXC_PENDING;
    if (!unsigned_number(line, UINT32_MAX, &process) || !unsigned_number(line, INT64_MAX, &invoked))
        return false;
    if (line->at < line->end && *line->at == '-') {
        if (!word(line, &text, &length))
            return false;
        if (length != 1)
            return wrong(line, text, "neither a response time nor '-'");
    } else if (!unsigned_number(line, INT64_MAX, &responded)) {
        return false;
    }
    if (!word(line, &text, &length))
        return false;
    int verb = axc_verb_named(history->model, text, length);
    if (verb < 0)
        return axc_corrupt(history->report, offset_of(line, text), "a %s has no operation '%.*s'", history->model->name,
                           (int)(length < 40 ? length : 40), text);
    const struct axc_verb *known = &history->model->verbs[verb];
    int64_t values[AXC_MAX_ARGS + AXC_MAX_RESULTS];
    size_t count = 0, results = 0;
    for (; count < known->args; count++)
        if (!value(line, &values[count]))
            return false;
    if (line->at < line->end) {
        if (!word(line, &text, &length))
            return false;
        if (!is_word(text, length, "->") || known->results == 0)
            return wrong(line, text, known->results == 0 ? "more than this operation takes" : "'->' is expected");
        do {
            if (results == known->results)
                return wrong(line, line->at, "more results than this operation has");
            if (!value(line, &values[count + results++]))
                return false;
        } while (line->at < line->end);
    }
    struct axc_op op = {.process = (uint32_t)process, .invoked = invoked, .responded = responded, .verb = (uint8_t)verb,
                        .args = known->args, .results = (uint16_t)results};
    return axc_history_add(history, offset_of(line, start), &op, values);
}

/* A line before the first operation. */
static bool header(struct line *line, bool *known)
{
    const char *name, *text;
    size_t length;
    uint64_t number;
    *known = true;
    const char *start = line->at;
    if (!word(line, &name, &length))
        return false;
    if (is_word(name, length, "model")) {
        if (!word(line, &text, &length))
            return false;
        if (line->history->model != NULL)
            return wrong(line, name, "a second model");
        line->history->model = axc_model_named(text, length);
        return line->history->model != NULL || wrong(line, text, "no such model");
    }
    if (is_word(name, length, "setup"))
        return setup(line);
    if (is_word(name, length, "skew")) {
        if (!unsigned_number(line, INT64_MAX, &number))
            return false;
        line->history->skew = number;
        return true;
    }
    if (is_word(name, length, "origin")) {
        size_t rest = (size_t)(line->end - line->at);
        rest = rest < sizeof line->history->origin - 1 ? rest : sizeof line->history->origin - 1;
        memcpy(line->history->origin, line->at, rest);
        line->at = line->end;
        return true;
    }
    line->at = start;
    *known = false;
    return true;
}

bool axc_read_text(struct axc_history *history, const char *bytes, size_t length)
{
    const char *end = bytes + length, *next = bytes;
    bool in_header = true;
    for (size_t number = 1; next < end; number++) {
        struct line line = {.history = history, .begin = bytes, .at = next};
        line.end = memchr(next, '\n', (size_t)(end - next));
        if (line.end == NULL)
            return axc_corrupt(history->report, length, "truncated: the last line has no end");
        next = line.end + 1;
        if (number == 1) {
            const char *text;
            size_t size;
            uint64_t version;
            if (!word(&line, &text, &size) || !unsigned_number(&line, UINT64_MAX, &version))
                return false;
            if (!is_word(text, size, "atomicx-history") || version != 1)
                return wrong(&line, bytes, "not version 1 of atomicx-history, the one this axcheck knows");
            if (line.at < line.end)
                return wrong(&line, line.at, "more than is expected on this line");
            continue;
        }
        if (line.at == line.end || *line.at == '#')
            continue;
        if (history->ended)
            return wrong(&line, line.at, "more after the end");
        bool known = false;
        if (in_header && !header(&line, &known))
            return false;
        if (!known) {
            if (in_header && !axc_history_ready(history, offset_of(&line, line.at)))
                return false;
            in_header = false;
            if (line.end - line.at > 4 && memcmp(line.at, "end ", 4) == 0) {
                const char *start = line.at;
                uint64_t count;
                line.at += 4;
                if (!unsigned_number(&line, UINT64_MAX, &count))
                    return false;
                if (count != history->count)
                    return axc_corrupt(history->report, offset_of(&line, start),
                                       "%zu operations, but the end says %" PRIu64, history->count, count);
                history->ended = true;
            } else if (!operation(&line)) {
                return false;
            }
        }
        if (line.at < line.end)
            return wrong(&line, line.at, "more than is expected on this line");
    }
    return history->ended || axc_corrupt(history->report, length, "truncated: the line 'end COUNT' is missing");
}

static void put_value(int64_t value, FILE *out)
{
    if (value == AXC_NONE || value == AXC_CLOSED)
        fputs(value == AXC_NONE ? " none" : " closed", out);
    else
        fprintf(out, " %" PRId64, value);
}

static void put_op(const struct axc_history *history, const struct axc_op *op, const int64_t *values, FILE *out)
{
    fprintf(out, "%" PRIu32 " %" PRIu64, op->process, op->invoked);
    if (op->responded == AXC_PENDING)
        fputs(" -", out);
    else
        fprintf(out, " %" PRIu64, op->responded);
    fprintf(out, " %s", history->model->verbs[op->verb].name);
    for (size_t i = 0; i < (size_t)op->args + op->results; i++) {
        fputs(i == op->args ? " ->" : "", out);
        put_value(values[i], out);
    }
    fputc('\n', out);
}

bool axc_write_text(const struct axc_history *history, FILE *out)
{
    const struct axc_model *model = history->model;
    fprintf(out, "atomicx-history 1\nmodel %s\n", model->name);
    if (model->has_initial) {
        fputs("setup initial", out);
        put_value(history->initial, out);
        fputc('\n', out);
    }
    if (history->capacity >= 0)
        fprintf(out, "setup capacity %" PRId64 "\n", history->capacity);
    if (history->accounts > 0)
        fputs("setup balances", out);
    for (size_t i = 0; i < history->accounts; i++)
        put_value(history->balances[i], out);
    fputs(history->accounts > 0 ? "\n" : "", out);
    if (history->skew > 0)
        fprintf(out, "skew %" PRIu64 "\n", history->skew);
    if (history->origin[0] != '\0')
        fprintf(out, "origin %s\n", history->origin);
    for (size_t i = 0; i < history->processes; i++) {
        struct axc_cursor cursor;
        struct axc_op op;
        int64_t values[AXC_MAX_VALUES];
        axc_cursor_begin(&cursor, history, &history->lanes[i]);
        while (axc_cursor_next(&cursor, &op, values))
            put_op(history, &op, values, out);
    }
    fprintf(out, "end %zu\n", history->count);
    return true;
}

/* SPDX-License-Identifier: MIT */
/**
 * edn.c: Jepsen's histories of registers, registers by key, and counters: one map per event,
 * {:process 0, :type :invoke, :f :cas, :value [1 2], ...}. The order of the events is the time.
 */
#include <string.h>

#include "../budget.h"
#include "forms.h"

enum { DEEPEST = 32, ITEMS = 2 };

struct form {
    enum { NIL, INTEGER, KEYWORD, VECTOR, OTHER } kind;
    int64_t number;
    const char *text; /* of a keyword, without the colon */
    size_t length;
    size_t count; /* of a vector: how many, of which the first two are kept */
    struct {
        bool nested, nil;
        int64_t numbers[ITEMS];
        size_t count;
    } items[ITEMS];
};

struct event {
    uint64_t offset;
    uint64_t invoked, answered; /* numbers of events; 0: not (yet) */
    uint32_t process;
    bool failed;
    struct form f, asked, got;
};

struct reader {
    struct axc_history *history;
    const char *begin, *at, *end;
    struct event *events;
    size_t count, room;
    uint32_t *open; /* hash table of processes to 1 + their latest event */
    size_t slots, used;
};

static bool wrong(const struct reader *r, const char *at, const char *what)
{
    return axc_corrupt(r->history->report, (uint64_t)(at - r->begin), "%s", what);
}

static bool no_memory(const struct reader *r)
{
    return axc_gave_up(r->history->report, "the history needs more than %zu MiB of memory (--memory)", axc_budget_limit() >> 20);
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (memchr(" \t\r\n,", *r->at, 5) != NULL || *r->at == ';'))
        if (*r->at++ == ';')
            while (r->at < r->end && *r->at != '\n')
                r->at++;
}

static bool is_delimiter(char c)
{
    return memchr(" \t\r\n,()[]{}\";", c, 13) != NULL;
}

/* Past one form of any kind. */
static bool skip_form(struct reader *r)
{
    unsigned depth = 0;
    do {
        skip_space(r);
        if (r->at == r->end)
            return wrong(r, r->end, "truncated inside a form");
        const char *start = r->at;
        char c = *r->at++;
        if (c == '"') {
            for (; r->at < r->end && *r->at != '"'; r->at++)
                r->at += *r->at == '\\' && r->at + 1 < r->end ? 1 : 0;
            if (r->at++ >= r->end)
                return wrong(r, r->at = r->end, "truncated inside a string");
        } else if (c == '{' || c == '[' || c == '(') {
            if (++depth > DEEPEST)
                return wrong(r, start, "nested too deeply");
        } else if (c == '}' || c == ']' || c == ')') {
            if (depth-- == 0)
                return wrong(r, start, "a bracket closes what was never opened");
        } else {
            while (r->at < r->end && !is_delimiter(*r->at))
                r->at++;
        }
        bool tag = c == '#'; /* belongs to the form that follows */
        if (depth == 0 && !tag)
            return true;
    } while (true);
}

static bool integer(struct reader *r, int64_t *out)
{
    const char *start = r->at;
    bool negative = *r->at == '-';
    uint64_t value = 0;
    r->at += negative ? 1 : 0;
    const char *digits = r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, (uint64_t)(*r->at - '0'), &value))
            return wrong(r, start, "a number of more than 63 bits");
    if (r->at == digits || value > INT64_MAX || (r->at < r->end && !is_delimiter(*r->at)))
        return wrong(r, start, "not an integer below 2^63");
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool is_integer(const struct reader *r)
{
    return (*r->at >= '0' && *r->at <= '9') || (*r->at == '-' && r->at + 1 < r->end && r->at[1] >= '0' && r->at[1] <= '9');
}

static bool is_nil(struct reader *r)
{
    bool nil = r->end - r->at >= 3 && memcmp(r->at, "nil", 3) == 0 && (r->end - r->at == 3 || is_delimiter(r->at[3]));
    r->at += nil ? 3 : 0;
    return nil;
}

/* [a b], [k v] or [k [a b]] of numbers and nil; anything else in it makes it OTHER. */
static bool vector(struct reader *r, struct form *out)
{
    const char *start = r->at++;
    out->kind = VECTOR;
    for (;;) {
        skip_space(r);
        if (r->at == r->end)
            return wrong(r, r->end, "truncated inside a vector");
        if (*r->at == ']') {
            r->at++;
            return true;
        }
        size_t i = out->count++;
        bool inner = *r->at == '[';
        if (i >= ITEMS || !(inner || is_integer(r) || *r->at == 'n')) {
            out->kind = OTHER;
            r->at = start;
            return skip_form(r);
        }
        out->items[i].nested = inner;
        out->items[i].nil = !inner && is_nil(r);
        if (!inner && !out->items[i].nil) {
            if (!is_integer(r) || !integer(r, &out->items[i].numbers[0]))
                return wrong(r, r->at, "neither a number nor nil");
        }
        r->at += inner ? 1 : 0;
        while (inner) {
            skip_space(r);
            if (r->at == r->end)
                return wrong(r, r->end, "truncated inside a vector");
            if (*r->at == ']') {
                r->at++;
                break;
            }
            if (out->items[i].count == ITEMS || !is_integer(r))
                return wrong(r, r->at, "not a pair of numbers");
            if (!integer(r, &out->items[i].numbers[out->items[i].count++]))
                return false;
        }
    }
}

static bool form(struct reader *r, struct form *out)
{
    memset(out, 0, sizeof *out);
    skip_space(r);
    if (r->at == r->end)
        return wrong(r, r->end, "truncated: a form is missing");
    if (is_nil(r)) {
        out->kind = NIL;
        return true;
    }
    if (is_integer(r)) {
        out->kind = INTEGER;
        return integer(r, &out->number);
    }
    if (*r->at == '[')
        return vector(r, out);
    if (*r->at == ':') {
        out->kind = KEYWORD;
        out->text = ++r->at;
        while (r->at < r->end && !is_delimiter(*r->at))
            r->at++;
        out->length = (size_t)(r->at - out->text);
        return true;
    }
    out->kind = OTHER;
    return skip_form(r);
}

static bool is_word(const struct form *form, const char *word)
{
    return form->kind == KEYWORD && form->length == strlen(word) && memcmp(form->text, word, form->length) == 0;
}

static uint32_t *slot_of(const struct reader *r, uint32_t *table, size_t slots, uint32_t process)
{
    size_t at = (size_t)(process * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (slots - 1);
    while (table[at] != 0 && r->events[table[at] - 1].process != process)
        at = (at + 1) & (slots - 1);
    return &table[at];
}

static uint32_t *latest_of(struct reader *r, uint32_t process)
{
    if ((r->used + 1) * 2 > r->slots) {
        size_t slots = r->slots == 0 ? 64 : r->slots * 2;
        uint32_t *table = axc_alloc(slots * sizeof *table);
        if (table == NULL) {
            no_memory(r);
            return NULL;
        }
        memset(table, 0, slots * sizeof *table);
        for (size_t i = 0; i < r->slots; i++)
            if (r->open[i] != 0)
                *slot_of(r, table, slots, r->events[r->open[i] - 1].process) = r->open[i];
        axc_free(r->open);
        r->open = table;
        r->slots = slots;
    }
    return slot_of(r, r->open, r->slots, process);
}

static bool add_event(struct reader *r, const char *start, uint64_t number, uint32_t process, const struct form *type,
                      const struct form *f, const struct form *value)
{
    uint32_t *latest = latest_of(r, process);
    if (latest == NULL)
        return false;
    struct event *open = *latest != 0 ? &r->events[*latest - 1] : NULL;
    if (is_word(type, "invoke")) {
        if (open != NULL && open->answered == 0)
            return wrong(r, start, "a process invokes while its last operation is unanswered");
        if (r->count == r->room) {
            size_t room = r->room * 2 + 256;
            struct event *grown = axc_realloc(r->events, room * sizeof *grown);
            if (grown == NULL)
                return no_memory(r);
            r->events = grown;
            r->room = room;
        }
        r->used += *latest == 0 ? 1 : 0;
        r->events[r->count++] = (struct event){.offset = (uint64_t)(start - r->begin), .invoked = number, .process = process, .f = *f, .asked = *value};
        *latest = (uint32_t)r->count;
        return r->count < UINT32_MAX || no_memory(r);
    }
    if (open == NULL || open->answered != 0)
        return wrong(r, start, "an answer without an invocation");
    if (is_word(type, "info"))
        return true; /* it may happen yet; the process is not used again */
    if (!is_word(type, "ok") && !is_word(type, "fail"))
        return wrong(r, start, ":type is none of :invoke, :ok, :fail, :info");
    open->answered = number;
    open->failed = is_word(type, "fail");
    open->got = *value;
    return true;
}

static bool read_event(struct reader *r, uint64_t number)
{
    const char *start = r->at;
    struct form key, process = {0}, type = {0}, f = {0}, value = {0};
    if (*r->at == '#')
        while (r->at < r->end && *r->at != '{')
            r->at++;
    if (r->at == r->end || *r->at++ != '{')
        return wrong(r, start, "an event is a map");
    for (skip_space(r); r->at < r->end && *r->at != '}'; skip_space(r)) {
        struct form ignored;
        if (!form(r, &key))
            return false;
        struct form *into = is_word(&key, "process") ? &process : is_word(&key, "type") ? &type : is_word(&key, "f") ? &f : is_word(&key, "value") ? &value : &ignored;
        if (!form(r, into))
            return false;
    }
    if (r->at == r->end)
        return wrong(r, r->end, "truncated inside an event");
    r->at++;
    if (is_word(&process, "nemesis"))
        return true;
    if (process.kind != INTEGER || process.number < 0 || process.number > UINT32_MAX)
        return wrong(r, start, ":process is no number of a process");
    return add_event(r, start, number, (uint32_t)process.number, &type, &f, &value);
}

/* By key when reads are of [key value]; a counter when something is added. */
static const struct axc_model *model_of(const struct reader *r)
{
    bool adds = false, keyed = false;
    for (size_t i = 0; i < r->count; i++) {
        const struct event *event = &r->events[i];
        adds |= is_word(&event->f, "add");
        keyed |= (is_word(&event->f, "read") || is_word(&event->f, "write")) && event->asked.kind == VECTOR;
    }
    const char *name = adds ? "counter" : keyed ? "map" : "register";
    return axc_model_named(name, strlen(name));
}

/* The numbers an operation takes: [key] and one or two values. */
static bool numbers(const struct form *from, bool keyed, bool pair, int64_t *out)
{
    if (!keyed && !pair) {
        *out = from->number;
        return from->kind == INTEGER;
    }
    if (from->kind != VECTOR || from->count != 2 || from->items[0].nil || from->items[0].nested)
        return false;
    bool nested = from->items[1].nested;
    *out++ = from->items[0].numbers[0];
    *out++ = from->items[1].numbers[0];
    *out = from->items[1].numbers[1];
    return keyed && pair ? nested && from->items[1].count == 2 : !nested && !from->items[1].nil;
}

static bool add_op(struct reader *r, const struct event *event)
{
    bool keyed = r->history->model->keyed, answered = event->answered != 0;
    struct axc_op op = {.process = event->process, .invoked = event->invoked, .responded = answered ? event->answered : AXC_PENDING};
    int64_t values[AXC_MAX_ARGS + 1];
    const char *verb;
    bool fine = true;
    if (is_word(&event->f, "read")) {
        verb = keyed ? "get" : "read";
        const struct form *key = &event->asked, *got = &event->got;
        if (keyed) {
            fine = key->kind == VECTOR && key->count == 2 && !key->items[0].nil && !key->items[0].nested;
            values[0] = key->items[0].numbers[0];
        }
        if (answered && keyed) {
            fine = fine && got->kind == VECTOR && got->count == 2 && !got->items[1].nested;
            values[1] = got->items[1].nil ? AXC_NONE : got->items[1].numbers[0];
        } else if (answered) {
            fine = got->kind == INTEGER || got->kind == NIL;
            values[0] = got->kind == NIL ? AXC_NONE : got->number;
        }
        op.results = answered ? 1 : 0;
    } else if (is_word(&event->f, "write") || is_word(&event->f, "add")) {
        verb = is_word(&event->f, "add") ? "add" : keyed ? "put" : "write";
        fine = numbers(&event->asked, keyed, false, values);
    } else if (is_word(&event->f, "cas")) {
        verb = "cas";
        fine = numbers(&event->asked, keyed, true, values);
        values[keyed ? 3 : 2] = 1;
        op.results = answered ? 1 : 0;
    } else {
        return axc_corrupt(r->history->report, event->offset, ":f is none of :read, :write, :cas, :add");
    }
    int known = axc_verb_named(r->history->model, verb, strlen(verb));
    if (!fine || known < 0)
        return axc_corrupt(r->history->report, event->offset, ":value does not fit :f");
    op.verb = (uint8_t)known;
    op.args = r->history->model->verbs[known].args;
    return axc_history_add(r->history, event->offset, &op, values);
}

bool axc_read_edn(struct axc_history *history, const char *bytes, size_t length)
{
    struct reader r = {.history = history, .begin = bytes, .at = bytes, .end = bytes + length};
    bool fine = length > 0 && bytes[length - 1] == '\n';
    if (!fine)
        wrong(&r, r.end, "truncated: the last line has no end");
    uint64_t number = 1;
    for (skip_space(&r); fine && r.at < r.end; skip_space(&r))
        fine = read_event(&r, number++);
    if (fine)
        history->model = model_of(&r);
    /* Jepsen's registers begin as nil, its counters as 0. */
    if (fine && strcmp(history->model->name, "register") == 0)
        history->initial = AXC_NONE;
    for (size_t i = 0; fine && i < r.count; i++)
        if (!r.events[i].failed) /* did not happen */
            fine = add_op(&r, &r.events[i]);
    axc_free(r.events);
    axc_free(r.open);
    history->ended = fine;
    return fine;
}

/* SPDX-License-Identifier: MIT */
/**
 * edn.c: Jepsen's histories of registers, registers by key, counters and banks: one map per event,
 * {:process 0, :type :invoke, :f :cas, :value [1 2], ...}. The order of the events is the time.
 */
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "edn.h"
#include "forms.h"

struct event {
    uint64_t offset;
    uint64_t invoked, answered; /* numbers of events; 0: not (yet) */
    uint32_t process;
    bool failed;
    struct axc_edn_form f, asked, got;
};

struct reader {
    struct axc_history *history;
    struct axc_edn in;
    struct event *events;
    size_t count, room;
    uint32_t *open; /* hash table of processes to 1 + their latest event */
    size_t slots, used;
    int64_t *names; /* of a bank's accounts, sorted */
    size_t accounts;
};

static bool no_memory(const struct reader *r)
{
    return axc_gave_up(r->history->report, "the history needs more than %zu MiB of memory (--memory)", axc_budget_limit() >> 20);
}

static uint32_t *slot_of(const struct reader *r, uint32_t *table, size_t slots, uint32_t process)
{
    size_t at = axc_hash(0, process) & (slots - 1);
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

static bool add_event(struct reader *r, const char *start, uint64_t number, uint32_t process, const struct axc_edn_form *type,
                      const struct axc_edn_form *f, const struct axc_edn_form *value)
{
    uint32_t *latest = latest_of(r, process);
    if (latest == NULL)
        return false;
    struct event *open = *latest != 0 ? &r->events[*latest - 1] : NULL;
    if (axc_edn_is(type, "invoke")) {
        if (open != NULL && open->answered == 0)
            return axc_edn_wrong(&r->in, start, "a process invokes while its last operation is unanswered");
        if (r->count == r->room) {
            size_t room = r->room * 2 + 256;
            struct event *grown = axc_realloc(r->events, room * sizeof *grown);
            if (grown == NULL)
                return no_memory(r);
            r->events = grown;
            r->room = room;
        }
        r->used += *latest == 0 ? 1 : 0;
        r->events[r->count++] = (struct event){.offset = (uint64_t)(start - r->in.begin), .invoked = number, .process = process, .f = *f, .asked = *value};
        *latest = (uint32_t)r->count;
        return r->count < UINT32_MAX || no_memory(r);
    }
    if (open == NULL || open->answered != 0)
        return axc_edn_wrong(&r->in, start, "an answer without an invocation");
    if (axc_edn_is(type, "info"))
        return true; /* it may happen yet; the process is not used again */
    if (!axc_edn_is(type, "ok") && !axc_edn_is(type, "fail"))
        return axc_edn_wrong(&r->in, start, ":type is none of :invoke, :ok, :fail, :info");
    open->answered = number;
    open->failed = axc_edn_is(type, "fail");
    open->got = *value;
    return true;
}

static bool read_event(struct reader *r, uint64_t number)
{
    const char *start = r->in.at;
    struct axc_edn_form key, process = {0}, type = {0}, f = {0}, value = {0};
    if (*r->in.at == '#')
        while (r->in.at < r->in.end && *r->in.at != '{')
            r->in.at++;
    if (r->in.at == r->in.end || *r->in.at++ != '{')
        return axc_edn_wrong(&r->in, start, "an event is a map");
    for (axc_edn_skip_space(&r->in); r->in.at < r->in.end && *r->in.at != '}'; axc_edn_skip_space(&r->in)) {
        struct axc_edn_form ignored;
        if (!axc_edn_form(&r->in, &key))
            return false;
        struct axc_edn_form *into = axc_edn_is(&key, "process") ? &process : axc_edn_is(&key, "type") ? &type : axc_edn_is(&key, "f") ? &f : axc_edn_is(&key, "value") ? &value : &ignored;
        if (!axc_edn_form(&r->in, into))
            return false;
    }
    if (r->in.at == r->in.end)
        return axc_edn_wrong(&r->in, r->in.end, "truncated inside an event");
    r->in.at++;
    if (axc_edn_is(&process, "nemesis"))
        return true;
    if (process.kind != EDN_INTEGER || process.number < 0 || process.number > UINT32_MAX)
        return axc_edn_wrong(&r->in, start, ":process is no number of a process");
    return add_event(r, start, number, (uint32_t)process.number, &type, &f, &value);
}

/* By key when reads are of [key value]; a counter when something is added, a bank when something is transferred. */
static const struct axc_model *model_of(const struct reader *r)
{
    bool adds = false, keyed = false, transfers = false;
    for (size_t i = 0; i < r->count; i++) {
        const struct event *event = &r->events[i];
        adds |= axc_edn_is(&event->f, "add");
        transfers |= axc_edn_is(&event->f, "transfer") || (axc_edn_is(&event->f, "read") && event->got.kind == EDN_MAP);
        keyed |= (axc_edn_is(&event->f, "read") || axc_edn_is(&event->f, "write")) && event->asked.kind == EDN_VECTOR;
    }
    const char *name = transfers ? "accounts" : adds ? "counter" : keyed ? "map" : "register";
    return axc_model_named(name, strlen(name));
}

/* The numbers an operation takes: [key] and one or two values. */
static bool numbers(const struct axc_edn_form *from, bool keyed, bool pair, int64_t *out)
{
    if (!keyed && !pair) {
        *out = from->number;
        return from->kind == EDN_INTEGER;
    }
    if (from->kind != EDN_VECTOR || from->count != 2 || from->items[0].nil || from->items[0].nested)
        return false;
    bool nested = from->items[1].nested;
    *out++ = from->items[0].numbers[0];
    *out++ = from->items[1].numbers[0];
    *out = from->items[1].numbers[1];
    return keyed && pair ? nested && from->items[1].count == 2 : !nested && !from->items[1].nil;
}

static bool add_word_op(struct reader *r, const struct event *event, struct axc_op *op, int64_t *values, const char **verb)
{
    bool keyed = r->history->model->keyed, answered = event->answered != 0, fine = true;
    if (axc_edn_is(&event->f, "read")) {
        *verb = keyed ? "get" : "read";
        const struct axc_edn_form *key = &event->asked, *got = &event->got;
        if (keyed) {
            fine = key->kind == EDN_VECTOR && key->count == 2 && !key->items[0].nil && !key->items[0].nested;
            values[0] = key->items[0].numbers[0];
        }
        if (answered && keyed) {
            fine = fine && got->kind == EDN_VECTOR && got->count == 2 && !got->items[1].nested;
            values[1] = got->items[1].nil ? AXC_NONE : got->items[1].numbers[0];
        } else if (answered) {
            fine = got->kind == EDN_INTEGER || got->kind == EDN_NIL;
            values[0] = got->kind == EDN_NIL ? AXC_NONE : got->number;
        }
        op->results = answered ? 1 : 0;
    } else if (axc_edn_is(&event->f, "write") || axc_edn_is(&event->f, "add")) {
        *verb = axc_edn_is(&event->f, "add") ? "add" : keyed ? "put" : "write";
        fine = numbers(&event->asked, keyed, false, values);
    } else if (axc_edn_is(&event->f, "cas")) {
        *verb = "cas";
        fine = numbers(&event->asked, keyed, true, values);
        values[keyed ? 3 : 2] = 1;
        op->results = answered ? 1 : 0;
    } else {
        return axc_corrupt(r->history->report, event->offset, ":f is none of :read, :write, :cas, :add, :transfer");
    }
    return fine || axc_corrupt(r->history->report, event->offset, ":value does not fit :f");
}

static int by_number(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

/* Which of the bank's accounts has this name; -1: none. */
static int64_t account(const struct reader *r, int64_t name)
{
    const int64_t *found = bsearch(&name, r->names, r->accounts, sizeof name, by_number);
    return found != NULL ? found - r->names : -1;
}

/* {0 10, 1 7}: the accounts' names, or with `balances` what is in each of them. */
static bool read_bank(const struct reader *r, const struct event *event, int64_t *balances, int64_t *names, size_t *count)
{
    const struct axc_edn_form *map = &event->got;
    struct axc_edn in = r->in;
    bool more, seen[AXC_MAX_RESULTS] = {false};
    *count = 0;
    if (map->kind != EDN_MAP)
        return axc_corrupt(r->history->report, event->offset, ":value is no map of balances");
    in.at = map->text + 1;
    in.end = map->text + map->length;
    for (;;) {
        struct axc_edn_form name, balance;
        if (!axc_edn_entry(&in, &name, &balance, &more))
            return false;
        if (!more)
            return true;
        if (name.kind != EDN_INTEGER || balance.kind != EDN_INTEGER || *count == AXC_MAX_RESULTS)
            return axc_corrupt(r->history->report, event->offset, "not a map of at most %d accounts to balances", AXC_MAX_RESULTS);
        if (names != NULL)
            names[*count] = name.number;
        if (balances != NULL) {
            int64_t which = account(r, name.number);
            if (which < 0 || seen[which])
                return axc_corrupt(r->history->report, event->offset, "not the accounts that the first read has");
            seen[which] = true;
            balances[which] = balance.number;
        }
        (*count)++;
    }
}

/* {:from 0, :to 1, :amount 5} */
static bool read_transfer(const struct reader *r, const struct event *event, int64_t *values)
{
    struct axc_edn in = r->in;
    struct axc_edn_form key, value;
    bool more = event->asked.kind == EDN_MAP, found[3] = {false};
    in.at = event->asked.text + 1;
    in.end = event->asked.text + event->asked.length;
    while (more) {
        if (!axc_edn_entry(&in, &key, &value, &more))
            return false;
        int which = !more ? -1 : axc_edn_is(&key, "from") ? 0 : axc_edn_is(&key, "to") ? 1 : axc_edn_is(&key, "amount") ? 2 : -1;
        if (which >= 0 && value.kind == EDN_INTEGER) {
            values[which] = which < 2 ? account(r, value.number) : value.number;
            found[which] = true;
        }
    }
    if (!found[0] || !found[1] || !found[2])
        return axc_corrupt(r->history->report, event->offset, ":value is no {:from A, :to B, :amount N}");
    return true;
}

static bool add_bank_op(const struct reader *r, const struct event *event, struct axc_op *op, int64_t *values, const char **verb)
{
    bool answered = event->answered != 0;
    size_t count = 0;
    if (axc_edn_is(&event->f, "transfer")) {
        *verb = "transfer";
        op->results = answered ? 1 : 0;
        values[3] = 1;
        return read_transfer(r, event, values);
    }
    if (!axc_edn_is(&event->f, "read"))
        return axc_corrupt(r->history->report, event->offset, ":f of a bank is neither :read nor :transfer");
    *verb = "audit";
    op->results = answered ? (uint16_t)r->accounts : 0;
    if (!answered)
        return true;
    if (!read_bank(r, event, values, NULL, &count))
        return false;
    return count == r->accounts || axc_corrupt(r->history->report, event->offset, "not the accounts that the first read has");
}

static bool add_op(struct reader *r, const struct event *event)
{
    bool bank = r->history->model->has_accounts;
    struct axc_op op = {.process = event->process, .invoked = event->invoked, .responded = event->answered != 0 ? event->answered : AXC_PENDING};
    int64_t values[AXC_MAX_ARGS + AXC_MAX_RESULTS];
    const char *verb = "";
    if (!(bank ? add_bank_op(r, event, &op, values, &verb) : add_word_op(r, event, &op, values, &verb)))
        return false;
    int known = axc_verb_named(r->history->model, verb, strlen(verb));
    if (known < 0)
        return axc_corrupt(r->history->report, event->offset, "a %s has no %s", r->history->model->name, verb);
    op.verb = (uint8_t)known;
    op.args = r->history->model->verbs[known].args;
    return axc_history_add(r->history, event->offset, &op, values);
}

/* The accounts are those of the first read. Its balances are the first ones if no transfer can have come before;
 * otherwise the history does not say them. */
static bool prepare_bank(struct reader *r)
{
    uint64_t first_transfer = UINT64_MAX;
    const struct event *first = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const struct event *event = &r->events[i];
        if (event->failed)
            continue;
        if (axc_edn_is(&event->f, "transfer") && event->invoked < first_transfer)
            first_transfer = event->invoked;
        if (axc_edn_is(&event->f, "read") && event->answered != 0 && (first == NULL || event->answered < first->answered))
            first = event;
    }
    if (first == NULL)
        return axc_corrupt(r->history->report, 0, "a bank that nobody read");
    int64_t balances[AXC_MAX_RESULTS] = {0};
    size_t count;
    r->names = axc_alloc(AXC_MAX_RESULTS * sizeof *r->names);
    if (r->names == NULL)
        return no_memory(r);
    if (!read_bank(r, first, NULL, r->names, &r->accounts))
        return false;
    qsort(r->names, r->accounts, sizeof *r->names, by_number);
    if (r->history->accounts > 0)
        return r->history->accounts == r->accounts ||
               axc_corrupt(r->history->report, first->offset, "%zu accounts, but the setup has %zu", r->accounts, r->history->accounts);
    if (first_transfer < first->answered)
        return axc_gave_up(r->history->report, "the first balances are not in the history: say them with --setup 'balances N N...'");
    return read_bank(r, first, balances, NULL, &count) &&
           axc_history_setup(r->history, first->offset, "balances", strlen("balances"), balances, r->accounts);
}

bool axc_read_edn(struct axc_history *history, const char *bytes, size_t length)
{
    struct reader r = {.history = history, .in = {.report = history->report, .begin = bytes, .at = bytes, .end = bytes + length}};
    bool fine = length > 0 && bytes[length - 1] == '\n';
    if (!fine)
        axc_edn_wrong(&r.in, r.in.end, "truncated: the last line has no end");
    uint64_t number = 1;
    for (axc_edn_skip_space(&r.in); fine && r.in.at < r.in.end; axc_edn_skip_space(&r.in))
        fine = read_event(&r, number++);
    if (fine)
        history->model = model_of(&r);
    /* Jepsen's registers begin as nil, its counters as 0. */
    if (fine && strcmp(history->model->name, "register") == 0)
        history->initial = AXC_NONE;
    fine = fine && axc_history_given(history) && (!history->model->has_accounts || prepare_bank(&r));
    for (size_t i = 0; fine && i < r.count; i++)
        if (!r.events[i].failed) /* did not happen */
            fine = add_op(&r, &r.events[i]);
    axc_free(r.events);
    axc_free(r.open);
    axc_free(r.names);
    history->ended = fine;
    return fine;
}

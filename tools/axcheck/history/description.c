/* SPDX-License-Identifier: MIT */
#include "description.h"

#include <string.h>

#include "lane.h"

bool axc_json_to_value(const json_t *json, int64_t *value)
{
    if (json_is_null(json))
        *value = AXC_NONE;
    else if (json_is_string(json) && strcmp(json_string_value(json), "closed") == 0)
        *value = AXC_CLOSED;
    else if (json_is_integer(json) && json_integer_value(json) > AXC_CLOSED)
        *value = json_integer_value(json);
    else
        return false;
    return true;
}

json_t *axc_value_to_json(int64_t value)
{
    return value == AXC_NONE ? json_null() : value == AXC_CLOSED ? json_string("closed") : json_integer(value);
}

static bool read_setup(struct axc_history *history, json_t *setup, uint64_t offset)
{
    const char *name;
    json_t *given;
    json_object_foreach(setup, name, given)
    {
        int64_t values[AXC_MAX_SETUP];
        size_t count = json_is_array(given) ? json_array_size(given) : 1;
        if (count > AXC_MAX_SETUP)
            return axc_corrupt(history->report, offset, "setup.%.40s: too many values", name);
        for (size_t i = 0; i < count; i++)
            if (!axc_json_to_value(json_is_array(given) ? json_array_get(given, i) : given, &values[i]))
                return axc_corrupt(history->report, offset, "setup.%.40s: not a number", name);
        if (!axc_history_setup(history, offset, name, strlen(name), values, count))
            return false;
    }
    return true;
}

/* [name, arguments, results] each. */
static bool read_kinds(struct axc_history *history, json_t *kinds, uint64_t offset)
{
    size_t i;
    json_t *given;
    json_array_foreach(kinds, i, given)
    {
        const char *name = json_string_value(json_array_get(given, 0));
        json_t *args = json_array_get(given, 1), *results = json_array_get(given, 2);
        if (i == AXC_MAX_KINDS || name == NULL || !json_is_integer(args) || !json_is_integer(results))
            return axc_corrupt(history->report, offset, "operations[%zu] is not [name, arguments, results]", i);
        int verb = axc_verb_named(history->model, name, strlen(name));
        if (verb < 0)
            return axc_corrupt(history->report, offset, "a %s has no operation '%.40s'", history->model->name, name);
        const struct axc_verb *known = &history->model->verbs[verb];
        int64_t a = json_integer_value(args), r = json_integer_value(results);
        if (a != known->args || r < -1 || r > known->results)
            return axc_corrupt(history->report, offset, "%s has %d arguments and up to %d results", known->name, known->args,
                               known->results);
        history->kinds.of[history->kinds.count++] = (struct axc_kind){.verb = (uint8_t)verb, .args = known->args, .results = (int16_t)r};
    }
    return true;
}

static bool read_object(struct axc_history *history, json_t *root, uint64_t offset)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *model = json_string_value(json_object_get(root, "model")), *origin = json_string_value(json_object_get(root, "origin"));
    json_t *version = json_object_get(root, "version"), *skew = json_object_get(root, "skew");
    if (format == NULL || strcmp(format, "atomicx-history") != 0 || !json_is_integer(version) || json_integer_value(version) != 1)
        return axc_corrupt(history->report, offset, "not version 1 of atomicx-history, the one this axcheck knows");
    history->model = model != NULL ? axc_model_named(model, strlen(model)) : NULL;
    if (history->model == NULL)
        return axc_corrupt(history->report, offset, "the history does not name a model that this axcheck knows");
    if (skew != NULL && (!json_is_integer(skew) || json_integer_value(skew) < 0))
        return axc_corrupt(history->report, offset, "skew is no time");
    history->skew = skew != NULL ? (uint64_t)json_integer_value(skew) : 0;
    json_t *processes = json_object_get(root, "processes");
    if (processes != NULL && (!json_is_integer(processes) || json_integer_value(processes) < 1))
        return axc_corrupt(history->report, offset, "processes is no number of processes");
    history->declared = processes != NULL ? (size_t)json_integer_value(processes) : 0;
    if (origin != NULL)
        strncpy(history->origin, origin, sizeof history->origin - 1);
    return read_setup(history, json_object_get(root, "setup"), offset) && axc_history_ready(history, offset) &&
           read_kinds(history, json_object_get(root, "operations"), offset);
}

bool axc_read_description(struct axc_history *history, const char *text, size_t length, uint64_t offset)
{
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return axc_corrupt(history->report, offset + (error.position > 0 ? (uint64_t)error.position : 0), "%s", error.text);
    bool fine = read_object(history, root, offset);
    json_decref(root);
    return fine;
}

json_t *axc_write_description(const struct axc_history *history)
{
    const struct axc_model *model = history->model;
    json_t *root = json_object(), *setup = json_object(), *kinds = json_array();
    json_object_set_new(root, "format", json_string("atomicx-history"));
    json_object_set_new(root, "version", json_integer(1));
    json_object_set_new(root, "model", json_string(model->name));
    json_object_set_new(root, "setup", setup);
    if (model->has_initial)
        json_object_set_new(setup, "initial", axc_value_to_json(history->initial));
    if (history->capacity >= 0)
        json_object_set_new(setup, "capacity", json_integer(history->capacity));
    if (model->has_accounts) {
        json_t *balances = json_array();
        for (size_t i = 0; i < history->accounts; i++)
            json_array_append_new(balances, json_integer(history->balances[i]));
        json_object_set_new(setup, "balances", balances);
    }
    if (history->skew != 0)
        json_object_set_new(root, "skew", json_integer((json_int_t)history->skew));
    if (history->origin[0] != '\0')
        json_object_set_new(root, "origin", json_string(history->origin));
    if (history->processes > 0)
        json_object_set_new(root, "processes", json_integer((json_int_t)history->processes));
    struct axc_kinds written;
    axc_kinds_of(model, &written);
    for (size_t i = 0; i < written.count; i++)
        json_array_append_new(kinds, json_pack("[sii]", model->verbs[written.of[i].verb].name, (int)written.of[i].args,
                                               (int)written.of[i].results));
    json_object_set_new(root, "operations", kinds);
    return root;
}

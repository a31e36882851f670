/* SPDX-License-Identifier: MIT */
/* Whether a program's table makes sense, for the one who writes it: one sentence that names the entry. All of the table, also
 * what this run does not use, so that a mistake shows at the first run. */
#include "rounds.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MOST (64u * 1024) /* a search keeps many */

static __attribute__((format(printf, 1, 2))) const char *wrong(const char *format, ...)
{
    static char sentence[AXI_SENTENCE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return sentence;
}

/* Names stand on command lines and in --mix and --round as they are. */
static bool is_name(const char *name)
{
    return name != NULL && *name != '\0' && *name != '-' && strlen(name) <= AXI_NAME_MOST &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+/") == strlen(name);
}

/* The name of entry `at`, its first field, which must be one, and none that an entry before it has. They lie `stride` bytes apart. */
static const char *name_is_wrong(const char *what, const void *first, size_t stride, size_t at)
{
    const char *entries = first;
    const char *name = *(const char *const *)(const void *)(entries + at * stride);
    if (!is_name(name))
        return wrong("%s[%zu].name is %s%s%s: give letters, digits, - and _, at most %d", what, at, name != NULL ? "\"" : "",
                     name != NULL ? name : "NULL", name != NULL ? "\"" : "", AXI_NAME_MOST);
    for (size_t i = 0; i < at; i++)
        if (strcmp(*(const char *const *)(const void *)(entries + i * stride), name) == 0)
            return wrong("%s[%zu] and %s[%zu] are both named %s", what, i, what, at, name);
    return NULL;
}

/* ---- a declared program's operations and implementations ---- */

static const char *arguments_are_wrong(const ax_stress_program *program, const ax_stress_operation *operation)
{
    bool chooses = false;
    for (int a = 0; a < AX_STRESS_ARGUMENTS; a++) {
        ax_stress_source source = operation->takes[a];
        if ((int)source < AX_STRESS_NOTHING || source > AX_STRESS_CHOSEN)
            return wrong("operation %s: takes[%d] is none of AX_STRESS_KEY, AX_STRESS_FRESH and AX_STRESS_CHOSEN", operation->name, a);
        if (source != AX_STRESS_NOTHING && a > 0 && operation->takes[a - 1] == AX_STRESS_NOTHING)
            return wrong("operation %s: takes[%d] comes after AX_STRESS_NOTHING", operation->name, a);
        if (source == AX_STRESS_KEY && program->keys == 0)
            return wrong("operation %s takes a key, and the program has no keys", operation->name);
        chooses = chooses || source == AX_STRESS_CHOSEN;
    }
    if (chooses && operation->choose == NULL)
        return wrong("operation %s takes AX_STRESS_CHOSEN, and its choose is NULL", operation->name);
    if (!chooses && operation->choose != NULL)
        return wrong("operation %s has a choose, and takes no AX_STRESS_CHOSEN", operation->name);
    return NULL;
}

static const char *model_is_wrong(const ax_stress_program *program, const ax_stress_operation *operation)
{
    bool any = operation->model != NULL || operation->allows != NULL;
    if (operation->model != NULL && operation->allows != NULL)
        return wrong("operation %s has both model and allows: which of them is right?", operation->name);
    if (program->state_size == 0 && any)
        return wrong("operation %s has a model, and the program's state_size is 0", operation->name);
    if (program->state_size != 0 && !any)
        return wrong("operation %s has neither model nor allows, and the program has a state_size", operation->name);
    return NULL;
}

static const char *declared_is_wrong(const ax_stress_program *program, const ax_stress_impl *impl)
{
    bool begins = false;
    if (impl->create == NULL || impl->destroy == NULL)
        return wrong("implementation %s has neither work nor %s", impl->name,
                     impl->create != NULL ? "destroy" : impl->destroy != NULL ? "create" : "create and destroy");
    for (size_t i = 0; i < AX_STRESS_OPERATIONS; i++) {
        if (i >= program->operation_count && impl->calls[i] != NULL)
            return wrong("implementation %s: calls[%zu] is set, and there are %zu operations", impl->name, i, program->operation_count);
        begins = begins || (impl->calls[i] != NULL && (impl->callers[i] == 0 || (impl->callers[i] & 1) != 0));
    }
    return begins ? NULL : wrong("implementation %s: there is nothing that thread 0 may call (calls, callers)", impl->name);
}

static const char *written_out_is_wrong(const ax_stress_program *program, const ax_stress_impl *impl)
{
    if (impl->create != NULL || impl->destroy != NULL || impl->calls[0] != NULL)
        return wrong("implementation %s has both work and create, destroy or calls: which of them is it?", impl->name);
    if (program->setup == NULL || program->judge == NULL)
        return wrong("implementation %s has work, and the program no %s", impl->name, program->setup == NULL ? "setup" : "judge");
    return NULL;
}

static const char *impls_are_wrong(const ax_stress_program *program, bool *any_declared)
{
    const char *error = program->impl_count == 0 || program->impls == NULL ? "there are no impls, or impl_count is 0" : NULL;
    for (size_t i = 0; i < program->impl_count && error == NULL; i++) {
        const ax_stress_impl *impl = &program->impls[i];
        error = name_is_wrong("impls", program->impls, sizeof *program->impls, i);
        if (error == NULL && impl->about == NULL)
            error = wrong("implementation %s has no about", impl->name);
        if (error == NULL)
            error = axi_declared(impl) ? declared_is_wrong(program, impl) : written_out_is_wrong(program, impl);
        *any_declared = *any_declared || axi_declared(impl);
    }
    return error;
}

static const char *operations_are_wrong(const ax_stress_program *program, bool any_declared)
{
    const char *error = NULL;
    for (size_t i = 0; i < program->operation_count && error == NULL && any_declared; i++) {
        error = arguments_are_wrong(program, &program->operations[i]);
        if (error == NULL)
            error = model_is_wrong(program, &program->operations[i]);
    }
    return error;
}

/* ---- the rest ---- */

static const char *options_are_wrong(const ax_stress_program *program)
{
    const char *error = NULL;
    for (size_t i = 0; i < program->option_count && error == NULL; i++) {
        const ax_stress_option *option = &program->options[i];
        error = name_is_wrong("options", program->options, sizeof *program->options, i);
        if (error == NULL && axi_option_is_ours(option->name))
            error = wrong("option --%s is the harness's own", option->name);
        if (error == NULL && option->about == NULL)
            error = wrong("option --%s has no about", option->name);
        if (error == NULL && !option->flag && (option->least > option->normal || option->normal > option->most))
            error = wrong("option --%s: its default is not from least to most", option->name);
    }
    return error;
}

static const char *events_are_wrong(const ax_stress_program *program, bool any_declared)
{
    if (program->model == NULL)
        return program->event_count > 0 ? "there are events, and no model that knows them" : NULL;
    if (program->event_count == 0 && !any_declared)
        return wrong("the model %s has no events", program->model);
    for (size_t i = 0; i < program->event_count; i++) {
        const ax_stress_event *event = &program->events[i];
        if (!is_name(event->name))
            return wrong("events[%zu] has no name that a model could know", i);
        if (event->results < -1 || event->arguments > AX_STRESS_VALUES ||
            (event->results < 0 ? event->arguments > 0 : event->arguments + (uint32_t)event->results > AX_STRESS_VALUES))
            return wrong("event %s has more than %d arguments and results, or arguments and any number of results", event->name,
                         AX_STRESS_VALUES);
    }
    return NULL;
}

const char *axi_table_check(const ax_stress_program *program)
{
    bool any_declared = false;
    const char *error = NULL;
    if (program == NULL || !is_name(program->noun) || program->about == NULL)
        return "there is no program, or no noun or about in it";
    if (program->operation_count > AX_STRESS_OPERATIONS)
        return wrong("there are %zu operations, and at most %d can be told apart", program->operation_count, AX_STRESS_OPERATIONS);
    if (program->option_count > AXI_OPTIONS_MAX)
        return wrong("there are %zu options, and at most %d", program->option_count, AXI_OPTIONS_MAX);
    if ((program->operation_count > 0 && program->operations == NULL) || (program->option_count > 0 && program->options == NULL) ||
        (program->event_count > 0 && program->events == NULL))
        return "operations, options or events are counted, and NULL";
    if (program->iters > INT64_MAX || program->keys > AXI_KEYS_MOST || program->observers > AXI_OBSERVERS_MOST)
        return "iters, keys or observers are more than their options may be";
    if (program->state_size > STATE_MOST)
        return wrong("state_size is %zu: at most %u, as a search keeps many states", program->state_size, STATE_MOST);
    for (size_t i = 0; i < program->operation_count && error == NULL; i++) {
        error = name_is_wrong("operations", program->operations, sizeof *program->operations, i);
        if (error == NULL && program->operations[i].weight > AXI_WEIGHT_MOST)
            error = wrong("operation %s: its weight is above %d", program->operations[i].name, AXI_WEIGHT_MOST);
    }
    if (error == NULL)
        error = impls_are_wrong(program, &any_declared);
    if (error == NULL)
        error = operations_are_wrong(program, any_declared);
    if (error == NULL)
        error = options_are_wrong(program);
    return error != NULL ? error : events_are_wrong(program, any_declared);
}

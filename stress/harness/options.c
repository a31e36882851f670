/* SPDX-License-Identifier: MIT */
/* The command line. Every refusal is one sentence that names the option. */
#include "rounds.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "number.h"
#include "pause.h"

#define WEIGHT_DIGITS 32

static __attribute__((format(printf, 2, 3))) bool refuse(const struct axi_stress *stress, const char *format, ...)
{
    char sentence[AXI_SENTENCE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    axi_usage_error(stress, sentence);
    return false;
}

int axi_usage_error(const struct axi_stress *stress, const char *sentence)
{
    fprintf(stderr, "%s: %s\n(%s --help lists the options)\n", stress->run.program->noun, sentence, stress->command_name);
    return AXI_EXIT_USAGE;
}

static bool number(const struct axi_stress *stress, const char *option, const char *text, unsigned scale, int64_t least,
                   int64_t most, int64_t *value)
{
    const char *error = axi_number(text, scale, least, most, value);
    if (error == NULL)
        return true;
    if (scale != 0)
        return refuse(stress, "--%s %s: %s (give seconds above 0, e.g. 2.5; not finer than nanoseconds)", option, text, error);
    return refuse(stress, "--%s %s: %s (give an exact integer from %" PRId64 " to %" PRId64 ", e.g. 1e7, 10M, 10_000_000)",
                  option, text, error, least, most);
}

static bool take_impl(struct axi_stress *stress, const char *text)
{
    const ax_stress_program *program = stress->run.program;
    for (size_t i = 0; i < program->impl_count; i++)
        if (strcmp(program->impls[i].name, text) == 0) {
            stress->run.impl = &program->impls[i];
            return true;
        }
    return refuse(stress, "--impl %s: no such implementation (--list names them)", text);
}

static bool take_mix(struct axi_stress *stress, const char *text)
{
    const ax_stress_program *program = stress->run.program;
    if (program->operation_count == 0)
        return refuse(stress, "--mix %s: this program has one operation only", text);
    uint32_t weight[AX_STRESS_OPERATIONS] = { 0 };
    bool any = false, given[AX_STRESS_OPERATIONS] = { false };
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, ",");
        const char *equals = memchr(at, '=', length);
        size_t name_length = equals != NULL ? (size_t)(equals - at) : length;
        size_t which = 0;
        while (which < program->operation_count && (strlen(program->operations[which].name) != name_length ||
                                                    strncmp(program->operations[which].name, at, name_length) != 0))
            which++;
        if (equals == NULL || which == program->operation_count)
            return refuse(stress, "--mix %s: give operations and weights as in %s=90,... (--help names the operations)",
                          text, program->operations[0].name);
        if (given[which])
            return refuse(stress, "--mix %s: %s has two weights", text, program->operations[which].name);
        given[which] = true;
        char digits[WEIGHT_DIGITS];
        int count = snprintf(digits, sizeof digits, "%.*s", (int)(length - name_length - 1), equals + 1);
        int64_t value;
        const char *error = count < WEIGHT_DIGITS ? axi_number(digits, 0, 0, AXI_WEIGHT_MOST, &value) : "... has too many digits";
        if (error != NULL)
            return refuse(stress, "--mix %s: the weight %s %s", text, digits, error);
        weight[which] = (uint32_t)value;
        any = any || value > 0;
        at += length;
        if (at[0] == ',' && at[1] == '\0')
            return refuse(stress, "--mix %s: nothing follows the last comma", text);
        at += *at == ',';
    }
    if (!any)
        return refuse(stress, "--mix %s: no operation has a weight", text);
    memcpy(stress->weight, weight, sizeof weight);
    return true;
}

static bool take_dist(struct axi_stress *stress, const char *text)
{
    if (stress->run.program->keys == 0)
        return refuse(stress, "--dist %s: this program has no keys", text);
    if (strcmp(text, "uniform") == 0) {
        stress->dist = AXI_DIST_UNIFORM;
    } else if (strcmp(text, "hot") == 0) {
        stress->dist = AXI_DIST_HOT;
    } else if (strncmp(text, "zipf:", 5) == 0 && text[5] != '\0' && strspn(text + 5, "0123456789.") == strlen(text + 5)) {
        char *end;
        stress->dist = AXI_DIST_ZIPF;
        stress->theta_text = text + 5;
        stress->theta = strtod(text + 5, &end);
        if (*end != '\0' || !(stress->theta > 0 && stress->theta <= 10))
            return refuse(stress, "--dist %s: the exponent must be above 0 and at most 10, e.g. zipf:0.99", text);
    } else {
        return refuse(stress, "--dist %s: give uniform, zipf:0.99 (any exponent) or hot", text);
    }
    return true;
}

static bool take_pin(struct axi_stress *stress, const char *text)
{
    static const char *const names[] = { "none", "compact", "scatter" };
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            stress->pin = (enum axi_pin)i;
            return true;
        }
    return refuse(stress, "--pin %s: give none, compact or scatter", text);
}

bool axi_option_is_ours(const char *name)
{
    static const char *const names[] = {
        "threads", "iters", "duration", "impl", "list", "seed", "observers", "pin", "chaos", "no-chaos", "hang-after",
        "in-process", "mix", "keys", "dist", "ops", "round", "record", "history", "json", "quiet", "no-progress", "help", "version",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Options without an argument. */
static bool *find_switch(struct axi_stress *stress, const char *name)
{
    struct {
        const char *name;
        bool *value;
    } switches[] = { { "chaos", &stress->chaos },           { "no-chaos", &stress->no_chaos },
                     { "json", &stress->json },             { "quiet", &stress->quiet },
                     { "no-progress", &stress->no_progress }, { "in-process", &stress->in_process } };
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (strcmp(switches[i].name, name) == 0)
            return switches[i].value;
    return NULL;
}

/* The program's own option of this name, or -1. */
static int find_own(const struct axi_stress *stress, const char *name)
{
    for (size_t i = 0; i < stress->run.program->option_count; i++)
        if (strcmp(stress->run.program->options[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* One option with its argument; *known is false for a name that is none. */
static bool take(struct axi_stress *stress, const char *name, const char *text, bool *known)
{
    ax_stress_run *run = &stress->run;
    int64_t value = 0;
    int own = find_own(stress, name);
    if (own >= 0) {
        const ax_stress_option *option = &run->program->options[own];
        return number(stress, name, text, 0, option->least, option->most, &stress->value[own]);
    }
    if (strcmp(name, "threads") == 0) {
        bool ok = number(stress, name, text, 0, 1, AXI_THREADS_MAX, &value);
        run->threads = ok ? (uint32_t)value : run->threads;
        return ok;
    }
    if (strcmp(name, "observers") == 0) {
        bool ok = number(stress, name, text, 0, 0, AXI_OBSERVERS_MOST, &value);
        run->observers = ok ? (uint32_t)value : run->observers;
        return ok;
    }
    if (strcmp(name, "iters") == 0) {
        bool ok = number(stress, name, text, 0, 0, INT64_MAX, &value);
        run->iters = ok ? (uint64_t)value : run->iters;
        return ok;
    }
    if (strcmp(name, "duration") == 0) {
        bool ok = number(stress, name, text, 9, 1, INT64_MAX, &value);
        run->duration_ns = ok ? (uint64_t)value : run->duration_ns;
        return ok;
    }
    if (strcmp(name, "hang-after") == 0) {
        bool ok = number(stress, name, text, 9, (int64_t)AXI_SECOND / 10, INT64_MAX / 2, &value);
        stress->hang_ns = ok ? (uint64_t)value : stress->hang_ns;
        return ok;
    }
    if (strcmp(name, "keys") == 0) {
        if (run->program->keys == 0)
            return refuse(stress, "--keys %s: this program has no keys", text);
        bool ok = number(stress, name, text, 0, 1, AXI_KEYS_MOST, &value);
        run->keys = ok ? (uint64_t)value : run->keys;
        return ok;
    }
    if (strcmp(name, "ops") == 0 && axi_declared(run->impl)) {
        bool ok = number(stress, name, text, 0, 1, AXI_ROUND_MOST, &value);
        stress->round_ops = ok ? (uint32_t)value : stress->round_ops;
        return ok;
    }
    if (strcmp(name, "round") == 0 && axi_declared(run->impl)) {
        stress->round_text = text;
        return true;
    }
    if (strcmp(name, "seed") == 0) {
        const char *error = axi_number_seed(text, &run->seed);
        return error == NULL || refuse(stress, "--seed %s: %s", text, error);
    }
    if (strcmp(name, "impl") == 0)
        return take_impl(stress, text);
    if (strcmp(name, "mix") == 0)
        return take_mix(stress, text);
    if (strcmp(name, "dist") == 0)
        return take_dist(stress, text);
    if (strcmp(name, "pin") == 0)
        return take_pin(stress, text);
    if (strcmp(name, "record") == 0) {
        stress->record_path = text;
        return *text != '\0' || refuse(stress, "--record: give the name of a file");
    }
    if (strcmp(name, "history") == 0) {
        if (run->program->model == NULL)
            return refuse(stress, "--history %s: this program writes none", text);
        stress->history_path = text;
        run->history = true;
        return *text != '\0' || refuse(stress, "--history: give the name of a file");
    }
    *known = false;
    return false;
}

/* What follows for a declared program. */
static bool conclude_declared(struct axi_stress *stress, bool threads_given)
{
    static struct axi_plan round;
    ax_stress_run *run = &stress->run;
    if (stress->record_path != NULL)
        return refuse(stress, "--record: rounds leave no record, and are judged at once");
    if (!axi_has_work(stress, 0))
        return refuse(stress, "--mix: thread 0 has nothing to do");
    if (stress->round_text == NULL)
        return true;
    if (stress->history_path != NULL)
        return refuse(stress, "--round and --history exclude each other");
    const char *error = axi_plan_parse(stress, stress->round_text, &round);
    if (error != NULL)
        return refuse(stress, "--round %s: %s", stress->round_text, error);
    stress->round = &round;
    run->threads = threads_given && run->threads > round.threads ? run->threads : round.threads;
    return true;
}

/* What follows from the options together. */
static bool conclude(struct axi_stress *stress, bool iters_given, bool threads_given)
{
    ax_stress_run *run = &stress->run;
    const ax_stress_program *program = run->program;
    if (run->duration_ns != 0 && iters_given)
        return refuse(stress, "--iters and --duration exclude each other");
    if (run->duration_ns != 0)
        run->iters = UINT64_MAX;
    if (run->impl->observe == NULL)
        run->observers = 0;
    if (stress->dist == AXI_DIST_ZIPF && run->keys > AXI_ZIPF_KEYS_MAX)
        return refuse(stress, "--dist zipf:%s: takes at most %" PRIu64 " keys, as its table is in memory", stress->theta_text,
                      AXI_ZIPF_KEYS_MAX);
    if (stress->chaos && stress->no_chaos)
        return refuse(stress, "--chaos and --no-chaos exclude each other");
    /* A broken one is to be caught, also by two threads that a busy machine puts on one CPU. */
    stress->pauses = axi_declared(run->impl) && stress->history_path == NULL && !stress->no_chaos && !stress->in_process &&
                     axi_pauses_work();
    stress->chaos = stress->chaos || (run->impl->broken && !stress->no_chaos && !stress->pauses);
    uint64_t total = 0;
    run->operations = (uint32_t)program->operation_count;
    run->only = -1;
    for (size_t i = 0; i < program->operation_count; i++) {
        if (stress->weight[i] > 0 && run->impl->supports != 0 && (run->impl->supports & 1u << i) == 0)
            return refuse(stress, "--impl %s: can't do %s, leave it out of the --mix", run->impl->name,
                          program->operations[i].name);
        total += stress->weight[i];
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < program->operation_count; i++) {
        sum += stress->weight[i];
        run->upto[i] = sum == total ? UINT64_C(1) << 63 : (UINT64_C(1) << 63) / total * sum;
        if (stress->weight[i] == total)
            run->only = (int32_t)i;
    }
    if (axi_declared(run->impl) && !conclude_declared(stress, threads_given))
        return false;
    const char *error = program->check != NULL ? program->check(run) : NULL;
    return error == NULL || refuse(stress, "%s", error);
}

uint32_t axi_default_weight(const ax_stress_program *program, size_t operation)
{
    for (size_t i = 0; i < program->operation_count; i++)
        if (program->operations[i].weight > 0)
            return program->operations[operation].weight;
    return 1;
}

static void set_defaults(struct axi_stress *stress)
{
    ax_stress_run *run = &stress->run;
    const ax_stress_program *program = run->program;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    run->threads = online > 0 ? (uint32_t)online : 1;
    run->impl = &program->impls[0];
    stress->round_ops = AXI_ROUND_OPS;
    if (axi_declared(run->impl) && run->threads < 2)
        run->threads = 2; /* one has nobody to meet */
    run->iters = program->iters;
    run->keys = program->keys;
    run->observers = program->observers;
    stress->hang_ns = AXI_HANG_SECONDS * AXI_SECOND;
    for (size_t i = 0; i < program->option_count; i++)
        stress->value[i] = program->options[i].flag ? 0 : program->options[i].normal;
    for (size_t i = 0; i < program->operation_count; i++)
        stress->weight[i] = axi_default_weight(program, i);
    if (getrandom(&run->seed, sizeof run->seed, GRND_NONBLOCK) != (ssize_t)sizeof run->seed)
        run->seed = axi_now_ns();
}

bool axi_options(struct axi_stress *stress, int argc, char **argv, int *code)
{
    set_defaults(stress);
    bool iters_given = false, threads_given = false;
    bool list = false;
    *code = AXI_EXIT_USAGE;
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        if (strcmp(argument, "-h") == 0)
            argument = "--help";
        if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0')
            return refuse(stress, "%s: not an option", argument[0] != '\0' ? argument : "(empty argument)");
        char name[AXI_NAME_MOST + 2]; /* one more than a name may have, so that none is taken for its beginning */
        size_t length = strcspn(argument + 2, "=");
        const char *text = argument[2 + length] == '=' ? argument + 3 + length : NULL;
        snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : (int)sizeof name - 1, argument + 2);
        int own = find_own(stress, name);
        bool *on = find_switch(stress, name);
        bool ends = strcmp(name, "help") == 0 || strcmp(name, "version") == 0 || strcmp(name, "list") == 0;
        if (on != NULL || ends || (own >= 0 && stress->run.program->options[own].flag)) {
            if (text != NULL)
                return refuse(stress, "--%s: takes no argument", name);
            if (on != NULL)
                *on = true;
            else if (own >= 0)
                stress->value[own] = 1;
            else if (name[0] == 'l')
                list = true;
            else {
                if (name[0] == 'h')
                    axi_help(stress);
                else
                    axi_version(stress);
                *code = 0;
                return false;
            }
            continue;
        }
        bool known = own >= 0 || axi_option_is_ours(name);
        if (known && text == NULL && i + 1 == argc)
            return refuse(stress, "--%s: needs an argument", name);
        if (known && text == NULL)
            text = argv[++i];
        if (!known || !take(stress, name, text, &known))
            return known ? false : refuse(stress, "--%s: no such option", name);
        iters_given = iters_given || strcmp(name, "iters") == 0;
        threads_given = threads_given || strcmp(name, "threads") == 0;
    }
    if (list) {
        axi_list(stress);
        *code = 0;
        return false;
    }
    return conclude(stress, iters_given, threads_given);
}

int64_t ax_stress_value(const ax_stress_run *run, const char *name)
{
    int own = find_own(run->internal, name);
    if (own >= 0)
        return run->internal->value[own];
    fprintf(stderr, "%s: ax_stress_value(run, \"%s\"): the program has no such option\n", run->program->noun, name);
    _exit(AXI_EXIT_TABLE);
}

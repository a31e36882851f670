/* SPDX-License-Identifier: MIT */
/* What the command line says about itself: --help, --list, --version, and the replay command. */
#include "rounds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

static const char usage_run[] =
    "  --threads N         worker threads; default: the CPUs online\n"
    "  --iters N           operations per thread; default: %" PRIu64 "\n"
    "  --duration S        run for S seconds instead, e.g. 2.5\n"
    "  --impl NAME         which implementation; default: %s\n"
    "  --list              the implementations, one line each\n"
    "  --seed X            all random choices come from (X, thread); printed first, default random\n"
    "  --observers N       threads that look on while workers run; default: %" PRIu32 "\n"
    "  --pin WHERE         none, compact (CPU by CPU, neighbours first) or scatter (far apart)\n"
    "  --chaos             interrupt workers at any instruction, in bursts\n"
    "  --no-chaos          don't; the default but for broken implementations\n"
    "  --hang-after S      say `hung' when nothing moved for S seconds; default: 30\n"
    "  --in-process        don't put broken implementations into a child process (for debuggers)\n";

static const char usage_rounds[] =
    "  --ops N             operations of each thread in a round; default: %d\n"
    "  --round PLAN        this round only, e.g. 'put(1) take | take': threads with | between them\n";

static const char usage_record[] =
    "  --record FILE       the raw evidence, for axcheck\n";

static const char usage_history[] =
    "  --history FILE      each operation with its times and results, for axcheck; some 10 bytes and 40 ns each\n";

static const char usage_output[] =
    "  --json              the result as one JSON object\n"
    "  --quiet             nothing on stderr but errors\n"
    "  --no-progress       no progress line (there is none where stderr is no terminal)\n"
    "  --help, --version\n";

static const char usage_end[] =
    "Numbers are exact integers in any notation: 1e7, 10M, 10_000_000, 1.5e1. Refused: 1.5, 1e-3, -4.\n"
    "stdout gets one result line, stderr the talk. Ctrl-C gives the verdict on what was done so far; a second\n"
    "one ends at once. NO_COLOR is honoured.\n"
    "\n"
    "Exit codes: 0 holds, 1 violated, 2 usage, 3 inconclusive or vacuous (one thread, no operation, or no two\n"
    "workers at work at the same time: it could not have failed), 64 the program's own table is wrong, 70 internal\n"
    "error, 130 interrupted.\n";

void axi_help(const struct axi_stress *stress)
{
    const ax_stress_program *program = stress->run.program;
    printf("usage: %s [options]\n%s\n\nThe run:\n", stress->command_name, program->about);
    printf(usage_run, program->iters, program->impls[0].name, program->observers);
    if (program->operation_count > 0) {
        printf("  --mix A=W,B=W       operations and their weights; default: ");
        for (size_t i = 0; i < program->operation_count; i++)
            printf("%s%s=%" PRIu32, i > 0 ? "," : "", program->operations[i].name, axi_default_weight(program, i));
        printf("\n");
    }
    if (program->keys > 0)
        printf("  --keys N            how many keys; default: %" PRIu64 "\n"
               "  --dist D            uniform, zipf:0.99 (any exponent above 0), or hot (one key gets 9 in 10)\n",
               program->keys);
    if (axi_declared(&program->impls[0]))
        printf(usage_rounds, AXI_ROUND_OPS);
    if (program->option_count > 0)
        printf("\nOf this program:\n");
    for (size_t i = 0; i < program->option_count; i++) {
        const ax_stress_option *option = &program->options[i];
        char left[32];
        snprintf(left, sizeof left, "--%s%s", option->name, option->flag ? "" : " N");
        printf("  %-19s %s", left, option->about);
        if (!option->flag)
            printf("; default: %" PRId64, option->normal);
        printf("\n");
    }
    printf("\nOutput:\n%s%s%s\n%s", axi_declared(&program->impls[0]) ? "" : usage_record, program->model != NULL ? usage_history : "", usage_output, usage_end);
}

void axi_version(const struct axi_stress *stress)
{
    const ax_stress_program *program = stress->run.program;
    printf("%s (atomicx) %s\n", program->noun, AX_VERSION);
    if (program->built_with)
        puts(program->built_with);
}

void axi_list(const struct axi_stress *stress)
{
    const ax_stress_program *program = stress->run.program;
    if (!stress->json) {
        for (size_t i = 0; i < program->impl_count; i++)
            printf("%-24s %s\n", program->impls[i].name, program->impls[i].about);
        return;
    }
    ax_stress_out out;
    axi_out_start(&out, stdout);
    ax_stress_put_string(&out, "program", program->noun);
    ax_stress_put_array(&out, "implementations");
    for (size_t i = 0; i < program->impl_count; i++) {
        ax_stress_put_object(&out, NULL);
        ax_stress_put_string(&out, "name", program->impls[i].name);
        ax_stress_put_string(&out, "about", program->impls[i].about);
        ax_stress_put_boolean(&out, "broken", program->impls[i].broken);
        ax_stress_put_end(&out);
    }
    ax_stress_put_end(&out);
    axi_out_finish(&out);
}

/* A word that a shell reads back as it was. */
static void put_word(FILE *file, const char *word)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
    if (*word != '\0' && strspn(word, harmless) == strlen(word)) {
        fputs(word, file);
        return;
    }
    fputc('\'', file);
    for (; *word != '\0'; word++)
        if (*word == '\'')
            fputs("'\\''", file);
        else
            fputc(*word, file);
    fputc('\'', file);
}

/* Seconds as an exact decimal. */
static void put_seconds(FILE *file, const char *option, uint64_t ns)
{
    char fraction[10];
    snprintf(fraction, sizeof fraction, "%09" PRIu64, ns % AXI_SECOND);
    for (size_t i = strlen(fraction); i > 0 && fraction[i - 1] == '0'; i--)
        fraction[i - 1] = '\0';
    fprintf(file, " --%s %" PRIu64 "%s%s", option, ns / AXI_SECOND, *fraction != '\0' ? "." : "", fraction);
}

static void put_mix(FILE *file, const struct axi_stress *stress)
{
    const ax_stress_program *program = stress->run.program;
    const char *separator = " --mix ";
    bool usual = true;
    for (size_t i = 0; i < program->operation_count; i++)
        usual = usual && stress->weight[i] == axi_default_weight(program, i);
    if (usual)
        return;
    for (size_t i = 0; i < program->operation_count; i++)
        if (stress->weight[i] > 0) {
            fprintf(file, "%s%s=%" PRIu32, separator, program->operations[i].name, stress->weight[i]);
            separator = ",";
        }
}

char *axi_replay_command(const struct axi_stress *stress)
{
    const ax_stress_run *run = &stress->run;
    const ax_stress_program *program = run->program;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return NULL;
    put_word(file, stress->command_name);
    fprintf(file, " --impl %s --threads %" PRIu32, run->impl->name, run->threads);
    if (run->duration_ns != 0)
        put_seconds(file, "duration", run->duration_ns);
    else
        fprintf(file, " --iters %" PRIu64, run->iters);
    fprintf(file, " --seed 0x%" PRIx64, run->seed);
    if (axi_declared(run->impl) && stress->round_ops != AXI_ROUND_OPS)
        fprintf(file, " --ops %" PRIu32, stress->round_ops);
    if (stress->round_text != NULL) {
        fputs(" --round ", file);
        put_word(file, stress->round_text);
    }
    if (run->impl->observe != NULL && run->observers != program->observers)
        fprintf(file, " --observers %" PRIu32, run->observers);
    put_mix(file, stress);
    if (program->keys > 0)
        fprintf(file, " --keys %" PRIu64, run->keys);
    if (stress->dist == AXI_DIST_ZIPF)
        fprintf(file, " --dist zipf:%s", stress->theta_text);
    else if (stress->dist == AXI_DIST_HOT)
        fputs(" --dist hot", file);
    if (stress->pin != AXI_PIN_NONE)
        fputs(stress->pin == AXI_PIN_COMPACT ? " --pin compact" : " --pin scatter", file);
    if (stress->chaos && (!run->impl->broken || stress->pauses))
        fputs(" --chaos", file);
    else if (stress->no_chaos && (run->impl->broken || axi_declared(run->impl)))
        fputs(" --no-chaos", file);
    if (stress->in_process)
        fputs(" --in-process", file);
    if (stress->hang_ns != AXI_HANG_SECONDS * AXI_SECOND)
        put_seconds(file, "hang-after", stress->hang_ns);
    for (size_t i = 0; i < program->option_count; i++) {
        const ax_stress_option *option = &program->options[i];
        if (option->flag && stress->value[i] != 0)
            fprintf(file, " --%s", option->name);
        else if (!option->flag && stress->value[i] != option->normal)
            fprintf(file, " --%s %" PRId64, option->name, stress->value[i]);
    }
    if (fclose(file) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

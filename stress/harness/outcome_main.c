/* SPDX-License-Identifier: MIT */
/* The command line of outcome tests, their table and their JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "out.h"
#include "outcome.h"

static const char usage[] =
    "usage: %s [options]\n"
    "Outcome tests: what can threads see that run at the same time? An outcome that is forbidden, or that nobody\n"
    "declared, is a violation. A test that has none, and none of whose actors were ever at work at once, shows nothing\n"
    "about threads that meet, and is vacuous.\n"
    "\n"
    "  --test NAME      only this test; may be repeated\n"
    "  --list           the tests, one line each\n"
    "  --duration S     for each test; default: 0.2\n"
    "  --iters N        so many states for each test instead, in batches of 256\n"
    "  --json           the results as one JSON object\n"
    "  --help, --version\n"
    "\n"
    "Exit codes: 0 every test holds, 1 violated, 2 usage, 3 a test was vacuous and none violated, 64 the table of tests\n"
    "is wrong, 70 no memory or no threads, 130 interrupted.\n";

enum result { HOLDS, VIOLATED, VACUOUS };
static const char *const kind_names[] = { "acceptable", "interesting", "forbidden" };

struct choice {
    const char *program;
    const ax_outcome_test *tests;
    size_t count;
    bool *chosen; /* NULL: all */
    uint64_t ns, iters;
    bool json;
};

static const char *kind_of(const struct axi_seen *seen)
{
    return seen->outcome == NULL ? "UNDECLARED" : seen->outcome->kind == AX_FORBIDDEN ? "FORBIDDEN" : kind_names[seen->outcome->kind];
}

static void spell(const ax_outcome_test *test, const int32_t *results, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < test->results && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%" PRId32, i > 0 ? " " : "", results[i]);
}

static int by_frequency(const void *left, const void *right)
{
    const struct axi_seen *a = left, *b = right;
    return (a->times < b->times) - (a->times > b->times);
}

static enum result result_of(const struct axi_tally *tally)
{
    for (size_t i = 0; i < tally->count; i++)
        if (axi_outcome_wrong(&tally->seen[i]))
            return VIOLATED;
    return tally->overlaps == 0 ? VACUOUS : HOLDS;
}

static void put_table(const ax_outcome_test *test, const struct axi_tally *tally, enum result result)
{
    static const char *const words[] = { "holds", "VIOLATED", "vacuous (no two actors were ever at work at the same time)" };
    double seconds = (double)tally->ns / 1e9;
    printf("%s: %s: %s [%" PRIu64 " runs, %.3g M/s, batches of %zu]\n", test->name, words[result], test->about,
           tally->runs, seconds > 0 ? (double)tally->runs / 1e6 / seconds : 0.0, tally->stride);
    for (size_t i = 0; i < tally->count; i++) {
        char text[64];
        spell(test, tally->seen[i].results, text, sizeof text);
        printf("  %-10s %12" PRIu64 " %9.0f/s  %-11s %s\n", text, tally->seen[i].times,
               seconds > 0 ? (double)tally->seen[i].times / seconds : 0.0, kind_of(&tally->seen[i]),
               tally->seen[i].outcome != NULL ? tally->seen[i].outcome->why : "nobody expected it");
    }
}

static void put_json(ax_stress_out *out, const ax_outcome_test *test, const struct axi_tally *tally, enum result result)
{
    static const char *const words[] = { "holds", "violated", "vacuous" };
    ax_stress_put_object(out, NULL);
    ax_stress_put_string(out, "test", test->name);
    ax_stress_put_string(out, "about", test->about);
    ax_stress_put_string(out, "result", words[result]);
    ax_stress_put_integer(out, "runs", (int64_t)tally->runs);
    ax_stress_put_integer(out, "overlaps", (int64_t)tally->overlaps);
    axi_out_real(out, "seconds", (double)tally->ns / 1e9);
    ax_stress_put_integer(out, "batch", (int64_t)tally->stride);
    ax_stress_put_array(out, "outcomes");
    for (size_t i = 0; i < tally->count; i++) {
        char text[64];
        spell(test, tally->seen[i].results, text, sizeof text);
        ax_stress_put_object(out, NULL);
        ax_stress_put_string(out, "results", text);
        ax_stress_put_integer(out, "times", (int64_t)tally->seen[i].times);
        ax_stress_put_string(out, "kind", kind_of(&tally->seen[i]));
        if (tally->seen[i].outcome != NULL)
            ax_stress_put_string(out, "why", tally->seen[i].outcome->why);
        ax_stress_put_end(out);
    }
    ax_stress_put_end(out);
    ax_stress_put_end(out);
}

static int run_chosen(const struct choice *choice)
{
    static struct axi_tally tally;
    ax_stress_out out;
    bool some[VACUOUS + 1] = { false };
    if (choice->json) {
        axi_out_start(&out, stdout);
        ax_stress_put_string(&out, "program", choice->program);
        ax_stress_put_array(&out, "tests");
    }
    for (size_t i = 0; i < choice->count && !axi_interrupted(); i++) {
        if (choice->chosen != NULL && !choice->chosen[i])
            continue;
        memset(&tally, 0, sizeof tally);
        const char *error = axi_outcome_run(&choice->tests[i], choice->ns, choice->iters, &tally);
        if (error != NULL) {
            fprintf(stderr, "%s: %s: %s\n", choice->program, choice->tests[i].name, error);
            return AXI_EXIT_INTERNAL;
        }
        qsort(tally.seen, tally.count, sizeof *tally.seen, by_frequency);
        enum result result = result_of(&tally);
        some[result] = true;
        if (choice->json)
            put_json(&out, &choice->tests[i], &tally, result);
        else
            put_table(&choice->tests[i], &tally, result);
        fflush(stdout);
    }
    if (choice->json) {
        ax_stress_put_end(&out);
        axi_out_finish(&out);
    }
    return axi_interrupted() ? AXI_EXIT_INTERRUPTED : some[VIOLATED] ? AX_STRESS_VIOLATED
         : some[VACUOUS] ? AX_STRESS_INCONCLUSIVE : 0;
}

static int refuse(const struct choice *choice, const char *option, const char *text, const char *why)
{
    fprintf(stderr, "%s: %s%s%s: %s\n(--help lists the options)\n", choice->program, option, *text != '\0' ? " " : "", text, why);
    return AXI_EXIT_USAGE;
}

static int choose(struct choice *choice, const char *name)
{
    size_t i = 0;
    while (i < choice->count && strcmp(choice->tests[i].name, name) != 0)
        i++;
    if (i == choice->count)
        return refuse(choice, "--test", name, "no such test (--list names them)");
    if (choice->chosen == NULL)
        choice->chosen = calloc(choice->count, sizeof *choice->chosen);
    if (choice->chosen == NULL)
        return AXI_EXIT_INTERNAL;
    choice->chosen[i] = true;
    return 0;
}

/* One option with its argument, NULL where none follows; 0, or the exit code of its refusal. */
static int take(struct choice *choice, const char *option, const char *text)
{
    bool test = strcmp(option, "--test") == 0, duration = strcmp(option, "--duration") == 0;
    int64_t value = 0;
    if (!test && !duration && strcmp(option, "--iters") != 0)
        return refuse(choice, option, "", "not an option");
    if (text == NULL)
        return refuse(choice, option, "", "needs an argument");
    if (test)
        return choose(choice, text);
    const char *error = axi_number(text, duration ? 9 : 0, 1, INT64_MAX / 2, &value);
    *(duration ? &choice->ns : &choice->iters) = (uint64_t)value;
    return error == NULL ? 0 : refuse(choice, option, text, error);
}

int ax_outcome_main(int argc, char **argv, const char *program, const ax_outcome_test *tests, size_t count)
{
    struct choice choice = { .program = program, .tests = tests, .count = count };
    int code = 0;
    const char *error = program != NULL ? axi_outcome_check(tests, count) : "the program has no name";
    if (error != NULL) {
        fprintf(stderr, "%s: the table is wrong: %s\n", argc > 0 ? argv[0] : "outcomes", error);
        return AXI_EXIT_TABLE;
    }
    for (int i = 1; i < argc && code == 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            printf(usage, argv[0]);
            goto out;
        } else if (strcmp(argv[i], "--version") == 0) {
            printf("%s (atomicx) " AX_VERSION "\n", program);
            goto out;
        } else if (strcmp(argv[i], "--list") == 0) {
            for (size_t t = 0; t < count; t++)
                printf("%-16s %s\n", tests[t].name, tests[t].about);
            goto out;
        } else if (strcmp(argv[i], "--json") == 0) {
            choice.json = true;
        } else {
            const char *option = argv[i], *text = i + 1 < argc ? argv[++i] : NULL;
            code = take(&choice, option, text);
        }
    }
    if (code == 0 && choice.ns != 0 && choice.iters != 0)
        code = refuse(&choice, "--iters", "and --duration", "they exclude each other");
    if (choice.ns == 0)
        choice.ns = AXI_SECOND / 5;
    if (code == 0) {
        axi_signals_install(false);
        code = run_chosen(&choice);
    }
out:
    free(choice.chosen);
    return code;
}

/* SPDX-License-Identifier: MIT */
/* Outcome tests of <atomicx/outcome.h>, unchanged: their actors are threads of the model, once per execution.
 * What a native run of the same source saw can stand beside what C11 allows: --seen. */
#include "axm.h"

#include "atomicx/model.h"
#include "atomicx/outcome.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_ALIGNMENT = 128, TEXT = 64 };

static AXM_STATE const ax_outcome_test *all;
static AXM_STATE struct ax_model_case *cases;
static AXM_STATE char *seen; /* what --seen names */

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*entry)(void *), void *arg);
int __wrap_pthread_join(pthread_t t, void **ret);
void *__wrap_aligned_alloc(size_t align, size_t size);
void __wrap_free(void *p);

static const ax_outcome_test *test_of(const struct ax_model_case *c) { return &all[c - cases]; }

/* Whether the results are those of the pattern, "0 0|1": of each result the numbers it may be. */
static bool fits(const char *pattern, const int32_t *results, uint32_t count)
{
    for (const int32_t *r = results; r < results + count; r++) {
        char *end;
        bool fit = strtol(pattern, &end, 10) == *r;
        while (*end == '|')
            fit |= strtol(end + 1, &end, 10) == *r;
        if (!fit)
            return false;
        pattern = end;
    }
    return *pattern == '\0';
}

static const ax_outcome *declared(const ax_outcome_test *test, const int32_t *results)
{
    for (size_t i = 0; i < test->outcome_count; i++)
        if (fits(test->outcomes[i].results, results, test->results))
            return &test->outcomes[i];
    return NULL;
}

struct actor {
    ax_outcome_actor *act;
    void *state;
    size_t size;
    int32_t results[1][AX_OUTCOME_RESULTS];
};

static void *act(void *arg)
{
    struct actor *a = arg;
    a->act(a->state, a->size, a->results, 1);
    return NULL;
}

static void spell(const ax_outcome_test *test, const int32_t *results, char *text)
{
    size_t length = 0;
    for (uint32_t i = 0; i < test->results; i++)
        length += (size_t)snprintf(text + length, TEXT - length, i == 0 ? "%d" : " %d", (int)results[i]);
}

static void run_actors(void)
{
    const ax_outcome_test *test = test_of(axm.test);
    struct actor actors[AX_OUTCOME_ACTORS + 1];
    pthread_t threads[AX_OUTCOME_ACTORS];
    size_t size = (test->state_size + STATE_ALIGNMENT - 1) & ~(size_t)(STATE_ALIGNMENT - 1);
    void *state = __wrap_aligned_alloc(STATE_ALIGNMENT, size);
    unsigned n = 0;
    if (state == NULL)
        axm_violation(AXM_LIMIT, 0, "no memory for a state of %zu bytes", test->state_size);
    memset(state, 0, size);
    memset(actors, 0, sizeof actors);
    for (; n < AX_OUTCOME_ACTORS && test->actors[n] != NULL; n++) {
        actors[n].act = test->actors[n];
        actors[n].state = state;
        actors[n].size = size;
        __wrap_pthread_create(&threads[n], NULL, act, &actors[n]);
    }
    for (unsigned i = 0; i < n; i++)
        __wrap_pthread_join(threads[i], NULL);
    if (test->last != NULL)
        test->last(state, size, actors[n].results, 1);
    __wrap_free(state);
    int32_t sum[AX_OUTCOME_RESULTS] = {0};
    char text[TEXT];
    for (unsigned i = 0; i <= n; i++)
        for (unsigned k = 0; k < test->results; k++)
            sum[k] += actors[i].results[0][k]; /* one actor writes it, it is 0 with the others */
    spell(test, sum, text);
    ax_model_outcome("%s", text);
    const ax_outcome *o = declared(test, sum);
    if (o == NULL || o->kind == AX_FORBIDDEN)
        axm_violation(AXM_ASSERT, 0, "the outcome %s is %s%s", text, o == NULL ? "declared by nobody" : "forbidden: ",
                      o == NULL ? "" : o->why);
}

int ax_outcome_main(int argc, char **argv, const char *program, const ax_outcome_test *tests, size_t count)
{
    (void)program;
    all = tests;
    cases = calloc(count, sizeof *cases);
    if (cases == NULL)
        axm_fatal("out of memory for the tests");
    for (size_t i = 0; i < count; i++) {
        cases[i].name = tests[i].name;
        cases[i].body = run_actors;
        ax_model_register(&cases[i]);
    }
    return axm_main(argc, argv);
}

/* ---- beside what was seen ---- */

void axm_seen_load(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t room = 1 << 20, length = 0;
    seen = malloc(room);
    if (f == NULL || seen == NULL)
        axm_usage("--seen", "cannot read", path);
    length = fread(seen, 1, room - 1, f);
    fclose(f);
    seen[length] = '\0';
    bool ours = seen[0] == '{' && strstr(seen, "\"tests\": [") != NULL && strlen(seen) == length;
    if (!ours || length == room - 1) {
        fprintf(stderr, "%s: at byte %zu: %s\n", path, ours ? length : 0,
                ours ? "too long" : "not what an outcome test writes with --json");
        _Exit(65);
    }
}

/* The value of a key between two places of the JSON text, or NULL. */
static const char *value_of(const char *from, const char *to, const char *key)
{
    const char *at = strstr(from, key);
    return at != NULL && (to == NULL || at < to) ? at + strlen(key) : NULL;
}

/* The part of what was seen that is about this test. */
static const char *part_about(const char *name, const char **end)
{
    size_t length = strlen(name);
    for (const char *p = seen; p != NULL && (p = value_of(p, NULL, "\"test\": \"")) != NULL;)
        if (strncmp(p, name, length) == 0 && p[length] == '"') {
            *end = strstr(p, "\"test\": \"");
            return p;
        }
    return NULL;
}

static unsigned long long times_seen(const char *part, const char *end, const char *text)
{
    size_t length = strlen(text);
    for (const char *p = part; p != NULL && (p = value_of(p, end, "\"results\": \"")) != NULL;)
        if (strncmp(p, text, length) == 0 && p[length] == '"') {
            const char *times = value_of(p, end, "\"times\": ");
            return times != NULL ? strtoull(times, NULL, 10) : 0;
        }
    return 0;
}

static const char *kind_name(const ax_outcome *o)
{
    static const char *const names[] = {"acceptable", "interesting", "FORBIDDEN"};
    return o == NULL ? "UNDECLARED" : names[o->kind];
}

static void read_results(const char *text, int32_t *results)
{
    for (unsigned k = 0; k < AX_OUTCOME_RESULTS; k++) {
        char *end;
        results[k] = (int32_t)strtol(text, &end, 10);
        text = end;
    }
}

static void put_row(const ax_outcome_test *test, const char *text, uint64_t executions, const char *times)
{
    int32_t results[AX_OUTCOME_RESULTS];
    read_results(text, results);
    const ax_outcome *o = declared(test, results);
    printf("  %-12s %27llu %12s  %-11s %s\n", text, (unsigned long long)executions, times, kind_name(o),
           o == NULL ? "nobody expected it" : o->why);
}

bool axm_is_outcome_test(const struct ax_model_case *c) { return all != NULL && c->body == run_actors; }

/* The table of an outcome test; true when this machine showed what no execution of the model does, and nobody
 * called it interesting. */
bool axm_outcomes_compare(const struct ax_model_case *c, bool exhausted)
{
    const ax_outcome_test *test = test_of(c);
    const char *end = NULL, *part = seen != NULL ? part_about(test->name, &end) : NULL;
    bool beyond = false;
    const char *text;
    uint64_t executions;
    printf("  %-12s %27s %12s\n", "outcome", exhausted ? "allowed by C11 (executions)" : "executions", "seen here");
    for (unsigned i = 0; (text = axm_outcome_row(i, &executions)) != NULL; i++) {
        char times[24] = "-";
        if (part != NULL)
            snprintf(times, sizeof times, "%llu", times_seen(part, end, text));
        put_row(test, text, executions, times);
    }
    for (const char *p = part; p != NULL && (p = value_of(p, end, "\"results\": \"")) != NULL;) {
        char mine[TEXT], times[24];
        size_t length = strcspn(p, "\"");
        snprintf(mine, sizeof mine, "%.*s", (int)(length < TEXT ? length : TEXT - 1), p);
        bool known = false;
        for (unsigned i = 0; (text = axm_outcome_row(i, &executions)) != NULL; i++)
            known = known || strcmp(text, mine) == 0;
        if (known)
            continue;
        int32_t results[AX_OUTCOME_RESULTS];
        read_results(mine, results);
        const ax_outcome *o = declared(test, results);
        beyond = beyond || (exhausted && (o == NULL || o->kind != AX_INTERESTING));
        snprintf(times, sizeof times, "%llu", times_seen(part, end, mine));
        put_row(test, mine, 0, times);
    }
    return beyond;
}

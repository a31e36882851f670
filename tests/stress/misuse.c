/* SPDX-License-Identifier: MIT */
/* Tables with one mistake each: none is run, each comes back as a sentence that names the mistake, and exit code 64. */
#include <atomicx/outcome.h>
#include <atomicx/stress.h>

#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"

/* ---- a table without a mistake, and room for some ---- */

static struct {
    ax_stress_operation operations[AX_STRESS_OPERATIONS + 9];
    ax_stress_impl impls[2];
    ax_stress_option options[17];
    ax_stress_event events[2];
    ax_stress_program program;
} t;

static void *create(const ax_stress_run *run)
{
    (void)run;
    return calloc(1, sizeof(int64_t));
}

static int64_t put(void *object, const int64_t *arguments)
{
    (void)object, (void)arguments;
    return 0;
}

static int64_t choose(ax_stress_random *random)
{
    return (int64_t)ax_stress_below(random, 5);
}

static bool allows(void *state, const int64_t *arguments, int64_t result)
{
    (void)state, (void)arguments;
    return result == 0;
}

static void work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    (void)begin, (void)end;
    (void)ax_stress_value(self->run, "typo");
}

/* The event put has one argument and one result, and there is no other event. */
static void answer_three_values(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    (void)begin, (void)end;
    AX_STRESS_ANSWER(self, ax_stress_invoke(self), 0, 1, 2, 3);
}

static void answer_nine_values(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    (void)begin, (void)end;
    AX_STRESS_ANSWER(self, ax_stress_invoke(self), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
}

static void answer_another_event(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    (void)begin, (void)end;
    AX_STRESS_ANSWER(self, ax_stress_invoke(self), 1, 1, 2);
}

static void answer_many(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const int64_t results[] = { 1, 2 };
    (void)begin, (void)end;
    ax_stress_answer_many(self, ax_stress_invoke(self), 0, results, 2);
}

static void leave_unanswered(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const int64_t arguments[] = { 1, 2 };
    (void)begin, (void)end;
    ax_stress_unanswered(self, ax_stress_invoke(self), 0, arguments, 2);
}

static const char *setup(ax_stress_run *run)
{
    (void)run;
    return NULL;
}

static ax_stress_verdict judge(const ax_stress_run *run, char *sentence, size_t size)
{
    (void)run;
    snprintf(sentence, size, "nothing was wrong");
    return AX_STRESS_HOLDS;
}

static void declare(void)
{
    memset(&t, 0, sizeof t);
    t.operations[0] = (ax_stress_operation){ .name = "put", .takes = { AX_STRESS_FRESH }, .model = put };
    t.operations[1] = (ax_stress_operation){ .name = "take", .takes = { AX_STRESS_CHOSEN }, .choose = choose, .allows = allows };
    t.impls[0] = (ax_stress_impl){ .name = "box", .about = "a box", .create = create, .destroy = free, .calls = { put, put } };
    t.options[0] = (ax_stress_option){ "size", "of the box", false, 1, 10, 5 };
    t.events[0] = (ax_stress_event){ "put", 1, 1 };
    t.program = (ax_stress_program){
        .noun = "box", .about = "A box.", .impls = t.impls, .impl_count = 1, .iters = 8, .operations = t.operations,
        .operation_count = 2, .options = t.options, .option_count = 1, .state_size = sizeof(int64_t),
    };
}

/* The same table, its work written out. */
static void write_out(void)
{
    t.impls[0] = (ax_stress_impl){ .name = "box", .about = "a box", .work = work };
    t.program.setup = setup;
    t.program.judge = judge;
    t.program.model = "box";
    t.program.events = t.events;
    t.program.event_count = 1;
}

/* ---- the mistakes ---- */

/* What `run` says on stderr, and its exit code, from a process of its own. */
static int said(int (*run)(void), char *text, size_t size)
{
    int ends[2], status = 0;
    CHECK_FATAL(pipe(ends) == 0);
    pid_t child = fork();
    CHECK_FATAL(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        _exit(run());
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t count; length + 1 < size && (count = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)count;
    text[length] = '\0';
    close(ends[0]);
    CHECK_FATAL(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run_table(void)
{
    char name[] = "box", quiet[] = "--quiet", threads[] = "--threads=2";
    char *argv[] = { name, quiet, threads, NULL };
    return ax_stress_main(3, argv, &t.program);
}

static int run_with_history(void)
{
    char name[] = "box", quiet[] = "--quiet", threads[] = "--threads=2", history[] = "--history=/dev/null";
    char *argv[] = { name, quiet, threads, history, NULL };
    return ax_stress_main(4, argv, &t.program);
}

static void check_refused(int (*run)(void), const char *mistake, const char *sentence)
{
    char text[1024];
    int code = said(run, text, sizeof text);
    if (!CHECK_EQ(code, 64) || !CHECK(strstr(text, sentence) != NULL))
        fprintf(stderr, "    after %s: exit code %d, %s\n", mistake, code, text);
}

#define REFUSED_OF(prepare, sentence, ...)                \
    do {                                                  \
        prepare;                                          \
        __VA_ARGS__;                                      \
        check_refused(run_table, #__VA_ARGS__, sentence); \
    } while (0)
#define REFUSED(sentence, ...) REFUSED_OF(declare(), sentence, __VA_ARGS__)
#define REFUSED_WRITTEN_OUT(sentence, ...) REFUSED_OF((declare(), write_out()), sentence, __VA_ARGS__)

static void the_table_itself_is_run(void)
{
    char text[1024];
    declare();
    int code = said(run_table, text, sizeof text);
    CHECK(code == 0 || code == 3); /* on a busy machine nobody met anybody */
    CHECK_STR(text, "");
}

static void programs_and_implementations(void)
{
    REFUSED("no noun", t.program.noun = NULL);
    REFUSED("no noun", t.program.noun = "two words");
    REFUSED("no noun or about", t.program.about = NULL);
    REFUSED("there are no impls", t.program.impls = NULL);
    REFUSED("there are no impls", t.program.impl_count = 0);
    REFUSED("impls[0].name is NULL", t.impls[0].name = NULL);
    REFUSED("impls[0].name is \"\"", t.impls[0].name = "");
    REFUSED("impls[0].name is \"my box\"", t.impls[0].name = "my box");
    REFUSED("impls[0].name is \"-box\"", t.impls[0].name = "-box");
    REFUSED("both named box", t.impls[1] = t.impls[0]; t.program.impl_count = 2);
    REFUSED("implementation box has no about", t.impls[0].about = NULL);
    REFUSED("box has neither work nor create", t.impls[0].create = NULL);
    REFUSED("box has neither work nor destroy", t.impls[0].destroy = NULL);
    REFUSED("box has neither work nor create and destroy", t.impls[0].create = NULL; t.impls[0].destroy = NULL);
    REFUSED("nothing that thread 0 may call", memset(t.impls[0].calls, 0, sizeof t.impls[0].calls));
    REFUSED("nothing that thread 0 may call", t.impls[0].callers[0] = 2; t.impls[0].callers[1] = 2);
    REFUSED("calls[2] is set, and there are 2 operations", t.impls[0].calls[2] = put);
    REFUSED("box has both work and create", t.impls[0].work = work);
    REFUSED("the program no setup", t.impls[1] = (ax_stress_impl){ .name = "b", .about = "b", .work = work }; t.program.impl_count = 2);
    REFUSED_WRITTEN_OUT("the program no setup", t.program.setup = NULL);
    REFUSED_WRITTEN_OUT("the program no judge", t.program.judge = NULL);
    REFUSED_WRITTEN_OUT("\"typo\"): the program has no such option", (void)0);
    REFUSED_WRITTEN_OUT("\"typo\"): the program has no such option", t.impls[0].broken = true);
}

static void operations(void)
{
    REFUSED("17 operations, and at most 8", t.program.operation_count = 17);
    REFUSED("counted, and NULL", t.program.operations = NULL);
    REFUSED("calls[0] is set, and there are 0", t.program.operation_count = 0);
    REFUSED("operations[1].name is NULL", t.operations[1].name = NULL);
    REFUSED("operations[1].name is \"a|b\"", t.operations[1].name = "a|b");
    REFUSED("operations[1].name is \"a=b\"", t.operations[1].name = "a=b");
    REFUSED("operations[1].name is \"an-operation-that", t.operations[1].name = "an-operation-that-has-a-name-as-long-as-a-sentence");
    REFUSED("both named put", t.operations[1].name = "put");
    REFUSED("its weight is above 1000000", t.operations[1].weight = 1000001);
    REFUSED("put has both model and allows", t.operations[0].allows = allows);
    REFUSED("put has neither model nor allows", t.operations[0].model = NULL);
    REFUSED("take has neither model nor allows", t.operations[1].allows = NULL);
    REFUSED("put has a model, and the program's state_size is 0", t.program.state_size = 0);
    REFUSED("state_size is 65537", t.program.state_size = 65537);
    REFUSED("state_size is", t.program.state_size = SIZE_MAX);
    REFUSED("put takes a key, and the program has no keys", t.operations[0].takes[1] = AX_STRESS_KEY);
    REFUSED("takes[2] comes after AX_STRESS_NOTHING", t.operations[0].takes[2] = AX_STRESS_FRESH);
    REFUSED("takes[0] is none of", t.operations[0].takes[0] = (ax_stress_source)9);
    REFUSED("its choose is NULL", t.operations[1].choose = NULL);
    REFUSED("takes no AX_STRESS_CHOSEN", t.operations[0].choose = choose);
}

static void options_and_events(void)
{
    REFUSED("17 options, and at most 16", t.program.option_count = 17);
    REFUSED("counted, and NULL", t.program.options = NULL);
    REFUSED("options[0].name is NULL", t.options[0].name = NULL);
    REFUSED("--threads is the harness's own", t.options[0].name = "threads");
    REFUSED("both named size", t.options[1] = t.options[0]; t.program.option_count = 2);
    REFUSED("--size has no about", t.options[0].about = NULL);
    REFUSED("--size: its default is not from least to most", t.options[0].normal = 11);
    REFUSED("--size: its default is not from least to most", t.options[0].least = 20);
    REFUSED("more than their options may be", t.program.iters = UINT64_MAX);
    REFUSED("more than their options may be", t.program.keys = UINT64_MAX);
    REFUSED("more than their options may be", t.program.observers = UINT32_MAX);
    REFUSED("no model that knows them", t.program.events = t.events; t.program.event_count = 1);
    REFUSED("counted, and NULL", t.program.event_count = 1);
    REFUSED_WRITTEN_OUT("the model box has no events", t.program.event_count = 0);
    REFUSED_WRITTEN_OUT("events[0] has no name", t.events[0].name = NULL);
    REFUSED_WRITTEN_OUT("event put has more than 8", t.events[0].arguments = UINT32_MAX);
    REFUSED_WRITTEN_OUT("event put has more than 8", t.events[0].results = 8);
    REFUSED_WRITTEN_OUT("event put has more than 8", t.events[0].results = -2);
    REFUSED_WRITTEN_OUT("event put has more than 8", t.events[0].results = -1);
}

static void check_answer(void (*work_of)(ax_stress_worker *, uint64_t, uint64_t), const char *sentence)
{
    declare();
    write_out();
    t.impls[0].work = work_of;
    check_refused(run_with_history, "an answer", sentence);
}

static void answers(void)
{
    check_answer(answer_three_values, "an answer of event 0 with 3 values");
    check_answer(answer_nine_values, "an answer of event 0 with 9 values");
    check_answer(answer_another_event, "an answer of event 1, and there are 1");
    check_answer(answer_many, "an answer of event 0 with 2 values, not");
    check_answer(leave_unanswered, "an answer of event 0 with 2 values");
}

/* ---- outcome tests ---- */

static ax_outcome outcomes[1];
static ax_outcome_test tests[2];
static size_t test_count;

AX_OUTCOME_ACTOR(actor, int32_t)
{
    r[0] = *state;
}

static int run_outcomes(void)
{
    char name[] = "boxes";
    char *argv[] = { name, NULL };
    return ax_outcome_main(1, argv, "boxes", tests, test_count);
}

#define REFUSED_OUTCOME(sentence, ...)                                                                                 \
    do {                                                                                                               \
        outcomes[0] = (ax_outcome){ "0 0|1", AX_ACCEPTABLE, "as it is" };                                              \
        tests[0] = (ax_outcome_test)AX_OUTCOME_TEST("box", "a box", int32_t, 2, outcomes, actor, actor);               \
        tests[1] = tests[0];                                                                                           \
        test_count = 1;                                                                                                \
        __VA_ARGS__;                                                                                                   \
        check_refused(run_outcomes, #__VA_ARGS__, sentence);                                                           \
    } while (0)

static void outcome_tests(void)
{
    REFUSED_OUTCOME("there are no tests", test_count = 0);
    REFUSED_OUTCOME("tests[0] (NULL): it has no name", tests[0].name = NULL);
    REFUSED_OUTCOME("tests[1] (box): another test has this name", test_count = 2);
    REFUSED_OUTCOME("tests[0] (box): it has no name or no about", tests[0].about = NULL);
    REFUSED_OUTCOME("two actors at least", tests[0].actors[1] = NULL);
    REFUSED_OUTCOME("an actor after NULL", tests[0].actors[3] = actor);
    REFUSED_OUTCOME("has no results", tests[0].results = 0);
    REFUSED_OUTCOME("more than r[0] to r[3]", tests[0].results = 5);
    REFUSED_OUTCOME("its state has no bytes", tests[0].state_size = 0);
    REFUSED_OUTCOME("more than 64 KiB", tests[0].state_size = SIZE_MAX);
    REFUSED_OUTCOME("lacks its results", outcomes[0].results = NULL);
    REFUSED_OUTCOME("lacks its results, its kind or its why", outcomes[0].why = NULL);
    REFUSED_OUTCOME("its kind or its why", outcomes[0].kind = (ax_outcome_kind)7);
    REFUSED_OUTCOME("for each result", outcomes[0].results = "0");
    REFUSED_OUTCOME("for each result", outcomes[0].results = "0 0 0");
    REFUSED_OUTCOME("for each result", outcomes[0].results = "0 x");
    REFUSED_OUTCOME("for each result", outcomes[0].results = "0 0|");
    REFUSED_OUTCOME("for each result", outcomes[0].results = "0 4294967296");
}

int main(void)
{
    RUN(the_table_itself_is_run);
    RUN(programs_and_implementations);
    RUN(operations);
    RUN(options_and_events);
    RUN(answers);
    RUN(outcome_tests);
    return check_summary();
}

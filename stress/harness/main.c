/* SPDX-License-Identifier: MIT */
/* The order of things, and the one result line. */
#include "rounds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"

enum result { HOLDS, VIOLATED, VACUOUS, INCONCLUSIVE };

static const char *const result_names[] = { "holds", "violated", "vacuous", "inconclusive" };
static const int result_codes[] = { 0, 1, 3, 3 };

#if defined(__x86_64__) || defined(__i386__)
#define BLIND_SPOT "x86 never lets loads overtake loads nor stores overtake stores, so an order too weak for other machines can pass here"
#else
#define BLIND_SPOT "only the reorderings that this machine happened to do were judged"
#endif

struct summary {
    enum result result;
    char sentence[AXI_SENTENCE];
    bool measured; /* the figures below mean something */
    uint64_t operations, overlaps;
    double seconds;
};

static void say_plain(const struct axi_stress *stress, const struct summary *summary)
{
    const ax_stress_run *run = &stress->run;
    const char *no_color = getenv("NO_COLOR");
    bool color = isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0');
    const char *paint = !color ? "" : summary->result == HOLDS ? "\033[32m" : summary->result == VIOLATED ? "\033[31m" : "\033[33m";
    printf("%s %s: %s%s%s%s: %s", run->program->noun, run->impl->name, paint, result_names[summary->result],
           color ? "\033[0m" : "", axi_interrupted() ? " so far (interrupted)" : "", summary->sentence);
    if (summary->measured)
        printf(" [%" PRIu32 " threads, %.3g s, %.4g M/s, %" PRIu64 " overlaps, seed 0x%" PRIx64 "]", run->threads,
               summary->seconds, summary->seconds > 0 ? (double)summary->operations / 1e6 / summary->seconds : 0.0,
               summary->overlaps, run->seed);
    printf("\n");
    char *detail = axi_hunt_detail(stress);
    if (detail != NULL)
        fputs(detail, stdout);
    free(detail);
    fflush(stdout);
    if (!stress->quiet) {
        fprintf(stderr, "not shown: %s\n", BLIND_SPOT);
        if (run->program->blind_spot != NULL)
            fprintf(stderr, "not shown: %s\n", run->program->blind_spot);
    }
}

static void say_json(const struct axi_stress *stress, const struct summary *summary, int code)
{
    const ax_stress_run *run = &stress->run;
    ax_stress_out out;
    char seed[24];
    snprintf(seed, sizeof seed, "0x%" PRIx64, run->seed);
    axi_out_start(&out, stdout);
    ax_stress_put_string(&out, "program", run->program->noun);
    ax_stress_put_string(&out, "impl", run->impl->name);
    ax_stress_put_boolean(&out, "broken", run->impl->broken);
    ax_stress_put_string(&out, "result", result_names[summary->result]);
    ax_stress_put_string(&out, "sentence", summary->sentence);
    ax_stress_put_integer(&out, "exit_code", code);
    ax_stress_put_boolean(&out, "complete", run->complete);
    ax_stress_put_integer(&out, "threads", run->threads);
    if (summary->measured) {
        ax_stress_put_integer(&out, "operations", (int64_t)summary->operations);
        axi_out_real(&out, "seconds", summary->seconds);
        axi_out_real(&out, "operations_per_second",
                     summary->seconds > 0 ? (double)summary->operations / summary->seconds : 0);
        ax_stress_put_integer(&out, "overlaps", (int64_t)summary->overlaps);
    }
    ax_stress_put_string(&out, "seed", seed);
    char *detail = axi_hunt_detail(stress);
    if (detail != NULL)
        ax_stress_put_string(&out, "counterexample", detail);
    free(detail);
    ax_stress_put_string(&out, "command", stress->replay);
    ax_stress_put_string(&out, "not_shown", BLIND_SPOT);
    axi_out_finish(&out);
    fflush(stdout);
}

/* Prints the summary and turns it into the exit code. */
static int say(const struct axi_stress *stress, const struct summary *summary)
{
    int code = axi_interrupted() ? AXI_EXIT_INTERRUPTED : result_codes[summary->result];
    if (stress->json)
        say_json(stress, summary, code);
    else
        say_plain(stress, summary);
    return code;
}

static int say_internal(const struct axi_stress *stress, const char *sentence)
{
    fprintf(stderr, "%s: %s\n", stress->run.program->noun, sentence);
    return AXI_EXIT_INTERNAL;
}

static void measure(struct axi_stress *stress, struct summary *summary)
{
    ax_stress_run *run = &stress->run;
    uint64_t begun = UINT64_MAX, ended = 0;
    run->complete = true;
    for (uint32_t i = 0; i < run->threads; i++) {
        const struct axi_thread *thread = &stress->threads[i];
        begun = thread->begun_ns < begun ? thread->begun_ns : begun;
        ended = thread->ended_ns > ended ? thread->ended_ns : ended;
        summary->operations += thread->done;
        summary->overlaps += thread->overlaps;
        if (run->duration_ns == 0 && thread->done < run->iters && stress->rounds == NULL)
            run->complete = false;
    }
    if (axi_interrupted() && (run->duration_ns != 0 || stress->rounds != NULL))
        run->complete = false;
    if (stress->rounds != NULL)
        summary->overlaps = axi_rounds_overlaps(stress);
    summary->seconds = (double)(ended - begun) / 1e9;
    summary->measured = true;
}

/* A run that holds is worth something only if it could have failed. */
static void doubt(const struct axi_stress *stress, struct summary *summary)
{
    const char *reason = NULL;
    if (summary->operations == 0)
        reason = "no operation was done";
    else if (stress->run.threads == 1)
        reason = "one thread has nobody to race with";
    else if (summary->overlaps == 0)
        reason = "no two workers were at work at the same time, give more --iters";
    if (summary->result != HOLDS || reason == NULL)
        return;
    summary->result = VACUOUS;
    char sentence[AXI_SENTENCE];
    snprintf(sentence, sizeof sentence, "%s (%.400s)", reason, summary->sentence);
    memcpy(summary->sentence, sentence, sizeof sentence);
}

static ax_stress_verdict opinion(const struct axi_stress *stress, char *sentence, size_t size)
{
    const ax_stress_run *run = &stress->run;
    if (stress->rounds != NULL)
        return axi_rounds_judge(stress, sentence, size);
    return axi_declared(run->impl) ? axi_calls_judge(run, sentence, size) : run->program->judge(run, sentence, size);
}

static void judge(struct axi_stress *stress, struct summary *summary)
{
    switch (opinion(stress, summary->sentence, sizeof summary->sentence)) {
    case AX_STRESS_HOLDS:
        summary->result = HOLDS;
        break;
    case AX_STRESS_VIOLATED:
        summary->result = VIOLATED;
        break;
    case AX_STRESS_INCONCLUSIVE:
        summary->result = INCONCLUSIVE;
        break;
    }
    doubt(stress, summary);
}

/* Threads at work, then joined. False: *code is the exit code of a run that did not come to a verdict. */
static bool hammer(struct axi_stress *stress, int *code)
{
    struct summary summary = { .result = VIOLATED };
    if (!axi_threads_create(stress, summary.sentence, sizeof summary.sentence)) {
        axi_threads_join(stress);
        fprintf(stderr, "%s: %s\n", stress->run.program->noun, summary.sentence);
        *code = axi_interrupted() ? AXI_EXIT_INTERRUPTED : AXI_EXIT_USAGE;
        return false;
    }
    if (stress->chaos && !axi_chaos_start(stress))
        fprintf(stderr, "%s: --chaos: no thread for it, running without\n", stress->run.program->noun);
    bool ended = axi_watch(stress, summary.sentence, sizeof summary.sentence);
    if (!ended) {
        /* Threads that don't move can't be joined, and what they may still touch can't be freed. */
        axi_record_abandon(stress);
        if (stress->hunt != NULL)
            axi_hunt_crashed(stress->hunt, &stress->run, summary.sentence);
        *code = say(stress, &summary);
        axi_heartbeat(stress, 'd');
        _exit(*code);
    }
    axi_chaos_stop();
    axi_threads_join(stress);
    return true;
}

static const char *finish_history(struct axi_stress *stress)
{
    const ax_stress_run *run = &stress->run;
    uint32_t process = run->threads + run->observers;
    ax_stress_worker self = {
        .run = run, .shared = run->shared, .thread = process, .log = axi_history_log(stress, process),
        .random = ax_stress_random_at(run->seed, UINT64_MAX),
    };
    if (run->program->finish != NULL)
        run->program->finish(&self);
    return axi_history_end(stress);
}

static const char *set_up(struct axi_stress *stress)
{
    ax_stress_run *run = &stress->run;
    if (stress->hunt != NULL)
        return axi_rounds_start(stress);
    return axi_declared(run->impl) ? axi_calls_setup(run) : run->program->setup(run);
}

static void tear_down(struct axi_stress *stress)
{
    ax_stress_run *run = &stress->run;
    if (stress->hunt != NULL)
        axi_rounds_free(stress);
    else if (axi_declared(run->impl))
        axi_calls_teardown(run);
    else if (run->program->teardown != NULL)
        run->program->teardown(run);
}

/* The run itself, here or in the child. */
static int run_and_judge(struct axi_stress *stress)
{
    ax_stress_run *run = &stress->run;
    int code = AXI_EXIT_INTERNAL;
    if (!axi_pin_plan(stress))
        return say_internal(stress, "--pin: no memory");
    const char *error = run->keys > 0 ? axi_keys_init(&stress->keys, stress->dist, stress->theta, run->keys) : NULL;
    if (error != NULL)
        return say_internal(stress, error);
    error = set_up(stress);
    if (error == NULL && stress->history != NULL)
        error = axi_history_start(stress);
    if (error != NULL)
        return say_internal(stress, error);
    if (hammer(stress, &code)) {
        struct summary summary = { .result = HOLDS };
        measure(stress, &summary);
        const char *history_error = stress->history != NULL ? finish_history(stress) : NULL;
        axi_heartbeat(stress, '.'); /* joining, judging and writing may take their time, each */
        judge(stress, &summary);
        axi_heartbeat(stress, '.');
        error = stress->record != NULL ? axi_record_write(stress) : NULL;
        code = say(stress, &summary);
        if (error != NULL)
            code = say_internal(stress, error);
        if (history_error != NULL)
            code = say_internal(stress, history_error);
    }
    tear_down(stress);
    axi_threads_free(stress);
    axi_keys_fini(&stress->keys);
    return code;
}

static int run_in_child(struct axi_stress *stress)
{
    struct summary summary = { .result = VIOLATED };
    int code;
    do {
        code = axi_in_child(stress, run_and_judge, summary.sentence, sizeof summary.sentence);
    } while (code < 0 && stress->hunt != NULL && axi_hunt_crashed(stress->hunt, &stress->run, summary.sentence));
    if (code < 0 && stress->hunt != NULL && stress->hunt->failed)
        axi_hunt_sentence(stress->hunt, summary.sentence, sizeof summary.sentence);
    return code >= 0 ? code : say(stress, &summary);
}

int ax_stress_main(int argc, char **argv, const ax_stress_program *program)
{
    struct axi_stress stress = { .heartbeat_fd = -1 };
    int code;
    const char *error = axi_table_check(program);
    if (error != NULL) {
        fprintf(stderr, "%s: the program's table is wrong: %s\n", argc > 0 ? argv[0] : "stress", error);
        return AXI_EXIT_TABLE;
    }
    stress.run.program = program;
    stress.run.internal = &stress;
    stress.command_name = argc > 0 ? argv[0] : program->noun;
    if (!axi_options(&stress, argc, argv, &code))
        return code;
    stress.replay = axi_replay_command(&stress);
    if (stress.replay == NULL)
        return say_internal(&stress, "no memory");
    axi_signals_install(false);
    if (!stress.quiet)
        fprintf(stderr, "seed 0x%" PRIx64 ", again with: %s\n", stress.run.seed, stress.replay);
    if (axi_declared(stress.run.impl) && stress.history_path == NULL) {
        stress.hunt = axi_hunt_create();
        if (stress.hunt == NULL)
            return say_internal(&stress, "no memory");
    }
    error = stress.record_path != NULL ? axi_record_open(&stress) : NULL;
    if (error == NULL && stress.history_path != NULL)
        error = axi_history_open(&stress);
    if (error != NULL)
        code = axi_usage_error(&stress, error);
    else if ((stress.run.impl->broken || stress.hunt != NULL) && !stress.in_process)
        code = run_in_child(&stress);
    else
        code = run_and_judge(&stress);
    axi_record_abandon(&stress);
    axi_history_close(&stress);
    axi_hunt_destroy(stress.hunt);
    free(stress.replay);
    return code;
}

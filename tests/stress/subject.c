/* SPDX-License-Identifier: MIT */
/* A program that the harness is tested on: implementations that crash, hang, leave and hold, on demand. */
#include <atomicx/stress.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tally {
    uint64_t keys[4]; /* how often each of the first keys came */
    uint64_t chosen;  /* a digest of all random choices */
    uint64_t picked[2];
};

static void work_well(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        uint64_t key = ax_stress_key(self);
        uint32_t operation = ax_stress_pick(self);
        tally->keys[key < 4 ? key : 3]++;
        tally->picked[operation]++;
        tally->chosen = (tally->chosen ^ (key * 2 + operation)) * 0x100000001b3u;
    }
}

static void work_and_crash(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    (void)self, (void)begin, (void)end;
    raise(SIGSEGV);
}

static void work_and_hang(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    (void)begin, (void)end;
    static const char word[] = "hangs from now on\n"; /* for whoever wants to interrupt a run that hangs */
    if (self->thread == 0 && write(STDERR_FILENO, word, sizeof word - 1) != (ssize_t)sizeof word - 1)
        return;
    while (self->thread == 0)
        pause();
}

/* The watching thread of the child can't run either. */
static void work_and_stop(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    (void)self, (void)begin, (void)end;
    raise(SIGSTOP);
}

static void work_and_exit(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    (void)self, (void)begin, (void)end;
    _exit(5);
}

static const char *check(const ax_stress_run *run)
{
    return ax_stress_value(run, "number") == 13 ? "--number 13: unlucky" : NULL;
}

static const char *setup(ax_stress_run *run)
{
    run->shared = NULL;
    return ax_stress_value(run, "no-setup") != 0 ? "setup was told to fail" : NULL;
}

static void teardown(ax_stress_run *run)
{
    (void)run;
}

static ax_stress_verdict judge(const ax_stress_run *run, char *sentence, size_t size)
{
    snprintf(sentence, size, "number %lld", (long long)ax_stress_value(run, "number"));
    return ax_stress_value(run, "unsure") != 0 ? AX_STRESS_INCONCLUSIVE : AX_STRESS_HOLDS;
}

static void put_nothing(const ax_stress_run *run, ax_stress_out *out)
{
    (void)run, (void)out;
}

static void put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_modular(out, "chosen", tally->chosen);
    ax_stress_put_array(out, "keys");
    for (int i = 0; i < 4; i++)
        ax_stress_put_integer(out, NULL, (int64_t)tally->keys[i]);
    ax_stress_put_end(out);
    ax_stress_put_array(out, "picked");
    for (int i = 0; i < 2; i++)
        ax_stress_put_integer(out, NULL, (int64_t)tally->picked[i]);
    ax_stress_put_end(out);
}

int main(int argc, char **argv)
{
    static const ax_stress_impl impls[] = {
        { .name = "well", .about = "does its work", .work = work_well },
        { .name = "hangs", .about = "never comes back", .work = work_and_hang },
        { .name = "broken-crash", .about = "dies of SIGSEGV", .broken = true, .work = work_and_crash },
        { .name = "broken-hang", .about = "never comes back", .broken = true, .work = work_and_hang },
        { .name = "broken-stop", .about = "stops its whole process", .broken = true, .work = work_and_stop },
        { .name = "broken-exit", .about = "ends its process", .broken = true, .work = work_and_exit },
        { .name = "broken-well", .about = "does its work all the same", .broken = true, .work = work_well },
    };
    static const ax_stress_operation operations[] = {
        { .name = "this", .weight = 75 }, { .name = "that", .weight = 25 },
    };
    static const ax_stress_option options[] = {
        { "number", "a number; 13 is refused", false, -100, 1000000, 7 },
        { "no-setup", "setup fails", true, 0, 0, 0 },
        { "unsure", "the verdict is inconclusive", true, 0, 0, 0 },
    };
    static const ax_stress_program program = {
        .noun = "subject", .about = "What the harness is tested on.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .operations = operations, .operation_count = 2,
        .options = options, .option_count = sizeof options / sizeof *options,
        .iters = 1000000, .keys = 1000, .tally_size = sizeof(struct tally),
        .check = check, .setup = setup, .judge = judge, .teardown = teardown,
        .put_setup = put_nothing, .put_worker = put_worker, .put_final = put_nothing,
    };
    return ax_stress_main(argc, argv, &program);
}

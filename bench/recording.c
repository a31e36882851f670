/* SPDX-License-Identifier: MIT */
/*
 * recording: what --history adds to an operation. The floor is two fenced stamps (include/atomicx/detail/stamp.h), or
 * one in a loop that takes an answer's for the next invocation; above it lie the encoding and the checksum, and then the
 * file. The operation is the cheapest that others can see, on a word of each thread's own, so that all that differs is
 * the recording.
 */
#include "../stress/harness/internal.h"

#include <stdatomic.h>
#include <unistd.h>

#include "../stress/harness/clock.h"
#include "bench.h"

#define PATH "recording.history"

static struct word {
    _Alignas(128) atomic_llong value;
} words[1024];
static const ax_stress_operation operations[] = { { .name = "add", .takes = { AX_STRESS_CHOSEN } } };
static const ax_stress_program program = {
    .noun = "recording", .model = "counter", .operations = operations, .operation_count = 1,
};
static const ax_stress_impl impl = { .name = "words" };
static struct axi_stress stress;
static bool counter; /* what stamps are made of */

static long long add(int thread)
{
    return atomic_fetch_add_explicit(&words[thread].value, 1, memory_order_relaxed);
}

static void work_alone(int thread, uint64_t n)
{
    for (BENCH_EACH(i, n))
        (void)add(thread);
}

static void work_stamped(int thread, uint64_t n)
{
    ax_stress_log clock = { .counter_ = counter };
    uint64_t ticks = 0;
    for (BENCH_EACH(i, n)) {
        uint64_t invoked = ax_stress_log_before_(&clock);
        (void)add(thread);
        ticks += ax_stress_log_after_(&clock) - invoked;
    }
    bench_require(n == 0 || ticks > 0, "no time has passed");
}

static inline __attribute__((always_inline)) void record(int thread, uint64_t n, uint64_t (*invoke)(ax_stress_worker *))
{
    ax_stress_worker self = { .run = &stress.run, .thread = (uint32_t)thread, .log = axi_history_log(&stress, (uint32_t)thread) };
    for (BENCH_EACH(i, n)) {
        uint64_t invoked = invoke(&self);
        long long before = add(thread);
        AX_STRESS_ANSWER(&self, invoked, 0, 1, before);
    }
}

static void work_recorded(int thread, uint64_t n)
{
    record(thread, n, ax_stress_invoke);
}

static void work_in_turn(int thread, uint64_t n)
{
    record(thread, n, ax_stress_invoke_next);
}

static void begin(int threads, const char *path)
{
    stress.run = (ax_stress_run){ .program = &program, .impl = &impl, .threads = (uint32_t)threads, .history = true };
    stress.history_path = path;
    static char command[] = "bench/recording";
    stress.replay = command;
    bench_require(axi_history_open(&stress) == NULL && axi_history_start(&stress) == NULL, "no history was begun");
}

static void prepare_dropped(int threads, uint64_t n)
{
    (void)n;
    begin(threads, "/dev/null");
}

static void prepare_file(int threads, uint64_t n)
{
    (void)n;
    begin(threads, PATH);
}

static void finish(int threads, uint64_t n)
{
    (void)threads, (void)n;
    bench_require(axi_history_end(&stress) == NULL, "the history was not written");
    axi_history_close(&stress);
    (void)unlink(PATH);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        { "between two stamps", NULL, work_stamped, NULL, NULL },
        { "not recorded", NULL, work_alone, NULL, NULL },
        { "recorded, blocks dropped", prepare_dropped, work_recorded, finish, NULL },
        { "recorded into a file", prepare_file, work_recorded, finish, NULL },
        { "the same, one stamp for both", prepare_file, work_in_turn, finish, NULL },
    };
    static const struct bench benches[] = { { "recording", "additions", cases, 5, 4000000 } };
    CPU_ZERO(&stress.allowed);
    (void)sched_getaffinity(0, sizeof stress.allowed, &stress.allowed);
    counter = axi_clock_choose(&stress.allowed).counter;
    return bench_main(argc, argv, benches, 1);
}

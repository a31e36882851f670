/* SPDX-License-Identifier: MIT */
#include "bench.h"
#include "latency.h"
#include "peer.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 1024, COUNTS_MAX = 16, ROUNDS_MAX = 101, CASES_MAX = 32 };

struct run {
    const struct bench_case *subject;
    uint64_t n;
    int threads;
    atomic_int waiting;
    _Alignas(128) atomic_ullong started, ended; /* earliest start, latest end, in nanoseconds */
};

struct worker {
    struct run *run;
    int index;
};

static unsigned long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

void bench_require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: wrong result: %s\n", what);
        exit(1);
    }
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct run *run = worker->run;
    /* A spinning start line; yields, as there may be more threads than cores. */
    atomic_fetch_sub(&run->waiting, 1);
    while (atomic_load(&run->waiting) > 0)
        sched_yield();
    unsigned long long start = now();
    unsigned long long seen = atomic_load(&run->started);
    while (start < seen && !atomic_compare_exchange_weak(&run->started, &seen, start))
        ;
    latency_begin(worker->index);
    run->subject->work(worker->index, run->n);
    unsigned long long end = now();
    seen = atomic_load(&run->ended);
    while (end > seen && !atomic_compare_exchange_weak(&run->ended, &seen, end))
        ;
    return NULL;
}

/* Million operations per second. */
static double run_once(const struct bench_case *subject, int threads, uint64_t n)
{
    if (subject->peer)
        return (double)n * threads / (double)peer_run(subject->peer, threads, n) * 1e3;
    struct run run = { .subject = subject, .n = n, .threads = threads };
    static struct worker workers[THREADS_MAX];
    static pthread_t handles[THREADS_MAX];
    atomic_init(&run.waiting, threads);
    atomic_init(&run.started, ~0ull);
    if (subject->prepare)
        subject->prepare(threads, n);
    for (int i = 0; i < threads; i++) {
        workers[i] = (struct worker){ &run, i };
        int error = pthread_create(&handles[i], NULL, worker_main, &workers[i]);
        if (error != 0) {
            fprintf(stderr, "bench: thread %d: %s\n", i, strerror(error));
            exit(70);
        }
    }
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    if (subject->finish)
        subject->finish(threads, n);
    double seconds = (double)(atomic_load(&run.ended) - atomic_load(&run.started)) / 1e9;
    return (double)n * threads / seconds / 1e6;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct options {
    int counts[COUNTS_MAX];
    int counts_n, rounds;
    double scale;
    const char *only;  /* part of a case's name, or NULL for all; the baseline always runs */
    const char *title; /* part of a bench's title, or NULL for all */
    bool json;
};

static bool wanted(const struct bench *bench, int i, const struct options *o)
{
    const char *peer = bench->cases[i].peer;
    if (peer && (LATENCY || !peer_there(peer))) /* no clock of ours reaches into its loop */
        return false;
    return i == 0 || o->only == NULL || strstr(bench->cases[i].name, o->only) != NULL;
}

static void print_rates(const struct bench *bench, int i, int threads, double *rates, double *baseline,
                        const struct options *o)
{
    qsort(rates, (size_t)o->rounds, sizeof *rates, ascending);
    double median = rates[o->rounds / 2];
    if (i == 0)
        *baseline = median;
    if (o->json)
        printf("{\"bench\":\"%s\",\"case\":\"%s\",\"threads\":%d,\"rounds\":%d,\"median\":%.3f,\"lowest\":%.3f,"
               "\"highest\":%.3f,\"ratio\":%.4f}",
               bench->title, bench->cases[i].name, threads, o->rounds, median, rates[0], rates[o->rounds - 1],
               median / *baseline);
    else
        printf("  %3d threads  %-34s %9.1f  (%.1f to %.1f)  %6.2f\n", threads, bench->cases[i].name, median, rates[0],
               rates[o->rounds - 1], median / *baseline);
}

static void print_latency(const struct bench *bench, int i, int threads, const struct latency *l, const struct options *o)
{
    unsigned long long p50 = latency_at(l, 0.5), p99 = latency_at(l, 0.99), p999 = latency_at(l, 0.999);
    unsigned long long worst = l->worst;
    if (o->json)
        printf("{\"bench\":\"%s\",\"case\":\"%s\",\"threads\":%d,\"p50\":%llu,\"p99\":%llu,\"p999\":%llu,\"worst\":%llu}",
               bench->title, bench->cases[i].name, threads, p50, p99, p999, worst);
    else
        printf("  %3d threads  %-34s %9llu %9llu %9llu %12llu\n", threads, bench->cases[i].name, p50, p99, p999, worst);
}

static void print_heading(const struct bench *bench, const struct options *o)
{
    if (LATENCY)
        printf("%s, nanoseconds for one of the %s (the clock's own %llu are in it): p50, p99, p99.9, worst of %d rounds\n",
               bench->title, bench->unit, (unsigned long long)latency_of_clock(), o->rounds);
    else
        printf("%s, million %s per second: median (lowest to highest) of %d rounds, ratio to the first line\n",
               bench->title, bench->unit, o->rounds);
}

static void run_bench(const struct bench *bench, const struct options *o, bool first)
{
    static double rates[CASES_MAX][ROUNDS_MAX];
    static struct latency latencies[CASES_MAX];
    if (!o->json)
        print_heading(bench, o);
    for (int c = 0; c < o->counts_n; c++) {
        int threads = o->counts[c];
        uint64_t n = (uint64_t)((double)bench->total * o->scale) / (uint64_t)threads;
        memset(latencies, 0, sizeof latencies);
        for (int round = 0; round < o->rounds; round++)
            for (int i = 0; i < bench->count; i++)
                if (wanted(bench, i, o)) {
                    rates[i][round] = run_once(&bench->cases[i], threads, n);
                    latency_merge(threads, &latencies[i]);
                }
        double baseline = 0;
        for (int i = 0; i < bench->count; i++) {
            if (!wanted(bench, i, o))
                continue;
            if (o->json)
                printf("%s", first && c == 0 && i == 0 ? "" : ",\n");
            if (LATENCY)
                print_latency(bench, i, threads, &latencies[i], o);
            else
                print_rates(bench, i, threads, rates[i], &baseline, o);
            fflush(stdout);
        }
    }
}

static bool parse_counts(const char *text, struct options *o)
{
    o->counts_n = 0;
    while (*text) {
        char *end;
        errno = 0;
        long threads = strtol(text, &end, 10);
        if (end == text || errno != 0 || threads < 1 || threads > THREADS_MAX || o->counts_n == COUNTS_MAX)
            return false;
        o->counts[o->counts_n++] = (int)threads;
        text = *end == ',' ? end + 1 : end;
        if (*end != ',' && *end != '\0')
            return false;
    }
    return o->counts_n > 0;
}

int bench_main(int argc, char **argv, const struct bench *benches, int count)
{
    struct options o = { .counts = { 1, 2, 8, 128 }, .counts_n = 4, .rounds = 5, .scale = 1.0 };
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bool ok = true;
        if (strcmp(argv[i], "--help") == 0) {
            printf("usage: %s [--threads 1,2,8,128] [--rounds N] [--scale X] [--quick] [--bench TITLE] [--only NAME] [--json]\n", argv[0]);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            o.json = true;
            continue;
        }
        if (strcmp(argv[i], "--quick") == 0) {
            o.rounds = 3;
            o.scale = 0.1;
            continue;
        }
        if (strcmp(argv[i], "--threads") == 0)
            ok = parse_counts(value, &o);
        else if (strcmp(argv[i], "--rounds") == 0)
            ok = (o.rounds = atoi(value)) >= 1 && o.rounds <= ROUNDS_MAX;
        else if (strcmp(argv[i], "--only") == 0)
            o.only = value;
        else if (strcmp(argv[i], "--bench") == 0)
            o.title = value;
        else if (strcmp(argv[i], "--scale") == 0)
            ok = (o.scale = atof(value)) > 0;
        else
            ok = false;
        if (!ok) {
            fprintf(stderr, "%s: bad option %s %s (see --help)\n", argv[0], argv[i], value);
            return 2;
        }
        i++;
    }
    if (o.json)
        printf("[");
    bool first = true;
    for (int i = 0; i < count; i++) {
        if (o.title != NULL && strstr(benches[i].title, o.title) == NULL)
            continue;
        run_bench(&benches[i], &o, first);
        first = false;
    }
    if (o.json)
        printf("]\n");
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "bench.h"
#include "latency.h"
#include "overlap.h"
#include "peer.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTS_MAX = 16, ROUNDS_MAX = 101, CASES_MAX = 32, TRIES = LATENCY ? 1 : 3 /* latencies are of the last */ };

void bench_require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: wrong result: %s\n", what);
        exit(1);
    }
}

static struct overlap run_once(const struct bench_case *subject, int threads, uint64_t n)
{
    static struct track tracks[BENCH_THREADS_MAX];
    struct overlap best = { .share = -1 };
    for (int i = 0; i < TRIES && best.share < 0.75; i++) {
        if (subject->peer)
            peer_run(subject->peer, threads, n, tracks);
        else
            run_threads(subject, threads, n, tracks);
        struct overlap overlap = overlap_of(tracks, threads, run_cores());
        if (overlap.share > best.share)
            best = overlap;
    }
    return best;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct rounds {
    double rates[ROUNDS_MAX], shares[ROUNDS_MAX], slowest[ROUNDS_MAX]; /* see struct overlap */
};

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

static void print_rates(const struct bench *bench, int i, int threads, struct rounds *rounds, double *baseline,
                        const struct options *o)
{
    size_t count = (size_t)o->rounds;
    qsort(rounds->rates, count, sizeof(double), ascending);
    qsort(rounds->shares, count, sizeof(double), ascending);
    qsort(rounds->slowest, count, sizeof(double), ascending);
    double median = rounds->rates[count / 2], lowest = rounds->rates[0], highest = rounds->rates[count - 1];
    if (i == 0)
        *baseline = median;
    if (o->json)
        printf("{\"bench\":\"%s\",\"case\":\"%s\",\"threads\":%d,\"rounds\":%d,\"median\":%.3f,\"lowest\":%.3f,"
               "\"highest\":%.3f,\"ratio\":%.4f,\"overlap\":%.3f,\"slowest\":%.3f}",
               bench->title, bench->cases[i].name, threads, o->rounds, median, lowest, highest, median / *baseline,
               rounds->shares[0], rounds->slowest[count / 2]);
    else
        printf("  %3d threads  %-34s %9.1f  (%.1f to %.1f)  %6.2f  %3.0f %%\n", threads, bench->cases[i].name, median,
               lowest, highest, median / *baseline, rounds->shares[0] * 100);
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
        printf("%s, million %s per second: median (lowest to highest) of %d rounds, ratio to the first line, least overlap\n",
               bench->title, bench->unit, o->rounds);
}

static void run_bench(const struct bench *bench, const struct options *o, bool first)
{
    static struct rounds rounds[CASES_MAX];
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
                    struct overlap overlap = run_once(&bench->cases[i], threads, n);
                    rounds[i].rates[round] = overlap.rate;
                    rounds[i].shares[round] = overlap.share;
                    rounds[i].slowest[round] = overlap.slowest;
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
                print_rates(bench, i, threads, &rounds[i], &baseline, o);
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
        if (end == text || errno != 0 || threads < 1 || threads > BENCH_THREADS_MAX || o->counts_n == COUNTS_MAX)
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

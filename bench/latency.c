/* SPDX-License-Identifier: MIT */
#include "latency.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

static struct latency *all[1024]; /* kept from run to run, each in pages of its own thread */
static _Thread_local struct latency *mine;
static _Thread_local uint64_t last;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned bucket_of(uint64_t ns)
{
    if (ns < 32)
        return (unsigned)ns;
    unsigned octave = 63 - (unsigned)__builtin_clzll(ns);
    return 16 * (octave - 3) + (unsigned)(ns >> (octave - 4) & 15);
}

static uint64_t upper_end(unsigned bucket)
{
    if (bucket < 32)
        return bucket;
    unsigned octave = bucket / 16 + 3;
    return ((uint64_t)(16 + bucket % 16 + 1) << (octave - 4)) - 1;
}

void latency_begin(int thread)
{
    if (!all[thread])
        all[thread] = malloc(sizeof *all[thread]);
    bench_require(all[thread] != NULL, "no memory for a histogram");
    mine = all[thread];
    memset(mine, 0, sizeof *mine);
    last = now();
}

void latency_resume(void)
{
    last = now();
}

void bench_lap(void)
{
    uint64_t ns = now() - last;
    mine->count[bucket_of(ns)]++;
    if (ns > mine->worst)
        mine->worst = ns;
    latency_resume();
}

void latency_merge(int threads, struct latency *sum)
{
    for (int t = 0; t < threads; t++) {
        for (int i = 0; i < LATENCY_BUCKETS; i++)
            sum->count[i] += all[t]->count[i];
        if (all[t]->worst > sum->worst)
            sum->worst = all[t]->worst;
    }
}

uint64_t latency_at(const struct latency *sum, double quantile)
{
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        total += sum->count[i];
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += sum->count[i];
        if (seen > 0 && (double)seen >= quantile * (double)total)
            return upper_end(i) < sum->worst ? upper_end(i) : sum->worst;
    }
    return sum->worst;
}

uint64_t latency_of_clock(void)
{
    struct latency readings = { .worst = 0 };
    for (int i = 0; i < 100000; i++) {
        uint64_t begun = now(), ns = now() - begun;
        readings.count[bucket_of(ns)]++;
        if (ns > readings.worst)
            readings.worst = ns;
    }
    return latency_at(&readings, 0.5);
}

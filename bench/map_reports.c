/* SPDX-License-Identifier: MIT */
/* bench/map: memory per entry, pauses while growing, and keys that somebody has crafted. */
#include "map_peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

void *map_bench_fill(const struct map_peer *peer, uint64_t entries)
{
    map_bench_begin(peer);
    void *map = peer->create();
    for (uint64_t i = 0; i < entries; i++)
        peer->put(map, map_bench_key(i), i);
    map_bench_end(peer);
    return map;
}

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- memory ---- */

static long resident_bytes(void)
{
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    bench_require(f && fscanf(f, "%ld %ld", &size, &pages) == 2, "/proc/self/statm");
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

int map_report_memory(const struct map_peer *const *peers, uint64_t entries)
{
    printf("resident bytes per entry, %llu entries\n", (unsigned long long)entries);
    for (int p = 0; p < MAP_PEERS; p++) {
        if (!peers[p])
            continue;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            long before = resident_bytes();
            (void)map_bench_fill(peers[p], entries);
            sleep(1); /* what waits for a grace period is freed meanwhile */
            printf("  %-26s %6.1f\n", peers[p]->name, (double)(resident_bytes() - before) / (double)entries);
            fflush(stdout);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    return 0;
}

/* ---- pauses ---- */

/* How often something took how long: 16 classes between one power of two and the next, 6 % apart. */
struct durations {
    uint64_t count[64 * 16], total, worst;
};

static void durations_add(struct durations *d, uint64_t ns)
{
    unsigned log = ns < 16 ? 4 : 63u - (unsigned)__builtin_clzll(ns);
    d->count[log * 16 + (ns >> (log - 4)) % 16]++;
    d->total++;
    if (ns > d->worst)
        d->worst = ns;
}

/* In microseconds, the upper end of the class. */
static double durations_quantile(const struct durations *d, double q)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < sizeof d->count / sizeof d->count[0]; i++) {
        below += d->count[i];
        if ((double)below >= q * (double)d->total)
            return (double)((uint64_t)(17 + i % 16) << (i / 16 - 4)) / 1e3;
    }
    return (double)d->worst / 1e3;
}

/*
 * Beside the times, what the insertion that was worst by CPU time met: page faults, and how often the thread was
 * taken off its processor. One without either, and no call that takes so long, was interrupted: what the
 * kernel does for others at the end of an interrupt counts as the time of whoever it interrupts.
 */
int map_report_pause(const struct map_peer *const *peers, uint64_t count)
{
    static struct durations wall, cpu;
    printf("insertions while growing to %llu entries, one thread, microseconds\n"
           "  %-26s %27s %27s %20s\n  %-26s %9s %9s %7s %9s %9s %7s %10s %9s\n",
           (unsigned long long)count, "", "thread CPU time", "wall", "worst by CPU time", "", "p99.9", "p99.99", "worst",
           "p99.9", "p99.99", "worst", "faults", "preempted");
    for (int p = 0; p < MAP_PEERS; p++) {
        if (!peers[p])
            continue;
        wall = cpu = (struct durations){ { 0 }, 0, 0 };
        long faults = 0, preempted = 0;
        struct rusage before, after;
        map_bench_begin(peers[p]);
        void *map = peers[p]->create();
        getrusage(RUSAGE_THREAD, &before);
        for (uint64_t i = 0; i < count; i++, before = after) {
            uint64_t wall_begin = nanoseconds(CLOCK_MONOTONIC), cpu_begin = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
            peers[p]->put(map, map_bench_key(i), i);
            uint64_t took = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpu_begin;
            durations_add(&wall, nanoseconds(CLOCK_MONOTONIC) - wall_begin);
            getrusage(RUSAGE_THREAD, &after);
            if (took > cpu.worst) {
                faults = after.ru_minflt - before.ru_minflt;
                preempted = after.ru_nivcsw - before.ru_nivcsw;
            }
            durations_add(&cpu, took);
        }
        printf("  %-26s %9.1f %9.1f %7.0f %9.1f %9.1f %7.0f %10ld %9ld\n", peers[p]->name,
               durations_quantile(&cpu, 0.999), durations_quantile(&cpu, 0.9999), (double)cpu.worst / 1e3,
               durations_quantile(&wall, 0.999), durations_quantile(&wall, 0.9999), (double)wall.worst / 1e3, faults,
               preempted);
        fflush(stdout);
        map_bench_end(peers[p]);
        peers[p]->destroy(map);
    }
    return 0;
}

/* ---- crafted keys ---- */

enum { CRAFTED = 16384, REPEATS = 9 };

static uint64_t unshift(uint64_t x) /* of x ^ x >> 33 */
{
    return x ^ x >> 33;
}

/* A key whose MurmurHash3 finalizer, the unkeyed hash of map_peers.c, has 0 in its low 32 bits: its inverse. */
static uint64_t crafted_key(uint64_t i)
{
    uint64_t x = unshift(i << 32) * UINT64_C(0x9cb4b2f8129337db);
    return unshift(unshift(x) * UINT64_C(0x4f74430c22a54005));
}

static double insertion_ns(const struct map_peer *peer, uint64_t (*key)(uint64_t))
{
    double best = 1e18;
    for (int r = 0; r < REPEATS; r++) {
        map_bench_begin(peer);
        void *map = peer->create();
        uint64_t begin = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
        for (uint64_t i = 0; i < CRAFTED; i++)
            peer->put(map, key(i + 1), i);
        double took = (double)(nanoseconds(CLOCK_THREAD_CPUTIME_ID) - begin) / CRAFTED;
        map_bench_end(peer);
        if (took < best)
            best = took;
        peer->destroy(map);
        if (best > 1e4)
            break; /* says enough */
    }
    return best;
}

int map_report_crafted(const struct map_peer *const *peers)
{
    printf("thread CPU nanoseconds per insertion of %d keys: random, crafted against MurmurHash3's finalizer, ratio\n",
           CRAFTED);
    for (int p = 0; p < MAP_PEERS; p++) {
        if (!peers[p])
            continue;
        double random = insertion_ns(peers[p], map_bench_key), crafted = insertion_ns(peers[p], crafted_key);
        printf("  %-26s %8.0f %8.0f %8.2f\n", peers[p]->name, random, crafted, crafted / random);
        fflush(stdout);
    }
    return 0;
}

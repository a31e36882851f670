/* SPDX-License-Identifier: MIT */
#include "overlap.h"

#include <stdlib.h>

#include "bench.h"

void track_add(struct track *track, uint64_t ns, uint64_t done)
{
    bench_require(track->count < TRACK_STAMPS, "more stamps than chunks");
    track->at[track->count].ns = ns;
    track->at[track->count++].done = done;
}

static uint64_t begun(const struct track *track)
{
    return track->at[0].ns;
}

static uint64_t ended(const struct track *track)
{
    return track->at[track->count - 1].ns;
}

/* Operations done at a moment, evenly spread between two stamps. */
static double done_at(const struct track *track, uint64_t ns)
{
    if (ns <= begun(track))
        return 0;
    for (int i = 1; i < track->count; i++) {
        uint64_t from = track->at[i - 1].ns, to = track->at[i].ns;
        double before = (double)track->at[i - 1].done, more = (double)track->at[i].done - before;
        if (ns < to)
            return before + more * (double)(ns - from) / (double)(to - from);
    }
    return (double)track->at[track->count - 1].done;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double slowest_of(const struct track *tracks, int threads)
{
    double slowest = 0, sum = 0;
    for (int i = 0; i < threads; i++) {
        double rate = (double)tracks[i].at[tracks[i].count - 1].done / (double)(ended(&tracks[i]) - begun(&tracks[i]));
        sum += rate;
        if (i == 0 || rate < slowest)
            slowest = rate;
    }
    return sum > 0 ? slowest / sum * threads : 0;
}

struct overlap overlap_of(const struct track *tracks, int threads, int cores)
{
    static uint64_t begins[BENCH_THREADS_MAX], ends[BENCH_THREADS_MAX];
    uint64_t arrived = 0;
    int side_by_side = threads < cores ? threads : cores;
    for (int i = 0; i < threads; i++) {
        begins[i] = begun(&tracks[i]);
        ends[i] = ended(&tracks[i]);
        if (tracks[i].arrived > arrived)
            arrived = tracks[i].arrived;
    }
    qsort(begins, (size_t)threads, sizeof begins[0], ascending);
    qsort(ends, (size_t)threads, sizeof ends[0], ascending);
    bench_require(arrived <= begins[0], "a thread began before all had arrived");
    uint64_t from = begins[side_by_side - 1], to = ends[threads - side_by_side];
    uint64_t all = ends[threads - 1] - begins[0];
    double share = to > from ? (double)(to - from) / (double)all : 0;
    if (to <= from) {
        from = begins[0];
        to = ends[threads - 1];
    }
    double done = 0;
    for (int i = 0; i < threads; i++)
        done += done_at(&tracks[i], to) - done_at(&tracks[i], from);
    return (struct overlap){ done / (double)(to - from) * 1e3, share, slowest_of(tracks, threads) };
}

/* SPDX-License-Identifier: MIT */
/* How many executions the whole search will have, from random probes (Knuth, Estimating the efficiency of backtrack
 * programs, Mathematics of Computation 29, 1975). The runs of the search are a tree: below each run are those that it
 * leaves to be run next. A probe goes down from the first run, each time to one of the runs below, until there is none.
 * It counts each run divided by the probability with which it came there, which is on average the size of the tree,
 * whatever its shape and the probabilities; how much the probes differ says how good their mean is.
 *
 * They differ least when a run is taken as often as there are executions below it. With fewer events it has more
 * below it, and how many more is learned from the probes so far; the square root of that keeps what has seemed small
 * from being passed by for good. */
#include "axm.h"

enum { TOGETHER = 500, DEEPEST = 1000 };

static AXM_STATE double probes, sum, squares, largest;
static AXM_STATE uint64_t state;
/* By number of events that a run began with: how often there was one, and the executions below, as estimated. */
static AXM_STATE double seen[AXM_EVENTS], below[AXM_EVENTS];

/* splitmix64: the probes are the same each time, and do not touch the numbers of random runs. */
static double draw(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) / 0x1p53;
}

/* The square root, of 1 and more: libm is not linked. */
static double root(double x)
{
    double r = x / 2 + 1;
    for (unsigned i = 0; i < 64 && r * r > x * 1.001; i++)
        r = (r + x / r) / 2;
    return r;
}

static double weight(uint16_t events) { return root((below[events] + 1) / (seen[events] + 1)); }

void axm_estimate_reset(void)
{
    if (probes == 0)
        return;
    probes = sum = squares = largest = 0;
    state = 0;
    for (unsigned n = 0; n < AXM_EVENTS; n++)
        seen[n] = below[n] = 0;
}

/* False when it came upon a violation. */
static bool probe(void)
{
    struct {
        double factor, before;
        uint16_t events;
    } way[DEEPEST];
    unsigned depth = 0;
    double factor = 1, size = 0;
    axm.g = axm_graph_new();
    for (;;) {
        if (depth < DEEPEST) {
            way[depth].factor = factor;
            way[depth].before = size;
            way[depth++].events = axm.g->n;
        }
        uint64_t executions = axm.stats.executions;
        if (axm_execute(false))
            return false;
        size += factor * (double)(axm.stats.executions - executions);
        double all = axm_weigh_alternatives(weight);
        if (all <= 0)
            break;
        axm_take_alternative(weight, draw() * all);
        factor *= all / weight(axm.g->n);
    }
    axm_explore_end();
    while (depth-- != 0) {
        seen[way[depth].events]++;
        below[way[depth].events] += (size - way[depth].before) / way[depth].factor;
    }
    probes++;
    sum += size;
    squares += size * size;
    largest = size > largest ? size : largest;
    return true;
}

/* Looked at after every so many probes, not after each, or chance would say when to stop: whether the standard error of
 * the mean is at most a tenth of it, and no single probe makes up a tenth. */
static bool settled(void)
{
    if (probes == 0)
        return false;
    double mean = sum / probes, variance = (squares - sum * mean) / (probes - 1);
    return variance <= 0 || (variance / probes <= mean * mean / 100 && largest <= sum / 10);
}

/* Of the whole search, after probes of about so many runs more, or fewer when that is enough; 0: not known. */
double axm_estimate(uint64_t runs)
{
    static AXM_STATE struct axm kept;
    kept = axm;
    axm.shrinking = true;
    axm.opt.check_once = false;
    bool good = true;
    while (good && !settled() && axm.stats.runs - kept.stats.runs < runs)
        for (unsigned n = 0; good && n < TOGETHER; n++)
            good = probe();
    if (!good)
        axm_explore_end();
    axm = kept;
    axm_threads_reset();
    return good && settled() ? sum / probes : 0;
}

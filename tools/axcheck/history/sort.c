/* SPDX-License-Identifier: MIT */
/**
 * sort.c: all runs are merged at once, in a tree of losers (Knuth, The Art of Computer Programming 3, 5.4.1): an operation is
 * moved once, and compared as often as a number of that many runs has bits. Which run comes next can't be guessed, so that
 * nothing here branches on it.
 */
#include "sort.h"

#include <string.h>

#include "../budget.h"

struct run {
    size_t at, end; /* its next operation, and where it ends */
};

static const axc_unsigned_wide exhausted = ~(axc_unsigned_wide)0;

/* The next operation of a run: by invocation, then by number. Of no two runs the same, as the run is in it. */
static axc_unsigned_wide key_of(const struct axc_op *ops, const struct run *runs, size_t run)
{
    if (runs[run].at == runs[run].end)
        return exhausted;
    const struct axc_op *op = &ops[runs[run].at];
    return (axc_unsigned_wide)op->invoked << 64 | (uint64_t)op->order << 32 | (uint32_t)run;
}

/* Where the run that begins at `at` ends. */
static size_t run_end(const struct axc_op *ops, size_t count, size_t at)
{
    do
        at++;
    while (at < count && !axc_by_invocation(&ops[at], &ops[at - 1]));
    return at;
}

/* `tree` has room for two keys per run: its leaves are the runs, and at first each node above has the smaller one of the
 * two below. */
static void merge(const struct axc_op *ops, size_t count, struct run *runs, size_t run_count, axc_unsigned_wide *tree, struct axc_op *out)
{
    for (size_t i = 0; i < run_count; i++)
        tree[run_count + i] = key_of(ops, runs, i);
    for (size_t node = run_count - 1; node > 0; node--)
        tree[node] = tree[2 * node] < tree[2 * node + 1] ? tree[2 * node] : tree[2 * node + 1];
    axc_unsigned_wide first = tree[1];
    for (size_t node = 1; node < run_count; node++) /* from now on the larger one */
        tree[node] = tree[2 * node] < tree[2 * node + 1] ? tree[2 * node + 1] : tree[2 * node];
    for (size_t i = 0; i < count; i++) {
        size_t run = (uint32_t)first;
        out[i] = ops[runs[run].at++];
        first = key_of(ops, runs, run);
        for (size_t node = (run_count + run) / 2; node > 0; node /= 2) {
            axc_unsigned_wide loser = tree[node];
            bool smaller = loser < first;
            tree[node] = smaller ? first : loser;
            first = smaller ? loser : first;
        }
    }
}

bool axc_sort(struct axc_op *ops, size_t count)
{
    size_t run_count = 0;
    for (size_t at = 0; at < count; at = run_end(ops, count, at))
        run_count++;
    if (run_count < 2)
        return true;
    struct run *runs = axc_alloc(run_count * sizeof *runs);
    axc_unsigned_wide *tree = axc_alloc(2 * run_count * sizeof *tree);
    struct axc_op *sorted = axc_alloc(count * sizeof *sorted);
    bool room = runs != NULL && tree != NULL && sorted != NULL;
    if (room) {
        for (size_t at = 0, i = 0; at < count; at = runs[i++].end)
            runs[i] = (struct run){.at = at, .end = run_end(ops, count, at)};
        merge(ops, count, runs, run_count, tree, sorted);
        memcpy(ops, sorted, count * sizeof *ops);
    }
    axc_free(runs);
    axc_free(tree);
    axc_free(sorted);
    return room;
}

/* SPDX-License-Identifier: MIT */
/* sort.c: all runs are merged at once, so that an operation is moved once. */
#include "sort.h"

#include <string.h>

#include "../budget.h"
#include "losers.h"

struct run {
    size_t at, end; /* its next operation, and where it ends */
};

/* The next operation of a run: by invocation, then by number. */
static axc_unsigned_wide key_of(const struct axc_op *ops, const struct run *runs, size_t run)
{
    if (runs[run].at == runs[run].end)
        return AXC_LOSERS_NONE;
    const struct axc_op *op = &ops[runs[run].at];
    return axc_losers_key(op->invoked, op->order, (uint32_t)run);
}

/* Where the run that begins at `at` ends. */
static size_t run_end(const struct axc_op *ops, size_t count, size_t at)
{
    do
        at++;
    while (at < count && !axc_by_invocation(&ops[at], &ops[at - 1]));
    return at;
}

/* `tree` has room for two keys per run. */
static void merge(const struct axc_op *ops, size_t count, struct run *runs, size_t run_count, axc_unsigned_wide *tree, struct axc_op *out)
{
    for (size_t i = 0; i < run_count; i++)
        tree[run_count + i] = key_of(ops, runs, i);
    axc_unsigned_wide first = axc_losers_begin(tree, run_count);
    for (size_t i = 0; i < count; i++) {
        size_t run = (uint32_t)first;
        out[i] = ops[runs[run].at++];
        first = axc_losers_next(tree, run_count, run, key_of(ops, runs, run));
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

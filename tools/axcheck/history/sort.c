/* SPDX-License-Identifier: MIT */
#include "sort.h"

#include <string.h>

#include "../budget.h"

struct sorter {
    struct axc_op *from, *to;
    size_t count;
};

/* Where the run that begins at `at` ends. */
static size_t run_end(const struct sorter *s, size_t at)
{
    do
        at++;
    while (at < s->count && !axc_by_invocation(&s->from[at], &s->from[at - 1]));
    return at;
}

static void merge(const struct sorter *s, size_t left, size_t middle, size_t end)
{
    size_t right = middle, out = left;
    while (left < middle && right < end)
        s->to[out++] = axc_by_invocation(&s->from[right], &s->from[left]) ? s->from[right++] : s->from[left++];
    memcpy(&s->to[out], &s->from[left], (middle - left) * sizeof *s->to);
    out += middle - left;
    memcpy(&s->to[out], &s->from[right], (end - right) * sizeof *s->to);
}

/* Merges neighbouring runs in pairs; says how many there were. */
static size_t pass(const struct sorter *s)
{
    size_t runs = 0;
    for (size_t at = 0; at < s->count;) {
        size_t middle = run_end(s, at), end = middle < s->count ? run_end(s, middle) : middle;
        runs += end > middle ? 2 : 1;
        merge(s, at, middle, end);
        at = end;
    }
    return runs;
}

bool axc_sort(struct axc_op *ops, size_t count)
{
    struct sorter s = {.from = ops, .count = count};
    if (count == 0 || run_end(&s, 0) == count)
        return true;
    struct axc_op *scratch = axc_alloc(count * sizeof *scratch);
    if (scratch == NULL)
        return false;
    s.to = scratch;
    while (pass(&s) > 1) {
        struct axc_op *swap = s.from;
        s.from = s.to;
        s.to = swap;
    }
    /* The last pass found one run in `from` and copied it to `to`: both hold the result. */
    axc_free(scratch);
    return true;
}

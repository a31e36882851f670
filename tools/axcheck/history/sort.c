/* SPDX-License-Identifier: MIT */
#include "sort.h"

#include <string.h>

#include "../budget.h"

bool axc_by_invocation(const struct axc_history *history, const struct axc_op *a, const struct axc_op *b)
{
    (void)history;
    return a->invoked != b->invoked ? a->invoked < b->invoked : a->order < b->order;
}

bool axc_by_process(const struct axc_history *history, const struct axc_op *a, const struct axc_op *b)
{
    (void)history;
    return a->process != b->process ? a->process < b->process : a->order < b->order;
}

bool axc_by_key(const struct axc_history *history, const struct axc_op *a, const struct axc_op *b)
{
    int64_t left = axc_values(history, a)[0], right = axc_values(history, b)[0];
    return left != right ? left < right : axc_by_invocation(history, a, b);
}

struct sorter {
    const struct axc_history *history;
    axc_before *before;
    struct axc_op *from, *to;
    size_t count;
};

/* Where the run that begins at `at` ends. */
static size_t run_end(const struct sorter *s, size_t at)
{
    do
        at++;
    while (at < s->count && !s->before(s->history, &s->from[at], &s->from[at - 1]));
    return at;
}

static void merge(const struct sorter *s, size_t left, size_t middle, size_t end)
{
    size_t right = middle, out = left;
    while (left < middle && right < end)
        s->to[out++] = s->before(s->history, &s->from[right], &s->from[left]) ? s->from[right++] : s->from[left++];
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

bool axc_sort(const struct axc_history *history, struct axc_op *ops, size_t count, axc_before *before)
{
    struct sorter s = {.history = history, .before = before, .from = ops, .count = count};
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

/* SPDX-License-Identifier: MIT */
/**
 * fast_set.c: one key of a set. What changes it goes in and out by turns, and one that puts it in is as good as
 * any other; all others say that it was in, or out, at some moment. So nothing is done before something must be,
 * and what is done then is what could have waited least. docs/histories.md shows that this finds an order if
 * there is one.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "../budget.h"
#include "fast.h"
#include "heap.h"
#include "model.h"

enum { OUT, IN };

struct moment {
    uint64_t time;
    uint32_t op;
};

struct judge {
    const struct axc_part *part;
    uint64_t narrow;
    struct moment *asked, *due; /* the operations by their invocation, and by their answer */
    size_t count;
    uint32_t *rank;             /* by operation: its place in `due` */
    bool *happened;             /* by operation that changes something */
    uint32_t *waiting[2];       /* ranks of those that were invoked and have not happened: they find it out, or in */
    size_t waiting_count[2];
    int now;                    /* OUT or IN */
    uint64_t last[2];           /* when it last was so and then changed; 0: never */
    struct axc_fast *fast;
};

/* What an operation finds, and whether it changes that. Of what was not answered only changes count. */
static bool says(const struct judge *j, uint32_t op, int *found, bool *changes)
{
    const struct axc_op *of = &j->part->ops[op];
    bool open = of->responded == AXC_PENDING, adds = of->verb == SET_ADD, asks = of->verb == SET_CONTAINS;
    bool told = of->results > 0 && axc_values(j->part->history, of)[1] != 0;
    *changes = !asks && (open || told);
    *found = asks ? told : adds != *changes; /* an addition that changes it finds it out, a removal in */
    return !asks || of->results > 0;
}

static int by_time(const void *left, const void *right)
{
    const struct moment *a = left, *b = right;
    return a->time != b->time ? (a->time < b->time ? -1 : 1) : a->op < b->op ? -1 : a->op > b->op;
}

/* False: somebody did not look whether it changed anything. */
static bool collect(struct judge *j)
{
    for (uint32_t i = 0; i < j->part->count; i++) {
        const struct axc_op *op = &j->part->ops[i];
        int found;
        bool changes;
        if (!says(j, i, &found, &changes))
            continue;
        if (op->results == 0 && op->responded != AXC_PENDING)
            return false;
        j->asked[j->count] = (struct moment){axc_fast_invoked(j->part, j->narrow, i), i};
        j->due[j->count++] = (struct moment){axc_fast_answered(j->part, j->narrow, i), i};
    }
    if (j->count > 0) {
        qsort(j->asked, j->count, sizeof *j->asked, by_time);
        qsort(j->due, j->count, sizeof *j->due, by_time);
    }
    for (uint32_t i = 0; i < j->count; i++)
        j->rank[j->due[i].op] = i;
    return true;
}

/* The change that can wait least. False: nothing can change it. */
static bool change(struct judge *j, uint64_t time)
{
    if (j->waiting_count[j->now] == 0)
        return false;
    j->happened[j->due[axc_heap_pop(j->waiting[j->now], &j->waiting_count[j->now])].op] = true;
    j->last[j->now] = time;
    j->now = !j->now;
    return true;
}

static bool in_turns(struct judge *j)
{
    size_t next = 0;
    for (size_t i = 0; i < j->count && j->due[i].time != UINT64_MAX; i++) {
        uint64_t time = j->due[i].time;
        uint32_t op = j->due[i].op;
        int found;
        bool changes;
        for (; next < j->count && j->asked[next].time <= time; next++)
            if (says(j, j->asked[next].op, &found, &changes) && changes)
                axc_heap_push(j->waiting[found], &j->waiting_count[found], j->rank[j->asked[next].op]);
        if (j->happened[op])
            continue;
        (void)says(j, op, &found, &changes);
        if (!changes && j->last[found] >= axc_fast_invoked(j->part, j->narrow, op))
            continue;
        if (j->now != found && !change(j, time))
            return axc_fast_wrong(j->part, j->fast, NULL, 0, "process %" PRIu32 " found %" PRId64 " %s, which it can't have been by then", j->part->ops[op].process,
                                  j->part->key, found == IN ? "in" : "out");
        if (changes)
            (void)change(j, time); /* of those that find it so, this one can wait least */
    }
    return true;
}

static enum axc_finding judge(const struct axc_part *part, uint64_t narrow, struct axc_fast *fast)
{
    struct judge j = {.part = part, .narrow = narrow, .now = part->start[0] != 0 ? IN : OUT, .fast = fast};
    size_t room = part->count + 1;
    fast->rule = "by turns";
    j.asked = axc_alloc(room * sizeof *j.asked);
    j.due = axc_alloc(room * sizeof *j.due);
    j.rank = axc_alloc(room * sizeof *j.rank);
    j.happened = axc_zeroed(room, sizeof *j.happened);
    j.waiting[OUT] = axc_alloc(room * sizeof *j.waiting[OUT]);
    j.waiting[IN] = axc_alloc(room * sizeof *j.waiting[IN]);
    enum axc_finding answer = AXC_NOT_MINE;
    if (j.asked != NULL && j.due != NULL && j.rank != NULL && j.happened != NULL && j.waiting[OUT] != NULL && j.waiting[IN] != NULL && collect(&j))
        answer = in_turns(&j) ? AXC_RIGHT : AXC_WRONG;
    axc_free(j.asked);
    axc_free(j.due);
    axc_free(j.rank);
    axc_free(j.happened);
    axc_free(j.waiting[OUT]);
    axc_free(j.waiting[IN]);
    return answer;
}

bool axc_fast_set(const struct axc_part *part, struct axc_fast *fast)
{
    return axc_fast_value_by_value(part, judge, fast);
}

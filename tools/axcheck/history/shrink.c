/* SPDX-License-Identifier: MIT */
/**
 * shrink.c: makes a failing part smaller. Three things may be done to a history without turning a right one
 * into a wrong one: cutting it off at a moment (what was then running becomes unanswered), leaving out
 * what changed nothing, and replacing what was answered before a moment by everything it can have led
 * to. Leaving out anything else might be what makes it fail.
 */
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "explain.h"

struct shrinker {
    struct axc_shrunk *shrunk;
    struct axc_op *scratch, *trial;
    uint64_t allowance;
    size_t shown;
};

static bool was_running(const struct axc_shrunk *shrunk, const struct axc_op *op, size_t *which)
{
    for (*which = 0; *which < shrunk->running; (*which)++)
        if (shrunk->was_running[*which] == op->order)
            return true;
    return false;
}

/* Whether these operations fail from everything the beginning can have led to. */
static bool fails(struct shrinker *shrinker, const struct axc_op *ops, size_t count)
{
    const struct axc_shrunk *shrunk = shrinker->shrunk;
    struct axc_part part = shrunk->part;
    struct axc_search_stats stats;
    if (shrunk->ends.count == 0) {
        part.ops = (struct axc_op *)(uintptr_t)ops;
        part.count = count;
        return axc_search(&part, &shrinker->allowance, &stats) == AXC_NO;
    }
    part.ops = shrinker->trial;
    for (size_t i = 0; i < shrunk->ends.count; i++) {
        const struct axc_end *end = &shrunk->ends.ends[i];
        part.start = axc_state_words(&shrunk->states, end->state, &part.start_words);
        part.count = 0;
        for (size_t j = 0; j < count; j++) {
            size_t which;
            if (!was_running(shrunk, &ops[j], &which) || (end->happened >> which & 1) == 0)
                part.ops[part.count++] = ops[j];
        }
        if (part.count == 0 || axc_search(&part, &shrinker->allowance, &stats) != AXC_NO)
            return false;
    }
    return true;
}

/* What had happened by this moment, into `out`. With `keep`, what was running keeps the results it got later. */
static size_t cut(const struct axc_part *part, uint64_t moment, struct axc_op *out, bool keep)
{
    size_t count = 0;
    for (size_t i = 0; i < part->count && part->ops[i].invoked <= moment; i++) {
        out[count] = part->ops[i];
        if (out[count].responded > moment) {
            out[count].responded = AXC_PENDING;
            out[count].results = keep ? out[count].results : 0;
        }
        count++;
    }
    return count;
}

static int compare_times(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* The earliest answer with which it is already wrong: once wrong, later moments stay wrong. Nothing invoked after
 * the horizon was looked at, so that it is wrong by the time all that was invoked by then is answered; from
 * there, back in growing steps. */
static bool shorten(struct shrinker *shrinker, uint64_t horizon)
{
    struct axc_part *part = &shrinker->shrunk->part;
    uint64_t *times = axc_alloc((part->count + 1) * sizeof *times);
    if (times == NULL)
        return false;
    size_t count = 0;
    uint64_t latest = 0;
    for (size_t i = 0; i < part->count; i++) {
        if (part->ops[i].responded == AXC_PENDING)
            continue;
        times[count++] = part->ops[i].responded;
        if (part->ops[i].invoked <= horizon && part->ops[i].responded > latest)
            latest = part->ops[i].responded;
    }
    qsort(times, count, sizeof *times, compare_times);
    size_t high = count; /* wrong at times[high - 1], for which `latest` is a bound */
    while (high > 1 && times[high - 2] >= latest)
        high--;
    if (high < count && !fails(shrinker, shrinker->scratch, cut(part, times[high - 1], shrinker->scratch, false)))
        high = count;
    size_t low = high - 1, stride = 1; /* not wrong before times[low] is known, or low is 0 */
    bool found = false;
    while (!found && low > 0) {
        size_t at = low > stride ? low - stride : 0;
        size_t n = cut(part, times[at], shrinker->scratch, false);
        if (fails(shrinker, shrinker->scratch, n)) {
            high = at + 1;
            low = at;
            stride *= 2;
        } else {
            low = at + 1;
            found = true;
        }
    }
    while (low + 1 < high) {
        size_t middle = low + (high - 1 - low) / 2;
        size_t n = cut(part, times[middle], shrinker->scratch, false);
        if (fails(shrinker, shrinker->scratch, n))
            high = middle + 1;
        else
            low = middle + 1;
    }
    part->count = cut(part, times[high - 1], shrinker->scratch, false);
    memcpy(part->ops, shrinker->scratch, part->count * sizeof *part->ops);
    axc_free(times);
    return true;
}

/* Replaces what was answered by this moment. Only if what remains still fails, which it does unless there are
 * too many possibilities to hold. */
static bool replace_until(struct shrinker *shrinker, uint64_t moment)
{
    struct axc_shrunk *shrunk = shrinker->shrunk;
    struct axc_part beginning = shrunk->part;
    struct axc_search_stats stats;
    beginning.ops = shrinker->scratch;
    beginning.count = cut(&shrunk->part, moment, shrinker->scratch, true);
    axc_states_free(&shrunk->states);
    shrunk->ends = (struct axc_ends){.states = &shrunk->states};
    shrunk->running = 0;
    if (beginning.count == 0 || axc_search_ends(&beginning, &shrinker->allowance, &stats, &shrunk->ends) != AXC_NO ||
        shrunk->ends.overflow || shrunk->ends.count == 0) {
        shrunk->ends.count = 0;
        return false;
    }
    size_t running = 0, kept = 0;
    for (size_t i = 0; i < beginning.count; i++)
        running += beginning.ops[i].responded == AXC_PENDING ? 1 : 0;
    shrunk->was_running = axc_alloc((running + 1) * sizeof *shrunk->was_running);
    if (shrunk->was_running == NULL) {
        shrunk->ends.count = 0;
        return false;
    }
    for (size_t i = 0; i < beginning.count; i++) {
        const struct axc_op *op = &beginning.ops[i];
        bool reads = shrunk->part.history->model->verbs[op->verb].idle == AXC_READS && op->results == 0;
        if (op->responded == AXC_PENDING && !reads)
            shrunk->was_running[shrunk->running++] = op->order;
    }
    for (size_t i = 0; i < shrunk->part.count; i++)
        if (shrunk->part.ops[i].responded > moment)
            shrinker->scratch[kept++] = shrunk->part.ops[i];
    if (kept > 0 && fails(shrinker, shrinker->scratch, kept)) {
        shrunk->replaced = shrunk->part.count - kept;
        shrunk->part.count = kept;
        memcpy(shrunk->part.ops, shrinker->scratch, kept * sizeof *shrinker->scratch);
        return true;
    }
    axc_free(shrunk->was_running);
    shrunk->was_running = NULL;
    shrunk->running = shrunk->ends.count = 0;
    return false;
}

/* The beginning is what was answered before the operation that no order got past was invoked: some order
 * got that far, so that there is something it leads to. A short history is shown as it is. */
static void replace_beginning(struct shrinker *shrinker, size_t stuck)
{
    const struct axc_part *part = &shrinker->shrunk->part;
    if (part->count > shrinker->shown && part->ops[stuck].invoked > 0)
        replace_until(shrinker, part->ops[stuck].invoked - 1);
}

/* Leaves out idle operations, in large groups first; in a long history no group is smaller than a part in 64. */
static void leave_out_idle(struct shrinker *shrinker)
{
    struct axc_part *part = &shrinker->shrunk->part;
    size_t before = part->count;
    for (size_t group = part->count; group > part->count / 64; group /= 2) {
        for (size_t begin = 0; begin < part->count; begin += group) {
            size_t count = 0;
            for (size_t i = 0; i < part->count; i++)
                if (i < begin || i - begin >= group || !axc_changed_nothing(part->history, &part->ops[i]))
                    shrinker->scratch[count++] = part->ops[i];
            if (count > 0 && count < part->count && fails(shrinker, shrinker->scratch, count)) {
                memcpy(part->ops, shrinker->scratch, count * sizeof *part->ops);
                part->count = count;
            }
        }
    }
    shrinker->shrunk->left_out = before - part->count;
}

bool axc_shrink(const struct axc_part *part, const struct axc_search_stats *failed, size_t shown, struct axc_shrunk *shrunk)
{
    *shrunk = (struct axc_shrunk){.part = *part};
    struct shrinker shrinker = {.shrunk = shrunk, .shown = shown, .allowance = failed->steps * 20 + 100000};
    size_t size = (part->count + 1) * sizeof *part->ops;
    shrunk->part.ops = axc_alloc(size);
    shrinker.scratch = axc_alloc(size);
    shrinker.trial = axc_alloc(size);
    /* Explaining may cost some times what finding out did, and no more. */
    bool ready = shrunk->part.ops != NULL && shrinker.scratch != NULL && shrinker.trial != NULL;
    if (ready) {
        memcpy(shrunk->part.ops, part->ops, part->count * sizeof *part->ops);
        replace_beginning(&shrinker, failed->stuck);
        ready = shorten(&shrinker, failed->horizon);
    }
    if (ready) {
        leave_out_idle(&shrinker);
    }
    axc_free(shrinker.scratch);
    axc_free(shrinker.trial);
    return ready;
}

void axc_shrunk_free(struct axc_shrunk *shrunk)
{
    axc_free(shrunk->part.ops);
    axc_free(shrunk->was_running);
    axc_states_free(&shrunk->states);
}

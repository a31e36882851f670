/* SPDX-License-Identifier: MIT */
/* Makes a violation easier to read before it is reported: looks for an execution that is violated in the same
 * way at the same place, with fewer threads at work, fewer events, fewer changes from thread to thread, and fewer
 * values that are not the newest, in this order of importance.
 *
 * Executions are changed as replay tokens (token.c): steps are taken out, made plainer or moved together, and
 * where a token says nothing the threads run one after the other. Delta debugging (Zeller and Hildebrandt, IEEE
 * TSE 2002) says in which portions to take out. What is reported has been replayed from its own token. */
#include "axm.h"

#include <stdio.h>
#include <string.h>

enum { MOST_RUNS = 4000, TEXT = 1 << 16 };

struct measure {
    unsigned threads, events, changes, deviations;
};

static AXM_STATE struct axm_step best[AXM_EVENTS], trial[AXM_EVENTS];
static AXM_STATE unsigned best_count;
static AXM_STATE bool any;
static AXM_STATE struct measure best_measure;
static AXM_STATE char text[TEXT];
static AXM_STATE uint8_t verdict;
static AXM_STATE uintptr_t place;
static AXM_STATE unsigned runs;

static bool less(const struct measure *a, const struct measure *b)
{
    if (a->threads != b->threads)
        return a->threads < b->threads;
    if (a->events != b->events)
        return a->events < b->events;
    if (a->changes != b->changes)
        return a->changes < b->changes;
    return a->deviations < b->deviations;
}

static struct measure measure_of(const struct axm_graph *g, const struct axm_step *steps, unsigned count)
{
    struct measure m = {0, g->n, 0, 0};
    for (unsigned t = 0; t < AXM_THREADS; t++)
        m.threads += g->count[t] != 0;
    for (uint16_t i = 1; i < g->n; i++)
        m.changes += g->ev[i].tid != g->ev[i - 1].tid;
    for (unsigned i = 0; i < count; i++)
        m.deviations += (unsigned)(steps[i].back + steps[i].choice + steps[i].spurious + steps[i].eventless);
    return m;
}

/* Runs these steps; true when that ends in the violation that is looked for. */
static bool shows_it(const struct axm_step *steps, unsigned count)
{
    runs++;
    axm_token_set(steps, count);
    axm_graph_clear(axm.g);
    axm_random_begin(1, 0);
    axm_token_begin();
    return axm_execute(false) && axm.verdict == verdict && axm.pc1 == place;
}

static bool stop(void) { return runs >= MOST_RUNS || axm.stalled; }

/* Takes these steps for the best ones if they are better, by way of the token that would be reported. */
static bool try(const struct axm_step *steps, unsigned count)
{
    if (stop() || !shows_it(steps, count))
        return false;
    axm_token_make(text, sizeof text);
    if (axm_token_parse(text) != 0)
        return false;
    count = axm_token_get(trial);
    if (!shows_it(trial, count))
        return false;
    struct measure m = measure_of(axm.g, trial, count);
    if (any && !less(&m, &best_measure))
        return false;
    any = true;
    memcpy(best, trial, count * sizeof best[0]);
    best_count = count;
    best_measure = m;
    return true;
}

static bool try_without_thread(uint8_t tid)
{
    unsigned n = 0;
    for (unsigned i = 0; i < best_count; i++)
        if (best[i].tid != tid)
            trial[n++] = best[i];
    return n != best_count && try(trial, n);
}

static bool try_without(unsigned from, unsigned n)
{
    memcpy(trial, best, from * sizeof trial[0]);
    memcpy(&trial[from], &best[from + n], (best_count - from - n) * sizeof trial[0]);
    return try(trial, best_count - n);
}

static bool try_plainer(unsigned i)
{
    struct axm_step plain = {.tid = best[i].tid, .eventless = best[i].eventless};
    if (best[i].back == 0 && best[i].choice == 0 && !best[i].spurious)
        return false;
    memcpy(trial, best, best_count * sizeof trial[0]);
    trial[i] = plain;
    if (try(trial, best_count))
        return true;
    memcpy(trial, best, best_count * sizeof trial[0]);
    if (trial[i].back < 2)
        return false;
    trial[i].back--;
    return try(trial, best_count);
}

/* The next step of the same thread follows directly. */
static bool try_together(unsigned i)
{
    unsigned j = i + 1;
    if (j == best_count || best[j].tid == best[i].tid)
        return false;
    while (j < best_count && best[j].tid != best[i].tid)
        j++;
    if (j == best_count)
        return false;
    memcpy(trial, best, best_count * sizeof trial[0]);
    struct axm_step moved = trial[j];
    memmove(&trial[i + 2], &trial[i + 1], (j - i - 1) * sizeof trial[0]);
    trial[i + 1] = moved;
    return try(trial, best_count);
}

static void shrink(void)
{
    bool better;
    do {
        better = false;
        for (uint8_t t = 0; t < axm.tids; t++)
            better = try_without_thread(t) || better;
        for (unsigned n = best_count / 2; n != 0 && !stop(); n /= 2)
            for (unsigned i = 0; i + n <= best_count && !stop();)
                if (try_without(i, n))
                    better = true;
                else
                    i += n;
        for (unsigned i = 0; i < best_count && !stop(); i++) {
            better = try_plainer(i) || better;
            better = (i < best_count && try_together(i)) || better;
        }
    } while (better && !stop());
}

/* Reports the violation in which the search has just ended, smaller where that can be had. */
void axm_report(const char *test)
{
    static AXM_STATE struct axm kept;
    bool ours = axm.verdict == AXM_LIMIT || axm.verdict == AXM_UNSUPPORTED || axm.verdict == AXM_DIVERGED;
    if (!axm.opt.shrink || ours || axm.stalled || axm.opt.mode == AXM_REPLAY) {
        axm_print_violation(test);
        return;
    }
    axm_token_make(text, sizeof text);
    kept = axm;
    verdict = axm.verdict;
    place = axm.pc1;
    runs = best_count = 0;
    any = false;
    axm.g = axm_graph_new();
    axm.opt.mode = AXM_REPLAY;
    axm.shrinking = true;
    if (axm.opt.events > 2u * kept.g->n + 64)
        axm.opt.events = 2u * kept.g->n + 64;
    if (axm_token_parse(text) == 0 && try(trial, axm_token_get(trial))) {
        shrink();
        if (!axm.stalled && shows_it(best, best_count)) {
            axm_print_violation(test);
            test = NULL;
        }
    }
    axm_graph_free(axm.g);
    axm = kept;
    if (test != NULL)
        axm_print_violation(test);
}

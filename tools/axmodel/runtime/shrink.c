/* SPDX-License-Identifier: MIT */
/* Makes a violation easier to read before it is reported: looks for an execution that is violated in the same
 * way at the same place, with fewer threads at work, fewer events, fewer changes from thread to thread, and fewer
 * values that are not the newest, in this order of importance.
 *
 * Executions are changed as replay tokens (token.c): steps are taken out, made plainer or moved together, and
 * where a token says nothing the threads run one after the other. Delta debugging (Zeller and Hildebrandt, IEEE
 * TSE 2002) says in which portions to take out.
 *
 * What is reported has been replayed from the token that is reported with it, to the last word, with two exceptions. A
 * report that no replay gave again says so: the test looks at a clock or at numbers without a seed, or a thread runs more
 * often without an event than a token can say (RUNS in token.c). And nothing is replayed where the runtime itself gave
 * up (`ours` in axm_report; no token is told) or a thread ran for seconds without an event, as the replay would. */
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
static AXM_STATE uintptr_t place, other_place;
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

/* Runs these steps; true when that ends in a violation of the kind that is looked for. */
static bool is_violated(const struct axm_step *steps, unsigned count)
{
    axm_token_set(steps, count);
    axm_graph_clear(axm.g);
    axm_random_begin(1, 0);
    axm_token_begin();
    return axm_execute(false) && axm.verdict == verdict;
}

/* The same, at the place that is looked for, or at the two of them. Which of those is the first may depend on which
 * threads come by them. */
static bool shows_it(const struct axm_step *steps, unsigned count)
{
    runs++;
    return is_violated(steps, count) && ((axm.pc1 == place && axm.pc2 == other_place) ||
                                         (axm.pc1 == other_place && axm.pc2 == place));
}

static bool stop(void) { return runs >= MOST_RUNS || axm.stalled; }

/* Takes these steps for the best ones if they are better, by way of the token that would be reported. */
static bool try(const struct axm_step *steps, unsigned count)
{
    if (stop() || !shows_it(steps, count))
        return false;
    axm_token_make(text, sizeof text, false);
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

/* The outermost function has no caller that is told. */
static bool same_callers(const struct axm *a, const struct axm *b)
{
    if (a->depth <= 1 && b->depth <= 1)
        return true;
    return a->caught == b->caught && a->depth == b->depth && memcmp(a->calls, b->calls, a->depth * sizeof a->calls[0]) == 0;
}

/* Whether the report on a would be that on b. */
static bool same_report(const struct axm *a, const struct axm *b)
{
    return a->verdict == b->verdict && strcmp(a->message, b->message) == 0 && a->pc1 == b->pc1 && a->pc2 == b->pc2 &&
           a->tid1 == b->tid1 && a->tid2 == b->tid2 && same_callers(a, b);
}

/* Reports the replay in which a violation was seen, if it comes back from this token, as a user will hand it in. */
static bool report_from(const char *token, const char *test)
{
    static AXM_STATE struct axm seen;
    seen = axm;
    axm.g = axm_graph_new();
    axm.shrinking = true;
    axm.lenient = false;
    verdict = seen.verdict;
    bool same = axm_token_parse(token) == 0 && is_violated(trial, axm_token_get(trial)) && same_report(&axm, &seen);
    if (same) {
        axm_token_make(text, sizeof text, false);
        same = strcmp(text, token) == 0;
    }
    if (same)
        axm_print_violation(test, token);
    axm_graph_free(axm.g);
    axm = seen;
    return same;
}

static void report_unconfirmed(const char *test, const char *token)
{
    axm_print_violation(test, token);
    fputs("  (no replay of this token has confirmed this report)\n", stderr);
}

/* Reports the replay in which a violation was seen. Which of several races comes to light first, say, may depend on the
 * order of plain accesses, which are no events; mostly it does not, and the token can do without. */
static void report_replay(const char *test)
{
    static AXM_STATE char brief[TEXT], whole[TEXT];
    axm_token_make(brief, sizeof brief, false);
    axm_token_make(whole, sizeof whole, true);
    if (!report_from(brief, test) && !report_from(whole, test))
        report_unconfirmed(test, whole);
}

/* The violation in which a search has ended, as a replay of its token shows it, and smaller where that is asked for and
 * can be had; false when its token does not lead to it. */
static bool report_search(const char *token, const char *test)
{
    runs = best_count = 0;
    any = false;
    if (axm_token_parse(token) != 0 || !is_violated(trial, axm_token_get(trial)))
        return false;
    place = axm.pc1;
    other_place = axm.pc2;
    if (!try(trial, axm_token_get(trial)))
        return false;
    if (axm.opt.shrink)
        shrink();
    if (axm.stalled || !shows_it(best, best_count))
        return false;
    report_replay(test);
    return true;
}

/* Reports the violation in which the search, or the replay, has just ended. */
void axm_report(const char *test)
{
    static AXM_STATE char found[TEXT];
    static AXM_STATE struct axm kept;
    bool ours = axm.verdict == AXM_LIMIT || axm.verdict == AXM_UNSUPPORTED || axm.verdict == AXM_DIVERGED;
    axm_token_make(found, sizeof found, axm.opt.mode != AXM_REPLAY);
    if (ours || axm.stalled) {
        axm_print_violation(test, found);
        return;
    }
    if (axm.opt.mode == AXM_REPLAY) {
        report_replay(test);
        return;
    }
    kept = axm;
    verdict = axm.verdict;
    axm.g = axm_graph_new();
    axm.opt.mode = AXM_REPLAY;
    axm.shrinking = axm.lenient = true;
    if (axm.opt.events > 2u * kept.g->n + 64)
        axm.opt.events = 2u * kept.g->n + 64;
    bool reported = report_search(found, test);
    axm_graph_free(axm.g);
    axm = kept;
    if (!reported)
        report_unconfirmed(test, found);
}

/* SPDX-License-Identifier: MIT */
/* Replay tokens: an execution as the list of its deviations from the plainest one.
 *
 *     A3B-1C~A=2      A..P       the thread that makes the next event
 *                     3          ... and the next three
 *                     -1         ... with the source or the place one step older than the newest
 *                     ~          ... a weak compare-exchange failing spuriously, a wait timing out
 *                     =2         ... a choice with this result
 *                     a..p       the thread that runs up to its next event and stops there: where it matters who
 *                                makes a plain access first, which is no event
 */
#include "axm.h"

#include "atomicx/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static AXM_STATE struct axm_step steps[AXM_EVENTS];
static AXM_STATE unsigned count, at;
static AXM_STATE struct axm_step now;

/* The eventless runs of this directed execution, before which event each was, and whether a step asked for it. */
enum { RUNS = 4096 };
static AXM_STATE struct {
    uint16_t before;
    uint8_t tid;
    bool asked;
} runs[RUNS];
static AXM_STATE unsigned run_count;
static AXM_STATE uint16_t began; /* events when the running thread was let go */
static AXM_STATE bool moves;     /* it had something to do before its next event */

/* A number of at most `most`, at least one digit of it. */
static bool digits(const char **p, unsigned most, unsigned *out)
{
    unsigned n = 0;
    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; ++*p) {
        n = n * 10 + (unsigned)(**p - '0');
        if (n > most)
            return false;
    }
    *out = n;
    return true;
}

/* The letter of a step and what follows it; how often the step comes. */
static bool parse_step(const char **p, struct axm_step *s, unsigned *repeat)
{
    unsigned back = 0, choice = 0;
    *repeat = 1;
    s->eventless = **p >= 'a' && **p < 'a' + AXM_THREADS;
    if (!s->eventless && (**p < 'A' || **p >= 'A' + AXM_THREADS))
        return false;
    s->tid = (uint8_t)(*(*p)++ - (s->eventless ? 'a' : 'A'));
    if (s->eventless)
        return true;
    if (**p >= '0' && **p <= '9')
        return digits(p, AXM_EVENTS, repeat) && *repeat != 0;
    if (**p == '-' && (++*p, !digits(p, AXM_EVENTS, &back)))
        return false;
    if (**p == '=' && (++*p, !digits(p, UINT16_MAX, &choice)))
        return false;
    s->spurious = **p == '~';
    *p += s->spurious;
    s->back = (uint16_t)back;
    s->choice = (uint16_t)choice;
    return true;
}

/* 0, or the place in the text, counted from 1, at which it stops to be a token. */
size_t axm_token_parse(const char *text)
{
    const char *p = text;
    count = 0;
    do {
        struct axm_step s = {0};
        const char *start = p;
        unsigned repeat;
        if (!parse_step(&p, &s, &repeat))
            return (size_t)(p - text) + 1;
        if (repeat > AXM_EVENTS - count)
            return (size_t)(start - text) + 1;
        for (; repeat != 0; repeat--)
            steps[count++] = s;
    } while (*p != '\0');
    return 0;
}

void axm_token_set(const struct axm_step *from, unsigned n)
{
    memcpy(steps, from, n * sizeof steps[0]);
    count = n;
}

unsigned axm_token_get(struct axm_step *to)
{
    memcpy(to, steps, count * sizeof steps[0]);
    return count;
}

/* A token that shrinking has changed is taken as far as it goes; one that somebody hands in is refused when this
 * program has no such execution. */
static bool strict(void) { return axm.opt.mode == AXM_REPLAY && !axm.lenient; }

static void refuse(unsigned step, const char *why) __attribute__((noreturn));
static void refuse(unsigned step, const char *why)
{
    if (axm.shrinking)
        axm_stop(AXM_END_PRUNED); /* nobody has handed it in */
    axm_corrupt("--replay: no execution of %s has this token: step %u, by thread %u, %s", axm.test->name, step + 1,
                steps[step].tid, why);
}

/* The event of the step at hand is made: it had a use for all that the step asks for. */
static void check_used(void)
{
    if (!strict() || at == 0)
        return;
    if (now.back != 0)
        axm_token_took(false);
    if (now.choice != 0)
        refuse(at - 1, "makes a choice that is not there");
    if (now.spurious)
        refuse(at - 1, "fails or times out where that cannot be");
}

/* The execution has ended. A violation may come before the token has all been used: the program is another one now. */
void axm_token_end(bool violated)
{
    check_used();
    while (at < count && steps[at].eventless)
        at++;
    if (strict() && !violated && at < count)
        refuse(at, "comes after the end");
}

void axm_token_refuse(void) { refuse(at, "is not what comes next there"); }

void axm_token_begin(void)
{
    memset(&now, 0, sizeof now);
    axm.astray = false;
    at = run_count = 0;
    began = 0;
    moves = true;
}

/* Directed runs: thread f is let go, with its state still saying where it stood. */
void axm_token_resume(const struct axm_fiber *f)
{
    began = axm.g->n;
    moves = f->state != AXM_FRONTIER;
}

/* The next step asks for such a run of the running thread. */
static bool asked_for(void)
{
    return axm.opt.mode == AXM_REPLAY && at < count && steps[at].eventless && steps[at].tid == axm.cur->tid;
}

/* The running thread stops, for good or before an event it will not make now. */
void axm_token_stop(void)
{
    if (!moves || axm.g->n != began)
        return;
    bool asked = asked_for();
    at += asked;
    if (run_count == RUNS)
        return;
    runs[run_count].before = axm.g->n;
    runs[run_count].tid = axm.cur->tid;
    runs[run_count++].asked = asked;
    moves = false;
}

/* Replays: the running thread is before its next event, which it may go on to make. */
void axm_token_arrive(void)
{
    if (asked_for())
        axm_token_stop();
}

/* The thread whose turn it is; when that one cannot run, or the token has nothing to say, the first that can. One that
 * stands before its next event is the last choice: what the others do until they stand there may be what is missing. */
struct axm_fiber *axm_token_pick(unsigned can)
{
    if (at < count && can >> steps[at].tid & 1)
        return axm.fiber[steps[at].tid];
    unsigned moving = can & ~(unsigned)(axm.in[AXM_FRONTIER] | axm.in[AXM_BLOCKED]);
    return axm_lowest(at < count && strict() && moving != 0 ? moving : can);
}

void axm_token_advance(void)
{
    check_used();
    axm.astray = strict() && at < count && (steps[at].tid != axm.cur->tid || steps[at].eventless);
    if (at < count && !axm.astray)
        now = steps[at++];
    else
        memset(&now, 0, sizeof now);
}

/* The running thread has waited, and makes its event only now. */
void axm_token_again(void)
{
    if (strict())
        axm_token_advance();
}

uint64_t axm_token_choice(unsigned alternatives)
{
    if (now.choice >= alternatives)
        return 0;
    uint64_t choice = now.choice;
    now.choice = 0;
    return choice;
}

/* Whether the step fails spuriously or times out; the caller can. */
bool axm_token_spurious(void)
{
    bool spurious = now.spurious;
    now.spurious = false;
    return spurious;
}

/* How many writes older than the newest the source or place of the next event is. */
unsigned axm_token_back(void) { return now.back; }

/* Whether that one could be had. */
void axm_token_took(bool exactly)
{
    if (strict() && !exactly)
        refuse(at - 1, "asks for a value that cannot be read or a place that cannot be taken there");
    now.back = 0;
}

/* The events of the graph in an order in which each comes after its source. */
unsigned axm_linearize(uint16_t *order)
{
    const struct axm_graph *g = axm.g;
    if (axm_directed()) {
        for (uint16_t i = 0; i < g->n; i++)
            order[i] = i;
        return g->n;
    }
    uint16_t next[AXM_THREADS];
    static AXM_STATE bool done[AXM_EVENTS];
    memcpy(next, g->first, sizeof next);
    memset(done, 0, g->n);
    unsigned n = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned t = 0; t < AXM_THREADS; t++) {
            while (next[t] != AXM_NONE) {
                const struct axm_event *e = &g->ev[next[t]];
                if (e->kind == AXM_READ && e->rf != AXM_INIT && e->rf != AXM_NONE && !done[e->rf])
                    break;
                /* Not before what its thread was started or let go by, either. */
                bool early = false;
                for (unsigned u = 0; u < AXM_THREADS && !early; u++)
                    early = u != t && next[u] != AXM_NONE && g->ev[next[u]].idx < e->porf.v[u];
                if (early)
                    break;
                done[next[t]] = true;
                order[n++] = next[t];
                next[t] = e->po_next;
                moved = true;
            }
        }
    }
    return n;
}

/* The eventless run from the given one on that a token has. */
static unsigned next_in_token(unsigned run, bool whole)
{
    while (run < run_count && !whole && !runs[run].asked)
        run++;
    return run;
}

/* The token of the execution that has ended. Of a directed one it may be the whole schedule; else it has those
 * eventless runs which its own token asked for. */
void axm_token_make(char *out, size_t size, bool whole)
{
    static AXM_STATE uint16_t order[AXM_EVENTS];
    static AXM_STATE bool done[AXM_EVENTS];
    const struct axm_graph *g = axm.g;
    bool directed = axm.opt.mode != AXM_EXHAUSTIVE;
    unsigned n = axm_linearize(order), next_run = next_in_token(0, whole);
    size_t used = 0;
    unsigned run = 0;
    int run_tid = -1;
    memset(done, 0, g->n);
    out[0] = '\0';
    for (unsigned k = 0; k <= n; k++) {
        const struct axm_event *e = k < n ? &g->ev[order[k]] : NULL;
        if (e != NULL)
            done[order[k]] = true;
        if (e != NULL && ((e->kind == AXM_READ && e->result == AXM_WAITS) || (e->kind == AXM_WRITE && e->rmw != AXM_NONE)))
            continue;
        unsigned back = 0;
        uint64_t choice = e != NULL && e->kind == AXM_CHOICE ? e->value : 0;
        bool late = e != NULL && e->kind == AXM_CHOICE && e->note == AXM_N_TIMEOUT && e->alternatives == 1;
        bool spurious = late || (e != NULL && e->kind == AXM_READ && e->flags & AXM_SPURIOUS);
        if (e != NULL && e->loc != AXM_NONE) {
            uint16_t from = e->kind == AXM_READ ? e->rf : order[k];
            for (uint16_t w = axm_after(g, e->loc, from); w != AXM_NONE; w = g->ev[w].mo_next)
                back += done[w] && (e->kind != AXM_READ || w != e->rmw);
        }
        bool pause = directed && next_run < run_count && (e == NULL || runs[next_run].before <= order[k]);
        bool plain = e != NULL && back == 0 && choice == 0 && !spurious;
        if (run != 0 && (e == NULL || !plain || pause || e->tid != run_tid)) {
            used += (size_t)snprintf(out + used, size - used, run == 1 ? "%c" : "%c%u", 'A' + run_tid, run);
            run = 0;
        }
        for (; pause && next_run < run_count && (e == NULL || runs[next_run].before <= order[k]);
             next_run = next_in_token(next_run + 1, whole))
            if (used + 32 <= size)
                used += (size_t)snprintf(out + used, size - used, "%c", 'a' + runs[next_run].tid);
        if (e == NULL || used + 32 > size)
            break;
        if (plain) {
            run_tid = e->tid;
            run++;
            continue;
        }
        used += (size_t)snprintf(out + used, size - used, "%c", 'A' + e->tid);
        if (back != 0)
            used += (size_t)snprintf(out + used, size - used, "-%u", back);
        if (choice != 0)
            used += (size_t)snprintf(out + used, size - used, "=%llu", (unsigned long long)choice);
        if (spurious)
            used += (size_t)snprintf(out + used, size - used, "~");
    }
    if (out[0] == '\0')
        snprintf(out, size, "A"); /* nobody has made an event: as good a token as any */
}

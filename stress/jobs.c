/* SPDX-License-Identifier: MIT */
/*
 * Many threads create, get, list, update and delete jobs. No job is ever seen half written; for each id the
 * updates are all there, in the job that is left or in those that were deleted; a list shows one moment.
 */
#include "jobs.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- lists ---- */

struct listing {
    const struct jobs_shared *shared;
    struct jobs_lists *lists;
    uint64_t *known, *shown;
    uint64_t visits;
};

static bool note_job(void *context, const struct job *job)
{
    struct listing *listing = context;
    const struct jobs_shared *shared = listing->shared;
    struct job copy = *job;
    uint64_t pair_ids = 2 * shared->pairs;
    if (!job_whole(&copy)) {
        listing->lists->torn++;
    } else if (copy.id >= shared->keys + pair_ids) {
        listing->lists->strays++;
    } else if (copy.id >= shared->keys) {
        uint64_t i = copy.id - shared->keys;
        listing->lists->twice += listing->shown[i] != JOBS_NOT_SHOWN;
        listing->shown[i] = copy.revision;
    }
    /* a broken store may lead in a circle */
    return ++listing->visits < 100 * (shared->keys + pair_ids);
}

/* Takes a list on behalf of worker `row`, or of observer `row` minus the workers, and looks at the pairs in it. */
static void take_list(const ax_stress_worker *self, struct jobs_lists *lists, size_t row)
{
    const struct jobs_kind *kind = self->run->impl->extra;
    const struct jobs_shared *shared = self->shared;
    size_t pair_ids = 2 * (size_t)shared->pairs;
    struct listing listing = { shared, lists, shared->known + row * pair_ids, shared->shown + row * pair_ids, 0 };
    for (size_t i = 0; i < pair_ids; i++)
        listing.shown[i] = JOBS_NOT_SHOWN;
    kind->list(shared->store, note_job, &listing);
    lists->lists++;
    for (size_t i = 0; i < pair_ids; i++) {
        uint64_t revision = listing.shown[i];
        lists->missed += revision == JOBS_NOT_SHOWN;
        if (revision == JOBS_NOT_SHOWN)
            continue;
        lists->stale += revision < listing.known[i];
        listing.known[i] = revision;
        if (i % 2 == 1 && listing.shown[i - 1] != JOBS_NOT_SHOWN)
            lists->uneven += listing.shown[i - 1] - revision > 1;
    }
}

/* ---- the workers and observers; the jobs of pairs, which are there from the beginning, are in no history ---- */

enum { GOT, CREATED, UPDATED, DELETED };

static const ax_stress_event events[] = {
    [GOT] = { "get", 1, 1 }, [CREATED] = { "insert", 2, 1 }, [UPDATED] = { "update", 2, 1 }, [DELETED] = { "remove", 1, 1 },
};

/* What a caller was given: the job's revision, TORN if it is not whole or another's, which no job's revision ever is, or
 * AX_STRESS_NONE. */
#define TORN (-1)

static int64_t given(bool done, const struct job *job, uint64_t id)
{
    return !done ? AX_STRESS_NONE : job_whole(job) && job->id == id ? (int64_t)job->revision : TORN;
}

static int64_t get(ax_stress_worker *self, uint64_t id)
{
    const struct jobs_kind *kind = self->run->impl->extra;
    const struct jobs_shared *shared = self->shared;
    struct job job;
    uint64_t invoked = ax_stress_invoke(self);
    bool done = kind->get(shared->store, id, &job);
    int64_t revision = given(done, &job, id);
    AX_STRESS_ANSWER(self, invoked, GOT, (int64_t)id, revision);
    return revision;
}

/* What is left. */
static void jobs_finish(ax_stress_worker *self)
{
    for (uint64_t id = 0; id < self->run->keys; id++)
        (void)get(self, id);
}

void jobs_enter(ax_stress_worker *self)
{
    struct jobs_tally *tally = self->tally;
    const struct jobs_shared *shared = self->shared;
    tally->created = calloc(4 * (size_t)shared->keys, sizeof *tally->created);
    if (!tally->created)
        abort();
    tally->updated = tally->created + shared->keys;
    tally->removed = tally->updated + shared->keys;
    tally->dropped = tally->removed + shared->keys;
}

static void step(const ax_stress_worker *self, struct jobs_tally *tally)
{
    const struct jobs_kind *kind = self->run->impl->extra;
    const struct jobs_shared *shared = self->shared;
    uint64_t first = shared->keys + 2 * (uint64_t)self->thread;
    uint64_t *known = shared->known + 2 * shared->pairs * self->thread + 2 * (uint64_t)self->thread;
    if (tally->first == tally->second && kind->update(shared->store, first))
        known[0] = (uint64_t)++tally->first;
    if (tally->first > tally->second && kind->update(shared->store, first + 1))
        known[1] = (uint64_t)++tally->second;
}

void jobs_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const struct jobs_kind *kind = self->run->impl->extra;
    struct jobs_shared *shared = self->shared;
    struct jobs_tally *tally = self->tally;
    struct job job;
    for (uint64_t i = begin; i < end; i++) {
        uint64_t id = ax_stress_key(self), invoked;
        int64_t revision;
        bool done;
        switch (ax_stress_pick(self)) {
        case JOBS_GET:
            tally->torn += get(self, id) == TORN;
            break;
        case JOBS_LIST:
            take_list(self, &tally->lists, self->thread);
            break;
        case JOBS_CREATE:
            invoked = ax_stress_invoke(self);
            done = kind->create(shared->store, id);
            AX_STRESS_ANSWER(self, invoked, CREATED, (int64_t)id, 0, done);
            tally->created[id] += done;
            break;
        case JOBS_UPDATE:
            invoked = ax_stress_invoke(self);
            done = kind->update(shared->store, id);
            AX_STRESS_ANSWER(self, invoked, UPDATED, (int64_t)id, 1, done);
            tally->updated[id] += done;
            break;
        case JOBS_DELETE:
            invoked = ax_stress_invoke(self);
            done = kind->remove(shared->store, id, &job);
            revision = given(done, &job, id);
            AX_STRESS_ANSWER(self, invoked, DELETED, (int64_t)id, revision);
            if (done) {
                tally->removed[id]++;
                tally->torn += revision == TORN;
                tally->dropped[id] = (int64_t)((uint64_t)tally->dropped[id] + job.revision);
            }
            break;
        default:
            step(self, tally);
        }
    }
}

void jobs_observe(ax_stress_worker *self)
{
    take_list(self, self->tally, (size_t)self->run->threads + self->thread);
}

/* ---- the run ---- */

static const char *jobs_check(const ax_stress_run *run)
{
    uint64_t rows = (uint64_t)run->threads + run->observers;
    if (run->keys > (UINT64_C(1) << 26) / run->threads || rows > (UINT64_C(1) << 25) / run->threads)
        return "--keys times --threads, and --threads times itself, must be at most 2^25: every worker keeps a tally "
               "of every job";
    return NULL;
}

static const char *jobs_setup(ax_stress_run *run)
{
    const struct jobs_kind *kind = run->impl->extra;
    struct jobs_shared *shared = calloc(1, sizeof *shared);
    size_t words = 2 * (size_t)run->threads * ((size_t)run->threads + run->observers);
    if (!shared)
        return "no memory";
    run->shared = shared;
    shared->keys = run->keys;
    shared->pairs = run->threads;
    shared->known = calloc(words, sizeof *shared->known);
    shared->shown = calloc(words, sizeof *shared->shown);
    shared->store = kind->make();
    if (!shared->known || !shared->shown || !shared->store)
        return "no memory";
    for (uint64_t i = 0; i < 2 * shared->pairs; i++)
        if (!kind->create(shared->store, shared->keys + i))
            return "the store refuses its first jobs";
    return NULL;
}

static void jobs_teardown(ax_stress_run *run)
{
    const struct jobs_kind *kind = run->impl->extra;
    struct jobs_shared *shared = run->shared;
    for (uint32_t i = 0; i < run->threads; i++)
        free(((struct jobs_tally *)ax_stress_tally(run, i))->created);
    kind->end(shared->store);
    free(shared->known);
    free(shared->shown);
    free(shared);
}

/* ---- what is left, in the order a list shows it ---- */

struct contents {
    uint64_t most, count;
    int64_t *ids, *revisions;
    int64_t torn;
};

static bool note_content(void *context, const struct job *job)
{
    struct contents *c = context;
    c->torn += !job_whole(job);
    c->ids[c->count] = (int64_t)job->id;
    c->revisions[c->count] = (int64_t)job->revision;
    return ++c->count < c->most;
}

/* Room for twice what can be there, so that a job that is there twice is seen, and a circle ends. */
static bool contents_take(const ax_stress_run *run, struct contents *c)
{
    const struct jobs_kind *kind = run->impl->extra;
    struct jobs_shared *shared = run->shared;
    *c = (struct contents){ .most = 2 * (shared->keys + 2 * shared->pairs) };
    c->ids = calloc((size_t)c->most * 2, sizeof *c->ids);
    if (!c->ids)
        return false;
    c->revisions = c->ids + c->most;
    kind->list(shared->store, note_content, c);
    return true;
}

/* Whether each id has what its tallies say. */
static bool left_agrees(const ax_stress_run *run, const struct contents *c, int64_t *there, int64_t *revisions,
                        char *sentence, size_t size)
{
    const struct jobs_shared *shared = run->shared;
    int64_t all = (int64_t)(shared->keys + 2 * shared->pairs);
    for (uint64_t i = 0; i < c->count; i++) {
        if (c->ids[i] < 0 || c->ids[i] >= all || there[c->ids[i]]++) {
            snprintf(sentence, size, "job %" PRId64 " is there, which is nobody's, or is there twice", c->ids[i]);
            return false;
        }
        revisions[c->ids[i]] = c->revisions[i];
    }
    for (int64_t id = 0; id < all; id++) {
        int64_t due = 0, revision = 0;
        const struct jobs_tally *tally;
        if ((uint64_t)id >= shared->keys) {
            uint64_t i = (uint64_t)id - shared->keys;
            tally = ax_stress_tally(run, (uint32_t)(i / 2));
            due = 1;
            revision = i % 2 == 0 ? tally->first : tally->second;
        }
        for (uint32_t t = 0; (uint64_t)id < shared->keys && t < run->threads; t++) {
            tally = ax_stress_tally(run, t);
            due += tally->created[id] - tally->removed[id];
            revision = (int64_t)((uint64_t)revision + (uint64_t)tally->updated[id] - (uint64_t)tally->dropped[id]);
        }
        if (there[id] != due || revisions[id] != revision) {
            snprintf(sentence, size, "job %" PRId64 " is there %" PRId64 " times in revision %" PRId64 "; created less "
                     "deleted is %" PRId64 ", its updates say revision %" PRId64, id, there[id], revisions[id], due, revision);
            return false;
        }
    }
    return true;
}

/* What all threads saw, added up. */
static struct jobs_lists lists_in_sum(const ax_stress_run *run, int64_t *torn)
{
    struct jobs_lists sum = { 0 };
    *torn = 0;
    for (uint32_t i = 0; i < run->threads + run->observers; i++) {
        const struct jobs_tally *tally = i < run->threads ? ax_stress_tally(run, i) : NULL;
        const struct jobs_lists *lists = tally ? &tally->lists : ax_stress_observer_tally(run, i - run->threads);
        *torn += tally ? tally->torn : 0;
        sum.lists += lists->lists;
        sum.torn += lists->torn;
        sum.strays += lists->strays;
        sum.twice += lists->twice;
        sum.missed += lists->missed;
        sum.stale += lists->stale;
        sum.uneven += lists->uneven;
    }
    return sum;
}

static ax_stress_verdict jobs_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    const struct jobs_kind *kind = run->impl->extra;
    const struct jobs_shared *shared = run->shared;
    size_t all = (size_t)(shared->keys + 2 * shared->pairs);
    int64_t torn, *there = calloc(2 * all, sizeof *there);
    struct jobs_lists seen = lists_in_sum(run, &torn);
    struct contents c;
    if (!there)
        return AX_STRESS_INCONCLUSIVE;
    if (!contents_take(run, &c)) {
        free(there);
        return AX_STRESS_INCONCLUSIVE;
    }
    ax_stress_verdict verdict = AX_STRESS_VIOLATED;
    if (torn + seen.torn + c.torn)
        snprintf(sentence, size, "%" PRId64 " jobs were seen half written, or another's", torn + seen.torn + c.torn);
    else if (seen.strays || seen.twice)
        snprintf(sentence, size, "%" PRId64 " lists showed %" PRId64 " jobs that are none, and %" PRId64 " twice", seen.lists,
                 seen.strays, seen.twice);
    else if (kind->one_moment && (seen.missed || seen.stale || seen.uneven))
        snprintf(sentence, size, "%" PRId64 " lists missed %" PRId64 " jobs, showed %" PRId64 " older than was known and %"
                 PRId64 " pairs out of step", seen.lists, seen.missed, seen.stale, seen.uneven);
    else if (left_agrees(run, &c, there, there + all, sentence, size)) {
        snprintf(sentence, size, "%" PRIu64 " jobs agree with what was done; %" PRId64 " lists, %s", c.count, seen.lists,
                 kind->one_moment ? "each of one moment" : "each of whole jobs");
        verdict = AX_STRESS_HOLDS;
    }
    free(c.ids);
    free(there);
    return verdict;
}

/* ---- the record ---- */

static void jobs_put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    const struct jobs_kind *kind = run->impl->extra;
    ax_stress_put_integer(out, "keys", (int64_t)run->keys);
    ax_stress_put_boolean(out, "one_moment", kind->one_moment);
}

static void put_lists(ax_stress_out *out, const struct jobs_lists *lists)
{
    ax_stress_put_object(out, NULL);
    ax_stress_put_integer(out, "lists", lists->lists);
    ax_stress_put_integer(out, "torn", lists->torn);
    ax_stress_put_integer(out, "strays", lists->strays);
    ax_stress_put_integer(out, "twice", lists->twice);
    ax_stress_put_integer(out, "missed", lists->missed);
    ax_stress_put_integer(out, "stale", lists->stale);
    ax_stress_put_integer(out, "uneven", lists->uneven);
    ax_stress_put_end(out);
}

static void jobs_put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct jobs_tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_integers(out, "created", tally->created, run->keys);
    ax_stress_put_integers(out, "updated", tally->updated, run->keys);
    ax_stress_put_integers(out, "removed", tally->removed, run->keys);
    ax_stress_put_integers(out, "dropped", tally->dropped, run->keys);
    ax_stress_put_integer(out, "first", tally->first);
    ax_stress_put_integer(out, "second", tally->second);
    ax_stress_put_integer(out, "torn", tally->torn);
}

static void jobs_put_final(const ax_stress_run *run, ax_stress_out *out)
{
    struct contents c;
    if (!contents_take(run, &c))
        abort();
    ax_stress_put_integers(out, "ids", c.ids, c.count);
    ax_stress_put_integers(out, "revisions", c.revisions, c.count);
    ax_stress_put_integer(out, "torn", c.torn);
    free(c.ids);
}

static void jobs_put_more(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_array(out, "lists");
    for (uint32_t i = 0; i < run->threads; i++)
        put_lists(out, &((const struct jobs_tally *)ax_stress_tally(run, i))->lists);
    for (uint32_t i = 0; i < run->observers; i++)
        put_lists(out, ax_stress_observer_tally(run, i));
    ax_stress_put_end(out);
}

int main(int argc, char **argv)
{
    static const ax_stress_operation operations[] = {
        { .name = "get", .weight = 60 }, { .name = "list", .weight = 1 }, { .name = "create", .weight = 12 },
        { .name = "update", .weight = 12 }, { .name = "delete", .weight = 10 }, { .name = "step", .weight = 5 },
    };
    const ax_stress_impl impls[] = {
        JOBS_IMPL("ours", &jobs_ours, false, "ax_map with AX_MAP_CONSISTENT: jobs replaced whole, lists of one moment"),
        JOBS_IMPL("ours-walked", &jobs_ours_walked, false, "ax_map, listed by a walk that promises no one moment"),
        JOBS_IMPL("mutex", &jobs_mutex, false, "chains under one mutex, jobs changed in place"),
        JOBS_IMPL("rwlock", &jobs_rwlock, false, "chains under one readers-writer lock, jobs changed in place"),
        broken_unlocked_jobs,
        broken_iterated_jobs,
        broken_handed_out_jobs,
    };
    const ax_stress_program program = {
        .noun = "jobs",
        .about = "Threads create, get, list, update and delete jobs; each is seen whole, no update is lost, lists are of one moment.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .operations = operations, .operation_count = sizeof operations / sizeof *operations,
        .iters = 500000, .keys = 64, .observers = 1,
        .tally_size = sizeof(struct jobs_tally), .observer_tally_size = sizeof(struct jobs_lists),
        .check = jobs_check, .setup = jobs_setup, .judge = jobs_judge, .teardown = jobs_teardown,
        .put_setup = jobs_put_setup, .put_worker = jobs_put_worker, .put_final = jobs_put_final,
        .put_more = jobs_put_more,
        .model = "map", .events = events, .event_count = sizeof events / sizeof *events, .finish = jobs_finish,
    };
    return ax_stress_main(argc, argv, &program);
}

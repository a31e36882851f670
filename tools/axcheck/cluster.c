/* SPDX-License-Identifier: MIT */
/* cluster.c: tickets of an event sold by processes that are killed, by what the buyers were told. */
#include <inttypes.h>
#include <stdlib.h>

#include "budget.h"
#include "record.h"
#include "runs.h"

struct run {
    uint64_t start, end;
    size_t worker;
};

struct tally {
    struct run *runs;
    size_t count, room;
    axc_wide told, refused, odd, found, kills;
    size_t unbalanced, first_unbalanced;
    size_t lost, unexpected; /* found and then not said; workers with more of them than kills can explain */
    int64_t lost_before, lost_after;
};

static bool add_run(const struct axc_record *record, struct tally *tally, struct run run)
{
    if (tally->count == tally->room) {
        size_t room = tally->room == 0 ? 64 : tally->room * 2;
        struct run *larger = axc_alloc(room * sizeof *larger);
        if (larger == NULL)
            return axc_gave_up(record->report, "no memory for %zu runs", room);
        for (size_t i = 0; i < tally->count; i++)
            larger[i] = tally->runs[i];
        axc_free(tally->runs);
        tally->runs = larger;
        tally->room = room;
    }
    tally->runs[tally->count++] = run;
    return true;
}

static bool read_held(const struct axc_record *record, const struct axc_node *worker, int64_t capacity, struct tally *tally,
                      axc_wide *held)
{
    const char *text;
    if (!axc_get_string(record, worker, "held", &text))
        return false;
    struct axc_runs runs;
    *held = 0;
    for (axc_runs_init(&runs, text, (uint64_t)capacity); axc_runs_next(&runs);) {
        *held += (axc_wide)(runs.end - runs.start);
        if (!add_run(record, tally, (struct run){runs.start, runs.end, worker->path.index}))
            return false;
    }
    if (runs.wrong == NULL)
        return true;
    struct axc_node node = axc_member(worker, "held");
    uint64_t offset = axc_locate(record->text, record->length, &node.path) + 1 + (uint64_t)(runs.next - text);
    return axc_corrupt(record->report, offset, "workers[%zu].held: %s", worker->path.index, runs.wrong);
}

static bool read_found(const struct axc_record *record, const struct axc_node *worker, int64_t buyers, int64_t kills,
                       struct tally *tally)
{
    json_t *found, *said;
    if (!axc_get_integers(record, worker, "found", &found) ||
        !axc_get_integers(record, worker, "said", &said))
        return false;
    size_t count = json_array_size(found);
    if (json_array_size(said) != count) {
        struct axc_node node = axc_member(worker, "said");
        return axc_reject(record, &node, "has %zu numbers for %zu found", json_array_size(said), count);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t before = json_integer_value(json_array_get(found, i)), after = json_integer_value(json_array_get(said, i));
        if (before != after && tally->lost++ == 0) {
            tally->lost_before = before;
            tally->lost_after = after;
        }
    }
    tally->unexpected += (axc_wide)count > (axc_wide)buyers * kills;
    tally->found += (axc_wide)count;
    return true;
}

static bool read_worker(const struct axc_record *record, const struct axc_node *worker, int64_t capacity, int64_t buyers,
                        struct tally *tally)
{
    int64_t told, refused, ops, kills;
    axc_wide held;
    json_t *odd;
    if (!axc_get_integer(record, worker, "told", 0, INT64_MAX, &told) ||
        !axc_get_integer(record, worker, "refused", 0, INT64_MAX, &refused) ||
        !axc_get_integer(record, worker, "ops", 0, INT64_MAX, &ops) ||
        !axc_get_integer(record, worker, "kills", 0, INT32_MAX, &kills) ||
        !axc_get_integers(record, worker, "odd", &odd) ||
        !read_held(record, worker, capacity, tally, &held) || !read_found(record, worker, buyers, kills, tally))
        return false;
    axc_wide has = held + (axc_wide)json_array_size(odd);
    if ((has != told || (axc_wide)told + refused != ops) && tally->unbalanced++ == 0)
        tally->first_unbalanced = worker->path.index;
    tally->told += told;
    tally->refused += refused;
    tally->odd += (axc_wide)json_array_size(odd);
    tally->kills += kills;
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct run *left = a, *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

static void state_once(const struct axc_record *record, struct tally *tally)
{
    if (tally->count > 0)
        qsort(tally->runs, tally->count, sizeof tally->runs[0], by_start);
    for (size_t i = 1; i < tally->count; i++) {
        if (tally->runs[i].start < tally->runs[i - 1].end) {
            axc_state(record->report, "once", false, "ticket %" PRIu64 " was told to buyers of workers[%zu] and workers[%zu]",
                      tally->runs[i].start, tally->runs[i - 1].worker, tally->runs[i].worker);
            return;
        }
    }
    axc_state(record->report, "once", tally->odd == 0, "%s tickets told, %s of them out of range or a second time by one worker",
              AXC_WIDE(tally->told), AXC_WIDE(tally->odd));
}

/* Triples that add up to the capacity. */
static bool judge_audits(const struct axc_record *record, const struct axc_node *root, int64_t capacity, const int64_t end[3])
{
    json_t *audits;
    if (!axc_get_integers(record, root, "audits", &audits))
        return false;
    size_t count = json_array_size(audits);
    if (count % 3 != 0) {
        struct axc_node node = axc_member(root, "audits");
        return axc_reject(record, &node, "has %zu numbers, which are no triples", count);
    }
    size_t uneven = (axc_wide)end[0] + end[1] + end[2] != capacity;
    for (size_t i = 0; i < count; i += 3) {
        axc_wide sum = 0;
        for (size_t j = i; j < i + 3; j++)
            sum += json_integer_value(json_array_get(audits, j));
        uneven += sum != capacity;
    }
    axc_state(record->report, "conservation", uneven == 0,
              "sold + free + leased = capacity %" PRId64 " in %zu of %zu counts, at the end %" PRId64 " + %" PRId64 " + %" PRId64,
              capacity, count / 3 + 1 - uneven, count / 3 + 1, end[0], end[1], end[2]);
    return true;
}

static bool judge(const struct axc_record *record, struct tally *tally)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup"), final = axc_member(&root, "final");
    struct axc_node workers = axc_member(&root, "workers");
    int64_t capacity, buyers, end[3];
    bool complete;
    if (!axc_get_integer(record, &setup, "capacity", 1, INT32_MAX, &capacity) ||
        !axc_get_integer(record, &setup, "buyers", 1, INT32_MAX, &buyers) ||
        !axc_get_boolean(record, &root, "complete", &complete) ||
        !axc_get_integer(record, &final, "sold", 0, INT64_MAX, &end[0]) ||
        !axc_get_integer(record, &final, "free", 0, INT64_MAX, &end[1]) ||
        !axc_get_integer(record, &final, "leased", 0, INT64_MAX, &end[2]))
        return false;
    for (size_t i = 0; i < record->threads; i++) {
        struct axc_node worker = axc_element(&workers, i);
        if (!read_worker(record, &worker, capacity, buyers, tally))
            return false;
    }
    state_once(record, tally);
    if (tally->unbalanced == 0)
        axc_state(record->report, "own figures", true, "%s told + %s refused = %s purchases, for each worker alike",
                  AXC_WIDE(tally->told), AXC_WIDE(tally->refused), AXC_WIDE(record->total_ops));
    else
        axc_state(record->report, "own figures", false, "workers[%zu]'s tickets and answers do not add up (%zu of %zu workers)",
                  tally->first_unbalanced, tally->unbalanced, record->threads);
    bool all = complete && tally->refused == 0;
    axc_state(record->report, "sold", all ? tally->told == end[0] && end[0] == capacity : tally->told <= end[0],
              "%s tickets told, %" PRId64 " sold of %" PRId64 "%s", AXC_WIDE(tally->told), end[0], capacity,
              all ? "" : ", not all purchases made");
    if (tally->lost == 0)
        axc_state(record->report, "found again", tally->unexpected == 0,
                  "%s purchases sold before %s kills without an answer, each told that ticket later", AXC_WIDE(tally->found),
                  AXC_WIDE(tally->kills));
    else
        axc_state(record->report, "found again", false, "a purchase had ticket %" PRId64 " and was told %" PRId64 " (%zu such)",
                  tally->lost_before, tally->lost_after, tally->lost);
    return judge_audits(record, &root, capacity, end);
}

bool axc_judge_cluster(const struct axc_record *record)
{
    struct tally tally = {0};
    bool fine = judge(record, &tally);
    axc_free(tally.runs);
    return fine;
}

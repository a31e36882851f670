/* SPDX-License-Identifier: MIT */
/*
 * jobs.c: a store of jobs by id. Every job was seen whole, no creation, deletion or update is lost, and a list
 * shows the store at one moment where that was promised.
 */
#include <inttypes.h>
#include <string.h>

#include "budget.h"
#include "record.h"

struct store {
    int64_t keys, all; /* ids below keys are everybody's; the rest, up to all, belong to workers in pairs */
    bool one_moment;
    axc_wide *due, *revision; /* for each id, by the tallies: creations less deletions; what its updates come to */
};

/* The sums of one member of all lists. */
enum { LISTS, TORN, STRAYS, TWICE, MISSED, STALE, UNEVEN, LIST_FIELDS };
static const char *const list_fields[LIST_FIELDS] = { "lists", "torn", "strays", "twice", "missed", "stale", "uneven" };

static int64_t at(const json_t *array, size_t index)
{
    return json_integer_value(json_array_get(array, index));
}

/* An array with one integer for each of `count`. */
static bool get_row(const struct axc_record *record, const struct axc_node *object, const char *key, size_t count,
                    int64_t least, json_t **row)
{
    struct axc_node node = axc_member(object, key);
    if (!axc_get_integers(record, object, key, row))
        return false;
    if (*row == NULL)
        return axc_reject(record, &node, "is missing");
    if (json_array_size(*row) != count)
        return axc_reject(record, &node, "has %zu numbers, not %zu", json_array_size(*row), count);
    for (size_t i = 0; i < count; i++)
        if (at(*row, i) < least)
            return axc_reject(record, &node, "has %" PRId64 ", less than %" PRId64, at(*row, i), least);
    return true;
}

/* What each worker did, by id; a worker's pair was created before the run and has as many updates as it says. */
static bool add_up(const struct axc_record *record, struct store *store, axc_wide *torn)
{
    struct axc_node root = axc_root(record), workers = axc_member(&root, "workers");
    size_t keys = (size_t)store->keys;
    for (size_t w = 0; w < record->threads; w++) {
        struct axc_node worker = axc_element(&workers, w);
        json_t *created, *updated, *removed, *dropped;
        int64_t thread, first, second, seen;
        if (!get_row(record, &worker, "created", keys, 0, &created) ||
            !get_row(record, &worker, "updated", keys, 0, &updated) ||
            !get_row(record, &worker, "removed", keys, 0, &removed) ||
            !get_row(record, &worker, "dropped", keys, INT64_MIN, &dropped) ||
            !axc_get_integer(record, &worker, "thread", 0, INT32_MAX, &thread) ||
            !axc_get_integer(record, &worker, "first", 0, INT64_MAX, &first) ||
            !axc_get_integer(record, &worker, "second", 0, INT64_MAX, &second) ||
            !axc_get_integer(record, &worker, "torn", 0, INT64_MAX, &seen))
            return false;
        for (size_t k = 0; k < keys; k++) {
            store->due[k] += (axc_wide)at(created, k) - at(removed, k);
            store->revision[k] += (axc_wide)at(updated, k) - at(dropped, k);
        }
        size_t pair = keys + 2 * (size_t)thread;
        store->due[pair] = store->due[pair + 1] = 1;
        store->revision[pair] = first;
        store->revision[pair + 1] = second;
        *torn += seen;
    }
    return true;
}

static bool add_lists(const struct axc_record *record, axc_wide *sums)
{
    struct axc_node root = axc_root(record), lists = axc_member(&root, "lists");
    if (!json_is_array(lists.value))
        return axc_reject(record, &lists, "is no array of lists");
    for (size_t i = 0; i < json_array_size(lists.value); i++) {
        struct axc_node list = axc_element(&lists, i);
        if (!json_is_object(list.value))
            return axc_reject(record, &list, "is not an object");
        for (int field = 0; field < LIST_FIELDS; field++) {
            int64_t value;
            if (!axc_get_integer(record, &list, list_fields[field], 0, INT64_MAX, &value))
                return false;
            sums[field] += value;
        }
    }
    return true;
}

/* Each job that is left against the tallies; these are used up. */
static bool state_left(const struct axc_record *record, struct store *store, const json_t *ids, const json_t *revisions)
{
    size_t unknown = 0, twice = 0, wrong = 0, late = 0;
    int64_t first_unknown = 0, first_twice = 0, first_wrong = 0, first_late = 0;
    bool *there = axc_alloc((size_t)store->all);
    if (there == NULL)
        return axc_gave_up(record->report, "no memory for %" PRId64 " jobs", store->all);
    memset(there, 0, (size_t)store->all);
    for (size_t i = json_array_size(ids); i-- > 0;) {
        int64_t id = at(ids, i);
        if (id < 0 || id >= store->all) {
            unknown++;
            first_unknown = id;
        } else if (there[id]) {
            twice++;
            first_twice = id;
        } else {
            there[id] = true;
            store->due[id]--;
            store->revision[id] -= at(revisions, i);
        }
    }
    for (int64_t id = store->all; id-- > 0;) {
        if (store->due[id] != 0) {
            wrong++;
            first_wrong = id;
        }
        if (store->revision[id] != 0) {
            late++;
            first_late = id;
        }
    }
    if (unknown == 0)
        axc_state(record->report, "known", true, "each of %zu jobs is one of 0 to %" PRId64, json_array_size(ids),
                  store->all - 1);
    else
        axc_state(record->report, "known", false, "job %" PRId64 " is there, which nobody created (%zu such jobs)",
                  first_unknown, unknown);
    if (twice == 0)
        axc_state(record->report, "once", true, "no job is there twice");
    else
        axc_state(record->report, "once", false, "job %" PRId64 " is there twice (%zu such jobs)", first_twice, twice);
    if (wrong == 0)
        axc_state(record->report, "existence", true, "created - deleted = there, for each job alike");
    else
        axc_state(record->report, "existence", false, "job %" PRId64 " is there %s times more than it is due (%zu jobs are wrong)",
                  first_wrong, AXC_WIDE(-store->due[first_wrong]), wrong);
    if (late == 0)
        axc_state(record->report, "updates", true, "each job's revision is its updates, less those of deleted ones");
    else
        axc_state(record->report, "updates", false, "job %" PRId64 " lacks %s updates (%zu jobs are wrong)", first_late,
                  AXC_WIDE(store->revision[first_late]), late);
    axc_free(there);
    return true;
}

static void state_seen(const struct axc_record *record, const struct store *store, axc_wide got, int64_t left,
                       const axc_wide *sums)
{
    axc_state(record->report, "whole", got == 0 && left == 0 && sums[TORN] == 0,
              "%s jobs got, %s listed, %" PRId64 " left were half written or another's", AXC_WIDE(got), AXC_WIDE(sums[TORN]),
              left);
    axc_state(record->report, "lists", sums[STRAYS] == 0 && sums[TWICE] == 0,
              "%s lists showed %s jobs that are none, and %s twice", AXC_WIDE(sums[LISTS]), AXC_WIDE(sums[STRAYS]),
              AXC_WIDE(sums[TWICE]));
    if (store->one_moment)
        axc_state(record->report, "one moment", sums[MISSED] == 0 && sums[STALE] == 0 && sums[UNEVEN] == 0,
                  "%s lists missed %s jobs, showed %s older than was known, and %s pairs out of step",
                  AXC_WIDE(sums[LISTS]), AXC_WIDE(sums[MISSED]), AXC_WIDE(sums[STALE]), AXC_WIDE(sums[UNEVEN]));
}

bool axc_judge_jobs(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup"), end = axc_member(&root, "final");
    struct axc_node ids_node = axc_member(&end, "ids");
    struct store store;
    json_t *ids, *revisions;
    int64_t torn;
    axc_wide got = 0, sums[LIST_FIELDS] = { 0 };
    /* no more keys than a worker's row can have, so that a record cannot ask for memory it did not bring */
    if (!axc_get_integer(record, &setup, "keys", 0, (int64_t)record->length, &store.keys) ||
        !axc_get_boolean(record, &setup, "one_moment", &store.one_moment) || !axc_get_integers(record, &end, "ids", &ids))
        return false;
    if (ids == NULL)
        return axc_reject(record, &ids_node, "is missing");
    if (!get_row(record, &end, "revisions", json_array_size(ids), INT64_MIN, &revisions) ||
        !axc_get_integer(record, &end, "torn", 0, INT64_MAX, &torn))
        return false;
    store.all = store.keys + 2 * (int64_t)record->threads;
    store.due = axc_alloc(2 * (size_t)store.all * sizeof *store.due);
    if (store.due == NULL)
        return axc_gave_up(record->report, "no memory for %" PRId64 " jobs", store.all);
    store.revision = store.due + store.all;
    memset(store.due, 0, 2 * (size_t)store.all * sizeof *store.due);
    bool done = add_up(record, &store, &got) && add_lists(record, sums) && state_left(record, &store, ids, revisions);
    if (done)
        state_seen(record, &store, got, torn, sums);
    axc_free(store.due);
    return done;
}

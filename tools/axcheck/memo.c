/* SPDX-License-Identifier: MIT */
/*
 * memo.c: each key is computed once (and once more for each time it was forgotten), every caller gets the value of
 * that computation, and nobody before it was there. The computations of all workers are sorted by their serial numbers, and each first call of
 * each worker is looked up among them; the cost follows the record and never a number it states.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "budget.h"
#include "record.h"

struct computation {
    int64_t key, serial, end;
};

static int by_serial(const void *a, const void *b)
{
    const struct computation *left = a, *right = b;
    return (left->serial > right->serial) - (left->serial < right->serial);
}

static int by_key(const void *a, const void *b)
{
    const struct computation *left = a, *right = b;
    return (left->key > right->key) - (left->key < right->key);
}

/* Three arrays of one length in a worker: what was computed, or what was got. */
struct columns {
    json_t *keys, *serials, *times;
    size_t count;
};

static bool read_columns(const struct axc_record *record, const struct axc_node *worker, const char *const names[3],
                         int64_t keys, struct columns *columns)
{
    if (!axc_get_integers(record, worker, names[0], &columns->keys) ||
        !axc_get_integers(record, worker, names[1], &columns->serials) ||
        !axc_get_integers(record, worker, names[2], &columns->times))
        return false;
    columns->count = json_array_size(columns->keys);
    struct axc_node node = axc_member(worker, names[0]);
    for (size_t i = 0; i < columns->count; i++) {
        json_int_t key = json_integer_value(json_array_get(columns->keys, i));
        struct axc_node element = axc_element(&node, i);
        if (key < 0 || key >= keys)
            return axc_reject(record, &element, "is %" JSON_INTEGER_FORMAT ", outside 0 to %" PRId64, key, keys - 1);
    }
    for (int i = 1; i < 3; i++) {
        struct axc_node other = axc_member(worker, names[i]);
        size_t length = json_array_size(i == 1 ? columns->serials : columns->times);
        if (length != columns->count)
            return axc_reject(record, &other, "has %zu elements, %s has %zu", length, names[0], columns->count);
    }
    return true;
}

static int64_t at(json_t *array, size_t i)
{
    return json_integer_value(json_array_get(array, i));
}

static const char *const computed_names[3] = { "computed_keys", "computed_serials", "computed_ends" };
static const char *const got_names[3] = { "got_keys", "got_serials", "got_times" };

/* All computations, sorted by serial; *all is for axc_free. */
static bool read_computations(const struct axc_record *record, int64_t keys, struct computation **all, size_t *count)
{
    struct axc_node root = axc_root(record), workers = axc_member(&root, "workers");
    *count = 0;
    *all = NULL;
    for (size_t w = 0; w < record->threads; w++) {
        struct axc_node worker = axc_element(&workers, w);
        struct columns columns;
        if (!read_columns(record, &worker, computed_names, keys, &columns))
            return false;
        *count += columns.count;
    }
    *all = axc_alloc((*count + 1) * sizeof **all);
    if (*all == NULL)
        return axc_gave_up(record->report, "no memory for %zu computations", *count);
    size_t filled = 0;
    for (size_t w = 0; w < record->threads; w++) {
        struct axc_node worker = axc_element(&workers, w);
        struct columns columns;
        if (!read_columns(record, &worker, computed_names, keys, &columns))
            return false;
        for (size_t i = 0; i < columns.count; i++)
            (*all)[filled++] = (struct computation){ at(columns.keys, i), at(columns.serials, i), at(columns.times, i) };
    }
    qsort(*all, *count, sizeof **all, by_key);
    return true;
}

/* How often each key was forgotten, by all workers together, as far as anybody forgot one; *all is for axc_free. */
static bool read_forgotten(const struct axc_record *record, int64_t keys, axc_wide **all)
{
    struct axc_node root = axc_root(record), workers = axc_member(&root, "workers");
    *all = NULL;
    for (size_t w = 0; w < record->threads; w++) {
        struct axc_node worker = axc_element(&workers, w), node = axc_member(&worker, "forgotten");
        json_t *forgotten;
        if (!axc_get_integers(record, &worker, "forgotten", &forgotten))
            return false;
        size_t count = json_array_size(forgotten);
        if (count == 0)
            continue;
        if (count != (uint64_t)keys)
            return axc_reject(record, &node, "has %zu elements, not one for each of %" PRId64 " keys", count, keys);
        if (*all == NULL && (*all = axc_zeroed(count, sizeof **all)) == NULL)
            return axc_gave_up(record->report, "no memory for %zu keys", count);
        for (size_t k = 0; k < count; k++) {
            struct axc_node element = axc_element(&node, k);
            if (at(forgotten, k) < 0)
                return axc_reject(record, &element, "is negative");
            (*all)[k] += at(forgotten, k);
        }
    }
    return true;
}

/* Sorted by key here. */
static void state_once(const struct axc_record *record, const struct computation *all, size_t count,
                       const axc_wide *forgotten)
{
    size_t keys = 0, too_often = 0, first = 0;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && all[next].key == all[i].key; next++)
            ;
        keys++;
        axc_wide due = 1 + (forgotten ? forgotten[all[i].key] : 0);
        if ((axc_wide)(next - i) > due && too_often++ == 0)
            first = next - 1;
    }
    if (too_often == 0 && forgotten)
        axc_state(record->report, "once", true, "%zu keys, %zu computations, none again but after the key was forgotten", keys,
                  count);
    else if (too_often == 0)
        axc_state(record->report, "once", true, "%zu keys, each computed once", count);
    else
        axc_state(record->report, "once", false,
                  "key %" PRId64 " was computed by flights %" PRId64 " and %" PRId64 " (%zu such keys, %zu computations)",
                  all[first].key, all[first - 1].serial, all[first].serial, too_often, count);
}

/* What the memo says of its flights, where keys are forgotten and computations fail. */
static bool judge_flights(const struct axc_record *record, size_t values)
{
    struct axc_node root = axc_root(record), final = axc_member(&root, "final"), flights = axc_member(&final, "flights");
    axc_wide stale, errors;
    int64_t entered, handed_over, died, destroyed;
    if (flights.value == NULL)
        return true;
    if (!axc_sum_workers(record, "stale", 0, &stale) || !axc_sum_workers(record, "errors", 0, &errors) ||
        !axc_get_integer(record, &flights, "entered", 0, INT64_MAX, &entered) ||
        !axc_get_integer(record, &flights, "handed_over", 0, INT64_MAX, &handed_over) ||
        !axc_get_integer(record, &flights, "died", 0, INT64_MAX, &died) ||
        !axc_get_integer(record, &flights, "destroyed", 0, INT64_MAX, &destroyed))
        return false;
    axc_state(record->report, "forgotten", stale == 0, "%s calls got a value that had been forgotten before", AXC_WIDE(stale));
    axc_state(record->report, "all flights", (axc_wide)entered == (axc_wide)values + errors + died,
              "%" PRId64 " entered, %zu ended with a value, %s with an error, %" PRId64 " with their thread", entered, values,
              AXC_WIDE(errors), died);
    axc_state(record->report, "handed over", handed_over == died, "%" PRId64 " of %" PRId64 " whose thread ended", handed_over,
              died);
    axc_state(record->report, "values' ends", destroyed == (int64_t)values, "%" PRId64 " destroyed of %zu", destroyed, values);
    return true;
}

struct got {
    size_t calls, foreign, soon;
    int64_t foreign_key, foreign_serial, soon_key, soon_by; /* the first of each */
};

static bool look_up_calls(const struct axc_record *record, int64_t keys, const struct computation *all, size_t count,
                          struct got *got)
{
    struct axc_node root = axc_root(record), workers = axc_member(&root, "workers");
    *got = (struct got){ 0 };
    for (size_t w = 0; w < record->threads; w++) {
        struct axc_node worker = axc_element(&workers, w);
        struct columns columns;
        if (!read_columns(record, &worker, got_names, keys, &columns))
            return false;
        for (size_t i = 0; i < columns.count; i++) {
            struct computation asked = { at(columns.keys, i), at(columns.serials, i), 0 };
            const struct computation *from = bsearch(&asked, all, count, sizeof asked, by_serial);
            got->calls++;
            if (from == NULL || from->key != asked.key) {
                if (got->foreign++ == 0) {
                    got->foreign_key = asked.key;
                    got->foreign_serial = asked.serial;
                }
            } else if (at(columns.times, i) < from->end && got->soon++ == 0) {
                got->soon_key = asked.key;
                got->soon_by = from->end - at(columns.times, i);
            }
        }
    }
    return true;
}

static bool judge(const struct axc_record *record, int64_t keys, struct computation *all, size_t count,
                  const axc_wide *forgotten)
{
    axc_wide again, early, wrong, failed;
    struct got got;
    if (!axc_sum_workers(record, "again", 0, &again) || !axc_sum_workers(record, "early", 0, &early) ||
        !axc_sum_workers(record, "wrong", 0, &wrong) || !axc_sum_workers(record, "failed", 0, &failed))
        return false;
    state_once(record, all, count, forgotten);
    qsort(all, count, sizeof *all, by_serial);
    if (!look_up_calls(record, keys, all, count, &got))
        return false;
    if (got.foreign == 0)
        axc_state(record->report, "own flight", true, "%zu first calls, each with its own key's computation", got.calls);
    else
        axc_state(record->report, "own flight", false,
                  "a caller of key %" PRId64 " got flight %" PRId64 ", which computed no such key (%zu such calls)",
                  got.foreign_key, got.foreign_serial, got.foreign);
    if (got.soon == 0)
        axc_state(record->report, "after publication", true, "no call returned before its value was computed");
    else
        axc_state(record->report, "after publication", false,
                  "key %" PRId64 " was returned %" PRId64 " ns before its computation ended (%zu such calls)", got.soon_key,
                  got.soon_by, got.soon);
    axc_state(record->report, "one value", again == 0, "%s later calls got another value than the first", AXC_WIDE(again));
    axc_state(record->report, "whole values", early == 0 && wrong == 0, "%s unfinished, %s wrong", AXC_WIDE(early),
              AXC_WIDE(wrong));
    axc_state(record->report, "all served", failed == 0, "%s of %s calls got no value", AXC_WIDE(failed),
              AXC_WIDE(record->total_ops));
    return judge_flights(record, count);
}

bool axc_judge_memo(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup");
    struct computation *all = NULL;
    size_t count;
    int64_t keys;
    if (!axc_get_integer(record, &setup, "keys", 1, INT64_MAX, &keys))
        return false;
    axc_wide *forgotten = NULL;
    bool judged = read_computations(record, keys, &all, &count) && read_forgotten(record, keys, &forgotten) &&
                  judge(record, keys, all, count, forgotten);
    axc_free(forgotten);
    axc_free(all);
    return judged;
}

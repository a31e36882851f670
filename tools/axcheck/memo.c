/* SPDX-License-Identifier: MIT */
/*
 * memo.c: each key is computed once, every caller gets the value of that computation, and nobody before
 * it was there. The computations of all workers are sorted by their serial numbers, and each first call of
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

/* Sorted by key here. */
static void state_once(const struct axc_record *record, const struct computation *all, size_t count)
{
    size_t twice = 0, first = 0;
    for (size_t i = 1; i < count; i++)
        if (all[i].key == all[i - 1].key && (i < 2 || all[i - 2].key != all[i].key) && twice++ == 0)
            first = i;
    if (twice == 0)
        axc_state(record->report, "once", true, "%zu keys, each computed once", count);
    else
        axc_state(record->report, "once", false,
                  "key %" PRId64 " was computed by flights %" PRId64 " and %" PRId64 " (%zu such keys, %zu computations)",
                  all[first].key, all[first - 1].serial, all[first].serial, twice, count);
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

static bool judge(const struct axc_record *record, int64_t keys, struct computation *all, size_t count)
{
    axc_wide again, early, wrong, failed;
    struct got got;
    if (!axc_sum_workers(record, "again", 0, &again) || !axc_sum_workers(record, "early", 0, &early) ||
        !axc_sum_workers(record, "wrong", 0, &wrong) || !axc_sum_workers(record, "failed", 0, &failed))
        return false;
    state_once(record, all, count);
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
    return true;
}

bool axc_judge_memo(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup");
    struct computation *all = NULL;
    size_t count;
    int64_t keys;
    if (!axc_get_integer(record, &setup, "keys", 1, INT64_MAX, &keys))
        return false;
    bool judged = read_computations(record, keys, &all, &count) && judge(record, keys, all, count);
    axc_free(all);
    return judged;
}

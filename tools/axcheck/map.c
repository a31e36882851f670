/* SPDX-License-Identifier: MIT */
/**
 * map.c: what each key has at the end is what was put in minus what was taken out; no key is there twice,
 * none is nobody's; and walks that ran meanwhile showed the keys that nobody touched exactly once.
 */
#include <inttypes.h>

#include "budget.h"
#include "record.h"

struct setup {
    int64_t keys;    /* the workers' keys are 0 to keys-1 */
    json_t *steady;  /* the values of the keys that follow, which nobody touches */
    int64_t all;     /* how many keys there are in all */
};

/* An array of exactly `length` integers. */
static bool get_row(const struct axc_record *record, const struct axc_node *object, const char *key, size_t length,
                    json_t **row)
{
    if (!axc_get_integers(record, object, key, row))
        return false;
    struct axc_node node = axc_member(object, key);
    if (*row == NULL)
        return axc_reject(record, &node, "is missing");
    if (json_array_size(*row) != length)
        return axc_reject(record, &node, "has %zu numbers instead of %zu", json_array_size(*row), length);
    return true;
}

static int64_t at(json_t *row, size_t i)
{
    return json_integer_value(json_array_get(row, i));
}

/* What should be left of each key, exactly. */
static bool add_up(const struct axc_record *record, const struct setup *setup, axc_wide *left, axc_wide *in, axc_wide *out)
{
    struct axc_node root = axc_root(record), workers = axc_member(&root, "workers");
    for (int64_t k = 0; k < setup->all; k++)
        left[k] = k < setup->keys ? 0 : at(setup->steady, (size_t)(k - setup->keys));
    for (size_t i = 0; i < record->threads; i++) {
        struct axc_node worker = axc_element(&workers, i);
        json_t *added, *removed;
        if (!get_row(record, &worker, "added", (size_t)setup->keys, &added) ||
            !get_row(record, &worker, "removed", (size_t)setup->keys, &removed))
            return false;
        for (size_t k = 0; k < (size_t)setup->keys; k++) {
            left[k] += (axc_wide)at(added, k) - at(removed, k);
            *in += at(added, k);
            *out += at(removed, k);
        }
    }
    return true;
}

struct found {
    int64_t stray, twice; /* the first of each, -1: none */
    size_t strays, twices;
};

/* Subtracts what is there; `there` marks the keys seen. */
static void take_away(const struct setup *setup, json_t *keys, json_t *values, axc_wide *left, bool *there,
                      struct found *found)
{
    *found = (struct found){ .stray = -1, .twice = -1 };
    for (size_t i = 0; i < json_array_size(keys); i++) {
        int64_t key = at(keys, i);
        if (key < 0 || key >= setup->all) {
            if (found->strays++ == 0)
                found->stray = key;
            continue;
        }
        if (there[key] && found->twices++ == 0)
            found->twice = key;
        if (!there[key])
            left[key] -= at(values, i);
        there[key] = true;
    }
}

static void state_keys(const struct axc_record *record, const struct setup *setup, const struct found *found,
                       const axc_wide *left, const bool *there, size_t count, axc_wide in, axc_wide out)
{
    if (found->strays == 0)
        axc_state(record->report, "known", true, "each of %zu keys there is one of 0 to %" PRId64, count, setup->all - 1);
    else
        axc_state(record->report, "known", false, "key %" PRId64 " is there, which nobody inserted (%zu such keys)",
                  found->stray, found->strays);
    if (found->twices == 0)
        axc_state(record->report, "once", true, "no key is there twice");
    else
        axc_state(record->report, "once", false, "key %" PRId64 " is there twice (%zu such keys)", found->twice,
                  found->twices);
    size_t wrong = 0;
    int64_t first = -1, gone = -1;
    for (int64_t k = setup->all; k-- > 0;) {
        if (left[k] != 0) {
            wrong++;
            first = k;
        }
        if (k >= setup->keys && !there[k])
            gone = k;
    }
    if (wrong == 0)
        axc_state(record->report, "conservation", true, "%s put in - %s taken out = %s there, for each key alike", AXC_WIDE(in),
                  AXC_WIDE(out), AXC_WIDE(in - out));
    else
        axc_state(record->report, "conservation", false, "key %" PRId64 " has %s too %s (%zu keys are wrong)", first,
                  AXC_WIDE(left[first] > 0 ? left[first] : -left[first]), left[first] > 0 ? "little" : "much", wrong);
    if (gone < 0)
        axc_state(record->report, "steady", true, "the %" PRId64 " keys that nobody touched are there", setup->all - setup->keys);
    else
        axc_state(record->report, "steady", false, "key %" PRId64 ", which nobody touched, is gone", gone);
}

static bool judge_walks(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), walks = axc_member(&root, "walks");
    axc_wide sum[4] = { 0 };
    static const char *const names[4] = { "walks", "missed", "twice", "strays" };
    if (walks.value == NULL)
        return true;
    if (!json_is_array(walks.value))
        return axc_reject(record, &walks, "is not an array");
    for (size_t i = 0; i < json_array_size(walks.value); i++) {
        struct axc_node watch = axc_element(&walks, i);
        if (!json_is_object(watch.value))
            return axc_reject(record, &watch, "is not an object");
        for (int n = 0; n < 4; n++) {
            int64_t value;
            if (!axc_get_integer(record, &watch, names[n], 0, INT64_MAX, &value))
                return false;
            sum[n] += value;
        }
    }
    axc_state(record->report, "walks", sum[1] == 0 && sum[2] == 0 && sum[3] == 0,
              "%s walks: %s times a key that nobody touched was missed, %s times shown twice; %s keys shown were none",
              AXC_WIDE(sum[0]), AXC_WIDE(sum[1]), AXC_WIDE(sum[2]), AXC_WIDE(sum[3]));
    return true;
}

bool axc_judge_map(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), setup_node = axc_member(&root, "setup"), end = axc_member(&root, "final");
    struct setup setup;
    json_t *keys, *values;
    /* no more keys than a worker's row can have, so that a record cannot ask for memory it did not bring */
    if (!axc_get_integer(record, &setup_node, "keys", 0, (int64_t)record->length, &setup.keys) ||
        !axc_get_integers(record, &setup_node, "steady", &setup.steady))
        return false;
    setup.all = setup.keys + (int64_t)json_array_size(setup.steady);
    struct axc_node keys_node = axc_member(&end, "keys");
    if (!axc_get_integers(record, &end, "keys", &keys))
        return false;
    if (keys == NULL)
        return axc_reject(record, &keys_node, "is missing");
    if (!get_row(record, &end, "values", json_array_size(keys), &values))
        return false;
    axc_wide *left = axc_alloc(((size_t)setup.all + 1) * sizeof *left);
    bool *there = axc_alloc(((size_t)setup.all + 1) * sizeof *there);
    axc_wide in = 0, out = 0;
    bool done = false;
    if (left == NULL || there == NULL) {
        (void)axc_gave_up(record->report, "no memory for %" PRId64 " keys", setup.all);
    } else if (add_up(record, &setup, left, &in, &out)) {
        struct found found;
        for (int64_t k = 0; k < setup.all; k++)
            there[k] = false;
        take_away(&setup, keys, values, left, there, &found);
        state_keys(record, &setup, &found, left, there, json_array_size(keys), in, out);
        done = judge_walks(record);
    }
    axc_free(left);
    axc_free(there);
    return done;
}

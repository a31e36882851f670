/* SPDX-License-Identifier: MIT */
/* samples.c: what readers saw while a counter or adder was running. */
#include <inttypes.h>

#include "record.h"

struct seen {
    int64_t low, high;
    size_t count, readers;
    size_t outside, falls;
    int64_t first_outside, fall_from, fall_to;
};

/* One reader's values, in the order in which it read them. */
static bool read_samples(const struct axc_record *record, const struct axc_node *values, struct seen *seen)
{
    int64_t before = INT64_MIN;
    seen->readers++;
    for (size_t i = 0; i < json_array_size(values->value); i++, seen->count++) {
        struct axc_node node = axc_element(values, i);
        if (!json_is_integer(node.value))
            return axc_reject(record, &node, "is not an integer");
        int64_t value = json_integer_value(node.value);
        if ((value < seen->low || value > seen->high) && seen->outside++ == 0)
            seen->first_outside = value;
        if (value < before && seen->falls++ == 0) {
            seen->fall_from = before;
            seen->fall_to = value;
        }
        before = value;
    }
    return true;
}

bool axc_judge_samples(const struct axc_record *record, int64_t low, int64_t high)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup"), all = axc_member(&root, "samples");
    struct axc_node rising = axc_member(&setup, "monotone");
    bool monotone = false;
    if (rising.value != NULL && !axc_get_boolean(record, &setup, "monotone", &monotone))
        return false;
    if (all.value == NULL)
        return true;
    if (!json_is_array(all.value))
        return axc_reject(record, &all, "is not an array");
    struct seen seen = {.low = low, .high = high};
    if (json_is_array(json_array_get(all.value, 0))) {
        for (size_t i = 0; i < json_array_size(all.value); i++) {
            struct axc_node one = axc_element(&all, i);
            if (!json_is_array(one.value))
                return axc_reject(record, &one, "is not an array, as the first is");
            if (!read_samples(record, &one, &seen))
                return false;
        }
    } else if (!read_samples(record, &all, &seen)) {
        return false;
    }
    if (!monotone)
        return true;
    if (seen.falls > 0)
        axc_state(record->report, "samples rise", false, "a reader saw %" PRId64 " after %" PRId64 " (%zu falls in %zu samples)",
                  seen.fall_to, seen.fall_from, seen.falls, seen.count);
    else
        axc_state(record->report, "samples rise", true, "%zu samples of %zu readers never fall", seen.count, seen.readers);
    if (seen.outside > 0)
        axc_state(record->report, "samples in range", false, "%" PRId64 " is outside %" PRId64 " to %" PRId64 " (%zu of %zu samples)",
                  seen.first_outside, low, high, seen.outside, seen.count);
    else
        axc_state(record->report, "samples in range", true, "%zu samples within %" PRId64 " to %" PRId64, seen.count, low, high);
    return true;
}

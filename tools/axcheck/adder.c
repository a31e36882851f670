/* SPDX-License-Identifier: MIT */
/* adder.c: a statistical counter: what was added is in the sum or was drained, each unit once. */
#include <inttypes.h>

#include "record.h"

static bool sum_drains(const struct axc_record *record, const struct axc_node *drains, axc_wide *drained, axc_wide *calls)
{
    *drained = *calls = 0;
    if (drains->value == NULL)
        return true;
    if (!json_is_array(drains->value))
        return axc_reject(record, drains, "is not an array");
    for (size_t i = 0; i < json_array_size(drains->value); i++) {
        struct axc_node one = axc_element(drains, i);
        int64_t drainer, times, units;
        if (!json_is_object(one.value))
            return axc_reject(record, &one, "is not an object");
        if (!axc_get_integer(record, &one, "drainer", 0, INT64_MAX, &drainer) ||
            !axc_get_integer(record, &one, "calls", 0, INT64_MAX, &times) ||
            !axc_get_integer(record, &one, "drained", INT64_MIN, INT64_MAX, &units))
            return false;
        if (times == 0 && units != 0)
            return axc_reject(record, &one, "drained %" PRId64 " in no call", units);
        *drained += units;
        *calls += times;
    }
    return true;
}

bool axc_judge_adder(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup"), end = axc_member(&root, "final");
    struct axc_node drains = axc_member(&root, "drains"), samples = axc_member(&root, "samples");
    int64_t initial, left;
    axc_wide added, drained, calls;
    if (!axc_get_integer(record, &setup, "initial", INT64_MIN, INT64_MAX, &initial) ||
        !axc_get_integer(record, &end, "sum", INT64_MIN, INT64_MAX, &left) ||
        !axc_sum_workers(record, "added", INT64_MIN, &added) || !sum_drains(record, &drains, &drained, &calls))
        return false;
    axc_wide in = initial + added, out = left + drained;
    struct axc_decimal difference = axc_decimal(in > out ? in - out : out - in);
    const char *word = in > out ? "lost" : "too many";
    if (json_array_size(drains.value) == 0)
        axc_state(record->report, "sum", in == out, "final.sum %" PRId64 " %s initial %" PRId64 " + %s added%s%s%s%s", left,
                  in == out ? "=" : "is not", initial, AXC_WIDE(added), in == out ? "" : ": ",
                  in == out ? "" : difference.text, in == out ? "" : " ", in == out ? "" : word);
    else
        axc_state(record->report, "sum", in == out,
                  "final.sum %" PRId64 " + %s drained in %s calls %s initial %" PRId64 " + %s added%s%s%s%s", left,
                  AXC_WIDE(drained), AXC_WIDE(calls), in == out ? "=" : "is not", initial, AXC_WIDE(added),
                  in == out ? "" : ": ", in == out ? "" : difference.text, in == out ? "" : " ", in == out ? "" : word);
    if (samples.value != NULL && json_array_size(drains.value) > 0)
        return axc_reject(record, &samples, "can't be judged in a run with drains");
    return axc_judge_samples(record, initial, left);
}

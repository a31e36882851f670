/* SPDX-License-Identifier: MIT */
/* counter.c: one word that many threads add to: nothing lost, nothing twice, each value handed out once. */
#include <inttypes.h>

#include "record.h"

struct fingerprint {
    uint64_t sum, squares; /* modulo 2^64 */
};

/* Of the n consecutive integers from first on, which may be negative: two's complement wraps as wanted. */
static struct fingerprint expected(int64_t first, uint64_t n)
{
    if (n == 0)
        return (struct fingerprint){0, 0};
    uint64_t a = (uint64_t)first;
    /* 0 + 1 + ... + (n-1): the division is exact before anything wraps. */
    uint64_t triangle = (uint64_t)((axc_unsigned_wide)n * (n - 1) / 2);
    /* 0 + 1 + 4 + ... + (n-1)^2 = n(n-1)/2 * (2n-1) / 3, where 3 divides one of the two factors. */
    axc_unsigned_wide half = (axc_unsigned_wide)n * (n - 1) / 2, odd = (axc_unsigned_wide)n * 2 - 1;
    if (half % 3 == 0)
        half /= 3;
    else
        odd /= 3;
    uint64_t pyramid = (uint64_t)half * (uint64_t)odd;
    return (struct fingerprint){n * a + triangle, n * a * a + 2 * a * triangle + pyramid};
}

/* Every operation added 1 and returned the value before: together each value from initial to final-1 once. */
static bool judge_returned(const struct axc_record *record, int64_t initial, int64_t final)
{
    struct axc_node root = axc_root(record), workers = axc_member(&root, "workers");
    struct fingerprint got = {0, 0};
    size_t told = 0, uneven = 0, first_uneven = 0;
    for (size_t i = 0; i < record->threads; i++) {
        struct axc_node worker = axc_element(&workers, i);
        struct axc_node sum_node = axc_member(&worker, "returned_sum"), squares_node = axc_member(&worker, "returned_squares");
        if (sum_node.value == NULL && squares_node.value == NULL)
            continue;
        uint64_t sum, squares;
        if (!axc_get_decimal(record, &worker, "returned_sum", &sum) ||
            !axc_get_decimal(record, &worker, "returned_squares", &squares))
            return false;
        got.sum += sum;
        got.squares += squares;
        told++;
        json_t *ops = json_object_get(worker.value, "ops"), *added = json_object_get(worker.value, "added");
        if (json_integer_value(ops) != json_integer_value(added) && uneven++ == 0)
            first_uneven = i;
    }
    if (told == 0)
        return true;
    if (told != record->threads)
        return axc_reject(record, &workers, "have returned_sum in %zu of %zu entries: all or none", told, record->threads);
    if (uneven > 0) {
        json_t *worker = json_array_get(workers.value, first_uneven);
        axc_state(record->report, "ones", false,
                  "worker %" JSON_INTEGER_FORMAT " added %" JSON_INTEGER_FORMAT " in %" JSON_INTEGER_FORMAT
                  " operations of 1 each (%zu of %zu workers)",
                  json_integer_value(json_object_get(worker, "thread")), json_integer_value(json_object_get(worker, "added")),
                  json_integer_value(json_object_get(worker, "ops")), uneven, record->threads);
    } else {
        axc_state(record->report, "ones", true, "each of %s operations added 1", AXC_WIDE(record->total_ops));
    }
    if (final < initial) {
        axc_state(record->report, "returned", false, "final.value %" PRId64 " is below initial %" PRId64, final, initial);
        return true;
    }
    struct fingerprint want = expected(initial, (uint64_t)final - (uint64_t)initial);
    bool same = want.sum == got.sum && want.squares == got.squares;
    if (same && final == initial)
        axc_state(record->report, "returned", true, "no value was returned");
    else if (same)
        axc_state(record->report, "returned", true,
                  "sum %" PRIu64 " and squares %" PRIu64 " (mod 2^64) are those of %" PRId64 " to %" PRId64 " once each",
                  got.sum, got.squares, initial, final - 1);
    else
        axc_state(record->report, "returned", false,
                  "sum %" PRIu64 " and squares %" PRIu64 " (mod 2^64), but %" PRId64 " up to below %" PRId64
                  " once each give %" PRIu64 " and %" PRIu64,
                  got.sum, got.squares, initial, final, want.sum, want.squares);
    return true;
}

bool axc_judge_counter(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup"), end = axc_member(&root, "final");
    int64_t initial, final;
    axc_wide added;
    if (!axc_get_integer(record, &setup, "initial", INT64_MIN, INT64_MAX, &initial) ||
        !axc_get_integer(record, &end, "value", INT64_MIN, INT64_MAX, &final) ||
        !axc_sum_workers(record, "added", INT64_MIN, &added))
        return false;
    axc_wide want = initial + added;
    if (want == final)
        axc_state(record->report, "sum", true, "final.value %" PRId64 " = initial %" PRId64 " + %s added", final, initial,
                  AXC_WIDE(added));
    else if (want < INT64_MIN || want > INT64_MAX)
        axc_state(record->report, "sum", false,
                  "initial %" PRId64 " + %s added is %s, outside signed 64 bits; final.value is %" PRId64, initial,
                  AXC_WIDE(added), AXC_WIDE(want), final);
    else
        axc_state(record->report, "sum", false, "final.value %" PRId64 ", but initial %" PRId64 " + %s added is %s: %s %s",
                  final, initial, AXC_WIDE(added), AXC_WIDE(want),
                  AXC_WIDE(want > final ? want - final : final - want), want > final ? "lost" : "too many");
    return judge_returned(record, initial, final) && axc_judge_samples(record, initial, final);
}

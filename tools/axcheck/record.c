/* SPDX-License-Identifier: MIT */
/* record.c: from bytes to a judged record: JSON, the fields all records share, then the primitive's judge. */
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "budget.h"

static const struct {
    const char *primitive;
    bool (*judge)(const struct axc_record *record);
} judges[] = {
    {"counter", axc_judge_counter},
    {"adder", axc_judge_adder},
    {"tickets", axc_judge_tickets},
    {"accounts", axc_judge_accounts},
    {"lock", axc_judge_lock},
    {"memo", axc_judge_memo},
    {"map", axc_judge_map},
    {"cluster", axc_judge_cluster},
    {"jobs", axc_judge_jobs},
};

/* The threads are numbered 0 to threads-1 in any order, each once. */
static bool check_numbers(const struct axc_record *record, const struct axc_node *workers)
{
    bool *seen = axc_alloc(record->threads);
    if (seen == NULL)
        return axc_gave_up(record->report, "no memory for %zu workers", record->threads);
    memset(seen, 0, record->threads);
    bool fine = true;
    for (size_t i = 0; fine && i < record->threads; i++) {
        struct axc_node worker = axc_element(workers, i);
        int64_t thread;
        if (!json_is_object(worker.value)) {
            fine = axc_reject(record, &worker, "is not an object");
        } else if (!axc_get_integer(record, &worker, "thread", 0, (int64_t)record->threads - 1, &thread)) {
            fine = false;
        } else if (seen[thread]) {
            struct axc_node node = axc_member(&worker, "thread");
            fine = axc_reject(record, &node, "is %" PRId64 " for the second time", thread);
        } else {
            seen[thread] = true;
        }
    }
    axc_free(seen);
    return fine;
}

static bool get_object(const struct axc_record *record, const struct axc_node *root, const char *key, json_t **out)
{
    struct axc_node node = axc_member(root, key);
    if (node.value == NULL)
        return axc_reject(record, &node, "is missing");
    if (!json_is_object(node.value))
        return axc_reject(record, &node, "is not an object");
    *out = node.value;
    return true;
}

static bool check_workers(struct axc_record *record, const struct axc_node *root)
{
    int64_t threads;
    if (!axc_get_integer(record, root, "threads", 1, INT32_MAX, &threads))
        return false;
    struct axc_node workers = axc_member(root, "workers");
    if (workers.value == NULL)
        return axc_reject(record, &workers, "is missing");
    if (!json_is_array(workers.value))
        return axc_reject(record, &workers, "is not an array");
    if (json_array_size(workers.value) != (size_t)threads)
        return axc_reject(record, &workers, "has %zu entries for %" PRId64 " threads",
                          json_array_size(workers.value), threads);
    record->threads = (size_t)threads;
    record->workers = workers.value;
    return check_numbers(record, &workers);
}

/* How many operations were asked for and done. */
static bool check_iterations(struct axc_record *record, const struct axc_node *root)
{
    bool complete;
    int64_t iters = -1;
    struct axc_node asked = axc_member(root, "iters"), workers = axc_member(root, "workers");
    if (!axc_get_boolean(record, root, "complete", &complete) || !axc_sum_workers(record, "ops", 0, &record->total_ops))
        return false;
    if (json_is_null(asked.value))
        return true;
    if (!axc_get_integer(record, root, "iters", 0, INT64_MAX, &iters))
        return false;
    size_t wrong = 0, first = 0;
    for (size_t i = record->threads; i-- > 0;) {
        int64_t ops = json_integer_value(json_object_get(json_array_get(workers.value, i), "ops"));
        if (complete ? ops != iters : ops > iters) {
            wrong++;
            first = i;
        }
    }
    if (wrong == 0) {
        axc_state(record->report, "iterations", true, "each of %zu workers did %s%" PRId64 " operations",
                  record->threads, complete ? "" : "at most ", iters);
        return true;
    }
    json_t *worker = json_array_get(workers.value, first);
    axc_state(record->report, "iterations", false,
              "worker %" JSON_INTEGER_FORMAT " did %" JSON_INTEGER_FORMAT " operations of %" PRId64
              " asked for (%zu of %zu workers)",
              json_integer_value(json_object_get(worker, "thread")), json_integer_value(json_object_get(worker, "ops")),
              iters, wrong, record->threads);
    return true;
}

static bool judge_parsed(struct axc_record *record)
{
    struct axc_node root = axc_root(record);
    const char *format, *primitive, *impl;
    int64_t version;
    if (!axc_get_string(record, &root, "format", &format))
        return false;
    struct axc_node node = axc_member(&root, "format");
    if (strcmp(format, "atomicx-record") != 0)
        return axc_reject(record, &node, "is \"%.40s\", not \"atomicx-record\"", format);
    if (!axc_get_integer(record, &root, "version", INT64_MIN, INT64_MAX, &version))
        return false;
    node = axc_member(&root, "version");
    if (version != 1)
        return axc_reject(record, &node, "is %" PRId64 "; this axcheck knows version 1", version);
    if (!axc_get_string(record, &root, "primitive", &primitive))
        return false;
    size_t kind = 0, kinds = sizeof judges / sizeof judges[0];
    while (kind < kinds && strcmp(judges[kind].primitive, primitive) != 0)
        kind++;
    node = axc_member(&root, "primitive");
    if (kind == kinds)
        return axc_reject(record, &node, "is \"%.40s\", which this axcheck can't judge", primitive);
    if (!axc_get_string(record, &root, "impl", &impl) || !get_object(record, &root, "setup", &record->setup) ||
        !get_object(record, &root, "final", &record->final) || !check_workers(record, &root) ||
        !check_iterations(record, &root))
        return false;
    snprintf(record->report->subject, sizeof record->report->subject, "%s, impl %.80s, %zu thread%s, %s operations",
             primitive, impl, record->threads, record->threads == 1 ? "" : "s", AXC_WIDE(record->total_ops));
    if (!judges[kind].judge(record))
        return false;
    if (record->total_ops == 0 && record->report->verdict == AXC_HOLDS) {
        record->report->verdict = AXC_VACUOUS;
        snprintf(record->report->reason, sizeof record->report->reason, "no operation was done");
    }
    return true;
}

void axc_judge_record(const char *text, size_t length, struct axc_report *report)
{
    json_error_t error;
    axc_budget_clear();
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        if (axc_budget_exhausted())
            axc_gave_up(report, "needs more than %zu MiB of memory (--memory)", axc_budget_limit() >> 20);
        else
            axc_corrupt(report, error.position > 0 ? (uint64_t)error.position : 0, "%s", error.text);
        return;
    }
    struct axc_record record = {.text = text, .length = length, .report = report, .root = root};
    judge_parsed(&record);
    json_decref(root);
}

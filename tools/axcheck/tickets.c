/* SPDX-License-Identifier: MIT */
/**
 * tickets.c: n numbered tickets, each sold once. The workers' sets are merged run by run with a heap of one
 * cursor per worker, so that the cost follows the length of the record and never the capacity it states.
 */
#include <inttypes.h>

#include "budget.h"
#include "record.h"
#include "runs.h"

struct cursor {
    struct axc_runs runs;
    size_t worker; /* its place in the array of workers */
};

struct merged {
    axc_wide held, distinct;
    bool twice;
    uint64_t ticket; /* the lowest one held twice, and by whom */
    size_t first, second;
};

struct tally {
    axc_wide held, strays, repeats, sells, refunds, sold_out;
    size_t unbalanced, first_unbalanced; /* workers whose own figures disagree */
    axc_wide has, should;
    int64_t stray, repeat; /* the first ones */
    size_t stray_worker, repeat_worker;
};

static json_int_t thread_of(const struct axc_record *record, size_t worker)
{
    return json_integer_value(json_object_get(json_array_get(record->workers, worker), "thread"));
}

/* The numbers an honest worker reports as oddities: strays lie outside the tickets, repeats inside. */
static bool read_odd(const struct axc_record *record, const struct axc_node *worker, const char *key, bool outside,
                     int64_t capacity, axc_wide *count, int64_t *first)
{
    json_t *values;
    if (!axc_get_integers(record, worker, key, &values))
        return false;
    struct axc_node node = axc_member(worker, key);
    *count = (axc_wide)json_array_size(values);
    for (size_t i = json_array_size(values); i-- > 0;) {
        *first = json_integer_value(json_array_get(values, i));
        struct axc_node element = axc_element(&node, i);
        if ((*first < 0 || *first >= capacity) != outside)
            return axc_reject(record, &element, "is %" PRId64 ", %s 0 to %" PRId64, *first,
                              outside ? "within" : "outside", capacity - 1);
    }
    return true;
}

/* Reads a worker's whole set once, so that the merge meets no surprise. */
static bool read_held(const struct axc_record *record, const struct axc_node *worker, int64_t capacity, axc_wide *count)
{
    const char *text;
    if (!axc_get_string(record, worker, "held", &text))
        return false;
    struct axc_runs runs;
    *count = 0;
    for (axc_runs_init(&runs, text, (uint64_t)capacity); axc_runs_next(&runs);)
        *count += (axc_wide)(runs.end - runs.start);
    if (runs.wrong == NULL)
        return true;
    struct axc_node node = axc_member(worker, "held");
    uint64_t offset = axc_locate(record->text, record->length, &node.path) + 1 + (uint64_t)(runs.next - text);
    return axc_corrupt(record->report, offset, "workers[%zu].held: %s", worker->path.index, runs.wrong);
}

static bool read_worker(const struct axc_record *record, const struct axc_node *worker, int64_t capacity,
                        struct tally *tally)
{
    int64_t sells, refunds, sold_out, stray = 0, repeat = 0;
    axc_wide held, strays, repeats;
    if (!axc_get_integer(record, worker, "sells", 0, INT64_MAX, &sells) ||
        !axc_get_integer(record, worker, "sold_out", 0, INT64_MAX, &sold_out) ||
        !axc_get_integer(record, worker, "refunds", 0, INT64_MAX, &refunds) ||
        !read_held(record, worker, capacity, &held) ||
        !read_odd(record, worker, "strays", true, capacity, &strays, &stray) ||
        !read_odd(record, worker, "repeats", false, capacity, &repeats, &repeat))
        return false;
    axc_wide has = held + strays + repeats, should = (axc_wide)sells - refunds;
    if (has != should && tally->unbalanced++ == 0) {
        tally->first_unbalanced = worker->path.index;
        tally->has = has;
        tally->should = should;
    }
    if (strays > 0 && tally->strays == 0) {
        tally->stray = stray;
        tally->stray_worker = worker->path.index;
    }
    if (repeats > 0 && tally->repeats == 0) {
        tally->repeat = repeat;
        tally->repeat_worker = worker->path.index;
    }
    tally->held += held;
    tally->strays += strays;
    tally->repeats += repeats;
    tally->sells += sells;
    tally->refunds += refunds;
    tally->sold_out += sold_out;
    return true;
}

static void sift_down(struct cursor *heap, size_t count, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (heap[child].runs.start < heap[least].runs.start)
                least = child;
        if (least == at)
            return;
        struct cursor swap = heap[at];
        heap[at] = heap[least];
        heap[least] = swap;
        at = least;
    }
}

static bool merge(const struct axc_record *record, uint64_t capacity, struct merged *merged)
{
    *merged = (struct merged){0};
    struct cursor *heap = axc_alloc(record->threads * sizeof *heap);
    if (heap == NULL)
        return axc_gave_up(record->report, "no memory for %zu workers", record->threads);
    size_t count = 0;
    for (size_t i = 0; i < record->threads; i++) {
        json_t *held = json_object_get(json_array_get(record->workers, i), "held");
        axc_runs_init(&heap[count].runs, json_string_value(held), capacity);
        heap[count].worker = i;
        count += axc_runs_next(&heap[count].runs) ? 1 : 0;
    }
    for (size_t i = count / 2; i-- > 0;)
        sift_down(heap, count, i);
    uint64_t end = 0; /* every ticket below it that anybody holds was seen, the last one at */
    size_t holder = 0;
    while (count > 0) {
        const struct axc_runs *run = &heap[0].runs;
        if (run->start < end && !merged->twice) {
            merged->twice = true;
            merged->ticket = run->start;
            merged->first = holder;
            merged->second = heap[0].worker;
        }
        merged->held += (axc_wide)(run->end - run->start);
        if (run->end > end) {
            merged->distinct += (axc_wide)(run->end - (run->start > end ? run->start : end));
            end = run->end;
            holder = heap[0].worker;
        }
        if (!axc_runs_next(&heap[0].runs))
            heap[0] = heap[--count];
        sift_down(heap, count, 0);
    }
    axc_free(heap);
    return true;
}

static void state_once(const struct axc_record *record, const struct merged *merged, int64_t capacity)
{
    if (!merged->twice) {
        axc_state(record->report, "once", true, "%s of %" PRId64 " tickets held, none by two workers", AXC_WIDE(merged->held),
                  capacity);
        return;
    }
    axc_state(record->report, "once", false,
              "ticket %" PRIu64 " is held by workers %" JSON_INTEGER_FORMAT " and %" JSON_INTEGER_FORMAT
              " (%s held, %s different)",
              merged->ticket, thread_of(record, merged->first), thread_of(record, merged->second), AXC_WIDE(merged->held),
              AXC_WIDE(merged->distinct));
}

static void state_oddities(const struct axc_record *record, const struct tally *tally, int64_t capacity)
{
    if (tally->strays == 0)
        axc_state(record->report, "in range", true, "every ticket sold is within 0 to %" PRId64, capacity - 1);
    else
        axc_state(record->report, "in range", false,
                  "worker %" JSON_INTEGER_FORMAT " was sold ticket %" PRId64 ", outside 0 to %" PRId64 " (%s such sales)",
                  thread_of(record, tally->stray_worker), tally->stray, capacity - 1, AXC_WIDE(tally->strays));
    if (tally->repeats == 0)
        axc_state(record->report, "no repeats", true, "no worker was sold a ticket it held");
    else
        axc_state(record->report, "no repeats", false,
                  "worker %" JSON_INTEGER_FORMAT " was sold ticket %" PRId64 " while it held it (%s such sales)",
                  thread_of(record, tally->repeat_worker), tally->repeat, AXC_WIDE(tally->repeats));
}

static void state_balance(const struct axc_record *record, const struct tally *tally, int64_t capacity, int64_t left,
                          int64_t kills)
{
    if (tally->unbalanced == 0)
        axc_state(record->report, "own figures", true, "%s sold - %s refunded = %s held, for each worker alike",
                  AXC_WIDE(tally->sells), AXC_WIDE(tally->refunds), AXC_WIDE(tally->held + tally->strays + tally->repeats));
    else
        axc_state(record->report, "own figures", false,
                  "worker %" JSON_INTEGER_FORMAT " has %s tickets, but its sells - refunds are %s (%zu of %zu workers)",
                  thread_of(record, tally->first_unbalanced), AXC_WIDE(tally->has), AXC_WIDE(tally->should),
                  tally->unbalanced, record->threads);
    axc_wide there = tally->held + left, missing = capacity - there;
    if (left < 0 || left > capacity)
        axc_state(record->report, "conservation", false, "final.left %" PRId64 " of a capacity of %" PRId64, left, capacity);
    else if (missing == 0)
        axc_state(record->report, "conservation", true, "%s held + %" PRId64 " left = capacity %" PRId64,
                  AXC_WIDE(tally->held), left, capacity);
    else if (missing > 0 && missing <= kills)
        axc_state(record->report, "conservation", true,
                  "%s held + %" PRId64 " left = capacity %" PRId64 " - %s burned by %" PRId64 " kills", AXC_WIDE(tally->held),
                  left, capacity, AXC_WIDE(missing), kills);
    else
        axc_state(record->report, "conservation", false, "%s held + %" PRId64 " left is %s, capacity %" PRId64 ": %s %s",
                  AXC_WIDE(tally->held), left, AXC_WIDE(there), capacity, AXC_WIDE(missing > 0 ? missing : -missing),
                  missing > 0 ? "missing" : "too many");
}

bool axc_judge_tickets(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup"), end = axc_member(&root, "final");
    struct axc_node workers = axc_member(&root, "workers");
    int64_t capacity, left, kills = 0, batch = 1, leased = 0;
    if (!axc_get_integer(record, &setup, "capacity", 1, INT32_MAX, &capacity) ||
        (json_object_get(setup.value, "kills") != NULL &&
         !axc_get_integer(record, &setup, "kills", 0, INT32_MAX, &kills)) ||
        (json_object_get(setup.value, "batch") != NULL &&
         !axc_get_integer(record, &setup, "batch", 1, INT32_MAX, &batch)) ||
        (json_object_get(setup.value, "leased") != NULL &&
         !axc_get_integer(record, &setup, "leased", 0, INT64_MAX / 2, &leased)) ||
        !axc_get_integer(record, &end, "left", INT64_MIN, INT64_MAX, &left))
        return false;
    struct tally tally = {0};
    for (size_t i = 0; i < record->threads; i++) {
        struct axc_node worker = axc_element(&workers, i);
        if (!read_worker(record, &worker, capacity, &tally))
            return false;
    }
    struct merged merged;
    if (!merge(record, (uint64_t)capacity, &merged))
        return false;
    state_once(record, &merged, capacity);
    state_oddities(record, &tally, capacity);
    state_balance(record, &tally, capacity, left, kills);
    if (tally.sold_out > 0 && tally.refunds == 0 && kills == 0)
        axc_state(record->report, "sold out", left < batch + leased,
                  "%s refusals of up to %" PRId64 " at once, and %" PRId64 " left, where leases held up to %" PRId64,
                  AXC_WIDE(tally.sold_out), batch, left, leased);
    return true;
}

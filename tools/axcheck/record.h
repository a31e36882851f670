/* SPDX-License-Identifier: MIT */
/**
 * record.h: a parsed record, and the table of what can be judged. docs/record-format.md is the contract.
 */
#ifndef AXCHECK_RECORD_H
#define AXCHECK_RECORD_H

#include <jansson.h>

#include "axcheck.h"
#include "scan.h"

struct axc_record {
    const char *text; /* as it was read, for the offsets of complaints */
    size_t length;
    struct axc_report *report;
    json_t *root, *setup, *workers, *final;
    size_t threads;
    axc_wide total_ops;
};

/* A value and where it is, as a chain on the stack from the leaf up to the root. */
struct axc_node {
    struct axc_path path;
    json_t *value; /* NULL: it isn't there */
};

struct axc_node axc_root(const struct axc_record *record);
struct axc_node axc_member(const struct axc_node *object, const char *key);
struct axc_node axc_element(const struct axc_node *array, size_t index);

/* Complains about this value, or about the place where it is missing. Returns false. */
bool axc_reject(const struct axc_record *record, const struct axc_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Each takes one member of an object, of this type and range or the input is corrupt. */
bool axc_get_integer(const struct axc_record *record, const struct axc_node *object, const char *key, int64_t least,
                     int64_t most, int64_t *out);
bool axc_get_boolean(const struct axc_record *record, const struct axc_node *object, const char *key, bool *out);
bool axc_get_string(const struct axc_record *record, const struct axc_node *object, const char *key, const char **out);
/* A decimal string without sign or leading zeros, below 2^64. */
bool axc_get_decimal(const struct axc_record *record, const struct axc_node *object, const char *key, uint64_t *out);
/* An array of integers within this range; absent is empty. */
bool axc_get_integers(const struct axc_record *record, const struct axc_node *object, const char *key, json_t **out);

/* The sum over all workers of one integer member. */
bool axc_sum_workers(const struct axc_record *record, const char *key, int64_t least, axc_wide *sum);

/* Judges a whole record in text. */
void axc_judge_record(const char *text, size_t length, struct axc_report *report);

/* One judge per primitive: states its invariants. The header and the workers' numbers are checked already. */
bool axc_judge_counter(const struct axc_record *record);
bool axc_judge_adder(const struct axc_record *record);
bool axc_judge_tickets(const struct axc_record *record);
bool axc_judge_accounts(const struct axc_record *record);
bool axc_judge_lock(const struct axc_record *record);
bool axc_judge_memo(const struct axc_record *record);
bool axc_judge_map(const struct axc_record *record);
bool axc_judge_cluster(const struct axc_record *record);
bool axc_judge_jobs(const struct axc_record *record);

/* Shared by counter and adder: what readers saw while it ran stays within [low, high] and never falls. */
bool axc_judge_samples(const struct axc_record *record, int64_t low, int64_t high);

#endif

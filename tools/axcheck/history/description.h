/* SPDX-License-Identifier: MIT */
/* description.h: what a history says of itself before its operations, as JSON: in binary and in JSON lines. */
#ifndef AXCHECK_DESCRIPTION_H
#define AXCHECK_DESCRIPTION_H

#include <jansson.h>

#include "history.h"

/* One kind of operation of a binary history: an operation without its results is a kind of its own. */
struct axc_kind {
    uint8_t verb, args;
    int results; /* -1: their number comes before them */
};

enum { AXC_MAX_KINDS = 64 };

struct axc_description {
    struct axc_kind kinds[AXC_MAX_KINDS];
    size_t count;
};

/* The text is at `offset` of the input, where everything wrong with it is placed. */
bool axc_read_description(struct axc_history *history, const char *text, size_t length, uint64_t offset,
                          struct axc_description *description);

/* A new object, to be given back with json_decref; with every kind of the model. NULL without memory. */
json_t *axc_write_description(const struct axc_history *history, struct axc_description *description);

/* null, "closed" or a number; false for anything else. */
bool axc_json_to_value(const json_t *json, int64_t *value);
json_t *axc_value_to_json(int64_t value);

#endif

/* SPDX-License-Identifier: MIT */
/* description.h: what a history says of itself before its operations, as JSON: in binary and in JSON lines. */
#ifndef AXCHECK_DESCRIPTION_H
#define AXCHECK_DESCRIPTION_H

#include <jansson.h>

#include "history.h"

/* The text is at `offset` of the input, where everything wrong with it is placed. */
bool axc_read_description(struct axc_history *history, const char *text, size_t length, uint64_t offset);

/* A new object, to be given back with json_decref; with every kind of the model. NULL without memory. */
json_t *axc_write_description(const struct axc_history *history);

/* null, "closed" or a number; false for anything else. */
bool axc_json_to_value(const json_t *json, int64_t *value);
json_t *axc_value_to_json(int64_t value);

#endif

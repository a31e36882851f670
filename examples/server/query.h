/* SPDX-License-Identifier: MIT */
/*
 * query.h: the request target, "/tickets/opera/sell?seat=3", taken apart.
 *
 * Everything a client can put there ends in one of two ways: a query whose texts are decoded and free of
 * control characters, or a short reason for a 400. Knows nothing of HTTP beyond that and allocates nothing;
 * tests/fuzz/query_fuzz.c gives it any bytes.
 */
#ifndef SERVER_QUERY_H
#define SERVER_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUERY_SEGMENTS = 4, QUERY_PARAMETERS = 8 };

/* A view into the target; not NUL-terminated. */
struct text {
    const char *bytes;
    size_t length;
};

struct parameter {
    struct text name, value;
};

struct query {
    size_t segments, parameters;
    struct text segment[QUERY_SEGMENTS];
    struct parameter parameter[QUERY_PARAMETERS];
};

/*
 * Takes the target apart, decoding it in place: the views in *query point into it. NULL, or why the target is
 * refused (*query is then empty). A target in absolute form (http://host/path) counts as its path.
 */
const char *query_parse(struct query *query, char *target, size_t length);

/* The value of the parameter of that name, or NULL. */
const struct text *query_find(const struct query *query, const char *name);

bool text_equal(struct text a, struct text b);
bool text_is(struct text text, const char *string);

enum number { NUMBER_OK, NUMBER_NONE, NUMBER_RANGE };

/* A decimal number: digits, maybe after one sign, and nothing else. NUMBER_RANGE when it is below least or above most. */
enum number text_number(struct text text, int64_t least, int64_t most, int64_t *number);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * scan.h: a look at the bytes as they arrive, before anything is allocated for them. It refuses what no
 * record can be (nesting, fractions, another kind of file) at the first byte that shows it, however
 * long the input goes on, and knows at the end whether the input was cut off.
 */
#ifndef AXCHECK_SCAN_H
#define AXCHECK_SCAN_H

#include "axcheck.h"

enum { AXC_MAX_DEPTH = 16 };

struct axc_scan {
    uint64_t offset;
    unsigned depth;
    bool started, in_string, escaped, in_number;
    char last;
};

/* Start from a zeroed struct. False once the report has the reason. */
bool axc_scan_feed(struct axc_scan *scan, const char *bytes, size_t length, struct axc_report *report);
bool axc_scan_end(const struct axc_scan *scan, struct axc_report *report);

/* The way to a value: a chain of members and elements that ends at the root. */
struct axc_path {
    const struct axc_path *up; /* NULL: this is the root */
    const char *key;           /* member of an object, or NULL: */
    size_t index;              /* element of an array */
};

/* Where in valid JSON text the value at this path begins; for one that is missing, where its nearest
 * existing container begins. */
size_t axc_locate(const char *text, size_t length, const struct axc_path *path);

#endif

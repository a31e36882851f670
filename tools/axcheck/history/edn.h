/* SPDX-License-Identifier: MIT */
/* edn.h: the forms of EDN that Jepsen's histories are made of. */
#ifndef AXCHECK_EDN_H
#define AXCHECK_EDN_H

#include "history.h"

enum { AXC_EDN_ITEMS = 2 };

/* One form, as far as an event needs it. */
struct axc_edn_form {
    enum { EDN_NIL, EDN_INTEGER, EDN_KEYWORD, EDN_VECTOR, EDN_MAP, EDN_OTHER } kind;
    int64_t number;
    const char *text; /* of a keyword without the colon, of a map from bracket to bracket */
    size_t length;
    size_t count; /* of a vector: how many, of which the first two are kept */
    struct {
        bool nested, nil;
        int64_t numbers[AXC_EDN_ITEMS];
        size_t count;
    } items[AXC_EDN_ITEMS];
};

struct axc_edn {
    struct axc_report *report;
    const char *begin, *at, *end;
};

/* False with the byte in the report. */
bool axc_edn_wrong(const struct axc_edn *r, const char *at, const char *what);

/* Past spaces, commas and comments. */
void axc_edn_skip_space(struct axc_edn *r);

/* The next form. Integers beyond 63 bits and truncated forms are refused; forms no event needs are passed over. */
bool axc_edn_form(struct axc_edn *r, struct axc_edn_form *out);

bool axc_edn_is(const struct axc_edn_form *form, const char *keyword);

/* The next entry of a map whose text r stands in; *more is false after the last. */
bool axc_edn_entry(struct axc_edn *r, struct axc_edn_form *key, struct axc_edn_form *value, bool *more);

#endif

/* SPDX-License-Identifier: MIT */
#include "edn.h"

#include <string.h>

enum { DEEPEST = 32 };

bool axc_edn_wrong(const struct axc_edn *r, const char *at, const char *what)
{
    return axc_corrupt(r->report, (uint64_t)(at - r->begin), "%s", what);
}

void axc_edn_skip_space(struct axc_edn *r)
{
    while (r->at < r->end && (memchr(" \t\r\n,", *r->at, 5) != NULL || *r->at == ';'))
        if (*r->at++ == ';')
            while (r->at < r->end && *r->at != '\n')
                r->at++;
}

static bool is_delimiter(char c)
{
    return memchr(" \t\r\n,()[]{}\";", c, 13) != NULL;
}

/* Past one form of any kind. */
static bool skip_form(struct axc_edn *r)
{
    unsigned depth = 0;
    do {
        axc_edn_skip_space(r);
        if (r->at == r->end)
            return axc_edn_wrong(r, r->end, "truncated inside a form");
        const char *start = r->at;
        char c = *r->at++;
        if (c == '"') {
            for (; r->at < r->end && *r->at != '"'; r->at++)
                r->at += *r->at == '\\' && r->at + 1 < r->end ? 1 : 0;
            if (r->at++ >= r->end)
                return axc_edn_wrong(r, r->at = r->end, "truncated inside a string");
        } else if (c == '{' || c == '[' || c == '(') {
            if (++depth > DEEPEST)
                return axc_edn_wrong(r, start, "nested too deeply");
        } else if (c == '}' || c == ']' || c == ')') {
            if (depth-- == 0)
                return axc_edn_wrong(r, start, "a bracket closes what was never opened");
        } else {
            while (r->at < r->end && !is_delimiter(*r->at))
                r->at++;
        }
        bool tag = c == '#'; /* belongs to the form that follows */
        if (depth == 0 && !tag)
            return true;
    } while (true);
}

static bool integer(struct axc_edn *r, int64_t *out)
{
    const char *start = r->at;
    bool negative = *r->at == '-';
    uint64_t value = 0;
    r->at += negative ? 1 : 0;
    const char *digits = r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, (uint64_t)(*r->at - '0'), &value))
            return axc_edn_wrong(r, start, "a number of more than 63 bits");
    if (r->at == digits || value > (uint64_t)INT64_MAX - (negative ? 1 : 0) || (r->at < r->end && !is_delimiter(*r->at)))
        return axc_edn_wrong(r, start, "not an integer below 2^63");
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool is_integer(const struct axc_edn *r)
{
    return (*r->at >= '0' && *r->at <= '9') || (*r->at == '-' && r->at + 1 < r->end && r->at[1] >= '0' && r->at[1] <= '9');
}

static bool is_nil(struct axc_edn *r)
{
    bool nil = r->end - r->at >= 3 && memcmp(r->at, "nil", 3) == 0 && (r->end - r->at == 3 || is_delimiter(r->at[3]));
    r->at += nil ? 3 : 0;
    return nil;
}

/* [a b], [k v] or [k [a b]] of numbers and nil; anything else in it makes it EDN_OTHER. */
static bool vector(struct axc_edn *r, struct axc_edn_form *out)
{
    const char *start = r->at++;
    out->kind = EDN_VECTOR;
    for (;;) {
        axc_edn_skip_space(r);
        if (r->at == r->end)
            return axc_edn_wrong(r, r->end, "truncated inside a vector");
        if (*r->at == ']') {
            r->at++;
            return true;
        }
        size_t i = out->count++;
        bool inner = *r->at == '[';
        if (i >= AXC_EDN_ITEMS || !(inner || is_integer(r) || *r->at == 'n')) {
            out->kind = EDN_OTHER;
            r->at = start;
            return skip_form(r);
        }
        out->items[i].nested = inner;
        out->items[i].nil = !inner && is_nil(r);
        if (!inner && !out->items[i].nil) {
            if (!is_integer(r) || !integer(r, &out->items[i].numbers[0]))
                return axc_edn_wrong(r, r->at, "neither a number nor nil");
        }
        r->at += inner ? 1 : 0;
        while (inner) {
            axc_edn_skip_space(r);
            if (r->at == r->end)
                return axc_edn_wrong(r, r->end, "truncated inside a vector");
            if (*r->at == ']') {
                r->at++;
                break;
            }
            if (out->items[i].count == AXC_EDN_ITEMS || !is_integer(r))
                return axc_edn_wrong(r, r->at, "not a pair of numbers");
            if (!integer(r, &out->items[i].numbers[out->items[i].count++]))
                return false;
        }
    }
}

bool axc_edn_form(struct axc_edn *r, struct axc_edn_form *out)
{
    memset(out, 0, sizeof *out);
    axc_edn_skip_space(r);
    if (r->at == r->end)
        return axc_edn_wrong(r, r->end, "truncated: a form is missing");
    if (is_nil(r)) {
        out->kind = EDN_NIL;
        return true;
    }
    if (is_integer(r)) {
        out->kind = EDN_INTEGER;
        return integer(r, &out->number);
    }
    if (*r->at == '[')
        return vector(r, out);
    if (*r->at == ':') {
        out->kind = EDN_KEYWORD;
        out->text = ++r->at;
        while (r->at < r->end && !is_delimiter(*r->at))
            r->at++;
        out->length = (size_t)(r->at - out->text);
        return true;
    }
    out->kind = *r->at == '{' ? EDN_MAP : EDN_OTHER;
    out->text = r->at;
    bool fine = skip_form(r);
    out->length = fine ? (size_t)(r->at - out->text) : 0;
    return fine;
}

bool axc_edn_is(const struct axc_edn_form *form, const char *keyword)
{
    return form->kind == EDN_KEYWORD && form->length == strlen(keyword) && memcmp(form->text, keyword, form->length) == 0;
}

bool axc_edn_entry(struct axc_edn *r, struct axc_edn_form *key, struct axc_edn_form *value, bool *more)
{
    axc_edn_skip_space(r);
    *more = r->at < r->end && *r->at != '}';
    return !*more || (axc_edn_form(r, key) && axc_edn_form(r, value));
}

/* SPDX-License-Identifier: MIT */
/* scan.c: bytes to offsets. The JSON library does the parsing; this finds where things are. */
#include "scan.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes one byte; says what is wrong with it, or NULL. */
static const char *step(struct axc_scan *scan, char c)
{
    if (scan->in_string) {
        if (scan->escaped)
            scan->escaped = false;
        else if (c == '\\')
            scan->escaped = true;
        else if (c == '"')
            scan->in_string = false;
        return NULL;
    }
    if (!scan->started && !is_space(c)) {
        if (c != '{')
            return "not a record: a record begins with '{'";
        scan->started = true;
    }
    if (scan->in_number && (c == '.' || c == 'e' || c == 'E'))
        return "a number that is not an integer";
    scan->in_number = c == '-' || c == '+' || (c >= '0' && c <= '9');
    if (c == '"')
        scan->in_string = true;
    else if ((c == '{' || c == '[') && ++scan->depth > AXC_MAX_DEPTH)
        return "nested too deeply for a record";
    else if ((c == '}' || c == ']') && scan->depth-- == 0)
        return "a bracket closes what was never opened";
    return NULL;
}

bool axc_scan_feed(struct axc_scan *scan, const char *bytes, size_t length, struct axc_report *report)
{
    for (size_t i = 0; i < length; i++, scan->offset++) {
        const char *wrong = step(scan, bytes[i]);
        if (wrong != NULL)
            return axc_corrupt(report, scan->offset, "%s", wrong);
    }
    if (length > 0)
        scan->last = bytes[length - 1];
    return true;
}

bool axc_scan_end(const struct axc_scan *scan, struct axc_report *report)
{
    if (!scan->started)
        return axc_corrupt(report, scan->offset, "empty");
    if (scan->in_string)
        return axc_corrupt(report, scan->offset, "truncated: the input ends inside a string");
    if (scan->depth != 0)
        return axc_corrupt(report, scan->offset, "truncated: %u brackets are still open", scan->depth);
    if (scan->last != '\n')
        return axc_corrupt(report, scan->offset, "truncated: the newline at the end is missing");
    return true;
}

static size_t skip_space(const char *text, size_t length, size_t at)
{
    while (at < length && is_space(text[at]))
        at++;
    return at;
}

/* Past the value that begins at `at`, whatever it is. */
static size_t skip_value(const char *text, size_t length, size_t at)
{
    struct axc_scan scan = {.started = true};
    for (; at < length; at++) {
        bool inside = scan.in_string || scan.depth != 0;
        if (!inside && (text[at] == ',' || text[at] == '}' || text[at] == ']' || text[at] == ':'))
            break;
        step(&scan, text[at]);
    }
    return at;
}

size_t axc_locate(const char *text, size_t length, const struct axc_path *path)
{
    if (path->up == NULL)
        return skip_space(text, length, 0);
    size_t container = axc_locate(text, length, path->up);
    if (container >= length || text[container] != (path->key != NULL ? '{' : '['))
        return container;
    size_t at = skip_space(text, length, container + 1);
    for (size_t i = 0; at < length && text[at] != '}' && text[at] != ']'; i++) {
        bool found = path->key == NULL && i == path->index;
        if (path->key != NULL) {
            size_t key = at + 1, n = strlen(path->key);
            at = skip_value(text, length, at);
            found = length - key > n && memcmp(text + key, path->key, n) == 0 && text[key + n] == '"';
            at = skip_space(text, length, at + 1); /* past the colon */
        }
        if (found)
            return at;
        at = skip_value(text, length, at);
        if (at < length && text[at] == ',')
            at = skip_space(text, length, at + 1);
    }
    return container;
}

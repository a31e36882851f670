/* SPDX-License-Identifier: MIT */
#include "query.h"

#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Decodes bytes[0..length-1] in place: what is written never overtakes what is read. */
static const char *decode(char *bytes, size_t length, bool plus_is_space, struct text *text)
{
    size_t written = 0;
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        if (c == '%') {
            int high = length - i > 2 ? hex_digit(bytes[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(bytes[i + 2]) : -1;
            if (low < 0)
                return "a % is not followed by two hexadecimal digits";
            c = (char)(unsigned char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == ' ' || c == '#') {
            return "a character in the target must be percent-encoded";
        }
        if (is_control(c))
            return "a control character in the target";
        bytes[written++] = c;
    }
    *text = (struct text){ bytes, written };
    return NULL;
}

static char *find(char *begin, char *end, char c)
{
    char *at = begin < end ? memchr(begin, c, (size_t)(end - begin)) : NULL;
    return at ? at : end;
}

static const char *parse_path(struct query *query, char *at, char *end)
{
    while (at < end) { /* at a slash */
        char *begin = at + 1;
        at = find(begin, end, '/');
        if (query->segments == QUERY_SEGMENTS)
            return "the path has too many parts";
        const char *why = decode(begin, (size_t)(at - begin), false, &query->segment[query->segments]);
        if (why)
            return why;
        query->segments++;
    }
    return NULL;
}

bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static const char *parse_parameter(struct query *query, char *begin, char *end)
{
    if (query->parameters == QUERY_PARAMETERS)
        return "too many parameters";
    struct parameter *parameter = &query->parameter[query->parameters];
    char *equals = find(begin, end, '=');
    char *value = equals < end ? equals + 1 : end;
    const char *why = decode(begin, (size_t)(equals - begin), true, &parameter->name);
    if (!why)
        why = decode(value, (size_t)(end - value), true, &parameter->value);
    if (why)
        return why;
    if (parameter->name.length == 0)
        return "a parameter has no name";
    for (size_t i = 0; i < query->parameters; i++)
        if (text_equal(query->parameter[i].name, parameter->name))
            return "a parameter is given twice";
    query->parameters++;
    return NULL;
}

static const char *parse(struct query *query, char *at, char *end)
{
    static const char scheme[] = "http://";
    if ((size_t)(end - at) >= sizeof scheme - 1 && memcmp(at, scheme, sizeof scheme - 1) == 0)
        at = find(at + sizeof scheme - 1, end, '/');
    if (at == end || *at != '/')
        return "the target is no path";
    char *question = find(at, end, '?');
    const char *why = parse_path(query, at, question);
    for (at = question; !why && at < end;) { /* at the question mark or an ampersand */
        char *begin = at + 1;
        at = find(begin, end, '&');
        if (at > begin)
            why = parse_parameter(query, begin, at);
    }
    return why;
}

const char *query_parse(struct query *query, char *target, size_t length)
{
    query->segments = query->parameters = 0;
    const char *why = parse(query, target, target + length);
    if (why)
        query->segments = query->parameters = 0;
    return why;
}

bool text_is(struct text text, const char *string)
{
    size_t length = strlen(string);
    return text.length == length && memcmp(text.bytes, string, length) == 0;
}

const struct text *query_find(const struct query *query, const char *name)
{
    for (size_t i = 0; i < query->parameters; i++)
        if (text_is(query->parameter[i].name, name))
            return &query->parameter[i].value;
    return NULL;
}

enum number text_number(struct text text, int64_t least, int64_t most, int64_t *number)
{
    bool negative = text.length > 0 && text.bytes[0] == '-';
    size_t i = negative || (text.length > 0 && text.bytes[0] == '+') ? 1 : 0;
    int64_t n = 0;
    bool fits = true;
    if (i == text.length)
        return NUMBER_NONE;
    for (; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return NUMBER_NONE;
        int digit = text.bytes[i] - '0';
        fits = fits && !__builtin_mul_overflow(n, 10, &n) && !__builtin_add_overflow(n, negative ? -digit : digit, &n);
    }
    if (!fits || n < least || n > most)
        return NUMBER_RANGE;
    *number = n;
    return NUMBER_OK;
}

/* SPDX-License-Identifier: MIT */
/**
 * query_fuzz.c: any bytes as a request target become a query whose texts keep their promises, or are refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "query_fuzz: %s\n", what);
    abort();
}

static void check_text(struct text text, const char *target, size_t size)
{
    require(text.bytes >= target && text.length <= size && text.bytes <= target + size - text.length,
            "a text outside the target");
    for (size_t i = 0; i < text.length; i++)
        require((unsigned char)text.bytes[i] >= 0x20 && text.bytes[i] != 0x7f, "a control character");
}

/* What text_number takes, strtoll takes, and as the same number. */
static void check_number(struct text text)
{
    int64_t number;
    if (text.length == 0 || text.length > 40 || text_number(text, INT64_MIN, INT64_MAX, &number) != NUMBER_OK)
        return;
    char string[41];
    char *end;
    memcpy(string, text.bytes, text.length);
    string[text.length] = '\0';
    require(strtoll(string, &end, 10) == number && *end == '\0', "another number than strtoll's");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query query;
    char *target = malloc(size > 0 ? size : 1); /* of just that size, so that a sanitizer sees an overrun */
    require(target != NULL, "no memory");
    memcpy(target, data, size);
    const char *why = query_parse(&query, target, size);
    require(query.segments <= QUERY_SEGMENTS && query.parameters <= QUERY_PARAMETERS, "more than there is room for");
    require(why ? query.segments + query.parameters == 0 && strlen(why) < 100 : query.segments > 0,
            "refused and taken at once, or neither");
    for (size_t i = 0; i < query.segments; i++)
        check_text(query.segment[i], target, size);
    for (size_t i = 0; i < query.parameters; i++) {
        const struct parameter *parameter = &query.parameter[i];
        check_text(parameter->name, target, size);
        check_text(parameter->value, target, size);
        check_number(parameter->value);
        require(parameter->name.length > 0, "a parameter without a name");
        for (size_t k = 0; k < i; k++)
            require(!text_equal(query.parameter[k].name, parameter->name), "a parameter given twice");
    }
    free(target);
    return 0;
}

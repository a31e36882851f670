/* SPDX-License-Identifier: MIT */
/* field.c: members of a parsed record, each with its type and range. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "record.h"

struct axc_node axc_root(const struct axc_record *record)
{
    return (struct axc_node){.path = {.up = NULL}, .value = record->root};
}

struct axc_node axc_member(const struct axc_node *object, const char *key)
{
    return (struct axc_node){.path = {.up = &object->path, .key = key}, .value = json_object_get(object->value, key)};
}

struct axc_node axc_element(const struct axc_node *array, size_t index)
{
    return (struct axc_node){.path = {.up = &array->path, .index = index}, .value = json_array_get(array->value, index)};
}

/* "workers[3].added", from the root down; what doesn't fit is left out. */
static void name_of(const struct axc_path *path, char *out, size_t size)
{
    if (path->up == NULL) {
        out[0] = '\0';
        return;
    }
    name_of(path->up, out, size);
    size_t n = strlen(out);
    if (path->key != NULL)
        snprintf(out + n, size - n, "%s%s", n > 0 ? "." : "", path->key);
    else
        snprintf(out + n, size - n, "[%zu]", path->index);
}

bool axc_reject(const struct axc_record *record, const struct axc_node *node, const char *format, ...)
{
    char name[96], why[AXC_TEXT - 128];
    name_of(&node->path, name, sizeof name);
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return axc_corrupt(record->report, axc_locate(record->text, record->length, &node->path), "%s%s%s", name,
                       name[0] != '\0' ? " " : "", why);
}

bool axc_get_integer(const struct axc_record *record, const struct axc_node *object, const char *key, int64_t least,
                     int64_t most, int64_t *out)
{
    struct axc_node node = axc_member(object, key);
    if (node.value == NULL)
        return axc_reject(record, &node, "is missing");
    if (!json_is_integer(node.value))
        return axc_reject(record, &node, "is not an integer");
    *out = json_integer_value(node.value);
    if (*out < least)
        return axc_reject(record, &node, "is %" PRId64 ", less than %" PRId64, *out, least);
    if (*out > most)
        return axc_reject(record, &node, "is %" PRId64 ", more than %" PRId64, *out, most);
    return true;
}

bool axc_get_boolean(const struct axc_record *record, const struct axc_node *object, const char *key, bool *out)
{
    struct axc_node node = axc_member(object, key);
    if (node.value == NULL)
        return axc_reject(record, &node, "is missing");
    if (!json_is_boolean(node.value))
        return axc_reject(record, &node, "is neither true nor false");
    *out = json_is_true(node.value);
    return true;
}

bool axc_get_string(const struct axc_record *record, const struct axc_node *object, const char *key, const char **out)
{
    struct axc_node node = axc_member(object, key);
    if (node.value == NULL)
        return axc_reject(record, &node, "is missing");
    if (!json_is_string(node.value))
        return axc_reject(record, &node, "is not a string");
    *out = json_string_value(node.value);
    return true;
}

bool axc_get_decimal(const struct axc_record *record, const struct axc_node *object, const char *key, uint64_t *out)
{
    const char *text = ""; /* gcc 12 at -O3 does not follow the outputs of failed calls; here and below */
    if (!axc_get_string(record, object, key, &text))
        return false;
    struct axc_node node = axc_member(object, key);
    uint64_t value = 0;
    bool proper = text[0] != '\0' && (text[0] != '0' || text[1] == '\0');
    for (const char *p = text; proper && *p != '\0'; p++)
        proper = *p >= '0' && *p <= '9' && !__builtin_mul_overflow(value, (uint64_t)10, &value) &&
                 !__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
    if (!proper)
        return axc_reject(record, &node, "is not a decimal number below 2^64");
    *out = value;
    return true;
}

bool axc_get_integers(const struct axc_record *record, const struct axc_node *object, const char *key, json_t **out)
{
    struct axc_node node = axc_member(object, key);
    *out = node.value;
    if (node.value == NULL)
        return true;
    if (!json_is_array(node.value))
        return axc_reject(record, &node, "is not an array");
    for (size_t i = 0; i < json_array_size(node.value); i++) {
        struct axc_node element = axc_element(&node, i);
        if (!json_is_integer(element.value))
            return axc_reject(record, &element, "is not an integer");
    }
    return true;
}

bool axc_sum_workers(const struct axc_record *record, const char *key, int64_t least, axc_wide *sum)
{
    *sum = 0;
    struct axc_node root = axc_root(record), workers = axc_member(&root, "workers");
    for (size_t i = 0; i < record->threads; i++) {
        struct axc_node worker = axc_element(&workers, i);
        int64_t value = 0;
        if (!axc_get_integer(record, &worker, key, least, INT64_MAX, &value))
            return false;
        *sum += value;
    }
    return true;
}

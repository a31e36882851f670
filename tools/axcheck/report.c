/* SPDX-License-Identifier: MIT */
/* report.c: the verdict on one file, and how it is printed. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "axcheck.h"
#include "budget.h"

int axc_exit_status(enum axc_verdict verdict)
{
    switch (verdict) {
    case AXC_HOLDS:
        return 0;
    case AXC_VIOLATED:
        return 1;
    case AXC_VACUOUS:
    case AXC_GAVE_UP:
        return 3;
    case AXC_CORRUPT:
        return 65;
    case AXC_FAILED:
        break;
    }
    return 70;
}

int axc_worse_status(int a, int b)
{
    /* 1 promises that every file could be judged and that one is wrong, so what could not be read
     * at all goes before it; what was read and left undecided does not hide a violation. */
    static const int order[] = {70, 65, 2, 1, 3};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return 0;
}

void axc_report_init(struct axc_report *report)
{
    memset(report, 0, sizeof *report);
    report->verdict = AXC_HOLDS;
}

void axc_report_free(struct axc_report *report)
{
    axc_free(report->detail);
    axc_free(report->picture);
    report->detail = report->picture = NULL;
}

void axc_state(struct axc_report *report, const char *name, bool holds, const char *format, ...)
{
    if (!holds && report->verdict == AXC_HOLDS)
        report->verdict = AXC_VIOLATED;
    if (report->count == AXC_MAX_INVARIANTS) {
        axc_failed(report, "more than %d invariants", AXC_MAX_INVARIANTS);
        return;
    }
    struct axc_invariant *line = &report->invariants[report->count++];
    line->name = name;
    line->holds = holds;
    va_list args;
    va_start(args, format);
    vsnprintf(line->text, sizeof line->text, format, args);
    va_end(args);
}

static bool stop(struct axc_report *report, enum axc_verdict verdict, const char *format, va_list args)
{
    if (report->verdict == AXC_HOLDS || report->verdict == AXC_VIOLATED) {
        report->verdict = verdict;
        vsnprintf(report->reason, sizeof report->reason, format, args);
    }
    return false;
}

bool axc_corrupt(struct axc_report *report, uint64_t offset, const char *format, ...)
{
    if (report->verdict == AXC_HOLDS || report->verdict == AXC_VIOLATED)
        report->offset = offset;
    va_list args;
    va_start(args, format);
    stop(report, AXC_CORRUPT, format, args);
    va_end(args);
    return false;
}

bool axc_gave_up(struct axc_report *report, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    stop(report, AXC_GAVE_UP, format, args);
    va_end(args);
    return false;
}

bool axc_failed(struct axc_report *report, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    stop(report, AXC_FAILED, format, args);
    va_end(args);
    return false;
}

struct axc_decimal axc_decimal(axc_wide value)
{
    struct axc_decimal out;
    char digits[40];
    size_t n = 0, at = 0;
    axc_unsigned_wide rest = (axc_unsigned_wide)value;
    if (value < 0) {
        rest = 0 - rest;
        out.text[at++] = '-';
    }
    do
        digits[n++] = (char)('0' + (int)(rest % 10));
    while ((rest /= 10) != 0);
    while (n > 0)
        out.text[at++] = digits[--n];
    out.text[at] = '\0';
    return out;
}

/* The file's name and parts of its contents are anybody's: no escape sequence of theirs reaches the
 * terminal, and what is not UTF-8 does not reach the JSON. */
static void put_clean(const char *text, FILE *out)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        bool c1_control = *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        if (*p < 0x20 || *p == 0x7f || c1_control) {
            putc('?', out);
            p += c1_control ? 1 : 0;
        } else {
            putc(*p, out);
        }
    }
}

static const char *verdict_word(enum axc_verdict verdict)
{
    switch (verdict) {
    case AXC_HOLDS:
        return "holds";
    case AXC_VIOLATED:
        return "violated";
    case AXC_VACUOUS:
        return "vacuous";
    case AXC_GAVE_UP:
        return "gave up";
    case AXC_CORRUPT:
        return "corrupt";
    case AXC_FAILED:
        break;
    }
    return "failed";
}

static size_t violated_count(const struct axc_report *report)
{
    size_t violated = 0;
    for (size_t i = 0; i < report->count; i++)
        violated += report->invariants[i].holds ? 0 : 1;
    return violated;
}

/* Invariants stated before the input turned out to be corrupt are not worth showing. */
static bool judged(const struct axc_report *report)
{
    return report->verdict == AXC_HOLDS || report->verdict == AXC_VIOLATED || report->verdict == AXC_VACUOUS;
}

static void print_verdict(const char *file, const struct axc_report *report)
{
    const char *many = report->count == 1 ? "" : "s";
    put_clean(file, stdout);
    switch (report->verdict) {
    case AXC_HOLDS:
        printf(": holds (%zu invariant%s)\n", report->count, many);
        return;
    case AXC_VIOLATED:
        printf(": VIOLATED (%zu of %zu invariant%s)\n", violated_count(report), report->count, many);
        return;
    case AXC_VACUOUS:
        fputs(": vacuous: ", stdout);
        break;
    case AXC_GAVE_UP:
        fputs(": gave up: ", stdout);
        break;
    case AXC_CORRUPT:
        printf(": corrupt at byte %llu: ", (unsigned long long)report->offset);
        break;
    case AXC_FAILED:
        fputs(": failed: ", stdout);
        break;
    }
    put_clean(report->reason, stdout);
    putchar('\n');
}

void axc_print_text(const char *file, const struct axc_report *report, bool only_verdict)
{
    if (!only_verdict && judged(report)) {
        put_clean(file, stdout);
        fputs(": ", stdout);
        put_clean(report->subject, stdout);
        putchar('\n');
        for (size_t i = 0; i < report->count; i++) {
            const struct axc_invariant *line = &report->invariants[i];
            printf("  %-8s  %s: ", line->holds ? "holds" : "VIOLATED", line->name);
            put_clean(line->text, stdout);
            putchar('\n');
        }
        if (report->detail != NULL)
            fputs(report->detail, stdout);
    }
    print_verdict(file, report);
}

/* A JSON string from bytes that may not be UTF-8: each byte jansson would refuse becomes '?'. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char plain[4096];
    size_t n = 0;
    for (; text[n] != '\0' && n < sizeof plain - 1; n++)
        plain[n] = (unsigned char)text[n] < 0x80 ? text[n] : '?';
    plain[n] = '\0';
    return json_string(plain);
}

void axc_print_json(const char *file, const struct axc_report *report)
{
    json_t *object = json_object();
    json_object_set_new(object, "file", text_value(file));
    json_object_set_new(object, "verdict", json_string(verdict_word(report->verdict)));
    json_object_set_new(object, "status", json_integer(axc_exit_status(report->verdict)));
    if (report->reason[0] != '\0')
        json_object_set_new(object, "reason", text_value(report->reason));
    if (report->verdict == AXC_CORRUPT)
        json_object_set_new(object, "offset", json_integer((json_int_t)report->offset));
    if (judged(report)) {
        json_object_set_new(object, "subject", text_value(report->subject));
        json_t *lines = json_array();
        for (size_t i = 0; i < report->count; i++) {
            const struct axc_invariant *from = &report->invariants[i];
            json_t *line = json_object();
            json_object_set_new(line, "name", json_string(from->name));
            json_object_set_new(line, "holds", json_boolean(from->holds));
            json_object_set_new(line, "text", text_value(from->text));
            json_array_append_new(lines, line);
        }
        json_object_set_new(object, "invariants", lines);
        if (report->detail != NULL)
            json_object_set_new(object, "counterexample", text_value(report->detail));
    }
    if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT) != 0)
        fputs("{}", stdout);
    putchar('\n');
    json_decref(object);
}

/* SPDX-License-Identifier: MIT */
/* The table of outcomes: how many executions ended with each text the test noted. */
#include "axm.h"

#include "atomicx/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 200, ROWS = 4096 };

struct row {
    char text[TEXT + 1];
    uint64_t count, sampled;
};

static AXM_STATE struct row *rows;
static AXM_STATE unsigned used;
static AXM_STATE char current[TEXT + 1];
static AXM_STATE size_t length;

void axm_outcomes_reset(void) { used = 0; }

void axm_outcome_begin(void)
{
    length = 0;
    current[0] = '\0';
}

void ax_model_outcome(const char *format, ...)
{
    if (axm.cur != NULL)
        axm_side_effect();
    if (length != 0 && length < TEXT)
        current[length++] = ' ';
    va_list args;
    va_start(args, format);
    int n = vsnprintf(current + length, sizeof current - length, format, args);
    va_end(args);
    if (n > 0)
        length = length + (size_t)n < TEXT ? length + (size_t)n : TEXT;
}

/* The rows stay sorted: the table is small, and searched once per execution. */
bool axm_outcome_commit(bool sampled)
{
    if (length == 0)
        return true;
    if (rows == NULL && (rows = calloc(ROWS, sizeof *rows)) == NULL)
        axm_fatal("out of memory for the table of outcomes");
    unsigned low = 0, high = used;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int c = strcmp(current, rows[middle].text);
        if (c == 0) {
            if (sampled)
                rows[middle].sampled++;
            else
                rows[middle].count++;
            return rows[middle].count != 0;
        }
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (sampled && used != 0 && axm.opt.check_subset)
        return false;
    if (used == ROWS)
        axm_fatal("more than %d different outcomes", ROWS);
    memmove(&rows[low + 1], &rows[low], (used - low) * sizeof *rows);
    used++;
    memcpy(rows[low].text, current, sizeof current);
    rows[low].count = sampled ? 0 : 1;
    rows[low].sampled = sampled ? 1 : 0;
    return true;
}

const char *axm_outcome_text(void) { return current; }

const char *axm_outcome_row(unsigned i, uint64_t *executions)
{
    if (i >= used)
        return NULL;
    *executions = rows[i].count + rows[i].sampled;
    return rows[i].text;
}

void axm_outcomes_print(bool json)
{
    for (unsigned i = 0; i < used; i++) {
        if (json)
            printf("%s{\"outcome\":\"%s\",\"executions\":%llu,\"sampled\":%llu}", i == 0 ? "" : ",", rows[i].text,
                   (unsigned long long)rows[i].count, (unsigned long long)rows[i].sampled);
        else
            printf("  %-40s %llu\n", rows[i].text, (unsigned long long)(rows[i].count + rows[i].sampled));
    }
}

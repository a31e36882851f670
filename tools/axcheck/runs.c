/* SPDX-License-Identifier: MIT */
/* runs.c: the text form of a ticket set. */
#include "runs.h"

#include <stddef.h>

void axc_runs_init(struct axc_runs *runs, const char *text, uint64_t limit)
{
    *runs = (struct axc_runs){.next = text, .limit = limit};
}

static bool stop(struct axc_runs *runs, const char *at, const char *why)
{
    runs->next = at;
    runs->wrong = why;
    return false;
}

/* Up to 10 digits, enough for any ticket number: no sum of two of them can overflow. */
static bool number(struct axc_runs *runs, const char **at, uint64_t *out)
{
    const char *p = *at;
    uint64_t value = 0;
    if (*p < '0' || *p > '9')
        return stop(runs, p, "a digit is expected");
    if (*p == '0' && p[1] >= '0' && p[1] <= '9')
        return stop(runs, p, "a leading zero");
    for (; *p >= '0' && *p <= '9'; p++) {
        if (p - *at == 10)
            return stop(runs, *at, "a number beyond any ticket");
        value = value * 10 + (uint64_t)(*p - '0');
    }
    *at = p;
    *out = value;
    return true;
}

bool axc_runs_next(struct axc_runs *runs)
{
    const char *at = runs->next;
    if (runs->wrong != NULL || *at == '\0')
        return false;
    if (*at == ' ' && runs->end != 0)
        at++;
    const char *begin = at;
    uint64_t skip, take = 1;
    if (!number(runs, &at, &skip))
        return false;
    if (*at == ':') {
        const char *count = ++at;
        if (!number(runs, &at, &take))
            return false;
        if (take == 0)
            return stop(runs, count, "a run of no ticket");
    }
    if (*at != '\0' && *at != ' ')
        return stop(runs, at, "neither a space nor the end after a run");
    if (*at == ' ' && at[1] == '\0')
        return stop(runs, at, "a space at the end");
    uint64_t start = runs->end + skip;
    if (start >= runs->limit || take > runs->limit - start)
        return stop(runs, begin, "a run past the capacity");
    runs->start = start;
    runs->end = start + take;
    runs->next = at;
    return true;
}

/* SPDX-License-Identifier: MIT */
/* What weaken.h asks at each operation. Read from the environment before the first execution; the
 * instrumentation is off, so that the questions are no part of what is explored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNSEEN __attribute__((no_sanitize("thread")))

int axi_weakened(const char *end, const char *file, int line, int order);
int axi_torn(const char *file, int line);

static const char *weak_end, *weak_file, *torn_file; /* NULL: none; of a file, the last part of its path */
static int weak_line, weak_order, torn_line;

/* "FILE:LINE" */
UNSEEN static const char *place(char *text, int *line)
{
    char *colon = strchr(text, ':');
    if (colon == NULL || (*line = atoi(colon + 1)) <= 0) {
        fprintf(stderr, "WEAKEN, TEAR: %s is not FILE:LINE\n", text);
        _Exit(2);
    }
    *colon = '\0';
    return text;
}

__attribute__((constructor)) UNSEEN static void read_environment(void)
{
    static const char *const orders[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};
    static char weaken[128], tear[128];
    const char *text = getenv("TEAR");
    if (text != NULL) {
        snprintf(tear, sizeof tear, "%s", text);
        torn_file = place(tear, &torn_line);
    }
    text = getenv("WEAKEN");
    if (text == NULL)
        return;
    snprintf(weaken, sizeof weaken, "%s", text);
    char *equals = strchr(weaken, '=');
    weak_order = -1;
    for (int i = 0; equals != NULL && i < 6; i++)
        if (strcmp(equals + 1, orders[i]) == 0)
            weak_order = i;
    if (weak_order < 0) {
        fprintf(stderr, "WEAKEN: %s is not END=ORDER or END@FILE:LINE=ORDER\n", text);
        _Exit(2);
    }
    *equals = '\0';
    char *at = strchr(weaken, '@');
    if (at != NULL) {
        *at = '\0';
        weak_file = place(at + 1, &weak_line);
    }
    weak_end = weaken;
}

UNSEEN static int is_file(const char *path, const char *name)
{
    const char *last = strrchr(path, '/');
    return strcmp(last != NULL ? last + 1 : path, name) == 0;
}

UNSEEN int axi_weakened(const char *end, const char *file, int line, int order)
{
    if (weak_end == NULL || strcmp(end, weak_end) != 0)
        return order;
    return weak_file == NULL || (line == weak_line && is_file(file, weak_file)) ? weak_order : order;
}

UNSEEN int axi_torn(const char *file, int line)
{
    return torn_file != NULL && line == torn_line && is_file(file, torn_file);
}

/* SPDX-License-Identifier: MIT */
/* What weaken.h asks at each operation. Read from the environment before the first execution; the
 * instrumentation is off, so that the questions are no part of what is explored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNSEEN __attribute__((no_sanitize("thread")))

int axi_weakened(const char *end, const char *file, int line, int order);
int axi_mutated(const char *kind, const char *file, int line);
void axi_seen(const void *at, void *value, unsigned long size, const char *file, int line);

/* A name, and where it is meant; file NULL: everywhere, name NULL: nowhere. Of a file, the last part of its path. */
struct target {
    const char *name, *file;
    int line;
};
static struct target weak, mutated;
static int weak_order;

UNSEEN static void refuse(const char *text, const char *form)
{
    fprintf(stderr, "%s is not %s\n", text, form);
    _Exit(2);
}

/* NAME@FILE:LINE or, where that is allowed, NAME. The text is taken apart. */
UNSEEN static int parse(char *text, struct target *target)
{
    char *at = strchr(text, '@');
    target->name = text;
    if (at == NULL)
        return 0;
    *at = '\0';
    target->file = at + 1;
    char *colon = strchr(at + 1, ':');
    if (colon == NULL || (target->line = atoi(colon + 1)) <= 0)
        return -1;
    *colon = '\0';
    return 1;
}

__attribute__((constructor)) UNSEEN static void read_environment(void)
{
    static const char *const orders[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};
    static char weaken[128], mutate[128];
    const char *text = getenv("MUTATE");
    if (text != NULL) {
        snprintf(mutate, sizeof mutate, "%s", text);
        if (parse(mutate, &mutated) != 1)
            refuse(text, "KIND@FILE:LINE");
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
    if (weak_order >= 0)
        *equals = '\0';
    if (weak_order < 0 || parse(weaken, &weak) < 0)
        refuse(text, "END=ORDER or END@FILE:LINE=ORDER");
}

UNSEEN static int is_file(const char *path, const char *name)
{
    const char *last = strrchr(path, '/');
    return strcmp(last != NULL ? last + 1 : path, name) == 0;
}

UNSEEN static int is_meant(const struct target *target, const char *name, const char *file, int line)
{
    return target->name != NULL && (target->file == NULL || line == target->line) && strcmp(name, target->name) == 0 &&
           (target->file == NULL || is_file(file, target->file));
}

UNSEEN int axi_weakened(const char *end, const char *file, int line, int order)
{
    return is_meant(&weak, end, file, line) ? weak_order : order;
}

UNSEEN int axi_mutated(const char *kind, const char *file, int line)
{
    return is_meant(&mutated, kind, file, line);
}

/* What this thread saw lately, the latest last; each execution begins with none. */
enum { SEEN = 16 };
static __thread struct {
    const void *at[SEEN];
    unsigned long long value[SEEN];
    unsigned next;
} seen;

UNSEEN void axi_seen(const void *at, void *value, unsigned long size, const char *file, int line)
{
    if (mutated.name == NULL || strcmp(mutated.name, "stale") != 0)
        return;
    if (is_meant(&mutated, "stale", file, line)) {
        for (unsigned i = 1; i <= SEEN; i++)
            if (seen.at[(seen.next - i) % SEEN] == at) {
                memcpy(value, &seen.value[(seen.next - i) % SEEN], size);
                break;
            }
        return;
    }
    seen.at[seen.next % SEEN] = at;
    memcpy(&seen.value[seen.next++ % SEEN], value, size);
}

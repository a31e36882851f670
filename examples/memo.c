/* SPDX-License-Identifier: MIT */
/* Eight threads ask for two reports at once; each report is written once. */
#include <atomicx/memo.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static ax_status write_report(void *context, const void *key, size_t key_len, void **value)
{
    (void)context;
    struct timespec slow = { 0, 20000000 };
    nanosleep(&slow, NULL);
    char *report = malloc(key_len + 16);
    if (!report)
        return AX_ENOMEM;
    snprintf(report, key_len + 16, "report on %.*s", (int)key_len, (const char *)key);
    *value = report;
    return AX_OK;
}

static void free_report(void *context, void *value)
{
    (void)context;
    free(value);
}

static ax_memo *reports;

static void *read_reports(void *arg)
{
    const char *const subjects[] = { "sales", "stock" };
    for (int i = 0; i < 2; i++) {
        ax_memo_ref ref;
        if (ax_memo_do(reports, subjects[i], strlen(subjects[i]), &ref) != AX_OK)
            continue;
        if (arg)
            printf("%s\n", (const char *)ref.value);
        ax_memo_release(reports, &ref);
    }
    return NULL;
}

int main(void)
{
    const ax_memo_options options = { .compute = write_report, .destroy = free_report, .capacity = 1000 };
    if (ax_memo_create(&options, &reports) != AX_OK)
        return 1;
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        if (pthread_create(&threads[i], NULL, read_reports, i == 0 ? threads : NULL) != 0)
            return 1;
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    ax_memo_stats stats;
    ax_memo_stats_read(reports, &stats);
    printf("%d computations for %d calls\n", (int)stats.computations,
           (int)(stats.computations + stats.hits + stats.waits));
    return ax_memo_destroy(reports) == AX_OK ? 0 : 1;
}

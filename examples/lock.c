/* SPDX-License-Identifier: MIT */
/* A guarded block, and what a checked lock says to a helper that takes the lock once more. */
#include <atomicx/lock.h>

#include <stdio.h>
#include <string.h>

static ax_mutex jobs_lock = AX_MUTEX_CHECKED_INIT("jobs", 0);
static int jobs AX_GUARDED_BY(jobs_lock);

static void on_misuse(const ax_lock_report *report, void *context)
{
    char line[256];
    (void)context;
    (void)ax_lock_describe(report, line, sizeof line);
    printf("%s\n", strstr(line, "lock \"")); /* without the places, which are paths */
}

static bool take_job(void)
{
    AX_WITH_LOCK(&jobs_lock) {
        if (jobs == 0)
            return false; /* released here, too */
        jobs--;
    }
    return true;
}

static void count_jobs(void) AX_NO_THREAD_SAFETY_ANALYSIS; /* which would refuse to compile the mistake */
static void count_jobs(void)
{
    AX_WITH_LOCK(&jobs_lock)
        printf("not reached: the lock was refused\n");
}

static void report_jobs(void) AX_NO_THREAD_SAFETY_ANALYSIS;
static void report_jobs(void)
{
    AX_WITH_LOCK(&jobs_lock) {
        printf("%d jobs\n", jobs);
        count_jobs();
    }
}

int main(void)
{
    ax_lock_on_misuse(on_misuse, NULL);
    AX_WITH_LOCK(&jobs_lock)
        jobs = 2;
    while (take_job())
        printf("took a job\n");
    report_jobs();
    return ax_mutex_fini(&jobs_lock) == AX_OK ? 0 : 1;
}

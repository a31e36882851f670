/* SPDX-License-Identifier: MIT */
/* lock_misuse.h: a handler that keeps what it is told, for the tests of checked locks. */
#ifndef TESTS_UNIT_LOCK_MISUSE_H
#define TESTS_UNIT_LOCK_MISUSE_H

#include <atomicx/lock.h>

#include "../threads.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

enum { TOLD_MAX = 64 };
static pthread_mutex_t told_mutex = PTHREAD_MUTEX_INITIALIZER;
static ax_lock_report told[TOLD_MAX];
static int told_count;

static inline void keep(const ax_lock_report *report, void *context)
{
    CHECK(context == &told);
    pthread_mutex_lock(&told_mutex);
    if (told_count < TOLD_MAX)
        told[told_count++] = *report;
    pthread_mutex_unlock(&told_mutex);
}

static inline int told_now(void)
{
    pthread_mutex_lock(&told_mutex);
    int count = told_count;
    pthread_mutex_unlock(&told_mutex);
    return count;
}

/* Whether the site is this line of the file that includes us. */
static inline bool is_line(const char *file, const char *site, int line)
{
    char expected[300];
    snprintf(expected, sizeof expected, "%s:%d", file, line);
    return site && strcmp(site, expected) == 0;
}

/* Since the last call, exactly this one mistake was told, at this line of the test. */
#define CHECK_TOLD(expected_misuse, expected_status, expected_lock, line)                     \
    do {                                                                                      \
        CHECK_EQ(told_now(), 1);                                                              \
        CHECK_EQ(told[0].misuse, (expected_misuse));                                          \
        CHECK_EQ(told[0].status, (expected_status));                                          \
        CHECK(told[0].lock == (expected_lock));                                               \
        if (!CHECK(is_line(__FILE__, told[0].site, (line))))                                  \
            fprintf(stderr, "  the site is %s, not line %d\n", told[0].site, (line));         \
        forget_told();                                                                        \
    } while (0)

#define CHECK_OTHER_SITE(line)                                                                    \
    do {                                                                                          \
        if (!CHECK(is_line(__FILE__, told[0].other_site, (line))))                                \
            fprintf(stderr, "  the other site is %s, not line %d\n", told[0].other_site, (line)); \
    } while (0)

#define CHECK_NOTHING_TOLD() CHECK_EQ(told_now(), 0)

/* What was told stays readable in told[0]; only the count goes. */
static inline void forget_told(void)
{
    pthread_mutex_lock(&told_mutex);
    told_count = 0;
    pthread_mutex_unlock(&told_mutex);
}

/* Runs body in a thread of its own, to its end. */
static inline void in_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    CHECK_FATAL(pthread_create(&thread, NULL, body, arg) == 0);
    CHECK_FATAL(pthread_join(thread, NULL) == 0);
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * check.h: assertions for tests.
 *
 *     CHECK(ptr != NULL);
 *     CHECK_EQ(ax_counter_read(&c), 42);      prints both values when they differ
 *
 *     int main(void) { RUN(refund_of_unsold_ticket_is_refused); return check_summary(); }
 *
 * NDEBUG has no influence. Any thread may call them. A failed check is counted and printed as one
 * write(2), so that lines of several threads do not mix, and the test goes on; CHECK_FATAL ends the process.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long check_failures; /* written with __atomic builtins: C++ tests include this too */
static unsigned long check_count;

static inline void check_report(const char *file, int line, const char *text, const char *detail)
{
    char out[1024];
    int n = snprintf(out, sizeof out, "%s:%d: check failed: %s%s\n", file, line, text, detail);
    if (n < 0)
        n = 0;
    if ((size_t)n >= sizeof out)
        n = (int)sizeof out - 1;
    ssize_t ignored = write(STDERR_FILENO, out, (size_t)n);
    (void)ignored;
    __atomic_fetch_add(&check_failures, 1, __ATOMIC_RELAXED);
}

static inline int check_true(int ok, const char *file, int line, const char *text)
{
    __atomic_fetch_add(&check_count, 1, __ATOMIC_RELAXED);
    if (!ok)
        check_report(file, line, text, "");
    return ok;
}

static inline int check_eq_int(long long left, long long right, const char *file, int line, const char *text)
{
    __atomic_fetch_add(&check_count, 1, __ATOMIC_RELAXED);
    if (left != right) {
        char detail[80];
        snprintf(detail, sizeof detail, " (left %lld, right %lld)", left, right);
        check_report(file, line, text, detail);
    }
    return left == right;
}

static inline int check_eq_str(const char *left, const char *right, const char *file, int line, const char *text)
{
    __atomic_fetch_add(&check_count, 1, __ATOMIC_RELAXED);
    int same = left != NULL && right != NULL && strcmp(left, right) == 0;
    if (!same) {
        char detail[512];
        snprintf(detail, sizeof detail, " (left \"%.200s\", right \"%.200s\")", left ? left : "(null)",
                 right ? right : "(null)");
        check_report(file, line, text, detail);
    }
    return same;
}

#define CHECK(condition) check_true((condition) ? 1 : 0, __FILE__, __LINE__, #condition)
#define CHECK_EQ(left, right) \
    check_eq_int((long long)(left), (long long)(right), __FILE__, __LINE__, #left " == " #right)
#define CHECK_STR(left, right) check_eq_str((left), (right), __FILE__, __LINE__, #left " == " #right)
#define CHECK_FATAL(condition)      \
    do {                            \
        if (!CHECK(condition))      \
            _exit(1);               \
    } while (0)

/* Runs one test function and names it when it failed. */
#define RUN(test)                                                                   \
    do {                                                                            \
        unsigned long before_ = __atomic_load_n(&check_failures, __ATOMIC_RELAXED); \
        test();                                                                     \
        if (__atomic_load_n(&check_failures, __ATOMIC_RELAXED) != before_)          \
            fprintf(stderr, "FAILED: %s\n", #test);                                 \
    } while (0)

/* What main returns: 0 when every check held and there was at least one. */
static inline int check_summary(void)
{
    unsigned long failed = __atomic_load_n(&check_failures, __ATOMIC_RELAXED);
    unsigned long count = __atomic_load_n(&check_count, __ATOMIC_RELAXED);
    if (count == 0)
        fprintf(stderr, "no check was made\n");
    printf("%lu checks, %lu failed\n", count, failed);
    return failed == 0 && count != 0 ? 0 : 1;
}

#endif

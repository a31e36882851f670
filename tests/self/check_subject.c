/* SPDX-License-Identifier: MIT */
/* A test program that fails as asked, compiled with NDEBUG: what tests/self/check looks at. */
#ifndef NDEBUG
#error "to be compiled with NDEBUG"
#endif
#include "../threads.h"

static void failing_pair(void)
{
    CHECK_EQ(40 + 2, 43);
    CHECK_STR("left side", "right side");
}

static void passing_pair(void)
{
    CHECK(1 < 2);
    CHECK_EQ(7, 7);
    CHECK_STR("same", "same");
}

static void fail_in_thread(int index, void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++)
        CHECK_EQ(index, 1000);
}

static void failing_threads(void)
{
    run_threads(8, fail_in_thread, NULL);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "pass") == 0)
        RUN(passing_pair);
    else if (strcmp(what, "fail") == 0)
        RUN(failing_pair);
    else if (strcmp(what, "threads") == 0)
        RUN(failing_threads);
    else if (strcmp(what, "fatal") == 0) {
        CHECK_FATAL(0 > 1);
        printf("still here\n");
    }
    return check_summary();
}

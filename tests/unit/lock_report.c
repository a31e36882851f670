/* SPDX-License-Identifier: MIT */
/* What a report of lock misuse says: each kind has its own sentence, and all that is known is in it. */
#include <atomicx/lock.h>

#include <stdbool.h>

#include "../check.h"

static ax_lock_report report_of(int misuse)
{
    static int lock, other;
    ax_lock_report report = { 0 };
    report.misuse = (ax_lock_misuse)misuse;
    report.lock = &lock;
    report.site = "here.c:1";
    report.other_lock = &other;
    report.other_name = "other lock";
    report.held_site = "held.c:2";
    report.other_site = "there.c:3";
    report.held_ns = 1234000000;
    return report;
}

static bool says(const ax_lock_report *report, const char *what)
{
    char text[512];
    size_t length = ax_lock_describe(report, text, sizeof text);
    CHECK_EQ(length, strlen(text));
    return strstr(text, what) != NULL;
}

static void every_kind_has_its_own_sentence(void)
{
    char text[AX_LOCK_UNCHECKED + 2][512];
    for (int i = AX_LOCK_UNLOCK_UNLOCKED; i <= AX_LOCK_UNCHECKED + 1; i++) {
        ax_lock_report report = report_of(i);
        ax_lock_describe(&report, text[i], sizeof text[i]);
        for (int j = AX_LOCK_UNLOCK_UNLOCKED; j < i; j++)
            CHECK(strcmp(text[i], text[j]) != 0);
    }
    CHECK(strstr(text[AX_LOCK_UNCHECKED + 1], "unknown mistake") != NULL);
}

static void all_that_is_known_is_said(void)
{
    ax_lock_report report = report_of(AX_LOCK_INVERSION);
    CHECK(says(&report, "here.c:1") && says(&report, "there.c:3") && says(&report, "held.c:2"));
    CHECK(says(&report, "\"other lock\""));
    report.name = "mine";
    CHECK(says(&report, "\"mine\""));
    report.site = report.held_site = NULL;
    CHECK(says(&report, "unknown place"));
    report = report_of(AX_LOCK_HELD_LONG);
    CHECK(says(&report, "1234 ms"));
}

static void a_short_buffer_is_filled_and_the_length_told(void)
{
    ax_lock_report report = report_of(AX_LOCK_RELOCK);
    char whole[512], part[20];
    size_t length = ax_lock_describe(&report, whole, sizeof whole);
    memset(part, 'x', sizeof part);
    CHECK_EQ(ax_lock_describe(&report, part, sizeof part), length);
    CHECK_EQ(strlen(part), sizeof part - 1);
    CHECK(strncmp(part, whole, sizeof part - 1) == 0);
}

int main(void)
{
    RUN(every_kind_has_its_own_sentence);
    RUN(all_that_is_known_is_said);
    RUN(a_short_buffer_is_filled_and_the_length_told);
    return check_summary();
}

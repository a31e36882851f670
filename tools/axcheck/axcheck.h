/* SPDX-License-Identifier: MIT */
/**
 * axcheck.h: what the parts of axcheck share. Nothing here is known to the library it judges.
 *
 * A judge fills in one struct axc_report per file. Functions that read the input return false once
 * the report says why the input can't be judged; the first reason given is kept.
 */
#ifndef AXCHECK_H
#define AXCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Sums of 64-bit numbers, exactly. */
__extension__ typedef __int128 axc_wide;
__extension__ typedef unsigned __int128 axc_unsigned_wide;

enum axc_verdict {
    AXC_HOLDS,
    AXC_VIOLATED,
    AXC_VACUOUS, /* nothing was done, so nothing was shown */
    AXC_GAVE_UP, /* more memory needed than allowed */
    AXC_CORRUPT, /* not what the format says, or damaged */
    AXC_FAILED,  /* could not be read, or axcheck itself is at fault */
};

/* The program's exit status for one file with this verdict. */
int axc_exit_status(enum axc_verdict verdict);

/* Of two exit statuses the one that several files end with: 70, 65, 2, 1, 3, 0 in this order. */
int axc_worse_status(int a, int b);

enum { AXC_MAX_INVARIANTS = 16, AXC_TEXT = 384 };

struct axc_invariant {
    const char *name;
    bool holds;
    char text[AXC_TEXT]; /* the numbers it was derived from */
};

struct axc_report {
    enum axc_verdict verdict;
    char subject[AXC_TEXT]; /* what was judged: primitive, implementation, threads, operations */
    char reason[AXC_TEXT];  /* for every verdict but holds and violated */
    uint64_t offset;        /* of corrupt input: the byte at which it stops making sense */
    char *detail;           /* a drawn counterexample, or NULL; from the budget */
    char *picture;          /* the same as SVG */
    size_t count;
    struct axc_invariant invariants[AXC_MAX_INVARIANTS];
};

void axc_report_init(struct axc_report *report);
void axc_report_free(struct axc_report *report);

/* States one invariant, in the order of printing; a false one makes the verdict "violated". */
void axc_state(struct axc_report *report, const char *name, bool holds, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Each ends the judging with this verdict and returns false. */
bool axc_corrupt(struct axc_report *report, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool axc_gave_up(struct axc_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool axc_failed(struct axc_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One object per line instead of text; both return nothing, the caller looks at ferror(stdout). */
void axc_print_text(const char *file, const struct axc_report *report, bool only_verdict);
void axc_print_json(const char *file, const struct axc_report *report);

/* The same as a page: a beginning, a section for each file, an end. Escaped, without scripts, and nothing is fetched. */
void axc_page_begin(FILE *page);
void axc_page_file(FILE *page, const char *file, const struct axc_report *report);
void axc_page_end(FILE *page);

/* Decimal text of a wide number, in *text. Used as an argument of a printf call: AXC_WIDE(x). */
struct axc_decimal {
    char text[42];
};
struct axc_decimal axc_decimal(axc_wide value);
#define AXC_WIDE(value) (axc_decimal(value).text)

/* Reads all of fd and judges it. */
void axc_judge_fd(int fd, struct axc_report *report);

/* Reads a history and writes it to stdout as "text", "jsonl" or "binary". */
void axc_convert_fd(int fd, const char *wanted, struct axc_report *report);

/* axc_judge_fd for bytes in memory; they are not changed and needed only during the call. */
void axc_judge_bytes(const char *bytes, size_t length, struct axc_report *report);

#endif

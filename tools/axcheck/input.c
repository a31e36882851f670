/* SPDX-License-Identifier: MIT */
/* input.c: from a file descriptor to the judge that knows its contents. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "axcheck.h"
#include "budget.h"
#include "history/judge.h"
#include "record.h"
#include "scan.h"

void axc_judge_bytes(const char *bytes, size_t length, struct axc_report *report)
{
    struct axc_scan scan = {0};
    axc_report_init(report);
    enum axc_form form = axc_form_of(bytes, length);
    if (form != AXC_NO_HISTORY)
        axc_judge_history(form, bytes, length, report);
    else if (axc_scan_feed(&scan, bytes, length, report) && axc_scan_end(&scan, report))
        axc_judge_record(bytes, length, report);
}

enum { HEAD = 4096 }; /* enough to tell what it is */

struct input {
    char *bytes;
    size_t length, room;
};

/* A file's size and a byte to see that it ends there, so that it is not copied while it is read. Only a beginning: files
 * grow, and may say anything of themselves. */
static size_t first_room(int fd)
{
    enum { LEAST = 65536 };
    struct stat about;
    bool known = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > LEAST;
    return known && (uint64_t)about.st_size < axc_budget_limit() ? (size_t)about.st_size + 1 : LEAST;
}

/* Reads what is there, at least a byte; 0 at the end, -1 with the report saying why. */
static ssize_t read_more(int fd, struct input *input, struct axc_report *report)
{
    if (input->length == input->room) {
        size_t larger = input->room == 0 ? first_room(fd) : input->room * 2;
        char *grown = axc_realloc(input->bytes, larger);
        if (grown == NULL) {
            axc_gave_up(report, "larger than the memory allowed, %zu MiB (--memory)", axc_budget_limit() >> 20);
            return -1;
        }
        input->bytes = grown;
        input->room = larger;
    }
    ssize_t got;
    do
        got = read(fd, input->bytes + input->length, input->room - input->length);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        axc_failed(report, "can't be read: %s", strerror(errno));
    else
        input->length += (size_t)got;
    return got;
}

/* Reads a history to its end. Never mapped: a file cut off while it is being judged would be a SIGBUS. */
static bool read_all(int fd, struct input *input, struct axc_report *report)
{
    ssize_t got;
    do
        got = read_more(fd, input, report);
    while (got > 0);
    return got == 0;
}

/* Reads what can tell the forms apart. Anything that is no history is taken for a record. */
static bool read_head(int fd, struct input *input, enum axc_form *form, struct axc_report *report)
{
    ssize_t got = 1;
    while (got > 0 && input->length < HEAD)
        got = read_more(fd, input, report);
    *form = axc_form_of(input->bytes, input->length);
    return got >= 0;
}

void axc_judge_fd(int fd, struct axc_report *report)
{
    struct axc_scan scan = {0};
    struct input input = {0};
    enum axc_form form;
    axc_report_init(report);
    if (!read_head(fd, &input, &form, report)) {
        axc_free(input.bytes);
        return;
    }
    if (form != AXC_NO_HISTORY) {
        if (read_all(fd, &input, report))
            axc_judge_history(form, input.bytes, input.length, report);
    } else {
        bool fine = axc_scan_feed(&scan, input.bytes, input.length, report);
        ssize_t got = 1;
        while (fine && (got = read_more(fd, &input, report)) > 0)
            fine = axc_scan_feed(&scan, input.bytes + input.length - (size_t)got, (size_t)got, report);
        if (fine && got == 0 && axc_scan_end(&scan, report))
            axc_judge_record(input.bytes, input.length, report);
    }
    axc_free(input.bytes);
}

void axc_convert_fd(int fd, const char *wanted, struct axc_report *report)
{
    struct input input = {0};
    enum axc_form form, to = strcmp(wanted, "text") == 0 ? AXC_TEXT_FORM : strcmp(wanted, "jsonl") == 0 ? AXC_LINES_FORM : AXC_BINARY_FORM;
    axc_report_init(report);
    if (read_head(fd, &input, &form, report)) {
        if (form == AXC_NO_HISTORY)
            axc_corrupt(report, 0, "not a history, the only thing to convert");
        else if (read_all(fd, &input, report))
            axc_convert_history(form, input.bytes, input.length, to, report);
    }
    axc_free(input.bytes);
}

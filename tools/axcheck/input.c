/* SPDX-License-Identifier: MIT */
/* input.c: from a file descriptor to the judge that knows its contents. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "axcheck.h"
#include "budget.h"
#include "history/judge.h"
#include "record.h"
#include "scan.h"

/* A history says so in its first line; anything else is taken for a record, which says no more than '{'. */
static bool is_history(const char *bytes, size_t length)
{
    static const char text[] = "atomicx-history ";
    return length >= sizeof text - 1 && memcmp(bytes, text, sizeof text - 1) == 0;
}

void axc_judge_bytes(const char *bytes, size_t length, struct axc_report *report)
{
    struct axc_scan scan = {0};
    axc_report_init(report);
    if (is_history(bytes, length))
        axc_judge_history(bytes, length, report);
    else if (axc_scan_feed(&scan, bytes, length, report) && axc_scan_end(&scan, report))
        axc_judge_record(bytes, length, report);
}

enum { HEAD = 4096 }; /* enough to tell what it is */

struct input {
    char *bytes;
    size_t length, room;
};

/* Reads what is there, at least a byte; 0 at the end, -1 with the report saying why. */
static ssize_t read_more(int fd, struct input *input, struct axc_report *report)
{
    if (input->length == input->room) {
        size_t larger = input->room == 0 ? 65536 : input->room * 2;
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

/* Never mapped: a file cut off while it is being judged would be a SIGBUS. */
void axc_judge_fd(int fd, struct axc_report *report)
{
    struct axc_scan scan = {0};
    struct input input = {0};
    ssize_t got = 1;
    axc_report_init(report);
    while (got > 0 && input.length < HEAD)
        got = read_more(fd, &input, report);
    if (got >= 0 && is_history(input.bytes, input.length)) {
        while (got > 0)
            got = read_more(fd, &input, report);
        if (got == 0)
            axc_judge_history(input.bytes, input.length, report);
    } else if (got >= 0) {
        bool fine = axc_scan_feed(&scan, input.bytes, input.length, report);
        while (fine && got > 0 && (got = read_more(fd, &input, report)) > 0)
            fine = axc_scan_feed(&scan, input.bytes + input.length - (size_t)got, (size_t)got, report);
        if (fine && got == 0 && axc_scan_end(&scan, report))
            axc_judge_record(input.bytes, input.length, report);
    }
    axc_free(input.bytes);
}

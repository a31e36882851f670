/* SPDX-License-Identifier: MIT */
/* input.c: from a file descriptor to the judge that knows its contents. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "axcheck.h"
#include "budget.h"
#include "record.h"
#include "scan.h"

void axc_judge_bytes(const char *bytes, size_t length, struct axc_report *report)
{
    struct axc_scan scan = {0};
    axc_report_init(report);
    if (axc_scan_feed(&scan, bytes, length, report) && axc_scan_end(&scan, report))
        axc_judge_record(bytes, length, report);
}

/* Never mapped: a file cut off while it is being judged would be a SIGBUS. */
void axc_judge_fd(int fd, struct axc_report *report)
{
    struct axc_scan scan = {0};
    size_t length = 0, size = 0;
    char *text = NULL;
    axc_report_init(report);
    for (;;) {
        if (length == size) {
            size_t larger = size == 0 ? 65536 : size * 2;
            char *grown = axc_realloc(text, larger);
            if (grown == NULL) {
                axc_gave_up(report, "larger than the memory allowed, %zu MiB (--memory)", axc_budget_limit() >> 20);
                break;
            }
            text = grown;
            size = larger;
        }
        ssize_t got = read(fd, text + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            axc_failed(report, "can't be read: %s", strerror(errno));
            break;
        }
        if (got == 0) {
            if (axc_scan_end(&scan, report))
                axc_judge_record(text, length, report);
            break;
        }
        if (!axc_scan_feed(&scan, text + length, (size_t)got, report))
            break;
        length += (size_t)got;
    }
    axc_free(text);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "export.h"
#include "lock_check.h"
#include "quiet.h"

static struct {
    ax_lock_handler *handler;
    void *context;
} told; /* under the internal mutex */

static _Atomic uint64_t misuses;
static __thread bool telling __attribute__((tls_model("initial-exec")));

static const char *sentence(ax_lock_misuse misuse)
{
    switch (misuse) {
    case AX_LOCK_UNLOCK_UNLOCKED: return "released, but nobody holds it";
    case AX_LOCK_UNLOCK_FOREIGN: return "released by a thread that does not hold it";
    case AX_LOCK_RELOCK: return "taken again by the thread that holds it";
    case AX_LOCK_COPY_USED: return "a copy of a lock is used";
    case AX_LOCK_ORIGINAL_COPIED: return "a copy of this lock has been used";
    case AX_LOCK_FINI_HELD: return "ended while it is held";
    case AX_LOCK_THREAD_ENDED: return "its holder's thread has ended";
    case AX_LOCK_ABANDONED: return "abandoned by a thread that ended while holding it";
    case AX_LOCK_HELD_LONG: return "held longer than its limit";
    case AX_LOCK_INVERSION: return "taken against the order of earlier calls, which can deadlock";
    case AX_LOCK_NOT_A_LOCK: return "not a lock: ended, or never initialised";
    case AX_LOCK_UNCHECKED: return "not checked: out of memory";
    }
    return "unknown mistake";
}

/* What other_site is, in words. */
static const char *relation(ax_lock_misuse misuse)
{
    switch (misuse) {
    case AX_LOCK_COPY_USED: return "the original was first used";
    case AX_LOCK_ORIGINAL_COPIED: return "the copy was used";
    case AX_LOCK_INVERSION: return "the opposite order was seen";
    default: return "it was taken";
    }
}

struct line {
    char *buffer;
    size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
    __builtin_va_list arguments;
    size_t used = line->length < line->size ? line->length : line->size;
    __builtin_va_start(arguments, format);
    int n = vsnprintf(line->buffer + used, line->size - used, format, arguments);
    __builtin_va_end(arguments);
    if (n > 0)
        line->length += (size_t)n;
}

static void append_lock(struct line *line, const void *lock, const char *name)
{
    if (name)
        append(line, "lock \"%s\"", name);
    else
        append(line, "lock %p", lock);
}

AXI_EXPORT size_t ax_lock_describe(const ax_lock_report *report, char *buffer, size_t size)
{
    struct line line = { buffer, size, 0 };
    append(&line, "%s: ", report->site ? report->site : "(unknown place)");
    append_lock(&line, report->lock, report->name);
    append(&line, ": %s", sentence(report->misuse));
    if (report->misuse == AX_LOCK_HELD_LONG)
        append(&line, " (%llu ms)", (unsigned long long)(report->held_ns / 1000000));
    if (report->misuse == AX_LOCK_INVERSION) {
        append(&line, "; held: ");
        append_lock(&line, report->other_lock, report->other_name);
        append(&line, " taken at %s", report->held_site ? report->held_site : "(unknown place)");
    }
    if (report->other_site)
        append(&line, "; %s at %s", relation(report->misuse), report->other_site);
    return line.length;
}

static void tell_stderr(const ax_lock_report *report)
{
    char text[1024] = "atomicx: ";
    size_t prefix = strlen(text);
    size_t length = prefix + ax_lock_describe(report, text + prefix, sizeof text - prefix - 1);
    if (length > sizeof text - 2)
        length = sizeof text - 2;
    text[length] = '\n';
    int state, error = errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state); /* write can be cancelled; lock calls are not */
    ssize_t ignored = write(STDERR_FILENO, text, length + 1);
    (void)ignored;
    pthread_setcancelstate(state, NULL);
    errno = error;
}

void axi_lock_tell(const ax_lock_report *report)
{
    /* relaxed: a statistic; a handler that reads it reads its own thread's */
    axi_fetch_add_relaxed(&misuses, 1);
    if (telling)
        return; /* the handler's own mistake */
    axi_lock_mutex();
    ax_lock_handler *handler = told.handler;
    void *context = told.context;
    axi_lock_unmutex();
    telling = true;
    if (handler)
        handler(report, context);
    else
        tell_stderr(report);
    telling = false;
}

AXI_EXPORT void ax_lock_on_misuse(ax_lock_handler *handler, void *context)
{
    axi_lock_mutex();
    told.handler = handler;
    told.context = context;
    axi_lock_unmutex();
}

AXI_EXPORT uint64_t ax_lock_misuses(void)
{
    return axi_load_relaxed(&misuses); /* relaxed: a statistic */
}

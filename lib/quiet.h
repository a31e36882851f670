/* SPDX-License-Identifier: MIT */
/*
 * quiet.h: keeps what the library does for itself out of a ThreadSanitizer build's happens-before.
 *
 * A checker that takes an internal mutex, or publishes its own records, inside the user's lock call would
 * order the users' threads by the way, and ThreadSanitizer would miss races that are there without us.
 * Between axi_quiet_begin and axi_quiet_end it sees neither synchronisation nor accesses of this thread.
 * Outside ThreadSanitizer the functions are absent and all this is one test of a constant.
 *
 * No user code and no operation on a user's lock may run in between.
 */
#ifndef AXI_QUIET_H
#define AXI_QUIET_H

#include <stdbool.h>
#include <stddef.h>

#define AXI_TSAN(function) extern function __attribute__((weak))
AXI_TSAN(void AnnotateIgnoreSyncBegin(const char *file, int line));
AXI_TSAN(void AnnotateIgnoreSyncEnd(const char *file, int line));
AXI_TSAN(void AnnotateIgnoreReadsBegin(const char *file, int line));
AXI_TSAN(void AnnotateIgnoreReadsEnd(const char *file, int line));
AXI_TSAN(void AnnotateIgnoreWritesBegin(const char *file, int line));
AXI_TSAN(void AnnotateIgnoreWritesEnd(const char *file, int line));

static inline bool axi_under_tsan(void)
{
    return __builtin_expect(AnnotateIgnoreSyncBegin != NULL, 0);
}

static inline void axi_quiet_begin(void)
{
    if (axi_under_tsan()) {
        AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    }
}

static inline void axi_quiet_end(void)
{
    if (axi_under_tsan()) {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
        AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
    }
}

#endif

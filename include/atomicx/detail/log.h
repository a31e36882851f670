/* SPDX-License-Identifier: MIT */
/**
 * detail/log.h: one thread's part of a history, encoded where it happens. Not a public interface.
 *
 * An operation costs two stamps and a dozen bytes in a buffer that nobody else touches; the block that is full
 * goes to the file in one write (stress/harness/history.c). docs/history-format.md has the encoding.
 */
#ifndef ATOMICX_DETAIL_LOG_H
#define ATOMICX_DETAIL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stamp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is left of the buffer at `full_`: enough for one operation with AX_STRESS_VALUES values. */
#define AX_DETAIL_LOG_SLACK 128

typedef struct ax_stress_log {
    unsigned char *at_, *full_; /* where the next operation goes; a block is sent off once it reaches here */
    uint64_t previous_;         /* the last time in this block, start_ at its beginning */
    uint64_t last_;             /* the last time of this thread */
    uint64_t back_;             /* the furthest that the clock ever went back */
    uint64_t start_;            /* of the history: what the clock showed at its time 0 */
    uint64_t word_;             /* for ax_stress_clock_after_ */
    uint32_t operations_;       /* in this block */
    bool counter_;              /* the processor's counter; else clock_gettime */
    struct axi_log *internal_;
} ax_stress_log;

/* Sends the block off and begins the next one. */
void ax_stress_log_flush_(ax_stress_log *log);

/* What the clock shows. */
static inline uint64_t ax_stress_log_before_(ax_stress_log *log)
{
#if AX_DETAIL_HAS_COUNTER
    if (log->counter_)
        return ax_detail_counter_before();
#endif
    return ax_stress_clock_before_();
}

static inline uint64_t ax_stress_log_after_(ax_stress_log *log)
{
#if AX_DETAIL_HAS_COUNTER
    if (log->counter_)
        return ax_detail_counter_after();
#endif
    return ax_stress_clock_after_(&log->word_);
}

/* One byte or two without a branch: which of them it is, the processor could only guess, for most keys and values and the
 * time that an operation took, and a wrong guess costs as much as all the rest here. */
static inline unsigned char *ax_stress_log_number_(unsigned char *at, uint64_t number)
{
    while (number >= 0x4000) {
        *at++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    uint64_t more = number > 0x7f;
    at[0] = (unsigned char)(number | more << 7);
    at[1] = (unsigned char)(number >> 7);
    return at + 1 + more;
}

static inline unsigned char *ax_stress_log_value_(unsigned char *at, int64_t value)
{
    return ax_stress_log_number_(at, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

/* Where the values go. A thread that was moved to a CPU whose clock is behind (the file's `skew` says by how much
 * that may be) sees time go back; its own order is certain, so it is what is kept. So it is where the counter was
 * read for an answer and then for the next operation, and that happened the other way round (detail/stamp.h). */
static inline unsigned char *ax_stress_log_head_(ax_stress_log *log, uint64_t head, uint64_t invoked, uint64_t answered)
{
    if (invoked < log->last_) {
        uint64_t back = log->last_ - invoked;
        log->back_ = back > AX_DETAIL_STAMP_SWAPPED && back > log->back_ ? back : log->back_;
        invoked = log->last_;
    }
    if (answered < invoked) {
        log->back_ = invoked - answered > log->back_ ? invoked - answered : log->back_;
        answered = invoked;
    }
    uint64_t since = invoked - log->previous_, took = answered - invoked;
    unsigned char *at = log->at_;
    log->previous_ = log->last_ = answered;
    log->operations_++;
    if ((head | since | took) < 0x80 && (head & 1) == 0) {
        at[0] = (unsigned char)head;
        at[1] = (unsigned char)since;
        at[2] = (unsigned char)took;
        return at + 3;
    }
    at = ax_stress_log_number_(at, head);
    at = ax_stress_log_number_(at, since);
    if ((head & 1) == 0)
        at = ax_stress_log_number_(at, took);
    return at;
}

static inline void ax_stress_log_end_(ax_stress_log *log, unsigned char *at)
{
    log->at_ = at;
    if (at >= log->full_)
        ax_stress_log_flush_(log);
}

#ifdef __cplusplus
}
#endif
#endif

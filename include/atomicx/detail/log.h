/* SPDX-License-Identifier: MIT */
/**
 * detail/log.h: one thread's part of a history, as it is noted where it happens. Not a public interface.
 *
 * An operation costs two stamps and a few words in a buffer that nobody else touches; stress/harness/history.c encodes a
 * hundred operations at a time. Encoding each on the spot costs more: it would stand between the fences of two stamps,
 * where nothing else hides it.
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

/* Of a noted operation: when it was invoked and answered, and which one it was with how many values. These follow. */
#define AX_DETAIL_LOG_HEAD 3

typedef struct ax_stress_log {
    uint64_t *at_, *full_; /* where the next operation goes; all are encoded once it reaches here */
    uint64_t word_;        /* for ax_stress_clock_after_ */
    uint64_t answered_;    /* the last answer; 0: something was done since that takes a while, or there is none */
    bool counter_;         /* the processor's counter; else clock_gettime */
} ax_stress_log;

/* Encodes what was noted, and makes room. */
void ax_stress_log_encode_(ax_stress_log *log);

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

/* What it showed at the last answer, if that was just now. */
static inline uint64_t ax_stress_log_turn_(ax_stress_log *log)
{
    uint64_t answered = log->answered_;
    if (answered == 0)
        return ax_stress_log_before_(log);
#if AX_DETAIL_HAS_COUNTER
    ax_detail_counter_turn();
#endif
    return answered;
}

/* The next operation's time begins when it is invoked. */
static inline void ax_stress_log_pause_(ax_stress_log *log)
{
    log->answered_ = 0;
}

/* A value with its sign in the lowest bit, as the file has it. */
static inline uint64_t ax_stress_log_value_(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

/* `most` is how many values there is room for; more are found out when they are encoded. */
static inline void ax_stress_log_note_(ax_stress_log *log, uint64_t invoked, uint64_t answered, uint32_t event,
                                       const int64_t *values, uint32_t count, uint32_t most)
{
    uint64_t *at = log->at_;
    at[0] = invoked;
    at[1] = answered;
    at[2] = (uint64_t)count << 32 | event;
    at += AX_DETAIL_LOG_HEAD;
    for (uint32_t i = 0; i < count && i < most; i++)
        *at++ = ax_stress_log_value_(values[i]);
    log->at_ = at;
    log->answered_ = answered;
    if (at >= log->full_)
        ax_stress_log_encode_(log);
}

#ifdef __cplusplus
}
#endif
#endif

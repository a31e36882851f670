/* SPDX-License-Identifier: MIT */
/* model.h: what the models are made of. */
#ifndef AXCHECK_MODEL_H
#define AXCHECK_MODEL_H

#include "history.h"

extern const struct axc_model axc_counter, axc_register, axc_map, axc_set, axc_tickets, axc_accounts, axc_queue,
    axc_mutex;

/* An op without recorded results fits any result. */
static inline bool axc_result_is(const struct axc_op *op, const int64_t *values, int64_t result)
{
    return op->results == 0 || values[op->args] == result;
}

static inline enum axc_step axc_legal_if(bool legal)
{
    return legal ? AXC_LEGAL : AXC_ILLEGAL;
}

/* A one-word state. */
size_t axc_one_word(const struct axc_history *history);

static inline bool axc_is_number(int64_t value)
{
    return value != AXC_NONE;
}

#endif

/* SPDX-License-Identifier: MIT */
/* model.h: what the models are made of. */
#ifndef AXCHECK_MODEL_H
#define AXCHECK_MODEL_H

#include "history.h"

extern const struct axc_model axc_counter, axc_register, axc_map, axc_set, axc_tickets, axc_accounts, axc_queue,
    axc_mutex;

/* The verbs of each model, in the order of its table. */
enum { WORD_READ, WORD_WRITE, WORD_ADD, WORD_ADD_CHECKED, WORD_EXCHANGE, WORD_CAS, WORD_RAISE, WORD_LOWER };
enum { MAP_GET, MAP_PUT, MAP_INSERT, MAP_REMOVE, MAP_CAS, MAP_ADD, MAP_UPDATE };
enum { SET_ADD, SET_REMOVE, SET_CONTAINS };
enum { MUTEX_LOCK, MUTEX_TRYLOCK, MUTEX_UNLOCK };
enum { TICKETS_SELL, TICKETS_REFUND, TICKETS_LEFT, TICKETS_CLOSE };
enum { ACCOUNTS_DEPOSIT, ACCOUNTS_WITHDRAW, ACCOUNTS_TRANSFER, ACCOUNTS_BALANCE, ACCOUNTS_AUDIT, ACCOUNTS_TOTAL };
enum { QUEUE_ENQUEUE, QUEUE_DEQUEUE };

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
    return value > AXC_CLOSED;
}

#endif

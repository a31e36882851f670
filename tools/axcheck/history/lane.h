/* SPDX-License-Identifier: MIT */
/* lane.h: the operations of one process as bytes, in the coding of the binary form, and how they are read again. */
#ifndef AXCHECK_LANE_H
#define AXCHECK_LANE_H

#include "history.h"

enum { AXC_VARINT = 10, AXC_MAX_VALUES = AXC_MAX_ARGS + AXC_MAX_RESULTS };

/* All kinds that the model's operations can have, in the order that is written. */
void axc_kinds_of(const struct axc_model *model, struct axc_kinds *kinds);

/* At most this many bytes for one operation. */
size_t axc_op_room(const struct axc_op *op);
size_t axc_encode_op(char *out, const struct axc_kinds *kinds, const struct axc_op *op, const int64_t *values, uint64_t *time);

/* Reads one operation between *at and end. NULL, or what is wrong with it at *at. Not its process and number. */
const char *axc_decode_op(const struct axc_history *history, const char **at, const char *end, uint64_t *time, struct axc_op *op,
                       int64_t *values);

/* Goes through a lane that was checked. */
struct axc_cursor {
    const struct axc_history *history;
    const struct axc_lane *lane;
    const char *at, *end;
    uint64_t time;
    size_t span;   /* the next one */
    uint32_t left; /* operations in the one it is in */
    uint32_t order;
};

void axc_cursor_begin(struct axc_cursor *cursor, const struct axc_history *history, const struct axc_lane *lane);
/* As if it had come to the beginning of this span, before which there are `order` operations of the history. */
void axc_cursor_seek(struct axc_cursor *cursor, size_t span, uint32_t order);
/* False at the end. `values` has room for AXC_MAX_VALUES. */
bool axc_cursor_next(struct axc_cursor *cursor, struct axc_op *op, int64_t *values);

#endif

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

/* Reads one operation between *at and end, whatever it is. NULL, or what is wrong with it at *at. Not its process and number. */
const char *axc_decode_slowly(const struct axc_history *history, const char **at, const char *end, uint64_t *time, struct axc_op *op,
                              int64_t *values);

/* A number known to end before the input does; NULL if it is of more than ten bytes. */
const unsigned char *axc_take_long(const unsigned char *at, uint64_t *out);

static inline int64_t axc_unfold(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static inline const unsigned char *axc_take(const unsigned char *at, uint64_t *out)
{
    uint64_t low = at[0], high = at[1];
    if (low < 0x80) {
        *out = low;
        return at + 1;
    }
    if (high < 0x80) {
        *out = (low & 0x7f) | high << 7;
        return at + 2;
    }
    return axc_take_long(at, out);
}

/* The same where nothing is wrong, nothing is unusual and no number can reach past the end; else false. */
static inline bool axc_decode_quickly(const struct axc_history *history, const char **where, const char *end, uint64_t *time,
                                      struct axc_op *op, int64_t *values)
{
    const unsigned char *at = (const unsigned char *)*where;
    uint64_t head, since, took, value;
    if (end - *where < (3 + AXC_MAX_ARGS + 1) * AXC_VARINT || (at = axc_take(at, &head)) == NULL || (head & 1) != 0 ||
        head >> 1 >= history->kinds.count)
        return false;
    struct axc_kind kind = history->kinds.of[head >> 1];
    if ((unsigned)kind.results > 1 || (at = axc_take(at, &since)) == NULL || (at = axc_take(at, &took)) == NULL ||
        since > INT64_MAX - *time || took > INT64_MAX - *time - since)
        return false;
    for (unsigned i = 0; i < kind.args + (unsigned)kind.results; i++) {
        if ((at = axc_take(at, &value)) == NULL)
            return false;
        values[i] = axc_unfold(value);
    }
    op->invoked = *time + since;
    op->responded = *time = op->invoked + took;
    op->verb = kind.verb;
    op->args = kind.args;
    op->results = (uint16_t)kind.results;
    *where = (const char *)at;
    return true;
}

static inline const char *axc_decode_op(const struct axc_history *history, const char **at, const char *end, uint64_t *time,
                                        struct axc_op *op, int64_t *values)
{
    if (axc_decode_quickly(history, at, end, time, op, values))
        return NULL;
    struct axc_op slow = *op; /* so that the caller's can stay in registers */
    const char *wrong = axc_decode_slowly(history, at, end, time, &slow, values);
    *op = slow;
    return wrong;
}

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
/* The beginning of the next block in which there is something; false: there is none. */
bool axc_cursor_advance(struct axc_cursor *cursor);

/* An operation of a history that is still being written, as far as it is certain: what is not here may have had a part in
 * what was answered later, by whichever clock. */
static inline void axc_cut_off(const struct axc_history *history, struct axc_op *op)
{
    if (history->until != AXC_PENDING && op->responded != AXC_PENDING && op->responded + 2 * history->skew >= history->until) {
        op->responded = AXC_PENDING;
        op->results = 0;
    }
}

/* Reads the operation at `at` again, of which is known when it was invoked. */
static inline void axc_decode_again(const struct axc_history *history, const struct axc_lane *lane, const char *at, uint64_t invoked,
                                    struct axc_op *op, int64_t *values)
{
    const struct axc_span *last = &lane->spans[lane->span_count - 1]; /* in memory, too */
    uint64_t time = 0;
    axc_decode_op(history, &at, last->at + last->length, &time, op, values);
    op->responded = op->responded == AXC_PENDING ? AXC_PENDING : invoked + (op->responded - op->invoked);
    op->invoked = invoked;
    axc_cut_off(history, op);
}

/* Where what axc_cursor_next reads next is; NULL at the end. */
static inline const char *axc_cursor_at(struct axc_cursor *cursor)
{
    return cursor->left > 0 || axc_cursor_advance(cursor) ? cursor->at : NULL;
}

/* And in which span. */
static inline const struct axc_span *axc_cursor_span(const struct axc_cursor *cursor)
{
    return &cursor->lane->spans[cursor->span - 1];
}

/* False at the end. `values` has room for AXC_MAX_VALUES. */
static inline bool axc_cursor_next(struct axc_cursor *cursor, struct axc_op *op, int64_t *values)
{
    const struct axc_history *history = cursor->history;
    if ((cursor->left == 0 && !axc_cursor_advance(cursor)) ||
        axc_decode_op(history, &cursor->at, cursor->end, &cursor->time, op, values) != NULL || op->invoked >= history->until)
        return false;
    cursor->left--;
    op->process = cursor->lane->process;
    op->order = cursor->order++;
    axc_cut_off(history, op);
    return true;
}

#endif

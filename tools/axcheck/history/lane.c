/* SPDX-License-Identifier: MIT */
#include "lane.h"

#include <endian.h>
#include <string.h>

void axc_kinds_of(const struct axc_model *model, struct axc_kinds *kinds)
{
    kinds->count = 0;
    for (size_t i = 0; i < model->verb_count; i++)
        for (int looked = 0; looked <= (model->verbs[i].results > 0 ? 1 : 0); looked++)
            kinds->of[kinds->count++] =
                (struct axc_kind){.verb = (uint8_t)i, .args = model->verbs[i].args,
                                  .results = (int16_t)(looked == 0 ? 0 : model->verbs[i].results > 1 ? -1 : 1)};
}

static size_t put_varint(char *out, uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        out[n++] = (char)(value | 0x80);
    out[n++] = (char)value;
    return n;
}

static size_t put_signed(char *out, int64_t value)
{
    return put_varint(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static size_t kind_of(const struct axc_kinds *kinds, const struct axc_op *op)
{
    size_t kind = 0;
    while (kinds->of[kind].verb != op->verb || (kinds->of[kind].results != 0) != (op->results != 0))
        kind++;
    return kind;
}

size_t axc_op_room(const struct axc_op *op)
{
    return (size_t)(4 + op->args + op->results) * AXC_VARINT;
}

size_t axc_encode_op(char *out, const struct axc_kinds *kinds, const struct axc_op *op, const int64_t *values, uint64_t *time)
{
    bool unanswered = op->responded == AXC_PENDING;
    size_t kind = kind_of(kinds, op), n = put_varint(out, kind << 1 | (unanswered ? 1 : 0));
    n += put_varint(out + n, op->invoked - *time);
    if (!unanswered)
        n += put_varint(out + n, op->responded - op->invoked);
    *time = unanswered ? op->invoked : op->responded;
    for (size_t i = 0; i < op->args; i++)
        n += put_signed(out + n, values[i]);
    if (kinds->of[kind].results < 0)
        n += put_varint(out + n, op->results);
    for (size_t i = 0; i < op->results; i++)
        n += put_signed(out + n, values[op->args + i]);
    return n;
}

static const char past_the_end[] = "a number reaches past its block", too_wide[] = "a number of more than 64 bits";

static const char *varint(const char **at, const char *end, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (*at == end)
            return past_the_end;
        uint64_t byte = (unsigned char)*(*at)++;
        if (shift == 63 && byte > 1)
            break;
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out = value;
            return NULL;
        }
    }
    return too_wide;
}

static const char *signed_varint(const char **at, const char *end, int64_t *out)
{
    uint64_t value = 0;
    const char *wrong = varint(at, end, &value);
    *out = axc_unfold(value);
    return wrong;
}

const char *axc_decode_slowly(const struct axc_history *history, const char **at, const char *end, uint64_t *time, struct axc_op *op,
                              int64_t *values)
{
    const char *start = *at, *wrong;
    uint64_t head = 0, since = 0, took = 0, count;
    if ((wrong = varint(at, end, &head)) != NULL || (wrong = varint(at, end, &since)) != NULL)
        return wrong;
    if (head >> 1 >= history->kinds.count) {
        *at = start;
        return "an operation that the description does not have";
    }
    const struct axc_kind *kind = &history->kinds.of[head >> 1];
    bool unanswered = (head & 1) != 0;
    if (!unanswered && (wrong = varint(at, end, &took)) != NULL)
        return wrong;
    if (since > INT64_MAX - *time || took > INT64_MAX - *time - since) {
        *at = start;
        return "a time beyond 63 bits";
    }
    op->invoked = *time + since;
    *time = op->invoked + took;
    op->responded = unanswered ? AXC_PENDING : *time;
    op->verb = kind->verb;
    op->args = kind->args;
    for (size_t i = 0; i < kind->args; i++)
        if ((wrong = signed_varint(at, end, &values[i])) != NULL)
            return wrong;
    count = kind->results > 0 && !unanswered ? (uint64_t)kind->results : 0;
    if (kind->results < 0 && !unanswered && (wrong = varint(at, end, &count)) != NULL)
        return wrong;
    if (count > history->model->verbs[kind->verb].results) {
        *at = start;
        return "more results than this operation has";
    }
    for (size_t i = 0; i < count; i++)
        if ((wrong = signed_varint(at, end, &values[kind->args + i])) != NULL)
            return wrong;
    op->results = (uint16_t)count;
    return NULL;
}

static const unsigned char *take_longest(const unsigned char *at, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = *at++;
        if (shift == 63 && byte > 1)
            return NULL;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    *out = value;
    return at;
}

/* Up to eight bytes at once, whatever their number: neighbouring sevens of bits are put together, then fourteens, then
 * twenty-eights. */
const unsigned char *axc_take_long(const unsigned char *at, uint64_t *out)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    bytes = le64toh(bytes);
    uint64_t ends = ~bytes & UINT64_C(0x8080808080808080);
    if (ends == 0)
        return take_longest(at, out);
    unsigned bits = (unsigned)__builtin_ctzll(ends) + 1; /* of the bytes up to the first without its top bit */
    bytes &= UINT64_C(0x7f7f7f7f7f7f7f7f) >> (64 - bits);
    bytes = (bytes & UINT64_C(0x007f007f007f007f)) | (bytes & UINT64_C(0x7f007f007f007f00)) >> 1;
    bytes = (bytes & UINT64_C(0x00003fff00003fff)) | (bytes & UINT64_C(0x3fff00003fff0000)) >> 2;
    *out = (bytes & UINT64_C(0x000000000fffffff)) | (bytes & UINT64_C(0x0fffffff00000000)) >> 4;
    return at + bits / 8;
}

void axc_cursor_begin(struct axc_cursor *cursor, const struct axc_history *history, const struct axc_lane *lane)
{
    *cursor = (struct axc_cursor){.history = history, .lane = lane, .order = lane->first};
}

void axc_cursor_seek(struct axc_cursor *cursor, size_t span, uint32_t order)
{
    cursor->span = span;
    cursor->left = 0;
    cursor->order = order;
}

bool axc_cursor_advance(struct axc_cursor *cursor)
{
    while (cursor->left == 0) {
        if (cursor->span == cursor->lane->span_count)
            return false;
        const struct axc_span *span = &cursor->lane->spans[cursor->span++];
        cursor->at = span->at;
        cursor->end = span->at + span->length;
        cursor->left = span->count;
        cursor->time = 0;
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
/* binary.c: the form that is written while a program runs: blocks of one process each, checksummed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../budget.h"
#include "crc.h"
#include "description.h"
#include "forms.h"

enum { PREFIX = 16, BLOCK_HEAD = 20, BLOCK_OPS = 4096, VARINT = 10 };

static const char magic[8] = AXC_BINARY_MAGIC;

static uint32_t u32(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put_u32(char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(value >> (8 * i) & 0xff);
}

/* The payload of one block. */
struct reader {
    struct axc_history *history;
    const char *begin; /* of the whole input */
    const char *at, *end;
};

static bool wrong(const struct reader *reader, const char *at, const char *what)
{
    return axc_corrupt(reader->history->report, (uint64_t)(at - reader->begin), "%s", what);
}

static bool varint(struct reader *reader, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (reader->at == reader->end)
            return wrong(reader, reader->at, "a number reaches past its block");
        uint64_t byte = (unsigned char)*reader->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out = value;
            return true;
        }
    }
    return wrong(reader, reader->at, "a number of more than 64 bits");
}

static bool signed_varint(struct reader *reader, int64_t *out)
{
    uint64_t value;
    if (!varint(reader, &value))
        return false;
    *out = (int64_t)(value >> 1 ^ (0 - (value & 1)));
    return true;
}

/* Head (kind * 2, and 1 when unanswered), invocation since the last time in this block, duration, values. */
static bool read_op(struct reader *reader, const struct axc_description *description, uint32_t process, uint64_t *time)
{
    const char *start = reader->at;
    uint64_t head, since, took = 0, count;
    if (!varint(reader, &head) || !varint(reader, &since))
        return false;
    if (head >> 1 >= description->count)
        return wrong(reader, start, "an operation that the description does not have");
    const struct axc_kind *kind = &description->kinds[head >> 1];
    bool unanswered = (head & 1) != 0;
    if (!unanswered && !varint(reader, &took))
        return false;
    if (since > INT64_MAX - *time || took > INT64_MAX - *time - since)
        return wrong(reader, start, "a time beyond 63 bits");
    struct axc_op op = {.invoked = *time + since, .responded = *time + since + took, .process = process, .verb = kind->verb, .args = kind->args};
    *time = op.responded;
    if (unanswered)
        op.responded = AXC_PENDING;
    int64_t values[AXC_MAX_ARGS + AXC_MAX_RESULTS];
    for (size_t i = 0; i < kind->args; i++)
        if (!signed_varint(reader, &values[i]))
            return false;
    count = kind->results > 0 ? (uint64_t)kind->results : 0;
    if (kind->results < 0 && !unanswered && !varint(reader, &count))
        return false;
    if (unanswered)
        count = 0;
    if (count > reader->history->model->verbs[kind->verb].results)
        return wrong(reader, start, "more results than this operation has");
    for (size_t i = 0; i < count; i++)
        if (!signed_varint(reader, &values[kind->args + i]))
            return false;
    op.results = (uint16_t)count;
    return axc_history_add(reader->history, (uint64_t)(start - reader->begin), &op, values);
}

static bool read_blocks(struct reader *reader, const struct axc_description *description, const char *end)
{
    struct axc_history *history = reader->history;
    size_t blocks = 0;
    bool fine = true, cut_off = false;
    while (fine && !cut_off && !history->ended) {
        const char *start = reader->at;
        if (end - start < BLOCK_HEAD + 4) {
            cut_off = true;
            continue;
        }
        bool is_end = memcmp(start, AXC_END_MAGIC, 4) == 0;
        if (!is_end && memcmp(start, AXC_BLOCK_MAGIC, 4) != 0) {
            fine = wrong(reader, start, "not a block");
            break;
        }
        uint32_t payload = is_end ? 0 : u32(start + 16);
        if ((size_t)(end - start) - BLOCK_HEAD - 4 < payload) {
            cut_off = true;
            continue;
        }
        size_t whole = BLOCK_HEAD + payload;
        if (u32(start + whole) != axc_crc32c(start, whole)) {
            fine = wrong(reader, start, "the checksum of this block is wrong");
            break;
        }
        if (is_end) {
            uint64_t said = u32(start + 4) | (uint64_t)u32(start + 8) << 32;
            if (said != history->count || u32(start + 12) != (uint32_t)blocks)
                fine = axc_corrupt(history->report, (uint64_t)(start - reader->begin),
                                   "%zu operations in %zu blocks, but the end says %" PRIu64 " in %" PRIu32, history->count, blocks, said,
                                   u32(start + 12));
            history->ended = true;
        } else {
            uint32_t process = u32(start + 4), ops = u32(start + 12);
            fine = axc_history_block(history, (uint64_t)(start - reader->begin), process, u32(start + 8));
            reader->at = start + BLOCK_HEAD;
            reader->end = reader->at + payload;
            uint64_t time = 0;
            for (uint32_t i = 0; fine && i < ops; i++)
                fine = read_op(reader, description, process, &time);
            if (fine && reader->at != reader->end)
                fine = wrong(reader, reader->at, "more in the block than its operations");
            blocks++;
        }
        reader->at = start + whole + 4;
    }
    if (cut_off && !history->partial)
        return wrong(reader, end, "truncated: there is no end block");
    if (fine && history->ended && reader->at != end)
        return wrong(reader, reader->at, "more after the end");
    return fine;
}

bool axc_read_binary(struct axc_history *history, const char *bytes, size_t length)
{
    if (length < PREFIX)
        return axc_corrupt(history->report, length, "truncated in the prefix");
    if (u32(bytes + 8) != 1)
        return axc_corrupt(history->report, 8, "not version 1 of atomicx-history, the one this axcheck knows");
    uint32_t size = u32(bytes + 12);
    if (length - PREFIX < (size_t)size + 4)
        return axc_corrupt(history->report, length, "truncated in the description");
    if (u32(bytes + PREFIX + size) != axc_crc32c(bytes, PREFIX + (size_t)size))
        return axc_corrupt(history->report, PREFIX, "the checksum of the description is wrong");
    struct axc_description description;
    if (!axc_read_description(history, bytes + PREFIX, size, PREFIX, &description))
        return false;
    struct reader reader = {.history = history, .begin = bytes, .at = bytes + PREFIX + size + 4};
    return read_blocks(&reader, &description, bytes + length);
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

static size_t kind_of(const struct axc_description *description, const struct axc_op *op)
{
    size_t kind = 0;
    while (description->kinds[kind].verb != op->verb || (description->kinds[kind].results != 0) != (op->results != 0))
        kind++;
    return kind;
}

static size_t put_op(char *out, const struct axc_history *history, const struct axc_description *description, const struct axc_op *op,
                     uint64_t *time)
{
    const int64_t *values = axc_values(history, op);
    bool unanswered = op->responded == AXC_PENDING;
    size_t kind = kind_of(description, op), n = put_varint(out, kind << 1 | (unanswered ? 1 : 0));
    n += put_varint(out + n, op->invoked - *time);
    if (!unanswered)
        n += put_varint(out + n, op->responded - op->invoked);
    *time = unanswered ? op->invoked : op->responded;
    for (size_t i = 0; i < op->args; i++)
        n += put_signed(out + n, values[i]);
    if (description->kinds[kind].results < 0)
        n += put_varint(out + n, op->results);
    for (size_t i = 0; i < op->results; i++)
        n += put_signed(out + n, values[op->args + i]);
    return n;
}

static void finish_block(char *block, size_t length, FILE *out)
{
    put_u32(block + length, axc_crc32c(block, length));
    fwrite(block, 1, length + 4, out);
}

/* One process after the other: `ops` are sorted so. */
static uint32_t write_blocks(const struct axc_history *history, const struct axc_description *description, char *block, FILE *out)
{
    uint32_t blocks = 0, sequence = 0;
    for (size_t i = 0; i < history->count;) {
        uint32_t process = history->ops[i].process, count = 0;
        size_t length = BLOCK_HEAD;
        uint64_t time = 0;
        sequence = i > 0 && history->ops[i - 1].process == process ? sequence + 1 : 0;
        for (; i < history->count && history->ops[i].process == process && count < BLOCK_OPS; i++, count++)
            length += put_op(block + length, history, description, &history->ops[i], &time);
        memcpy(block, AXC_BLOCK_MAGIC, 4);
        put_u32(block + 4, process);
        put_u32(block + 8, sequence);
        put_u32(block + 12, count);
        put_u32(block + 16, (uint32_t)(length - BLOCK_HEAD));
        finish_block(block, length, out);
        blocks++;
    }
    return blocks;
}

bool axc_write_binary(const struct axc_history *history, FILE *out)
{
    struct axc_description description;
    json_t *root = axc_write_description(history, &description);
    size_t size = json_dumpb(root, NULL, 0, JSON_COMPACT);
    size_t widest = 3 * VARINT + (size_t)(AXC_MAX_ARGS + 1 + (history->accounts > 1 ? history->accounts : 1)) * VARINT;
    size_t room = BLOCK_HEAD + BLOCK_OPS * widest + 4;
    char *block = axc_alloc(room > PREFIX + size + 4 ? room : PREFIX + size + 4);
    if (root == NULL || size == 0 || block == NULL) {
        json_decref(root);
        axc_free(block);
        return false;
    }
    memcpy(block, magic, sizeof magic);
    put_u32(block + 8, 1);
    put_u32(block + 12, (uint32_t)size);
    json_dumpb(root, block + PREFIX, size, JSON_COMPACT);
    json_decref(root);
    finish_block(block, PREFIX + size, out);
    uint32_t blocks = write_blocks(history, &description, block, out);
    memset(block, 0, BLOCK_HEAD);
    memcpy(block, AXC_END_MAGIC, 4);
    put_u32(block + 4, (uint32_t)history->count);
    put_u32(block + 8, (uint32_t)((uint64_t)history->count >> 32));
    put_u32(block + 12, blocks);
    finish_block(block, BLOCK_HEAD, out);
    axc_free(block);
    return true;
}

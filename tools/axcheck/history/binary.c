/* SPDX-License-Identifier: MIT */
/**
 * binary.c: the form that is written while a program runs: blocks of one process each, checksummed. They
 * stay where they are: first all are found, then each process's are checked, several at a time.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "../parallel.h"
#include "../progress.h"
#include "crc.h"
#include "description.h"
#include "forms.h"
#include "lane.h"

enum { PREFIX = 16, BLOCK_HEAD = 20, BLOCK_OPS = 4096 };

static const char magic[8] = AXC_BINARY_MAGIC;
static struct axc_crc_tables tables;
static pthread_once_t tables_filled = PTHREAD_ONCE_INIT;

static void fill_tables(void)
{
    axc_crc_fill(&tables);
}

static uint32_t checksum(const char *bytes, size_t length)
{
    pthread_once(&tables_filled, fill_tables);
    return axc_crc32c(&tables, bytes, length);
}

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

/* Of several things wrong, what stands first in the input is told. */
struct problem {
    struct axc_report report;
    pthread_mutex_t mutex;
};

struct reader {
    struct axc_history *history;
    const char *begin; /* of the whole input */
    const char *end;
    const char *at;
    size_t blocks;
    uint64_t operations;
    struct problem problem;
};

static uint64_t offset_of(const struct reader *reader, const char *at)
{
    return (uint64_t)(at - reader->begin);
}

static bool note(struct problem *problem, const struct axc_report *found)
{
    pthread_mutex_lock(&problem->mutex);
    if (problem->report.verdict == AXC_HOLDS || found->offset <= problem->report.offset)
        problem->report = *found;
    pthread_mutex_unlock(&problem->mutex);
    return false;
}

static bool wrong(struct reader *reader, const char *at, const char *what)
{
    struct axc_report report;
    axc_report_init(&report);
    axc_corrupt(&report, offset_of(reader, at), "%s", what);
    return note(&reader->problem, &report);
}

/* Without memory nothing else counts. */
static bool add_span(struct reader *reader, struct axc_lane *lane, const char *start)
{
    if (lane->span_count == lane->span_room) {
        size_t room = lane->span_room * 2 + 2;
        struct axc_span *grown = axc_realloc(lane->spans, room * sizeof *grown);
        if (grown == NULL)
            return axc_history_no_memory(reader->history);
        lane->spans = grown;
        lane->span_room = room;
    }
    lane->spans[lane->span_count++] = (struct axc_span){.at = start + BLOCK_HEAD, .length = u32(start + 16), .count = u32(start + 12)};
    reader->blocks++;
    reader->operations += u32(start + 12);
    return true;
}

/* Finds the blocks, and the end. False when there is no memory; what else is wrong is noted. */
static bool find_blocks(struct reader *reader)
{
    struct axc_history *history = reader->history;
    while (!history->ended) {
        const char *start = reader->at;
        size_t left = (size_t)(reader->end - start);
        bool is_end = left >= 4 && memcmp(start, AXC_END_MAGIC, 4) == 0;
        if (left >= BLOCK_HEAD + 4 && !is_end && memcmp(start, AXC_BLOCK_MAGIC, 4) != 0) {
            wrong(reader, start, "not a block");
            return true;
        }
        size_t payload = is_end || left < BLOCK_HEAD + 4 ? 0 : u32(start + 16);
        if (left < BLOCK_HEAD + 4 + payload) {
            if (!history->partial)
                wrong(reader, reader->end, "truncated: there is no end block");
            return true;
        }
        reader->at += BLOCK_HEAD + payload + 4;
        if (!is_end) {
            uint32_t number = u32(start + 8);
            struct axc_lane *lane = axc_history_lane(history, u32(start + 4));
            if (lane == NULL || !add_span(reader, lane, start))
                return false;
            if (number == lane->span_count - 1)
                continue;
            struct axc_report report;
            axc_report_init(&report);
            axc_corrupt(&report, offset_of(reader, start), "block %" PRIu32 " of process %" PRIu32 " where its block %zu is expected", number,
                        lane->process, lane->span_count - 1);
            note(&reader->problem, &report);
            return true;
        }
        history->ended = true;
        uint64_t said = u32(start + 4) | (uint64_t)u32(start + 8) << 32;
        if (u32(start + BLOCK_HEAD) != checksum(start, BLOCK_HEAD)) {
            wrong(reader, start, "the checksum of this block is wrong");
        } else if (said != reader->operations || u32(start + 12) != (uint32_t)reader->blocks) {
            struct axc_report report;
            axc_report_init(&report);
            axc_corrupt(&report, offset_of(reader, start), "%" PRIu64 " operations in %zu blocks, but the end says %" PRIu64 " in %" PRIu32,
                        reader->operations, reader->blocks, said, u32(start + 12));
            note(&reader->problem, &report);
        } else if (reader->at != reader->end) {
            wrong(reader, reader->at, "more after the end");
        }
    }
    return true;
}

static bool check_block(struct reader *reader, struct axc_lane *lane, struct axc_span *span, int64_t *values)
{
    const char *start = span->at - BLOCK_HEAD, *at = span->at, *end = span->at + span->length;
    if (u32(end) != checksum(start, (size_t)(end - start)))
        return wrong(reader, start, "the checksum of this block is wrong");
    uint64_t time = 0;
    span->first = (uint32_t)lane->count;
    for (uint32_t i = 0; i < span->count; i++) {
        struct axc_op op = {.process = lane->process};
        struct axc_report report;
        const char *op_start = at, *why = axc_decode_op(reader->history, &at, end, &time, &op, values);
        if (why != NULL)
            return wrong(reader, at, why);
        report.verdict = AXC_HOLDS; /* all of it that is looked at unless something is wrong */
        if (!axc_lane_check(reader->history, lane, offset_of(reader, op_start), &op, values, &report)) {
            report.count = 0;
            return note(&reader->problem, &report);
        }
        axc_lane_count(reader->history, lane, &op, values, (size_t)(op_start - span->at));
    }
    axc_progress_add(span->count);
    return at == end || wrong(reader, at, "more in the block than its operations");
}

static void check_lane(void *context, size_t piece, size_t worker)
{
    (void)worker;
    struct reader *reader = context;
    struct axc_lane *lane = &reader->history->lanes[piece];
    int64_t values[AXC_MAX_VALUES];
    for (size_t i = 0; i < lane->span_count; i++)
        if (!check_block(reader, lane, &lane->spans[i], values))
            return;
}

static bool read_blocks(struct reader *reader)
{
    if (!find_blocks(reader))
        return false;
    reader->history->counted = true;
    if (!axc_history_places(reader->history))
        return false;
    axc_progress_phase("checking", "operations", reader->operations);
    axc_parallel(axc_workers(reader->operations), reader->history->processes, check_lane, reader);
    const struct axc_report *found = &reader->problem.report;
    reader->history->count = (size_t)reader->operations;
    return found->verdict == AXC_HOLDS || axc_corrupt(reader->history->report, found->offset, "%s", found->reason);
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
    if (u32(bytes + PREFIX + size) != checksum(bytes, PREFIX + (size_t)size))
        return axc_corrupt(history->report, PREFIX, "the checksum of the description is wrong");
    if (!axc_read_description(history, bytes + PREFIX, size, PREFIX))
        return false;
    struct reader reader = {.history = history, .begin = bytes, .at = bytes + PREFIX + size + 4, .end = bytes + length};
    axc_report_init(&reader.problem.report);
    pthread_mutex_init(&reader.problem.mutex, NULL);
    bool fine = read_blocks(&reader);
    pthread_mutex_destroy(&reader.problem.mutex);
    return fine;
}

static void finish_block(char *block, size_t length, FILE *out)
{
    put_u32(block + length, checksum(block, length));
    fwrite(block, 1, length + 4, out);
}

/* One process after the other. */
static uint32_t write_blocks(const struct axc_history *history, const struct axc_kinds *kinds, char *block, FILE *out)
{
    uint32_t blocks = 0;
    int64_t values[AXC_MAX_VALUES];
    for (size_t i = 0; i < history->processes; i++) {
        struct axc_cursor cursor;
        struct axc_op op;
        axc_cursor_begin(&cursor, history, &history->lanes[i]);
        bool more = axc_cursor_next(&cursor, &op, values);
        for (uint32_t sequence = 0; more; sequence++) {
            size_t length = BLOCK_HEAD;
            uint32_t count = 0;
            uint64_t time = 0;
            for (; more && count < BLOCK_OPS; count++) {
                length += axc_encode_op(block + length, kinds, &op, values, &time);
                more = axc_cursor_next(&cursor, &op, values);
            }
            memcpy(block, AXC_BLOCK_MAGIC, 4);
            put_u32(block + 4, history->lanes[i].process);
            put_u32(block + 8, sequence);
            put_u32(block + 12, count);
            put_u32(block + 16, (uint32_t)(length - BLOCK_HEAD));
            finish_block(block, length, out);
            blocks++;
        }
    }
    return blocks;
}

bool axc_write_binary(const struct axc_history *history, FILE *out)
{
    struct axc_kinds kinds;
    axc_kinds_of(history->model, &kinds);
    json_t *root = axc_write_description(history);
    size_t size = json_dumpb(root, NULL, 0, JSON_COMPACT);
    struct axc_op widest = {.args = AXC_MAX_ARGS, .results = (uint16_t)(history->accounts > 1 ? history->accounts : 1)};
    size_t room = BLOCK_HEAD + BLOCK_OPS * axc_op_room(&widest) + 4;
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
    uint32_t blocks = write_blocks(history, &kinds, block, out);
    memset(block, 0, BLOCK_HEAD);
    memcpy(block, AXC_END_MAGIC, 4);
    put_u32(block + 4, (uint32_t)history->count);
    put_u32(block + 8, (uint32_t)((uint64_t)history->count >> 32));
    put_u32(block + 12, blocks);
    finish_block(block, BLOCK_HEAD, out);
    axc_free(block);
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * gather.c: random binary histories in blocks of any size, complete and still being written, taken apart by key: each part
 * has exactly the operations of its key, in the order in which going through all of them and sorting puts them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "axcheck.h"
#include "budget.h"
#include "history/crc.h"
#include "history/forms.h"
#include "history/gather.h"
#include "history/lane.h"

enum { HISTORIES = 3000, LANES = 6, MOST = 400, KEYS = 5, PREFIX = 16, HEAD = 20, SUM = 4, OP_BYTES = 64 };

static uint64_t random_state = 1;

static uint64_t below(uint64_t n)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random_state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return (z ^ z >> 31) % n;
}

struct expected {
    struct axc_op op;
    int64_t values[3];
    size_t lane, number; /* which lane, in the order of the file, and which of its operations */
};

static struct expected all[MOST];
static size_t count;
static char file[PREFIX + 512 + MOST * (OP_BYTES + HEAD + SUM) * 2];
static size_t length;
static struct axc_crc_tables tables;
static const char magic[8] = AXC_BINARY_MAGIC;

static void put_u32(size_t at, uint64_t value)
{
    for (unsigned i = 0; i < 4; i++)
        file[at + i] = (char)(value >> (8 * i) & 0xff);
}

static void seal(size_t begin)
{
    put_u32(length, axc_crc32c(&tables, file + begin, length - begin));
    length += SUM;
}

/* Some operations more of this lane, as one block. Of times that are far apart, numbers take ten bytes and are decoded slowly. */
static void write_block(const struct axc_kinds *kinds, size_t lane, size_t *numbers, uint64_t *now, uint32_t block, bool last)
{
    size_t begin = length, operations = below(8) == 0 ? 0 : below(30);
    uint64_t time = 0;
    memcpy(file + begin, AXC_BLOCK_MAGIC, 4);
    length += HEAD;
    for (size_t i = 0; i < operations && count < MOST; i++) {
        struct expected *one = &all[count];
        bool get = below(2) == 0, pending = last && i + 1 == operations;
        *one = (struct expected){.lane = lane, .number = (*numbers)++,
                                 .op = {.process = (uint32_t)(100 - lane), .verb = get ? 0 : 1, .args = get ? 1 : 2, .results = pending ? 0 : 1}};
        one->op.invoked = *now + below(4);
        one->op.responded = pending ? AXC_PENDING : one->op.invoked + (below(20) == 0 ? below(1000) : below(4));
        *now = pending ? UINT64_MAX : one->op.responded;
        one->values[0] = (int64_t)below(KEYS) - 1;
        one->values[1] = below(9) == 0 ? INT64_MIN + 2 : (int64_t)below(100);
        one->values[2] = (int64_t)count;
        length += axc_encode_op(file + length, kinds, &one->op, one->values, &time);
        count++;
        put_u32(begin + 12, i + 1);
    }
    put_u32(begin + 4, 100 - lane);
    put_u32(begin + 8, block);
    put_u32(begin + 16, length - begin - HEAD);
    seal(begin);
}

/* Returns how many lanes have a block. */
static size_t write_history(uint64_t skew, bool ended)
{
    struct axc_kinds kinds = {.of = {{0, 1, 1}, {1, 2, 1}, {0, 1, 0}, {1, 2, 0}}, .count = 4};
    size_t lanes = 1 + below(LANES), begun = 0, numbers[LANES] = {0};
    uint64_t now[LANES] = {0};
    uint32_t blocks[LANES] = {0}, block_count = 0;
    memset(file, 0, sizeof file);
    count = 0;
    memcpy(file, magic, sizeof magic);
    put_u32(8, 1);
    int n = snprintf(file + PREFIX, 512, "{\"format\":\"atomicx-history\",\"version\":1,\"model\":\"map\",\"skew\":%d,\"processes\":%d,"
                     "\"operations\":[[\"get\",1,1],[\"put\",2,1],[\"get\",1,0],[\"put\",2,0]]}", (int)skew, (int)lanes);
    put_u32(12, (uint64_t)n);
    length = PREFIX + (size_t)n;
    seal(0);
    for (size_t more = lanes + below(20); more > 0; more--) {
        size_t lane = begun < lanes ? begun++ : below(lanes);
        if (now[lane] == UINT64_MAX)
            continue;
        write_block(&kinds, lane, &numbers[lane], &now[lane], blocks[lane]++, below(6) == 0);
        block_count++;
    }
    if (ended) {
        size_t begin = length;
        memcpy(file + begin, AXC_END_MAGIC, 4);
        put_u32(begin + 4, count);
        put_u32(begin + 12, block_count);
        length += HEAD;
        seal(begin);
    }
    return begun;
}

/* What is certain of a history that is still being written, by the rule of docs/history-format.md; and the intervals as wide
 * as they may have been. */
static void cut_and_widen(size_t lanes, uint64_t skew, bool ended)
{
    uint64_t until = UINT64_MAX;
    for (size_t lane = 0; !ended && lane < lanes; lane++) {
        uint64_t last = 0;
        for (size_t i = 0; i < count; i++)
            last = all[i].lane == lane ? all[i].op.responded : last;
        until = last < until ? last : until;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct expected one = all[i];
        if (one.op.invoked >= until)
            continue;
        if (until != UINT64_MAX && one.op.responded != AXC_PENDING && one.op.responded + 2 * skew >= until) {
            one.op.responded = AXC_PENDING;
            one.op.results = 0;
        }
        one.op.invoked -= one.op.invoked < skew ? one.op.invoked : skew;
        one.op.responded += one.op.responded == AXC_PENDING ? 0 : skew;
        all[kept++] = one;
    }
    count = kept;
}

static int in_order(const void *left, const void *right)
{
    const struct expected *a = left, *b = right;
    if (a->values[0] != b->values[0])
        return a->values[0] < b->values[0] ? -1 : 1;
    if (a->op.invoked != b->op.invoked)
        return a->op.invoked < b->op.invoked ? -1 : 1;
    if (a->lane != b->lane)
        return a->lane < b->lane ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static bool same(const struct axc_part *part, size_t i, const struct expected *one)
{
    const struct axc_op *op = &part->ops[i];
    return op->invoked == one->op.invoked && op->responded == one->op.responded && op->process == one->op.process && op->verb == one->op.verb &&
           op->args == one->op.args && op->results == one->op.results &&
           memcmp(axc_values(part->history, op), one->values, ((size_t)op->args + op->results) * sizeof *one->values) == 0;
}

/* Their numbers go by lane, and then by the lane's own order. */
static bool numbered(const struct axc_part *part, const struct expected *expected)
{
    for (size_t i = 0; i < part->count; i++)
        for (size_t j = 0; j < part->count; j++) {
            bool before = expected[i].lane < expected[j].lane || (expected[i].lane == expected[j].lane && expected[i].number < expected[j].number);
            if (before != (part->ops[i].order < part->ops[j].order))
                return false;
        }
    return true;
}

static size_t complete, partial, of_several_blocks;

static bool one_history(struct axc_gathered *gathered)
{
    struct axc_report report;
    struct axc_parts parts = {0};
    uint64_t skew = below(2) == 0 ? 0 : below(9);
    bool ended = below(3) != 0, fine;
    size_t lanes = write_history(skew, ended), seen = 0;
    axc_report_init(&report);
    struct axc_history history = {.capacity = -1, .report = &report, .partial = true};
    fine = axc_read_binary(&history, file, length) && axc_history_finish(&history) && axc_split(&history, &parts);
    if (!CHECK(fine))
        fprintf(stderr, "%s at %" PRIu64 "\n", report.reason, report.offset);
    cut_and_widen(lanes, skew, ended);
    qsort(all, count, sizeof *all, in_order);
    for (size_t p = 0; fine && p < parts.count; p++) {
        fine = axc_gather(&parts, p, gathered) && seen + gathered->part.count <= count && gathered->part.key == all[seen].values[0];
        for (size_t i = 0; fine && i < gathered->part.count; i++)
            fine = same(&gathered->part, i, &all[seen + i]);
        fine = fine && numbered(&gathered->part, &all[seen]);
        seen += gathered->part.count;
    }
    for (size_t i = 0; i < history.processes; i++)
        of_several_blocks += history.lanes[i].span_count > 1 ? 1 : 0;
    (ended ? complete++ : partial++);
    axc_parts_free(&parts);
    axc_history_free(&history);
    return fine && seen == count;
}

static void parts_are_what_sorting_gives(void)
{
    struct axc_gathered gathered = {0}; /* one for all, as a thread that judges has it */
    bool fine = true;
    for (size_t i = 0; fine && i < HISTORIES; i++)
        if (!CHECK(fine = one_history(&gathered)))
            fprintf(stderr, "in history %zu\n", i);
    axc_gathered_free(&gathered);
    CHECK(complete > HISTORIES / 2 && partial > HISTORIES / 4 && of_several_blocks > HISTORIES);
}

int main(void)
{
    axc_crc_fill(&tables);
    axc_budget_init((size_t)64 << 20);
    RUN(parts_are_what_sorting_gives);
    return check_summary();
}

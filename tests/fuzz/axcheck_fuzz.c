/* SPDX-License-Identifier: MIT */
/**
 * axcheck_fuzz.c: any bytes get a verdict, and the same one twice; never a crash, never unbounded memory. What was
 * changed in a binary history mostly gets checksums that are right, so that more than these are looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axcheck.h"
#include "budget.h"
#include "history/crc.h"
#include "history/judge.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most); /* libFuzzer's */

static struct axc_crc_tables tables;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    axc_crc_fill(&tables);
    axc_budget_init((size_t)64 << 20);
    axc_set_steps(20000);
    return 0;
}

static uint32_t u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The checksum of what begins here, behind it. */
static void seal(uint8_t *begin, size_t length)
{
    uint32_t sum = axc_crc32c(&tables, (const char *)begin, length);
    for (int i = 0; i < 4; i++)
        begin[length + (size_t)i] = (uint8_t)(sum >> (8 * i) & 0xff);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    enum { PREFIX = 16, HEAD = 20, SUM = 4 };
    size = LLVMFuzzerMutate(data, size, most);
    if (seed % 8 == 0 || size < PREFIX + SUM || memcmp(data, "\x89" "AXH", 4) != 0 || u32(data + 12) > size - PREFIX - SUM)
        return size;
    size_t at = PREFIX + u32(data + 12);
    seal(data, at);
    for (at += SUM; size - at >= HEAD + SUM;) {
        size_t length = memcmp(data + at, "AXHE", 4) == 0 ? 0 : u32(data + at + 16);
        if (length > size - at - HEAD - SUM)
            break;
        seal(data + at, HEAD + length);
        at += HEAD + length + SUM;
    }
    return size;
}

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "axcheck_fuzz: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct axc_report first, second;
    axc_judge_bytes((const char *)data, size, &first);
    axc_judge_bytes((const char *)data, size, &second);
    require((first.detail == NULL) == (second.detail == NULL) && (first.detail == NULL || strcmp(first.detail, second.detail) == 0),
            "two counterexamples of one input");
    require((first.picture == NULL) == (second.picture == NULL) && (first.picture == NULL || strcmp(first.picture, second.picture) == 0),
            "two pictures of one input");
    axc_report_free(&first);
    axc_report_free(&second);
    require(memcmp(&first, &second, sizeof first) == 0, "two verdicts on one input");
    require(first.verdict != AXC_FAILED, "an internal error");
    require(first.verdict != AXC_CORRUPT || (first.offset <= size && first.reason[0] != '\0'), "an offset outside the input");
    if (first.verdict == AXC_HOLDS || first.verdict == AXC_VIOLATED) {
        size_t violated = 0;
        for (size_t i = 0; i < first.count; i++)
            violated += first.invariants[i].holds ? 0 : 1;
        require(first.count > 0, "a verdict without an invariant");
        require((violated > 0) == (first.verdict == AXC_VIOLATED), "a verdict its invariants don't give");
    }
    return 0;
}

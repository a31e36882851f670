/* SPDX-License-Identifier: MIT */
/**
 * axcheck_fuzz.c: any bytes get a verdict, and the same one twice; never a crash, never unbounded memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axcheck.h"
#include "budget.h"
#include "history/judge.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    axc_budget_init((size_t)64 << 20);
    axc_set_steps(20000);
    return 0;
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

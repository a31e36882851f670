/* SPDX-License-Identifier: MIT */
/* What an outcome test saw. */
#ifndef AXI_STRESS_OUTCOME_H
#define AXI_STRESS_OUTCOME_H

#include <atomicx/outcome.h>

#include "internal.h"

#define AXI_OUTCOMES_MOST 256

struct axi_seen {
    int32_t results[AX_OUTCOME_RESULTS];
    uint64_t times;
    const ax_outcome *outcome; /* NULL: nobody declared it */
};

struct axi_tally {
    uint64_t runs, ns;
    uint64_t overlaps; /* batches in which two actors were at work at once */
    size_t stride; /* the length of batch that was chosen */
    size_t count;
    struct axi_seen seen[AXI_OUTCOMES_MOST];
    struct axi_seen *shortcut[256]; /* by the lowest two bits of each result */
};

bool axi_outcome_wrong(const struct axi_seen *seen); /* forbidden, or nobody declared it */

/* NULL, or what is wrong with the table of tests. */
const char *axi_outcome_check(const ax_outcome_test *tests, size_t count);

/* Runs the test for so many nanoseconds, or so many states (0: by time), after tuning. NULL, or why it could not. */
const char *axi_outcome_run(const ax_outcome_test *test, uint64_t ns, uint64_t iters, struct axi_tally *tally);

#endif

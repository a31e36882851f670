/* SPDX-License-Identifier: MIT */
/**
 * fast_accounts.c: transfers leave the sum of all balances as it is. Where nothing else was done, an audit or a
 * total that gives another sum is wrong whatever the order. That all sums are right shows nothing: then this
 * judge stands aside.
 */
#include <stdio.h>

#include "fast.h"
#include "lane.h"
#include "model.h"

struct sums {
    size_t verb_audit, verb_total;
    axc_wide whole, found;
};

static bool differs(void *context, const struct axc_op *op, const int64_t *values)
{
    struct sums *sums = context;
    if (op->results == 0 || (op->verb != sums->verb_audit && op->verb != sums->verb_total))
        return false;
    axc_wide sum = 0;
    for (size_t i = 0; i < op->results; i++)
        sum += values[i];
    if (sum == sums->whole)
        return false;
    sums->found = sum;
    return true;
}

bool axc_fast_accounts(struct axc_history *history, struct axc_fast *fast)
{
    const struct axc_model *model = history->model;
    struct sums sums = {.verb_audit = (size_t)axc_verb_named(model, "audit", 5),
                        .verb_total = (size_t)axc_verb_named(model, "total", 5)};
    if (axc_history_use(history, (size_t)axc_verb_named(model, "deposit", 7)).count > 0 ||
        axc_history_use(history, (size_t)axc_verb_named(model, "withdraw", 8)).count > 0)
        return false;
    for (size_t i = 0; i < history->accounts; i++)
        sums.whole += history->balances[i];
    fast->rule = "by the sum that transfers keep";
    axc_fast_show(history, differs, &sums, 1, fast);
    if (fast->culprit_count == 0)
        return false;
    snprintf(fast->why, sizeof fast->why, "balances that add up to %s were seen, and there is %s", AXC_WIDE(sums.found), AXC_WIDE(sums.whole));
    return true;
}

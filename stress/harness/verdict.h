/* SPDX-License-Identifier: MIT */
/* Whether a round has an order that the model explains; and the round, drawn. */
#ifndef AXI_STRESS_VERDICT_H
#define AXI_STRESS_VERDICT_H

#include "plan.h"

struct axi_answer {
    uint64_t invoked, answered;
    int64_t result;
};

enum axi_opinion { AXI_ORDERED, AXI_DISORDERED, AXI_UNDECIDED };

/* One thread's room for thought. */
struct axi_judge;
struct axi_judge *axi_judge_create(const ax_stress_run *run); /* NULL without memory */
void axi_judge_destroy(struct axi_judge *judge);

/* `answers` of each thread in the order of its calls; clocks may differ by `skew`. Exact, unless there is no memory or the
 * search would take too long. */
enum axi_opinion axi_judge_round(struct axi_judge *judge, const struct axi_plan *plan,
                                 const struct axi_answer *const answers[AXI_TEAM_MOST], uint64_t skew);

/* Draws the round that was judged last: a row for each operation, time from left to right; and what the model says instead, where
 * one thread was alone. To be freed; NULL without memory. */
char *axi_judge_draw(struct axi_judge *judge);

#endif

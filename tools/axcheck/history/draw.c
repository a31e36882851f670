/* SPDX-License-Identifier: MIT */
/* draw.c: a counterexample as lines of text: who, what, and when, left to right. */
#include "rows.h"

enum { AT_A_GLANCE = 8 };

void axc_draw(const struct axc_shrunk *shrunk, struct axc_report *report)
{
    const struct axc_part *part = &shrunk->part;
    struct axc_rows rows = {.history = part->history, .ops = part->ops, .count = part->count, .who = "process", .shrunk = shrunk,
                            .wrong_at_last = !shrunk->by_rule};
    struct axc_words text;
    if (!axc_rows_begin(&text, &rows))
        return;
    const char *many = part->count == 1 ? "" : "s";
    if (shrunk->by_rule) {
        axc_put(&text, "  counterexample of %zu operation%s, for the reason given above\n", part->count, many);
    } else {
        axc_put(&text, "  counterexample of %zu operation%s: no order of these gives these results\n", part->count, many);
        axc_put(&text, "    state before: ");
        axc_put_before(&text, shrunk);
    }
    if (shrunk->left_out > 0)
        axc_put(&text, "    left out: %zu operation%s that changed nothing\n", shrunk->left_out, shrunk->left_out == 1 ? "" : "s");
    if (part->count > AXC_ROWS)
        axc_put(&text, "    not shown: the first %zu\n", part->count - AXC_ROWS);
    axc_put_rows(&text, &rows);
    report->detail = text.bytes;
    axc_picture(shrunk, report);
}

void axc_explain(const struct axc_part *part, const struct axc_search_stats *failed, struct axc_report *report)
{
    struct axc_shrunk shrunk;
    if (axc_shrink(part, failed, AT_A_GLANCE, &shrunk))
        axc_draw(&shrunk, report);
    axc_shrunk_free(&shrunk);
}

/* SPDX-License-Identifier: MIT */
/* picture.c: a counterexample as SVG: a lane per process, a bar per operation, time from left to right. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../budget.h"
#include "words.h"

enum { MOST = 40, LABEL = 200, STEP = 78, BAR = 30, LANE = 58, LEFT = 118, TOP = 34, LETTER = 8, NARROWEST = 420 };

struct picture {
    const struct axc_shrunk *shrunk;
    const struct axc_op *ops;
    size_t count;
    uint32_t processes[MOST];
    size_t lanes;
    uint64_t times[2 * MOST]; /* different ones, in order: distances say nothing but before and after */
    size_t columns;
    size_t x[2 * MOST + 1];   /* of each column, and of the right edge */
    uint64_t last;            /* answer */
};

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static int by_process(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static size_t column(const struct picture *p, uint64_t time)
{
    size_t at = 0;
    while (at + 1 < p->columns && p->times[at] < time)
        at++;
    return at;
}

static size_t lane(const struct picture *p, uint32_t process)
{
    size_t at = 0;
    while (p->processes[at] != process)
        at++;
    return at;
}

static void label(const struct picture *p, const struct axc_op *op, char *out)
{
    struct axc_words words = {.bytes = out, .room = LABEL};
    out[0] = '\0';
    axc_put_op(&words, p->shrunk->part.history, op);
}

static void ends(const struct picture *p, const struct axc_op *op, size_t *from, size_t *to)
{
    *from = axc_from_the_edge(p->shrunk, op) ? 0 : column(p, op->invoked);
    *to = op->responded == AXC_PENDING ? p->columns : column(p, op->responded);
}

static void collect(struct picture *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct axc_op *op = &p->ops[i];
        p->processes[p->lanes++] = op->process;
        p->times[n++] = axc_from_the_edge(p->shrunk, op) ? 0 : op->invoked;
        if (op->responded != AXC_PENDING)
            p->times[n++] = op->responded;
        if (op->responded != AXC_PENDING && op->responded > p->last)
            p->last = op->responded;
    }
    qsort(p->times, n, sizeof *p->times, by_number);
    qsort(p->processes, p->lanes, sizeof *p->processes, by_process);
    for (size_t i = 0; i < n; i++)
        if (p->columns == 0 || p->times[i] != p->times[p->columns - 1])
            p->times[p->columns++] = p->times[i];
    n = p->lanes;
    p->lanes = 0;
    for (size_t i = 0; i < n; i++)
        if (p->lanes == 0 || p->processes[i] != p->processes[p->lanes - 1])
            p->processes[p->lanes++] = p->processes[i];
}

/* Columns as far apart as the labels between them need. */
static void lay_out(struct picture *p)
{
    char text[LABEL];
    for (size_t i = 0; i <= p->columns; i++)
        p->x[i] = LEFT + i * STEP / 2;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < p->count; i++) {
            size_t from, to;
            ends(p, &p->ops[i], &from, &to);
            label(p, &p->ops[i], text);
            to = to > from ? to : from + 1;
            size_t wanted = p->x[from] + strlen(text) * LETTER + 20;
            if (p->x[to] >= wanted)
                continue;
            for (size_t j = to, by = wanted - p->x[to]; j <= p->columns; j++)
                p->x[j] += by;
            moved = true;
        }
    }
}

static void put_bar(struct axc_words *svg, const struct picture *p, const struct axc_op *op)
{
    char text[LABEL];
    size_t from, to, y = TOP + lane(p, op->process) * LANE + (LANE - BAR) / 2;
    ends(p, op, &from, &to);
    label(p, op, text);
    bool open = op->responded == AXC_PENDING, edge = axc_from_the_edge(p->shrunk, op);
    size_t right = p->x[to > from ? to : from + 1] - (to > from ? 0 : 8);
    bool last = !open && op->responded == p->last && !p->shrunk->by_rule;
    axc_put(svg, "<g class=\"op%s%s\"><title>process %" PRIu32 ": ", open ? " open" : "", last ? " last" : "", op->process);
    axc_put_escaped(svg, text);
    if (open)
        axc_put(svg, ", invoked at %" PRIu64 ", never answered</title>", op->invoked);
    else
        axc_put(svg, ", invoked at %" PRIu64 ", answered at %" PRIu64 "</title>", op->invoked, op->responded);
    axc_put(svg, "<rect x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%d\" rx=\"%d\"/><text x=\"%zu\" y=\"%zu\">", edge ? p->x[from] - 14 : p->x[from], y,
            right - p->x[from] + (edge ? 14 : 0), BAR, open || edge ? 2 : 7, p->x[from] + 10, y + BAR / 2 + 5);
    axc_put_escaped(svg, text);
    axc_put(svg, "</text></g>\n");
}

void axc_picture(const struct axc_shrunk *shrunk, struct axc_report *report)
{
    size_t skip = shrunk->part.count > MOST ? shrunk->part.count - MOST : 0;
    struct picture *p = axc_zeroed(1, sizeof *p);
    struct axc_words svg = {.room = (MOST + 8) * 2048};
    svg.bytes = axc_alloc(svg.room);
    if (p == NULL || svg.bytes == NULL) {
        axc_free(p);
        axc_free(svg.bytes);
        return;
    }
    svg.bytes[0] = '\0';
    *p = (struct picture){.shrunk = shrunk, .ops = shrunk->part.ops + skip, .count = shrunk->part.count - skip};
    collect(p);
    lay_out(p);
    size_t width = p->x[p->columns] + 24 > NARROWEST ? p->x[p->columns] + 24 : NARROWEST, height = TOP + p->lanes * LANE + 12;
    axc_put(&svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" width=\"%zu\" height=\"%zu\" role=\"img\" aria-label=\"operations by process, time from left to right\">\n",
            width, height, width, height);
    axc_put(&svg, "<text class=\"quiet\" x=\"%d\" y=\"20\">time, in order and not to scale &#8594;</text>\n", LEFT);
    for (size_t i = 0; i < p->lanes; i++) {
        size_t y = TOP + i * LANE + LANE / 2;
        axc_put(&svg, "<line class=\"lane\" x1=\"%d\" y1=\"%zu\" x2=\"%zu\" y2=\"%zu\"/><text class=\"who\" x=\"12\" y=\"%zu\">process %" PRIu32 "</text>\n",
                LEFT, y, width - 12, y, y + 5, p->processes[i]);
    }
    for (size_t i = 0; i < p->columns; i++)
        axc_put(&svg, "<line class=\"tick\" x1=\"%zu\" y1=\"%d\" x2=\"%zu\" y2=\"%zu\"/>\n", p->x[i], TOP - 4, p->x[i], height - 8);
    for (size_t i = 0; i < p->count; i++)
        put_bar(&svg, p, &p->ops[i]);
    axc_put(&svg, "</svg>\n");
    report->picture = svg.bytes;
    axc_free(p);
}

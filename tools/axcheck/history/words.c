/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { RESULTS_SHOWN = 8 };

void axc_put(struct axc_words *text, const char *format, ...)
{
    if (text->length >= text->room)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->bytes + text->length, text->room - text->length, format, args);
    va_end(args);
    text->length += n > 0 ? (size_t)n : 0;
}

static void put_value(struct axc_words *text, int64_t value)
{
    if (value == AXC_NONE || value == AXC_CLOSED)
        axc_put(text, "%s", value == AXC_NONE ? "none" : "closed");
    else
        axc_put(text, "%" PRId64, value);
}

void axc_put_op(struct axc_words *text, const struct axc_history *history, const struct axc_op *op)
{
    const int64_t *values = axc_values(history, op);
    axc_put(text, "%s", history->model->verbs[op->verb].name);
    for (size_t i = 0; i < op->args; i++) {
        axc_put(text, " ");
        put_value(text, values[i]);
    }
    for (size_t i = 0; i < op->results && i < RESULTS_SHOWN; i++) {
        axc_put(text, "%s", i == 0 ? " -> " : " ");
        put_value(text, values[op->args + i]);
    }
    if (op->results > RESULTS_SHOWN)
        axc_put(text, " ...");
}

static void put_state(struct axc_words *text, const struct axc_history *history, const int64_t *state, size_t words)
{
    if (history->model->needs_capacity) {
        axc_put(text, "%" PRId64 " of %" PRId64 " sold%s", state[1], history->capacity, state[0] != 0 ? ", closed" : "");
        return;
    }
    if (words == 0)
        axc_put(text, "empty");
    for (size_t i = 0; i < words && i < RESULTS_SHOWN; i++) {
        axc_put(text, "%s", i > 0 ? " " : "");
        put_value(text, state[i]);
    }
    if (words > RESULTS_SHOWN)
        axc_put(text, " ...");
}

/* The state before, or the different ones that the operations before may have led to. */
void axc_put_before(struct axc_words *text, const struct axc_shrunk *shrunk)
{
    const struct axc_part *part = &shrunk->part;
    if (shrunk->ends.count == 0) {
        put_state(text, part->history, part->start, part->start_words);
        axc_put(text, "\n");
        return;
    }
    for (uint32_t i = 0; i < shrunk->states.count && i < RESULTS_SHOWN; i++) {
        size_t words;
        const int64_t *state = axc_state_words(&shrunk->states, i, &words);
        axc_put(text, "%s", i == 0 ? "" : " or ");
        put_state(text, part->history, state, words);
    }
    if (shrunk->states.count > RESULTS_SHOWN)
        axc_put(text, " or %zu others", shrunk->states.count - RESULTS_SHOWN);
    axc_put(text, ", all that the %zu operations before can lead to\n", shrunk->replaced);
    if (shrunk->running > 0)
        axc_put(text, "    those that begin at the left edge were running then and may have happened by then\n");
}

bool axc_from_the_edge(const struct axc_shrunk *shrunk, const struct axc_op *op)
{
    for (size_t i = 0; i < shrunk->running; i++)
        if (shrunk->was_running[i] == op->order)
            return true;
    return false;
}

void axc_put_escaped(struct axc_words *text, const char *plain)
{
    for (; *plain != '\0'; plain++) {
        const char *entity = *plain == '<' ? "&lt;" : *plain == '>' ? "&gt;" : *plain == '&' ? "&amp;" : *plain == '"' ? "&quot;" : NULL;
        if (entity != NULL)
            axc_put(text, "%s", entity);
        else
            axc_put(text, "%c", (unsigned char)*plain < ' ' && *plain != '\n' ? '?' : *plain);
    }
}

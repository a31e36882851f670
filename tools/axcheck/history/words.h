/* SPDX-License-Identifier: MIT */
/* words.h: operations and states as people read them. */
#ifndef AXCHECK_WORDS_H
#define AXCHECK_WORDS_H

#include "explain.h"

/* What does not fit is left out. */
struct axc_words {
    char *bytes;
    size_t length, room;
};

void axc_put(struct axc_words *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void axc_put_escaped(struct axc_words *text, const char *plain); /* for HTML and SVG */
void axc_put_op(struct axc_words *text, const struct axc_history *history, const struct axc_op *op);

/* The state before, or the different ones that the operations before may have led to. Ends with the line. */
void axc_put_before(struct axc_words *text, const struct axc_shrunk *shrunk);

/* Whether it was running already when what is shown begins. */
bool axc_from_the_edge(const struct axc_shrunk *shrunk, const struct axc_op *op);

#endif

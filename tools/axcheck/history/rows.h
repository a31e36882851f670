/* SPDX-License-Identifier: MIT */
/* rows.h: operations as rows of text, each with its bar, time from left to right. */
#ifndef AXCHECK_ROWS_H
#define AXCHECK_ROWS_H

#include "words.h"

enum { AXC_ROWS = 40 }; /* at most; of more, the last ones are drawn */

struct axc_rows {
    const struct axc_history *history;
    const struct axc_op *ops;
    size_t count;
    const char *who;                 /* "process", "thread" */
    const struct axc_shrunk *shrunk; /* knows who was running when the first row begins; NULL: nobody was */
    bool wrong_at_last;              /* say so beside the last answer */
};

/* Makes room for all rows and some lines before them; false without memory. */
bool axc_rows_begin(struct axc_words *text, const struct axc_rows *rows);
void axc_put_rows(struct axc_words *text, const struct axc_rows *rows);

#endif

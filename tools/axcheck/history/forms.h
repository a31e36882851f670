/* SPDX-License-Identifier: MIT */
/* forms.h: the three forms of a history: text, JSON lines, binary. docs/history-format.md describes them. */
#ifndef AXCHECK_FORMS_H
#define AXCHECK_FORMS_H

#include <stdio.h>

#include "history.h"

#define AXC_BINARY_MAGIC {'\x89', 'A', 'X', 'H', '\r', '\n', '\x1a', '\n'}
#define AXC_BLOCK_MAGIC "AXHB"
#define AXC_END_MAGIC "AXHE"

enum axc_form { AXC_NO_HISTORY, AXC_TEXT_FORM, AXC_LINES_FORM, AXC_BINARY_FORM, AXC_EDN_FORM };

/* Which form these bytes begin, at most 4096 of them; AXC_NO_HISTORY: something else. */
enum axc_form axc_form_of(const char *bytes, size_t length);

/* Each reads the whole input; false with the reason in the report. */
bool axc_read_text(struct axc_history *history, const char *bytes, size_t length);
bool axc_read_lines(struct axc_history *history, const char *bytes, size_t length);
bool axc_read_binary(struct axc_history *history, const char *bytes, size_t length);
bool axc_read_edn(struct axc_history *history, const char *bytes, size_t length); /* Jepsen's; is not written */

/* Each writes the whole history, one lane after the other; false without memory. Errors of the file are the caller's. */
bool axc_write_text(const struct axc_history *history, FILE *out);
bool axc_write_lines(const struct axc_history *history, FILE *out);
bool axc_write_binary(const struct axc_history *history, FILE *out);

#endif

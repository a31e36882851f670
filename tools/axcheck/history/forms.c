/* SPDX-License-Identifier: MIT */
#include "forms.h"

#include <string.h>

enum axc_form axc_form_of(const char *bytes, size_t length)
{
    static const char text[] = "atomicx-history ", name[] = "\"atomicx-history\"", binary[8] = AXC_BINARY_MAGIC;
    if (length >= sizeof text - 1 && memcmp(bytes, text, sizeof text - 1) == 0)
        return AXC_TEXT_FORM;
    if (length >= sizeof binary && memcmp(bytes, binary, sizeof binary) == 0)
        return AXC_BINARY_FORM;
    static const char event[] = "{:", tagged[] = "#jepsen.history.Op{:";
    if ((length >= sizeof event - 1 && memcmp(bytes, event, sizeof event - 1) == 0) ||
        (length >= sizeof tagged - 1 && memcmp(bytes, tagged, sizeof tagged - 1) == 0))
        return AXC_EDN_FORM;
    if (length == 0 || bytes[0] != '{')
        return AXC_NO_HISTORY;
    /* A record begins so, too: what it says of itself must be in the first line. */
    length = length < 4096 ? length : 4096;
    const char *end = memchr(bytes, '\n', length);
    for (size_t n = end != NULL ? (size_t)(end - bytes) : length; n >= sizeof name - 1; n--, bytes++)
        if (memcmp(bytes, name, sizeof name - 1) == 0)
            return AXC_LINES_FORM;
    return AXC_NO_HISTORY;
}

/* SPDX-License-Identifier: MIT */
/* gather.h: the operations of one part of a history, put together when it is judged. */
#ifndef AXCHECK_GATHER_H
#define AXCHECK_GATHER_H

#include "parts.h"

/* One part's operations, by invocation. Intervals are widened by the skew. Begins zeroed; another part gathered takes the
 * memory over. */
struct axc_gathered {
    struct axc_part part;
    struct axc_history history; /* as the part sees it: with values of its own */
    struct axc_run *runs;
    axc_unsigned_wide *tree;
    struct axc_note *notes;
    uint32_t *walking; /* the runs that are not followed to their beginnings yet */
    size_t op_room, value_room, run_room, tree_room, note_room, walk_room;
};

bool axc_gather(const struct axc_parts *parts, size_t which, struct axc_gathered *gathered); /* false without memory */
void axc_gathered_free(struct axc_gathered *gathered);

#endif

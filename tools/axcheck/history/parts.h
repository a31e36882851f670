/* SPDX-License-Identifier: MIT */
/**
 * parts.h: a history taken apart into what can be judged by itself. Operations stay in their lanes; a part says which lanes
 * have how many of its own.
 */
#ifndef AXCHECK_PARTS_H
#define AXCHECK_PARTS_H

#include "search.h"

struct axc_parts {
    const struct axc_history *history;
    struct axc_share {
        int64_t key;
        uint32_t lane;
        uint32_t operations, latest; /* the latest one's number in the lane */
        uint64_t numbers;            /* in all of them */
    } *shares; /* by key, then by lane */
    struct axc_plan {
        size_t first, shares; /* which ones are its own */
        size_t operations, numbers;
    } *plans; /* of each part */
    size_t count;
    int64_t *start; /* each part's state at first */
    size_t start_words;
};

/* Keyed models split by key (Herlihy and Wing: linearizability is local); others are one part. False without memory. */
bool axc_split(const struct axc_history *history, struct axc_parts *parts);
void axc_parts_free(struct axc_parts *parts);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * seen.h: the configurations a search has left without success. Keys are compared whole: a hash alone could call a
 * configuration seen that never was, and turn a right history into a wrong one. It may forget: then a
 * search does some work twice and stays right.
 */
#ifndef AXCHECK_SEEN_H
#define AXCHECK_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct axc_seen_half {
    uint64_t *keys; /* length, then the words of a key, one after the other */
    size_t used, room;
    size_t *table; /* 1 + place in keys, 0: empty */
    size_t slots, count;
};

struct axc_seen {
    struct axc_seen_half young, old; /* when the young one is full it becomes the old one */
    size_t limit;                    /* words of keys in each */
};

static inline bool axc_seen_nothing(const struct axc_seen *seen)
{
    return seen->young.count == 0 && seen->old.count == 0;
}

bool axc_seen_before(const struct axc_seen *seen, const uint64_t *key, size_t words);

/* Remembers a key, which must not be there; or not, when there is no memory for it. */
void axc_seen_add(struct axc_seen *seen, const uint64_t *key, size_t words);

void axc_seen_free(struct axc_seen *seen);

#endif

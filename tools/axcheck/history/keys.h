/* SPDX-License-Identifier: MIT */
/* keys.h: how often one process used each key, and where its operations on it go when they are taken out by key. */
#ifndef AXCHECK_KEYS_H
#define AXCHECK_KEYS_H

#include <stddef.h>
#include <stdint.h>

struct axc_key {
    int64_t key;
    size_t count; /* operations; 0: an empty slot */
    size_t width; /* numbers in all of them */
    size_t place, values; /* for who takes them out: where the next one goes, and its numbers */
};

struct axc_keys {
    struct axc_key *entries;
    size_t slots, used;
};

/* One that is there. */
struct axc_key *axc_keys_find(const struct axc_keys *keys, int64_t key);
/* So many operations more, with so many numbers; NULL without memory. */
struct axc_key *axc_keys_count(struct axc_keys *keys, int64_t key, size_t operations, size_t width);
void axc_keys_free(struct axc_keys *keys);

#endif

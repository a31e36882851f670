/* SPDX-License-Identifier: MIT */
/* states.h: each state of a sequential object stored once and named by a number, so that comparing is cheap. */
#ifndef AXCHECK_STATES_H
#define AXCHECK_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AXC_NO_STATE UINT32_MAX

struct axc_states {
    int64_t *words; /* all states one after the other */
    size_t *begin;  /* where state n begins; count + 1 entries */
    uint32_t *table;
    size_t used, room, count, count_room, slots;
};

/* The number of this state, stored if it is new; AXC_NO_STATE when there is no memory. */
uint32_t axc_state_number(struct axc_states *states, const int64_t *words, size_t count);

static inline const int64_t *axc_state_words(const struct axc_states *states, uint32_t number, size_t *count)
{
    *count = states->begin[number + 1] - states->begin[number];
    return states->words + states->begin[number];
}

void axc_states_free(struct axc_states *states);

#endif

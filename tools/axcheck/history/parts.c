/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <stdlib.h>

#include "../budget.h"

static int by_key_and_lane(const void *left, const void *right)
{
    const struct axc_share *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->lane < b->lane ? -1 : a->lane > b->lane;
}

/* What a lane has of each key; of a model without keys there is one, 0. */
static size_t share_out(const struct axc_lane *lane, uint32_t number, struct axc_share *shares)
{
    size_t n = 0;
    for (size_t i = 0; i < lane->keys.slots; i++) {
        const struct axc_key *entry = &lane->keys.entries[i];
        if (entry->count != 0)
            shares[n++] = (struct axc_share){.key = entry->key, .lane = number, .operations = entry->count, .latest = entry->latest, .numbers = entry->numbers};
    }
    if (lane->keys.slots == 0 && lane->count > 0)
        shares[n++] = (struct axc_share){.lane = number, .operations = (uint32_t)lane->count, .numbers = lane->width};
    return n;
}

static bool lay_out(struct axc_parts *parts)
{
    const struct axc_history *history = parts->history;
    size_t room = 0, count = 0;
    for (size_t i = 0; i < history->processes; i++)
        room += history->lanes[i].keys.used + 1;
    parts->shares = axc_alloc((room + 1) * sizeof *parts->shares);
    parts->plans = axc_alloc((room + 1) * sizeof *parts->plans);
    if (parts->shares == NULL || parts->plans == NULL)
        return false;
    for (size_t i = 0; i < history->processes; i++)
        count += share_out(&history->lanes[i], (uint32_t)i, parts->shares + count);
    qsort(parts->shares, count, sizeof *parts->shares, by_key_and_lane);
    for (size_t i = 0; i < count; i++) {
        const struct axc_share *share = &parts->shares[i];
        if (i == 0 || share->key != share[-1].key)
            parts->plans[parts->count++] = (struct axc_plan){.first = i};
        struct axc_plan *plan = &parts->plans[parts->count - 1];
        plan->shares++;
        plan->operations += share->operations;
        plan->numbers += share->numbers;
    }
    return true;
}

bool axc_split(const struct axc_history *history, struct axc_parts *parts)
{
    *parts = (struct axc_parts){.history = history};
    parts->start = axc_alloc((history->model->room(history) + 1) * sizeof *parts->start);
    if (parts->start == NULL || !lay_out(parts))
        return false;
    parts->start_words = history->model->begin(history, parts->start);
    return true;
}

void axc_parts_free(struct axc_parts *parts)
{
    axc_free(parts->shares);
    axc_free(parts->plans);
    axc_free(parts->start);
}

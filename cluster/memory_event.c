/* SPDX-License-Identifier: MIT */
/* memory_event.c: the four steps of the protocol on one event in memory. */
#include "memory.h"

#include <string.h>

enum { FREE, LEASED, SOLD };

static uint32_t slots_for(uint32_t capacity)
{
    uint32_t slots = 2;
    while (slots / 2 < capacity)
        slots *= 2;
    return slots;
}

size_t axi_memory_event_size(uint32_t capacity)
{
    return sizeof(struct axi_memory_event) + capacity * (sizeof(ax_order) + 1u) + slots_for(capacity) * sizeof(uint32_t);
}

void axi_memory_event_init(struct axi_memory_event *event, const struct axi_event_id *id)
{
    memset(event, 0, axi_memory_event_size(id->capacity));
    event->id = *id;
    event->slots = slots_for(id->capacity);
    event->index = (uint32_t *)(event + 1);
    event->order = (ax_order *)(event->index + event->slots);
    event->taken = (unsigned char *)(event->order + id->capacity);
}

/* Where this order is in the index, or the empty slot where it would be. */
static uint32_t *find(struct axi_memory_event *event, const ax_order *order)
{
    uint64_t word[2];
    memcpy(word, order, sizeof word);
    uint64_t at = (word[0] ^ word[1]) * 0x9e3779b97f4a7c15u >> 20;
    for (;; at++) {
        uint32_t *slot = &event->index[at & (event->slots - 1)];
        if (*slot == 0 || memcmp(&event->order[*slot - 1], order, sizeof *order) == 0)
            return slot;
    }
}

static uint32_t ticket_of(struct axi_memory_event *event, const ax_order *order)
{
    return *find(event, order) - 1; /* an empty slot: AXI_NO_TICKET */
}

static struct axi_memory_lease *find_lease(struct axi_memory_event *event, const struct axi_nonce *nonce)
{
    for (int i = 0; i < AXI_MEMORY_LEASES; i++)
        if (event->lease[i].open && memcmp(&event->lease[i].nonce, nonce, sizeof *nonce) == 0)
            return &event->lease[i];
    return NULL;
}

static void remove_lease(struct axi_memory_event *event, struct axi_memory_lease *lease)
{
    memset(event->taken + lease->block.done, FREE, lease->block.hi - lease->block.done);
    memset(lease, 0, sizeof *lease);
}

static void reap_expired(struct axi_memory_event *event, uint64_t now_ms)
{
    for (int i = 0; i < AXI_MEMORY_LEASES; i++)
        if (event->lease[i].open && event->lease[i].expires_ms <= now_ms)
            remove_lease(event, &event->lease[i]);
}

ax_status axi_memory_lease(struct axi_memory_event *event, const struct axi_nonce *nonce, uint32_t want,
                           uint64_t now_ms, struct axi_block *block)
{
    struct axi_memory_lease *lease = find_lease(event, nonce);
    if (lease != NULL) {
        *block = lease->block;
        return AX_OK;
    }
    reap_expired(event, now_ms);
    bool leased = false;
    for (int i = 0; i < AXI_MEMORY_LEASES; i++) {
        if (event->lease[i].open)
            leased = true;
        else
            lease = &event->lease[i];
    }
    const unsigned char *first = memchr(event->taken, FREE, event->id.capacity);
    if (first == NULL)
        return leased ? AX_EAGAIN : AX_ESOLDOUT;
    if (lease == NULL)
        return AX_ENOMEM;
    uint32_t lo = (uint32_t)(first - event->taken), hi = lo;
    while (hi < event->id.capacity && event->taken[hi] == FREE)
        hi++;
    uint32_t most = (hi - lo + 3) / 4; /* near the end nobody sits on all the rest */
    hi = lo + (want < most ? want : most);
    memset(event->taken + lo, LEASED, hi - lo);
    *lease = (struct axi_memory_lease){ *nonce, { lo, hi, lo }, now_ms + event->id.lease_ms, true };
    *block = lease->block;
    return AX_OK;
}

static void sell(struct axi_memory_event *event, uint32_t ticket, const ax_order *order)
{
    uint32_t *slot = find(event, order);
    if (*slot != 0) {
        event->taken[ticket] = FREE;
        return;
    }
    event->taken[ticket] = SOLD;
    event->order[ticket] = *order;
    *slot = ticket + 1;
    event->sold++;
}

ax_status axi_memory_commit(struct axi_memory_event *event, const struct axi_nonce *nonce, const struct axi_commit *commit,
                            uint64_t now_ms, uint32_t *numbers)
{
    struct axi_memory_lease *lease = find_lease(event, nonce);
    uint32_t count = commit->upto - commit->from;
    if (lease == NULL || lease->block.lo != commit->lo || commit->upto > lease->block.hi) {
        for (uint32_t i = 0; i < count; i++)
            numbers[i] = ticket_of(event, &commit->orders[i]);
        return AX_EBUSY;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (commit->from + i >= lease->block.done)
            sell(event, commit->from + i, &commit->orders[i]);
        numbers[i] = ticket_of(event, &commit->orders[i]);
    }
    if (commit->upto > lease->block.done)
        lease->block.done = commit->upto;
    lease->expires_ms = now_ms + event->id.lease_ms;
    if (lease->block.done == lease->block.hi)
        remove_lease(event, lease);
    return AX_OK;
}

void axi_memory_reap(struct axi_memory_event *event, uint64_t now_ms, ax_event_figures *figures)
{
    reap_expired(event, now_ms);
    uint32_t count[3] = { 0, 0, 0 };
    for (uint32_t i = 0; i < event->id.capacity; i++)
        count[event->taken[i]]++;
    *figures = (ax_event_figures){ event->id.capacity, count[SOLD], count[FREE], count[LEASED] };
}

void axi_memory_release(struct axi_memory_event *event, const struct axi_nonce *nonce)
{
    struct axi_memory_lease *lease = find_lease(event, nonce);
    if (lease != NULL)
        remove_lease(event, lease);
}

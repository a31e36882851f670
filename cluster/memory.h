/* SPDX-License-Identifier: MIT */
/**
 * memory.h: an event as the in-memory engine keeps it, in one flat piece, so that the exhaustive exploration can
 * copy it, compare it and put it back. It does what functions.lua does.
 */
#ifndef AXI_MEMORY_H
#define AXI_MEMORY_H

#include "engine.h"

#ifndef AXI_MEMORY_LEASES
#define AXI_MEMORY_LEASES 256 /* open at once; the exploration has fewer */
#endif

struct axi_memory_lease {
    struct axi_nonce nonce;
    struct axi_block block;
    uint64_t expires_ms;
    bool open;
};

struct axi_memory_event {
    struct axi_event_id id;
    struct axi_memory_event *next; /* of the cluster's */
    uint32_t slots;                /* of the index: a power of two, at least twice the capacity */
    uint32_t sold;
    struct axi_memory_lease lease[AXI_MEMORY_LEASES];
    /* behind it: */
    ax_order *order;  /* of each ticket, when it is sold */
    uint32_t *index;  /* open addressing by order: ticket + 1 */
    unsigned char *taken; /* each ticket: 0 free, 1 leased, 2 sold */
};

size_t axi_memory_event_size(uint32_t capacity);
void axi_memory_event_init(struct axi_memory_event *event, const struct axi_event_id *id);

/* The four steps, at this time. Not thread-safe: the engine has a mutex around them. */
ax_status axi_memory_lease(struct axi_memory_event *event, const struct axi_nonce *nonce, uint32_t want,
                           uint64_t now_ms, struct axi_block *block);
ax_status axi_memory_commit(struct axi_memory_event *event, const struct axi_nonce *nonce, const struct axi_commit *commit,
                            uint64_t now_ms, uint32_t *numbers);
void axi_memory_reap(struct axi_memory_event *event, uint64_t now_ms, ax_event_figures *figures);
void axi_memory_release(struct axi_memory_event *event, const struct axi_nonce *nonce);

#endif

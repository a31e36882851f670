/* SPDX-License-Identifier: MIT */
/**
 * holder.h: the client's half of the protocol, without threads, clocks or sockets, so that it can be explored
 * exhaustively (tests/cluster/explore.c). One holder has at most one lease and sells from it, in order.
 *
 *     no lease --lease: AX_OK--> leased --commit: AX_OK--> leased, or at its end: no lease
 *        |                         |  ^
 *        |        AX_EBUSY: fenced |  +-- commit: AX_ETIMEDOUT, unknown: the same commit again
 *        |        -> no lease    <-+
 *        +--lease: AX_ESOLDOUT or AX_EAGAIN--> looking: which of the orders have a ticket already?
 *
 * Why to look: an order may have been sold here or elsewhere with the answer lost, and its lease gone since.
 */
#ifndef AXI_HOLDER_H
#define AXI_HOLDER_H

#include "engine.h"

struct axi_holder {
    struct axi_nonce nonce;
    bool asked;  /* the nonce was used in a request for a lease */
    bool leased; /* block is ours, as far as we know */
    ax_status none; /* looking: why there was no lease; else AX_OK */
    struct axi_block block;
    uint32_t pending; /* so many orders were sent with a commit that was not answered: frozen until it is */
};

/*
 * Takes one step for the first of `count` orders (at least 1): one call of the engine. Before the next step
 * the first holder->pending of them must be the same ones, in order; more may be added behind.
 * *told orders leave the front: numbers[i] is the ticket of order i, or AXI_NO_TICKET and the status returned
 * (AX_ESOLDOUT, AX_EAGAIN) says why. Without any: AX_OK means step again, AX_ETIMEDOUT step again (the server
 * may be away), anything else is an error of the server's for all who wait.
 */
ax_status axi_holder_step(struct axi_holder *holder, struct axi_engine *engine, const struct axi_event_id *event,
                          uint32_t block, const ax_order *orders, uint32_t count, uint32_t *numbers, uint32_t *told);

/* Gives the lease back, if there is one; one call of the engine. With a commit unanswered the orders' fate is open. */
ax_status axi_holder_release(struct axi_holder *holder, struct axi_engine *engine, const struct axi_event_id *event);

#endif

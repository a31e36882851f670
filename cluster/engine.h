/* SPDX-License-Identifier: MIT */
/**
 * engine.h: what the source of truth can do, each in one atomic step. Two engines have it: Redis (redis.c)
 * and this process's memory (memory.c, which the exhaustive exploration runs, too).
 *
 * An engine is used by one thread at a time. A call that returns AX_ETIMEDOUT was carried out, or was not, or
 * will be at some later time: it may be repeated as it was, as often as one likes. Other failures (AX_ENOMEM,
 * AX_EPERM, AX_ECORRUPT, AX_EINVAL) changed nothing.
 */
#ifndef AXI_ENGINE_H
#define AXI_ENGINE_H

#include <atomicx/cluster.h>

#include <stdbool.h>
#include <stddef.h>

/* The name of a lease: random, so that no two holders ever have the same, whatever the store forgets. */
struct axi_nonce {
    unsigned char bits[16];
};

/* An event, as every call states it. */
struct axi_event_id {
    char name[AX_CLUSTER_MAX_NAME + 1];
    uint32_t capacity;
    uint32_t lease_ms;
};

/* A leased block: tickets lo to hi-1, of which lo to done-1 are sold. */
struct axi_block {
    uint32_t lo, hi, done;
};

#define AXI_NO_TICKET UINT32_MAX

/* "Tickets lo to upto-1 are sold; `orders` has the buyers of from to upto-1." */
struct axi_commit {
    uint32_t lo, from, upto;
    const ax_order *orders;
};

struct axi_engine {
    const struct axi_engine_functions *functions;
};

struct axi_engine_functions {
    /* Leases at most `want` tickets under this nonce; asked again, gives the same block. AX_ESOLDOUT: all are
     * sold. AX_EAGAIN: all that are not are leased. */
    ax_status (*lease)(struct axi_engine *engine, const struct axi_event_id *event, const struct axi_nonce *nonce,
                       uint32_t want, struct axi_block *block);
    /* numbers[i] is the ticket of order i afterwards: from + i, or the one it had. AX_EBUSY: there is no such lease
     * (it was reaped, released, or sold to its end), and nothing was changed; numbers[i] is the ticket that
     * order i has, or AXI_NO_TICKET. */
    ax_status (*commit)(struct axi_engine *engine, const struct axi_event_id *event, const struct axi_nonce *nonce,
                        const struct axi_commit *commit, uint32_t *numbers);
    /* Takes what expired leases have not sold, and counts. */
    ax_status (*reap)(struct axi_engine *engine, const struct axi_event_id *event, ax_event_figures *figures);
    /* Gives the unsold rest of a lease back; of one that is gone: nothing. */
    ax_status (*release)(struct axi_engine *engine, const struct axi_event_id *event, const struct axi_nonce *nonce);
    /* The total published under this nonce becomes at least `total`; *sum is that of all. Below 2^53. */
    ax_status (*publish)(struct axi_engine *engine, const char *counter, const struct axi_nonce *nonce, int64_t total,
                         int64_t *sum);
    /* At most `want` units of the current window, which lasts *left_ms still. */
    ax_status (*quota)(struct axi_engine *engine, const char *quota, uint32_t limit, uint32_t window_ms, uint32_t want,
                       uint32_t *granted, uint32_t *left_ms);
    void (*close)(struct axi_engine *engine);
};

/* How to get engines; the public handle. */
struct ax_cluster {
    ax_status (*connect)(ax_cluster *cluster, struct axi_engine **engine);
    void (*close)(ax_cluster *cluster);
};

/* 128 bits from the kernel. */
ax_status axi_random_bits(void *bits, size_t size);

/* Whether a name may be used in keys. */
bool axi_name_is_fine(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * redis_link.h: one connection, and what to do when it is the wrong one, breaks, or the server isn't ready.
 */
#ifndef AXI_REDIS_LINK_H
#define AXI_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "engine.h"

enum { AXI_HOST = 256 };

struct axi_address {
    char host[AXI_HOST];
    int port;
};

/* What the caller said; shared by all links of a cluster. */
struct axi_redis_setup {
    struct axi_address *servers;
    size_t count;
    char *password;
    uint32_t replicas;
    uint32_t answer_ms;
};

struct axi_link {
    const struct axi_redis_setup *setup;
    redisContext *context;     /* NULL: not connected */
    struct axi_address target; /* where it is, or is to be, connected */
    size_t next;               /* the server to try after this one */
};

void axi_link_init(struct axi_link *link, const struct axi_redis_setup *setup);
void axi_link_fini(struct axi_link *link);

/*
 * Sends one command and gives its reply (not an error; the caller frees it). With `durable`, only after as many
 * replicas as the setup says have it. AX_ETIMEDOUT: carried out or not. Blocks for a few times answer_ms at most.
 */
ax_status axi_link_call(struct axi_link *link, bool durable, int argc, const char **argv, const size_t *lengths,
                        redisReply **reply);

/* The text of functions.lua; made by the build. */
extern const char axi_redis_functions[];
extern const size_t axi_redis_functions_size;

#endif

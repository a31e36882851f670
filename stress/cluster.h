/* SPDX-License-Identifier: MIT */
/* What the cluster's stress program and its sellers share: the sellers are processes of their own. */
#ifndef STRESS_CLUSTER_H
#define STRESS_CLUSTER_H

#include <atomicx/cluster.h>

enum { CLUSTER_LEASE_MS = 200, CLUSTER_PATIENCE_MS = 60000 };

/* A request to a seller process, and its answer: one line of the buyers' log. */
struct cluster_request {
    uint64_t purchase;
    ax_order order;
};
struct cluster_answer {
    uint64_t purchase;
    int64_t ticket; /* CLUSTER_NONE: everything is sold */
};
#define CLUSTER_NONE INT64_MIN

/* How a seller process sells. `sell` gives a ticket or CLUSTER_NONE; it may be called by many threads. */
struct cluster_kind {
    const char *name;
    void (*open)(const char *servers, uint32_t capacity, uint32_t replicas);
    int64_t (*sell)(const ax_order *order);
};
extern const struct cluster_kind cluster_ours, cluster_ack_first, cluster_no_fence, cluster_wait_none, cluster_wait_anew;

/* The seller process: requests on stdin, answers on stdout, until stdin ends. */
int cluster_seller(const struct cluster_kind *kind, const char *servers, uint32_t capacity, uint32_t threads, uint32_t replicas);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * cluster.h: tickets, counters and quotas shared by the processes of several machines, over Redis.
 *
 *     ax_cluster *cluster;
 *     ax_event *event;
 *     ax_cluster_open_redis(&(ax_redis_options){ .servers = "10.0.0.1:6379" }, &cluster);
 *     ax_event_open(cluster, "gig", 50000, NULL, &event);
 *     ax_order order;                                          one for each purchase, kept with it
 *     ax_order_make(&order);
 *     if (ax_event_sell(event, &order, 2000, &seat) == AX_OK)  seat is this order's alone, everywhere
 *         ...
 *
 * Invariant: a ticket has at most one order and an order at most one ticket, for ever; AX_OK is said only
 * after the server has the pair (and its replicas, as many as `replicas` says). So a sale whose outcome is
 * unknown (AX_ETIMEDOUT, a crash) is settled by selling to the same order again, from any process: it gets
 * the ticket it has, or one now.
 *
 * How: the process leases a block of tickets; one thread of ours (the flusher) sells from it to all orders
 * that wait, in batches, by committing "everything below k is sold, and to these orders". Repeating that
 * changes nothing. A holder that dies loses its lease after `lease_ms`, when anybody may take the rest; a
 * commit to a lease that was taken is refused by the server, and the orders are sold from another one.
 * No clock matters to that: an early expiry costs a round trip, a late one delays unsold tickets.
 * docs/cluster.md has the protocol, why it is safe, and what Redis itself does not promise.
 *
 * | operation              | blocks                  | progress, if the server answers | allocates |
 * |------------------------|-------------------------|---------------------------------|-----------|
 * | event_sell, await      | until sold, or timeout  | starvation-free (in order)      | never     |
 * | event_order            | for a mutex             | all but the holder may wait     | never     |
 * | event_audit            | a round trip            | one call at a time              | once      |
 * | event_close            | as its timeout says     |                                 | never     |
 * | cluster_counter_add    | never                   | wait-free, as ax_adder_add      | as that   |
 * | cluster_counter_publish| a round trip            | one call at a time              | never     |
 * | quota_take             | a round trip when its lease is used up, else never | lock-free | never   |
 * | open, close            | for a thread, a server  |                                 | yes       |
 *
 * All calls on one object may overlap, except its close, which comes after all others. The mutexes are held
 * for a few instructions, but by audit, publish and refilling takes for a round trip.
 * Signals: no call is async-signal-safe. SIGPIPE never reaches the caller. Fork: in a child, calls on the
 * parent's objects are AX_EPERM and change nothing (close frees nothing); open new ones there. kill -9 of
 * a process, at any instruction, delays unsold tickets by lease_ms and loses nothing else.
 *
 * Errors, everywhere: AX_EINVAL an argument, AX_ENOMEM here or in the server, AX_EPERM as above or refused by
 * the server (password), AX_ETIMEDOUT no server answered in time, AX_ECORRUPT the server holds something else
 * under our keys or answers what we don't know. Outputs are untouched on failure.
 *
 * Link with libatomicx-cluster (which needs libhiredis) and libatomicx.
 */
#ifndef ATOMICX_CLUSTER_H
#define ATOMICX_CLUSTER_H

#include <stdint.h>

#include <atomicx/adder.h>
#include <atomicx/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_CLUSTER_MAX_NAME 64              /**< bytes in the name of an event, counter or quota */
#define AX_EVENT_MAX_CAPACITY 2147483647u   /**< tickets of an event: 2^31 - 1, as in tickets.h */
#define AX_COUNTER_MAX 9007199254740991     /**< a cluster counter's largest sum: 2^53 - 1 */

/* ---- where the truth is ---- */

typedef struct ax_cluster ax_cluster; /**< opaque */

/** Zero in a field means its default. The strings are copied. */
typedef struct ax_redis_options {
    const char *servers;  /**< "host:port", several separated by commas: asked in turn until one answers */
    const char *password; /**< NULL: none */
    uint32_t replicas;    /**< so many replicas must have a sale before it is one. All there are, or failover can undo sales. */
    uint32_t answer_ms;   /**< a connection that doesn't answer for so long is given up for a new one; 1000 */
} ax_redis_options;

/**
 * Redis 7 or later, alone, with replicas, or as a Redis Cluster (MOVED and ASK are followed). Connects to
 * nothing yet: a server that is not there shows in the calls that need it. Each event, counter and quota has
 * connections of its own. The server functions are loaded when the first call finds them missing.
 */
ax_status ax_cluster_open_redis(const ax_redis_options *options, ax_cluster **cluster);

/** In this process's memory: for tests of what is built on this header. Its time is the monotonic clock's. */
ax_status ax_cluster_open_memory(ax_cluster **cluster);

/** After everything opened with it was closed. NULL is allowed. */
void ax_cluster_close(ax_cluster *cluster);

/* ---- tickets ---- */

/** Who buys: 128 bits that name one purchase for ever, e.g. a UUID. Never used for another one. */
typedef struct ax_order {
    unsigned char id[16];
} ax_order;

/** A fresh one, from the kernel's random numbers. */
ax_status ax_order_make(ax_order *order);

typedef struct ax_event ax_event; /**< opaque */

/** Zero in a field means its default. */
typedef struct ax_event_options {
    uint32_t block;    /**< most tickets leased at a time; 4096. Near the end the server gives fewer. */
    uint32_t lease_ms; /**< how long a dead process keeps what it had leased; 10,000. At least 50. */
    uint32_t waiting;  /**< most orders that can wait at once; 4096, at most 1,000,000. Some 80 bytes each. */
} ax_event_options;

/**
 * The seller of an event of `capacity` tickets, numbered from 0. The first process makes the event, and all
 * must say the same capacity, or their sales are AX_EINVAL. Names are 1 to AX_CLUSTER_MAX_NAME printable
 * characters other than space and braces. Starts a thread.
 */
ax_status ax_event_open(ax_cluster *cluster, const char *name, uint32_t capacity, const ax_event_options *options,
                        ax_event **event);

/**
 * Sells a ticket to this order, or finds the one that it has. AX_ESOLDOUT: every ticket is sold, this order
 * has none, and that stays so. AX_EAGAIN: all that is unsold is leased by others for now, or too many orders
 * wait here. AX_ECANCELED: closed before it was sold. AX_ETIMEDOUT: not known in time; the order may get
 * a ticket still, and selling to it again tells.
 */
ax_status ax_event_sell(ax_event *event, const ax_order *order, uint32_t timeout_ms, uint32_t *number);

/**
 * The two halves of ax_event_sell, so that one thread can have many orders under way: each ax_event_order that
 * returned AX_OK is followed by exactly one ax_event_await, by any thread, which ends the sale also when it
 * fails.
 */
typedef struct ax_sale ax_sale; /**< opaque, the event's */
ax_status ax_event_order(ax_event *event, const ax_order *order, ax_sale **sale);
ax_status ax_event_await(ax_event *event, ax_sale *sale, uint32_t timeout_ms, uint32_t *number);

/** One moment's figures: sold + free + leased = capacity. */
typedef struct ax_event_figures {
    uint32_t capacity;
    uint32_t sold;   /**< tickets that have an order */
    uint32_t free;   /**< to be leased by anybody */
    uint32_t leased; /**< unsold, in the hands of some process */
} ax_event_figures;

/** Counts the event on the server, after returning the rests of expired leases to free. */
ax_status ax_event_audit(ax_event *event, ax_event_figures *figures);

/**
 * Sells to the orders that wait, for at most timeout_ms, ends the rest with AX_ECANCELED (AX_ETIMEDOUT for
 * those whose commit was not answered), gives the unsold tickets back and frees the event. A server that is
 * not there delays it by one answer_ms more. Each sale must have been awaited, or be awaited by another
 * thread now.
 */
void ax_event_close(ax_event *event, uint32_t timeout_ms);

/* ---- counters ---- */

typedef struct ax_cluster_counter ax_cluster_counter; /**< opaque */

/**
 * A sum over all processes. Each publishes its own cumulative total under a name of its own, and the server
 * keeps the larger of old and new: publishing twice, late or again counts once.
 */
ax_status ax_cluster_counter_open(ax_cluster *cluster, const char *name, ax_cluster_counter **counter);

/** Where this process adds, with ax_adder_add and numbers that are not negative. Never drained. */
ax_adder *ax_cluster_counter_adder(ax_cluster_counter *counter);

/**
 * Publishes what was added here, and gives the sum of what all processes have published. AX_ERANGE beyond
 * AX_COUNTER_MAX. What was not published is lost with the process, and nothing else ever is.
 */
ax_status ax_cluster_counter_publish(ax_cluster_counter *counter, int64_t *sum);

/** Publishes nothing more. NULL is allowed. */
void ax_cluster_counter_close(ax_cluster_counter *counter);

/* ---- quotas ---- */

typedef struct ax_quota ax_quota; /**< opaque */

/**
 * At most `limit` units (1 to 2^31-1) in each window of `window_ms` (10 to 2^31-1) over all processes, by the
 * server's clock. A process leases up to `block` units (1 to 65535) of the current window at a time and takes
 * from them alone; what it doesn't use is lost with the window.
 */
ax_status ax_quota_open(ax_cluster *cluster, const char *name, uint32_t limit, uint32_t window_ms, uint32_t block,
                        ax_quota **quota);

/**
 * Takes one unit. AX_EAGAIN: none is left in this window (*wait_ms, unless NULL, says how long it lasts still,
 * and the server is not asked again before). The server never grants more than the limit; a process that
 * is stopped between taking and acting acts late.
 */
ax_status ax_quota_take(ax_quota *quota, uint32_t *wait_ms);

/** NULL is allowed. */
void ax_quota_close(ax_quota *quota);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
#include <atomicx/counter.h>
#include <atomicx/lock.h>

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "server.h"

/* A connection's socket is open for as long as it is in the list. */
struct connections {
    ax_mutex lock;
    pthread_cond_t closed;
    struct connection *first AX_MEMBER_GUARDED_BY(lock);
    size_t count AX_MEMBER_GUARDED_BY(lock);
    size_t expected AX_MEMBER_GUARDED_BY(lock);
    bool read_no_more AX_MEMBER_GUARDED_BY(lock);
    size_t most;
};

struct connection {
    struct connection *next, **link; /* under the list's lock */
    int fd;
    bool expected, read_no_more; /* under the list's lock */
    ax_counter client_since_ns; /* INT64_MAX: it is our turn */
};

struct connections *connections_create(const struct options *options)
{
    pthread_condattr_t monotonic;
    struct connections *connections = calloc(1, sizeof *connections);
    if (!connections)
        return NULL;
    (void)ax_mutex_init(&connections->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&connections->closed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    connections->most = (size_t)options->max_connections;
    return connections;
}

void connections_destroy(struct connections *connections)
{
    if (!connections)
        return;
    pthread_cond_destroy(&connections->closed);
    (void)ax_mutex_fini(&connections->lock);
    free(connections);
}

size_t connections_len(struct connections *connections)
{
    size_t count = 0;
    AX_WITH_LOCK(&connections->lock)
        count = connections->count;
    return count;
}

bool connections_full(struct connections *connections)
{
    return connections_len(connections) >= connections->most;
}

static void link_first(struct connections *connections, struct connection *connection) AX_REQUIRES(connections->lock)
{
    connection->next = connections->first;
    connection->link = &connections->first;
    if (connection->next)
        connection->next->link = &connection->next;
    connections->first = connection;
    connections->count++;
}

/* The expected connection of this socket, or NULL. */
static struct connection *adopt(struct connections *connections, int fd) AX_REQUIRES(connections->lock)
{
    struct connection *connection = connections->expected > 0 ? connections->first : NULL;
    while (connection && !(connection->expected && connection->fd == fd))
        connection = connection->next;
    if (connection) {
        connection->expected = false;
        connections->expected--;
    }
    return connection;
}

static void read_no_more(struct connection *connection)
{
    connection->read_no_more = true;
    shutdown(connection->fd, SHUT_RD);
}

static struct connection *add(struct connections *connections, int fd, bool expected)
{
    struct connection *connection = NULL, *fresh = calloc(1, sizeof *fresh);
    if (fresh) {
        fresh->fd = fd;
        fresh->expected = expected;
        ax_counter_init(&fresh->client_since_ns, now_ns());
    }
    AX_WITH_LOCK(&connections->lock) {
        connection = expected ? NULL : adopt(connections, fd);
        if (!connection && fresh) {
            connection = fresh;
            fresh = NULL;
            link_first(connections, connection);
            connections->expected += expected ? 1 : 0;
            if (connections->read_no_more)
                read_no_more(connection);
        }
    }
    free(fresh);
    return connection;
}

struct connection *connections_open(struct connections *connections, int fd)
{
    return add(connections, fd, false);
}

struct connection *connections_expect(struct connections *connections, int fd)
{
    return add(connections, fd, true);
}

void connections_close(struct connections *connections, struct connection *connection)
{
    AX_WITH_LOCK(&connections->lock) {
        *connection->link = connection->next;
        if (connection->next)
            connection->next->link = connection->link;
        connections->count--;
        connections->expected -= connection->expected ? 1 : 0;
    }
    free(connection);
    pthread_cond_broadcast(&connections->closed);
}

void connection_awaits_client(struct connection *connection, int64_t since_ns)
{
    ax_counter_exchange(&connection->client_since_ns, since_ns);
}

bool connection_awaits_us(struct connections *connections, struct connection *connection)
{
    bool may = false;
    AX_WITH_LOCK(&connections->lock) {
        may = !connection->read_no_more;
        if (may)
            ax_counter_exchange(&connection->client_since_ns, INT64_MAX);
    }
    return may;
}

/* Shutting down, unlike closing, leaves the descriptor to the thread that serves it, which then finds it ended. */
size_t connections_cut(struct connections *connections, int64_t before_ns)
{
    size_t cut = 0;
    AX_WITH_LOCK(&connections->lock)
        for (struct connection *connection = connections->first; connection; connection = connection->next)
            if (before_ns == INT64_MAX || ax_counter_read(&connection->client_since_ns) < before_ns) {
                shutdown(connection->fd, SHUT_RDWR);
                cut++;
            }
    return cut;
}

void connections_read_no_more(struct connections *connections)
{
    AX_WITH_LOCK(&connections->lock) {
        connections->read_no_more = true;
        for (struct connection *connection = connections->first; connection; connection = connection->next)
            if (ax_counter_read(&connection->client_since_ns) != INT64_MAX)
                read_no_more(connection);
    }
}

bool connections_gone(struct connections *connections, int64_t until_ns)
{
    const struct timespec until = { until_ns / 1000000000, until_ns % 1000000000 };
    bool gone = false;
    AX_WITH_LOCK(&connections->lock) {
        ax_status status = AX_OK;
        while (connections->count > 0 && status != AX_ETIMEDOUT)
            status = ax_mutex_wait(&connections->lock, &connections->closed, &until);
        gone = connections->count == 0;
    }
    return gone;
}

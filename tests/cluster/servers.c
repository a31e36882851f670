/* SPDX-License-Identifier: MIT */
/*
 * servers.c: servers that fall behind, die, come back, or are not the ones in charge. Nothing waits for a time: a
 * sale that must not succeed is one whose replica is known to be gone, and what must succeed is tried until it does.
 */
#include "clients.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void follow(const struct redis_server *replica, const struct redis_server *master)
{
    freeReplyObject(redis_server_ask(replica, "REPLICAOF 127.0.0.1 %d", master->port));
    wait_until(replica, "INFO replication", "master_link_status:up");
}

static void a_failover_forgets_no_sale_that_was_told(void)
{
    struct redis_server master, replica;
    char servers[80];
    CHECK_FATAL(redis_server_start(&master, "no", false) && redis_server_start(&replica, "no", false));
    follow(&replica, &master);
    snprintf(servers, sizeof servers, "127.0.0.1:%d,127.0.0.1:%d", master.port, replica.port);
    ax_cluster *cluster = open_cluster(servers, 1);
    ax_event *event = open_event(cluster, "event", 100);
    ax_order told[5], untold;
    uint32_t number[5], number_of_untold = 0;
    for (int i = 0; i < 5; i++) {
        CHECK_FATAL(ax_order_make(&told[i]) == AX_OK);
        number[i] = settle(event, &told[i]);
    }
    /* The replica goes its own way: from here on the master has none, and can sell to nobody. */
    freeReplyObject(redis_server_ask(&replica, "REPLICAOF NO ONE"));
    CHECK_FATAL(ax_order_make(&untold) == AX_OK);
    wait_until(&master, "INFO replication", "connected_slaves:0");
    CHECK_EQ(ax_event_sell(event, &untold, 700, &number_of_untold), AX_ETIMEDOUT);
    /* The master dies, comes back as a replica of the other, and what was unknown is settled there. */
    redis_server_kill(&master);
    CHECK_FATAL(redis_server_restart(&master));
    follow(&master, &replica);
    number_of_untold = settle(event, &untold);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(settle(event, &told[i]), number[i]);
        CHECK(number[i] != number_of_untold);
    }
    ax_event_figures figures;
    ax_status status;
    while ((status = ax_event_audit(event, &figures)) == AX_ETIMEDOUT)
        ; /* asks the servers in turn */
    CHECK_EQ(status, AX_OK);
    CHECK_EQ(figures.sold, 6);
    ax_event_close(event, 1000);
    ax_cluster_close(cluster);
    redis_server_stop(&replica);
    redis_server_stop(&master);
}

static void a_server_that_is_killed_has_kept_its_sales(void)
{
    struct redis_server server;
    char servers[40];
    CHECK_FATAL(redis_server_start(&server, "always", false));
    snprintf(servers, sizeof servers, "127.0.0.1:%d", server.port);
    ax_cluster *cluster = open_cluster(servers, 0);
    ax_event *event = open_event(cluster, "event", 100);
    ax_order first, second;
    CHECK_FATAL(ax_order_make(&first) == AX_OK && ax_order_make(&second) == AX_OK);
    uint32_t number = settle(event, &first), other = 0;
    redis_server_kill(&server);
    CHECK_EQ(ax_event_sell(event, &second, 50, &other), AX_ETIMEDOUT);
    CHECK_FATAL(redis_server_restart(&server));
    other = settle(event, &second);
    CHECK(number != other);
    CHECK_EQ(settle(event, &first), number);
    redis_server_stop(&server);
    CHECK_EQ(ax_event_sell(event, &second, 50, &other), AX_ETIMEDOUT);
    ax_event_close(event, 0); /* the server is gone for good, and this ends all the same */
    ax_cluster_close(cluster);
}

static atomic_bool from_there;
static atomic_int met_themselves;

/* What hiredis calls as connect(2): it then comes from the port it goes to, as the kernel may choose. */
int connect_from_there(int fd, const struct sockaddr *address, socklen_t length) __asm__("connect");
int connect_from_there(int fd, const struct sockaddr *address, socklen_t length)
{
    if (atomic_load(&from_there) && bind(fd, address, length) == 0)
        atomic_fetch_add(&met_themselves, 1);
    return (int)syscall(SYS_connect, fd, address, length);
}

/* A sale at a port that was free just now; whether a connection came from where it went to. Where none did nothing is said:
 * there was no time for one, or another process has the port by now. */
static bool sold_to_itself(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    char servers[40];
    ax_order order;
    uint32_t number;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    close(fd);
    snprintf(servers, sizeof servers, "127.0.0.1:%d", ntohs(address.sin_port));
    ax_cluster *cluster = open_cluster(servers, 0);
    ax_event *event = open_event(cluster, "event", 100);
    CHECK_FATAL(ax_order_make(&order) == AX_OK);
    ax_status status = ax_event_sell(event, &order, 50, &number);
    bool met = atomic_load(&met_themselves) != 0;
    if (met)
        CHECK_EQ(status, AX_ETIMEDOUT);
    ax_event_close(event, 0);
    ax_cluster_close(cluster);
    return met;
}

static void a_connection_to_itself_is_no_server(void)
{
    atomic_store(&from_there, true);
    while (!sold_to_itself())
        continue;
    atomic_store(&from_there, false);
}

static void what_is_not_ours_is_refused(void)
{
    struct redis_server server;
    char servers[40];
    ax_order order;
    uint32_t number;
    CHECK_FATAL(redis_server_start(&server, "no", false) && ax_order_make(&order) == AX_OK);
    snprintf(servers, sizeof servers, "127.0.0.1:%d", server.port);
    freeReplyObject(redis_server_ask(&server, "SET ax:{event}:leases 5"));
    ax_cluster *cluster = open_cluster(servers, 0);
    ax_event *event = open_event(cluster, "event", 100);
    CHECK_EQ(ax_event_sell(event, &order, 60000, &number), AX_ECORRUPT);
    ax_event_close(event, 1000);
    freeReplyObject(redis_server_ask(&server, "CONFIG SET requirepass secret"));
    event = open_event(cluster, "event", 100);
    CHECK_EQ(ax_event_sell(event, &order, 60000, &number), AX_EPERM);
    ax_event_close(event, 1000);
    ax_cluster_close(cluster);
    static const char *const bad[] = { "", "host", "host:", ":5", "host:0", "host:65536", "host:5x" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(ax_cluster_open_redis(&(ax_redis_options){ .servers = bad[i] }, &cluster), AX_EINVAL);
    redis_server_stop(&server);
}

static void a_folder_is_gone_with_the_process_that_started_its_server(void)
{
    struct redis_server server;
    int ends[2];
    CHECK_FATAL(pipe(ends) == 0);
    pid_t starter = fork();
    CHECK_FATAL(starter >= 0);
    if (starter == 0) {
        if (redis_server_start(&server, "no", false) && write(ends[1], &server, sizeof server) == (ssize_t)sizeof server)
            pause();
        _exit(1);
    }
    close(ends[1]);
    CHECK_FATAL(read(ends[0], &server, sizeof server) == (ssize_t)sizeof server);
    close(ends[0]);
    CHECK(access(server.folder, F_OK) == 0);
    kill(starter, SIGKILL);
    waitpid(starter, NULL, 0);
    while (access(server.folder, F_OK) == 0)
        redis_server_nap(1);
}

int main(void)
{
    RUN(a_failover_forgets_no_sale_that_was_told);
    RUN(a_server_that_is_killed_has_kept_its_sales);
    RUN(a_connection_to_itself_is_no_server);
    RUN(what_is_not_ours_is_refused);
    RUN(a_folder_is_gone_with_the_process_that_started_its_server);
    return check_summary();
}

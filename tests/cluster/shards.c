/* SPDX-License-Identifier: MIT */
/*
 * shards.c: a Redis Cluster of three masters, each with a replica: events live on different masters, move from one to
 * another while they are sold, and outlive the death of theirs.
 */
#include "clients.h"

enum { MASTERS = 3, NODES = 2 * MASTERS, SLOTS = 16384, CAPACITY = 100 };

static struct redis_server node[NODES]; /* masters first; node i + MASTERS is the replica of node i */
static char id[NODES][48], addresses[NODES * 24];

static void start_nodes(void)
{
    size_t length = 0;
    for (int i = 0; i < NODES; i++) {
        CHECK_FATAL(redis_server_start(&node[i], "no", true));
        redisReply *reply = redis_server_ask(&node[i], "CLUSTER MYID");
        CHECK_FATAL(reply != NULL && reply->type == REDIS_REPLY_STRING);
        snprintf(id[i], sizeof id[i], "%s", reply->str);
        freeReplyObject(reply);
        length += (size_t)snprintf(addresses + length, sizeof addresses - length, "%s127.0.0.1:%d", i == 0 ? "" : ",", node[i].port);
        if (i < MASTERS)
            freeReplyObject(redis_server_ask(&node[i], "CLUSTER ADDSLOTSRANGE %d %d", i * SLOTS / MASTERS,
                                             (i + 1) * SLOTS / MASTERS - 1));
        if (i > 0)
            freeReplyObject(redis_server_ask(&node[i], "CLUSTER MEET 127.0.0.1 %d", node[0].port));
    }
    for (int i = 0; i < NODES; i++)
        wait_until(&node[i], "CLUSTER INFO", "cluster_known_nodes:6");
    for (int i = MASTERS; i < NODES; i++) {
        bool accepted = false; /* not before it has heard of the slots and the master */
        while (!accepted) {
            redisReply *reply = redis_server_ask(&node[i], "CLUSTER REPLICATE %s", id[i - MASTERS]);
            accepted = reply != NULL && reply->type == REDIS_REPLY_STATUS;
            freeReplyObject(reply);
        }
        wait_until(&node[i], "INFO replication", "master_link_status:up");
    }
    for (int i = 0; i < NODES; i++)
        wait_until(&node[i], "CLUSTER INFO", "cluster_state:ok");
}

static int slot_of(const char *event)
{
    redisReply *reply = redis_server_ask(&node[0], "CLUSTER KEYSLOT ax:{%s}:total", event);
    CHECK_FATAL(reply != NULL && reply->type == REDIS_REPLY_INTEGER);
    int slot = (int)reply->integer;
    freeReplyObject(reply);
    return slot;
}

/* An event whose keys live on this master. */
static void name_event_on(int master, char *name, size_t size)
{
    for (int i = 0;; i++) {
        snprintf(name, size, "event%d", i);
        int slot = slot_of(name);
        if (slot >= master * SLOTS / MASTERS && slot < (master + 1) * SLOTS / MASTERS)
            return;
    }
}

static void each_event_is_sold_where_it_lives(void)
{
    ax_cluster *cluster = open_cluster(addresses, 1);
    for (int i = 0; i < MASTERS; i++) {
        char name[16], total[48];
        ax_order order;
        name_event_on(i, name, sizeof name);
        snprintf(total, sizeof total, "GET ax:{%s}:total", name);
        ax_event *event = open_event(cluster, name, CAPACITY);
        CHECK_FATAL(ax_order_make(&order) == AX_OK);
        uint32_t number = settle(event, &order);
        CHECK(says(&node[i], total, "100"));
        CHECK_EQ(settle(event, &order), number);
        ax_event_close(event, 1000);
    }
    ax_cluster_close(cluster);
}

static void set_slot(int slot, int at, const char *state, int other)
{
    redisReply *reply = redis_server_ask(&node[at], "CLUSTER SETSLOT %d %s %s", slot, state, id[other]);
    CHECK(reply != NULL && reply->type == REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}

/* Those that are there; the server says NOKEY when none is. */
static void move_keys(const char *event, int from, int to, const char *kinds[], int count)
{
    for (int i = 0; i < count; i++) {
        redisReply *reply = redis_server_ask(&node[from], "MIGRATE 127.0.0.1 %d ax:{%s}:%s 0 60000", node[to].port, event, kinds[i]);
        CHECK(reply != NULL && reply->type == REDIS_REPLY_STATUS);
        freeReplyObject(reply);
    }
}

static void an_event_is_sold_while_it_moves(void)
{
    static const char *kinds[] = { "total", "free", "leases", "expiry", "orders" };
    char name[16];
    ax_order orders[4];
    uint32_t numbers[4], number;
    name_event_on(0, name, sizeof name);
    int slot = slot_of(name);
    ax_cluster *cluster = open_cluster(addresses, 0); /* the replicas are another test's */
    ax_event *event = open_event(cluster, name, CAPACITY);
    for (int i = 0; i < 4; i++)
        CHECK_FATAL(ax_order_make(&orders[i]) == AX_OK);
    numbers[0] = settle(event, &orders[0]);
    set_slot(slot, 1, "IMPORTING", 0);
    set_slot(slot, 0, "MIGRATING", 1);
    numbers[1] = settle(event, &orders[1]); /* all keys are still here */
    CHECK(!says(&node[1], "INFO commandstats", "cmdstat_asking"));
    move_keys(name, 0, 1, kinds, 1);
    CHECK_EQ(ax_event_sell(event, &orders[2], 100, &number), AX_ETIMEDOUT); /* some here, some there: TRYAGAIN */
    move_keys(name, 0, 1, kinds + 1, 4);
    numbers[2] = settle(event, &orders[2]); /* all there, and not announced: ASK */
    CHECK(says(&node[1], "INFO commandstats", "cmdstat_asking"));
    set_slot(slot, 1, "NODE", 1);
    set_slot(slot, 0, "NODE", 1);
    numbers[3] = settle(event, &orders[3]); /* MOVED */
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(settle(event, &orders[i]), numbers[i]);
        for (int j = 0; j < i; j++)
            CHECK(numbers[i] != numbers[j]);
    }
    ax_event_close(event, 1000);
    ax_cluster_close(cluster);
}

static void an_event_outlives_its_master(void)
{
    char name[16];
    ax_order orders[2];
    uint32_t numbers[2];
    ax_event_figures figures;
    ax_status status;
    name_event_on(2, name, sizeof name);
    ax_cluster *cluster = open_cluster(addresses, 1);
    ax_event *event = open_event(cluster, name, CAPACITY);
    CHECK_FATAL(ax_order_make(&orders[0]) == AX_OK && ax_order_make(&orders[1]) == AX_OK);
    numbers[0] = settle(event, &orders[0]);
    redis_server_kill(&node[2]);
    /* As a person would, without waiting for the others to notice: that depends on time, and busy ones look dead. */
    freeReplyObject(redis_server_ask(&node[2 + MASTERS], "CLUSTER FAILOVER TAKEOVER"));
    wait_until(&node[2 + MASTERS], "INFO replication", "role:master");
    CHECK_FATAL(redis_server_restart(&node[2])); /* the new master is to have a replica */
    wait_until(&node[2], "INFO replication", "master_link_status:up");
    numbers[1] = settle(event, &orders[1]);
    CHECK_EQ(settle(event, &orders[0]), numbers[0]);
    CHECK(numbers[0] != numbers[1]);
    while ((status = ax_event_audit(event, &figures)) == AX_ETIMEDOUT)
        ; /* asks the servers in turn */
    CHECK_EQ(status, AX_OK);
    CHECK(figures.sold >= 2 && figures.sold + figures.free + figures.leased == CAPACITY);
    ax_event_close(event, 1000);
    ax_cluster_close(cluster);
}

int main(void)
{
    start_nodes();
    RUN(each_event_is_sold_where_it_lives);
    RUN(an_event_is_sold_while_it_moves);
    RUN(an_event_outlives_its_master);
    for (int i = 0; i < NODES; i++)
        redis_server_stop(&node[i]);
    return check_summary();
}

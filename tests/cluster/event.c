/* SPDX-License-Identifier: MIT */
/*
 * event.c memory|redis [nofork]: what cluster.h promises of events, counters and quotas, over the engine named.
 * Times to wait are a minute: nothing here depends on how fast anything is.
 */
#include <atomicx/cluster.h>

#include <pthread.h>
#include <sys/wait.h>

#include "../check.h"
#include "redis_server.h"

enum { PATIENT = 60000, THREADS = 8, EACH = 250 };

static ax_cluster *cluster;

static ax_order fresh(void)
{
    ax_order order;
    CHECK_FATAL(ax_order_make(&order) == AX_OK);
    return order;
}

static ax_event *open_event(const char *name, uint32_t capacity, const ax_event_options *options)
{
    ax_event *event;
    CHECK_FATAL(ax_event_open(cluster, name, capacity, options, &event) == AX_OK);
    return event;
}

static void figures_are(ax_event *event, uint32_t sold, uint32_t free, uint32_t leased)
{
    ax_event_figures f = { 0, 0, 0, 0 };
    CHECK_EQ(ax_event_audit(event, &f), AX_OK);
    CHECK_EQ(f.sold, sold);
    CHECK_EQ(f.free, free);
    CHECK_EQ(f.leased, leased);
    CHECK_EQ(f.capacity, sold + free + leased);
}

static void an_order_gets_one_ticket_however_often_it_buys(void)
{
    ax_event *event = open_event("one", 10, NULL);
    ax_order order = fresh(), other = fresh();
    uint32_t first = 99, again = 99, second = 99;
    CHECK_EQ(ax_event_sell(event, &order, PATIENT, &first), AX_OK);
    CHECK_EQ(ax_event_sell(event, &order, PATIENT, &again), AX_OK);
    CHECK_EQ(first, again);
    CHECK_EQ(ax_event_sell(event, &other, PATIENT, &second), AX_OK);
    CHECK(first != second && first < 10 && second < 10);
    ax_event_figures f;
    CHECK_EQ(ax_event_audit(event, &f), AX_OK);
    CHECK_EQ(f.sold, 2);
    ax_event_close(event, PATIENT);
    event = open_event("one", 10, NULL); /* another process finds it, too */
    figures_are(event, 2, 8, 0);
    again = 99;
    CHECK_EQ(ax_event_sell(event, &order, PATIENT, &again), AX_OK);
    CHECK_EQ(first, again);
    ax_event_close(event, PATIENT);
}

static void sold_out_is_for_new_orders_only(void)
{
    ax_event *event = open_event("full", 3, &(ax_event_options){ .block = 2 });
    ax_order order[3], late = fresh();
    uint32_t number[3], again, seen = 0;
    for (int i = 0; i < 3; i++) {
        order[i] = fresh();
        CHECK_EQ(ax_event_sell(event, &order[i], PATIENT, &number[i]), AX_OK);
        seen |= 1u << number[i];
    }
    CHECK_EQ(seen, 7);
    again = 99;
    CHECK_EQ(ax_event_sell(event, &late, PATIENT, &again), AX_ESOLDOUT);
    CHECK_EQ(again, 99);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ax_event_sell(event, &order[i], PATIENT, &again), AX_OK);
        CHECK_EQ(again, number[i]);
    }
    figures_are(event, 3, 0, 0);
    ax_event_close(event, PATIENT);
}

static void what_another_leases_is_not_sold_out(void)
{
    const ax_event_options options = { .block = 100, .lease_ms = INT32_MAX };
    ax_event *a = open_event("two", 2, &options), *b = open_event("two", 2, &options);
    ax_order first = fresh(), second = fresh(), third = fresh();
    uint32_t number;
    /* blocks of one ticket: a's is sold to its end, b's too */
    CHECK_EQ(ax_event_sell(a, &first, PATIENT, &number), AX_OK);
    CHECK_EQ(ax_event_sell(b, &second, PATIENT, &number), AX_OK);
    CHECK_EQ(ax_event_sell(a, &third, PATIENT, &number), AX_ESOLDOUT);
    ax_event_close(a, PATIENT);
    ax_event_close(b, PATIENT);
    a = open_event("eight", 8, &options);
    b = open_event("eight", 8, &options);
    CHECK_EQ(ax_event_sell(a, &first, PATIENT, &number), AX_OK); /* has leased two */
    figures_are(b, 1, 6, 1);
    for (int i = 0; i < 6; i++) {
        ax_order more = fresh();
        CHECK_EQ(ax_event_sell(b, &more, PATIENT, &number), AX_OK);
    }
    CHECK_EQ(ax_event_sell(b, &second, PATIENT, &number), AX_EAGAIN);
    ax_event_close(a, PATIENT); /* gives its ticket back */
    CHECK_EQ(ax_event_sell(b, &second, PATIENT, &number), AX_OK);
    figures_are(b, 8, 0, 0);
    ax_event_close(b, PATIENT);
}

static void what_an_idle_process_leased_comes_back(void)
{
    ax_event *a = open_event("idle", 8, &(ax_event_options){ .lease_ms = 50 });
    ax_order order = fresh();
    uint32_t number;
    CHECK_EQ(ax_event_sell(a, &order, PATIENT, &number), AX_OK);
    ax_event_figures f = { 0, 0, 0, 1 };
    while (f.leased != 0)
        CHECK_FATAL(ax_event_audit(a, &f) == AX_OK);
    CHECK_EQ(f.free, 7);
    ax_order next = fresh();
    CHECK_EQ(ax_event_sell(a, &next, PATIENT, &number), AX_OK);
    ax_event_close(a, PATIENT);
}

struct buyer {
    ax_event *event;
    uint32_t number[EACH];
};

static void *buy(void *argument)
{
    struct buyer *self = argument;
    for (int i = 0; i < EACH; i += 5) { /* five under way at a time */
        ax_sale *sale[5];
        for (int j = 0; j < 5; j++) {
            ax_order order = fresh();
            CHECK_FATAL(ax_event_order(self->event, &order, &sale[j]) == AX_OK);
        }
        for (int j = 0; j < 5; j++)
            CHECK_EQ(ax_event_await(self->event, sale[j], PATIENT, &self->number[i + j]), AX_OK);
    }
    return NULL;
}

static void many_threads_of_two_processes_share_no_ticket(void)
{
    static struct buyer buyer[THREADS];
    static unsigned char sold[THREADS * EACH];
    const ax_event_options options = { .block = 64 };
    ax_event *event[2] = { open_event("many", THREADS * EACH + 500, &options),
                           open_event("many", THREADS * EACH + 500, &options) };
    pthread_t thread[THREADS];
    memset(sold, 0, sizeof sold);
    for (int i = 0; i < THREADS; i++) {
        buyer[i].event = event[i % 2];
        CHECK_FATAL(pthread_create(&thread[i], NULL, buy, &buyer[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    int twice = 0;
    static unsigned char seen[THREADS * EACH + 500];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++)
            twice += buyer[i].number[j] >= sizeof seen || seen[buyer[i].number[j]]++ != 0;
    CHECK_EQ(twice, 0);
    ax_event_figures f;
    CHECK_EQ(ax_event_audit(event[0], &f), AX_OK);
    CHECK_EQ(f.sold, THREADS * EACH);
    CHECK_EQ(f.sold + f.free + f.leased, f.capacity);
    ax_event_close(event[0], PATIENT);
    ax_event_close(event[1], PATIENT);
}

static void bounds_are_kept(void)
{
    ax_event *event;
    const char *bad[] = { "", "a b", "{a}", NULL,
                          "sixty-five characters are one more than the most, which is 64 ..." };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(ax_event_open(cluster, bad[i], 5, NULL, &event), AX_EINVAL);
    CHECK_EQ(ax_event_open(cluster, "a", 0, NULL, &event), AX_EINVAL);
    CHECK_EQ(ax_event_open(cluster, "a", 1u << 31, NULL, &event), AX_EINVAL);
    CHECK_EQ(ax_event_open(cluster, "a", 5, &(ax_event_options){ .lease_ms = 1 }, &event), AX_EINVAL);
    event = open_event("bounds", 5, &(ax_event_options){ .waiting = 1 });
    ax_event *other = open_event("bounds", 6, NULL);
    ax_order order = fresh();
    ax_sale *sale, *more;
    uint32_t number;
    CHECK_EQ(ax_event_order(event, &order, &sale), AX_OK);
    CHECK_EQ(ax_event_order(event, &order, &more), AX_EAGAIN);
    CHECK_EQ(ax_event_await(event, sale, PATIENT, &number), AX_OK);
    CHECK_EQ(ax_event_sell(other, &order, PATIENT, &number), AX_EINVAL); /* another capacity */
    ax_event_figures f;
    CHECK_EQ(ax_event_audit(other, &f), AX_EINVAL);
    ax_event_close(event, PATIENT);
    ax_event_close(other, PATIENT);
}

static void a_forked_child_is_refused(void)
{
    ax_event *event = open_event("fork", 5, NULL);
    ax_order order = fresh();
    uint32_t number;
    CHECK_EQ(ax_event_sell(event, &order, PATIENT, &number), AX_OK);
    pid_t child = fork();
    CHECK_FATAL(child >= 0);
    if (child == 0) {
        ax_event_figures f;
        ax_sale *sale;
        bool fine = ax_event_sell(event, &order, 1, &number) == AX_EPERM && ax_event_order(event, &order, &sale) == AX_EPERM &&
                    ax_event_audit(event, &f) == AX_EPERM;
        ax_event_close(event, 1);
        _exit(fine ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    ax_event_close(event, PATIENT);
}

static void a_counter_is_the_sum_of_what_was_published(void)
{
    ax_cluster_counter *a, *b;
    int64_t sum = -1;
    CHECK_FATAL(ax_cluster_counter_open(cluster, "hits", &a) == AX_OK);
    CHECK_FATAL(ax_cluster_counter_open(cluster, "hits", &b) == AX_OK);
    ax_adder_add(ax_cluster_counter_adder(a), 5);
    ax_adder_add(ax_cluster_counter_adder(b), 7);
    CHECK_EQ(ax_cluster_counter_publish(a, &sum), AX_OK);
    CHECK_EQ(sum, 5);
    CHECK_EQ(ax_cluster_counter_publish(a, &sum), AX_OK); /* again: counts once */
    CHECK_EQ(sum, 5);
    CHECK_EQ(ax_cluster_counter_publish(b, &sum), AX_OK);
    CHECK_EQ(sum, 12);
    ax_adder_add(ax_cluster_counter_adder(a), 1);
    CHECK_EQ(ax_cluster_counter_publish(a, &sum), AX_OK);
    CHECK_EQ(sum, 13);
    ax_adder_add(ax_cluster_counter_adder(a), AX_COUNTER_MAX - 6);
    CHECK_EQ(ax_cluster_counter_publish(a, &sum), AX_ERANGE);
    CHECK_EQ(sum, 13);
    ax_cluster_counter_close(a);
    ax_cluster_counter_close(b);
}

/* A window of three weeks: however slow this is, it lasts. (One may end here once in a billion runs.) */
static void a_quota_is_never_exceeded_in_its_window(void)
{
    ax_quota *a, *b;
    uint32_t wait_ms = 0;
    CHECK_EQ(ax_quota_open(cluster, "q", 0, 1000, 1, &a), AX_EINVAL);
    CHECK_FATAL(ax_quota_open(cluster, "api", 100, INT32_MAX, 30, &a) == AX_OK);
    CHECK_FATAL(ax_quota_open(cluster, "api", 100, INT32_MAX, 30, &b) == AX_OK);
    int taken = 0;
    for (int i = 0; i < 200; i++) {
        taken += ax_quota_take(a, &wait_ms) == AX_OK;
        taken += i < 20 ? ax_quota_take(b, NULL) == AX_OK : 0;
    }
    /* b still holds what it leased and did not take */
    CHECK_EQ(taken, 90);
    CHECK_EQ(ax_quota_take(a, &wait_ms), AX_EAGAIN);
    CHECK(wait_ms > 0);
    while (ax_quota_take(b, &wait_ms) == AX_OK)
        taken++;
    CHECK_EQ(taken, 100);
    ax_quota_close(a);
    ax_quota_close(b);
}

static void a_window_ends(void)
{
    ax_quota *quota;
    CHECK_FATAL(ax_quota_open(cluster, "short", 3, 20, 3, &quota) == AX_OK);
    int taken = 0;
    while (taken < 10) /* of at least four windows */
        taken += ax_quota_take(quota, NULL) == AX_OK;
    CHECK_EQ(taken, 10);
    ax_quota_close(quota);
}

int main(int argc, char **argv)
{
    struct redis_server server = { 0 };
    bool redis = argc > 1 && strcmp(argv[1], "redis") == 0;
    if (redis) {
        char address[32];
        CHECK_FATAL(redis_server_start(&server, "no", false));
        snprintf(address, sizeof address, "127.0.0.1:%d", server.port);
        CHECK_FATAL(ax_cluster_open_redis(&(ax_redis_options){ .servers = address, .answer_ms = PATIENT }, &cluster) == AX_OK);
    } else {
        CHECK_FATAL(ax_cluster_open_memory(&cluster) == AX_OK);
    }
    RUN(an_order_gets_one_ticket_however_often_it_buys);
    RUN(sold_out_is_for_new_orders_only);
    RUN(what_another_leases_is_not_sold_out);
    RUN(what_an_idle_process_leased_comes_back);
    RUN(many_threads_of_two_processes_share_no_ticket);
    RUN(bounds_are_kept);
    if (argc < 3) /* ThreadSanitizer does not survive a fork among threads */
        RUN(a_forked_child_is_refused);
    RUN(a_counter_is_the_sum_of_what_was_published);
    RUN(a_quota_is_never_exceeded_in_its_window);
    RUN(a_window_ends);
    ax_cluster_close(cluster);
    if (redis)
        redis_server_stop(&server);
    return check_summary();
}

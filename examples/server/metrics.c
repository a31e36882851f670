/* SPDX-License-Identifier: MIT */
/* /metrics, in the text format of Prometheus. Every count is an adder: counting costs what x++ costs. */
#include <atomicx/adder.h>
#include <atomicx/counter.h>

#include <inttypes.h>
#include <stdlib.h>

#include "server.h"

/* The statuses we send; what is none of them is counted as the last. */
static const unsigned statuses[] = { 200, 201, 400, 403, 404, 405, 409, 411, 413, 429, 503, 0 };
enum { STATUSES = sizeof statuses / sizeof *statuses };

/* Upper bounds of the latency histogram; above the last is +Inf. */
static const struct {
    int64_t ns;
    const char *seconds;
} bounds[] = {
    { 1000, "0.000001" },     { 2500, "0.0000025" },   { 5000, "0.000005" },   { 10000, "0.00001" },
    { 25000, "0.000025" },    { 50000, "0.00005" },    { 100000, "0.0001" },   { 1000000, "0.001" },
    { 10000000, "0.01" },     { 100000000, "0.1" },    { 1000000000, "1" },    { 10000000000, "10" },
};
enum { BOUNDS = sizeof bounds / sizeof *bounds };

struct metrics {
    ax_adder latency[BOUNDS + 1], latency_sum_ns;
    ax_adder snapshots, snapshot_failures;
    ax_counter snapshot_bytes;
    size_t routes;                 /* and one more, for requests without */
    ax_adder requests[][STATUSES]; /* by route */
};

struct metrics *metrics_create(void)
{
    struct metrics *metrics = calloc(1, sizeof *metrics + (route_count() + 1) * sizeof metrics->requests[0]);
    if (metrics)
        metrics->routes = route_count();
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i <= BOUNDS; i++)
        ax_adder_fini(&metrics->latency[i]);
    ax_adder_fini(&metrics->latency_sum_ns);
    ax_adder_fini(&metrics->snapshots);
    ax_adder_fini(&metrics->snapshot_failures);
    for (size_t i = 0; i <= metrics->routes; i++)
        for (size_t k = 0; k < STATUSES; k++)
            ax_adder_fini(&metrics->requests[i][k]);
    free(metrics);
}

void metrics_count(struct metrics *metrics, const struct request *request, int64_t now_ns)
{
    int64_t latency = now_ns - request->began_ns;
    size_t status = 0, bound = 0;
    while (status < STATUSES - 1 && statuses[status] != request->answer.status)
        status++;
    while (bound < BOUNDS && latency > bounds[bound].ns)
        bound++;
    ax_adder_add(&metrics->requests[route_number(request->route)][status], 1);
    ax_adder_add(&metrics->latency[bound], 1);
    ax_adder_add(&metrics->latency_sum_ns, latency);
}

void metrics_snapshot(struct metrics *metrics, bool saved, size_t bytes)
{
    ax_adder_add(saved ? &metrics->snapshots : &metrics->snapshot_failures, 1);
    if (saved)
        ax_counter_exchange(&metrics->snapshot_bytes, (int64_t)bytes);
}

static void put(struct buffer *out, const char *type, const char *name, const char *help, int64_t value)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", name, help, name, type, name, value);
}

static void put_requests(const struct metrics *metrics, struct buffer *out)
{
    buffer_printf(out, "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n");
    for (size_t i = 0; i <= metrics->routes; i++)
        for (size_t k = 0; k < STATUSES; k++) {
            int64_t sum = ax_adder_sum(&metrics->requests[i][k]);
            if (sum == 0)
                continue;
            buffer_printf(out, "http_requests_total{");
            route_labels(i, out);
            buffer_printf(out, ",status=\"%u\"} %" PRId64 "\n", statuses[k], sum);
        }
}

static void put_latency(const struct metrics *metrics, struct buffer *out)
{
    static const char name[] = "http_request_duration_seconds";
    int64_t count = 0;
    buffer_printf(out, "# HELP %s From the request's line to its answer.\n# TYPE %s histogram\n", name, name);
    for (size_t i = 0; i < BOUNDS; i++) {
        count += ax_adder_sum(&metrics->latency[i]);
        buffer_printf(out, "%s_bucket{le=\"%s\"} %" PRId64 "\n", name, bounds[i].seconds, count);
    }
    count += ax_adder_sum(&metrics->latency[BOUNDS]);
    buffer_printf(out, "%s_bucket{le=\"+Inf\"} %" PRId64 "\n", name, count);
    buffer_printf(out, "%s_sum %.9f\n%s_count %" PRId64 "\n", name, (double)ax_adder_sum(&metrics->latency_sum_ns) / 1e9, name,
                  count);
}

void metrics_get(struct server *server, const struct request *request, struct answer *answer)
{
    const struct metrics *metrics = server->metrics;
    struct buffer *out = &answer->body;
    (void)request;
    put_requests(metrics, out);
    put_latency(metrics, out);
    put(out, "gauge", "http_connections", "Connections open.", (int64_t)connections_len(server->connections));
    put(out, "gauge", "counters", "Counters in the map.", (int64_t)counters_len(server->counters));
    put(out, "gauge", "jobs", "Jobs in the map.", (int64_t)jobs_len(server->jobs));
    put(out, "gauge", "events", "Events tickets are sold for.",
        (int64_t)(server->shared_events ? shared_events_len(server->shared_events) : events_len(server->events)));
    put(out, "gauge", "accounts", "Accounts opened.", (int64_t)bank_len(server->bank));
    memo_metrics(server->memo, out);
    put(out, "counter", "snapshots_total", "Snapshots saved.", ax_adder_sum(&metrics->snapshots));
    put(out, "counter", "snapshot_failures_total", "Snapshots that could not be saved.",
        ax_adder_sum(&metrics->snapshot_failures));
    put(out, "gauge", "snapshot_bytes", "Size of the last snapshot.", ax_counter_read(&metrics->snapshot_bytes));
    answer->status = 200;
    answer->type = "text/plain; version=0.0.4";
}

void healthz_get(struct server *server, const struct request *request, struct answer *answer)
{
    (void)server;
    (void)request;
    answer_ok(answer);
}

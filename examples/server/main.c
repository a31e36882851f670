/* SPDX-License-Identifier: MIT */
/* From the first option to the last snapshot. */
#include <jansson.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "server.h"

enum { SPARE_FILES = 64 }; /* beside the connections */

/* As many files as connections need, or as many connections as there may be files. */
static void fit_file_limit(struct options *options)
{
    struct rlimit limit;
    rlim_t need = (rlim_t)(options->max_connections + options->threads * 4 + SPARE_FILES);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return;
    limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= need)
        return;
    int64_t possible = (int64_t)limit.rlim_cur - (int64_t)(need - (rlim_t)options->max_connections);
    options->max_connections = possible < 1 ? 1 : possible;
    fprintf(stderr, "server: the limit of open files (ulimit -n) leaves room for %lld connections\n",
            (long long)options->max_connections);
}

static bool server_create(struct server *server)
{
    const struct options *options = &server->options;
    return (server->metrics = metrics_create()) && (server->counters = counters_create(options)) &&
           (server->jobs = jobs_create(options)) && (server->events = events_create(options)) &&
           (server->bank = bank_create(options)) && (server->memo = memo_create(options)) &&
           (server->connections = connections_create(options));
}

static void server_destroy(struct server *server)
{
    connections_destroy(server->connections);
    shared_events_destroy(server->shared_events);
    memo_destroy(server->memo);
    bank_destroy(server->bank);
    events_destroy(server->events);
    jobs_destroy(server->jobs);
    counters_destroy(server->counters);
    metrics_destroy(server->metrics);
}

/* Watches over clients and snapshots until a signal asks for the end, and returns it. */
static int watch(struct server *server, const sigset_t *signals)
{
    const struct options *options = &server->options;
    const struct timespec tick = { 1, 0 };
    int64_t next_snapshot = now_ns() + options->interval * 1000000000;
    int signal;
    while ((signal = sigtimedwait(signals, NULL, &tick)) < 0) {
        (void)connections_cut(server->connections, now_ns() - options->timeout * 1000000000);
        if (options->snapshot && now_ns() >= next_snapshot) {
            (void)snapshot_save(server, options->snapshot); /* its failure is told, counted, and tried again */
            next_snapshot = now_ns() + options->interval * 1000000000;
        }
    }
    return signal;
}

static enum exit_code serve(struct server *server, const sigset_t *signals)
{
    if (!http_start(server))
        return EXIT_INTERNAL;
    bool v6 = strchr(server->options.listen, ':') != NULL;
    printf("listening on http://%s%s%s:%u\n", v6 ? "[" : "", server->options.listen, v6 ? "]" : "", http_port(server->http));
    fflush(stdout);
    int signal = watch(server, signals);
    pthread_sigmask(SIG_UNBLOCK, signals, NULL); /* a second signal ends at once */
    size_t cut = http_stop(server->http);
    if (server->options.snapshot && !snapshot_save(server, server->options.snapshot))
        return EXIT_INTERNAL;
    if (cut > 0) {
        fprintf(stderr, "server: %zu connections were cut off after %lld s of grace\n", cut, (long long)server->options.grace);
        return EXIT_UNANSWERED;
    }
    return signal == SIGINT ? EXIT_INTERRUPTED : EXIT_FINE;
}

int main(int argc, char **argv)
{
    static struct server server;
    sigset_t signals;
    options_parse(&server.options, argc, argv);
    fit_file_limit(&server.options);
    json_object_seed(0); /* before there are threads */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in all threads: watch takes them */
    enum exit_code code = EXIT_FINE;
    if (!server_create(&server)) {
        fprintf(stderr, "server: out of memory\n");
        code = EXIT_INTERNAL;
    }
    if (code == EXIT_FINE && server.options.redis)
        code = shared_events_create(&server.options, &server.shared_events);
    if (code == EXIT_FINE && server.options.snapshot)
        code = snapshot_load(&server, server.options.snapshot);
    if (code == EXIT_FINE)
        code = serve(&server, &signals);
    server_destroy(&server);
    return (int)code;
}

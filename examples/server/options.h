/* SPDX-License-Identifier: MIT */
/* options.h: the command line. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdint.h>

/* Exit codes, as of every program of this project. */
enum exit_code { EXIT_FINE = 0, EXIT_UNANSWERED = 1, EXIT_USAGE = 2, EXIT_CORRUPT = 65, EXIT_INTERNAL = 70, EXIT_INTERRUPTED = 130 };

struct options {
    const char *listen, *snapshot, *redis; /* the last two: NULL without */
    int64_t port, threads, workers;
    int64_t timeout, grace, interval; /* seconds */
    int64_t max_connections, max_body, max_key, max_counters, max_jobs, max_events, max_tickets, max_accounts, max_memo;
    int64_t replicas; /* of the Redis server */
    int64_t memo_rounds;
};

/* Fills *options; ends the process itself for --help, --version (0) and mistakes (2). */
void options_parse(struct options *options, int argc, char **argv);

#endif

/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query.h"

static const struct number_option {
    const char *name;
    size_t offset;
    int64_t fallback, least, most;
    const char *help;
} numbers[] = {
#define OPTION(name, field) name, offsetof(struct options, field)
    { OPTION("--port", port), 8000, 0, 65535, "0 picks a free one; the line on stdout says which" },
    { OPTION("--threads", threads), 0, 0, 1024, "event loops; 0: one for each core" },
    { OPTION("--workers", workers), 4, 1, 1024, "threads for what takes long" },
    { OPTION("--timeout", timeout), 30, 1, 86400, "seconds a client may take to send a request or to take an answer" },
    { OPTION("--grace", grace), 10, 0, 86400, "seconds that answering may take at the end" },
    { OPTION("--interval", interval), 10, 1, 86400, "seconds between snapshots" },
    { OPTION("--max-connections", max_connections), 12000, 1, 1000000, "more are closed at once" },
    { OPTION("--max-body", max_body), 65536, 0, 1 << 30, "bytes of a request's body" },
    { OPTION("--max-key", max_key), 256, 1, 4096, "bytes of a name" },
    { OPTION("--max-counters", max_counters), 1000000, 0, 1 << 30, "counters" },
    { OPTION("--max-jobs", max_jobs), 100000, 0, 1 << 30, "jobs" },
    { OPTION("--max-events", max_events), 1000, 0, 1 << 30, "events that tickets are sold for" },
    { OPTION("--max-tickets", max_tickets), 1000000, 1, 1 << 30, "tickets for one event" },
    { OPTION("--max-accounts", max_accounts), 100000, 1, 1 << 28, "accounts" },
    { OPTION("--max-memo", max_memo), 10000, 1, 1 << 30, "results the memo keeps" },
    { OPTION("--replicas", replicas), 0, 0, 1000, "with --redis: replicas that must have a sale; all there are" },
    { OPTION("--memo-rounds", memo_rounds), 1000000, 1, INT64_MAX, "work behind each /memo" },
#undef OPTION
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static void help(void)
{
    printf("usage: server [OPTION...]\n"
           "An HTTP server that embeds every primitive of libatomicx. Ends on SIGTERM, when what was accepted is answered.\n\n"
           "  %-20s address to listen on (127.0.0.1)\n"
           "  %-20s keep the state in FILE: read at the start, written at intervals and at the end\n"
           "  %-20s sell the tickets of events together with other servers, which have the same Redis\n",
           "--listen ADDRESS", "--snapshot FILE", "--redis HOST:PORT");
    for (int i = 0; i < NUMBERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s N", numbers[i].name);
        printf("  %-20s %s (%lld)\n", name, numbers[i].help, (long long)numbers[i].fallback);
    }
    printf("  %-20s this\n  %-20s the version\n\n"
           "  GET  /set?name=x&val=0   /get?name=x   /inc?name=x\n"
           "  POST /jobs (JSON)   GET /jobs?after=ID&limit=N   DELETE /jobs   GET, POST, DELETE /jobs/{id}\n"
           "  POST /tickets/{event}?capacity=N   GET /tickets/{event}   POST /tickets/{event}/sell\n"
           "  POST /tickets/{event}/refund?number=N\n"
           "       with --redis: sell?order=HEX asks again for that order, and there are no refunds\n"
           "  POST /accounts?floor=N   GET /accounts (audit)   GET /accounts/{id}\n"
           "  POST /accounts/{id}/deposit?amount=N   /accounts/{id}/withdraw?amount=N\n"
           "  POST /accounts/{id}/transfer?to=ID&amount=N\n"
           "  GET  /memo?key=x   /healthz   /metrics\n\n"
           "exit codes: 0 ended by SIGTERM, 1 the grace was too short to answer all, 2 usage,\n"
           "            65 the snapshot is damaged, 70 internal error, 130 ended by SIGINT\n",
           "--help", "--version");
}

static _Noreturn void usage(const char *what, const char *argument)
{
    fprintf(stderr, "server: %s: %s (--help)\n", argument, what);
    exit(EXIT_USAGE);
}

static void set_number(struct options *options, const struct number_option *option, const char *value)
{
    int64_t *field = (int64_t *)(void *)((char *)options + option->offset);
    struct text text = { value, strlen(value) };
    char why[96];
    if (text_number(text, option->least, option->most, field) != NUMBER_OK) {
        snprintf(why, sizeof why, "wants a number from %lld to %lld, not %.20s", (long long)option->least,
                 (long long)option->most, value);
        usage(why, option->name);
    }
}

static void set_option(struct options *options, const char *name, const char *value)
{
    if (!value)
        usage("unknown, or its value is missing", name);
    for (int i = 0; i < NUMBERS; i++)
        if (strcmp(name, numbers[i].name) == 0) {
            set_number(options, &numbers[i], value);
            return;
        }
    if (strcmp(name, "--listen") == 0)
        options->listen = value;
    else if (strcmp(name, "--snapshot") == 0)
        options->snapshot = value;
    else if (strcmp(name, "--redis") == 0)
        options->redis = value;
    else
        usage("unknown option", name);
}

/* --name value and --name=value. */
void options_parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){ .listen = "127.0.0.1" };
    for (int i = 0; i < NUMBERS; i++)
        *(int64_t *)(void *)((char *)options + numbers[i].offset) = numbers[i].fallback;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            exit(EXIT_FINE);
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("server (libatomicx) %s\n", AX_SERVER_VERSION);
            exit(EXIT_FINE);
        }
        char *equals = strncmp(argv[i], "--", 2) == 0 ? strchr(argv[i], '=') : NULL;
        if (equals) {
            *equals = '\0';
            set_option(options, argv[i], equals + 1);
        } else {
            const char *name = argv[i];
            i++;
            set_option(options, name, i < argc ? argv[i] : NULL);
        }
    }
    if (options->threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        options->threads = cores < 1 ? 1 : cores > 1024 ? 1024 : cores;
    }
}

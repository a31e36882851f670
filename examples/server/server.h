/* SPDX-License-Identifier: MIT */
/*
 * server.h: what the parts know of each other.
 *
 *     main.c         from the first option to the last snapshot
 *     http.c         libmicrohttpd's callbacks: a request comes together, an answer goes out
 *     loop.c         a thread that runs its event loop
 *     connections.c  who is connected, and since when we wait for them
 *     route.c        from method and path to a handler
 *     request.c      parameters and answers, as handlers want them
 *     workers.c      the threads for what takes long
 *     counters.c jobs.c tickets.c accounts.c memo.c   one primitive each, with its endpoints
 *     tickets_shared.c   tickets over Redis, with --redis in place of tickets.c's
 *     metrics.c      /metrics
 *     snapshot.c     the state in a file
 *     query.c bytes.c options.c                       know nothing of the rest
 *
 * A part is made by NAME_create and ended by NAME_destroy; in between all its functions may be called from
 * any thread, which is what the primitives are for.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <atomicx/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "options.h"
#include "query.h"

struct MHD_Connection;
struct MHD_Daemon;
struct server;

/* What is sent back. status 0: not yet known. */
struct answer {
    unsigned status;
    bool is_ok;         /* the answer "ok", which needs no body of its own */
    const char *type;   /* of the body */
    char *allow;        /* for a 405: the methods there are; to be freed */
    struct buffer body; /* ended by a newline */
};

/* One request, from its first line to its last answered byte; one thread at a time works on it. */
struct request {
    struct server *server;
    struct MHD_Connection *connection; /* libmicrohttpd's */
    struct connection *client;         /* ours */
    const struct route *route;         /* NULL: none fits */
    int64_t began_ns;                  /* CLOCK_MONOTONIC */
    enum { REQUEST_LINE, REQUEST_BODY, REQUEST_AT_WORK, REQUEST_ANSWERED } state;
    struct buffer body;
    struct answer answer;
    struct loop *loop;    /* runs the connection; set when the request goes to a worker */
    struct request *next; /* waiting for a worker */
    const char *refused;  /* why the target is no query, or NULL */
    struct query query;
    const char *target_at; /* where libmicrohttpd had it */
    size_t target_length;
    char target[]; /* what query's texts point into */
};

typedef void handler(struct server *server, const struct request *request, struct answer *answer);

/*
 * `at_once` runs in the event loop and must not wait. Where there is none, or it leaves the answer's status at
 * 0, `by_worker` runs in a worker and may.
 */
struct route {
    const char *method;
    struct text segment[QUERY_SEGMENTS]; /* "*" fits any text */
    size_t segments;
    handler *at_once, *by_worker;
};

struct server {
    struct options options;
    struct metrics *metrics;
    struct counters *counters;
    struct jobs *jobs;
    struct events *events;
    struct shared_events *shared_events; /* NULL without --redis */
    struct bank *bank;
    struct memo *memo;
    struct workers *workers;
    struct connections *connections;
    struct http *http;
};

/* Answers, each of one line. */
void answer_ok(struct answer *answer);
void answer_text(struct answer *answer, unsigned status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void answer_json(struct answer *answer, unsigned status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* For a status that the caller has no better words for; `what` is what the call was about. */
void answer_status(struct answer *answer, ax_status status, const char *what);

/*
 * Parameters. False when the request is no good, and then *answer says why: missing, empty, too long; no
 * number, out of range. Path parts are numbered from 0.
 */
bool request_name(const struct request *request, const char *parameter, struct text *name, struct answer *answer);
bool request_number(const struct request *request, const char *parameter, int64_t least, int64_t most, int64_t *number,
                    struct answer *answer);
bool request_path_name(const struct request *request, size_t part, struct text *name, struct answer *answer);
/* AX_ENOTFOUND's answer, as well, for what cannot be an id. */
bool request_path_number(const struct request *request, size_t part, int64_t most, int64_t *number, struct answer *answer);

/* The route, or NULL with the answer given. HEAD is answered as GET is. */
const struct route *route_find(const struct query *query, const char *method, struct answer *answer);
/* Routes are numbered 0 to route_count()-1; that number stands for no route. */
size_t route_count(void);
size_t route_number(const struct route *route);
/* As labels for /metrics. */
void route_labels(size_t number, struct buffer *out);

/*
 * Who is connected. A client that we have been waiting for, for the rest of a request or to take an answer, for
 * longer than the limit is cut off, however busily it sends a byte now and then.
 */
struct connections *connections_create(const struct options *options);
void connections_destroy(struct connections *connections);
size_t connections_len(struct connections *connections);
bool connections_full(struct connections *connections);
/* NULL without memory. One that was expected is the one to be opened. */
struct connection *connections_open(struct connections *connections, int fd);
struct connection *connections_expect(struct connections *connections, int fd);
void connections_close(struct connections *connections, struct connection *connection);
/*
 * Whom this connection waits for. Told by the thread that serves it. It must not be suspended to wait for us, and
 * the answer is false, once nothing more is read from it: libmicrohttpd, when it is resumed, would find the end of
 * the stream before it asks for the answer.
 */
void connection_awaits_client(struct connection *connection, int64_t since_ns);
bool connection_awaits_us(struct connections *connections, struct connection *connection);
/* Cuts off the clients that we have been waiting for since before `before_ns`; INT64_MAX: all. How many. */
size_t connections_cut(struct connections *connections, int64_t before_ns);
/* From here on what has arrived on a connection is the last that is read from it, or, where it is our turn, later. */
void connections_read_no_more(struct connections *connections);
/* Waits until all are closed or the clock says `until_ns`, and says whether they are. */
bool connections_gone(struct connections *connections, int64_t until_ns);

struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);
void metrics_count(struct metrics *metrics, const struct request *request, int64_t now_ns);
void metrics_snapshot(struct metrics *metrics, bool saved, size_t bytes);
handler metrics_get, healthz_get;

struct counters *counters_create(const struct options *options);
void counters_destroy(struct counters *counters);
size_t counters_len(const struct counters *counters);
handler counters_get, counters_set, counters_inc;

struct jobs *jobs_create(const struct options *options);
void jobs_destroy(struct jobs *jobs);
size_t jobs_len(const struct jobs *jobs);
handler jobs_post, jobs_list, jobs_delete_all, jobs_get, jobs_put, jobs_delete;

struct events *events_create(const struct options *options);
void events_destroy(struct events *events);
size_t events_len(const struct events *events);
handler events_open, events_left, events_sell, events_refund;
/* Name and capacity of the event to open beside those that are there, or false with the answer given. The most there
 * may be are exceeded by at most one for each thread. */
bool events_may_open(const struct request *request, size_t there, struct text *name, int64_t *capacity, struct answer *answer);

/* EXIT_FINE, or an exit code after a word on stderr. */
enum exit_code shared_events_create(const struct options *options, struct shared_events **created);
void shared_events_destroy(struct shared_events *events);
size_t shared_events_len(const struct shared_events *events);
handler shared_events_open, shared_events_left, shared_events_sell;

struct bank *bank_create(const struct options *options);
void bank_destroy(struct bank *bank);
size_t bank_len(const struct bank *bank);
handler bank_open, bank_audit, bank_balance, bank_deposit, bank_withdraw, bank_transfer;

struct memo *memo_create(const struct options *options);
void memo_destroy(struct memo *memo);
void memo_metrics(const struct memo *memo, struct buffer *out);
handler memo_peek, memo_compute;

/* The state. Saving may overlap with anything; loading is for a part that was just created. */
void counters_save(const struct counters *counters, struct buffer *out);
void counters_load(struct counters *counters, struct reader *in);
void jobs_save(const struct jobs *jobs, struct buffer *out);
void jobs_load(struct jobs *jobs, struct reader *in);
void events_save(const struct events *events, struct buffer *out);
void events_load(struct events *events, struct reader *in);
void bank_save(struct bank *bank, struct buffer *out);
void bank_load(struct bank *bank, struct reader *in);

/* Writes the state to the file, whole or not at all; says on stderr why it could not. */
bool snapshot_save(struct server *server, const char *path);
/* Reads it into a fresh server. EXIT_FINE (also without a file), or an exit code after a word on stderr. */
enum exit_code snapshot_load(struct server *server, const char *path);

/* Threads that run routes' by_worker, in the order asked, and then `done`. stop runs what is queued, and ends them. */
struct workers *workers_create(int64_t count, void (*done)(struct request *request));
void workers_add(struct workers *workers, struct request *request);
void workers_stop(struct workers *workers);

/*
 * Runs a daemon that has no thread of its own; NULL when there is none to be had. park and end are seen by the loop a little
 * later: parked and ended wait for that. Parked until resume, or ended, nobody is inside libmicrohttpd but the caller,
 * except for workers that are done.
 */
struct loop *loop_start(struct MHD_Daemon *daemon);
struct MHD_Daemon *loop_daemon(struct loop *loop);
struct loop *loop_mine(void);      /* that of the calling thread */
void loop_wake(struct loop *loop); /* after one of its connections was resumed */
void loop_park(struct loop *loop);
void loop_parked(struct loop *loop);
void loop_resume(struct loop *loop);
void loop_end(struct loop *loop);
struct MHD_Daemon *loop_ended(struct loop *loop);

/* Listens and serves until http_stop. NULL after a word on stderr. */
struct http *http_start(struct server *server);
uint16_t http_port(const struct http *http);
/* Takes no more connections, answers what was sent on those there are, and ends. How many were cut off. */
size_t http_stop(struct http *http);

int64_t now_ns(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * libmicrohttpd: event loops that all accept from one socket, a thread and a daemon each (loop.c). The target is taken
 * from the callback that sees it untouched, as what libmicrohttpd makes of it has lost its NUL bytes.
 */
#include <microhttpd.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

struct http {
    struct server *server;
    int listening;
    uint16_t port;
    struct MHD_Response *ok, *no_memory; /* shared by all who are told so */
    size_t loops;
    struct loop *loop[];
};

/* For a request's line and headers. No more than needed: libmicrohttpd clears it after each request. */
enum { REQUEST_MEMORY = 8192 };

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static enum MHD_Result has_room(void *server, const struct sockaddr *address, socklen_t length)
{
    (void)address;
    (void)length;
    return connections_full(((struct server *)server)->connections) ? MHD_NO : MHD_YES;
}

static void connection_changed(void *context, struct MHD_Connection *connection, void **socket_context,
                               enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info ? connections_open(server->connections, info->connect_fd) : NULL;
    } else if (*socket_context) {
        connections_close(server->connections, *socket_context);
    }
}

/* The request's line is there. What this returns is the request's context from now on. */
static void *request_began(void *context, const char *target, struct MHD_Connection *connection)
{
    size_t length = target ? strlen(target) : 0;
    struct request *request = malloc(sizeof *request + length + 1);
    if (!request)
        return NULL;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    memset(request, 0, offsetof(struct request, query));
    request->server = context;
    request->connection = connection;
    request->client = info ? info->socket_context : NULL;
    request->began_ns = now_ns();
    request->target_at = target;
    request->target_length = length;
    memcpy(request->target, target ? target : "", length + 1);
    request->refused = query_parse(&request->query, request->target, length);
    return request;
}

static void request_ended(void *context, struct MHD_Connection *connection, void **request_context,
                          enum MHD_RequestTerminationCode code)
{
    struct request *request = *request_context;
    (void)context;
    (void)connection;
    (void)code;
    if (!request)
        return;
    free(request->answer.allow);
    buffer_free(&request->answer.body);
    buffer_free(&request->body);
    free(request);
}

static struct MHD_Response *response_create(struct answer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body.length, answer->body.bytes, MHD_RESPMEM_MUST_FREE);
    if (!response)
        return NULL;
    answer->body = (struct buffer){ 0 }; /* the response owns it */
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type) == MHD_YES &&
        (!answer->allow || MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow) == MHD_YES))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

static enum MHD_Result send_answer(struct request *request)
{
    struct http *http = request->server->http;
    struct answer *answer = &request->answer;
    struct MHD_Response *response = answer->is_ok ? http->ok : NULL, *own = NULL;
    if (!response && !answer->body.failed)
        response = own = response_create(answer);
    if (!response) {
        response = http->no_memory;
        answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    int64_t now = now_ns();
    request->state = REQUEST_ANSWERED;
    metrics_count(request->server->metrics, request, now); /* first: who has the answer finds it counted */
    connection_awaits_client(request->client, now);
    enum MHD_Result result = MHD_queue_response(request->connection, answer->status, response);
    if (own)
        MHD_destroy_response(own);
    return result;
}

/*
 * The headers are there. Refuses what is hopeless, so that nobody sends a body for nothing; and a body in chunks,
 * as libmicrohttpd answers an endless line between chunks with a 500 of its own.
 */
static enum MHD_Result headers_came(struct request *request, const char *version)
{
    const char *chunks = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    const char *length = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t bytes;
    request->state = REQUEST_BODY;
    /* libmicrohttpd ends the target with a NUL where the version begins: an earlier one was the client's. */
    if (!request->refused && version != request->target_at + request->target_length + 1)
        request->refused = "a NUL byte in the target";
    if (chunks)
        answer_text(&request->answer, MHD_HTTP_LENGTH_REQUIRED, "a body must come with its Content-Length");
    else if (length && text_number((struct text){ length, strlen(length) }, 0, request->server->options.max_body, &bytes) != NUMBER_OK)
        answer_text(&request->answer, MHD_HTTP_CONTENT_TOO_LARGE, "the body is longer than %lld bytes",
                    (long long)request->server->options.max_body);
    else
        return MHD_YES;
    return send_answer(request);
}

/* The whole request is there. */
static enum MHD_Result request_came(struct request *request, const char *method)
{
    struct answer *answer = &request->answer;
    if (request->refused)
        answer_text(answer, MHD_HTTP_BAD_REQUEST, "%s", request->refused);
    else if (request->body.failed)
        answer_status(answer, AX_ENOMEM, "the body");
    else if ((request->route = route_find(&request->query, method, answer)) && request->route->at_once)
        request->route->at_once(request->server, request, answer);
    if (answer->status == 0 && connection_awaits_us(request->server->connections, request->client)) {
        request->state = REQUEST_AT_WORK;
        request->loop = loop_mine();
        MHD_suspend_connection(request->connection); /* before a worker can resume it */
        workers_add(request->server->workers, request);
        return MHD_YES;
    }
    if (answer->status == 0) /* the end is near, and the loop may wait */
        request->route->by_worker(request->server, request, answer);
    return send_answer(request);
}

static enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                      const char *version, const char *bytes, size_t *length, void **request_context)
{
    struct request *request = *request_context;
    (void)context;
    (void)connection;
    (void)url;
    if (!request || !request->client)
        return MHD_NO; /* no memory: the connection is closed */
    if (request->state == REQUEST_LINE)
        return headers_came(request, version);
    if (*length > 0) {
        buffer_put(&request->body, bytes, *length); /* no more than the length that was announced */
        *length = 0;
        return MHD_YES;
    }
    return request->state == REQUEST_AT_WORK ? send_answer(request) : request_came(request, method);
}

/* For workers: the answer is there. */
static void request_resume(struct request *request)
{
    struct loop *loop = request->loop; /* once resumed, the request may be over and gone */
    MHD_resume_connection(request->connection);
    loop_wake(loop);
}

static struct MHD_Response *fixed_response(const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    if (response)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    return response;
}

/*
 * A listening socket, or -1 after a word on stderr. The kernel hands a connection over with its first bytes, or
 * after a second without: who accepts it can read at once, where each connection would wake every event loop
 * first, and then one of them again. That is nearly half the CPU time of a connection that asks once.
 */
static int listen_on(const struct options *options, uint16_t *port)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)options->port & 0xffffu);
    int why = getaddrinfo(options->listen, service, &hints, &found);
    if (why != 0) {
        fprintf(stderr, "server: --listen %s: %s\n", options->listen, gai_strerror(why));
        return -1;
    }
    int yes = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0 &&
        getsockname(fd, (struct sockaddr *)&bound, &size) == 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ 1 }, sizeof(int));
        *port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)&bound)->sin_port);
    } else {
        fprintf(stderr, "server: cannot listen on %s port %s: %s\n", options->listen, service, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static struct loop *loop_create(struct http *http)
{
    struct server *server = http->server;
    const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                           MHD_USE_TURBO; /* reads before it polls: three system calls fewer for a short connection */
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, http->port, has_room, server, request_handle, server, MHD_OPTION_LISTEN_SOCKET, http->listening,
        MHD_OPTION_URI_LOG_CALLBACK, request_began, server, MHD_OPTION_NOTIFY_COMPLETED, request_ended, server,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY,
        /* never reached: has_room sees to the limit, and says no sooner */
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->options.max_connections + 4096u, MHD_OPTION_END);
    struct loop *loop = daemon ? loop_start(daemon) : NULL;
    if (daemon && !loop) {
        (void)MHD_quiesce_daemon(daemon); /* leaves it the listening socket of all */
        MHD_stop_daemon(daemon);
    }
    return loop;
}

struct http *http_start(struct server *server)
{
    size_t loops = (size_t)server->options.threads;
    struct http *http = calloc(1, sizeof *http + loops * sizeof http->loop[0]);
    if (!http)
        return NULL;
    server->http = http;
    http->server = server;
    http->ok = fixed_response("ok\n");
    http->no_memory = fixed_response("out of memory\n");
    server->workers = workers_create(server->options.workers, request_resume);
    http->listening = listen_on(&server->options, &http->port);
    if (http->listening >= 0 && http->ok && http->no_memory && server->workers) {
        while (http->loops < loops && (http->loop[http->loops] = loop_create(http)))
            http->loops++;
        if (http->loops == loops)
            return http;
        fprintf(stderr, "server: cannot start %zu event loops\n", loops);
    }
    (void)http_stop(http);
    server->http = NULL;
    return NULL;
}

uint16_t http_port(const struct http *http)
{
    return http->port;
}

/* Nobody accepts any more, and the loops are parked: those that the kernel has already accepted for us are served, too. */
static void accept_the_rest(struct http *http)
{
    struct connections *connections = http->server->connections;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    size_t loop = 0;
    int fd;
    while ((fd = accept4(http->listening, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = connections_full(connections) ? NULL : connections_expect(connections, fd);
        if (!connection)
            close(fd);
        else if (MHD_add_connection(loop_daemon(http->loop[loop++ % http->loops]), fd, (struct sockaddr *)&address, size) !=
                 MHD_YES)
            connections_close(connections, connection);
        size = sizeof address;
    }
}

/*
 * Answers what has arrived; false when the grace is over. We ask again and again: libmicrohttpd 0.9.75 misses
 * the end of a stream that it is told of together with data, and each call tells it anew.
 */
static bool finish(struct server *server)
{
    const int64_t again_ns = 20000000, end = now_ns() + server->options.grace * 1000000000;
    int64_t now;
    do {
        connections_read_no_more(server->connections);
        now = now_ns();
        if (connections_gone(server->connections, end - now < again_ns ? end : now + again_ns))
            return true;
    } while (now < end);
    return false;
}

size_t http_stop(struct http *http)
{
    struct server *server = http->server;
    size_t cut = 0;
    for (size_t i = 0; i < http->loops; i++)
        loop_park(http->loop[i]);
    for (size_t i = 0; i < http->loops; i++) {
        loop_parked(http->loop[i]);
        (void)MHD_quiesce_daemon(loop_daemon(http->loop[i]));
    }
    if (http->listening >= 0) {
        if (http->loops > 0)
            accept_the_rest(http);
        close(http->listening);
    }
    for (size_t i = 0; i < http->loops; i++)
        loop_resume(http->loop[i]);
    if (!finish(server))
        cut = connections_cut(server->connections, INT64_MAX);
    workers_stop(server->workers);
    (void)connections_gone(server->connections, INT64_MAX);
    for (size_t i = 0; i < http->loops; i++)
        loop_end(http->loop[i]);
    for (size_t i = 0; i < http->loops; i++)
        MHD_stop_daemon(loop_ended(http->loop[i]));
    if (http->ok)
        MHD_destroy_response(http->ok);
    if (http->no_memory)
        MHD_destroy_response(http->no_memory);
    free(http);
    return cut;
}

/* SPDX-License-Identifier: MIT */
/* The least a server on libmicrohttpd can do, set up as ours is: "ok" to everything. What ours costs beyond is ours. */
#include <microhttpd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static enum MHD_Result answer(void *response, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *bytes, size_t *length, void **seen)
{
    (void)url;
    (void)method;
    (void)version;
    (void)bytes;
    if (!*seen) { /* the headers; the request itself comes next */
        *seen = response;
        return MHD_YES;
    }
    if (*length > 0) {
        *length = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

int main(void)
{
    static char ok[] = "ok\n";
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct MHD_Response *response = MHD_create_response_from_buffer(sizeof ok - 1, ok, MHD_RESPMEM_PERSISTENT);
    if (!response || MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8") != MHD_YES)
        return 70;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO, 0, NULL, NULL, answer, response, MHD_OPTION_THREAD_POOL_SIZE,
        cores > 1 ? (unsigned)cores : 0u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192, MHD_OPTION_END);
    if (!daemon)
        return 70;
    (void)setsockopt(MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd, IPPROTO_TCP, TCP_DEFER_ACCEPT,
                     &(int){ 1 }, sizeof(int));
    printf("listening on http://127.0.0.1:%u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    pause();
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return 0;
}

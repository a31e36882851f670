/* SPDX-License-Identifier: MIT */
#include "redis_server.h"

#include <hiredis/hiredis.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, STEP_MS = 5, LEAST_PORT = 10000, PORTS = 10000, BUS = 10000, ATTEMPTS = 20 };

void redis_server_nap(int ms)
{
    const struct timespec nap = { ms / 1000, ms % 1000 * 1000000L };
    nanosleep(&nap, NULL);
}

static bool is_free(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    bool fine = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return fine;
}

/* The cluster's second port, too, is below those that the kernel gives to clients (from 32768): one of them could have it when the
 * server comes back, and a client that tries again and again could be connected to itself. */
static int choose_port(void)
{
    for (;;) {
        unsigned bits = 0;
        if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
            return 0;
        int port = LEAST_PORT + (int)(bits % PORTS);
        if (is_free(port) && is_free(port + BUS))
            return port;
    }
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

/* A child of the server's own may be about to create a last file. */
static void remove_folder(const char *folder)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        if (access(folder, F_OK) != 0)
            return;
        redis_server_nap(STEP_MS);
    }
}

/* However this process ends, its end of the pipe closes with it: then the keeper removes the folder. The server dies by
 * itself (put_in_background). False: there is no keeper. */
static bool post_keeper(struct redis_server *server)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    server->keeper = fork();
    if (server->keeper == 0) {
        setpgid(0, 0); /* what ends a whole group, as Ctrl-C does, is what it waits for */
        dup2(ends[0], STDIN_FILENO);
        closefrom(STDERR_FILENO + 1); /* other keepers' pipes among them */
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        dup2(STDOUT_FILENO, STDERR_FILENO);
        char nothing;
        while (read(STDIN_FILENO, &nothing, 1) < 0 && errno == EINTR)
            ;
        remove_folder(server->folder);
        _exit(0);
    }
    close(ends[0]);
    server->lifeline = ends[1];
    if (server->keeper < 0)
        close(ends[1]);
    return server->keeper > 0;
}

static void put_in_background(struct redis_server *server)
{
    pid_t parent = getpid();
    server->process = fork();
    if (server->process != 0)
        return;
    setpgid(0, 0); /* with the children that it forks to write its files */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    char port[16], log[96], master[16];
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(master, sizeof master, "%d", server->follows);
    snprintf(log, sizeof log, "%s/log", server->folder);
    int fd = open("/dev/null", O_RDWR);
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", server->folder, "--logfile", log,
           "--appendonly", "yes", "--appendfsync", server->appendfsync, "--save", "", "--repl-diskless-sync-delay", "0",
           "--cluster-enabled", server->cluster ? "yes" : "no", "--cluster-node-timeout", "60000",
           server->follows != 0 ? "--replicaof" : (char *)NULL, "127.0.0.1", master, (char *)NULL);
    _exit(127);
}

struct redisReply *redis_server_ask(const struct redis_server *server, const char *format, ...)
{
    const struct timeval limit = { PATIENCE_MS / 1000, 0 };
    redisContext *context = redisConnectWithTimeout("127.0.0.1", server->port, limit);
    redisReply *reply = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (context != NULL && context->err == 0) {
        redisSetTimeout(context, limit);
        reply = redisvCommand(context, format, arguments);
    }
    va_end(arguments);
    if (context != NULL)
        redisFree(context);
    return reply;
}

/* Until it answers, and is the one we started: somebody else may have taken the port. */
static bool answers(struct redis_server *server)
{
    char mine[40];
    snprintf(mine, sizeof mine, "process_id:%d\r", (int)server->process);
    for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
        if (waitpid(server->process, NULL, WNOHANG) != 0) {
            server->process = 0;
            return false;
        }
        redisReply *reply = redis_server_ask(server, "INFO server");
        redisReply *pong = redis_server_ask(server, "GET none"); /* refused while it loads */
        bool ready = reply != NULL && reply->str != NULL && strstr(reply->str, mine) != NULL && pong != NULL &&
                     (pong->type != REDIS_REPLY_ERROR || strncmp(pong->str, "LOADING", 7) != 0);
        freeReplyObject(reply);
        freeReplyObject(pong);
        if (ready)
            return true;
        redis_server_nap(STEP_MS);
    }
    return false;
}

bool redis_server_start(struct redis_server *server, const char *appendfsync, bool cluster)
{
    *server = (struct redis_server){ .appendfsync = appendfsync, .cluster = cluster };
    const char *tmp = getenv("TMPDIR");
    if (snprintf(server->folder, sizeof server->folder, "%s/ax-redis-XXXXXX", tmp != NULL ? tmp : "/tmp") >=
            (int)sizeof server->folder || mkdtemp(server->folder) == NULL) {
        fprintf(stderr, "no folder for redis-server\n");
        return false;
    }
    if (!post_keeper(server)) {
        fprintf(stderr, "no process that keeps the folder of redis-server\n");
        rmdir(server->folder);
        return false;
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        server->port = choose_port();
        put_in_background(server);
        if (server->process > 0 && answers(server))
            return true;
        redis_server_kill(server);
    }
    fprintf(stderr, "redis-server does not start\n");
    redis_server_stop(server);
    return false;
}

void redis_server_kill(struct redis_server *server)
{
    if (server->process <= 0)
        return;
    kill(-server->process, SIGKILL);
    kill(server->process, SIGKILL); /* one that has no group yet */
    waitpid(server->process, NULL, 0);
    server->process = 0;
}

bool redis_server_restart(struct redis_server *server)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        put_in_background(server);
        if (server->process > 0 && answers(server))
            return true;
        redis_server_kill(server);
        redis_server_nap(100);
    }
    fprintf(stderr, "redis-server does not start again on port %d\n", server->port);
    return false;
}

void redis_server_stop(struct redis_server *server)
{
    redis_server_kill(server);
    if (server->keeper <= 0)
        return;
    close(server->lifeline);
    waitpid(server->keeper, NULL, 0);
    server->keeper = 0;
}

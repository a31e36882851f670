/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static struct language {
    const char *name, *file; /* the file is what the build makes */
    FILE *to, *from;
} languages[] = {
    { "java", BENCH_PEERS "/Peers.class", NULL, NULL },
    { "go", BENCH_PEERS "/peers-go", NULL, NULL },
    { "rust", BENCH_PEERS "/peers-rust", NULL, NULL },
};

static struct language *language_of(const char *peer)
{
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
        if (strncmp(peer, languages[i].name, strcspn(peer, " ")) == 0)
            return &languages[i];
    bench_require(false, peer);
    return NULL;
}

bool peer_there(const char *peer)
{
    return access(language_of(peer)->file, R_OK) == 0;
}

/* It ends when its standard input does, that is, with us. */
static void start(struct language *language)
{
    int to[2], from[2];
    bench_require(pipe(to) == 0 && pipe(from) == 0, "pipe");
    pid_t child = fork();
    bench_require(child >= 0, "fork");
    if (child == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[1]);
        close(from[0]);
        if (strcmp(language->name, "java") == 0)
            execlp("java", "java", "-cp", BENCH_PEERS, "Peers", (char *)NULL);
        else
            execl(language->file, language->file, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    language->to = fdopen(to[1], "w");
    language->from = fdopen(from[0], "r");
    bench_require(language->to != NULL && language->from != NULL, "no memory");
}

uint64_t peer_run(const char *peer, int threads, uint64_t n)
{
    struct language *language = language_of(peer);
    uint64_t nanoseconds = 0;
    if (language->to == NULL)
        start(language);
    fprintf(language->to, "%s %d %" PRIu64 "\n", strchr(peer, ' ') + 1, threads, n);
    bench_require(fflush(language->to) == 0 && fscanf(language->from, "%" SCNu64, &nanoseconds) == 1 && nanoseconds > 0, peer);
    return nanoseconds;
}

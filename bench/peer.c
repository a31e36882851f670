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

static uint64_t read_number(struct language *language, const char *peer)
{
    uint64_t number;
    bench_require(fscanf(language->from, "%" SCNu64, &number) == 1, peer);
    return number;
}

void peer_run(const char *peer, int threads, uint64_t n, struct track *tracks)
{
    struct language *language = language_of(peer);
    if (language->to == NULL)
        start(language);
    fprintf(language->to, "%s %d %" PRIu64 "\n", strchr(peer, ' ') + 1, threads, n);
    bench_require(fflush(language->to) == 0, peer);
    for (int i = 0; i < threads; i++) {
        tracks[i].arrived = read_number(language, peer);
        tracks[i].count = 0;
        for (uint64_t chunk = 0; chunk <= TRACK_CHUNKS; chunk++)
            track_add(&tracks[i], read_number(language, peer), n * chunk / TRACK_CHUNKS);
    }
}

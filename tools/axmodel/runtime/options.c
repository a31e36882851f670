/* SPDX-License-Identifier: MIT */
/* The command line of a program of model tests. */
#include "axm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: %s [options]            (usually by way of: axmodel run [options] PROGRAM)\n"
    "Runs the model tests of this program under every execution the C11 memory model allows.\n"
    "  --exhaustive         each execution once (the default); only this can say EXHAUSTED\n"
    "  --random N           N random executions\n"
    "  --pct D              random priorities with D-1 change points; with --bound executions=N\n"
    "  --seed X             of --random and --pct (default 1)\n"
    "  --replay TOKEN       the one execution a report names, of one --test; with --bound executions=N, N times;\n"
    "                       a violated one runs again before it is reported, up to three times in all\n"
    "  --bound WHAT=N       executions, events (of one execution), spurious (weak failures per thread),\n"
    "                       preemptions (of one execution), unroll (passes of a thread by one place),\n"
    "                       silence (seconds of processor time without a visible operation, default 5); may\n"
    "                       be repeated\n"
    "  --rs c20|c11         release sequences as in C++20 (default) or with later writes of the thread\n"
    "  --reuse              malloc hands out freed memory at once, so that ABA shows\n"
    "  --no-shrink          report a violation as it was found, without looking for a smaller one like it\n"
    "  --no-leaks           memory that is never freed is no violation\n"
    "  --check-subset       after the exhaustive search: random executions must show nothing new\n"
    "  --check-once         no execution may come twice in the exhaustive search (16 bytes of memory for each)\n"
    "  --must-find          for a program made wrong on purpose: exit 0 only if some test goes against its\n"
    "                       declaration\n"
    "  --seen FILE          of outcome tests: what a native run of the same source wrote with --json, to be\n"
    "                       shown beside what C11 allows\n"
    "  --test NAME          only this test; --list names them\n"
    "  --quiet  --json  --no-progress  --help  --version\n"
    "A progress line, and BOUNDED(executions N of about M), tell how many executions there are in all. That is the\n"
    "mean of random probes of the search (Knuth 1975): on average right, its standard error at most a tenth of it. It\n"
    "may still be wrong by a factor of two where the search is very uneven, and is not told while the probes differ\n"
    "too much: then it says 'of an unknown number'.\n"
    "Exit code: 0 as declared, 1 not, 2 usage, 3 inconclusive, 65 not a file for --seen or not a token of this\n"
    "test, 70 internal error, 130 interrupted.\n"
    "Load buffering is not explored (RC11): an execution in which reads and program order form a cycle.\n";

static bool number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    *out = strtoull(text, &end, 10);
    if (*end == 'e' && end[1] >= '0' && end[1] <= '9') {
        unsigned long zeros = strtoul(end + 1, &end, 10);
        for (; zeros != 0; zeros--)
            if (__builtin_mul_overflow(*out, (uint64_t)10, out))
                return false;
    }
    return errno == 0 && *end == '\0';
}

void axm_usage(const char *program, const char *problem, const char *what)
{
    fprintf(stderr, "%s: %s %s (--help explains)\n", program, problem, what);
    _exit(2);
}

static void bound(const char *program, const char *text)
{
    const char *equals = strchr(text, '=');
    uint64_t n;
    if (equals == NULL || !number(equals + 1, &n))
        axm_usage(program, "--bound wants WHAT=N, not", text);
    size_t length = (size_t)(equals - text);
    if (length == 10 && strncmp(text, "executions", length) == 0)
        axm.opt.executions = n;
    else if (length == 6 && strncmp(text, "events", length) == 0 && n >= 4 && n <= AXM_EVENTS)
        axm.opt.events = (unsigned)n;
    else if (length == 8 && strncmp(text, "spurious", length) == 0 && n <= 255)
        axm.opt.spurious = (unsigned)n;
    else if (length == 11 && strncmp(text, "preemptions", length) == 0 && n < AXM_ANY_NUMBER)
        axm.opt.preemptions = (unsigned)n;
    else if (length == 6 && strncmp(text, "unroll", length) == 0 && n != 0 && n < AXM_ANY_NUMBER)
        axm.opt.unroll = (unsigned)n;
    else if (length == 7 && strncmp(text, "silence", length) == 0 && n != 0 && n <= 3600)
        axm.opt.silence = (unsigned)n;
    else
        axm_usage(program, "--bound cannot take", text);
}

void axm_parse(int argc, char **argv)
{
    struct axm_options *o = &axm.opt;
    *o = (struct axm_options){.mode = AXM_EXHAUSTIVE, .seed = 1, .spurious = 1, .events = 4000, .leaks = true, .shrink = true,
                              .preemptions = AXM_ANY_NUMBER, .unroll = AXM_ANY_NUMBER, .silence = 5};
    o->progress = isatty(STDERR_FILENO) != 0;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        bool wants = strcmp(a, "--random") == 0 || strcmp(a, "--pct") == 0 || strcmp(a, "--seed") == 0 ||
                     strcmp(a, "--replay") == 0 || strcmp(a, "--bound") == 0 || strcmp(a, "--rs") == 0 ||
                     strcmp(a, "--test") == 0 || strcmp(a, "--seen") == 0;
        if (wants && i + 1 == argc)
            axm_usage(argv[0], "missing value after", a);
        const char *v = wants ? argv[++i] : NULL;
        uint64_t n = 0;
        if (strcmp(a, "--exhaustive") == 0) {
            o->mode = AXM_EXHAUSTIVE;
        } else if (strcmp(a, "--random") == 0) {
            o->mode = AXM_RANDOM;
            if (!number(v, &o->executions) || o->executions == 0)
                axm_usage(argv[0], "--random wants a number of executions, not", v);
        } else if (strcmp(a, "--pct") == 0) {
            o->mode = AXM_PCT;
            if (!number(v, &n) || n == 0 || n > 16)
                axm_usage(argv[0], "--pct wants a depth from 1 to 16, not", v);
            o->depth = (unsigned)n;
            if (o->executions == 0)
                o->executions = 10000;
        } else if (strcmp(a, "--seed") == 0) {
            if (!number(v, &o->seed))
                axm_usage(argv[0], "--seed wants a number, not", v);
        } else if (strcmp(a, "--replay") == 0) {
            o->mode = AXM_REPLAY;
            size_t wrong = axm_token_parse(v);
            if (wrong != 0)
                axm_corrupt("--replay: '%.200s' is no replay token from character %zu on", v, wrong);
        } else if (strcmp(a, "--bound") == 0) {
            bound(argv[0], v);
        } else if (strcmp(a, "--rs") == 0) {
            if (strcmp(v, "c11") != 0 && strcmp(v, "c20") != 0)
                axm_usage(argv[0], "--rs wants c11 or c20, not", v);
            o->c11_sequences = strcmp(v, "c11") == 0;
        } else if (strcmp(a, "--seen") == 0) {
            axm_seen_load(v);
        } else if (strcmp(a, "--test") == 0) {
            o->test = v;
        } else if (strcmp(a, "--list") == 0) {
            o->list = true;
        } else if (strcmp(a, "--must-find") == 0) {
            o->must_find = true;
        } else if (strcmp(a, "--reuse") == 0) {
            o->reuse = true;
        } else if (strcmp(a, "--no-shrink") == 0) {
            o->shrink = false;
        } else if (strcmp(a, "--no-leaks") == 0) {
            o->leaks = false;
        } else if (strcmp(a, "--check-subset") == 0) {
            o->check_subset = true;
        } else if (strcmp(a, "--check-once") == 0) {
            o->check_once = true;
        } else if (strcmp(a, "--quiet") == 0) {
            o->quiet = true;
        } else if (strcmp(a, "--json") == 0) {
            o->json = true;
        } else if (strcmp(a, "--no-progress") == 0) {
            o->progress = false;
        } else if (strcmp(a, "--help") == 0) {
            printf(help, argv[0]);
            exit(0);
        } else if (strcmp(a, "--version") == 0) {
            puts("axmodel " AX_VERSION);
            exit(0);
        } else {
            axm_usage(argv[0], "unknown option", a);
        }
    }
}

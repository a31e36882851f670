/* SPDX-License-Identifier: MIT */
/* main.c: the command line of axcheck. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "axcheck.h"
#include "budget.h"
#include "history/judge.h"
#include "parallel.h"

static const char help[] =
    "usage: axcheck [OPTION...] FILE...\n"
    "Judges what a stress program left behind. Of a record every invariant is recomputed from the raw evidence in it;\n"
    "for a history an order of its operations is looked for that explains every result (linearizability), and if there\n"
    "is none a small counterexample is drawn. What a file is, and in which form, is seen from its beginning\n"
    "(histories: text, JSON lines, binary, Jepsen's EDN).\n"
    "FILE - is standard input.\n"
    "\n"
    "  -q, --quiet        print only the last line of each file, the verdict\n"
    "      --json         print one JSON object per file instead of text\n"
    "      --convert FORM write a history to standard output as text, jsonl or binary, and judge nothing\n"
    "      --html FILE    write the reports, with counterexamples drawn, as a page of HTML that needs nothing else\n"
    "      --jobs N       judge with N threads, at most 16 (default: one per core)\n"
    "      --memory SIZE  use at most this much memory for a file (default 2G; K, M and G are powers of 1024)\n"
    "      --partial      judge a binary history that is still being written as far as it is certain\n"
    "      --setup 'NAME VALUE...'\n"
    "                     how the object of a history began, where its form can't say so (Jepsen's EDN):\n"
    "                     initial N, or balances N N...\n"
    "      --steps N      give up on a history after N steps of searching (default 1000000000)\n"
    "  -h, --help         print this and exit\n"
    "      --version      print the version and exit\n"
    "\n"
    "For each file: one line per invariant with its numbers, then FILE: holds, VIOLATED, vacuous (nothing was\n"
    "done, so nothing was shown), gave up (out of the memory allowed), or corrupt with the byte offset and the reason.\n"
    "A verdict written in the file is ignored.\n"
    "\n"
    "exit status:\n"
    "   0  every invariant of every file holds\n"
    "   1  every file could be judged, and at least one invariant is violated\n"
    "   2  usage, or a file could not be opened\n"
    "   3  vacuous or gave up\n"
    "  65  a file is corrupt: truncated, malformed, of an unknown version, or contradicts its own format\n"
    "  70  internal error, or a file or the output failed while it was read or written\n"
    "Of several files the worst decides: 70, 65, 2, 1, 3, 0 in this order.\n"
    "\n"
    "example:\n"
    "  ./stress/counter --threads 128 --iters 1e7 --record r.json && axcheck r.json\n";

static int usage(const char *format, const char *argument)
{
    fputs("axcheck: ", stderr);
    fprintf(stderr, format, argument);
    fputs("\naxcheck --help says more\n", stderr);
    return 2;
}

/* A positive integer, with K, M or G. */
static bool parse_size(const char *text, size_t *out)
{
    size_t value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(value, (size_t)10, &value) || __builtin_add_overflow(value, (size_t)(*p - '0'), &value))
            return false;
    unsigned shift = *p == 'K' ? 10 : *p == 'M' ? 20 : *p == 'G' ? 30 : 0;
    if (p == text || (shift != 0 ? p[1] : p[0]) != '\0' || value == 0 || value > SIZE_MAX >> shift)
        return false;
    *out = value << shift;
    return true;
}

static int judge(const char *name, const char *convert, bool quiet, bool json, FILE *page)
{
    static struct axc_report report;
    int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "axcheck: %s: %s\n", name, strerror(errno));
        return 2;
    }
    if (convert != NULL)
        axc_convert_fd(fd, convert, &report);
    else
        axc_judge_fd(fd, &report);
    if (fd != STDIN_FILENO)
        close(fd);
    if (convert != NULL && report.verdict != AXC_HOLDS)
        fprintf(stderr, "axcheck: can't convert it, byte %llu: %s\n", (unsigned long long)report.offset, report.reason);
    else if (convert == NULL && json)
        axc_print_json(name, &report);
    else if (convert == NULL)
        axc_print_text(name, &report, quiet);
    if (page != NULL)
        axc_page_file(page, name, &report);
    axc_report_free(&report);
    return axc_exit_status(report.verdict);
}

int main(int argc, char **argv)
{
    enum { JSON = 256, CONVERT, HTML, JOBS, MEMORY, PARTIAL, SETUP, STEPS, VERSION };
    static const struct option options[] = {
        {"quiet", no_argument, NULL, 'q'},      {"json", no_argument, NULL, JSON}, {"convert", required_argument, NULL, CONVERT}, {"html", required_argument, NULL, HTML}, {"jobs", required_argument, NULL, JOBS}, {"memory", required_argument, NULL, MEMORY},
        {"partial", no_argument, NULL, PARTIAL}, {"setup", required_argument, NULL, SETUP}, {"steps", required_argument, NULL, STEPS}, {"help", no_argument, NULL, 'h'},       {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
    };
    bool quiet = false, json = false;
    const char *convert = NULL;
    const char *html = NULL;
    size_t jobs, steps, memory = sizeof(size_t) > 4 ? (size_t)2 << 30 : (size_t)1 << 30;
    for (int option; (option = getopt_long(argc, argv, "qh", options, NULL)) != -1;) {
        switch (option) {
        case 'q':
            quiet = true;
            break;
        case JSON:
            json = true;
            break;
        case CONVERT:
            convert = optarg;
            if (strcmp(convert, "text") != 0 && strcmp(convert, "jsonl") != 0 && strcmp(convert, "binary") != 0)
                return usage("--convert: '%s' is neither text nor jsonl nor binary", convert);
            break;
        case HTML:
            html = optarg;
            break;
        case JOBS:
            if (!parse_size(optarg, &jobs) || jobs > AXC_MAX_WORKERS)
                return usage("--jobs: '%s' is not a number from 1 to 16", optarg);
            axc_set_workers(jobs);
            break;
        case MEMORY:
            if (!parse_size(optarg, &memory))
                return usage("--memory: '%s' is not a size such as 512M", optarg);
            break;
        case PARTIAL:
            axc_set_partial(true);
            break;
        case SETUP:
            axc_set_setup(optarg);
            break;
        case STEPS:
            if (!parse_size(optarg, &steps))
                return usage("--steps: '%s' is not a number such as 100M", optarg);
            axc_set_steps(steps);
            break;
        case 'h':
            fputs(help, stdout);
            return fflush(stdout) == 0 ? 0 : 70;
        case VERSION:
            puts("axcheck " AX_VERSION " (record format 1, history format 1)");
            return fflush(stdout) == 0 ? 0 : 70;
        default:
            return usage("%s", "unknown option, or one without its argument");
        }
    }
    if (optind == argc)
        return usage("%s", "no file given");
    if (convert != NULL && html != NULL)
        return usage("%s", "--convert judges nothing, so that --html has nothing to show");
    if (convert != NULL && argc - optind > 1)
        return usage("%s", "--convert takes one file");
    axc_budget_init(memory);
    FILE *page = NULL;
    if (html != NULL && (page = fopen(html, "w")) == NULL) {
        fprintf(stderr, "axcheck: %s: %s\n", html, strerror(errno));
        return 2;
    }
    if (page != NULL)
        axc_page_begin(page);
    int status = 0;
    for (int i = optind; i < argc; i++)
        status = axc_worse_status(status, judge(argv[i], convert, quiet, json, page));
    if (page != NULL)
        axc_page_end(page);
    if (page != NULL && (ferror(page) | fclose(page)) != 0) {
        fprintf(stderr, "axcheck: %s: %s\n", html, strerror(errno));
        return 70;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "axcheck: standard output: %s\n", strerror(errno));
        return 70;
    }
    return status;
}

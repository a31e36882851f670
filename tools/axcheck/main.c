/* SPDX-License-Identifier: MIT */
/* main.c: the command line of axcheck. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axcheck.h"
#include "budget.h"
#include "history/judge.h"
#include "parallel.h"
#include "progress.h"

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
    "      --jobs N       judge with N threads, at most 16, several files and keys at a time (default: one per core)\n"
    "      --memory SIZE  use at most this much memory for a file (default 2G; K, M and G are powers of 1024)\n"
    "      --partial      judge a binary history that is still being written as far as it is certain\n"
    "      --progress     say on stderr how far it is and how long it still takes (default: on a terminal, after a second)\n"
    "      --setup 'NAME VALUE...'\n"
    "                     how the object of a history began, where its form can't say so (Jepsen's EDN):\n"
    "                     initial N, or balances N N...\n"
    "      --steps N      give up on a history after N steps of searching (default 1000000000)\n"
    "  -h, --help         print this and exit\n"
    "      --version      print the version and exit\n"
    "\n"
    "For each file: one line per invariant with its numbers, then FILE: holds, VIOLATED, vacuous (nothing was\n"
    "done, so nothing was shown), gave up (out of memory or steps), or corrupt with the byte offset and the reason.\n"
    "A verdict written in the file is ignored.\n"
    "\n"
    "exit status:\n"
    "   0  every invariant of every file holds\n"
    "   1  at least one invariant is violated\n"
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

static int convert(const char *name, const char *form)
{
    struct axc_report report;
    int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "axcheck: %s: %s\n", name, strerror(errno));
        return 2;
    }
    axc_convert_fd(fd, form, &report);
    if (fd != STDIN_FILENO)
        close(fd);
    if (report.verdict != AXC_HOLDS)
        fprintf(stderr, "axcheck: can't convert it, byte %llu: %s\n", (unsigned long long)report.offset, report.reason);
    axc_report_free(&report);
    return axc_exit_status(report.verdict);
}

/* One file of several, judged side by side, each with memory of its own. */
struct file {
    const char *name;
    struct axc_budget *budget;
    struct axc_report *report;
    int error; /* errno */
    bool judged;
};

struct files {
    struct file *of;
    size_t count, printed;
    pthread_mutex_t mutex; /* what is judged and printed */
    bool quiet, json;
    FILE *page;
    int status;
};

static void judge(struct file *file)
{
    file->budget = axc_budget_create();
    file->report = calloc(1, sizeof *file->report);
    if (file->budget == NULL || file->report == NULL) {
        file->error = ENOMEM;
        return;
    }
    axc_budget_enter(file->budget);
    int fd = strcmp(file->name, "-") == 0 ? STDIN_FILENO : open(file->name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        file->error = errno;
        return;
    }
    axc_judge_fd(fd, file->report);
    if (fd != STDIN_FILENO)
        close(fd);
}

static void print(struct files *files, struct file *file)
{
    axc_progress_clear();
    axc_budget_enter(file->budget);
    if (file->error != 0) {
        fprintf(stderr, "axcheck: %s: %s\n", file->name, strerror(file->error));
        files->status = axc_worse_status(files->status, 2);
    } else {
        if (files->json)
            axc_print_json(file->name, file->report);
        else
            axc_print_text(file->name, file->report, files->quiet);
        if (files->page != NULL)
            axc_page_file(files->page, file->name, file->report);
        axc_report_free(file->report);
        files->status = axc_worse_status(files->status, axc_exit_status(file->report->verdict));
    }
    axc_budget_enter(NULL);
    axc_budget_destroy(file->budget);
    free(file->report);
}

/* Prints what is judged by then, in the order of the command line. */
static void judge_and_print(void *context, size_t piece, size_t worker)
{
    (void)worker;
    struct files *files = context;
    judge(&files->of[piece]);
    pthread_mutex_lock(&files->mutex);
    files->of[piece].judged = true;
    for (; files->printed < files->count && files->of[files->printed].judged; files->printed++)
        print(files, &files->of[files->printed]);
    pthread_mutex_unlock(&files->mutex);
    axc_progress_only_add();
}

static int judge_all(char **names, size_t count, bool quiet, bool json, FILE *page)
{
    struct files files = {.of = calloc(count, sizeof *files.of), .count = count, .quiet = quiet, .json = json, .page = page};
    if (files.of == NULL) {
        fprintf(stderr, "axcheck: %s\n", strerror(ENOMEM));
        return 70;
    }
    for (size_t i = 0; i < count; i++)
        files.of[i].name = names[i];
    if (count > 1)
        axc_progress_only("judging", "files", count);
    pthread_mutex_init(&files.mutex, NULL);
    axc_parallel(axc_workers(SIZE_MAX), count, judge_and_print, &files);
    pthread_mutex_destroy(&files.mutex);
    free(files.of);
    return files.status;
}

int main(int argc, char **argv)
{
    enum { JSON = 256, CONVERT, HTML, JOBS, MEMORY, PARTIAL, PROGRESS, SETUP, STEPS, VERSION };
    static const struct option options[] = {
        {"quiet", no_argument, NULL, 'q'},      {"json", no_argument, NULL, JSON}, {"convert", required_argument, NULL, CONVERT}, {"html", required_argument, NULL, HTML}, {"jobs", required_argument, NULL, JOBS}, {"memory", required_argument, NULL, MEMORY},
        {"partial", no_argument, NULL, PARTIAL}, {"progress", no_argument, NULL, PROGRESS}, {"setup", required_argument, NULL, SETUP}, {"steps", required_argument, NULL, STEPS}, {"help", no_argument, NULL, 'h'},       {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
    };
    bool quiet = false, json = false, progress = false;
    const char *form = NULL;
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
            form = optarg;
            if (strcmp(form, "text") != 0 && strcmp(form, "jsonl") != 0 && strcmp(form, "binary") != 0)
                return usage("--convert: '%s' is neither text nor jsonl nor binary", form);
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
        case PROGRESS:
            progress = true;
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
    if (form != NULL && html != NULL)
        return usage("%s", "--convert judges nothing, so that --html has nothing to show");
    if (form != NULL && argc - optind > 1)
        return usage("%s", "--convert takes one file");
    axc_budget_init(memory);
    FILE *page = NULL;
    if (html != NULL && (page = fopen(html, "w")) == NULL) {
        fprintf(stderr, "axcheck: %s: %s\n", html, strerror(errno));
        return 2;
    }
    if (page != NULL)
        axc_page_begin(page);
    if (form == NULL && !axc_progress_start(progress))
        fputs("axcheck: no progress is shown, as no thread can be started\n", stderr);
    int status = form != NULL ? convert(argv[optind], form) : judge_all(argv + optind, (size_t)(argc - optind), quiet, json, page);
    axc_progress_stop();
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

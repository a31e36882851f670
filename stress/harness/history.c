/* SPDX-License-Identifier: MIT */
/*
 * --history: what each thread did, as it did it (docs/history-format.md). A thread encodes into a buffer of its own
 * (include/atomicx/detail/log.h); a full one becomes a block, which one write appends whole. Nothing is shared but the
 * file, and its lock is the kernel's, so that ThreadSanitizer takes no order of ours for one of the program's.
 */
#include "rounds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crc.h"
#include "out.h"

#define BLOCK_HEAD 20
#define BLOCK_BYTES (64u * 1024)
#define WIDEST 10 /* a number */
_Static_assert(BLOCK_HEAD + AX_STRESS_RESULTS * WIDEST + AX_DETAIL_LOG_SLACK < BLOCK_BYTES, "an answer fits into a block");

/* What one thread writes. */
struct axi_log {
    _Alignas(AXI_ISOLATION) ax_stress_log face;
    struct axi_history *history;
    unsigned char *buffer;
    uint32_t process, blocks;
    uint64_t operations;
    int error; /* errno of a write that failed; what follows it is not written */
};

struct axi_history {
    int fd;
    uint32_t count;
    struct axi_log *logs; /* workers, observers, the main thread */
    uint64_t skew;
};

static unsigned char *put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        *at++ = (unsigned char)(value >> (8 * i) & 0xff);
    return at;
}

/* All or nothing, as far as the kernel plays along: a block that was cut off would end the file. */
static int write_whole(int fd, const unsigned char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

/* ---- one thread's part ---- */

static void begin_block(struct axi_log *log)
{
    log->face.at_ = log->buffer + BLOCK_HEAD;
    log->face.full_ = log->buffer + BLOCK_BYTES - AX_DETAIL_LOG_SLACK;
    log->face.previous_ = log->face.start_;
    log->face.operations_ = 0;
}

void ax_stress_log_flush_(ax_stress_log *face)
{
    struct axi_log *log = face->internal_;
    if (face->operations_ > 0 && log->error == 0) {
        unsigned char *at = log->buffer;
        memcpy(at, "AXHB", 4);
        at = put_u32(at + 4, log->process);
        at = put_u32(at, log->blocks++);
        at = put_u32(at, face->operations_);
        put_u32(at, (uint32_t)(face->at_ - log->buffer - BLOCK_HEAD));
        size_t length = (size_t)(face->at_ - log->buffer);
        put_u32(face->at_, axi_crc32c(log->buffer, length));
        log->error = write_whole(log->history->fd, log->buffer, length + 4);
        log->operations += face->operations_;
    }
    begin_block(log);
}

void ax_stress_answer_many(ax_stress_worker *self, uint64_t invoked, uint32_t event, const int64_t *results, uint32_t count)
{
    ax_stress_log *face = self->log;
    if (face == NULL)
        return;
    uint64_t answered = ax_stress_log_after_(face);
    struct axi_log *log = face->internal_;
    if (count > AX_STRESS_RESULTS) {
        log->error = E2BIG;
        return;
    }
    if ((size_t)(face->full_ - face->at_) < (size_t)count * WIDEST)
        ax_stress_log_flush_(face);
    unsigned char *at = ax_stress_log_head_(face, (uint64_t)event << 1, invoked, answered);
    at = ax_stress_log_number_(at, count);
    for (uint32_t i = 0; i < count; i++)
        at = ax_stress_log_value_(at, results[i]);
    ax_stress_log_end_(face, at);
}

void ax_stress_unanswered(ax_stress_worker *self, uint64_t invoked, uint32_t event, const int64_t *arguments, uint32_t count)
{
    ax_stress_log *face = self->log;
    if (face == NULL)
        return;
    unsigned char *at = ax_stress_log_head_(face, (uint64_t)event << 1 | 1, invoked, invoked);
    for (uint32_t i = 0; i < count; i++)
        at = ax_stress_log_value_(at, arguments[i]);
    ax_stress_log_end_(face, at);
}

/* ---- the file ---- */

const char *axi_history_open(struct axi_stress *stress)
{
    static char sentence[AXI_SENTENCE];
    const char *path = stress->history_path;
    struct axi_history *history = calloc(1, sizeof *history);
    struct stat status;
    if (history == NULL)
        return "--history: no memory";
    history->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0666);
    int error = history->fd < 0 ? errno : 0;
    struct stat other;
    if (error == 0 && stress->record_path != NULL && stat(stress->record_path, &other) == 0 && fstat(history->fd, &status) == 0 &&
        S_ISREG(status.st_mode) && status.st_dev == other.st_dev && status.st_ino == other.st_ino) {
        close(history->fd);
        free(history);
        return "--record and --history name the same file";
    }
    if (error == 0 && fstat(history->fd, &status) == 0 && S_ISFIFO(status.st_mode)) {
        close(history->fd);
        error = ESPIPE; /* long writes of several threads would mix in a pipe */
    }
    if (error != 0) {
        snprintf(sentence, sizeof sentence, "--history %s: %s", path, strerror(error));
        free(history);
        return sentence;
    }
    stress->history = history;
    return NULL;
}

static void put_event(ax_stress_out *out, const char *name, uint32_t arguments, int32_t results)
{
    ax_stress_put_array(out, NULL);
    ax_stress_put_string(out, NULL, name);
    ax_stress_put_integer(out, NULL, arguments);
    ax_stress_put_integer(out, NULL, results);
    ax_stress_put_end(out);
}

/* The description, as JSON. */
static char *describe(const struct axi_stress *stress, size_t *length)
{
    const ax_stress_run *run = &stress->run;
    const ax_stress_program *program = run->program;
    char *text = NULL;
    FILE *file = open_memstream(&text, length);
    if (file == NULL)
        return NULL;
    ax_stress_out out;
    axi_out_start(&out, file);
    ax_stress_put_string(&out, "format", "atomicx-history");
    ax_stress_put_integer(&out, "version", 1);
    ax_stress_put_string(&out, "model", program->model);
    ax_stress_put_object(&out, "setup");
    if (program->put_model != NULL)
        program->put_model(run, &out);
    ax_stress_put_end(&out);
    ax_stress_put_integer(&out, "skew", (int64_t)stress->history->skew);
    ax_stress_put_string(&out, "origin", stress->replay);
    ax_stress_put_array(&out, "operations");
    for (size_t i = 0; i < program->event_count; i++)
        put_event(&out, program->events[i].name, program->events[i].arguments, program->events[i].results);
    for (size_t i = 0; i < program->operation_count && axi_declared(run->impl); i++)
        put_event(&out, program->operations[i].name, axi_arguments(&program->operations[i]), 1);
    ax_stress_put_end(&out);
    ax_stress_put_integer(&out, "processes", run->threads + run->observers); /* the main thread writes when they have ended */
    bool written = axi_out_finish(&out);
    if (fclose(file) == 0 && written)
        return text;
    free(text);
    return NULL;
}

static int write_description(const struct axi_stress *stress)
{
    static const unsigned char magic[8] = { 0x89, 0x41, 0x58, 0x48, 0x0d, 0x0a, 0x1a, 0x0a };
    size_t length = 0;
    char *text = describe(stress, &length);
    unsigned char *bytes = text != NULL ? malloc(sizeof magic + 12 + length) : NULL;
    int error = ENOMEM;
    if (bytes != NULL) {
        memcpy(bytes, magic, sizeof magic);
        unsigned char *at = put_u32(bytes + sizeof magic, 1);
        at = put_u32(at, (uint32_t)length);
        memcpy(at, text, length);
        put_u32(at + length, axi_crc32c(bytes, (size_t)(at - bytes) + length));
        error = write_whole(stress->history->fd, bytes, sizeof magic + 12 + length);
    }
    free(bytes);
    free(text);
    return error;
}

static const char *failed(const struct axi_stress *stress, int error)
{
    static char sentence[AXI_SENTENCE];
    snprintf(sentence, sizeof sentence, "--history %s: %s", stress->history_path, strerror(error));
    return sentence;
}

const char *axi_history_start(struct axi_stress *stress)
{
    const ax_stress_run *run = &stress->run;
    struct axi_history *history = stress->history;
    struct axi_clock clock = axi_clock_choose(&stress->allowed);
    axi_crc32c_init();
    history->skew = clock.skew;
    history->count = run->threads + run->observers + 1;
    history->logs = aligned_alloc(AXI_ISOLATION, history->count * sizeof *history->logs);
    if (history->logs == NULL)
        return failed(stress, ENOMEM);
    memset(history->logs, 0, history->count * sizeof *history->logs);
    ax_stress_log now = { .counter_ = clock.counter };
    uint64_t start = ax_stress_log_before_(&now);
    for (uint32_t i = 0; i < history->count; i++) {
        struct axi_log *log = &history->logs[i];
        *log = (struct axi_log){ .history = history, .process = i };
        log->face = (ax_stress_log){ .start_ = start, .last_ = start, .counter_ = clock.counter, .internal_ = log };
        /* on a page of its own, first touched by its thread */
        log->buffer = aligned_alloc(4096, BLOCK_BYTES);
        if (log->buffer == NULL)
            return failed(stress, ENOMEM);
        begin_block(log);
    }
    int error = write_description(stress);
    return error != 0 ? failed(stress, error) : NULL;
}

ax_stress_log *axi_history_log(const struct axi_stress *stress, uint32_t process)
{
    return stress->history != NULL ? &stress->history->logs[process].face : NULL;
}

const char *axi_history_end(struct axi_stress *stress)
{
    static char sentence[AXI_SENTENCE];
    struct axi_history *history = stress->history;
    uint64_t operations = 0, back = 0;
    uint32_t blocks = 0;
    int error = 0;
    for (uint32_t i = 0; i < history->count; i++) {
        struct axi_log *log = &history->logs[i];
        ax_stress_log_flush_(&log->face);
        operations += log->operations;
        blocks += log->blocks;
        error = error != 0 ? error : log->error;
        back = log->face.back_ > back ? log->face.back_ : back;
    }
    if (back > history->skew && error == 0) {
        snprintf(sentence, sizeof sentence, "--history %s: the clock of a thread went back by %llu when it was moved, more than "
                 "the %llu measured: no history", stress->history_path, (unsigned long long)back,
                 (unsigned long long)history->skew);
        return sentence;
    }
    unsigned char end[BLOCK_HEAD + 4] = "AXHE";
    put_u32(put_u32(end + 4, (uint32_t)operations), (uint32_t)(operations >> 32));
    put_u32(end + 12, blocks);
    put_u32(end + BLOCK_HEAD, axi_crc32c(end, BLOCK_HEAD));
    if (error == 0)
        error = write_whole(history->fd, end, sizeof end);
    return error != 0 ? failed(stress, error) : NULL;
}

void axi_history_close(struct axi_stress *stress)
{
    struct axi_history *history = stress->history;
    if (history == NULL)
        return;
    for (uint32_t i = 0; history->logs != NULL && i < history->count; i++)
        free(history->logs[i].buffer);
    free(history->logs);
    close(history->fd);
    free(history);
    stress->history = NULL;
}

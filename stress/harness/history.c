/* SPDX-License-Identifier: MIT */
/*
 * --history: what each thread did, as it did it (docs/history-format.md). A thread notes its operations in words of its own
 * (include/atomicx/detail/log.h), which are encoded into a buffer, many at a time; a full one becomes a block, which one
 * write appends whole. Nothing is shared but the file, and its lock is the kernel's, so that ThreadSanitizer takes no order of
 * ours for one of the program's.
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
#define WIDEST 10     /* bytes of a number */
#define NOTED 512     /* words, which the nearest cache keeps */
#define NOTED_MOST (NOTED + AX_DETAIL_LOG_HEAD + AX_STRESS_VALUES)
#define ANY UINT32_MAX /* number of values */
_Static_assert(BLOCK_HEAD + NOTED_MOST * WIDEST + WIDEST < BLOCK_BYTES, "what was noted fits into a block");
_Static_assert(BLOCK_HEAD + (AX_STRESS_RESULTS + AX_DETAIL_LOG_HEAD + 1) * WIDEST + WIDEST < BLOCK_BYTES, "so does an answer of many results");

/* What the times of a thread are encoded by. */
struct times {
    uint64_t previous; /* the last one in this block, the history's start at its beginning */
    uint64_t last;     /* the last one of this thread */
    uint64_t back;     /* the furthest that the clock ever went back */
};

/* What one thread writes. */
struct axi_log {
    _Alignas(AXI_ISOLATION) ax_stress_log face;
    uint64_t noted[NOTED_MOST];
    const struct axi_stress *stress;
    unsigned char *buffer, *at;
    struct times times;
    uint64_t operations, in_block;
    uint32_t process, blocks;
    int error; /* errno of a write that failed; what follows it is not written */
};

/* How many values an operation has. */
struct shape {
    uint32_t arguments, all;
};

struct axi_history {
    int fd;
    uint32_t count;
    struct axi_log *logs; /* workers, observers, the main thread */
    uint64_t start;       /* what the clock showed at the history's time 0 */
    uint64_t skew;
    struct shape *shapes; /* of each of its operations */
    size_t shape_count;
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

/* ---- numbers and times ---- */

/* One byte or two without a branch: which of them it is, the processor could only guess, for most keys and values and the
 * time that an operation took, and a wrong guess costs as much as all the rest here. */
static inline unsigned char *put_number(unsigned char *at, uint64_t number)
{
    while (number >= 0x4000) {
        *at++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    uint64_t more = number > 0x7f;
    at[0] = (unsigned char)(number | more << 7);
    at[1] = (unsigned char)(number >> 7);
    return at + 1 + more;
}

static unsigned char *put_values(unsigned char *at, const int64_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        at = put_number(at, ax_stress_log_value_(values[i]));
    return at;
}

/* A thread that was moved to a CPU whose clock is behind (the file's `skew` says by how much that may be) sees time go
 * back; its own order is certain, so it is what is kept. So it is where the counter was read for an answer and then for the
 * next operation, and that happened the other way round (detail/stamp.h). */
static inline unsigned char *put_head(struct times *times, unsigned char *at, uint64_t head, uint64_t invoked, uint64_t answered)
{
    if (invoked < times->last) {
        uint64_t back = times->last - invoked;
        times->back = back > AX_DETAIL_STAMP_SWAPPED && back > times->back ? back : times->back;
        invoked = times->last;
    }
    if (answered < invoked) {
        times->back = invoked - answered > times->back ? invoked - answered : times->back;
        answered = invoked;
    }
    uint64_t since = invoked - times->previous, took = answered - invoked;
    times->previous = times->last = answered;
    if ((head | since | took) < 0x80 && (head & 1) == 0) {
        at[0] = (unsigned char)head;
        at[1] = (unsigned char)since;
        at[2] = (unsigned char)took;
        return at + 3;
    }
    at = put_number(at, head);
    at = put_number(at, since);
    return (head & 1) == 0 ? put_number(at, took) : at;
}

/* ---- one thread's part ---- */

static void begin_block(struct axi_log *log)
{
    log->at = log->buffer + BLOCK_HEAD;
    log->times.previous = log->stress->history->start;
    log->in_block = 0;
}

static void send_block(struct axi_log *log)
{
    if (log->in_block > 0 && log->error == 0) {
        unsigned char *at = log->buffer;
        memcpy(at, "AXHB", 4);
        at = put_u32(at + 4, log->process);
        at = put_u32(at, log->blocks++);
        at = put_u32(at, (uint32_t)log->in_block);
        put_u32(at, (uint32_t)(log->at - log->buffer - BLOCK_HEAD));
        size_t length = (size_t)(log->at - log->buffer);
        put_u32(log->at, axi_crc32c(log->buffer, length));
        log->error = write_whole(log->stress->history->fd, log->buffer, length + 4);
        log->operations += log->in_block;
    }
    begin_block(log);
}

static void make_room(struct axi_log *log, size_t numbers)
{
    if ((size_t)(log->buffer + BLOCK_BYTES - log->at) < (numbers + 1) * WIDEST)
        send_block(log);
}

/* Not what the table of events says: nobody could read it back. */
static void __attribute__((noreturn, cold)) wrong_values(const struct axi_log *log, uint32_t event, uint32_t count)
{
    const ax_stress_program *program = log->stress->run.program;
    const struct axi_history *history = log->stress->history;
    if (event >= history->shape_count)
        fprintf(stderr, "%s: an answer of event %u, and there are %zu\n", program->noun, event, history->shape_count);
    else
        fprintf(stderr, "%s: an answer of event %u with %u values, not the arguments and results that it has in the table\n",
                program->noun, event, count);
    _exit(AXI_EXIT_TABLE);
}

void ax_stress_log_encode_(ax_stress_log *face)
{
    struct axi_log *log = (struct axi_log *)(void *)face;
    const struct shape *shapes = log->stress->history->shapes;
    const size_t shape_count = log->stress->history->shape_count;
    const uint64_t *const end = face->at_;
    uint64_t operations = 0;
    make_room(log, NOTED_MOST);
    struct times times = log->times;
    unsigned char *at = log->at;
    for (const uint64_t *noted = log->noted; noted < end; operations++) {
        uint32_t event = (uint32_t)noted[2], count = (uint32_t)(noted[2] >> 32);
        if (event >= shape_count || count != shapes[event].all)
            wrong_values(log, event, count);
        at = put_head(&times, at, (uint64_t)event << 1, noted[0], noted[1]);
        for (noted += AX_DETAIL_LOG_HEAD; count > 0; count--)
            at = put_number(at, *noted++);
    }
    log->at = at;
    log->times = times;
    log->in_block += operations;
    face->at_ = log->noted;
    ax_stress_log_pause_(face);
}

/* An operation that is not noted first; its values follow. */
static unsigned char *begin_operation(struct axi_log *log, uint64_t head, uint64_t invoked, uint64_t answered, uint32_t count)
{
    ax_stress_log_encode_(&log->face);
    make_room(log, AX_DETAIL_LOG_HEAD + 1 + (size_t)count);
    log->in_block++;
    return put_head(&log->times, log->at, head, invoked, answered);
}

void ax_stress_answer_many(ax_stress_worker *self, uint64_t invoked, uint32_t event, const int64_t *results, uint32_t count)
{
    if (self->log == NULL)
        return;
    uint64_t answered = ax_stress_log_after_(self->log);
    struct axi_log *log = (struct axi_log *)(void *)self->log;
    const struct axi_history *history = log->stress->history;
    if (event >= history->shape_count || history->shapes[event].all != ANY)
        wrong_values(log, event, count);
    if (count > AX_STRESS_RESULTS) {
        log->error = E2BIG;
        return;
    }
    unsigned char *at = begin_operation(log, (uint64_t)event << 1, invoked, answered, count);
    log->at = put_values(put_number(at, count), results, count);
}

void ax_stress_unanswered(ax_stress_worker *self, uint64_t invoked, uint32_t event, const int64_t *arguments, uint32_t count)
{
    if (self->log == NULL)
        return;
    struct axi_log *log = (struct axi_log *)(void *)self->log;
    const struct axi_history *history = log->stress->history;
    if (event >= history->shape_count || count != history->shapes[event].arguments)
        wrong_values(log, event, count);
    unsigned char *at = begin_operation(log, (uint64_t)event << 1 | 1, invoked, invoked, count);
    log->at = put_values(at, arguments, count);
}

void axi_history_flush(ax_stress_log *face)
{
    ax_stress_log_encode_(face);
    send_block((struct axi_log *)(void *)face);
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

/* ---- its operations: the events of the table, or what a declared program's operations take, with one result each ---- */

static size_t event_count(const ax_stress_run *run)
{
    return axi_declared(run->impl) ? run->program->operation_count : run->program->event_count;
}

static ax_stress_event event_at(const ax_stress_run *run, size_t i)
{
    const ax_stress_program *program = run->program;
    if (!axi_declared(run->impl))
        return program->events[i];
    return (ax_stress_event){ program->operations[i].name, axi_arguments(&program->operations[i]), 1 };
}

static bool know_shapes(const ax_stress_run *run, struct axi_history *history)
{
    history->shape_count = event_count(run);
    history->shapes = calloc(history->shape_count + 1, sizeof *history->shapes);
    for (size_t i = 0; history->shapes != NULL && i < history->shape_count; i++) {
        ax_stress_event event = event_at(run, i);
        history->shapes[i] = (struct shape){ event.arguments, event.results < 0 ? ANY : event.arguments + (uint32_t)event.results };
    }
    return history->shapes != NULL;
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
    for (size_t i = 0; i < event_count(run); i++) {
        ax_stress_event event = event_at(run, i);
        ax_stress_put_array(&out, NULL);
        ax_stress_put_string(&out, NULL, event.name);
        ax_stress_put_integer(&out, NULL, event.arguments);
        ax_stress_put_integer(&out, NULL, event.results);
        ax_stress_put_end(&out);
    }
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
    if (!know_shapes(run, history))
        return failed(stress, ENOMEM);
    ax_stress_log now = { .counter_ = clock.counter };
    history->start = ax_stress_log_before_(&now);
    for (uint32_t i = 0; i < history->count; i++) {
        struct axi_log *log = &history->logs[i];
        log->face = (ax_stress_log){ .at_ = log->noted, .full_ = log->noted + NOTED, .counter_ = clock.counter };
        log->stress = stress;
        log->process = i;
        log->times.last = history->start;
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
        axi_history_flush(&log->face);
        operations += log->operations;
        blocks += log->blocks;
        error = error != 0 ? error : log->error;
        back = log->times.back > back ? log->times.back : back;
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
    free(history->shapes);
    close(history->fd);
    free(history);
    stress->history = NULL;
}

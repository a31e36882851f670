/* SPDX-License-Identifier: MIT */
/* The main thread while the others run: progress line, time limit, watchdog, heartbeat. */
#include "rounds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS (AXI_SECOND / 10)
#define NAMED_MOST 3 /* threads that hang */

struct progress {
    bool shown;   /* on a terminal, and not told otherwise */
    bool plain;   /* no escape sequences: NO_COLOR, or a dumb terminal */
    int width;    /* of the line on the screen, to wipe it without escapes */
    uint64_t next_ns;
};

static struct progress progress_start(const struct axi_stress *stress)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return (struct progress){
        .shown = isatty(STDERR_FILENO) && !stress->quiet && !stress->no_progress,
        .plain = (no_color != NULL && *no_color != '\0') || term == NULL || strcmp(term, "dumb") == 0,
    };
}

static void progress_wipe(struct progress *progress)
{
    if (progress->plain)
        fprintf(stderr, "\r%*s\r", progress->width, "");
    else
        fputs("\r\033[K", stderr);
    progress->width = 0;
}

static void progress_show(struct progress *progress, const struct axi_stress *stress, uint64_t elapsed_ns)
{
    const ax_stress_run *run = &stress->run;
    double done = (double)axi_operations_done(stress);
    double seconds = (double)elapsed_ns / 1e9;
    double share = run->duration_ns != 0 ? (double)elapsed_ns / (double)run->duration_ns
                                         : done / ((double)run->iters * run->threads);
    if (share > 1)
        share = 1;
    char line[160];
    int width = snprintf(line, sizeof line, "%s %s: %3.0f %%, %.3g M operations, %.3g M/s, %.0f s to go",
                         run->program->noun, run->impl->name, share * 100, done / 1e6, done / 1e6 / seconds,
                         share > 0 ? seconds * (1 - share) / share : 0.0);
    progress_wipe(progress);
    fputs(progress->plain ? "" : "\033[2m", stderr);
    fputs(line, stderr);
    fputs(progress->plain ? "" : "\033[0m", stderr);
    fflush(stderr);
    progress->width = width;
}

uint64_t axi_operations_done(const struct axi_stress *stress)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < stress->run.threads; i++)
        sum += AX_DETAIL_LOAD_RELAXED(&stress->threads[i].done);
    return sum;
}

/* Sleeps until *left is 0 or `ns` have passed; true: it is 0. */
static bool wait_until_none(struct axi_stress *stress, const uint32_t *left, uint64_t ns)
{
    uint64_t deadline = axi_now_ns() + ns;
    struct timespec until = { .tv_sec = (time_t)(deadline / AXI_SECOND), .tv_nsec = (long)(deadline % AXI_SECOND) };
    pthread_mutex_lock(&stress->mutex);
    int error = 0;
    while (*left > 0 && error == 0)
        error = pthread_cond_timedwait(&stress->changed, &stress->mutex, &until);
    bool none = *left == 0;
    pthread_mutex_unlock(&stress->mutex);
    return none;
}

/* Which operations of a declared program don't come back. */
static void say_where(const struct axi_stress *stress, char *sentence, size_t size)
{
    uint32_t named = 0;
    for (uint32_t i = 0; i < stress->run.threads && strlen(sentence) + 1 < size; i++) {
        uint32_t calls = AX_DETAIL_LOAD_RELAXED(&stress->threads[i].calls);
        size_t length = strlen(sentence);
        if (calls != 0 && ++named <= NAMED_MOST)
            snprintf(sentence + length, size - length, "%s thread %u is in %s", named == 1 ? ":" : ",", i,
                     stress->run.program->operations[calls - 1].name);
    }
    size_t length = strlen(sentence);
    if (named > NAMED_MOST)
        snprintf(sentence + length, size - length, ", and %u more", named - NAMED_MOST);
    else if (named == 0)
        snprintf(sentence + length, size - length, ": in create, destroy, the model or the invariant");
}

static void say_hung(const struct axi_stress *stress, char *sentence, size_t size)
{
    const ax_stress_run *run = &stress->run;
    uint32_t stuck = 0;
    int length = snprintf(sentence, size, "hung: nothing moved for %g s", (double)stress->hang_ns / 1e9);
    if (axi_declared(run->impl)) {
        say_where(stress, sentence, size);
        return;
    }
    for (uint32_t i = 0; i < run->threads; i++)
        if (AX_DETAIL_LOAD_RELAXED(&stress->threads[i].done) < run->iters)
            stuck++;
    snprintf(sentence + length, size - (size_t)length, ", %u of %u workers are not through, after %" PRIu64 " operations", stuck,
             run->threads, axi_operations_done(stress));
}

uint64_t axi_still_ns(struct axi_stillness *stillness, uint64_t look_ns)
{
    uint64_t now = axi_now_ns(), passed = now - stillness->looked_ns;
    stillness->looked_ns = now;
    stillness->ns += passed < 2 * look_ns ? passed : 2 * look_ns;
    return stillness->ns;
}

bool axi_watch(struct axi_stress *stress, char *sentence, size_t size)
{
    const ax_stress_run *run = &stress->run;
    struct progress progress = progress_start(stress);
    uint64_t begun = axi_now_ns();
    struct axi_stillness stillness = { .looked_ns = begun };
    uint64_t batches = 0;
    uint32_t finished = 0;
    const uint32_t *left = &stress->workers_left;
    bool ended = false;
    for (;;) {
        uint64_t now = axi_now_ns();
        uint64_t tick = TICK_NS;
        if (run->duration_ns != 0) {
            if (now - begun >= run->duration_ns)
                axi_ask_to_stop();
            else if (run->duration_ns - (now - begun) < tick)
                tick = run->duration_ns - (now - begun);
        }
        if (wait_until_none(stress, left, tick)) {
            ended = left == &stress->observers_left;
            if (ended)
                break;
            /* relaxed: observers only have to see it some time */
            AX_DETAIL_STORE_RELAXED(&stress->observers_stop, 1u);
            left = &stress->observers_left;
            stillness.ns = 0;
            continue;
        }
        pthread_mutex_lock(&stress->mutex);
        uint32_t finished_now = run->threads - stress->workers_left;
        pthread_mutex_unlock(&stress->mutex);
        uint64_t batches_now = AX_DETAIL_LOAD_RELAXED(&stress->epoch);
        uint64_t still_ns = axi_still_ns(&stillness, TICK_NS);
        if (batches_now != batches || finished_now != finished) {
            stillness.ns = 0;
            batches = batches_now;
            finished = finished_now;
        } else if (still_ns > stress->hang_ns) {
            say_hung(stress, sentence, size);
            break;
        }
        axi_heartbeat(stress, '.');
        now = stillness.looked_ns;
        if (progress.shown && now >= progress.next_ns) {
            progress_show(&progress, stress, now - begun);
            progress.next_ns = now + AXI_SECOND / 4;
        }
    }
    if (progress.width > 0)
        progress_wipe(&progress);
    return ended;
}

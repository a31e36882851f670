/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the harness share.
 *
 *   main.c     the order of things, the verdict, the exit code
 *   table.c    whether the program's table makes sense
 *   options.c  the command line; help.c what it says about itself
 *   threads.c  workers and observers, the start line, the batches
 *   watch.c    the main thread while they run: progress, time limit, watchdog
 *   child.c    broken implementations in a process of their own
 *   record.c   --record; out.c, set.c, samples.c what goes into it
 *   history.c  --history; clock.c its time, crc.c its checksums
 *   rounds.c   declared programs: rounds; row.c what each thread does in them; plan.c what is done in one, verdict.c whether
 *              it has an order, pause.c stops a thread at an instruction, hunt.c shrinks one that has none; calls.c the one
 *              long run for a history
 *   signals.c  Ctrl-C; chaos.c scheduling noise; pin.c affinity; keys.c, random.c choices; number.c numbers
 */
#ifndef AXI_STRESS_INTERNAL_H
#define AXI_STRESS_INTERNAL_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <atomicx/detail/atomic.h>
#include <atomicx/stress.h>

#include "keys.h"

#define AXI_EXIT_USAGE 2
#define AXI_EXIT_TABLE 64
#define AXI_EXIT_INTERNAL 70
#define AXI_EXIT_INTERRUPTED 130

#define AXI_THREADS_MAX 1000000
#define AXI_OBSERVERS_MOST 1024
#define AXI_KEYS_MOST (INT64_C(1) << 40)
#define AXI_OPTIONS_MAX 16
#define AXI_NAME_MOST 31
#define AXI_WEIGHT_MOST 1000000
#define AXI_SENTENCE 512
#define AXI_HANG_SECONDS 30
#define AXI_ISOLATION 128 /* two cache lines, as x86 prefetches them in pairs */
#define AXI_SECOND UINT64_C(1000000000)

enum axi_pin { AXI_PIN_NONE, AXI_PIN_COMPACT, AXI_PIN_SCATTER };

/* One worker or observer. `done` is written by it after every batch and read by the watching thread. */
struct axi_thread {
    _Alignas(AXI_ISOLATION) uint64_t done; /* operations completed */
    uint64_t batches;
    uint64_t overlaps; /* batches during which another worker completed one */
    uint64_t begun_ns, ended_ns;
    uint32_t calls; /* of a declared program: 1 + the operation it is in, or 0; read by the watching thread when nothing moves */
    struct axi_stress *stress;
    void *tally;
    uint32_t number;
    bool observer;
    pthread_t id;
};

struct axi_stress {
    ax_stress_run run;

    /* the command line; options.c */
    const char *command_name;
    int64_t value[AXI_OPTIONS_MAX];
    uint32_t weight[AX_STRESS_OPERATIONS];
    enum axi_dist dist;
    double theta;
    const char *theta_text;
    enum axi_pin pin;
    bool chaos, no_chaos, json, quiet, no_progress, in_process;
    const char *record_path, *history_path;
    uint64_t hang_ns;
    uint32_t round_ops;     /* --ops */
    bool pauses;            /* threads pause in the midst of operations */
    const char *round_text; /* --round */
    struct axi_plan *round; /* the same, or NULL */
    char *replay; /* the command that gives this configuration again */

    /* the machine; threads.c */
    struct axi_keys keys;
    cpu_set_t allowed;
    int *cpu_order; /* CPUs in the order that --pin hands them out; NULL without --pin */
    uint32_t cpu_count;
    struct axi_thread *threads; /* the workers, then the observers */
    char *tallies;
    uint32_t created;
    pthread_mutex_t mutex; /* guards the four below */
    pthread_cond_t changed;
    bool all_created;
    bool called_off; /* not all could be created: the others go home */
    uint32_t workers_left;
    uint32_t observers_left;
    /* Relaxed words: what they must order, thread creation and joining order. */
    _Alignas(AXI_ISOLATION) uint32_t lined_up; /* threads at the start line; the last one starts all */
    _Alignas(AXI_ISOLATION) uint32_t go;
    uint32_t observers_stop;
    _Alignas(AXI_ISOLATION) uint64_t epoch; /* batches completed by all workers */

    /* the record; record.c */
    FILE *record;
    char *record_temporary;
    struct axi_hunt *hunt;     /* hunt.c; NULL where there are no rounds */
    struct axi_rounds *rounds; /* rounds.c; the same */
    struct axi_history *history; /* history.c; NULL without --history */
    int heartbeat_fd; /* in a child: the pipe to the parent, else -1 */
};

uint64_t axi_now_ns(void);
static inline void axi_spin_hint(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* table.c; NULL, or what is wrong with the program's table. */
const char *axi_table_check(const ax_stress_program *program);

/* options.c; false: leave with exit code *code (after --help, --list or a usage error). */
bool axi_options(struct axi_stress *stress, int argc, char **argv, int *code);
bool axi_option_is_ours(const char *name); /* and no program's */
/* What --mix says by default: all the same where the table has no weights. */
uint32_t axi_default_weight(const ax_stress_program *program, size_t operation);
int axi_usage_error(const struct axi_stress *stress, const char *sentence);
/* help.c; the replay command is NULL when there is no memory */
void axi_help(const struct axi_stress *stress);
void axi_list(const struct axi_stress *stress);
void axi_version(const struct axi_stress *stress);
char *axi_replay_command(const struct axi_stress *stress);

/* threads.c; false: not all could be created, and the sentence says why. */
bool axi_threads_create(struct axi_stress *stress, char *sentence, size_t size);
void axi_threads_join(struct axi_stress *stress);
void axi_threads_free(struct axi_stress *stress);

/* watch.c: waits for the workers, then for the observers. False: they hang, and the sentence says so. */
bool axi_watch(struct axi_stress *stress, char *sentence, size_t size);

/*
 * For who looks every look_ns whether others move: for how long they have not (ns; 0 again when they have). Of the time since
 * the look before, two such turns count at most: a watcher that came later was itself not let to run, by Ctrl-Z or a busy
 * machine, and the others may not have been, either.
 */
struct axi_stillness {
    uint64_t ns, looked_ns;
};
uint64_t axi_still_ns(struct axi_stillness *stillness, uint64_t look_ns);
uint64_t axi_operations_done(const struct axi_stress *stress);

/* pin.c */
bool axi_pin_plan(struct axi_stress *stress);
void axi_pin_self(const struct axi_stress *stress, uint32_t number);

/* chaos.c */
bool axi_chaos_start(struct axi_stress *stress);
void axi_chaos_stop(void);
void axi_chaos_enter(uint64_t seed, uint32_t number);

/* signals.c: SIGINT and SIGTERM ask all workers to stop; a second SIGINT ends the process at once. */
void axi_signals_install(bool child);
bool axi_stop_asked(void);
void axi_ask_to_stop(void);
bool axi_interrupted(void);
void axi_signals_child(int pid);         /* whom to take along; 0: nobody */
void axi_signals_unlink(const char *path); /* what to remove when ended at once; NULL: nothing */

/* child.c: runs `body` in a child and returns the exit code, or -1 when it crashed or hung (sentence). */
int axi_in_child(struct axi_stress *stress, int (*body)(struct axi_stress *), char *sentence, size_t size);
void axi_heartbeat(const struct axi_stress *stress, char what);

/* record.c */
const char *axi_record_open(struct axi_stress *stress);
const char *axi_record_write(struct axi_stress *stress);
void axi_record_abandon(struct axi_stress *stress);

/* history.c: opened in the parent, started after setup, ended when all threads were joined. A file that was not ended says
 * so by itself. Each returns NULL, or why not. */
const char *axi_history_open(struct axi_stress *stress);
const char *axi_history_start(struct axi_stress *stress);
const char *axi_history_end(struct axi_stress *stress);
void axi_history_close(struct axi_stress *stress);
/* The log of a worker, of observer number process - threads, or of the main thread; NULL without --history. */
ax_stress_log *axi_history_log(const struct axi_stress *stress, uint32_t process);
void axi_history_flush(ax_stress_log *log); /* what was noted so far becomes a block of the file */

#endif

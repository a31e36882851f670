/* SPDX-License-Identifier: MIT */
/* The program's main: the tests, how they end, their verdicts. */
#include "axm.h"

#include "atomicx/model.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static AXM_STATE struct ax_model_case *tests;
static AXM_STATE volatile sig_atomic_t interrupted;

void ax_model_register(struct ax_model_case *test)
{
    struct ax_model_case **p = &tests;
    while (*p != NULL)
        p = &(*p)->next;
    *p = test;
}

void ax_model_fail(const char *text) { axm_violation(AXM_ASSERT, AXM_CALLER, "%s", text); }

unsigned ax_model_choose(unsigned n)
{
    if (n == 0 || n > 1000)
        axm_violation(AXM_MISUSE, AXM_CALLER, "ax_model_choose(%u): from 1 to 1000", n);
    return n == 1 ? 0 : axm_choose(n, AXM_N_CHOOSE, AXM_CALLER);
}

void ax_model_assume(int condition)
{
    if (!condition)
        axm_give_up(AXM_GIVEN_UP);
}

/* ---- how a test can end by itself ---- */

void __wrap___assert_fail(const char *text, const char *file, unsigned line, const char *function)
    __attribute__((noreturn));
void __wrap___assert_fail(const char *text, const char *file, unsigned line, const char *function)
{
    const char *short_name = strrchr(file, '/');
    if (axm.cur == NULL)
        axm_fatal("%s:%u: assertion outside of a test: %s", file, line, text);
    axm_violation(AXM_ASSERT, AXM_CALLER, "%s:%u: %s: assert(%s) failed", short_name != NULL ? short_name + 1 : file,
                  line, function, text);
}

void __real_exit(int) __attribute__((noreturn));
void __real__exit(int) __attribute__((noreturn));
void __real_abort(void) __attribute__((noreturn));
void __wrap_exit(int) __attribute__((noreturn));
void __wrap__exit(int) __attribute__((noreturn));
void __wrap_abort(void) __attribute__((noreturn));

void __wrap_exit(int status)
{
    if (axm.cur == NULL)
        __real_exit(status);
    axm_violation(AXM_EXIT, AXM_CALLER, "exit(%d)", status);
}

void __wrap__exit(int status)
{
    if (axm.cur == NULL)
        __real__exit(status);
    axm_violation(AXM_EXIT, AXM_CALLER, "_exit(%d)", status);
}

void __wrap_abort(void)
{
    if (axm.cur == NULL)
        __real_abort();
    axm_violation(AXM_EXIT, AXM_CALLER, "abort()");
}

static void crashed(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (axm.cur == NULL) {
        signal(sig, SIG_DFL); /* our own fault: let it kill us */
        return;
    }
    uintptr_t addr = (uintptr_t)info->si_addr;
    const struct axm_fiber *f = axm.cur;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    if (sig == SIGABRT)
        axm_violation(AXM_EXIT, f->pc, "abort() in a library, in thread %u, some time after the operation named below", f->tid);
    if (addr < (uintptr_t)f->lo && addr >= (uintptr_t)f->lo - 4096)
        axm_violation(AXM_CRASH, f->pc, "thread %u used up its stack of %d bytes", f->tid, AXM_STACK);
    axm_violation(AXM_CRASH, f->pc, "%s at address %#zx in thread %u, some time after the operation named below",
                  strsignal(sig), (size_t)addr, f->tid);
}

/* Every second of processor time. A run lasts microseconds; one that is still the same after some seconds
 * and has made no event since is in a loop that nothing visible will end. */
static void on_tick(int sig)
{
    static AXM_STATE uint64_t run;
    static AXM_STATE uint16_t events;
    static AXM_STATE unsigned ticks;
    (void)sig;
    if (axm.cur == NULL || axm.stats.runs != run || axm.g->n != events) {
        ticks = 0;
        run = axm.stats.runs;
        events = axm.cur == NULL ? 0 : axm.g->n;
        return;
    }
    if (++ticks < axm.opt.silence)
        return;
    ticks = 0;
    axm.stalled = true;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGVTALRM);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    axm_violation(AXM_LIVELOCK, axm.cur->pc,
                  "thread %u has run for %u s without an operation that others could see, after the one named below",
                  axm.cur->tid, axm.opt.silence);
}

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

/* ---- one test ---- */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Rates are per second of processor time: they are the same on a busy machine. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* At the end of an execution in which threads still wait: do they wait for something that has happened
 * meanwhile (the execution is one of those a revisit continues), or for ever? */
static bool stuck(void)
{
    if (!axm_all_wait())
        return false;
    bool spin = false, other = false;
    uintptr_t pc = 0;
    char who[256];
    size_t used = 0;
    who[0] = '\0';
    for (unsigned t = 0; t < AXM_THREADS; t++) {
        const struct axm_fiber *f = axm.fiber[t];
        if (f->state == AXM_BLOCKED) {
            if (axm.opt.mode == AXM_EXHAUSTIVE && axm.g->ev[axm.g->last[t]].flags & AXM_TIMED)
                return false; /* in another execution it times out early */
            other = true;
            pc = f->pc;
        } else if (f->state == AXM_SPINNING) {
            spin = true;
            if (pc == 0)
                pc = f->pc;
        } else if (f->state != AXM_JOINING) {
            continue;
        }
        if (used < sizeof who)
            used += (size_t)snprintf(who + used, sizeof who - used, "%sthread %u %s", used == 0 ? "" : ", ", t,
                                     f->state == AXM_SPINNING ? "spins" : f->state == AXM_JOINING ? "joins" : "waits");
    }
    if (axm.opt.mode != AXM_EXHAUSTIVE && axm.opt.mode != AXM_REPLAY && spin && !other)
        return false; /* not fair enough to tell */
    axm_note(other || !spin ? AXM_DEADLOCK : AXM_LIVELOCK, pc, "nobody can go on: %s", who);
    return true;
}

static bool execute(bool sampled)
{
    struct axm_stats *s = &axm.stats;
    axm.pc2 = 0;
    enum axm_end end = axm_run();
    switch (end) {
    case AXM_END_COMPLETE:
        if (axm.opt.leaks && axm_heap_leaks())
            return true;
        if (axm.opt.preemptions != AXM_ANY_NUMBER && axm_directed())
            axm_link(axm.g);
        if (axm.opt.preemptions != AXM_ANY_NUMBER && axm_more_preemptions(axm.g, axm.opt.preemptions)) {
            s->beyond++;
            return false;
        }
        s->executions++;
        if (axm.opt.check_once && axm.opt.mode == AXM_EXHAUSTIVE && !axm_once()) {
            axm_note(AXM_DIVERGED, 0, "the search has come upon the same execution twice");
            return true;
        }
        if (!axm.shrinking && !axm_outcome_commit(sampled)) {
            axm_note(AXM_DIVERGED, 0, "a random execution gave an outcome that exhaustive search did not: %s",
                     axm_outcome_text());
            return true;
        }
        return false;
    case AXM_END_BLOCKED:
        s->blocked++;
        return stuck();
    case AXM_END_PRUNED: s->pruned++; return false;
    case AXM_END_LONG:
        if (s->long_ones++ == 0)
            s->long_pc = axm.g->ev[axm.g->n - 1].pc;
        return false;
    case AXM_END_UNROLLED: s->unrolled++; return false;
    case AXM_END_NONE:
    case AXM_END_VIOLATED: break;
    }
    return true;
}

/* Runs one execution; true when it is violated. */
bool axm_execute(bool sampled)
{
    bool violated = execute(sampled);
    if (violated && axm_directed())
        axm_link(axm.g);
    return violated;
}

/* Of how many executions in all, by probes of so many runs more. */
static const char *total(uint64_t runs)
{
    static AXM_STATE char words[48];
    double n = axm_estimate(runs);
    if (n == 0)
        return "an unknown number";
    snprintf(words, sizeof words, "about %.3g", n);
    return words;
}

static void progress(uint64_t start)
{
    static AXM_STATE uint64_t last;
    uint64_t now = now_ns();
    if (!axm.opt.progress || now - last < 500000000u)
        return;
    last = now;
    double seconds = (double)(now - start) / 1e9;
    fprintf(stderr, "\r%llu executions, %.0f per second, %.0f s", (unsigned long long)axm.stats.executions,
            (double)axm.stats.runs / seconds, seconds);
    if (axm.opt.mode == AXM_EXHAUSTIVE)
        fprintf(stderr, ", of %s", total(2000));
    fputs("\033[K", stderr);
}

/* The execution of a token, so many times; true when it is violated. Each time must end as the first did. */
static bool replay(uint64_t times)
{
    char first[sizeof axm.message];
    bool violated = false;
    for (uint64_t n = 0; n < times && !interrupted; n++) {
        axm_graph_clear(axm.g);
        axm_random_begin(axm.opt.seed, 0);
        axm_token_begin();
        axm.message[0] = '\0';
        bool again = axm_execute(false);
        axm_token_end(again);
        if (n == 0) {
            violated = again;
            memcpy(first, axm.message, sizeof first);
        } else if (again != violated || strcmp(first, axm.message) != 0) {
            axm_note(AXM_DIVERGED, 0, "replay %llu of %llu ended in another way than the first", (unsigned long long)n + 1,
                     (unsigned long long)times);
            return true;
        }
    }
    return violated;
}

static bool search(uint64_t start)
{
    uint64_t limit = axm.opt.executions;
    axm_threads_reset();
    if (axm.opt.mode == AXM_EXHAUSTIVE) {
        axm_explore_begin();
        do {
            if (axm_execute(false))
                return true;
            if ((axm.stats.runs & 0xff) == 0) {
                progress(start);
                if (interrupted)
                    break;
            }
            if (limit != 0 && axm.stats.runs >= limit)
                break;
        } while (axm_next_graph());
        return false;
    }
    axm_explore_begin();
    if (axm.opt.mode == AXM_REPLAY)
        return replay(limit == 0 ? 1 : limit);
    for (uint64_t n = 0; (limit == 0 || n < limit) && !interrupted; n++) {
        axm_graph_clear(axm.g);
        axm_random_begin(axm.opt.seed, n);
        axm_token_begin();
        if (axm_execute(axm.opt.check_subset))
            return true;
        if ((n & 0xff) == 0)
            progress(start);
    }
    return false;
}

/* What the search was, in the one word that says how much its silence means. */
static const char *extent(char *out, size_t size)
{
    const struct axm_options *o = &axm.opt;
    if (o->mode == AXM_REPLAY)
        snprintf(out, size, "REPLAYED");
    else if (o->mode != AXM_EXHAUSTIVE)
        snprintf(out, size, "SAMPLED(%llu, seed %llu)", (unsigned long long)axm.stats.runs, (unsigned long long)o->seed);
    else if (interrupted)
        snprintf(out, size, "BOUNDED(interrupted)");
    else if (axm.g != NULL)
        snprintf(out, size, "BOUNDED(executions %llu of %s)", (unsigned long long)o->executions, total(20000 + axm.stats.runs / 4));
    else if (axm.stats.long_ones != 0)
        snprintf(out, size, "BOUNDED(events %u)", o->events);
    else if (axm.stats.unrolled != 0)
        snprintf(out, size, "BOUNDED(unroll %u)", o->unroll);
    else if (axm.stats.beyond != 0)
        snprintf(out, size, "BOUNDED(preemptions %u)", o->preemptions);
    else
        snprintf(out, size, "EXHAUSTED");
    return out;
}

/* Less was searched than was asked for. A bound on preemptions or on unrolling says what is asked for. */
static bool cut_short(void)
{
    return axm.opt.mode == AXM_EXHAUSTIVE && (interrupted || axm.g != NULL || axm.stats.long_ones != 0);
}

/* 0 as declared, 1 not as declared, 3 inconclusive. */
static int run_test(struct ax_model_case *t)
{
    memset(&axm.stats, 0, sizeof axm.stats);
    axm.test = t;
    axm.tids = 0;
    axm.verdict = AXM_HOLDS;
    axm.stalled = false;
    axm_outcomes_reset();
    axm_once_reset();
    axm_estimate_reset();
    uint64_t start = now_ns();
    double cpu = cpu_seconds();
    bool violated = search(start);
    if (!violated && axm.opt.check_subset && axm.opt.mode == AXM_EXHAUSTIVE && axm.g == NULL) {
        struct axm_stats kept = axm.stats;
        axm.opt.mode = AXM_RANDOM;
        uint64_t limit = axm.opt.executions;
        axm.opt.executions = 2000;
        violated = search(start);
        axm.opt.mode = AXM_EXHAUSTIVE;
        axm.opt.executions = limit;
        if (!violated) {
            axm.stats = kept;
            axm_explore_begin();
            axm_graph_free(axm.g);
            axm.g = NULL;
        }
    }
    double seconds = (double)(now_ns() - start) / 1e9;
    cpu = cpu_seconds() - cpu;
    struct axm_stats *s = &axm.stats;
    char words[96];
    int result;
    const char *found = axm_verdict_name((enum axm_verdict)axm.verdict);
    bool declared = violated && t->violation != NULL && strcmp(found, t->violation) == 0;
    bool inconclusive = violated && !declared && (axm.verdict == AXM_LIMIT || axm.verdict == AXM_UNSUPPORTED || axm.verdict == AXM_DIVERGED);
    if (axm.opt.progress)
        fputs("\r\033[K", stderr);
    if (violated && (!declared || !axm.opt.quiet))
        axm_report(t->name);
    extent(words, sizeof words);
    if (violated)
        snprintf(words, sizeof words, "after %llu runs", (unsigned long long)s->runs);
    bool miscounted = t->executions != 0 && strcmp(words, "EXHAUSTED") == 0 && s->executions != t->executions;
    if (miscounted)
        fprintf(stderr, "%s: %llu executions were declared\n", t->name, t->executions);
    bool vacuous = !violated && s->executions == 0;
    if (inconclusive || (vacuous && !violated))
        result = 3;
    else if (violated)
        result = declared ? 0 : 1;
    else if (miscounted)
        result = 1;
    else
        result = t->violation != NULL ? 1 : cut_short() ? 3 : 0;
    const char *verdict = inconclusive ? "inconclusive" : vacuous ? "vacuous" : declared ? "found" : violated ? "violated"
                          : miscounted ? "miscounted" : t->violation != NULL ? "missed" : "holds";
    if (axm.opt.json) {
        printf("{\"test\":\"%s\",\"verdict\":\"%s\",\"kind\":\"%s\",\"extent\":\"%s\",\"executions\":%llu,"
               "\"blocked\":%llu,\"pruned\":%llu,\"runs\":%llu,\"seconds\":%.6f,\"outcomes\":[",
               t->name, verdict, found, words, (unsigned long long)s->executions, (unsigned long long)s->blocked,
               (unsigned long long)s->pruned, (unsigned long long)s->runs, seconds);
        axm_outcomes_print(true);
        printf("]}\n");
    } else {
        char rate[48] = ""; /* too short to tell */
        if (cpu >= 0.01)
            snprintf(rate, sizeof rate, ", %.0f runs per cpu second", (double)s->runs / cpu);
        printf("%s: %s%s%s %s, %llu executions (%llu blocked, %llu pruned), %.3f s%s\n", t->name,
               verdict, violated ? ": " : "", violated ? found : "", words, (unsigned long long)s->executions,
               (unsigned long long)s->blocked, (unsigned long long)s->pruned, seconds, rate);
        if (axm_is_outcome_test(t) && !axm.opt.quiet) {
            if (axm_outcomes_compare(t, strcmp(words, "EXHAUSTED") == 0)) {
                printf("  this machine has shown what the model does not allow\n");
                result = 1;
            }
        } else if (!axm.opt.quiet) {
            axm_outcomes_print(false);
        }
    }
    fflush(stdout);
    if (s->long_ones != 0 && axm.opt.mode == AXM_EXHAUSTIVE && !violated) {
        char place[512];
        axm_where(s->long_pc, place, sizeof place);
        fprintf(stderr, "%s: more than %u events in one execution, the last of them at %s: a loop that changes something "
                "in each turn? --bound unroll=N has it go round N times\n", t->name, axm.opt.events, place);
    }
    return result;
}

int axm_main(int argc, char **argv)
{
    axm_parse(argc, argv);
    const char *only = axm.opt.test;
    if (axm.opt.list) {
        for (struct ax_model_case *t = tests; t != NULL; t = t->next)
            printf("%-40s %s\n", t->name, t->violation != NULL ? t->violation : "holds");
        return 0;
    }
    static AXM_STATE unsigned char alternate[64 << 10];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction crash = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &crash, NULL);
    sigaction(SIGBUS, &crash, NULL);
    sigaction(SIGFPE, &crash, NULL);
    sigaction(SIGILL, &crash, NULL);
    sigaction(SIGABRT, &crash, NULL);
    signal(SIGINT, on_interrupt);
    struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_ONSTACK | SA_RESTART};
    sigaction(SIGVTALRM, &tick, NULL);
    const struct itimerval second = {{1, 0}, {1, 0}};
    setitimer(ITIMER_VIRTUAL, &second, NULL);
    __libc_single_threaded = 0; /* or libstdc++ would count references without atomics */
    axm_fibers_init();
    axm_heap_init();
    axm_globals_save();

    if (axm.opt.mode == AXM_REPLAY && only == NULL && tests != NULL && tests->next != NULL)
        axm_usage(argv[0], "--replay wants --test: there are several in", argv[0]);
    int worst = 0;
    unsigned ran = 0, violated = 0;
    for (struct ax_model_case *t = tests; t != NULL && !interrupted; t = t->next) {
        if (only != NULL && strcmp(only, t->name) != 0)
            continue;
        ran++;
        int result = run_test(t);
        violated += result == 1;
        if (result == 1 || (result == 3 && worst == 0))
            worst = result;
        if (axm.opt.must_find && violated != 0)
            break;
    }
    if (ran == 0)
        axm_usage(argv[0], only != NULL ? "no test named" : "no tests in", only != NULL ? only : argv[0]);
    if (axm.opt.must_find)
        worst = violated == 0;
    if (interrupted)
        worst = 130;
    fflush(stdout);
    _exit(worst);
}

/* A program of outcome tests has its own main, which calls ax_outcome_main. */
int main(int argc, char **argv) __attribute__((weak));
int main(int argc, char **argv) { return axm_main(argc, argv); }

/* SPDX-License-Identifier: MIT */
/*
 * stepping.h: a process stopped at every moment that others can tell from the next. Of a call in another process
 * one sees only what it does to shared memory, and it sees only what it reads there. So a call that is stopped or
 * killed anywhere between two of its accesses to that memory has, for everybody, been stopped right after the
 * first of the two: the accesses are counted, and each count is a moment.
 *
 *     child = stepping_fork(memory, size, accesses);
 *     if (child == 0) { stepping_begin(); the call; stepping_end(); }
 *     within = stepping_wait(child);        it stands there, or false: its call was over before, and so is it
 *     stepping_finish(child, killed);
 *
 * Or, within one process, a signal arrives at each of these moments: stepping_interrupted(...) calls the one function
 * and, in a signal handler after so many accesses, the other.
 *
 * The memory is made inaccessible in the child. Each access faults, is let through alone with the processor's trap
 * flag set, and is counted when the trap comes: no debugger's rights are needed, and no instruction decoded.
 */
#ifndef TESTS_STEPPING_H
#define TESTS_STEPPING_H

#include <ucontext.h>

#include "processes.h"

enum { STEPPING_SKIP = 77 };

static struct {
    char *memory; /* whole pages, with nothing else in them */
    size_t size;
    long left; /* accesses until the child stops itself */
    void (*interruption)(void); /* what it does then, in the signal handler; NULL: it stops */
} stepping;

static inline void stepping_stop(void)
{
    if (stepping.interruption)
        stepping.interruption();
    else
        raise(SIGSTOP);
}

static inline void stepping_protect(int protection)
{
    if (mprotect(stepping.memory, stepping.size, protection) != 0)
        _exit(1);
}

#ifdef __x86_64__
enum { STEPPING_TRAP_FLAG = 0x100 };

static inline void stepping_access(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    char *at = info->si_addr;
    if (at < stepping.memory || at >= stepping.memory + stepping.size)
        abort(); /* a true fault */
    stepping_protect(PROT_READ | PROT_WRITE);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= STEPPING_TRAP_FLAG;
}

static inline void stepping_accessed(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)STEPPING_TRAP_FLAG;
    if (--stepping.left == 0)
        stepping_stop(); /* and goes on unhindered, if it does */
    else
        stepping_protect(PROT_NONE);
}
#endif

/* In the child, where the call begins. */
static inline void stepping_begin(void)
{
#ifdef __x86_64__
    struct sigaction access = { .sa_sigaction = stepping_access, .sa_flags = SA_SIGINFO };
    struct sigaction accessed = { .sa_sigaction = stepping_accessed, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &access, NULL);
    sigaction(SIGTRAP, &accessed, NULL);
    if (stepping.left == 0)
        stepping_stop();
    else
        stepping_protect(PROT_NONE);
#else
    _exit(STEPPING_SKIP);
#endif
}

/* In the child, after the call. */
static inline void stepping_end(void)
{
    stepping_protect(PROT_READ | PROT_WRITE); /* the kernel looks for robust mutexes there */
    _exit(0);
}

/* Whether `call` had more accesses than that, so that `handler` ran within it. */
static inline bool stepping_interrupted(void *memory, size_t size, long accesses, void (*call)(void), void (*handler)(void))
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    stepping.memory = memory;
    stepping.size = (size + page - 1) / page * page;
    stepping.left = accesses;
    stepping.interruption = handler;
    stepping_begin();
    call();
    stepping_protect(PROT_READ | PROT_WRITE);
    return stepping.left <= 0;
}

/* As fork. The child will stop after so many accesses to the memory; 0: before its call. */
static inline pid_t stepping_fork(void *memory, size_t size, long accesses)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    pid_t child = fork_to_be_killed();
    if (child == 0) {
        stepping.memory = memory;
        stepping.size = (size + page - 1) / page * page;
        stepping.left = accesses;
    }
    return child;
}

static inline bool stepping_wait(pid_t child)
{
    int status;
    CHECK_FATAL(waitpid(child, &status, WUNTRACED) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == STEPPING_SKIP) {
        printf("no way to stop at each access here\n");
        exit(STEPPING_SKIP);
    }
    if (WIFSTOPPED(status))
        return true;
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return false;
}

/* For a child that stands: kills it, or lets it go on to its end. */
static inline void stepping_finish(pid_t child, bool killed)
{
    int status;
    if (killed) {
        stop(child);
    } else {
        kill(child, SIGCONT);
        CHECK_FATAL(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

#endif

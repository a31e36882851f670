/* SPDX-License-Identifier: MIT */
/* processes.h: memory and children for tests with several processes. */
#ifndef TESTS_PROCESSES_H
#define TESTS_PROCESSES_H

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static inline void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK_FATAL(memory != MAP_FAILED);
    return memory;
}

#ifdef AX_COVERAGE
void __gcov_dump(void);
#endif

/* _exit, as exit would run what belongs to threads that stayed in the parent. */
static inline void leave_child(int code)
{
#ifdef AX_COVERAGE
    __gcov_dump();
#endif
    _exit(code);
}

/* fork, for a child that goes on until it is killed: it ends with the test, also when that ends early. */
static inline pid_t fork_to_be_killed(void)
{
    pid_t child = fork();
    CHECK_FATAL(child >= 0);
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return child;
}

static inline void stop(pid_t child)
{
    int status;
    kill(child, SIGKILL);
    CHECK_FATAL(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#endif

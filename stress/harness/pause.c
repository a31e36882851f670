/* SPDX-License-Identifier: MIT */
/*
 * x86-64: the processor's trap flag, with which it raises a signal after each instruction. A handler sets it in the context
 * it returns to, and counts. That takes a microsecond or some each, and so it is for short stretches. Elsewhere, and where
 * something stands between the processor and us that does not play along (a debugger, ThreadSanitizer), there are no
 * pauses of this kind. Nor are there in a stretch that blocks signals: the kernel ends a process whose trap is blocked.
 */
#include "pause.h"

#include <atomicx/detail/atomic.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <ucontext.h>

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_TRAPS
#endif
#endif
#else
#define NO_TRAPS
#endif

#ifndef NO_TRAPS

#define TRAP_FLAG 0x100

/* The thread's own, and its handler's: the first two change while the other looks, so they are read and written whole. */
static __thread struct {
    uint32_t counting, count;
    uint32_t after;
    void (*pause)(void *);
    void *argument;
} steps;

/* Whether the instruction to come is a system call that may block signals. Its first byte can be read, as it will be run. */
static bool blocks_next(const greg_t *registers)
{
    const unsigned char *next = (const unsigned char *)(uintptr_t)registers[REG_RIP];
    return next[0] == 0x0f && next[1] == 0x05 && registers[REG_RAX] == SYS_rt_sigprocmask && registers[REG_RSI] != 0 &&
           registers[REG_RDI] != SIG_UNBLOCK;
}

static void trapped(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)number, (void)info;
    bool counting = AX_DETAIL_LOAD_RELAXED(&steps.counting) != 0;
    if (counting && ++steps.count > steps.after) {
        AX_DETAIL_STORE_RELAXED(&steps.counting, 0u);
        AX_DETAIL_STORE_RELAXED(&steps.count, 0u);
        counting = false;
        steps.pause(steps.argument);
    }
    if (counting && blocks_next(registers)) {
        AX_DETAIL_STORE_RELAXED(&steps.counting, 0u);
        counting = false;
    }
    if (counting)
        registers[REG_EFL] |= TRAP_FLAG;
    else
        registers[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

/* Into the handler, which sets the flag. One instruction: from here to the operation everything is counted. */
static inline void trap(void)
{
#ifdef AX_DETAIL_NO_ASM
    (void)raise(SIGTRAP);
#else
    __asm__ volatile("int3" : : : "memory");
#endif
}

void axi_pause_after(uint32_t instructions, void (*pause)(void *), void *argument)
{
    steps.after = instructions;
    steps.pause = pause;
    steps.argument = argument;
    AX_DETAIL_STORE_RELAXED(&steps.count, 0u);
    sigset_t blocked;
    if (pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0 || sigismember(&blocked, SIGTRAP) != 0)
        return;
    AX_DETAIL_STORE_RELAXED(&steps.counting, 1u);
    trap();
}

uint32_t axi_pause_count(void)
{
    return AX_DETAIL_LOAD_RELAXED(&steps.count);
}

uint32_t axi_pause_end(void)
{
    AX_DETAIL_STORE_RELAXED(&steps.counting, 0u); /* the next trap is the last */
    return axi_pause_count();
}

static void nothing(void *argument)
{
    (void)argument;
}

bool axi_pauses_work(void)
{
    struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTRAP, &action, NULL) != 0)
        return false;
    axi_pause_after(UINT32_MAX, nothing, NULL);
    uint32_t once = axi_pause_end();
    axi_pause_after(UINT32_MAX, nothing, NULL);
    for (int i = 0; i < 8; i++)
        AX_DETAIL_STORE_RELAXED(&steps.after, UINT32_MAX); /* relaxed: instructions that no compiler takes away */
    return axi_pause_end() > once && once > 0;
}

#else

void axi_pause_after(uint32_t instructions, void (*pause)(void *), void *argument)
{
    (void)instructions, (void)pause, (void)argument;
}

uint32_t axi_pause_count(void)
{
    return 0;
}

uint32_t axi_pause_end(void)
{
    return 0;
}

bool axi_pauses_work(void)
{
    return false;
}

#endif

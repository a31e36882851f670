/* SPDX-License-Identifier: MIT */
/* Stand-ins for the kernel: futexes, clocks, sleeping, random bytes. */
#include "standin.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Who sleeps on which word. Guarded by a lock per word, which has no memory of its own: AXM_NOWHERE.
 * Counted in the program's own globals on purpose: each execution begins without any. */
static AXM_STATE struct bucket {
    uintptr_t addr;
    uint8_t n, waiter[AXM_THREADS];
} buckets[64];
static unsigned bucket_count;

static struct bucket *bucket_of(uintptr_t addr)
{
    for (unsigned i = 0; i < bucket_count; i++)
        if (buckets[i].addr == addr)
            return &buckets[i];
    if (bucket_count == 64)
        axm_violation(AXM_LIMIT, axm.cur->pc, "more than 64 futex words");
    buckets[bucket_count] = (struct bucket){.addr = addr};
    return &buckets[bucket_count++];
}

/* As in the kernel the check of the word and the falling asleep are one step for those who wake. Being
 * woken orders nothing: code that relies on more must look at its word again. */
long axm_futex_wait(uint32_t *addr, uint32_t expected, bool timed, uintptr_t pc)
{
    void *guard = (void *)((uintptr_t)addr | AXM_NOWHERE);
    if (axm_ends_early(timed ? AXM_N_TIMEOUT : AXM_N_SPURIOUS, pc)) {
        errno = ETIMEDOUT;
        return timed ? -1 : 0;
    }
    axm_sleep_begin();
    axm_lock_word(guard, AXM_N_FUTEX, pc);
    bool sleep = axm_word(addr, AXM_LOAD, 0, 0, AXM_RLX, AXM_N_FUTEX, pc) == expected;
    if (sleep) {
        struct bucket *b = bucket_of((uintptr_t)addr);
        b->waiter[b->n++] = axm.cur->tid;
    }
    axm_unlock_word(guard, AXM_N_FUTEX, pc);
    if (!sleep) {
        errno = EAGAIN;
        return -1;
    }
    if (axm_sleep(AXM_RLX, timed, pc))
        return 0;
    axm_lock_word(guard, AXM_N_FUTEX, pc);
    struct bucket *b = bucket_of((uintptr_t)addr);
    bool listed = axm_unlist(b->waiter, &b->n, axm.cur->tid);
    axm_unlock_word(guard, AXM_N_FUTEX, pc);
    errno = ETIMEDOUT;
    return listed ? -1 : 0;
}

long axm_futex_wake(uint32_t *addr, uint32_t most, uintptr_t pc)
{
    void *guard = (void *)((uintptr_t)addr | AXM_NOWHERE);
    uint32_t woken = 0;
    axm_lock_word(guard, AXM_N_FUTEX, pc);
    struct bucket *b = bucket_of((uintptr_t)addr);
    while (b->n != 0 && woken < most) {
        unsigned k = b->n == 1 || most >= b->n ? 0 : axm_choose(b->n, AXM_N_WAKE, pc);
        uint8_t tid = b->waiter[k];
        axm_unlist(b->waiter, &b->n, tid);
        axm_wake(tid, AXM_RLX, pc);
        woken++;
    }
    axm_unlock_word(guard, AXM_N_FUTEX, pc);
    return (long)woken;
}

static void fill(void *p, size_t n)
{
    axm_touch((uintptr_t)p, n, AXM_TOUCH_WRITE, axm.cur->pc);
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)p)[i] = (unsigned char)(i * 37 + 11);
}

long __real_syscall(long number, ...);
STANDIN(long, syscall, (long number, ...))
{
    long a[6];
    va_list args;
    va_start(args, number);
    for (unsigned i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (axm.cur == NULL)
        return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    axm_side_effect();
    switch (number) {
    case SYS_futex:
        switch (a[1] & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
        case FUTEX_WAIT:
        case FUTEX_WAIT_BITSET: return axm_futex_wait((uint32_t *)a[0], (uint32_t)a[2], a[3] != 0, AXM_CALLER);
        case FUTEX_WAKE:
        case FUTEX_WAKE_BITSET: return axm_futex_wake((uint32_t *)a[0], (uint32_t)a[2], AXM_CALLER);
        default: axm_violation(AXM_UNSUPPORTED, AXM_CALLER, "futex operation %ld is not modelled", a[1]);
        }
    case SYS_gettid: return axm.cur->tid + 1;
    case SYS_getrandom: fill((void *)a[0], (size_t)a[1]); return a[1];
    case SYS_sched_yield: return 0;
    default: axm_violation(AXM_UNSUPPORTED, AXM_CALLER, "system call %ld is not modelled", number);
    }
}

STANDIN(ssize_t, getrandom, (void *p, size_t n, unsigned flags))
{
    (void)flags;
    if (axm.cur != NULL)
        fill(p, n);
    return (ssize_t)n;
}

/* Time passes for a thread when it looks at the clock, a millisecond per look. */
static uint64_t milliseconds(void)
{
    if (axm.cur == NULL)
        return 0;
    axm_side_effect();
    return ++axm.cur->looks;
}

int __real_clock_gettime(clockid_t clock, struct timespec *t);
STANDIN(int, clock_gettime, (clockid_t clock, struct timespec *t))
{
    if (axm.cur == NULL)
        return __real_clock_gettime(clock, t);
    uint64_t ms = milliseconds();
    t->tv_sec = (time_t)(1000000 + ms / 1000);
    t->tv_nsec = (long)(ms % 1000 * 1000000);
    return 0;
}
STANDIN(int, timespec_get, (struct timespec *t, int base))
{
    return base == TIME_UTC && __wrap_clock_gettime(CLOCK_REALTIME, t) == 0 ? base : 0;
}
STANDIN(time_t, time, (time_t *out))
{
    time_t t = (time_t)(1000000 + milliseconds() / 1000);
    if (out != NULL)
        *out = t;
    return t;
}
STANDIN(int, gettimeofday, (struct timeval *restrict t, void *restrict zone))
{
    (void)zone;
    uint64_t ms = milliseconds();
    t->tv_sec = (time_t)(1000000 + ms / 1000);
    t->tv_usec = (suseconds_t)(ms % 1000 * 1000);
    return 0;
}

/* A thread that sleeps has no say in when the others run. */
STANDIN(int, nanosleep, (const struct timespec *t, struct timespec *rest))
{
    (void)t;
    (void)rest;
    return 0;
}
STANDIN(int, clock_nanosleep, (clockid_t clock, int flags, const struct timespec *t, struct timespec *rest))
{
    (void)clock;
    (void)flags;
    (void)t;
    (void)rest;
    return 0;
}
STANDIN(int, thrd_sleep, (const struct timespec *t, struct timespec *rest))
{
    (void)t;
    (void)rest;
    return 0;
}
STANDIN(int, usleep, (useconds_t us))
{
    (void)us;
    return 0;
}
STANDIN(unsigned, sleep, (unsigned s))
{
    (void)s;
    return 0;
}
STANDIN(int, sched_getcpu, (void)) { return axm.cur == NULL ? 0 : axm.cur->tid; }

/* Thread ids are the model's; nobody is ever found dead. */
STANDIN(pid_t, gettid, (void)) { return axm.cur == NULL ? 1 : (pid_t)axm.cur->tid + 1; }
STANDIN(int, kill, (pid_t pid, int sig))
{
    (void)pid;
    if (sig != 0)
        axm_violation(AXM_UNSUPPORTED, AXM_CALLER, "signals are not modelled");
    return 0;
}

/* There is one process. */
STANDIN(int, pthread_atfork, (void (*prepare)(void), void (*parent)(void), void (*child)(void)))
{
    (void)prepare;
    (void)parent;
    (void)child;
    return 0;
}

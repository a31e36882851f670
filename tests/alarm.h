/* SPDX-License-Identifier: MIT */
/* alarm.h: a thread that does one thing over and over while a signal handler does another. */
#ifndef TESTS_ALARM_H
#define TESTS_ALARM_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/time.h>

static void (*alarm_action)(void);
static atomic_int alarms;

static inline void alarm_handler(int signal)
{
    (void)signal;
    alarm_action();
    atomic_fetch_add(&alarms, 1);
}

/* Calls `between` until `in_handler` was called `times` times; how often both were called together. */
static inline int64_t interrupt(void (*between)(void), void (*in_handler)(void), int times)
{
    struct sigaction action = { .sa_handler = alarm_handler };
    struct itimerval every = { { 0, 100 }, { 0, 100 } };
    struct itimerval never = { { 0, 0 }, { 0, 0 } };
    int64_t calls = 0;
    alarm_action = in_handler;
    atomic_store(&alarms, 0);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    for (; atomic_load(&alarms) < times; calls++)
        between();
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN);
    return calls + atomic_load(&alarms);
}

#endif

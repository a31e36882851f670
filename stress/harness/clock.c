/* SPDX-License-Identifier: MIT */
/*
 * The processor's counter is taken when it ticks evenly in every power state (x86: the invariant TSC of CPUID
 * 0x80000007) and the kernel itself keeps time by it, which it stops doing when it finds the CPUs' counters apart.
 *
 * Then the CPUs are compared, each with the first: two threads, one on each, send each other the time through a
 * word of memory. A message that seems to arrive d before it was sent shows a difference of at least d, and the fastest
 * message the other way bounds it from above: that bound is the skew, and every interval is widened by it. When no
 * message seems to arrive before it was sent, the skew is 0. A difference smaller than the fastest message may remain,
 * and can't mislead: one operation comes before another in a history that is wrongly judged only if the second
 * did or did not see the first, and either takes a message between their CPUs (a line that moves, or the
 * acknowledgement that a copy of it is gone) between the stamps, as these are fenced on both sides.
 */
#include "clock.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <atomicx/detail/stamp.h>

#include "internal.h"

uint64_t ax_stress_clock_before_(void)
{
    return axi_now_ns();
}

uint64_t ax_stress_clock_after_(uint64_t *word)
{
    (void)AX_DETAIL_FETCH_ADD_SEQ_CST(word, 0, stress);
    return axi_now_ns();
}

#define ROUNDS 4096
#define LIMIT_NS (AXI_SECOND / 5) /* for one CPU; on a busy machine each message may take a time slice */

#if AX_DETAIL_HAS_COUNTER

/* Two who send each other the time. A word holds 0 or the time that was sent. */
struct talk {
    _Alignas(AXI_ISOLATION) uint64_t there; /* from the caller */
    _Alignas(AXI_ISOLATION) uint64_t back;  /* from the other one */
    _Alignas(AXI_ISOLATION) bool over;
    size_t cpu;
    int64_t fastest_there, fastest_back; /* the least that arrival minus departure came to */
};

static void go_to(size_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* The time that arrives in `word`, or 0 when the talk is over. */
static uint64_t receive(struct talk *talk, uint64_t *word, bool patient, uint64_t deadline)
{
    for (uint32_t i = 1;; i++) {
        uint64_t sent = AX_DETAIL_LOAD_ACQUIRE(word, stress);
        if (sent != 0) {
            AX_DETAIL_STORE_RELAXED(word, 0); /* relaxed: the next message answers one that comes after this */
            return sent;
        }
        if (patient ? AX_DETAIL_LOAD_ACQUIRE(&talk->over, stress) : i % 1024 == 0 && axi_now_ns() > deadline)
            return 0;
        axi_spin_hint();
        if (i % 16384 == 0)
            sched_yield();
    }
}

static void note(int64_t *fastest, uint64_t sent, uint64_t arrived)
{
    int64_t took = (int64_t)(arrived - sent);
    *fastest = took < *fastest ? took : *fastest;
}

static void *other_side(void *arg)
{
    struct talk *talk = arg;
    go_to(talk->cpu);
    for (uint64_t sent; (sent = receive(talk, &talk->there, true, 0)) != 0;) {
        note(&talk->fastest_there, sent, ax_detail_counter_after());
        AX_DETAIL_STORE_RELEASE(&talk->back, ax_detail_counter_before(), stress);
    }
    return NULL;
}

/* How far the counter of `cpu` may be from that of `home`; false: no message came back. */
static bool compare(size_t home, size_t cpu, uint64_t *skew)
{
    struct talk talk = { .cpu = cpu, .fastest_there = INT64_MAX, .fastest_back = INT64_MAX };
    pthread_t other;
    if (pthread_create(&other, NULL, other_side, &talk) != 0)
        return false;
    go_to(home);
    uint64_t deadline = axi_now_ns() + LIMIT_NS, sent = 1;
    for (int i = 0; i < ROUNDS && sent != 0; i++) {
        AX_DETAIL_STORE_RELEASE(&talk.there, ax_detail_counter_before(), stress);
        sent = receive(&talk, &talk.back, false, deadline);
        if (sent != 0)
            note(&talk.fastest_back, sent, ax_detail_counter_after());
    }
    AX_DETAIL_STORE_RELEASE(&talk.over, true, stress);
    pthread_join(other, NULL);
    if (talk.fastest_back == INT64_MAX)
        return false;
    int64_t there = talk.fastest_there, back = talk.fastest_back;
    *skew = there >= 0 && back >= 0 ? 0 : (uint64_t)(there > back ? there : back);
    return true;
}

static bool kernel_trusts_it(void)
{
    char name[32] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");
    if (file == NULL)
        return false;
    if (fscanf(file, "%31s", name) != 1)
        name[0] = '\0';
    fclose(file);
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    return strcmp(name, "tsc") == 0 && __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8) != 0;
#else
    return strcmp(name, "arch_sys_counter") == 0;
#endif
}

#endif

struct axi_clock axi_clock_choose(const cpu_set_t *allowed)
{
    struct axi_clock clock = { .counter = false };
#if AX_DETAIL_HAS_COUNTER
    cpu_set_t before;
    if (!kernel_trusts_it() || pthread_getaffinity_np(pthread_self(), sizeof before, &before) != 0)
        return clock;
    clock.counter = true;
    size_t home = 0;
    while (home < CPU_SETSIZE && !CPU_ISSET(home, allowed))
        home++;
    for (size_t cpu = home + 1; cpu < CPU_SETSIZE && clock.counter; cpu++) {
        uint64_t skew = 0;
        if (!CPU_ISSET(cpu, allowed))
            continue;
        clock.counter = compare(home, cpu, &skew);
        /* of two others, each may be so far from the first, and to different sides */
        clock.skew = 2 * skew > clock.skew ? 2 * skew : clock.skew;
    }
    (void)pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    if (!clock.counter)
        clock.skew = 0; /* the kernel's clock is the same everywhere */
#else
    (void)allowed;
#endif
    return clock;
}

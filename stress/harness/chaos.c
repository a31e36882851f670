/* SPDX-License-Identifier: MIT */
/*
 * --chaos: a thread that interrupts workers at any instruction, also between the two halves of what they
 * believe to be one step, by a signal whose handler dawdles. It comes in bursts aimed at few workers and
 * leaves calm in between: noise at every step would keep the structure in a narrow range of states.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

/* Not a real-time signal, which would queue up; and ignored by default, should one come late. */
#define CHAOS_SIGNAL SIGURG

/* The schedule's stream is not the workers' own: with or without chaos they choose the same operations. */
#define CHAOS_STREAM (UINT64_C(2) << 32)

static __thread ax_stress_random delays;

static struct {
    pthread_t id;
    bool running;
    uint32_t stop;
} chaos;

static void dawdle(int number)
{
    (void)number;
    int saved = errno;
    uint64_t bits = ax_stress_bits(&delays);
    switch (bits % 8) {
    case 0:
    case 3:
        poll(NULL, 0, 1);
        break;
    case 1:
    case 2:
        sched_yield();
        break;
    default:
        for (uint64_t i = (bits >> 8) % 2048; i > 0; i--)
            axi_spin_hint();
    }
    errno = saved;
}

static void rest(uint64_t ns)
{
    struct timespec pause = { .tv_nsec = (long)ns };
    nanosleep(&pause, NULL);
}

static void *chaos_main(void *arg)
{
    struct axi_stress *stress = arg;
    ax_stress_random random = ax_stress_random_at(stress->run.seed, CHAOS_STREAM);
    while (AX_DETAIL_LOAD_RELAXED(&chaos.stop) == 0) {
        uint64_t burst = 1 + ax_stress_below(&random, 64);
        uint64_t first = ax_stress_below(&random, stress->run.threads);
        uint64_t victims = 1 + ax_stress_below(&random, 3);
        for (uint64_t i = 0; i < burst; i++) {
            /* no error to report: a worker that has ended already needs no noise */
            (void)pthread_kill(stress->threads[(first + i % victims) % stress->run.threads].id, CHAOS_SIGNAL);
            rest(ax_stress_below(&random, 50000));
        }
        rest(ax_stress_below(&random, 3000000));
    }
    return NULL;
}

bool axi_chaos_start(struct axi_stress *stress)
{
    struct sigaction action = { .sa_handler = dawdle, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    sigaction(CHAOS_SIGNAL, &action, NULL);
    chaos.running = pthread_create(&chaos.id, NULL, chaos_main, stress) == 0;
    return chaos.running;
}

void axi_chaos_stop(void)
{
    if (!chaos.running)
        return;
    AX_DETAIL_STORE_RELAXED(&chaos.stop, 1u);
    pthread_join(chaos.id, NULL);
    chaos.running = false;
}

void axi_chaos_enter(uint64_t seed, uint32_t number)
{
    delays = ax_stress_random_at(seed, CHAOS_STREAM + 1 + number);
}

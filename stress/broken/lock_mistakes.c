/* SPDX-License-Identifier: MIT */
/* The mistakes of every day with a lock, each of which the checked lock names at its place. */
#include <sched.h>
#include <time.h>

#include "../lock.h"

static const uint64_t no_limit = 0, five_ms = 5;

static bool guarded_step(struct lock_shared *shared, ax_stress_worker *self, uint64_t i)
{
    bool done = false;
    LOCK_SECTION(self, AX_WITH_LOCK(&shared->service.mutex), done = lock_step(&shared->table, self, i));
    return done;
}

static void release(ax_stress_worker *self)
{
    struct lock_shared *shared = self->shared;
    uint64_t asked = ax_stress_invoke(self);
    (void)ax_mutex_unlock(&shared->service.mutex);
    ax_stress_answer(self, asked, LOCK_RELEASED, NULL, 0);
}

/* An error path that releases once more what was released already. */
static void unlocked_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_shared *shared = self->shared;
    struct lock_tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        tally->refused += !guarded_step(shared, self, i);
        if (i % 1000 == 0)
            release(self);
    }
}

/* "It must be stuck": an impatient worker releases the lock for its holder. */
static void foreign_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_shared *shared = self->shared;
    struct lock_tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        uint64_t asked = ax_stress_invoke(self);
        bool taken = ax_mutex_trylock(&shared->service.mutex);
        AX_STRESS_ANSWER(self, asked, LOCK_TRIED, taken);
        if (!taken) {
            release(self);
            tally->refused++;
            continue;
        }
        bool done = lock_step(&shared->table, self, i);
        if (i % 64 == 0)
            sched_yield(); /* a holder that loses its time slice, as will happen */
        release(self);
        tally->refused += !done;
    }
}

/* A public function that locks calls another public function that locks. */
static void relock_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_shared *shared = self->shared;
    struct lock_tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        bool done = false;
        LOCK_SECTION(self, AX_WITH_LOCK(&shared->service.mutex),
                     done = i % 100 == 0 ? guarded_step(shared, self, i) : lock_step(&shared->table, self, i));
        tally->refused += !done;
    }
}

/* A shutdown path that destroys the lock inside the block it guards. */
static bool step_and_fini(struct lock_shared *shared, ax_stress_worker *self, uint64_t i)
{
    bool done = lock_step(&shared->table, self, i);
    if (i == 0)
        (void)ax_mutex_fini(&shared->service.mutex);
    return done;
}

static void fini_held_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_shared *shared = self->shared;
    struct lock_tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        bool done = false;
        LOCK_SECTION(self, AX_WITH_LOCK(&shared->service.mutex), done = step_and_fini(shared, self, i));
        tally->refused += !done;
    }
}

static void plain_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++)
        tally->refused += !guarded_step(self->shared, self, i);
}

/* A worker's last act is an early return between lock and unlock. */
static void end_as_holder(ax_stress_worker *self)
{
    struct lock_shared *shared = self->shared;
    uint64_t asked = ax_stress_invoke(self);
    (void)ax_mutex_lock(&shared->service.mutex);
    ax_stress_answer(self, asked, LOCK_TAKEN, NULL, 0);
}

/* A slow call inside the block, once per worker. */
static bool slow_step(struct lock_shared *shared, ax_stress_worker *self, uint64_t i)
{
    bool done = lock_step(&shared->table, self, i);
    struct timespec t = { 0, i == 0 ? 30000000 : 0 };
    while (i == 0 && nanosleep(&t, &t) != 0)
        ; /* a signal */
    return done;
}

static void held_long_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    struct lock_shared *shared = self->shared;
    struct lock_tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        bool done = false;
        LOCK_SECTION(self, AX_WITH_LOCK(&shared->service.mutex), done = slow_step(shared, self, i));
        tally->refused += !done;
    }
}

/* Half of the workers take first one lock and then the other, half the other way round. A third lock,
 * taken for another reason, keeps them from ever deadlocking; until somebody removes it. */
static void take_both(ax_stress_worker *self)
{
    struct lock_shared *shared = self->shared;
    bool even = self->thread % 2 == 0;
    pthread_mutex_lock(&shared->apart);
    AX_WITH_LOCK(even ? &shared->service.mutex : &shared->second) {
        AX_WITH_LOCK(even ? &shared->second : &shared->service.mutex)
            ((struct lock_tally *)self->tally)->read_sum++;
    }
    pthread_mutex_unlock(&shared->apart);
}

#define MISTAKE(variable, name_, about_, work_, ...) \
    const ax_stress_impl variable = {                \
        .name = name_, .about = about_, .broken = true, .work = work_, .extra = &no_limit, __VA_ARGS__ }

MISTAKE(broken_lock_unlocked, "broken-unlock-twice", "an error path releases what is released already",
        unlocked_work, .leave = NULL);
MISTAKE(broken_lock_foreign, "broken-unlock-foreign", "an impatient worker releases the lock for its holder",
        foreign_work, .leave = NULL);
MISTAKE(broken_lock_relock, "broken-lock-twice", "a locking function calls another one", relock_work, .leave = NULL);
MISTAKE(broken_lock_fini_held, "broken-destroy-held", "the lock is destroyed inside the block it guards",
        fini_held_work, .leave = NULL);
MISTAKE(broken_lock_thread_ended, "broken-end-as-holder", "each worker ends without releasing", plain_work,
        .leave = end_as_holder);
MISTAKE(broken_lock_inversion, "broken-two-orders", "two locks are taken in either order, and never deadlock",
        plain_work, .enter = take_both);

const ax_stress_impl broken_lock_held_long = {
    .name = "broken-held-long",
    .about = "a slow call inside the block, with a limit of 5 ms",
    .broken = true,
    .work = held_long_work,
    .extra = &five_ms,
};

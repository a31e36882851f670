/* SPDX-License-Identifier: MIT */
/* The real lib/reclaim.c under the model, its background thread included, over a stand-in for liburcu
 * (standin/urcu-bp.c). */
#include "../threads.h"

#include <semaphore.h>

#include "reclaim.h"

/* What is written in it before it is retired is plain on purpose. */
struct thing {
    struct axi_retired retired;
    int state;
};

static struct axi_domain domain;
static sem_t freed;

static size_t release_thing(struct axi_domain *d, struct axi_retired *retired, unsigned kind)
{
    struct thing *thing = (struct thing *)retired;
    assert(d == &domain && kind == 1 && thing->state == 7);
    free(thing);
    sem_post(&freed);
    return sizeof *thing;
}

static void open_domain(void)
{
    domain.limit = 1 << 20;
    domain.wait_ms = 1000;
    domain.release = release_thing;
    sem_init(&freed, 0, 0);
    axi_domain_open(&domain);
}

static void retire_one(void)
{
    struct thing *thing = malloc(sizeof *thing);
    assert(thing);
    atomic_init(&thing->retired.link, 0);
    thing->state = 7;
    axi_retire(&domain, &thing->retired, 1, sizeof *thing);
}

THREAD(retires) { retire_one(); return NULL; }

/* Busy with this until told to go on. */
static sem_t busy, go_on;
static size_t release_slowly(struct axi_domain *d, struct axi_retired *retired, unsigned kind)
{
    if (d->release == release_slowly) {
        d->release = release_thing;
        sem_post(&busy);
        sem_wait(&go_on);
    }
    return release_thing(d, retired, kind);
}
/* A deadlock, if it does. */
AX_MODEL_TEST(who_retires_while_the_thread_is_awake_waits_for_no_lock)
{
    open_domain();
    domain.release = release_slowly;
    sem_init(&busy, 0, 0);
    sem_init(&go_on, 0, 0);
    retire_one();
    sem_wait(&busy);
    axi_reclaim_before_fork(); /* takes the lock */
    RUN_THREADS(retires);
    axi_reclaim_after_fork_parent();
    sem_post(&go_on);
    axi_domain_close(&domain);
    assert(load(&domain.pending, relaxed) == 0);
}

AX_MODEL_TEST(who_frees_a_thing_has_its_last_state)
{
    open_domain();
    run2(retires, retires);
    axi_domain_close(&domain);
    assert(load(&domain.pending, relaxed) == 0);
}

/* The thread that frees is the second one. */
AX_MODEL_TEST(three_things_of_one_thread_are_freed)
{
    open_domain();
    for (int i = 0; i < 3; i++)
        retire_one();
    axi_domain_close(&domain);
    assert(load(&domain.pending, relaxed) == 0);
}

/* A deadlock, if the thread sleeps on the second thing. */
AX_MODEL_TEST(nothing_waits_for_ever_to_be_freed)
{
    open_domain();
    for (int i = 0; i < 2; i++)
        retire_one();
    for (int i = 0; i < 2; i++)
        sem_wait(&freed);
    axi_domain_close(&domain);
}

/* ---- another domain, whose things must be freed unasked: a deadlock, if nobody does ---- */

static struct axi_domain other;
static sem_t freed_of_other;

static size_t release_of_other(struct axi_domain *d, struct axi_retired *retired, unsigned kind)
{
    (void)d, (void)kind;
    free(retired);
    sem_post(&freed_of_other);
    return sizeof *retired;
}

static void open_other(void)
{
    other.limit = 1 << 20;
    other.wait_ms = 1000;
    other.release = release_of_other;
    axi_domain_open(&other);
}

static void retire_of_other(void)
{
    struct axi_retired *retired = malloc(sizeof *retired);
    assert(retired);
    atomic_init(&retired->link, 0);
    axi_retire(&other, retired, 1, sizeof *retired);
}

THREAD(retires_of_other)
{
    open_other();
    retire_of_other();
    sem_wait(&freed_of_other);
    axi_domain_close(&other);
    return NULL;
}
/* The thread that ends then may say until it has ended that it is awake. */
AX_MODEL_TEST(what_is_retired_while_the_last_domain_closes_is_freed)
{
    sem_init(&freed_of_other, 0, 0);
    open_domain();
    retire_one();
    pthread_t thread;
    pthread_create(&thread, NULL, retires_of_other, NULL);
    axi_domain_close(&domain);
    pthread_join(thread, NULL);
}

static size_t release_and_retire(struct axi_domain *d, struct axi_retired *retired, unsigned kind)
{
    retire_of_other();
    return release_thing(d, retired, kind);
}
AX_MODEL_TEST(what_a_destructor_retires_elsewhere_is_freed)
{
    sem_init(&freed_of_other, 0, 0);
    open_domain();
    domain.release = release_and_retire;
    open_other();
    retire_one();
    axi_domain_close(&domain);
    sem_wait(&freed_of_other);
    axi_domain_close(&other);
}

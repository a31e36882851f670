/* SPDX-License-Identifier: MIT */
#include "fork.h"

#include <pthread.h>

#include "reclaim.h"

static struct {
    pthread_mutex_t mutex;
    pthread_once_t once;
    bool ready; /* written under `once` */
    struct axi_fork_part *parts; /* only ever grows. Under the mutex. */
} registry = { .mutex = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

static void before(void)
{
    pthread_mutex_lock(&registry.mutex);
    urcu_bp_before_fork();
    for (struct axi_fork_part *part = registry.parts; part; part = part->next)
        part->before();
    axi_reclaim_before_fork();
}

static void after_in_parent(void)
{
    axi_reclaim_after_fork_parent();
    for (struct axi_fork_part *part = registry.parts; part; part = part->next)
        part->after();
    urcu_bp_after_fork_parent();
    pthread_mutex_unlock(&registry.mutex);
}

static void after_in_child(void)
{
    axi_reclaim_after_fork_child();
    for (struct axi_fork_part *part = registry.parts; part; part = part->next)
        part->after_child();
    urcu_bp_after_fork_child();
    pthread_mutex_unlock(&registry.mutex);
}

/* Not under the mutex: a fork in another thread holds the C library's lock on the handlers while it waits for it. */
static void make_ready(void)
{
    registry.ready = pthread_atfork(before, after_in_parent, after_in_child) == 0;
}

bool axi_fork_join(struct axi_fork_part *part)
{
    (void)pthread_once(&registry.once, make_ready);
    if (!registry.ready)
        return false;
    pthread_mutex_lock(&registry.mutex);
    if (!part->joined) {
        part->next = registry.parts;
        registry.parts = part;
        part->joined = true;
    }
    pthread_mutex_unlock(&registry.mutex);
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "reclaim.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

/* How long a pass lets a batch gather, unless somebody waits for it or half a domain's limit is used. */
#define GATHER_MS 10

static struct {
    pthread_mutex_t mutex;
    /* glibc 2.36 can lose a signal where several wait (its bug 25847): one thread waits for work, progress is broadcast */
    pthread_cond_t work;     /* the thread waits for something to do */
    pthread_cond_t progress; /* others wait for a pass to end, or for the thread to have stopped */
    struct axi_domain *domains;
    pthread_t thread;
    bool clocks_set; /* the conditions use the monotonic clock */
    bool running;    /* the thread exists */
    bool stopping;   /* it has been told to end */
    bool urgent;     /* do not gather */
    bool passing;    /* a pass is under way, by the thread or by a caller */
    uint64_t passes_begun, passes_ended;
    atomic_bool awake; /* false: the thread waits for work, or there is none, and whoever retires must wake it */
} reclaimer = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* This thread is freeing things: its callbacks must not wait for a pass to end. */
static _Thread_local bool freeing;

/* ---- what ThreadSanitizer is told about grace periods (tsan.h) ---- */

static _Atomic uint64_t grace_epoch; /* grace periods begun */
static char grace_slots[2];          /* the addresses stand for the sections of an even and an odd epoch */
static _Thread_local struct {
    unsigned depth;
    uint64_t epoch;
} section;

void axi_read_begin_tsan(void)
{
    if (section.depth++ == 0)
        section.epoch = axi_load_relaxed(&grace_epoch); /* relaxed: liburcu orders it, or TSan could not be told */
}

void axi_read_end_tsan(void)
{
    if (--section.depth == 0)
        axi_edge_release(&grace_slots[section.epoch & 1]);
}

/* Only one at a time: by whoever has set `passing`. */
static void grace_period(void)
{
    /* relaxed, both: passes are ordered by the mutex, and sections by liburcu */
    uint64_t epoch = axi_load_relaxed(&grace_epoch);
    axi_store_relaxed(&grace_epoch, epoch + 1);
    urcu_bp_synchronize_rcu(); /* M4: sections that began before have ended after it */
    axi_edge_acquire(&grace_slots[epoch & 1]);
}

/* ---- passes ---- */

static bool domain_has_things(struct axi_domain *domain)
{
    if (axi_load_relaxed(&domain->batch)) /* relaxed: written under `passing`, which the mutex orders */
        return true;
    for (int i = 0; i < AXI_DOMAIN_STRIPES; i++)
        if (axi_load_seq_cst(&domain->stripes[i].head, M5_sc)) /* M5.sc */
            return true;
    return false;
}

static bool anything_waits(void)
{
    for (struct axi_domain *d = reclaimer.domains; d; d = d->next)
        if (domain_has_things(d))
            return true;
    return false;
}

static struct axi_retired *link_next(uintptr_t link)
{
    return (struct axi_retired *)(link & ~(uintptr_t)7);
}

/* Joins all stripes to the batch. Relaxed on the batch, here and where it is freed: it belongs to whoever
 * runs the pass (`passing`), and passes are ordered by the mutex. */
static void domain_collect(struct axi_domain *domain)
{
    struct axi_retired *batch = axi_load_relaxed(&domain->batch);
    for (int i = 0; i < AXI_DOMAIN_STRIPES; i++) {
        uintptr_t head = axi_exchange_acquire(&domain->stripes[i].head, 0, M3_acq); /* M3.acq */
        while (head) {
            struct axi_retired *thing = (struct axi_retired *)head;
            /* relaxed: M3 has ordered the link's value; late readers look at bit 0 only, which stays set */
            uintptr_t link = axi_load_relaxed(&thing->link);
            axi_store_relaxed(&thing->link, (uintptr_t)batch | (link & 7));
            batch = thing;
            head = link & ~(uintptr_t)7;
        }
    }
    axi_store_relaxed(&domain->batch, batch);
}

/* Frees the batch, relaxed as above. What is being freed has left the batch, so that a forked child does
 * not free it again. */
static void domain_free_batch(struct axi_domain *domain)
{
    struct axi_retired *thing;
    freeing = true;
    while ((thing = axi_load_relaxed(&domain->batch))) {
        uintptr_t link = axi_load_relaxed(&thing->link);
        axi_store_relaxed(&domain->batch, link_next(link));
        axi_edge_own_acquire(thing);
        size_t bytes = domain->release(domain, thing, (unsigned)(link >> 1 & 3));
        axi_fetch_sub_relaxed(&domain->pending, bytes); /* relaxed: a bound */
        axi_store_relaxed(&domain->released, axi_load_relaxed(&domain->released) + 1);
    }
    freeing = false;
}

/* One pass over all domains: take, grace period, free. Called and returns with the mutex, not `passing`. */
static void pass(void)
{
    reclaimer.passing = true;
    reclaimer.urgent = false;
    reclaimer.passes_begun++;
    for (struct axi_domain *d = reclaimer.domains; d; d = d->next) {
        domain_collect(d);
        d->busy = axi_load_relaxed(&d->batch) != NULL;
    }
    pthread_mutex_unlock(&reclaimer.mutex);
    grace_period();
    pthread_mutex_lock(&reclaimer.mutex);
    /* The list may have changed at every unlock, but busy domains stay in it. */
    for (struct axi_domain *d = reclaimer.domains; d;) {
        if (!d->busy) {
            d = d->next;
            continue;
        }
        pthread_mutex_unlock(&reclaimer.mutex);
        domain_free_batch(d);
        pthread_mutex_lock(&reclaimer.mutex);
        d->busy = false;
        pthread_cond_broadcast(&reclaimer.progress);
        d = reclaimer.domains;
    }
    reclaimer.passes_ended++;
    reclaimer.passing = false;
    pthread_cond_broadcast(&reclaimer.progress);
}

static struct timespec deadline_after(uint32_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static void *reclaimer_main(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&reclaimer.mutex);
    while (!reclaimer.stopping) {
        if (!anything_waits()) {
            /* M5.sc: first say that we sleep, then look again; a retirer first retires, then looks */
            axi_store_seq_cst(&reclaimer.awake, false, M5_sc);
            if (!anything_waits())
                pthread_cond_wait(&reclaimer.work, &reclaimer.mutex);
            continue; /* whoever signals has said that we are awake, or the next one that retires does */
        }
        struct timespec deadline = deadline_after(GATHER_MS);
        while (!reclaimer.urgent && !reclaimer.stopping &&
               pthread_cond_timedwait(&reclaimer.work, &reclaimer.mutex, &deadline) == 0) {
        }
        if (reclaimer.passing)
            pthread_cond_wait(&reclaimer.progress, &reclaimer.mutex);
        else
            pass();
    }
    pthread_mutex_unlock(&reclaimer.mutex);
    return NULL;
}

/* Sees to it that the thread exists and is awake. False when it cannot be started. Under the mutex. */
static bool rouse(void)
{
    while (reclaimer.stopping)
        pthread_cond_wait(&reclaimer.progress, &reclaimer.mutex);
    if (!reclaimer.running) {
        sigset_t all, before;
        sigfillset(&all); /* signals are for the host's own threads */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        reclaimer.running = pthread_create(&reclaimer.thread, NULL, reclaimer_main, NULL) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (!reclaimer.running)
            return false;
    }
    axi_store_relaxed(&reclaimer.awake, true); /* relaxed: under the mutex; who sees false signals once more */
    pthread_cond_signal(&reclaimer.work);
    return true;
}

/* Waits, at most until the deadline (NULL: for ever), for the end of a pass. False: time is up. */
static bool wait_for_progress(const struct timespec *deadline)
{
    reclaimer.urgent = true;
    if (!rouse() && !reclaimer.passing) {
        pass();
        return true;
    }
    if (!deadline)
        return pthread_cond_wait(&reclaimer.progress, &reclaimer.mutex) == 0;
    return pthread_cond_timedwait(&reclaimer.progress, &reclaimer.mutex, deadline) != ETIMEDOUT;
}

/* ---- domains ---- */

static void conditions_init(void)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&reclaimer.work, &monotonic);
    pthread_cond_init(&reclaimer.progress, &monotonic);
    pthread_condattr_destroy(&monotonic);
    reclaimer.clocks_set = true;
}

void axi_domain_open(struct axi_domain *domain)
{
    pthread_mutex_lock(&reclaimer.mutex);
    if (!reclaimer.clocks_set)
        conditions_init();
    domain->next = reclaimer.domains;
    reclaimer.domains = domain;
    pthread_mutex_unlock(&reclaimer.mutex);
}

void axi_domain_close(struct axi_domain *domain)
{
    pthread_mutex_lock(&reclaimer.mutex);
    while (domain->busy)
        pthread_cond_wait(&reclaimer.progress, &reclaimer.mutex);
    struct axi_domain **at = &reclaimer.domains;
    while (*at != domain)
        at = &(*at)->next;
    *at = domain->next;
    if (!reclaimer.domains && reclaimer.running && !reclaimer.stopping) {
        reclaimer.stopping = true;
        pthread_cond_signal(&reclaimer.work);
        pthread_cond_broadcast(&reclaimer.progress);
        pthread_mutex_unlock(&reclaimer.mutex);
        pthread_join(reclaimer.thread, NULL);
        pthread_mutex_lock(&reclaimer.mutex);
        reclaimer.running = reclaimer.stopping = false;
        axi_store_seq_cst(&reclaimer.awake, false, M5_sc); /* M5.sc: the thread may have ended awake; below is the look */
        pthread_cond_broadcast(&reclaimer.progress);
    }
    pthread_mutex_unlock(&reclaimer.mutex);
    /* A destructor may retire more. */
    while (domain_has_things(domain)) {
        domain_collect(domain);
        domain_free_batch(domain);
    }
    /* Into another domain, too, and while it is called nobody is woken for that. */
    pthread_mutex_lock(&reclaimer.mutex);
    if (anything_waits())
        (void)rouse();
    pthread_mutex_unlock(&reclaimer.mutex);
}

void (axi_retire)(struct axi_domain *domain, struct axi_retired *thing, unsigned kind, size_t bytes)
{
    /* relaxed: a bound; before the push, as whoever frees the thing subtracts */
    size_t before = axi_fetch_add_relaxed(&domain->pending, bytes);
    axi_edge_own_release(thing);
    _Atomic uintptr_t *stripe = &domain->stripes[axi_own_stripe(AXI_DOMAIN_STRIPES)].head;
    uintptr_t head = axi_load_relaxed(stripe); /* relaxed: the swap below decides */
    do {
        /* relaxed: M3 orders it for who frees; a late reader needs bit 0 alone */
        axi_store_relaxed(&thing->link, head | kind << 1 | AXI_RETIRED_MARK);
    } while (!axi_cas_seq_cst(stripe, &head, (uintptr_t)thing, M5_sc)); /* M3.rel M5.sc */
    bool half = before < domain->limit / 2 && before + bytes >= domain->limit / 2;
    if (half || !axi_load_seq_cst(&reclaimer.awake, M5_sc)) { /* M5.sc */
        pthread_mutex_lock(&reclaimer.mutex);
        if (half)
            reclaimer.urgent = true;
        if (!freeing)
            (void)rouse(); /* where no thread can be started, waiting and flushing do its work */
        pthread_mutex_unlock(&reclaimer.mutex);
    }
}

bool axi_reclaim_would_deadlock(void)
{
    return freeing || urcu_bp_read_ongoing();
}

bool axi_domain_wait(struct axi_domain *domain)
{
    if (domain->wait_ms == UINT32_MAX || axi_reclaim_would_deadlock())
        return false;
    struct timespec deadline = deadline_after(domain->wait_ms);
    bool time_left = true;
    pthread_mutex_lock(&reclaimer.mutex);
    while (axi_domain_admit(domain) != AX_OK && time_left)
        time_left = wait_for_progress(&deadline);
    pthread_mutex_unlock(&reclaimer.mutex);
    return axi_domain_admit(domain) == AX_OK;
}

ax_status axi_domain_flush(struct axi_domain *domain)
{
    if (axi_reclaim_would_deadlock())
        return AX_EDEADLK;
    pthread_mutex_lock(&reclaimer.mutex);
    uint64_t target = reclaimer.passes_begun + 1;
    while (reclaimer.passes_ended < target && (domain->busy || domain_has_things(domain)))
        (void)wait_for_progress(NULL);
    pthread_mutex_unlock(&reclaimer.mutex);
    return AX_OK;
}

/* ---- fork; liburcu's own handlers come before and after ---- */

void axi_reclaim_before_fork(void)
{
    pthread_mutex_lock(&reclaimer.mutex);
}

void axi_reclaim_after_fork_parent(void)
{
    pthread_mutex_unlock(&reclaimer.mutex);
}

void axi_reclaim_after_fork_child(void)
{
    /* The thread stayed behind. Batches it had taken are in their domains still, to be freed here. */
    reclaimer.running = reclaimer.stopping = reclaimer.passing = false;
    reclaimer.passes_ended = reclaimer.passes_begun;
    axi_store_relaxed(&reclaimer.awake, false); /* relaxed: no other thread exists */
    for (struct axi_domain *d = reclaimer.domains; d; d = d->next)
        d->busy = false;
    conditions_init(); /* their waiters stayed behind, too */
    pthread_mutex_unlock(&reclaimer.mutex);
}

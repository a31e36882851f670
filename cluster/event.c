/* SPDX-License-Identifier: MIT */
/*
 * event.c: the queue of orders, and the flusher, the one thread that sells to them (through holder.c).
 *
 * A sale is, in this order: free; waiting (in the queue); in the batch; done (its buyer has been or is being
 * woken). The buyer who stops waiting leaves it "left": the flusher frees it, and drops it from the batch unless
 * a commit with it is unanswered. One mutex guards all of that; it is never held during a call of the engine.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "export.h"
#include "holder.h"

enum {
    BATCH = 4096,               /* orders in one commit */
    DEFAULT_BLOCK = 4096,
    DEFAULT_LEASE_MS = 10000,
    LEAST_LEASE_MS = 50,
    DEFAULT_WAITING = 4096,
    MOST_WAITING = 1000000,
    LONGEST_PAUSE_MS = 100,     /* between attempts to reach a server */
};

enum state { WAITING, DONE, LEFT };

struct ax_sale {
    ax_order order;
    ax_sale *next;     /* in the queue or the free list */
    enum state state;
    ax_status status;  /* when done */
    uint32_t number;
    sem_t done;        /* posted once after the state became DONE */
};

struct ax_event {
    struct axi_event_id id;
    uint32_t block;
    pid_t process;
    ax_cluster *cluster;
    pthread_t flusher;

    pthread_mutex_t mutex;
    pthread_cond_t work;     /* an order came, or close */
    ax_sale *first, **last;  /* the queue */
    ax_sale *free;
    bool idle;               /* the flusher waits for work */
    bool closing;
    struct timespec close_by;

    /* the flusher's alone */
    struct axi_engine *engine;
    struct axi_holder holder;
    uint32_t count;
    ax_sale *batch[BATCH];
    ax_order orders[BATCH]; /* of the batch */
    uint32_t numbers[BATCH];

    pthread_mutex_t audit_mutex;
    struct axi_engine *audit; /* NULL until the first; under audit_mutex */

    uint32_t sales_count;
    ax_sale sales[];
};

static struct timespec after(uint32_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static bool is_past(const struct timespec *when)
{
    struct timespec now = after(0);
    return now.tv_sec > when->tv_sec || (now.tv_sec == when->tv_sec && now.tv_nsec >= when->tv_nsec);
}

/* ---- the flusher ---- */

static void free_sale(ax_event *event, ax_sale *sale)
{
    sale->next = event->free;
    event->free = sale;
}

/* Drops those whose buyers have left, then fills up from the queue. With the mutex. */
static void fill_batch(ax_event *event)
{
    uint32_t kept = event->holder.pending;
    for (uint32_t i = kept; i < event->count; i++) {
        if (event->batch[i]->state == LEFT) {
            free_sale(event, event->batch[i]);
        } else {
            event->orders[kept] = event->orders[i];
            event->batch[kept++] = event->batch[i];
        }
    }
    while (kept < BATCH && event->first != NULL) {
        ax_sale *sale = event->first;
        event->first = sale->next;
        if (event->first == NULL)
            event->last = &event->first;
        if (sale->state == LEFT) {
            free_sale(event, sale);
        } else {
            event->orders[kept] = sale->order;
            event->batch[kept++] = sale;
        }
    }
    event->count = kept;
}

/* The first `told` orders of the batch are settled: with their numbers, or this status. Without the mutex. */
static void tell(ax_event *event, uint32_t told, ax_status none)
{
    uint32_t waiting = 0;
    pthread_mutex_lock(&event->mutex);
    for (uint32_t i = 0; i < told; i++) {
        ax_sale *sale = event->batch[i];
        if (sale->state == LEFT) {
            free_sale(event, sale);
            continue;
        }
        sale->state = DONE;
        sale->number = event->numbers[i];
        sale->status = sale->number == AXI_NO_TICKET ? none : AX_OK;
        event->batch[waiting++] = sale;
    }
    pthread_mutex_unlock(&event->mutex);
    for (uint32_t i = 0; i < waiting; i++)
        sem_post(&event->batch[i]->done); /* after the mutex, which those woken take */
    event->count -= told;
    memmove(event->batch, event->batch + told, event->count * sizeof event->batch[0]);
    memmove(event->orders, event->orders + told, event->count * sizeof event->orders[0]);
}

static void refuse(ax_event *event, uint32_t count, ax_status status)
{
    for (uint32_t i = 0; i < count; i++)
        event->numbers[i] = AXI_NO_TICKET;
    tell(event, count, status);
}

/* Waits for orders or the end. False: it is the end. Gives back a lease that nobody has bought from for a while. */
static bool wait_for_work(ax_event *event)
{
    pthread_mutex_lock(&event->mutex);
    fill_batch(event);
    event->idle = true;
    int waited = 0;
    while (event->count == 0 && !event->closing) {
        if (event->holder.leased && waited == ETIMEDOUT) {
            pthread_mutex_unlock(&event->mutex);
            axi_holder_release(&event->holder, event->engine, &event->id);
            event->holder = (struct axi_holder){ 0 }; /* when it was not given back, it expires */
            pthread_mutex_lock(&event->mutex);
            waited = 0;
        } else if (event->holder.leased) {
            struct timespec until = after(event->id.lease_ms / 2);
            waited = pthread_cond_clockwait(&event->work, &event->mutex, CLOCK_MONOTONIC, &until);
        } else {
            pthread_cond_wait(&event->work, &event->mutex);
        }
        fill_batch(event);
    }
    event->idle = false;
    bool go_on = event->count > 0 && !(event->closing && is_past(&event->close_by));
    pthread_mutex_unlock(&event->mutex);
    return go_on;
}

/* No server answers: sleeps, longer each time. */
static void pause_before_retry(uint32_t *pause_ms)
{
    struct timespec until = after(*pause_ms);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    *pause_ms = *pause_ms * 2 < LONGEST_PAUSE_MS ? *pause_ms * 2 : LONGEST_PAUSE_MS;
}

static void *flush(void *argument)
{
    ax_event *event = argument;
    ax_status status = AX_OK;
    uint32_t pause_ms = 1;
    while (wait_for_work(event)) {
        uint32_t told;
        status = axi_holder_step(&event->holder, event->engine, &event->id, event->block, event->orders, event->count,
                                 event->numbers, &told);
        if (status == AX_ETIMEDOUT) {
            pause_before_retry(&pause_ms);
            continue;
        }
        pause_ms = 1;
        if (told == 0 && status != AX_OK) {
            event->holder = (struct axi_holder){ 0 };
            refuse(event, event->count, status);
        } else {
            tell(event, told, status);
        }
    }
    /* Orders that wait in the queue and the batch were not sold; those of an unanswered commit may be. */
    uint32_t unknown = event->holder.pending;
    if (status != AX_ETIMEDOUT)
        axi_holder_release(&event->holder, event->engine, &event->id);
    refuse(event, unknown, AX_ETIMEDOUT);
    event->holder.pending = 0;
    do {
        refuse(event, event->count, AX_ECANCELED);
        pthread_mutex_lock(&event->mutex);
        fill_batch(event);
        pthread_mutex_unlock(&event->mutex);
    } while (event->count > 0);
    return NULL;
}

/* ---- the public calls ---- */

static void init_sales(ax_event *event, uint32_t count)
{
    event->sales_count = count;
    event->free = NULL;
    for (uint32_t i = 0; i < count; i++) {
        sem_init(&event->sales[i].done, 0, 0);
        free_sale(event, &event->sales[i]);
    }
}

static void free_event(ax_event *event)
{
    for (uint32_t i = 0; i < event->sales_count; i++)
        sem_destroy(&event->sales[i].done);
    if (event->audit != NULL)
        event->audit->functions->close(event->audit);
    event->engine->functions->close(event->engine);
    pthread_mutex_destroy(&event->audit_mutex);
    pthread_cond_destroy(&event->work);
    pthread_mutex_destroy(&event->mutex);
    free(event);
}

/* The flusher gets no signals: they are for the threads of whoever embeds us. */
static int start_flusher(ax_event *event)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&event->flusher, NULL, flush, event);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

AXI_EXPORT ax_status ax_event_open(ax_cluster *cluster, const char *name, uint32_t capacity,
                                   const ax_event_options *options, ax_event **opened)
{
    const ax_event_options given = options != NULL ? *options : (ax_event_options){ 0 };
    uint32_t waiting = given.waiting != 0 ? given.waiting : DEFAULT_WAITING;
    uint32_t lease_ms = given.lease_ms != 0 ? given.lease_ms : DEFAULT_LEASE_MS;
    if (!axi_name_is_fine(name) || capacity == 0 || capacity > AX_EVENT_MAX_CAPACITY || waiting > MOST_WAITING ||
        lease_ms < LEAST_LEASE_MS || lease_ms > INT32_MAX || given.block > INT32_MAX)
        return AX_EINVAL;
    ax_event *event = calloc(1, sizeof *event + waiting * sizeof event->sales[0]);
    if (event == NULL)
        return AX_ENOMEM;
    ax_status status = cluster->connect(cluster, &event->engine);
    if (status != AX_OK) {
        free(event);
        return status;
    }
    strcpy(event->id.name, name);
    event->id.capacity = capacity;
    event->id.lease_ms = lease_ms;
    event->block = given.block != 0 ? given.block : DEFAULT_BLOCK;
    event->process = getpid();
    event->cluster = cluster;
    event->last = &event->first;
    pthread_mutex_init(&event->mutex, NULL);
    pthread_mutex_init(&event->audit_mutex, NULL);
    pthread_cond_init(&event->work, NULL);
    init_sales(event, waiting);
    if (start_flusher(event) != 0) {
        free_event(event);
        return AX_EAGAIN;
    }
    *opened = event;
    return AX_OK;
}

AXI_EXPORT ax_status ax_event_order(ax_event *event, const ax_order *order, ax_sale **sale)
{
    if (event->process != getpid())
        return AX_EPERM;
    pthread_mutex_lock(&event->mutex);
    ax_sale *mine = event->free;
    if (event->closing || mine == NULL) {
        ax_status status = event->closing ? AX_ECANCELED : AX_EAGAIN;
        pthread_mutex_unlock(&event->mutex);
        return status;
    }
    event->free = mine->next;
    mine->next = NULL;
    mine->order = *order;
    mine->state = WAITING;
    *event->last = mine;
    event->last = &mine->next;
    if (event->idle)
        pthread_cond_signal(&event->work);
    pthread_mutex_unlock(&event->mutex);
    *sale = mine;
    return AX_OK;
}

AXI_EXPORT ax_status ax_event_await(ax_event *event, ax_sale *sale, uint32_t timeout_ms, uint32_t *number)
{
    if (event->process != getpid())
        return AX_EPERM;
    struct timespec until = after(timeout_ms);
    int error;
    do
        error = sem_clockwait(&sale->done, CLOCK_MONOTONIC, &until);
    while (error != 0 && errno == EINTR);
    pthread_mutex_lock(&event->mutex);
    if (error != 0 && sale->state != DONE) {
        sale->state = LEFT;
        pthread_mutex_unlock(&event->mutex);
        return AX_ETIMEDOUT;
    }
    if (error != 0) { /* done in the last moment: its post is on the way */
        pthread_mutex_unlock(&event->mutex);
        while (sem_wait(&sale->done) != 0)
            ;
        pthread_mutex_lock(&event->mutex);
    }
    ax_status status = sale->status;
    if (status == AX_OK)
        *number = sale->number;
    free_sale(event, sale);
    pthread_mutex_unlock(&event->mutex);
    return status;
}

AXI_EXPORT ax_status ax_event_sell(ax_event *event, const ax_order *order, uint32_t timeout_ms, uint32_t *number)
{
    ax_sale *sale;
    ax_status status = ax_event_order(event, order, &sale);
    return status == AX_OK ? ax_event_await(event, sale, timeout_ms, number) : status;
}

AXI_EXPORT ax_status ax_event_audit(ax_event *event, ax_event_figures *figures)
{
    if (event->process != getpid())
        return AX_EPERM;
    pthread_mutex_lock(&event->audit_mutex);
    ax_status status = event->audit != NULL ? AX_OK : event->cluster->connect(event->cluster, &event->audit);
    if (status == AX_OK)
        status = event->audit->functions->reap(event->audit, &event->id, figures);
    pthread_mutex_unlock(&event->audit_mutex);
    return status;
}

AXI_EXPORT void ax_event_close(ax_event *event, uint32_t timeout_ms)
{
    if (event == NULL || event->process != getpid())
        return;
    pthread_mutex_lock(&event->mutex);
    event->closing = true;
    event->close_by = after(timeout_ms);
    pthread_cond_signal(&event->work);
    pthread_mutex_unlock(&event->mutex);
    pthread_join(event->flusher, NULL);
    free_event(event);
}

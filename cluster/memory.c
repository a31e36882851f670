/* SPDX-License-Identifier: MIT */
/* memory.c: the in-memory engine: one process's events, counters and quotas, each call under one mutex. */
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export.h"

struct total {
    struct total *next;
    char counter[AX_CLUSTER_MAX_NAME + 1];
    struct axi_nonce nonce;
    int64_t value;
};

struct window {
    struct window *next;
    char quota[AX_CLUSTER_MAX_NAME + 1];
    uint64_t start_ms;
    uint32_t granted;
};

struct memory {
    ax_cluster cluster;
    pthread_mutex_t mutex;
    /* all under the mutex */
    struct axi_memory_event *events;
    struct total *totals;
    struct window *windows;
};

struct engine {
    struct axi_engine engine;
    struct memory *memory;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct memory *lock(struct axi_engine *engine)
{
    struct memory *memory = ((struct engine *)engine)->memory;
    pthread_mutex_lock(&memory->mutex);
    return memory;
}

static ax_status unlock(struct memory *memory, ax_status status)
{
    pthread_mutex_unlock(&memory->mutex);
    return status;
}

/* The event by this name, made at its first use. */
static ax_status get_event(struct memory *memory, const struct axi_event_id *id, struct axi_memory_event **event)
{
    for (*event = memory->events; *event != NULL; *event = (*event)->next)
        if (strcmp((*event)->id.name, id->name) == 0)
            return (*event)->id.capacity == id->capacity ? AX_OK : AX_EINVAL;
    *event = malloc(axi_memory_event_size(id->capacity));
    if (*event == NULL)
        return AX_ENOMEM;
    axi_memory_event_init(*event, id);
    (*event)->next = memory->events;
    memory->events = *event;
    return AX_OK;
}

static ax_status memory_lease(struct axi_engine *engine, const struct axi_event_id *id, const struct axi_nonce *nonce,
                              uint32_t want, struct axi_block *block)
{
    struct memory *memory = lock(engine);
    struct axi_memory_event *event;
    ax_status status = get_event(memory, id, &event);
    return unlock(memory, status != AX_OK ? status : axi_memory_lease(event, nonce, want, now_ms(), block));
}

static ax_status memory_commit(struct axi_engine *engine, const struct axi_event_id *id, const struct axi_nonce *nonce,
                               const struct axi_commit *commit, uint32_t *numbers)
{
    struct memory *memory = lock(engine);
    struct axi_memory_event *event;
    ax_status status = get_event(memory, id, &event);
    return unlock(memory, status != AX_OK ? status : axi_memory_commit(event, nonce, commit, now_ms(), numbers));
}

static ax_status memory_reap(struct axi_engine *engine, const struct axi_event_id *id, ax_event_figures *figures)
{
    struct memory *memory = lock(engine);
    struct axi_memory_event *event;
    ax_status status = get_event(memory, id, &event);
    if (status == AX_OK)
        axi_memory_reap(event, now_ms(), figures);
    return unlock(memory, status);
}

static ax_status memory_release(struct axi_engine *engine, const struct axi_event_id *id, const struct axi_nonce *nonce)
{
    struct memory *memory = lock(engine);
    struct axi_memory_event *event;
    ax_status status = get_event(memory, id, &event);
    if (status == AX_OK)
        axi_memory_release(event, nonce);
    return unlock(memory, status);
}

static ax_status memory_publish(struct axi_engine *engine, const char *counter, const struct axi_nonce *nonce, int64_t total,
                                int64_t *sum)
{
    struct memory *memory = lock(engine);
    struct total *mine = NULL;
    int64_t all = 0;
    for (struct total *t = memory->totals; t != NULL; t = t->next) {
        if (strcmp(t->counter, counter) != 0)
            continue;
        if (memcmp(&t->nonce, nonce, sizeof *nonce) == 0)
            mine = t;
        else
            all += t->value;
    }
    if (mine == NULL) {
        mine = calloc(1, sizeof *mine);
        if (mine == NULL)
            return unlock(memory, AX_ENOMEM);
        strcpy(mine->counter, counter);
        mine->nonce = *nonce;
        mine->next = memory->totals;
        memory->totals = mine;
    }
    mine->value = total > mine->value ? total : mine->value;
    *sum = all + mine->value;
    return unlock(memory, AX_OK);
}

static ax_status memory_quota(struct axi_engine *engine, const char *quota, uint32_t limit, uint32_t window_ms, uint32_t want,
                              uint32_t *granted, uint32_t *left_ms)
{
    struct memory *memory = lock(engine);
    struct window *window = memory->windows;
    while (window != NULL && strcmp(window->quota, quota) != 0)
        window = window->next;
    if (window == NULL) {
        window = calloc(1, sizeof *window);
        if (window == NULL)
            return unlock(memory, AX_ENOMEM);
        strcpy(window->quota, quota);
        window->next = memory->windows;
        memory->windows = window;
    }
    uint64_t now = now_ms(), start = now - now % window_ms;
    if (start > window->start_ms) {
        window->start_ms = start;
        window->granted = 0;
    }
    uint32_t left = limit > window->granted ? limit - window->granted : 0;
    *granted = want < left ? want : left;
    window->granted += *granted;
    *left_ms = (uint32_t)(window->start_ms + window_ms - now);
    return unlock(memory, AX_OK);
}

static void memory_disconnect(struct axi_engine *engine)
{
    free(engine);
}

static ax_status memory_connect(ax_cluster *cluster, struct axi_engine **engine)
{
    static const struct axi_engine_functions functions = { memory_lease, memory_commit, memory_reap, memory_release,
                                                           memory_publish, memory_quota, memory_disconnect };
    struct engine *fresh = malloc(sizeof *fresh);
    if (fresh == NULL)
        return AX_ENOMEM;
    *fresh = (struct engine){ { &functions }, (struct memory *)cluster };
    *engine = &fresh->engine;
    return AX_OK;
}

#define FREE_LIST(type, list)          \
    for (type *at = (list); at != NULL;) { \
        type *next = at->next;         \
        free(at);                      \
        at = next;                     \
    }

static void memory_close(ax_cluster *cluster)
{
    struct memory *memory = (struct memory *)cluster;
    FREE_LIST(struct axi_memory_event, memory->events)
    FREE_LIST(struct total, memory->totals)
    FREE_LIST(struct window, memory->windows)
    pthread_mutex_destroy(&memory->mutex);
    free(memory);
}

AXI_EXPORT ax_status ax_cluster_open_memory(ax_cluster **cluster)
{
    struct memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return AX_ENOMEM;
    memory->cluster = (ax_cluster){ memory_connect, memory_close };
    pthread_mutex_init(&memory->mutex, NULL);
    *cluster = &memory->cluster;
    return AX_OK;
}

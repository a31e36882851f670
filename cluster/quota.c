/* SPDX-License-Identifier: MIT */
/*
 * quota.c: units of the current window, taken by compare-and-swap from what this process leased.
 *
 * One word holds the lease: until when it lasts (monotonic clock, ms, in the high 48 bits) and the units left (low
 * 16). The time is counted from before the request was sent, so that it ends here no later than at the server.
 * Relaxed throughout: a unit publishes nothing, and the word is all there is to a lease.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "export.h"
#include "atomic.h"

enum { UNIT_BITS = 16, MOST_UNITS = 65535, LEAST_WINDOW_MS = 10 };

struct ax_quota {
    _Atomic uint64_t lease;
    pid_t process;
    char name[AX_CLUSTER_MAX_NAME + 1];
    uint32_t limit, window_ms, block;
    pthread_mutex_t mutex; /* guards the engine, and that one thread at a time leases */
    struct axi_engine *engine;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

AXI_EXPORT ax_status ax_quota_open(ax_cluster *cluster, const char *name, uint32_t limit, uint32_t window_ms,
                                   uint32_t block, ax_quota **opened)
{
    if (!axi_name_is_fine(name) || limit == 0 || limit > INT32_MAX || window_ms < LEAST_WINDOW_MS ||
        window_ms > INT32_MAX || block == 0 || block > MOST_UNITS)
        return AX_EINVAL;
    ax_quota *quota = calloc(1, sizeof *quota);
    if (quota == NULL)
        return AX_ENOMEM;
    ax_status status = cluster->connect(cluster, &quota->engine);
    if (status != AX_OK) {
        free(quota);
        return status;
    }
    strcpy(quota->name, name);
    quota->limit = limit;
    quota->window_ms = window_ms;
    quota->block = block;
    quota->process = getpid();
    pthread_mutex_init(&quota->mutex, NULL);
    *opened = quota;
    return AX_OK;
}

/* AX_EAGAIN: the lease is over (*left_ms 0), or it lasts but nothing is left in it. */
static ax_status take_here(ax_quota *quota, uint32_t *left_ms)
{
    uint64_t lease = axi_load_relaxed(&quota->lease);
    do {
        uint64_t until = lease >> UNIT_BITS, now = now_ms();
        *left_ms = until > now ? (uint32_t)(until - now) : 0;
        if (*left_ms == 0 || (lease & MOST_UNITS) == 0)
            return AX_EAGAIN;
    } while (!axi_wcas_relaxed_relaxed(&quota->lease, &lease, lease - 1));
    return AX_OK;
}

/* Leases the next units; what is over in the lease before is over. With the mutex. */
static ax_status lease_more(ax_quota *quota, bool *used_up)
{
    uint32_t granted, left_ms;
    uint64_t asked = now_ms();
    ax_status status = quota->engine->functions->quota(quota->engine, quota->name, quota->limit, quota->window_ms,
                                                       quota->block, &granted, &left_ms);
    if (status != AX_OK)
        return status;
    *used_up = granted == 0;
    axi_store_relaxed(&quota->lease, (asked + left_ms) << UNIT_BITS | granted);
    return AX_OK;
}

AXI_EXPORT ax_status ax_quota_take(ax_quota *quota, uint32_t *wait_ms)
{
    uint32_t left_ms;
    if (quota->process != getpid())
        return AX_EPERM;
    ax_status status = take_here(quota, &left_ms);
    if (status == AX_OK)
        return AX_OK;
    bool used_up = false;
    pthread_mutex_lock(&quota->mutex);
    do {
        status = take_here(quota, &left_ms); /* somebody else may have leased meanwhile */
        if (status != AX_EAGAIN || used_up)
            break;
        status = lease_more(quota, &used_up);
    } while (status == AX_OK);
    pthread_mutex_unlock(&quota->mutex);
    if (status == AX_EAGAIN && wait_ms != NULL)
        *wait_ms = left_ms;
    return status;
}

AXI_EXPORT void ax_quota_close(ax_quota *quota)
{
    if (quota == NULL || quota->process != getpid())
        return;
    quota->engine->functions->close(quota->engine);
    pthread_mutex_destroy(&quota->mutex);
    free(quota);
}

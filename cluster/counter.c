/* SPDX-License-Identifier: MIT */
/* counter.c: each process's cumulative total, published under a name of its own. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "export.h"

struct ax_cluster_counter {
    ax_adder adder;
    pid_t process;
    char name[AX_CLUSTER_MAX_NAME + 1];
    struct axi_nonce nonce;
    pthread_mutex_t mutex; /* guards the engine */
    struct axi_engine *engine;
};

AXI_EXPORT ax_status ax_cluster_counter_open(ax_cluster *cluster, const char *name, ax_cluster_counter **opened)
{
    if (!axi_name_is_fine(name))
        return AX_EINVAL;
    ax_cluster_counter *counter = calloc(1, sizeof *counter);
    if (counter == NULL)
        return AX_ENOMEM;
    ax_status status = axi_random_bits(counter->nonce.bits, sizeof counter->nonce.bits);
    if (status == AX_OK)
        status = cluster->connect(cluster, &counter->engine);
    if (status != AX_OK) {
        free(counter);
        return status;
    }
    strcpy(counter->name, name);
    counter->process = getpid();
    pthread_mutex_init(&counter->mutex, NULL);
    *opened = counter;
    return AX_OK;
}

AXI_EXPORT ax_adder *ax_cluster_counter_adder(ax_cluster_counter *counter)
{
    return &counter->adder;
}

AXI_EXPORT ax_status ax_cluster_counter_publish(ax_cluster_counter *counter, int64_t *sum)
{
    if (counter->process != getpid())
        return AX_EPERM;
    pthread_mutex_lock(&counter->mutex);
    int64_t total = ax_adder_sum(&counter->adder);
    int64_t all = 0;
    ax_status status = AX_ERANGE;
    if (total >= 0 && total <= AX_COUNTER_MAX)
        status = counter->engine->functions->publish(counter->engine, counter->name, &counter->nonce, total, &all);
    pthread_mutex_unlock(&counter->mutex);
    if (status == AX_OK && all > AX_COUNTER_MAX)
        status = AX_ERANGE;
    if (status == AX_OK)
        *sum = all;
    return status;
}

AXI_EXPORT void ax_cluster_counter_close(ax_cluster_counter *counter)
{
    if (counter == NULL || counter->process != getpid())
        return;
    ax_adder_fini(&counter->adder);
    counter->engine->functions->close(counter->engine);
    pthread_mutex_destroy(&counter->mutex);
    free(counter);
}

/* SPDX-License-Identifier: MIT */
/* cluster.c: what the rest shares: random names, and the public handle. */
#include "engine.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "export.h"

ax_status axi_random_bits(void *bits, size_t size)
{
    ssize_t got;
    do
        got = getrandom(bits, size, 0); /* up to 256 bytes come whole */
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)size ? AX_OK : AX_EAGAIN;
}

bool axi_name_is_fine(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, AX_CLUSTER_MAX_NAME + 1);
    if (length == 0 || length > AX_CLUSTER_MAX_NAME)
        return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '{' || name[i] == '}')
            return false;
    return true;
}

AXI_EXPORT ax_status ax_order_make(ax_order *order)
{
    ax_order fresh;
    ax_status status = axi_random_bits(&fresh, sizeof fresh);
    if (status == AX_OK)
        *order = fresh;
    return status;
}

AXI_EXPORT void ax_cluster_close(ax_cluster *cluster)
{
    if (cluster != NULL)
        cluster->close(cluster);
}

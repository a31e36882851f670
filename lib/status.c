/* SPDX-License-Identifier: MIT */
#include <atomicx/status.h>

#include <stddef.h>

#include "export.h"

AXI_EXPORT const char *ax_strerror(ax_status status)
{
    static const char *const sentences[] = {
        [AX_OK] = "success",
        [AX_EINVAL] = "an argument is out of range",
        [AX_ENOMEM] = "out of memory",
        [AX_ERANGE] = "the result would not fit",
        [AX_EAGAIN] = "a bound is reached, try later",
        [AX_ENOTFOUND] = "not found",
        [AX_EEXIST] = "already there",
        [AX_ESOLDOUT] = "sold out",
        [AX_ECLOSED] = "closed",
        [AX_ENOTSOLD] = "this ticket is not sold",
        [AX_EINSUFFICIENT] = "insufficient balance",
        [AX_EDEADLK] = "the call would wait for itself",
        [AX_EPERM] = "not the owner",
        [AX_ETIMEDOUT] = "the deadline passed",
        [AX_ECORRUPT] = "the memory holds no such object",
        [AX_ECANCELED] = "given up by the other side",
        [AX_EBUSY] = "held or in use by somebody",
    };
    size_t i = (size_t)status;
    if (i >= sizeof sentences / sizeof sentences[0] || sentences[i] == NULL)
        return "unknown status";
    return sentences[i];
}

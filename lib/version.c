/* SPDX-License-Identifier: MIT */
#include <atomicx/version.h>

#include "export.h"

AXI_EXPORT const char *ax_version(void)
{
    return AX_VERSION_STRING;
}

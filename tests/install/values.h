/* SPDX-License-Identifier: MIT */
/* values.h: callbacks of programs whose maps and memos own what malloc gave. */
#ifndef TESTS_VALUES_H
#define TESTS_VALUES_H

#include <atomicx/status.h>

#include <stdlib.h>

static inline void value_free(void *context, void *value)
{
    (void)context;
    free(value);
}

static inline ax_status value_compute(void *context, const void *key, size_t key_len, void **value)
{
    (void)context;
    (void)key;
    *value = malloc(key_len + 1);
    return *value != NULL ? AX_OK : AX_ENOMEM;
}

#endif

# SPDX-License-Identifier: MIT
# Buyers are told before the commit was answered.
/if (status == AX_EBUSY) {/i\
    if (status == AX_ETIMEDOUT) {\
        for (uint32_t i = 0; i < holder->pending; i++)\
            numbers[i] = block->done + i;\
        status = AX_OK;\
    }

# SPDX-License-Identifier: MIT
# After a commit without an answer, other orders may be sent in its place.
/if (status == AX_EBUSY) {/i\
    if (status == AX_ETIMEDOUT)\
        holder->pending = 0;

# SPDX-License-Identifier: MIT
# A commit to a lease that is gone is accepted.
/lease->block.lo != commit->lo/i\
    struct axi_memory_lease gone = { *nonce, { commit->lo, commit->upto, commit->from }, 0, true };\
    if (lease == NULL && commit->lo != AXI_NO_TICKET)\
        lease = &gone;

/* SPDX-License-Identifier: MIT */
#include "holder.h"

/* A request whose answer is unknown is repeated under its nonce; a nonce that was answered is not used again. */
static ax_status take_lease(struct axi_holder *holder, struct axi_engine *engine, const struct axi_event_id *event,
                            uint32_t block)
{
    if (!holder->asked) {
        ax_status status = axi_random_bits(holder->nonce.bits, sizeof holder->nonce.bits);
        if (status != AX_OK)
            return status;
        holder->asked = true;
    }
    ax_status status = engine->functions->lease(engine, event, &holder->nonce, block, &holder->block);
    if (status == AX_OK)
        holder->leased = true;
    if (status != AX_ETIMEDOUT)
        holder->asked = false;
    if (status != AX_ESOLDOUT && status != AX_EAGAIN)
        return status;
    holder->none = status;
    return AX_OK;
}

/* No block begins at AXI_NO_TICKET, so this commit changes nothing and tells which orders have tickets. (A request
 * for a lease under this nonce that was long in coming may be granted yet: it must not be taken for ours.) */
static ax_status look(struct axi_holder *holder, struct axi_engine *engine, const struct axi_event_id *event,
                      const ax_order *orders, uint32_t count, uint32_t *numbers, uint32_t *told)
{
    const struct axi_commit what = { AXI_NO_TICKET, 0, count, orders };
    ax_status status = engine->functions->commit(engine, event, &holder->nonce, &what, numbers);
    if (status == AX_ETIMEDOUT)
        return status;
    ax_status none = holder->none;
    holder->none = AX_OK;
    if (status != AX_EBUSY)
        return status == AX_OK ? AX_ECORRUPT : status;
    *told = count;
    return none;
}

static ax_status commit(struct axi_holder *holder, struct axi_engine *engine, const struct axi_event_id *event,
                        const ax_order *orders, uint32_t count, uint32_t *numbers, uint32_t *told)
{
    struct axi_block *block = &holder->block;
    if (holder->pending == 0)
        holder->pending = count < block->hi - block->done ? count : block->hi - block->done;
    const struct axi_commit what = { block->lo, block->done, block->done + holder->pending, orders };
    ax_status status = engine->functions->commit(engine, event, &holder->nonce, &what, numbers);
    if (status == AX_EBUSY) {
        /* The orders that were sent may have been sold before the lease went: from the next lease they get
         * the tickets they have. */
        holder->leased = false;
        holder->pending = 0;
        return AX_OK;
    }
    if (status != AX_OK)
        return status;
    *told = holder->pending;
    block->done += holder->pending;
    holder->pending = 0;
    holder->leased = block->done < block->hi;
    return AX_OK;
}

ax_status axi_holder_step(struct axi_holder *holder, struct axi_engine *engine, const struct axi_event_id *event,
                          uint32_t block, const ax_order *orders, uint32_t count, uint32_t *numbers, uint32_t *told)
{
    *told = 0;
    if (holder->none != AX_OK)
        return look(holder, engine, event, orders, count, numbers, told);
    if (!holder->leased)
        return take_lease(holder, engine, event, block);
    return commit(holder, engine, event, orders, count, numbers, told);
}

ax_status axi_holder_release(struct axi_holder *holder, struct axi_engine *engine, const struct axi_event_id *event)
{
    if (!holder->leased && !holder->asked)
        return AX_OK;
    ax_status status = engine->functions->release(engine, event, &holder->nonce);
    if (status == AX_OK)
        holder->leased = holder->asked = false;
    return status;
}

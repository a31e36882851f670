/* SPDX-License-Identifier: MIT */
/*
 * accounts_audit.c: all balances as of one instant.
 *
 * Audit n is the instant at which the clock goes from n to n + 1. Changes that read the clock before are in it,
 * later ones are not, and the first later change of each account keeps the balance before (struct earlier). It
 * keeps one, so audit n can be read until the clock goes from n + 1 to n + 2. To let each other finish, audits
 * move the clock on only when the latest audit has been completed by somebody, and complete it themselves if
 * not; any audit whose instant is after the call's beginning serves the call.
 */
#include "accounts.h"

#include "export.h"

/* A sum of up to 2^28 balances, exactly: high * 2^32 + low. */
struct sum {
    int64_t high;
    uint64_t low;
};

static void sum_add(struct sum *s, int64_t balance)
{
    uint64_t low = (uint64_t)balance & 0xffffffff;
    s->low += low;
    s->high += (balance - (int64_t)low) / (INT64_C(1) << 32);
}

static bool sum_fits(const struct sum *s, int64_t *value)
{
    int64_t high = s->high + (int64_t)(s->low >> 32);
    if (high < INT32_MIN || high > INT32_MAX)
        return false;
    *value = (int64_t)((uint64_t)high << 32 | (s->low & 0xffffffff));
    return true;
}

/* Reads the latest audit. False: it was not the latest any more at the end, and what was read means nothing. */
static bool collect(ax_accounts *t, uint64_t audit, uint32_t count, int64_t *balances, struct sum *sum)
{
    *sum = (struct sum){ 0, 0 };
    for (uint32_t i = 0; i < count; i++) {
        if (i + 8 < count)
            __builtin_prefetch(&accounts_table(t)[i + 8]);
        int64_t balance = axi_account_read_as_of(t, i, audit);
        sum_add(sum, balance);
        if (balances)
            balances[i] = balance;
    }
    /* relaxed: whatever was read of a change after the next audit was read by acquires, and comes with the tick
     * that its stamp was read from */
    return axi_load_relaxed(&t->clock) == audit + 1;
}

static ax_status audit(ax_accounts *t, int64_t *balances, uint32_t room, uint32_t *counted, int64_t *total)
{
    struct sum sum;
    /* relaxed: not from before a tick that happens before this call (coherence); the instant comes below */
    uint64_t start = axi_load_relaxed(&t->clock);
    uint64_t now = start;
    for (;;) {
        if (now == start) {
            uint64_t latest = now - 1;
            /* relaxed, both: hints; they decide whether somebody is overtaken, never what is read */
            if (axi_load_relaxed(&t->completed) != latest || axi_load_relaxed(&t->wanted) == latest)
                (void)collect(t, latest, ax_accounts_opened(t), NULL, &sum);
            /* B3.sc tick: before the accounts are read. Who loses has the other's, which is after `start` too. */
            if (axi_cas_seq_cst(&t->clock, &now, now + 1, B3_tick))
                now++;
        }
        uint32_t count = axi_load_seq_cst(&t->opened, B3_count); /* B3.sc: after the instant, see open */
        if (balances && count > room)
            return AX_ERANGE;
        if (collect(t, now - 1, count, balances, &sum)) {
            axi_store_relaxed(&t->completed, now - 1); /* relaxed: a hint */
            int64_t value;
            bool fits = sum_fits(&sum, &value);
            if (total && !fits)
                return AX_ERANGE;
            if (total)
                *total = value;
            if (counted)
                *counted = count;
            return AX_OK;
        }
        now = axi_load_seq_cst(&t->clock, B3_clock);   /* B3.sc */
        axi_store_relaxed(&t->wanted, now - 1);        /* relaxed: a hint */
    }
}

AXI_EXPORT ax_status ax_accounts_audit(ax_accounts *t, int64_t *sum)
{
    return audit(t, NULL, 0, NULL, sum);
}

AXI_EXPORT ax_status ax_accounts_audit_all(ax_accounts *t, int64_t *balances, uint32_t room, uint32_t *count,
                                           int64_t *sum)
{
    return audit(t, balances, room, count, sum);
}

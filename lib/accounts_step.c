/* SPDX-License-Identifier: MIT */
/*
 * accounts_step.c: one change of up to eight accounts as one atomic step.
 *
 *   install   each account's state, in ascending order: expected free word -> "taken by this change"
 *   decide    one compare-and-swap of the outcome: success with the audit clock's reading, or failure
 *   settle    each account: earlier balance, stamp and high parts where they change, then the state: free
 *
 * The owner does all three, and so does, from any point on, whoever finds an account taken. Why a helper may
 * be suspended anywhere and go on at any later time:
 *   - Each of its writes is a compare-and-swap from a word that occurs once. Late, it finds another and fails.
 *   - A late install finds the expected word only if that account was never installed, so the change failed at
 *     it or at a lower one; but it went on to this account having seen all lower ones installed, and one that
 *     has not the expected state never has it again. So nothing is ever taken by a change that is over.
 *   - What it has read from the place belonged to its change if the account was still taken afterwards.
 *
 * Why this is lock-free: a change fails only because another took one of its accounts. Changes that fail do so
 * at a higher account than those they took. Take the highest account at which changes fail for ever: who took
 * it doesn't fail any more, and is done before whoever failed there tries again: that one's waits are bounded,
 * and end in helping unless the account has changed hands (wait_or_help).
 *
 * Where a change stands in the order of all: at the winning decider's reading of the clock. From there on all
 * its accounts are taken, and whoever wants to know one's balance completes the decision first.
 */
#include "accounts.h"

/* Pauses before another look at an account that is taken, doubled up to the longest: the owner is usually done sooner,
 * and each look takes the cache line away from it. */
#ifndef AXI_ACCOUNTS_LONGEST_PAUSE /* model tests have fewer looks, each of which multiplies their executions */
#define AXI_ACCOUNTS_LONGEST_PAUSE 128
#endif
#define AXI_ACCOUNTS_FIRST_PAUSE 16

/* --- a balance in parts ----------------------------------------------------------------------------- */

static uint64_t part_bits(uint64_t balance, unsigned part)
{
    return (balance >> (16 * part)) & 0xffff;
}

static uint64_t read_high(const struct account *a)
{
    uint64_t balance = 0;
    for (unsigned i = 0; i < 3; i++) /* B4.acq: a part of a later change comes with its state word */
        balance |= (axi_load_acquire(&a->high[i], B4_high_acq) & 0xffff) << (16 * (i + 1));
    return balance;
}

static int64_t read_earlier(const struct earlier *e)
{
    uint64_t balance = 0;
    for (unsigned i = 0; i < 4; i++) /* B4.acq: as above */
        balance |= (axi_load_acquire(&e->parts[i], B4_earlier_acq) & 0xffff) << (16 * i);
    return (int64_t)balance;
}

/*
 * Writes one part for the change that holds the account. A part seen before the account was seen still taken is
 * either from before this change, and then the swap fails if somebody else has done it, or done.
 */
static void write_part(const struct account *a, state_word taken, _Atomic part_word *part, uint64_t version,
                       uint64_t bits)
{
    part_word seen = axi_load_acquire(part, B4_part_acq); /* B4.acq: not from after the look at the state below */
    if (seen >> 16 == version)
        return;
    if (axi_load_relaxed(&a->state) != taken) /* relaxed: only whether it is the same word still */
        return;
    /* B4.rel: who sees this part sees the state of its time, so not the free word from before it */
    (void)axi_cas_release_relaxed(part, &seen, version << 16 | bits, B4_part_rel);
}

/* --- the three phases ------------------------------------------------------------------------------- */

static void install_and_decide(ax_accounts *t, struct place *place, uint64_t number, state_word taken,
                               const struct leg *legs, uint32_t count)
{
    outcome_word undecided = outcome_make(OUTCOME_UNDECIDED, number);
    for (uint32_t i = 0; i < count; i++) {
        state_word state = legs[i].expected;
        /*
         * B3.sc install: before the clock is read below, also when it was another who installed this one.
         * B1.rel: hands on what the owner did before its call, and the place's contents (B2).
         * B1.acq: with what the latest change of the account handed on.
         */
        if (axi_cas_seq_cst(&accounts_table(t)[legs[i].account].state, &state, taken, B3_install) || state == taken)
            continue;
        /* B5.rel: who settles the failure has the installs behind it. relaxed on failure: the outcome is read after this */
        (void)axi_cas_release_relaxed(&place->outcome, &undecided, outcome_make(OUTCOME_FAILURE, number), B5_fail);
        return;
    }
    /* B3.sc clock: an audit whose instant this reading precedes finds all accounts taken or later; one that
     * found an account as it was before is of an instant that this reading has passed. */
    uint64_t now = axi_load_seq_cst(&t->clock, B3_clock);
    /* B5.rel: who settles has all installs behind it, and the clock's reading, so that stamps never fall.
     * relaxed on failure: as above */
    (void)axi_cas_release_relaxed(&place->outcome, &undecided, outcome_make(OUTCOME_SUCCESS, now), B5_succeed);
}

/* The first change after an audit keeps the balance that the audit is to find. */
static __attribute__((noinline)) void keep_earlier(ax_accounts *t, const struct leg *leg, state_word taken,
                                                   uint64_t version, uint64_t seen, uint64_t stamp)
{
    struct account *a = &accounts_table(t)[leg->account];
    struct earlier *e = &accounts_earlier(t)[leg->account];
    for (unsigned i = 0; i < 4; i++)
        write_part(a, taken, &e->parts[i], version, part_bits((uint64_t)leg->before, i));
    /* B4.rel: the earlier balance is there. A stamp only rises, so a late swap fails. */
    (void)axi_cas_release_relaxed(&a->stamp, &seen, stamp, B4_stamp_rel);
}

static __attribute__((noinline)) void write_high(struct account *a, state_word taken, uint64_t version,
                                                 uint64_t before, uint64_t after)
{
    for (unsigned i = 1; i < 4; i++)
        if (part_bits(before, i) != part_bits(after, i))
            write_part(a, taken, &a->high[i - 1], version, part_bits(after, i));
}

/* What is rare, once in many changes of an account, is out of the way of what each of them does. */
static inline void settle_leg(ax_accounts *t, const struct leg *leg, state_word taken, outcome_word outcome)
{
    struct account *a = &accounts_table(t)[leg->account];
    uint64_t version = state_next_version(leg->expected);
    uint64_t before = (uint64_t)leg->before, after = before;
    if ((outcome & OUTCOME_KIND) == OUTCOME_SUCCESS) {
        after = (uint64_t)leg->after;
        uint64_t stamp = outcome >> 2;
        uint64_t seen = axi_load_acquire(&a->stamp, B4_stamp_acq); /* B4.acq: after a stamp, its earlier balance */
        if (__builtin_expect(seen < stamp, 0))
            keep_earlier(t, leg, taken, version, seen, stamp);
        if (__builtin_expect((before ^ after) >> 16 != 0, 0))
            write_high(a, taken, version, before, after);
    }
    /* B1.rel: hands on what the owner did: a read-modify-write, it goes on with the release sequence of the install,
     * so success acquires nothing. B4: the parts are in place. relaxed on failure: who sees the account freed by
     * another cannot see it taken again (coherence), and that is all B2 asks of the owner. */
    state_word expected = taken;
    (void)axi_cas_release_relaxed(&a->state, &expected, state_make_free(version, after), B1_free);
}

static outcome_word complete(ax_accounts *t, struct place *place, uint64_t number, state_word taken,
                             const struct leg *legs, uint32_t count)
{
    outcome_word outcome = axi_load_acquire(&place->outcome, B5_acq); /* B5.acq */
    if (outcome == outcome_make(OUTCOME_UNDECIDED, number)) {
        install_and_decide(t, place, number, taken, legs, count);
        outcome = axi_load_acquire(&place->outcome, B5_acq); /* B5.acq */
    }
    return outcome;
}

static void settle(ax_accounts *t, state_word taken, const struct leg *legs, uint32_t count, outcome_word outcome)
{
    for (uint32_t i = 0; i < count; i++)
        settle_leg(t, &legs[i], taken, outcome);
}

/* --- the owner --------------------------------------------------------------------------------------- */

static uint32_t place_index(const ax_accounts *t, const struct place *place)
{
    return (uint32_t)(place - accounts_places(t));
}

bool axi_step(ax_accounts *t, struct place *place, const struct leg *legs, uint32_t count)
{
    uint64_t number = (axi_load_relaxed(&place->number) + 1) & STATE_NUMBER; /* relaxed: the owner's alone */
    state_word taken = state_make_taken(place_index(t, place), number);
    /* For who inherits the place of a process killed from here on: nothing is installed. It leaves a change that was
     * killed later, or is over, as it stands, to be completed: once more does no harm.
     * relaxed, both: the stores below are releases, so they come after these; who reads 0 drops what it read */
    axi_store_relaxed(&place->count, 0);
    axi_store_relaxed(&place->number, number);
    for (uint32_t i = 0; i < count; i++) {
        /* B2.rel, all of these: who reads one finds that the accounts of the change before are not taken any more */
        axi_store_release(&place->legs[i].account, legs[i].account, B2_account_rel);
        axi_store_release(&place->legs[i].expected, legs[i].expected, B2_expected_rel);
        axi_store_release(&place->legs[i].before, legs[i].before, B2_before_rel);
        axi_store_release(&place->legs[i].after, legs[i].after, B2_after_rel);
    }
    axi_store_release(&place->outcome, outcome_make(OUTCOME_UNDECIDED, number), B2_outcome_rel); /* B2.rel */
    axi_store_release(&place->count, count, B2_count_rel);                                       /* B2.rel */

    install_and_decide(t, place, number, taken, legs, count);
    outcome_word outcome = axi_load_acquire(&place->outcome, B5_acq); /* B5.acq */
    settle(t, taken, legs, count, outcome);
    return (outcome & OUTCOME_KIND) == OUTCOME_SUCCESS;
}

void axi_step_recover(ax_accounts *t, struct place *place)
{
    struct leg legs[AX_ACCOUNTS_MAX_LEGS];
    /* relaxed, all of these: the kernel's word that the owner is dead comes after all that it wrote */
    uint64_t number = axi_load_relaxed(&place->number);
    uint32_t count = (uint32_t)axi_load_relaxed(&place->count);
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        legs[i] = (struct leg){ (uint32_t)axi_load_relaxed(&place->legs[i].account),
                                axi_load_relaxed(&place->legs[i].expected), axi_load_relaxed(&place->legs[i].before),
                                axi_load_relaxed(&place->legs[i].after) };
    state_word taken = state_make_taken(place_index(t, place), number);
    settle(t, taken, legs, count, complete(t, place, number, taken, legs, count));
}

/* --- the others -------------------------------------------------------------------------------------- */

/* The change that the account is taken by. 0: it is not any more. */
static uint32_t read_place(const ax_accounts *t, uint32_t account, state_word taken, struct leg *legs,
                           outcome_word *outcome)
{
    const struct place *place = &accounts_places(t)[state_place(taken)];
    /* B2.acq, all of these: whatever is of a later change comes with an account that is not taken by this one */
    uint64_t count = axi_load_acquire(&place->count, B2_count_acq);
    for (uint64_t i = 0; i < count; i++) {
        legs[i].account = (uint32_t)axi_load_acquire(&place->legs[i].account, B2_account_acq);
        legs[i].expected = axi_load_acquire(&place->legs[i].expected, B2_expected_acq);
        legs[i].before = axi_load_acquire(&place->legs[i].before, B2_before_acq);
        legs[i].after = axi_load_acquire(&place->legs[i].after, B2_after_acq);
    }
    *outcome = axi_load_acquire(&place->outcome, B5_acq); /* B2.acq, B5.acq */
    /* relaxed: the loads above are acquires, so this one comes after them */
    return axi_load_relaxed(&accounts_table(t)[account].state) == taken ? (uint32_t)count : 0;
}

void axi_step_help(ax_accounts *t, uint32_t account, state_word taken)
{
    struct leg legs[AX_ACCOUNTS_MAX_LEGS];
    outcome_word outcome;
    uint32_t count = read_place(t, account, taken, legs, &outcome);
    if (count == 0)
        return;
    struct place *place = &accounts_places(t)[state_place(taken)];
    uint64_t number = taken & STATE_NUMBER;
    if ((outcome & OUTCOME_KIND) == OUTCOME_UNDECIDED) {
        outcome = complete(t, place, number, taken, legs, count);
        /* The place may have gone on to another change in the meantime: the outcome is ours if the account is. */
        if (axi_load_relaxed(&accounts_table(t)[account].state) != taken) /* relaxed: after an acquire */
            return;
    }
    settle(t, taken, legs, count, outcome);
}

/* Of a caller that finds an account taken, again and again. */
struct patience {
    unsigned pauses;
    state_word seen; /* what the account was taken by then */
};
#define PATIENCE ((struct patience){ AXI_ACCOUNTS_FIRST_PAUSE, 0 })

/* Longer with each look, whichever change it finds: who goes on meanwhile has the cache lines for many changes in a
 * row. Helps when the longest wait has not been enough for one change. */
static void wait_or_help(ax_accounts *t, uint32_t account, state_word taken, struct patience *patience)
{
    bool patient = patience->pauses <= AXI_ACCOUNTS_LONGEST_PAUSE;
    if (!patient && (patience->seen == 0 || patience->seen == taken)) {
        axi_step_help(t, account, taken);
    } else {
        for (unsigned i = 0; i < patience->pauses; i++)
            axi_pause();
        if (patient)
            patience->pauses *= 2;
    }
    patience->seen = taken;
}

bool axi_account_read(ax_accounts *t, struct leg *leg)
{
    struct account *a = &accounts_table(t)[leg->account];
    struct patience patience = PATIENCE;
    for (;;) {
        state_word state = axi_load_acquire(&a->state, B1_acq); /* B1.acq, and B2.acq for who helps */
        if (state == 0)
            return false;
        if (state_taken(state)) {
            wait_or_help(t, leg->account, state, &patience);
            continue;
        }
        uint64_t balance = read_high(a) | (state & 0xffff);
        if (axi_load_relaxed(&a->state) == state) { /* relaxed: after acquires; a word that occurs once */
            leg->expected = state;
            leg->before = (int64_t)balance;
            return true;
        }
    }
}

int64_t axi_account_read_as_of(ax_accounts *t, uint32_t account, uint64_t audit)
{
    const struct account *a = &accounts_table(t)[account];
    struct patience patience = PATIENCE;
    for (;;) {
        /* B3.sc audit: after the clock went on; an account that is not taken yet is by changes that read it later */
        state_word state = axi_load_seq_cst(&a->state, B3_audit);
        if (state == 0)
            return 0;
        int64_t balance;
        uint64_t stamp = axi_load_acquire(&a->stamp, B4_stamp_acq); /* B4.acq: then the earlier balance is there */
        if (!state_taken(state)) {
            balance = stamp <= audit ? (int64_t)(read_high(a) | (state & 0xffff)) : read_earlier(&accounts_earlier(t)[account]);
        } else {
            struct leg legs[AX_ACCOUNTS_MAX_LEGS];
            outcome_word outcome;
            uint32_t i = 0, count = read_place(t, account, state, legs, &outcome);
            while (i < count && legs[i].account != account)
                i++;
            if (i == count)
                continue; /* not taken by that change any more */
            if ((outcome & OUTCOME_KIND) == OUTCOME_UNDECIDED) {
                wait_or_help(t, account, state, &patience);
                continue;
            }
            /* The stamp may be this change's already or still the one before; the balance before is as of either. */
            if ((outcome & OUTCOME_KIND) == OUTCOME_SUCCESS && outcome >> 2 <= audit)
                balance = legs[i].after;
            else
                balance = stamp <= audit ? legs[i].before : read_earlier(&accounts_earlier(t)[account]);
        }
        if (axi_load_relaxed(&a->state) == state) /* relaxed: after acquires; a word that occurs once */
            return balance;
    }
}

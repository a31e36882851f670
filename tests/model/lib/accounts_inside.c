/* SPDX-License-Identifier: MIT */
/*
 * lib/accounts_step.c and lib/accounts_audit.c from within: changes that stopped half way, made by hand, so that
 * helpers, late ones too, meet owners, readers and audits in a few steps. Executions in which a reader begins to
 * help end there: helping is what other tests here begin with.
 */
#include <atomicx/model.h>

#include "atomic.h"

#undef axi_pause
#define axi_pause() ax_model_assume(0)

#include <errno.h>
#include <pthread.h>

static int atfork_error;
#define pthread_atfork(before, parent, child) (atfork_error != 0 ? atfork_error : pthread_atfork(before, parent, child))

#include "../../../lib/accounts_step.c"
#include "../../../lib/accounts_place.c"
#include "../../../lib/accounts_audit.c"

#include "../threads.h"
#include "accounts_change.h"

static struct change change, next;

/* ---- B2: what is read from a place belongs to one change ---- */

/* The owner ends its change of account 0 and uses the place for one of account 1. */
THREAD(owner_goes_on)
{
    axi_step_recover(bank, place(0));
    assert(axi_step(bank, place(0), next.legs, 1));
    return NULL;
}
/* How many legs are read of `of`, the change that has account 0, all of them its own; 0: it is over. */
static uint32_t read_legs(const struct change *of, outcome_word *outcome)
{
    struct leg legs[3];
    const struct leg *first = &of->legs[0];
    if (load(&account(0)->state, relaxed) != of->taken)
        return 0;
    uint32_t count = read_place(bank, 0, of->taken, legs, outcome);
    if (count != 0) {
        assert(count == of->count && legs[0].account == 0 && legs[0].expected == first->expected);
        assert(legs[0].before == first->before && legs[0].after == first->after);
    }
    return count;
}
THREAD(reads_the_place)
{
    outcome_word outcome;
    if (read_legs(&change, &outcome) != 0) {
        assert(change.legs[0].before == OPENING && change.legs[0].after == OPENING + AMOUNT);
        assert(outcome == outcome_make(OUTCOME_SUCCESS, 1));
    }
    return NULL;
}
static void prepare_to_go_on(void)
{
    open_bank(2);
    assert(ax_accounts_deposit(bank, 1, 1) == AX_OK); /* so that the two changes have no word in common */
    change = plan(0, 0, 1);
    next = plan(0, 1, 1);
    begin_and_decide(&change);
}
AX_MODEL_TEST(B2_what_is_read_from_a_place_is_of_one_change)
{
    prepare_to_go_on();
    run2(owner_goes_on, reads_the_place);
    close_bank();
}
/* As axi_step writes it; what was there is of the deposit. */
THREAD(owner_changes)
{
    assert(axi_step(bank, place(0), next.legs, 1));
    return NULL;
}
THREAD(reads_what_the_owner_wrote)
{
    outcome_word outcome;
    (void)read_legs(&next, &outcome);
    return NULL;
}
AX_MODEL_TEST(B2_what_is_read_from_a_place_is_what_its_owner_wrote)
{
    open_bank(1);
    next = plan(0, 0, 1);
    run2(owner_changes, reads_what_the_owner_wrote);
    close_bank();
}
/* More legs than there are any more. */
AX_MODEL_TEST(B2_legs_that_are_left_over_are_not_read)
{
    open_bank(3);
    change = plan(0, 0, 2);
    next = plan(0, 2, 1);
    begin_and_decide(&change);
    run2(owner_goes_on, reads_the_place);
    close_bank();
}
THREAD(helper_frees) { settle_one(&change, 0); return NULL; }
AX_MODEL_TEST(B2_an_account_freed_by_another_is_freed_for_the_owner_too)
{
    prepare_to_go_on();
    run3(owner_goes_on, helper_frees, reads_the_place);
    close_bank();
}

/* A decision that comes late finds another change's outcome. */
THREAD(decides) { decide(&change); return NULL; }
AX_MODEL_TEST(B2_a_late_failure_is_not_the_next_changes)
{
    open_bank(3);
    change = plan(0, 0, 2);
    next = plan(0, 2, 1);
    assert(ax_accounts_deposit(bank, 1, 1) == AX_OK); /* the change fails */
    begin(&change);
    run2(owner_goes_on, decides);
    assert(balance(0) == OPENING && balance(2) == OPENING + AMOUNT);
    close_bank();
}
THREAD(owner_goes_on_in_vain)
{
    axi_step_recover(bank, place(0));
    assert(!axi_step(bank, place(0), next.legs, 1));
    return NULL;
}
AX_MODEL_TEST(B2_a_late_success_is_not_the_next_changes)
{
    open_bank(2);
    change = plan(0, 0, 1);
    next = plan(0, 1, 1);
    assert(ax_accounts_deposit(bank, 1, 1) == AX_OK); /* the next one fails */
    begin(&change);
    run2(owner_goes_on_in_vain, decides);
    assert(balance(0) == OPENING + AMOUNT && balance(1) == OPENING + 1);
    close_bank();
}

/* ---- B3: an audit is of one instant ---- */

/* Beside an audit that is not told to complete an earlier one. */
static void prepare_audit(uint32_t accounts)
{
    open_bank(accounts);
    store(&bank->wanted, UINT64_MAX, relaxed);
}
static int64_t audited[2];
static uint32_t counted;
THREAD(audits)
{
    int64_t sum;
    assert(ax_accounts_audit_all(bank, audited, 2, &counted, &sum) == AX_OK);
    return NULL;
}
static void the_audit_is_of_its_instant(uint32_t number)
{
    outcome_word outcome = outcome_of(&change);
    assert((outcome & OUTCOME_KIND) == OUTCOME_SUCCESS);
    bool in_it = outcome >> 2 <= load(&bank->completed, relaxed);
    if (number < counted)
        assert(audited[number] == (in_it ? change.legs[0].after : change.legs[0].before));
    else
        assert(!in_it);
    close_bank();
}
AX_MODEL_TEST(B3_a_change_is_in_an_audit_by_its_reading_of_the_clock)
{
    prepare_audit(1);
    change = plan(0, 0, 1);
    announce(&change);
    run2(decides, audits);
    the_audit_is_of_its_instant(0);
}
/* The instant may be another's tick. */
THREAD(ticks) { tick(); return NULL; }
AX_MODEL_TEST(B3_an_audit_that_was_overtaken_is_of_the_others_instant)
{
    prepare_audit(1);
    change = plan(0, 0, 1);
    announce(&change);
    run3(decides, audits, ticks);
    the_audit_is_of_its_instant(0);
}
THREAD(opens_and_decides)
{
    uint32_t number;
    assert(ax_accounts_open(bank, 0, &number) == AX_OK && number == 0);
    decide(&change);
    return NULL;
}
AX_MODEL_TEST(B3_an_audit_counts_the_accounts_that_changed_before_it)
{
    prepare_audit(0);
    change = (struct change){.number = 1, .taken = state_make_taken(0, 1), .count = 1,
                             .legs = {{.expected = state_make_free(1, 0), .after = AMOUNT}}};
    announce(&change);
    run2(opens_and_decides, audits);
    the_audit_is_of_its_instant(0);
}
THREAD(moves_amount) { assert(ax_accounts_transfer(bank, 0, 1, AMOUNT) == AX_OK); return NULL; }
AX_MODEL_TEST(B3_an_audit_beside_a_transfer_has_all_of_it_or_nothing)
{
    prepare_audit(2);
    run2(moves_amount, audits);
    assert(counted == 2 && audited[0] + audited[1] == 2 * OPENING);
    assert(audited[0] == OPENING || audited[0] == OPENING - AMOUNT);
    close_bank();
}
static uint32_t opened[3];
THREAD(opens) { assert(ax_accounts_open(bank, 0, &opened[(size_t)self]) == AX_OK); return NULL; }
AX_MODEL_TEST(B3_two_who_open_get_two_accounts)
{
    open_bank(1);
    bank->capacity = 3;
    run2(opens, opens);
    assert(opened[1] != opened[2] && ax_accounts_opened(bank) == 3);
    bank->capacity = 2;
    close_bank();
}
THREAD(audits_nothing)
{
    int64_t sum;
    assert(ax_accounts_audit(bank, &sum) == AX_OK);
    return NULL;
}
THREAD(audits_nothing_twice)
{
    audits_nothing(NULL);
    audits_nothing(NULL);
    return NULL;
}
AX_MODEL_TEST(B3_the_clock_only_rises)
{
    prepare_audit(0);
    run2(audits_nothing, audits_nothing_twice);
    uint64_t now = load(&bank->clock, relaxed);
    assert(now >= 3 && now <= 4);
    close_bank();
}

/* An audit whose tick another was quicker with reads once, and wants no audit to be waited for. */
AX_MODEL_TEST(B3_who_loses_the_tick_takes_the_others)
{
    prepare_audit(0);
    run2(audits_nothing, ticks);
    if (load(&bank->clock, relaxed) == 2)
        assert(load(&bank->wanted, relaxed) == UINT64_MAX);
    close_bank();
}

/* ---- B4: parts and stamps come with their state ---- */

THREAD(changes_the_balance)
{
    assert(axi_step(bank, place(0), change.legs, 1));
    return NULL;
}
THREAD(reads_the_balance)
{
    int64_t b = balance(0);
    assert(b == OPENING || b == OPENING + AMOUNT);
    return NULL;
}
AX_MODEL_TEST(B4_a_balance_is_of_one_moment)
{
    open_bank(1);
    change = plan(0, 0, 1);
    run2(changes_the_balance, reads_the_balance);
    close_bank();
}

/* One ends a change and makes the next one, through the other place, while the other is still at the first. */
static int64_t reached;
THREAD(settles_and_goes_on)
{
    settle_one(&change, 0);
    struct change later = plan(1, 0, 1);
    later.legs[0].after = reached = later.legs[0].before + (1 << 16);
    tick();
    assert(axi_step(bank, place(1), later.legs, 1));
    return NULL;
}
THREAD(settles_too) { settle_one(&change, 0); return NULL; }
AX_MODEL_TEST(B4_a_late_helper_changes_nothing)
{
    open_bank(1);
    change = plan(0, 0, 1);
    begin_and_decide(&change);
    run2(settles_and_goes_on, settles_too);
    assert(balance(0) == reached && reached == OPENING + AMOUNT + (1 << 16));
    assert(load(&account(0)->stamp, relaxed) == 2);
    close_bank();
}
/* The same where both changes keep what was there before an audit; the first has kept most of it. */
AX_MODEL_TEST(B4_what_an_audit_needs_is_kept_by_each_change)
{
    open_bank(1);
    tick();
    change = plan(0, 0, 1);
    begin_and_decide(&change);
    for (unsigned i = 1; i < 4; i++)
        write_part(account(0), change.taken, &accounts_earlier(bank)->parts[i],
                   state_next_version(change.legs[0].expected), part_bits(OPENING, i));
    run2(settles_and_goes_on, settles_too);
    assert(load(&account(0)->stamp, relaxed) == 3);
    assert(read_earlier(accounts_earlier(bank)) == OPENING + AMOUNT);
    assert(axi_account_read_as_of(bank, 0, 2) == OPENING + AMOUNT);
    close_bank();
}
THREAD(reads_as_of_the_audit)
{
    assert(axi_account_read_as_of(bank, 0, 1) == OPENING);
    return NULL;
}
AX_MODEL_TEST(B4_who_sees_a_stamp_sees_the_balance_before)
{
    open_bank(1);
    tick();
    change = plan(0, 0, 1);
    run2(changes_the_balance, reads_as_of_the_audit);
    close_bank();
}
/* The balance that an audit reads is overwritten only after the next one has begun. */
THREAD(ticks_and_changes)
{
    tick();
    assert(axi_step(bank, place(0), next.legs, 1));
    return NULL;
}
THREAD(collects)
{
    struct sum sum;
    int64_t b;
    if (load(&bank->clock, relaxed) == 2 && collect(bank, 1, 1, &b, &sum))
        assert(b == OPENING);
    return NULL;
}
AX_MODEL_TEST(B4_an_audit_that_is_overwritten_knows_it)
{
    open_bank(1);
    tick();
    change = plan(0, 0, 1);
    assert(axi_step(bank, place(0), change.legs, 1));
    next = plan(0, 0, 1);
    next.legs[0].after = INT64_MAX;
    run2(ticks_and_changes, collects);
    close_bank();
}

/* ---- B5: a decision comes with what led to it ---- */

/* Whoever settles goes on with a change of the same account, whose reading of the clock must not be older. */
static void go_on(void)
{
    struct change later = plan(1, 0, 1);
    assert(axi_step(bank, place(1), later.legs, 1));
}
static void stamps_do_not_fall(void)
{
    assert(place(1)->outcome >> 2 >= load(&account(0)->stamp, relaxed));
    close_bank();
}
static void prepare_decision(void)
{
    open_bank(1);
    change = plan(0, 0, 1);
    begin(&change);
}
THREAD(completes_and_goes_on)
{
    settle(bank, change.taken, change.legs, 1, complete(bank, place(0), change.number, change.taken, change.legs, 1));
    go_on();
    return NULL;
}
AX_MODEL_TEST(B5_a_helper_has_the_clock_of_the_decision)
{
    prepare_decision();
    run3(decides, completes_and_goes_on, ticks);
    stamps_do_not_fall();
}
THREAD(reads_the_decision_and_goes_on)
{
    struct leg legs[3];
    outcome_word outcome;
    if (read_place(bank, 0, change.taken, legs, &outcome) == 1 && (outcome & OUTCOME_KIND) == OUTCOME_SUCCESS) {
        settle(bank, change.taken, legs, 1, outcome);
        go_on();
    }
    return NULL;
}
AX_MODEL_TEST(B5_who_reads_a_decision_has_its_clock)
{
    prepare_decision();
    run3(decides, reads_the_decision_and_goes_on, ticks);
    if (place(1)->outcome != 0)
        stamps_do_not_fall();
    else
        close_bank();
}
/* The owner of both changes, while a helper decides the first. */
THREAD(owns_and_goes_on)
{
    assert(axi_step(bank, place(0), change.legs, 1));
    go_on();
    return NULL;
}
THREAD(decides_when_installed)
{
    if (load(&account(0)->state, acquire) == change.taken)
        decide(&change);
    return NULL;
}
AX_MODEL_TEST(B5_the_owner_has_the_clock_of_a_helpers_decision)
{
    open_bank(1);
    change = plan(0, 0, 1);
    store(&place(1)->number, 0, relaxed);
    run3(owns_and_goes_on, decides_when_installed, ticks);
    stamps_do_not_fall();
}
/* The owner has died, and a helper found that the third account had changed. */
THREAD(recovers) { axi_step_recover(bank, place(0)); return NULL; }
AX_MODEL_TEST(B5_who_settles_a_failure_frees_all_that_was_taken)
{
    open_bank(3);
    change = plan(0, 0, 3);
    assert(ax_accounts_deposit(bank, 2, 1) == AX_OK);
    begin(&change);
    run2(decides, recovers);
    assert((outcome_of(&change) & OUTCOME_KIND) == OUTCOME_FAILURE);
    for (uint32_t i = 0; i < 3; i++)
        assert(!state_taken(load(&account(i)->state, relaxed)));
    assert(balance(0) == OPENING && balance(1) == OPENING && balance(2) == OPENING + 1);
    close_bank();
}

/* ---- places of the dead ---- */

/* What its owner did before, and what it was at when it died, at any step, is completed by who inherits the place. */
THREAD(changes_two_until_it_dies)
{
    ax_model_mortal();
    return axi_step(bank, place(0), next.legs, 2) ? (void *)1 : NULL;
}
AX_MODEL_TEST(B2_who_inherits_a_place_completes_its_latest_change)
{
    open_bank(2);
    tick();
    change = plan(0, 0, 1);
    assert(axi_step(bank, place(0), change.legs, 1));
    next = plan(0, 0, 2);
    pthread_t owner;
    void *done;
    pthread_create(&owner, NULL, changes_two_until_it_dies, NULL);
    pthread_join(owner, &done);
    axi_step_recover(bank, place(0));
    for (uint32_t i = 0; i < 2; i++)
        assert(!state_taken(load(&account(i)->state, relaxed)) && axi_account_read_as_of(bank, i, 1) == OPENING);
    int64_t changed = balance(1) - OPENING;
    assert((changed == AMOUNT || (changed == 0 && !done)) && balance(0) == OPENING + AMOUNT + changed);
    close_bank();
}
/* The owner uses the place again, after an audit, while a helper asks it what has become of the first change. */
THREAD(owner_goes_on_after_an_audit)
{
    axi_step_recover(bank, place(0));
    tick();
    assert(axi_step(bank, place(0), next.legs, 1));
    return NULL;
}
THREAD(helps)
{
    axi_step_help(bank, 0, change.taken);
    return NULL;
}
AX_MODEL_TEST(B2_a_helper_does_not_take_the_next_outcome_for_this_ones)
{
    open_bank(2);
    change = plan(0, 0, 1);
    next = plan(0, 1, 1);
    begin(&change);
    run2(owner_goes_on_after_an_audit, helps);
    assert(load(&account(0)->stamp, relaxed) == 1);
    assert(balance(0) == OPENING + AMOUNT && balance(1) == OPENING + AMOUNT);
    close_bank();
}
/* Also if that change has been over for long, and its account is at others. */
THREAD(goes_on_after_an_audit)
{
    tick();
    go_on();
    return NULL;
}
AX_MODEL_TEST(B2_who_completes_a_change_that_is_over_changes_nothing)
{
    open_bank(1);
    tick();
    change = plan(0, 0, 1);
    assert(axi_step(bank, place(0), change.legs, 1));
    run2(goes_on_after_an_audit, recovers);
    assert(balance(0) == OPENING + 2 * AMOUNT && load(&account(0)->stamp, relaxed) == 3);
    assert(axi_account_read_as_of(bank, 0, 2) == OPENING + AMOUNT);
    close_bank();
}

/* Or nobody could tell when it has died. */
AX_MODEL_TEST(B6_a_place_carries_its_owners_thread)
{
    open_bank(0);
    struct place *mine = axi_place_take(bank);
    assert((load(&mine->owner, relaxed) & OWNER_THREAD) == (uint64_t)gettid());
    axi_place_leave(mine);
    assert((load(&mine->owner, relaxed) & OWNER_THREAD) == 0);
    close_bank();
}

AX_MODEL_TEST(what_cannot_be_made_leaves_nothing_behind)
{
    atfork_error = ENOMEM;
    assert(ax_accounts_create(1, 1, NULL, &bank) == AX_ENOMEM);
}

/* SPDX-License-Identifier: MIT */
/*
 * accounts_words.c: what the argument in lib/accounts_step.c rests on, and no run is sure to hit: state words
 * never come back, a change that fails leaves nothing taken, and a place left in the middle is completed.
 */
#include <accounts.h> /* the library's own */

#include <sys/types.h>

#include "../check.h"

enum { ACCOUNTS = 3, OPENING = 70000 };

static ax_accounts *table(uint32_t calls)
{
    ax_accounts *t = NULL;
    uint32_t number;
    CHECK_FATAL(ax_accounts_create(ACCOUNTS, calls, NULL, &t) == AX_OK);
    for (int i = 0; i < ACCOUNTS; i++)
        CHECK_FATAL(ax_accounts_open(t, 0, &number) == AX_OK && ax_accounts_deposit(t, number, OPENING) == AX_OK);
    return t;
}

static state_word state_of(ax_accounts *t, uint32_t account)
{
    return atomic_load(&accounts_table(t)[account].state);
}

static void read_all(ax_accounts *t, struct leg *legs)
{
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        legs[i].account = i;
        CHECK(axi_account_read(t, &legs[i]));
        CHECK_EQ(legs[i].before, OPENING);
        legs[i].after = legs[i].before;
    }
}

/* The last account has changed, by version only: the change takes the first two and fails at the third. */
static void a_failed_change_leaves_new_words_behind(void)
{
    ax_accounts *t = table(2);
    struct leg legs[ACCOUNTS];
    struct place *place = axi_place_take(t);
    read_all(t, legs);
    legs[0].after += 5;
    legs[1].after -= 5;
    CHECK_EQ(ax_accounts_deposit(t, 2, 0), AX_OK);
    CHECK(!axi_step(t, place, legs, ACCOUNTS));
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        int64_t balance = 0;
        CHECK(!state_taken(state_of(t, i)));
        CHECK(state_of(t, i) != legs[i].expected);
        CHECK_EQ(ax_accounts_balance(t, i, &balance), AX_OK);
        CHECK_EQ(balance, OPENING);
    }
    CHECK(!axi_step(t, place, legs, ACCOUNTS)); /* what it expected is gone for ever */
    axi_place_leave(place);
    ax_accounts_destroy(t);
}

static void each_change_makes_a_later_version(void)
{
    ax_accounts *t = table(1);
    uint64_t version = state_of(t, 0) >> 16;
    for (int i = 0; i < 1000; i++) {
        ax_status s = i % 2 == 0 ? ax_accounts_transfer(t, 0, 1, i % 7) : ax_accounts_transfer(t, 1, 0, i % 7);
        CHECK_EQ(s, AX_OK);
        CHECK(state_of(t, 0) >> 16 > version);
        version = state_of(t, 0) >> 16;
    }
    ax_accounts_destroy(t);
}

static void versions_come_round_past_nothing(void)
{
    state_word last = state_make_free(STATE_VERSION, 0xffff);
    CHECK_EQ(state_next_version(last), 1);
    CHECK(!state_taken(last));
    CHECK(state_make_free(state_next_version(last), 0) != 0);
    CHECK_EQ(state_place(state_make_taken(AX_ACCOUNTS_MAX_CALLS - 1, STATE_NUMBER)), AX_ACCOUNTS_MAX_CALLS - 1);
    CHECK(state_taken(state_make_taken(0, 0)));
}

/* As a thread leaves it that is gone after its first install: the count is set, one account is taken. */
static void leave_in_the_middle(ax_accounts *t, struct place *place, const struct leg *legs)
{
    uint64_t number = atomic_load(&place->number) + 1;
    uint32_t index = (uint32_t)(place - accounts_places(t));
    state_word expected = legs[0].expected;
    atomic_store(&place->number, number);
    for (uint32_t i = 0; i < 2; i++) {
        atomic_store(&place->legs[i].account, legs[i].account);
        atomic_store(&place->legs[i].expected, legs[i].expected);
        atomic_store(&place->legs[i].before, legs[i].before);
        atomic_store(&place->legs[i].after, legs[i].after);
    }
    atomic_store(&place->outcome, outcome_make(OUTCOME_UNDECIDED, number));
    atomic_store(&place->count, 2);
    CHECK(atomic_compare_exchange_strong(&accounts_table(t)[legs[0].account].state, &expected,
                                         state_make_taken(index, number)));
}

/* Who needs the place of the dead completes what it was at, before the place says anything else. */
static void a_dead_ones_place_is_completed_before_it_is_used(void)
{
    ax_accounts *t = table(1);
    struct leg legs[ACCOUNTS];
    struct place *place = axi_place_take(t);
    read_all(t, legs);
    legs[0].after -= 5;
    legs[1].after += 5;
    leave_in_the_middle(t, place, legs);
    atomic_store(&place->owner, UINT64_C(0x7fffffff)); /* no thread has that id: pid_max is 2^22 at most */
    CHECK_EQ(ax_accounts_deposit(t, 2, 1), AX_OK);
    CHECK(!state_taken(state_of(t, 0)) && !state_taken(state_of(t, 1)));
    int64_t balances[ACCOUNTS], sum;
    CHECK_EQ(ax_accounts_audit_all(t, balances, ACCOUNTS, NULL, &sum), AX_OK);
    CHECK_EQ(balances[0], OPENING - 5);
    CHECK_EQ(balances[1], OPENING + 5);
    CHECK_EQ(sum, ACCOUNTS * OPENING + 1);
    ax_accounts_destroy(t);
}

/* A place whose owner lives is nobody else's, however long its owner takes. */
static void a_living_ones_place_is_not_taken(void)
{
    ax_accounts *t = table(1);
    struct place *place = axi_place_take(t);
    CHECK(place != NULL);
    CHECK(axi_place_take(t) == NULL);
    CHECK_EQ(ax_accounts_deposit(t, 0, 1), AX_EAGAIN);
    axi_place_leave(place);
    CHECK_EQ(ax_accounts_deposit(t, 0, 1), AX_OK);
    ax_accounts_destroy(t);
}

/* While the kernel is asked after one place's owner, another place is left (kill is wrapped for it). */
static struct place *left_meanwhile;
int __real_kill(pid_t process, int signal);
int __wrap_kill(pid_t process, int signal);

int __wrap_kill(pid_t process, int signal)
{
    if (left_meanwhile)
        axi_place_leave(left_meanwhile);
    left_meanwhile = NULL;
    return __real_kill(process, signal);
}

static void a_place_that_is_left_during_the_search_is_found(void)
{
    ax_accounts *t = table(2);
    struct place *first = axi_place_take(t), *second = axi_place_take(t);
    CHECK(first && second);
    left_meanwhile = first; /* the search begins with the second, which was taken last */
    CHECK(axi_place_take(t) == first);
    CHECK(left_meanwhile == NULL);
    CHECK(axi_place_take(t) == NULL);
    ax_accounts_destroy(t);
}

int main(void)
{
    RUN(a_failed_change_leaves_new_words_behind);
    RUN(each_change_makes_a_later_version);
    RUN(versions_come_round_past_nothing);
    RUN(a_dead_ones_place_is_completed_before_it_is_used);
    RUN(a_living_ones_place_is_not_taken);
    RUN(a_place_that_is_left_during_the_search_is_found);
    return check_summary();
}

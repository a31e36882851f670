/* SPDX-License-Identifier: MIT */
/* accounts.c: what accounts.h promises to one thread: each call's results and refusals, against a simple model. */
#include <atomicx/accounts.h>

#include <stdbool.h>
#include <stdlib.h>

#include "../counting.h"
#include "../threads.h"

static ax_accounts *table(uint32_t capacity, uint32_t calls)
{
    ax_accounts *t = NULL;
    CHECK_FATAL(ax_accounts_create(capacity, calls, NULL, &t) == AX_OK);
    return t;
}

static uint32_t account(ax_accounts *t, int64_t floor, int64_t opening)
{
    uint32_t number;
    CHECK_FATAL(ax_accounts_open(t, floor, &number) == AX_OK);
    if (opening >= 0)
        CHECK_FATAL(ax_accounts_deposit(t, number, opening) == AX_OK);
    else if (opening == INT64_MIN) /* as an amount it has no positive counterpart */
        CHECK_FATAL(ax_accounts_withdraw(t, number, INT64_MAX) == AX_OK && ax_accounts_withdraw(t, number, 1) == AX_OK);
    else
        CHECK_FATAL(ax_accounts_withdraw(t, number, -opening) == AX_OK);
    return number;
}

static int64_t balance(ax_accounts *t, uint32_t number)
{
    int64_t value = -77;
    CHECK_EQ(ax_accounts_balance(t, number, &value), AX_OK);
    return value;
}

static int64_t audit(ax_accounts *t)
{
    int64_t sum = -77;
    CHECK_EQ(ax_accounts_audit(t, &sum), AX_OK);
    return sum;
}

static void arguments_out_of_range_are_refused(void)
{
    ax_accounts *t = (ax_accounts *)0x1;
    CHECK_EQ(ax_accounts_size(0, 1), 0);
    CHECK_EQ(ax_accounts_size(1, 0), 0);
    CHECK_EQ(ax_accounts_size(AX_ACCOUNTS_MAX_CAPACITY + 1, 1), 0);
    CHECK_EQ(ax_accounts_size(1, AX_ACCOUNTS_MAX_CALLS + 1), 0);
    CHECK(ax_accounts_size(AX_ACCOUNTS_MAX_CAPACITY, AX_ACCOUNTS_MAX_CALLS) > (size_t)96 * AX_ACCOUNTS_MAX_CAPACITY);
    CHECK(ax_accounts_size(1000, 64) <= 96 * 1000 + 384 * 64 + 1024);
    CHECK_EQ(ax_accounts_create(0, 1, NULL, &t), AX_EINVAL);
    CHECK_EQ(ax_accounts_create(1, 0, NULL, &t), AX_EINVAL);
    CHECK_EQ(ax_accounts_create(1, 1, NULL, NULL), AX_EINVAL);
    CHECK(t == (ax_accounts *)0x1);
    ax_accounts_destroy(NULL);

    size_t size = ax_accounts_size(10, 2);
    char *memory = aligned_alloc(128, (size + 256) / 128 * 128);
    CHECK_EQ(ax_accounts_init(memory, size - 1, 10, 2, &t), AX_EINVAL);
    CHECK_EQ(ax_accounts_init(memory + 64, size, 10, 2, &t), AX_EINVAL);
    CHECK_EQ(ax_accounts_init(NULL, size, 10, 2, &t), AX_EINVAL);
    CHECK_EQ(ax_accounts_init(memory, size, 10, 2, NULL), AX_EINVAL);
    CHECK_EQ(ax_accounts_init(memory, size, 10, 2, &t), AX_OK);
    uint32_t a = account(t, 0, 100), b = account(t, 0, 100), none = 99;
    CHECK_EQ(ax_accounts_open(t, 1, &none), AX_EINVAL);
    CHECK_EQ(ax_accounts_open(t, 0, NULL), AX_EINVAL);
    CHECK_EQ(none, 99);
    CHECK_EQ(ax_accounts_deposit(t, a, -1), AX_EINVAL);
    CHECK_EQ(ax_accounts_withdraw(t, a, -1), AX_EINVAL);
    CHECK_EQ(ax_accounts_withdraw(t, a, INT64_MIN), AX_EINVAL);
    CHECK_EQ(ax_accounts_transfer(t, a, b, -1), AX_EINVAL);
    CHECK_EQ(ax_accounts_transfer(t, a, a, 1), AX_EINVAL);
    CHECK_EQ(balance(t, a), 100);
    CHECK_EQ(balance(t, b), 100);
    ax_accounts_fini(t);
    free(memory);
}

static void memory_that_holds_no_table_is_not_attached_to(void)
{
    size_t size = ax_accounts_size(100, 2), room = (size + 127) / 128 * 128;
    void *memory = aligned_alloc(128, room);
    ax_accounts *made, *found = NULL;
    memset(memory, 0, room);
    CHECK_EQ(ax_accounts_attach(memory, room, &found), AX_ECORRUPT);
    CHECK_EQ(ax_accounts_init(memory, room, 100, 2, &made), AX_OK);
    CHECK_EQ(ax_accounts_attach(memory, size - 1, &found), AX_ECORRUPT);
    CHECK_EQ(ax_accounts_attach(memory, 16, &found), AX_ECORRUPT);
    CHECK_EQ(ax_accounts_attach(NULL, room, &found), AX_EINVAL);
    CHECK_EQ(ax_accounts_attach((char *)memory + 8, room - 8, &found), AX_EINVAL);
    CHECK_EQ(ax_accounts_attach(memory, room, NULL), AX_EINVAL);
    CHECK(found == NULL);
    CHECK_EQ(ax_accounts_attach(memory, room, &found), AX_OK);
    CHECK_EQ(ax_accounts_capacity(found), 100);
    ax_accounts_fini(made);
    CHECK_EQ(ax_accounts_attach(memory, room, &found), AX_ECORRUPT);
    free(memory);
}

static void memory_comes_from_the_allocator_and_goes_back(void)
{
    ax_accounts *t = NULL;
    CHECK_EQ(ax_accounts_create(10, 1, &refusing, &t), AX_ENOMEM);
    CHECK(t == NULL && refused == 1);
    CHECK_EQ(lent, 0);
    CHECK_EQ(ax_accounts_create(1000, 3, &counting, &t), AX_OK);
    CHECK_EQ(lent, ax_accounts_size(1000, 3));
    ax_accounts_destroy(t);
    CHECK_EQ(lent, 0);
}

static void as_many_accounts_are_opened_as_there_is_room_for(void)
{
    ax_accounts *t = table(3, 1);
    uint32_t number = 99;
    CHECK_EQ(audit(t), 0);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_EQ(ax_accounts_balance(t, i, &(int64_t){ 0 }), AX_ENOTFOUND);
        CHECK_EQ(ax_accounts_open(t, 0, &number), AX_OK);
        CHECK_EQ(number, i);
        CHECK_EQ(ax_accounts_opened(t), i + 1);
        CHECK_EQ(balance(t, i), 0);
    }
    number = 99;
    CHECK_EQ(ax_accounts_open(t, 0, &number), AX_ENOMEM);
    CHECK_EQ(number, 99);
    ax_accounts_destroy(t);
}

static void there_is_nothing_to_do_on_an_account_that_is_not(void)
{
    ax_accounts *t = table(4, 1);
    uint32_t a = account(t, 0, 50);
    uint32_t missing[] = { 1, 3, 4, UINT32_MAX };
    for (int i = 0; i < 4; i++) {
        int64_t value = 5;
        ax_accounts_leg legs[2] = { { missing[i], 1 }, { a, -1 } };
        CHECK_EQ(ax_accounts_balance(t, missing[i], &value), AX_ENOTFOUND);
        CHECK_EQ(value, 5);
        CHECK_EQ(ax_accounts_deposit(t, missing[i], 1), AX_ENOTFOUND);
        CHECK_EQ(ax_accounts_withdraw(t, missing[i], 0), AX_ENOTFOUND);
        CHECK_EQ(ax_accounts_transfer(t, a, missing[i], 1), AX_ENOTFOUND);
        CHECK_EQ(ax_accounts_transfer(t, missing[i], a, 1), AX_ENOTFOUND);
        CHECK_EQ(ax_accounts_transfer_many(t, legs, 2), AX_ENOTFOUND);
    }
    CHECK_EQ(balance(t, a), 50);
    ax_accounts_destroy(t);
}

static void a_balance_never_falls_below_its_floor(void)
{
    ax_accounts *t = table(10, 1);
    uint32_t a = account(t, 0, 100), b = account(t, -50, 0), deep = account(t, INT64_MIN, INT64_MIN);
    CHECK_EQ(ax_accounts_withdraw(t, a, 101), AX_EINSUFFICIENT);
    CHECK_EQ(ax_accounts_withdraw(t, a, INT64_MAX), AX_EINSUFFICIENT);
    CHECK_EQ(ax_accounts_transfer(t, a, b, 101), AX_EINSUFFICIENT);
    CHECK_EQ(balance(t, a), 100);
    CHECK_EQ(ax_accounts_withdraw(t, a, 100), AX_OK);
    CHECK_EQ(ax_accounts_withdraw(t, a, 1), AX_EINSUFFICIENT);
    CHECK_EQ(ax_accounts_withdraw(t, a, 0), AX_OK);
    CHECK_EQ(ax_accounts_transfer(t, b, a, 50), AX_OK);
    CHECK_EQ(ax_accounts_transfer(t, b, a, 1), AX_EINSUFFICIENT);
    CHECK_EQ(balance(t, b), -50);
    CHECK_EQ(balance(t, deep), INT64_MIN);
    CHECK_EQ(ax_accounts_withdraw(t, deep, 1), AX_EINSUFFICIENT);
    CHECK_EQ(ax_accounts_transfer(t, deep, a, 1), AX_EINSUFFICIENT);
    CHECK_EQ(balance(t, deep), INT64_MIN);
    CHECK_EQ(balance(t, a), 50);
    ax_accounts_destroy(t);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void)
{
    ax_accounts *t = table(10, 1);
    uint32_t full = account(t, 0, INT64_MAX), a = account(t, INT64_MIN, 0);
    CHECK_EQ(ax_accounts_deposit(t, full, 0), AX_OK);
    CHECK_EQ(ax_accounts_deposit(t, full, 1), AX_ERANGE);
    CHECK_EQ(ax_accounts_deposit(t, full, INT64_MAX), AX_ERANGE);
    CHECK_EQ(ax_accounts_transfer(t, a, full, 1), AX_ERANGE);
    CHECK_EQ(balance(t, full), INT64_MAX);
    CHECK_EQ(balance(t, a), 0);
    CHECK_EQ(ax_accounts_transfer(t, full, a, INT64_MAX), AX_OK);
    CHECK_EQ(ax_accounts_transfer(t, a, full, INT64_MAX), AX_OK);
    CHECK_EQ(ax_accounts_withdraw(t, a, INT64_MAX), AX_OK);
    CHECK_EQ(ax_accounts_withdraw(t, a, 1), AX_OK);
    CHECK_EQ(balance(t, a), INT64_MIN);
    ax_accounts_leg all[2] = { { full, INT64_MIN }, { a, INT64_MIN } };
    CHECK_EQ(ax_accounts_transfer_many(t, all, 2), AX_EINVAL); /* zero only modulo 2^64 */
    ax_accounts_destroy(t);
}

static void a_transfer_of_many_is_all_or_nothing(void)
{
    ax_accounts *t = table(9, 1);
    ax_accounts_leg legs[9];
    for (uint32_t i = 0; i < 9; i++)
        account(t, 0, 100);
    for (uint32_t i = 0; i < 8; i++) /* in no order */
        legs[i] = (ax_accounts_leg){ (i * 5 + 3) % 8, i < 7 ? 10 : -70 };
    CHECK_EQ(ax_accounts_transfer_many(t, legs, 8), AX_OK);
    for (uint32_t i = 0; i < 8; i++)
        CHECK_EQ(balance(t, legs[i].account), i < 7 ? 110 : 30);
    CHECK_EQ(ax_accounts_transfer_many(t, legs, 8), AX_EINSUFFICIENT);
    for (uint32_t i = 0; i < 8; i++)
        CHECK_EQ(balance(t, legs[i].account), i < 7 ? 110 : 30);
    CHECK_EQ(ax_accounts_transfer_many(t, legs, 0), AX_EINVAL);
    CHECK_EQ(ax_accounts_transfer_many(t, legs, 7), AX_EINVAL); /* 70 too many */
    legs[8] = (ax_accounts_leg){ 8, 0 };
    CHECK_EQ(ax_accounts_transfer_many(t, legs, 9), AX_EINVAL);
    ax_accounts_leg twice[3] = { { 1, 5 }, { 2, -10 }, { 1, 5 } };
    CHECK_EQ(ax_accounts_transfer_many(t, twice, 3), AX_EINVAL);
    ax_accounts_leg lone = { 1, 0 };
    CHECK_EQ(ax_accounts_transfer_many(t, &lone, 1), AX_OK);
    CHECK_EQ(audit(t), 900);
    ax_accounts_destroy(t);
}

static void an_audit_that_does_not_fit_is_refused(void)
{
    ax_accounts *t = table(4, 1);
    account(t, 0, INT64_MAX);
    CHECK_EQ(audit(t), INT64_MAX);
    uint32_t b = account(t, INT64_MIN, 1);
    int64_t sum = 5, balances[4] = { 0 };
    uint32_t count = 9;
    CHECK_EQ(ax_accounts_audit(t, &sum), AX_ERANGE);
    CHECK_EQ(sum, 5);
    CHECK_EQ(ax_accounts_audit_all(t, balances, 1, &count, &sum), AX_ERANGE);
    CHECK_EQ(count, 9);
    CHECK_EQ(ax_accounts_audit_all(t, balances, 4, &count, NULL), AX_OK);
    CHECK_EQ(count, 2);
    CHECK(balances[0] == INT64_MAX && balances[1] == 1);
    CHECK_EQ(ax_accounts_withdraw(t, b, INT64_MAX), AX_OK);
    CHECK_EQ(ax_accounts_withdraw(t, b, 2), AX_OK);
    CHECK_EQ(ax_accounts_audit_all(t, balances, 2, NULL, &sum), AX_OK);
    CHECK_EQ(sum, -1);
    CHECK_EQ(balances[1], INT64_MIN);
    account(t, INT64_MIN, INT64_MIN);
    CHECK_EQ(ax_accounts_audit(t, &sum), AX_ERANGE);
    CHECK_EQ(sum, -1);
    ax_accounts_destroy(t);
}

/* --- the model: plain arithmetic ---------------------------------------------------------------------- */

enum { MODEL_ACCOUNTS = 12 };

struct model {
    int64_t balance[MODEL_ACCOUNTS], floor[MODEL_ACCOUNTS];
    uint32_t opened;
};

static uint64_t random_state;

static uint64_t draw(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t x = random_state;
    return (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 7 ^ x >> 40;
}

/* Small ones, ones around each border between the words a balance is kept in, and huge ones. */
static int64_t draw_amount(void)
{
    uint64_t bits = draw() % 64, around = draw() % 5;
    uint64_t amount = bits == 0 ? draw() % 100 : (UINT64_C(1) << bits) + around - 2;
    return (int64_t)(amount & INT64_MAX);
}

static ax_status model_change(struct model *m, const ax_accounts_leg *legs, uint32_t count)
{
    struct model after = *m;
    ax_status status = AX_OK;
    uint32_t reason = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (legs[i].account >= MODEL_ACCOUNTS)
            return AX_ENOTFOUND;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t a = legs[i].account;
        ax_status s = AX_OK;
        if (a >= m->opened)
            s = AX_ENOTFOUND;
        else if (__builtin_add_overflow(m->balance[a], legs[i].amount, &after.balance[a]))
            s = legs[i].amount < 0 ? AX_EINSUFFICIENT : AX_ERANGE;
        else if (legs[i].amount < 0 && after.balance[a] < m->floor[a])
            s = AX_EINSUFFICIENT;
        if (s != AX_OK && a < reason) {
            reason = a;
            status = s;
        }
    }
    if (status == AX_OK)
        *m = after;
    return status;
}

static void one_random_call(ax_accounts *t, struct model *m)
{
    uint32_t a = (uint32_t)(draw() % (MODEL_ACCOUNTS + 1)), b = (uint32_t)(draw() % (MODEL_ACCOUNTS + 1));
    int64_t amount = draw_amount();
    switch (draw() % 8) {
    case 0:
    case 1:
        CHECK_EQ(ax_accounts_deposit(t, a, amount), model_change(m, &(ax_accounts_leg){ a, amount }, 1));
        break;
    case 2:
    case 3:
        CHECK_EQ(ax_accounts_withdraw(t, a, amount), model_change(m, &(ax_accounts_leg){ a, -amount }, 1));
        break;
    case 4:
    case 5:
        if (a == b)
            break;
        ax_accounts_leg two[2] = { { a, -amount }, { b, amount } };
        CHECK_EQ(ax_accounts_transfer(t, a, b, amount), model_change(m, two, 2));
        break;
    case 6: {
        ax_accounts_leg legs[8];
        uint32_t count = 2 + (uint32_t)(draw() % 7), start = (uint32_t)(draw() % MODEL_ACCOUNTS);
        int64_t rest = 0;
        for (uint32_t i = 0; i < count; i++) {
            int64_t part = i + 1 == count ? -rest : draw_amount() / 16 * (draw() % 2 ? 1 : -1);
            rest += part;
            legs[i] = (ax_accounts_leg){ (start + 7 * i) % MODEL_ACCOUNTS, part };
        }
        CHECK_EQ(ax_accounts_transfer_many(t, legs, count), model_change(m, legs, count));
        break;
    }
    default: {
        int64_t balances[MODEL_ACCOUNTS];
        uint32_t count;
        CHECK_EQ(ax_accounts_audit_all(t, balances, MODEL_ACCOUNTS, &count, NULL), AX_OK);
        CHECK_EQ(count, m->opened);
        for (uint32_t i = 0; i < count; i++)
            CHECK_EQ(balances[i], m->balance[i]);
    }
    }
    if (m->opened < MODEL_ACCOUNTS && draw() % 64 == 0) {
        uint32_t number;
        int64_t floor = draw() % 2 ? 0 : -draw_amount();
        CHECK_EQ(ax_accounts_open(t, floor, &number), AX_OK);
        CHECK_EQ(number, m->opened);
        m->floor[m->opened++] = floor;
    }
    for (uint32_t i = 0; i < m->opened; i++)
        CHECK_EQ(balance(t, i), m->balance[i]);
}

static void random_calls_agree_with_the_model(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        ax_accounts *t = table(MODEL_ACCOUNTS, 1);
        struct model m = { .opened = 0 };
        random_state = seed;
        unsigned long failed = check_failures;
        for (int i = 0; i < 3000 && check_failures == failed; i++)
            one_random_call(t, &m);
        if (check_failures != failed)
            fprintf(stderr, "seed %d\n", (int)seed);
        ax_accounts_destroy(t);
    }
}

int main(void)
{
    RUN(arguments_out_of_range_are_refused);
    RUN(memory_that_holds_no_table_is_not_attached_to);
    RUN(memory_comes_from_the_allocator_and_goes_back);
    RUN(as_many_accounts_are_opened_as_there_is_room_for);
    RUN(there_is_nothing_to_do_on_an_account_that_is_not);
    RUN(a_balance_never_falls_below_its_floor);
    RUN(what_does_not_fit_is_refused_and_changes_nothing);
    RUN(a_transfer_of_many_is_all_or_nothing);
    RUN(an_audit_that_does_not_fit_is_refused);
    RUN(random_calls_agree_with_the_model);
    return check_summary();
}

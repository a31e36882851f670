/* SPDX-License-Identifier: MIT */
/*
 * accounts_change.h: a few accounts, and changes of them made by hand a step at a time. After accounts_step.c and
 * accounts_place.c, whose insides it uses.
 */
#ifndef TESTS_MODEL_ACCOUNTS_CHANGE_H
#define TESTS_MODEL_ACCOUNTS_CHANGE_H

enum { OPENING = 65535, AMOUNT = 2 }; /* a change carries into the next part */

static ax_accounts *bank;

/* Accounts with OPENING each, and places enough. */
static void open_bank(uint32_t accounts)
{
    uint32_t number;
    assert(ax_accounts_create(accounts + 1, 2, NULL, &bank) == AX_OK);
    for (uint32_t i = 0; i < accounts; i++)
        assert(ax_accounts_open(bank, 0, &number) == AX_OK && ax_accounts_deposit(bank, number, OPENING) == AX_OK);
}
/* Forgets it too: what somebody still points to is no leak. */
static void close_bank(void)
{
    ax_accounts_destroy(bank);
    bank = NULL;
}

static struct account *account(uint32_t number) { return &accounts_table(bank)[number]; }
static struct place *place(uint32_t number) { return &accounts_places(bank)[number]; }

/* An audit's instant; where another was quicker, that is one too. */
static void tick(void)
{
    uint64_t now = load(&bank->clock, relaxed);
    (void)cas(&bank->clock, &now, now + 1, seq_cst, seq_cst);
}
static int64_t balance(uint32_t number)
{
    struct leg leg = {.account = number};
    assert(axi_account_read(bank, &leg));
    return leg.before;
}

/* A change, as its owner and whoever helps know it. */
struct change {
    uint32_t place;
    uint64_t number;
    state_word taken;
    uint32_t count;
    struct leg legs[3];
};

/* `count` legs from account `first` on, of AMOUNT each. */
static struct change plan(uint32_t in_place, uint32_t first, uint32_t count)
{
    uint64_t number = load(&place(in_place)->number, relaxed) + 1;
    struct change c = {.place = in_place, .number = number, .taken = state_make_taken(in_place, number), .count = count};
    for (uint32_t i = 0; i < count; i++) {
        c.legs[i].account = first + i;
        assert(axi_account_read(bank, &c.legs[i]));
        c.legs[i].after = c.legs[i].before + AMOUNT;
    }
    return c;
}
/* Its owner has written it down and no more. Before the threads. */
static void announce(const struct change *c)
{
    struct place *p = place(c->place);
    for (uint32_t i = 0; i < c->count; i++) {
        store(&p->legs[i].account, c->legs[i].account, relaxed);
        store(&p->legs[i].expected, c->legs[i].expected, relaxed);
        store(&p->legs[i].before, c->legs[i].before, relaxed);
        store(&p->legs[i].after, c->legs[i].after, relaxed);
    }
    store(&p->number, c->number, relaxed);
    store(&p->outcome, outcome_make(OUTCOME_UNDECIDED, c->number), relaxed);
    store(&p->count, c->count, relaxed);
}
static void install_first(const struct change *c)
{
    state_word expected = c->legs[0].expected;
    assert(cas(&account(c->legs[0].account)->state, &expected, c->taken, seq_cst, seq_cst));
}
static void decide(const struct change *c) { install_and_decide(bank, place(c->place), c->number, c->taken, c->legs, c->count); }
static outcome_word outcome_of(const struct change *c) { return load(&place(c->place)->outcome, acquire); }
static void settle_one(const struct change *c, uint32_t leg) { settle_leg(bank, &c->legs[leg], c->taken, outcome_of(c)); }
static void begin(struct change *c)
{
    announce(c);
    install_first(c);
}
static void begin_and_decide(struct change *c)
{
    begin(c);
    decide(c);
}

#endif

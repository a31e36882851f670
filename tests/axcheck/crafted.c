/* SPDX-License-Identifier: MIT */
/*
 * crafted.c: keys that all begin in one slot under a secret that their author knows. Under that secret they make a table
 * quadratic, which is counted in slots looked at; under one that was drawn they do not.
 */
#include "../check.h"
#include "budget.h"
#include "history/keys.h"
#include "history/states.h"

enum { KEYS = 2000, KNOWN_BITS = 12 };

static int64_t crafted[KEYS];

/* Numbers whose hashes end in the same bits, so that they meet in every table of up to that many slots. */
static void craft(void)
{
    size_t found = 0;
    for (int64_t key = 0; found < KEYS; key++)
        if ((axc_hash(0, (uint64_t)key) & ((1U << KNOWN_BITS) - 1)) == 7)
            crafted[found++] = key;
}

/* Slots looked at to find each key once. */
static uint64_t looked_at(const struct axc_keys *keys)
{
    uint64_t slots = 0;
    for (size_t i = 0; i < keys->slots; i++)
        if (keys->entries[i].count != 0)
            slots += ((i - axc_keys_home(keys, keys->entries[i].key)) & (keys->slots - 1)) + 1;
    return slots;
}

static uint64_t cost_of_crafted_keys(void)
{
    struct axc_keys keys = {0};
    for (size_t i = 0; i < KEYS; i++) {
        uint32_t number = (uint32_t)i;
        CHECK_FATAL(axc_keys_count(&keys, crafted[i], 2, &number));
    }
    CHECK_EQ(keys.used, KEYS);
    uint64_t slots = looked_at(&keys);
    axc_keys_free(&keys);
    return slots;
}

static void crafted_keys_are_quadratic_for_who_knows_the_secret(void)
{
    craft();
    CHECK(cost_of_crafted_keys() > (uint64_t)KEYS * KEYS / 8);
}

static void crafted_keys_are_cheap_under_secrets_drawn_later(void)
{
    for (int i = 0; i < 20; i++) {
        axc_hash_draw();
        CHECK(cost_of_crafted_keys() < (uint64_t)KEYS * 4);
    }
}

static void two_secrets_differ(void)
{
    uint64_t before = axc_hash(0, 1);
    CHECK(axc_hash_secret[1] % 2 == 1);
    axc_hash_draw();
    CHECK(axc_hash(0, 1) != before);
}

/* And keys as programs have them: in a row, in steps, and differing only at the top. */
static void keys_at_equal_distances_are_cheap(void)
{
    for (unsigned shift = 0; shift < 53; shift++) {
        axc_hash_draw();
        for (size_t i = 0; i < KEYS; i++)
            crafted[i] = (int64_t)((uint64_t)i << shift);
        CHECK(cost_of_crafted_keys() < (uint64_t)KEYS * 4);
    }
}

/* States go by the same hash; their numbers are those of their first coming, whatever the secret. */
static void numbers_of_states_do_not_depend_on_the_secret(void)
{
    for (int i = 0; i < 3; i++) {
        struct axc_states states = {0};
        for (int64_t n = 0; n < KEYS; n++) {
            int64_t state[2] = {n << 32, -n};
            CHECK_EQ(axc_state_number(&states, state, 2), (uint32_t)n);
            CHECK_EQ(axc_state_number(&states, state, 2), (uint32_t)n);
        }
        axc_states_free(&states);
        axc_hash_draw();
    }
}

int main(void)
{
    axc_budget_init((size_t)64 << 20);
    /* main has not drawn it: it was there before. */
    CHECK(axc_hash_secret[0] != 0 && axc_hash_secret[1] > 1);
    RUN(two_secrets_differ);
    RUN(crafted_keys_are_quadratic_for_who_knows_the_secret);
    RUN(crafted_keys_are_cheap_under_secrets_drawn_later);
    RUN(keys_at_equal_distances_are_cheap);
    RUN(numbers_of_states_do_not_depend_on_the_secret);
    return check_summary();
}

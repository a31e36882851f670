/* SPDX-License-Identifier: MIT */
/* What outcome tests are tested on: outcomes that are known, declared rightly, wrongly and not at all. */
#include <atomicx/outcome.h>

struct word {
    int32_t value;
};

AX_OUTCOME_ACTOR(one, struct word)
{
    state->value += 7;
    r[0] = 1;
}

AX_OUTCOME_ACTOR(minus_two, struct word)
{
    (void)state;
    r[1] = -2;
}

AX_OUTCOME_ACTOR(at_the_end, struct word)
{
    r[2] = state->value;
}

/* All of 0 to 4 in four results, one after the other: more than are kept, and the last one is 4 4 4 4. */
AX_OUTCOME_ACTOR(all_in_turn, struct word)
{
    static unsigned turn;
    unsigned digits = turn++;
    (void)state;
    for (int i = 0; i < AX_OUTCOME_RESULTS; i++, digits /= 5)
        r[i] = (int32_t)(digits % 5);
}

AX_OUTCOME_ACTOR(idle, struct word)
{
    (void)state, (void)r;
}

#define ANY "0|1|2|3|4"
static const ax_outcome last_is_wrong[] = { { "4 4 4 4", AX_FORBIDDEN, "comes last" }, { ANY " " ANY " " ANY " " ANY, AX_ACCEPTABLE, "in turn" } };
static const ax_outcome right[] = {
    { "2 -2 7", AX_FORBIDDEN, "the first result is 1" },
    { "0|1 -2|3 7", AX_INTERESTING, "states begin as zeroes, and the last actor comes last" },
};
static const ax_outcome none[] = { { "1 -2 8", AX_ACCEPTABLE, "never seen" } };
static const ax_outcome wrong[] = { { "1 -2 7", AX_FORBIDDEN, "what there always is" } };

int main(int argc, char **argv)
{
    static const ax_outcome_test tests[] = {
        AX_OUTCOME_TEST_WITH_LAST("declared", "what there always is", struct word, 3, right, at_the_end, one, minus_two),
        AX_OUTCOME_TEST_WITH_LAST("undeclared", "what nobody expects", struct word, 3, none, at_the_end, one, minus_two),
        AX_OUTCOME_TEST("many", "more outcomes than are kept", struct word, 4, last_is_wrong, all_in_turn, idle),
        AX_OUTCOME_TEST_WITH_LAST("forbidden", "what must not be", struct word, 3, wrong, at_the_end, one, minus_two),
    };
    return ax_outcome_main(argc, argv, "outcomes", tests, sizeof tests / sizeof *tests);
}

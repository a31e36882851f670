/* SPDX-License-Identifier: MIT */
/*
 * The classic shapes, each with relaxed operations, with release and acquire, and with seq_cst: what C11 permits,
 * what it forbids, and what this machine shows of it. x86 shows store buffering and nothing else of the interesting ones; a
 * forbidden one is a mistake of the compiler, the machine, or this table.
 */
#include <atomicx/outcome.h>

#include <stdatomic.h>

/* A line of its own for each word: or a store would drag the other word along. */
struct words {
    _Alignas(64) atomic_int x;
    _Alignas(64) atomic_int y;
};

#define STORE(word, value, order) atomic_store_explicit(&state->word, value, memory_order_##order)
#define LOAD(word, order) atomic_load_explicit(&state->word, memory_order_##order)

/* The actors of all shapes for one strength of stores and loads. */
#define ACTORS(name, st, ld)                                                                                  \
    AX_OUTCOME_ACTOR(sb_left_##name, struct words) { STORE(x, 1, st); r[0] = LOAD(y, ld); }                   \
    AX_OUTCOME_ACTOR(sb_right_##name, struct words) { STORE(y, 1, st); r[1] = LOAD(x, ld); }                  \
    AX_OUTCOME_ACTOR(mp_writer_##name, struct words) { (void)r; STORE(x, 1, st); STORE(y, 1, st); }           \
    AX_OUTCOME_ACTOR(mp_reader_##name, struct words) { r[0] = LOAD(y, ld); r[1] = LOAD(x, ld); }              \
    AX_OUTCOME_ACTOR(lb_left_##name, struct words) { r[0] = LOAD(x, ld); STORE(y, 1, st); }                   \
    AX_OUTCOME_ACTOR(lb_right_##name, struct words) { r[1] = LOAD(y, ld); STORE(x, 1, st); }                  \
    AX_OUTCOME_ACTOR(write_x_##name, struct words) { (void)r; STORE(x, 1, st); }                              \
    AX_OUTCOME_ACTOR(write_y_##name, struct words) { (void)r; STORE(y, 1, st); }                              \
    AX_OUTCOME_ACTOR(iriw_xy_##name, struct words) { r[0] = LOAD(x, ld); r[1] = LOAD(y, ld); }                \
    AX_OUTCOME_ACTOR(iriw_yx_##name, struct words) { r[2] = LOAD(y, ld); r[3] = LOAD(x, ld); }                \
    AX_OUTCOME_ACTOR(corr_##name, struct words) { r[0] = LOAD(x, ld); r[1] = LOAD(x, ld); }                   \
    AX_OUTCOME_ACTOR(ww_left_##name, struct words) { (void)r; STORE(x, 1, st); STORE(y, 2, st); }             \
    AX_OUTCOME_ACTOR(ww_right_##name, struct words) { (void)r; STORE(y, 1, st); STORE(x, 2, st); }

ACTORS(rlx, relaxed, relaxed)
ACTORS(ra, release, acquire)
ACTORS(sc, seq_cst, seq_cst)

AX_OUTCOME_ACTOR(ww_last, struct words)
{
    r[0] = LOAD(x, relaxed);
    r[1] = LOAD(y, relaxed);
}

/* One table of outcomes per shape and strength: the weak outcome, and all others. */
#define OUTCOMES(variable, weak, kind, why_weak, others, why_others) \
    static const ax_outcome variable[] = { { weak, kind, why_weak }, { others, AX_ACCEPTABLE, why_others } }

OUTCOMES(sb_weak, "0 0", AX_INTERESTING, "both loads overtook the stores before them", "0|1 0|1", "one store was seen, or both");
OUTCOMES(sb_sc, "0 0", AX_FORBIDDEN, "in one order of all four a load comes after a store", "0|1 0|1", "one store was seen, or both");
OUTCOMES(mp_weak, "1 0", AX_INTERESTING, "the flag came before what it announces", "0|1 0|1", "in order");
OUTCOMES(mp_strong, "1 0", AX_FORBIDDEN, "the flag's acquire synchronizes with its release", "0|1 0|1", "in order");
OUTCOMES(lb_weak, "1 1", AX_INTERESTING, "both stores overtook the loads before them", "0|1 0|1", "in order");
OUTCOMES(lb_strong, "1 1", AX_FORBIDDEN, "each load would have to come before the other", "0|1 0|1", "in order");
OUTCOMES(iriw_weak, "1 0 1 0", AX_INTERESTING, "the readers disagree about which store was first", "0|1 0|1 0|1 0|1", "they agree");
OUTCOMES(iriw_sc, "1 0 1 0", AX_FORBIDDEN, "there is one order of both stores", "0|1 0|1 0|1 0|1", "they agree");
OUTCOMES(corr, "1 0", AX_FORBIDDEN, "one word never goes back, whatever the order", "0|1 0|1", "it went forward");
OUTCOMES(ww_weak, "1 1", AX_INTERESTING, "each thread's first store was last", "1|2 1|2", "some first store was first");
OUTCOMES(ww_sc, "1 1", AX_FORBIDDEN, "in one order of all four some second store is last", "1|2 1|2", "some first store was first");

#define SHAPES(suffix, n, sb, mp, lb, iriw, ww)                                                                               \
    AX_OUTCOME_TEST("SB" suffix, "store, then load the other word", struct words, 2, sb, sb_left_##n, sb_right_##n),          \
    AX_OUTCOME_TEST("MP" suffix, "data, then a flag", struct words, 2, mp, mp_writer_##n, mp_reader_##n),                     \
    AX_OUTCOME_TEST("LB" suffix, "load, then store to the other word", struct words, 2, lb, lb_left_##n, lb_right_##n),       \
    AX_OUTCOME_TEST("IRIW" suffix, "two stores, two readers in opposite order", struct words, 4, iriw, write_x_##n,           \
                    write_y_##n, iriw_xy_##n, iriw_yx_##n),                                                                   \
    AX_OUTCOME_TEST("CoRR" suffix, "one word, loaded twice", struct words, 2, corr, write_x_##n, corr_##n),                   \
    AX_OUTCOME_TEST_WITH_LAST("2+2W" suffix, "two stores each, in opposite order", struct words, 2, ww, ww_last, ww_left_##n, \
                              ww_right_##n)

int main(int argc, char **argv)
{
    static const ax_outcome_test tests[] = {
        SHAPES("+rlx", rlx, sb_weak, mp_weak, lb_weak, iriw_weak, ww_weak),
        SHAPES("+ra", ra, sb_weak, mp_strong, lb_strong, iriw_weak, ww_weak),
        SHAPES("+sc", sc, sb_sc, mp_strong, lb_strong, iriw_sc, ww_sc),
    };
    return ax_outcome_main(argc, argv, "litmus", tests, sizeof tests / sizeof *tests);
}

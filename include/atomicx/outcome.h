/* SPDX-License-Identifier: MIT */
/**
 * outcome.h: what can two to four threads see? Outcome tests, after OpenJDK's jcstress.
 *
 *     struct words { _Alignas(64) atomic_int x; _Alignas(64) atomic_int y; };
 *     AX_OUTCOME_ACTOR(left, struct words) { atomic_store(&state->x, 1); r[0] = atomic_load(&state->y); }
 *     AX_OUTCOME_ACTOR(right, struct words) { atomic_store(&state->y, 1); r[1] = atomic_load(&state->x); }
 *     static const ax_outcome seen[] = {
 *         { "0 0", AX_FORBIDDEN, "both stores are before both loads in the one order of all of them" },
 *         { "0|1 0|1", AX_ACCEPTABLE, "one came first, or they met" },
 *     };
 *     static const ax_outcome_test tests[] = {
 *         AX_OUTCOME_TEST("SB", "store, then look at the other's word", struct words, 2, seen, left, right),
 *     };
 *     int main(int argc, char **argv) { return ax_outcome_main(argc, argv, "mytests", tests, 1); }
 *
 * Each actor runs once on each state, at about the same time as the others; states come in batches, whose length is
 * tuned until the rarer outcomes are most frequent. A state is zeroed memory. An outcome that nobody declared is a
 * failure, as is a forbidden one; an interesting one is permitted, and worth being seen. A test whose actors were never at
 * work at the same time, and which did not fail, shows nothing about threads that meet: it is vacuous.
 *
 * Results are exit codes as in stress.h: 0 every test holds, 1 some test is violated, 2 usage, 3 none is violated and at
 * least one was vacuous, also where the others hold, 64 a mistake in the table of tests, said in a sentence, 70 no
 * memory or threads.
 * Within a batch the harness orders nothing between the actors. Link with libatomicx-stress.
 */
#ifndef ATOMICX_OUTCOME_H
#define ATOMICX_OUTCOME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AX_OUTCOME_ACTORS 4  /**< at most */
#define AX_OUTCOME_RESULTS 4 /**< r[0] to r[3] */

typedef enum ax_outcome_kind { AX_ACCEPTABLE, AX_INTERESTING, AX_FORBIDDEN } ax_outcome_kind;

/** Some outcomes, by their results: a number, or several as 0|1, for each of r[0], r[1], ... The first that fits counts. */
typedef struct ax_outcome {
    const char *results;
    ax_outcome_kind kind;
    const char *why; /**< one sentence */
} ax_outcome;

/** One actor on `count` states, `size` bytes apart, and as many rows of results. Made by AX_OUTCOME_ACTOR. */
typedef void ax_outcome_actor(void *states, size_t size, int32_t (*results)[AX_OUTCOME_RESULTS], size_t count);

typedef struct ax_outcome_test {
    const char *name, *about;
    size_t state_size;
    uint32_t results; /**< how many of r are used; the number of tokens in each ax_outcome.results */
    const ax_outcome *outcomes;
    size_t outcome_count;
    ax_outcome_actor *actors[AX_OUTCOME_ACTORS]; /**< NULL after the last */
    ax_outcome_actor *last; /**< runs when all actors are through, to look at the final state; may be NULL */
} ax_outcome_test;

/** The body of an actor: `state` is the state, r the results, each of which one actor of the test writes. */
#define AX_OUTCOME_ACTOR(name, type)                                                                                 \
    static inline void name##_on(type *state, int32_t *r);                                                           \
    static void name(void *states, size_t size, int32_t (*results)[AX_OUTCOME_RESULTS], size_t count)                \
    {                                                                                                                \
        for (size_t i_ = 0; i_ < count; i_++)                                                                        \
            name##_on((type *)(void *)((char *)states + i_ * size), results[i_]);                                    \
    }                                                                                                                \
    static inline void name##_on(type *state, int32_t *r)

/** An initializer of an ax_outcome_test; the actors come last. */
#define AX_OUTCOME_TEST(name, about, type, results, outcomes, ...) \
    { name, about, sizeof(type), results, outcomes, sizeof(outcomes) / sizeof *(outcomes), { __VA_ARGS__ }, NULL }
/** The same with an actor that looks at the final state. */
#define AX_OUTCOME_TEST_WITH_LAST(name, about, type, results, outcomes, last, ...) \
    { name, about, sizeof(type), results, outcomes, sizeof(outcomes) / sizeof *(outcomes), { __VA_ARGS__ }, last }

/** Runs the tests by the command line (--help) and returns the exit code. Call it once, from main. */
int ax_outcome_main(int argc, char **argv, const char *program, const ax_outcome_test *tests, size_t count);

#ifdef __cplusplus
}
#endif
#endif

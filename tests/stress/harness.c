/* SPDX-License-Identifier: MIT */
/* The harness's parts: numbers, choices, sets, samples, JSON. All random streams are fixed: nothing here is flaky. */
#include <math.h>

#include "../check.h"

#include "../../stress/harness/keys.h"
#include "../../stress/harness/number.h"
#include "../../stress/harness/out.h"
#include "../../stress/harness/verdict.h"

static int64_t value_of(const char *text, unsigned scale)
{
    int64_t value = -1;
    const char *error = axi_number(text, scale, INT64_MIN, INT64_MAX, &value);
    CHECK_STR(error == NULL ? "" : error, "");
    return value;
}

static const char *refusal_of(const char *text, int64_t least, int64_t most)
{
    int64_t value = 4711;
    const char *error = axi_number(text, 0, least, most, &value);
    CHECK_EQ(value, 4711); /* untouched by a refusal */
    return error == NULL ? "accepted" : error;
}

static void exact_integers_are_accepted_in_any_notation(void)
{
    CHECK_EQ(value_of("1e7", 0), 10000000);
    CHECK_EQ(value_of("10M", 0), 10000000);
    CHECK_EQ(value_of("10_000_000", 0), 10000000);
    CHECK_EQ(value_of("1.5e1", 0), 15);
    CHECK_EQ(value_of("0.001k", 0), 1);
    CHECK_EQ(value_of("0e99999", 0), 0);
    CHECK_EQ(value_of("2.5", 9), 2500000000);
    CHECK_EQ(value_of("9223372036854775807", 0), INT64_MAX);
    CHECK_EQ(value_of("-9223372036854775808", 0), INT64_MIN);
    CHECK_EQ(value_of("000000000000000000000000000000000000000000000000000000000000000000000000000000012", 0), 12);
}

static void everything_else_is_refused_for_its_reason(void)
{
    CHECK_STR(refusal_of("1.5", 0, INT64_MAX), "is not a whole number");
    CHECK_STR(refusal_of("1e-3", 0, INT64_MAX), "is not a whole number");
    CHECK_STR(refusal_of("-4", 0, INT64_MAX), "must not be negative");
    CHECK_STR(refusal_of("9e99", 0, INT64_MAX), "is too large");
    CHECK_STR(refusal_of("9223372036854775808", 0, INT64_MAX), "is too large");
    CHECK_STR(refusal_of("18446744073709551617", 0, INT64_MAX), "is too large");
    CHECK_STR(refusal_of("1e99999999999999999999", 0, INT64_MAX), "is too large");
    CHECK_STR(refusal_of("-9223372036854775809", INT64_MIN, INT64_MAX), "is too large");
    CHECK_STR(refusal_of("abc", 0, INT64_MAX), "is not a number");
    CHECK_STR(refusal_of("", 0, INT64_MAX), "is empty");
    CHECK_STR(refusal_of("--1", INT64_MIN, INT64_MAX), "is not a number");
    CHECK_STR(refusal_of("3", 4, 9), "is too small");
    CHECK_STR(refusal_of("10", 4, 9), "is too large");
}

static void each_thread_and_seed_has_its_own_stream(void)
{
    enum { SEEDS = 8, THREADS = 256, DRAWS = 4, ALL = SEEDS * THREADS * DRAWS };
    static uint64_t drawn[ALL];
    size_t count = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (uint64_t thread = 0; thread < THREADS; thread++) {
            ax_stress_random random = ax_stress_random_at(seed, thread);
            ax_stress_random again = ax_stress_random_at(seed, thread);
            for (int i = 0; i < DRAWS; i++) {
                drawn[count] = ax_stress_bits(&random);
                CHECK(drawn[count] == ax_stress_bits(&again));
                count++;
            }
        }
    unsigned long same = 0; /* of 8192 draws of 64 bits none should come twice */
    for (size_t i = 0; i < ALL; i++)
        for (size_t j = 0; j < i; j++)
            same += drawn[i] == drawn[j];
    CHECK_EQ(same, 0);
}

/* Pearson's statistic over the first `count` keys and the rest; its mean is `count`, its variance twice that. */
static double chi_square(enum axi_dist dist, double theta, const double *share, uint64_t count, uint64_t all)
{
    enum { DRAWS = 400000 };
    struct axi_keys keys;
    uint64_t seen[64] = { 0 };
    CHECK_FATAL(axi_keys_init(&keys, dist, theta, all) == NULL);
    ax_stress_random random = ax_stress_random_at(20, 26);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t key = axi_keys_next(&keys, &random);
        CHECK_FATAL(key < all);
        seen[key < count ? key : count]++;
    }
    axi_keys_fini(&keys);
    double statistic = 0, rest = 1;
    for (uint64_t i = 0; i <= count; i++) {
        double expected = (i < count ? share[i] : rest) * DRAWS;
        if (i < count)
            rest -= share[i];
        if (expected > 0.5)
            statistic += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
    }
    return statistic;
}

static void keys_follow_their_distribution(void)
{
    static const double thetas[] = { 0.5, 0.99, 1.0, 2.0 };
    enum { FIRST = 20, ALL = 1000 };
    double share[FIRST];
    for (size_t t = 0; t < sizeof thetas / sizeof *thetas; t++) {
        double sum = 0;
        for (int i = ALL; i > 0; i--)
            sum += pow(i, -thetas[t]);
        for (int i = 0; i < FIRST; i++)
            share[i] = pow(i + 1, -thetas[t]) / sum;
        /* five standard deviations above the mean of 20 is 52; with a fixed seed it is the same every time */
        CHECK(chi_square(AXI_DIST_ZIPF, thetas[t], share, FIRST, ALL) < 52);
        /* and the check can fail: another exponent is told apart */
        CHECK(chi_square(AXI_DIST_ZIPF, thetas[t] + 0.1, share, FIRST, ALL) > 52);
    }
    for (int i = 0; i < FIRST; i++)
        share[i] = 1.0 / ALL;
    CHECK(chi_square(AXI_DIST_UNIFORM, 0, share, FIRST, ALL) < 52);
    for (int i = 0; i < FIRST; i++)
        share[i] = (i == 0 ? 0.9 : 0.0) + 0.1 / ALL;
    CHECK(chi_square(AXI_DIST_HOT, 0, share, FIRST, ALL) < 52);
}

/* Text of what `put` writes under the key "k". */
static char *written(void (*put)(ax_stress_out *out, const void *what), const void *what)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    CHECK_FATAL(file != NULL);
    ax_stress_out out;
    axi_out_start(&out, file);
    put(&out, what);
    CHECK(axi_out_finish(&out));
    fclose(file);
    return text;
}

static void put_set(ax_stress_out *out, const void *what)
{
    ax_stress_put_set(out, "k", what);
}

static void check_runs(uint64_t capacity, const uint64_t *numbers, size_t count, const char *runs)
{
    ax_stress_set *set = ax_stress_set_create(capacity);
    CHECK_FATAL(set != NULL);
    for (size_t i = 0; i < count; i++) {
        CHECK(ax_stress_set_add(set, numbers[i]));
        CHECK(!ax_stress_set_add(set, numbers[i]));
    }
    CHECK_EQ(ax_stress_set_size(set), count);
    char expected[256];
    snprintf(expected, sizeof expected, "{\n\"k\": \"%s\"\n}\n", runs);
    char *text = written(put_set, set);
    CHECK_STR(text, expected);
    free(text);
    ax_stress_set_destroy(set);
}

#define CHECK_RUNS(capacity, runs, ...) \
    check_runs(capacity, (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8, runs)

static void a_set_is_written_as_runs(void)
{
    check_runs(100, NULL, 0, "");
    CHECK_RUNS(100, "3:2 10", 15, 3, 4);
    CHECK_RUNS(100, "0", 0);
    CHECK_RUNS(100, "99", 99);
    CHECK_RUNS(64, "63", 63);
    CHECK_RUNS(130, "62:4 62:2", 62, 63, 64, 65, 128, 129);
    CHECK_RUNS(3, "0:3", 2, 1, 0);
    uint64_t all[200];
    for (uint64_t i = 0; i < 200; i++)
        all[i] = i;
    check_runs(200, all, 200, "0:200");
}

static void samples_are_thinned_in_order(void)
{
    static ax_stress_samples samples;
    for (int64_t i = 0; i < 1000000; i++)
        ax_stress_sample(&samples, i);
    CHECK(samples.kept > AX_STRESS_SAMPLES / 3 && samples.kept < AX_STRESS_SAMPLES);
    CHECK_EQ(samples.value[0], 0);
    int64_t step = samples.value[1];
    for (uint32_t i = 0; i < samples.kept; i++)
        CHECK_EQ(samples.value[i], step * i);
    CHECK(!samples.fell);
}

static void a_fall_is_kept_as_evidence(void)
{
    for (int64_t before = 1; before < 5000; before += 7) {
        ax_stress_samples samples = { 0 };
        for (int64_t i = 0; i < before; i++)
            ax_stress_sample(&samples, i);
        ax_stress_sample(&samples, before - 2);
        ax_stress_sample(&samples, before + 10);
        CHECK(samples.fell);
        CHECK_EQ(samples.value[samples.kept - 2], before - 1);
        CHECK_EQ(samples.value[samples.kept - 1], before - 2);
    }
}

static void put_string(ax_stress_out *out, const void *what)
{
    ax_stress_put_string(out, "k", what);
}

static void strings_are_json_whatever_they_hold(void)
{
    static const struct {
        const char *raw, *json;
    } cases[] = { { "a\"b\\c", "a\\\"b\\\\c" }, { "\n\x01", "\\u000a\\u0001" }, { "\xc3\xa4", "\xc3\xa4" },
                  { "\xff.", "\\ufffd." },      { "\xc3", "\\ufffd" },          { "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" },
                  { "\xf0\x9f\x8e\xab", "\xf0\x9f\x8e\xab" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "{\n\"k\": \"%s\"\n}\n", cases[i].json);
        char *text = written(put_string, cases[i].raw);
        CHECK_STR(text, expected);
        free(text);
    }
}

/* ---- rounds whose answers are known ---- */

/* The state is a digest of all that was done, in its order: no two orders lead to the same, and each has to be tried. */
static bool mix(void *state, const int64_t *arguments, int64_t result)
{
    uint64_t *digest = state;
    *digest = *digest * UINT64_C(6364136223846793005) + (uint64_t)arguments[0];
    return result == 0;
}

/* `threads` times `calls` at once, or one after the other; the last one has a result that none may have. */
static enum axi_opinion opinion_of(uint32_t threads, uint32_t calls, bool at_once, int64_t last)
{
    static const ax_stress_operation operations[] = { { .name = "mix", .takes = { AX_STRESS_FRESH }, .allows = mix } };
    static const ax_stress_program program = { .noun = "mixer", .operations = operations, .operation_count = 1, .state_size = 8 };
    static const ax_stress_impl impl = { .name = "mixer" };
    const ax_stress_run run = { .program = &program, .impl = &impl };
    struct axi_plan plan = { .threads = threads };
    struct axi_answer answers[AXI_TEAM_MOST][AXI_ROUND_MOST] = { { { 0 } } };
    const struct axi_answer *rows[AXI_TEAM_MOST];
    uint64_t time = 1;
    for (uint32_t t = 0; t < threads; t++) {
        rows[t] = answers[t];
        plan.count[t] = calls;
        for (uint32_t i = 0; i < calls; i++, time++) {
            plan.calls[t][i].arguments[0] = (int64_t)time;
            answers[t][i].invoked = at_once ? 10 + i : 10 * time;
            answers[t][i].answered = at_once ? 100 + i : 10 * time + 5;
        }
    }
    answers[threads - 1][calls - 1].result = last;
    struct axi_judge *judge = axi_judge_create(&run);
    CHECK_FATAL(judge != NULL);
    enum axi_opinion opinion = axi_judge_round(judge, &plan, rows, 0);
    axi_judge_destroy(judge);
    return opinion;
}

static void a_round_has_an_order_or_none_or_is_given_up(void)
{
    CHECK_EQ(opinion_of(3, 4, false, 0), AXI_ORDERED);
    CHECK_EQ(opinion_of(3, 4, true, 0), AXI_ORDERED);
    CHECK_EQ(opinion_of(3, 4, false, 1), AXI_DISORDERED);
    CHECK_EQ(opinion_of(2, 4, true, 1), AXI_DISORDERED); /* of 70 orders */
    CHECK_EQ(opinion_of(8, 16, true, 1), AXI_UNDECIDED);
}

int main(void)
{
    RUN(exact_integers_are_accepted_in_any_notation);
    RUN(everything_else_is_refused_for_its_reason);
    RUN(each_thread_and_seed_has_its_own_stream);
    RUN(keys_follow_their_distribution);
    RUN(a_set_is_written_as_runs);
    RUN(samples_are_thinned_in_order);
    RUN(a_fall_is_kept_as_evidence);
    RUN(strings_are_json_whatever_they_hold);
    RUN(a_round_has_an_order_or_none_or_is_given_up);
    return check_summary();
}

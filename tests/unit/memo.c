/* SPDX-License-Identifier: MIT */
/* memo.c: flights, waiting, errors, ends of threads. Recursion: memo_recursion.c. What becomes of values: memo_values.c. */
#include "memo_world.h"

#include <stdbool.h>

static void the_first_caller_computes_and_later_ones_hit(void)
{
    begin();
    int first, second, other;
    CHECK_EQ(get("a", &first), AX_OK);
    CHECK_EQ(get("a", &second), AX_OK);
    CHECK_EQ(get("b", &other), AX_OK);
    CHECK_EQ(first, second);
    CHECK(other != first);
    CHECK_EQ(get("", NULL), AX_OK); /* the empty key is a key */
    CHECK_EQ(get("", NULL), AX_OK);
    ax_memo_stats s = stats();
    CHECK_EQ(s.computations, 3);
    CHECK_EQ(s.hits, 2);
    CHECK_EQ(s.waits, 0);
    CHECK_EQ(s.entries, 3);
    end();
}

static void keys_are_bytes_of_any_value_and_length(void)
{
    begin();
    ax_memo_ref refs[3];
    CHECK_EQ(ax_memo_do(world.memo, "a\0b", 3, &refs[0]), AX_OK);
    CHECK_EQ(ax_memo_do(world.memo, "a\0c", 3, &refs[1]), AX_OK);
    CHECK_EQ(ax_memo_do(world.memo, "a", 1, &refs[2]), AX_OK);
    CHECK_EQ(stats().computations, 3);
    for (int i = 0; i < 3; i++)
        ax_memo_release(world.memo, &refs[i]);
    ax_memo_release(world.memo, &refs[0]); /* released already: nothing happens */
    end();
}

static void arguments_out_of_range_are_refused(void)
{
    ax_memo_options o = options();
    ax_memo *memo = NULL;
    o.compute = NULL;
    CHECK_EQ(ax_memo_create(&o, &memo), AX_EINVAL);
    CHECK_EQ(ax_memo_create(NULL, &memo), AX_EINVAL);
    CHECK(memo == NULL);
    begin();
    struct timespec wrong = { 0, 1000000000 };
    ax_memo_ref ref;
    CHECK_EQ(ax_memo_do_until(world.memo, "a", 1, &wrong, &ref), AX_EINVAL);
    CHECK_EQ(ax_memo_forget(world.memo, "a", 1), AX_ENOTFOUND);
    end();
    CHECK_EQ(ax_memo_destroy(NULL), AX_OK);
}

enum { WORKERS = 16, KEYS = 40 };
static int numbers[WORKERS][KEYS];

static void get_all_keys(int index, void *arg)
{
    (void)arg;
    char key[16];
    for (int k = 0; k < KEYS; k++) {
        snprintf(key, sizeof key, "%d", k);
        CHECK_FATAL(get(key, &numbers[index][k]) == AX_OK);
    }
}

static ax_status slowly(const char *key, void **value)
{
    sleep_ms(2);
    return make_value(key, value);
}

static void M_once_one_computation_per_key_for_all_who_ask_at_once(void)
{
    begin();
    world.script = slowly;
    run_threads(WORKERS, get_all_keys, NULL);
    CHECK_EQ(atomic_load(&world.computed), KEYS);
    for (int i = 1; i < WORKERS; i++)
        for (int k = 0; k < KEYS; k++)
            CHECK_FATAL(numbers[i][k] == numbers[0][k]);
    ax_memo_stats s = stats();
    CHECK_EQ(s.computations, KEYS);
    CHECK_EQ(s.hits + s.waits + s.computations, WORKERS * KEYS);
    CHECK(s.waits > 0);
    end();
}

struct call {
    const char *key;
    const struct timespec *deadline;
    ax_status status;
    int number;
    pthread_t thread;
};

static void *call_body(void *arg)
{
    struct call *call = arg;
    ax_memo_ref ref = { NULL, NULL };
    call->status = ax_memo_do_until(world.memo, call->key, strlen(call->key), call->deadline, &ref);
    if (call->status == AX_OK) {
        call->number = ((struct value *)ref.value)->number;
        ax_memo_release(world.memo, &ref);
    }
    return NULL;
}

static void start(struct call *call)
{
    CHECK_FATAL(pthread_create(&call->thread, NULL, call_body, call) == 0);
}

/* A computation of this key that has begun and stands at the gate. */
static void start_and_stand(struct call *call)
{
    atomic_store(&world.gate, 0);
    int before = atomic_load(&world.inside);
    start(call);
    while (atomic_load(&world.inside) == before)
        sched_yield();
}

static ax_status b_needs_nobody(const char *key, void **value)
{
    if (strcmp(key, "b") != 0)
        while (!atomic_load(&world.gate))
            sleep_ms(1);
    return make_value(key, value);
}

static void callers_of_other_keys_are_not_delayed(void)
{
    begin();
    world.script = b_needs_nobody;
    struct call a = { .key = "a" };
    start_and_stand(&a);
    CHECK_EQ(get("b", NULL), AX_OK); /* computes, while a stands; were they serial, this would hang */
    CHECK_EQ(get("b", NULL), AX_OK);
    atomic_store(&world.gate, 1);
    pthread_join(a.thread, NULL);
    CHECK_EQ(a.status, AX_OK);
    end();
}

static void a_waiter_leaves_at_its_deadline_and_the_flight_goes_on(void)
{
    begin();
    struct call a = { .key = "a" };
    start_and_stand(&a);
    struct timespec soon = in_ms(30), past = { 0, 0 }, now;
    ax_memo_ref ref = { &ref, &ref };
    CHECK_EQ(ax_memo_do_until(world.memo, "a", 1, &soon, &ref), AX_ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(now.tv_sec > soon.tv_sec || (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
    CHECK(ref.value == &ref); /* untouched */
    CHECK_EQ(ax_memo_do_until(world.memo, "a", 1, &past, &ref), AX_ETIMEDOUT);
    CHECK_EQ(stats().timeouts, 2);
    atomic_store(&world.gate, 1);
    pthread_join(a.thread, NULL);
    CHECK_EQ(a.status, AX_OK);
    CHECK_EQ(ax_memo_do_until(world.memo, "a", 1, &past, &ref), AX_OK); /* no waiting, no deadline */
    CHECK_EQ(((struct value *)ref.value)->number, a.number);
    ax_memo_release(world.memo, &ref);
    CHECK_EQ(ax_memo_do_until(world.memo, "new", 3, &past, &ref), AX_OK); /* a first caller computes */
    ax_memo_release(world.memo, &ref);
    end();
}

/* --- errors -------------------------------------------------------------------------------------------- */

static atomic_int failing;
static ax_status maybe_fail(const char *key, void **value)
{
    while (!atomic_load(&world.gate))
        sleep_ms(1);
    if (atomic_load(&failing))
        return AX_ECANCELED;
    return make_value(key, value);
}

static void an_error_goes_to_the_whole_flight_and_is_not_kept(void)
{
    begin();
    world.script = maybe_fail;
    atomic_store(&failing, 1);
    struct call calls[5] = { { .key = "a" }, { .key = "a" }, { .key = "a" }, { .key = "a" }, { .key = "a" } };
    start_and_stand(&calls[0]);
    for (int i = 1; i < 5; i++)
        start(&calls[i]);
    sleep_ms(20);
    atomic_store(&world.gate, 1);
    for (int i = 0; i < 5; i++) {
        pthread_join(calls[i].thread, NULL);
        CHECK_EQ(calls[i].status, AX_ECANCELED);
    }
    CHECK_EQ(stats().entries, 0);
    atomic_store(&failing, 0);
    CHECK_EQ(get("a", NULL), AX_OK);
    end();
}

static void an_error_is_kept_for_its_time_to_live(void)
{
    ax_memo_options o = options();
    o.error_ttl_ns = 50000000;
    begin_with(o);
    world.script = maybe_fail;
    atomic_store(&failing, 1);
    struct timespec kept_until = in_ms(40);
    CHECK_EQ(get("a", NULL), AX_ECANCELED);
    atomic_store(&failing, 0);
    ax_status status = get("a", NULL);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    bool late = now.tv_sec > kept_until.tv_sec || (now.tv_sec == kept_until.tv_sec && now.tv_nsec > kept_until.tv_nsec);
    CHECK(status == AX_ECANCELED || late); /* late: the machine slept in between */
    sleep_ms(60);
    CHECK_EQ(get("a", NULL), AX_OK);
    CHECK(stats().expirations == 1 || late);
    end();

    o.error_ttl_ns = UINT64_MAX;
    begin_with(o);
    world.script = maybe_fail;
    atomic_store(&failing, 1);
    CHECK_EQ(get("a", NULL), AX_ECANCELED);
    atomic_store(&failing, 0);
    CHECK_EQ(get("a", NULL), AX_ECANCELED); /* for ever ... */
    CHECK_EQ(stats().computations, 1);
    CHECK_EQ(ax_memo_forget(world.memo, "a", 1), AX_OK); /* ... or until it is forgotten */
    CHECK_EQ(get("a", NULL), AX_OK);
    end();
}

static void a_value_is_kept_for_its_time_to_live(void)
{
    ax_memo_options o = options();
    o.value_ttl_ns = 20000000;
    begin_with(o);
    ax_memo_ref old;
    CHECK_EQ(ax_memo_do(world.memo, "a", 1, &old), AX_OK);
    sleep_ms(30);
    int number;
    CHECK_EQ(get("a", &number), AX_OK);
    CHECK_EQ(number, 2);
    CHECK_STR(((struct value *)old.value)->key, "a"); /* who holds the old one keeps it */
    CHECK_EQ(stats().expirations, 1);
    ax_memo_release(world.memo, &old);
    end();
}

/* --- forget -------------------------------------------------------------------------------------------- */

static void a_flight_is_forgotten_once(void)
{
    begin();
    struct call a = { .key = "a" };
    start_and_stand(&a);
    CHECK_EQ(ax_memo_forget(world.memo, "a", 1), AX_OK);
    CHECK_EQ(ax_memo_forget(world.memo, "a", 1), AX_ENOTFOUND);
    atomic_store(&world.gate, 1);
    pthread_join(a.thread, NULL);
    CHECK_EQ(a.status, AX_OK);
    CHECK_EQ(stats().entries, 0);
    end();
}

static void after_forget_a_call_starts_anew_and_joiners_keep_their_flight(void)
{
    begin();
    struct call old[2] = { { .key = "a" }, { .key = "a" } };
    start_and_stand(&old[0]);
    start(&old[1]);
    sleep_ms(20); /* should it ask later, it is as the third one */
    CHECK_EQ(ax_memo_forget(world.memo, "a", 1), AX_OK);
    struct call fresh = { .key = "a" };
    int before = atomic_load(&world.inside);
    start(&fresh);
    while (atomic_load(&world.inside) == before) /* a second flight of the key begins at once */
        sched_yield();
    atomic_store(&world.gate, 1);
    pthread_join(old[0].thread, NULL);
    pthread_join(old[1].thread, NULL);
    pthread_join(fresh.thread, NULL);
    CHECK(old[0].number != fresh.number);
    int number;
    CHECK_EQ(get("a", &number), AX_OK);
    CHECK_EQ(number, fresh.number); /* the forgotten flight's value was not kept */
    CHECK_EQ(stats().entries, 1);
    end();
}

/* --- threads that end in compute ----------------------------------------------------------------------- */

static atomic_int deaths_left;
static ax_status die_or_compute(const char *key, void **value)
{
    while (!atomic_load(&world.gate))
        sleep_ms(1); /* a cancellation point */
    if (atomic_fetch_sub(&deaths_left, 1) > 0)
        pthread_exit(NULL);
    return make_value(key, value);
}

static void a_computing_thread_that_exits_hands_over_to_a_waiter(void)
{
    begin();
    world.script = die_or_compute;
    atomic_store(&deaths_left, 3);
    struct call calls[6] = { { .key = "a" }, { .key = "a" }, { .key = "a" },
                             { .key = "a" }, { .key = "a" }, { .key = "a" } };
    start_and_stand(&calls[0]);
    for (int i = 1; i < 6; i++)
        start(&calls[i]);
    sleep_ms(20);
    atomic_store(&world.gate, 1);
    int served = 0;
    for (int i = 0; i < 6; i++) {
        pthread_join(calls[i].thread, NULL);
        served += calls[i].number != 0;
    }
    CHECK_EQ(served, 3);
    CHECK_EQ(atomic_load(&world.computed), 1);
    CHECK_EQ(stats().handovers, 3);
    CHECK_EQ(stats().computations, 4);
    end();
}

static void a_cancelled_computing_thread_hands_over(void)
{
    begin();
    struct call a = { .key = "a" };
    start_and_stand(&a);
    pthread_cancel(a.thread);
    pthread_join(a.thread, NULL);
    atomic_store(&world.gate, 1);
    CHECK_EQ(get("a", NULL), AX_OK); /* nobody waited: the next caller computes */
    CHECK_EQ(stats().handovers, 1);
    end();
}

static void a_flight_that_nobody_takes_over_leaves_nothing_behind(void)
{
    begin();
    world.script = die_or_compute;
    atomic_store(&deaths_left, 1);
    struct call a = { .key = "a" };
    start(&a);
    pthread_join(a.thread, NULL);
    CHECK_EQ(stats().entries, 1); /* vacant */
    end();
}

int main(void)
{
    RUN(the_first_caller_computes_and_later_ones_hit);
    RUN(keys_are_bytes_of_any_value_and_length);
    RUN(arguments_out_of_range_are_refused);
    RUN(M_once_one_computation_per_key_for_all_who_ask_at_once);
    RUN(callers_of_other_keys_are_not_delayed);
    RUN(a_waiter_leaves_at_its_deadline_and_the_flight_goes_on);
    RUN(an_error_goes_to_the_whole_flight_and_is_not_kept);
    RUN(an_error_is_kept_for_its_time_to_live);
    RUN(a_value_is_kept_for_its_time_to_live);
    RUN(a_flight_is_forgotten_once);
    RUN(after_forget_a_call_starts_anew_and_joiners_keep_their_flight);
    RUN(a_computing_thread_that_exits_hands_over_to_a_waiter);
    RUN(a_cancelled_computing_thread_hands_over);
    RUN(a_flight_that_nobody_takes_over_leaves_nothing_behind);
    return check_summary();
}

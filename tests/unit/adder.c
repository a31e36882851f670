/* SPDX-License-Identifier: MIT */
#include <atomicx/adder.h>

#include "../alarm.h"
#include "../threads.h"

static void zero_filled_memory_is_an_adder(void)
{
    static ax_adder a;
    CHECK_EQ(ax_adder_sum(&a), 0);
    CHECK_EQ(ax_adder_drain(&a), 0);
    ax_adder_add(&a, 5);
    ax_adder_add(&a, -7);
    ax_adder_add_async(&a, 10);
    CHECK_EQ(ax_adder_sum(&a), 8);
    ax_adder_fini(&a);
    CHECK_EQ(ax_adder_sum(&a), 0);
}

enum { WORKERS = 16, ADDITIONS = 20000 };

static void add_many(int index, void *arg)
{
    for (int i = 0; i < ADDITIONS; i++)
        ax_adder_add(arg, index + 1);
}

static void sum_is_exact_at_quiescence(void)
{
    ax_adder a = AX_ADDER_INIT;
    run_threads(WORKERS, add_many, &a);
    CHECK_EQ(ax_adder_sum(&a), (int64_t)ADDITIONS * WORKERS * (WORKERS + 1) / 2);
    ax_adder_fini(&a);
}

static void *add_once(void *arg)
{
    ax_adder_add(arg, 1);
    return NULL;
}

static void threads_come_and_go_by_the_thousand_and_reuse_their_tables(void)
{
    ax_adder a = AX_ADDER_INIT;
    ax_adder_add(&a, 1);
    size_t before = 0;
    for (int i = 0; i < 4000; i++) {
        pthread_t thread;
        CHECK_FATAL(pthread_create(&thread, NULL, add_once, &a) == 0);
        pthread_join(thread, NULL);
        if (i == 0)
            before = ax_adder_memory();
    }
    CHECK_EQ(ax_adder_sum(&a), 4001);
    CHECK_EQ(ax_adder_memory(), before);
    ax_adder_fini(&a);
}

/* A sum while threads come, add and leave: with positive additions it never falls and never exceeds. */
struct churn {
    ax_adder adder;
    atomic_int stop;
};

static void churn_body(int index, void *arg)
{
    struct churn *churn = arg;
    if (index == 0) {
        int64_t last = 0;
        while (!atomic_load(&churn->stop)) {
            int64_t now = ax_adder_sum(&churn->adder);
            CHECK_FATAL(now >= last && now <= 300);
            last = now;
        }
        return;
    }
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        CHECK_FATAL(pthread_create(&thread, NULL, add_once, &churn->adder) == 0);
        pthread_join(thread, NULL);
    }
    atomic_store(&churn->stop, 1);
}

static void a_sum_never_falls_while_threads_leave(void)
{
    struct churn churn = { .adder = AX_ADDER_INIT };
    run_threads(2, churn_body, &churn);
    CHECK_EQ(ax_adder_sum(&churn.adder), 300);
    ax_adder_fini(&churn.adder);
}

struct drained {
    ax_adder adder;
    atomic_llong total, added;
    atomic_int draining;
};

enum { ADDING = 1, DRAINING = 3, DRAINS = 50000 };

static void add_or_drain(int index, void *arg)
{
    struct drained *d = arg;
    if (index < ADDING) {
        int64_t mine = 0;
        for (; atomic_load(&d->draining) > 0; mine++)
            ax_adder_add(&d->adder, 1);
        atomic_fetch_add(&d->added, mine);
        return;
    }
    for (int i = 0; i < DRAINS; i++) {
        int64_t got = ax_adder_drain(&d->adder);
        CHECK_FATAL(got >= 0); /* A3: no drainer sees less than the one before */
        atomic_fetch_add(&d->total, got);
        CHECK_FATAL(ax_adder_sum(&d->adder) >= 0);
    }
    atomic_fetch_sub(&d->draining, 1);
}

static void drain_hands_out_each_unit_once(void)
{
    struct drained d = { .adder = AX_ADDER_INIT };
    atomic_init(&d.draining, DRAINING);
    run_threads(ADDING + DRAINING, add_or_drain, &d);
    int64_t rest = ax_adder_sum(&d.adder);
    CHECK_EQ(atomic_load(&d.total) + rest, atomic_load(&d.added));
    CHECK_EQ(ax_adder_drain(&d.adder), rest);
    CHECK_EQ(ax_adder_sum(&d.adder), 0);
    ax_adder_fini(&d.adder);
}

enum { MANY = 100000 };
static ax_adder many[MANY];

static pthread_barrier_t all_begin;

static void add_to_all(int index, void *arg)
{
    (void)arg;
    ax_adder_add(&many[0], index);
    pthread_barrier_wait(&all_begin); /* so that each has a table of its own */
    for (int i = 1; i < MANY; i++)
        ax_adder_add(&many[i], index + i);
}

static void a_hundred_thousand_adders_at_once(void)
{
    pthread_barrier_init(&all_begin, NULL, 4);
    size_t before = ax_adder_memory();
    run_threads(4, add_to_all, NULL);
    size_t added = ax_adder_memory() - before;
    pthread_barrier_destroy(&all_begin);
    for (int i = 0; i < MANY; i++)
        CHECK_FATAL(ax_adder_sum(&many[i]) == 4LL * i + 6);
    CHECK_EQ(ax_adder_sum(&many[MANY - 1]), 4LL * (MANY - 1) + 6);
    printf("%d adders, 4 threads: at most %.1f bytes resident per adder and thread, 8 written\n", MANY,
           (double)added / MANY / 4);
    CHECK(added >= 4 * MANY * sizeof(int64_t) && added < 4 * MANY * 2 * sizeof(int64_t));
    for (int i = 0; i < MANY; i++)
        ax_adder_fini(&many[i]);
}

/* More adders than a table has slots: the rest counts in its shared words, until others have ended. */
enum { MORE = AX_ADDER_SLOTS + 64 };
static ax_adder more[MORE];

static void add_to_more(int index, void *arg)
{
    (void)arg;
    for (int i = 0; i < MORE; i++)
        ax_adder_add(&more[i], index + 1);
}

static void adders_beyond_the_slots_count_too(void)
{
    run_threads(2, add_to_more, NULL);
    int shared = 0;
    for (int i = 0; i < MORE; i++) {
        CHECK_FATAL(ax_adder_sum(&more[i]) == 3);
        CHECK_FATAL(ax_adder_drain(&more[i]) == 3);
        shared += more[i].shared_ != 0;
    }
    CHECK(shared >= MORE - AX_ADDER_SLOTS && shared < MORE);
    for (int i = 0; i < MORE; i++)
        ax_adder_fini(&more[i]);
    ax_adder_add(&more[MORE - 1], 4);
    CHECK_EQ(more[MORE - 1].shared_, 0);
    CHECK_EQ(ax_adder_sum(&more[MORE - 1]), 4);
    ax_adder_fini(&more[MORE - 1]);
}

/* The next adder gets the number, and the slots hold what the last one left: it must start at 0. */
static void a_finished_adders_number_is_reused_clean_while_threads_live(void)
{
    for (int round = 0; round < 50; round++) {
        ax_adder a = AX_ADDER_INIT;
        ax_adder_add(&a, 1000 + round);
        CHECK_EQ(ax_adder_sum(&a), 1000 + round);
        ax_adder_fini(&a);
    }
    size_t memory = ax_adder_memory();
    for (int round = 0; round < 1000; round++) { /* more than fit in a page */
        ax_adder a = AX_ADDER_INIT;
        ax_adder_add(&a, 1);
        ax_adder_fini(&a);
    }
    CHECK_EQ(ax_adder_memory(), memory);
}

static void create_use_finish(int index, void *arg)
{
    (void)arg;
    for (int round = 0; round < 500; round++) {
        ax_adder a = AX_ADDER_INIT;
        for (int i = 0; i <= index; i++)
            ax_adder_add(&a, i);
        CHECK_FATAL(ax_adder_sum(&a) == (int64_t)index * (index + 1) / 2);
        ax_adder_fini(&a);
    }
}

static void adders_are_born_and_end_in_many_threads_at_once(void)
{
    run_threads(8, create_use_finish, NULL);
}

/* An addition in a destructor that runs after ours: the thread takes a seat again, nothing is lost. */
static pthread_key_t late_key;
static ax_adder late = AX_ADDER_INIT;

static void add_late(void *value)
{
    /* keys are destroyed in the order of their creation: the adder's came first and has let go */
    CHECK_EQ(ax_detail_adder_self, UINT64_MAX);
    ax_adder_add(&late, 1);
    intptr_t left = (intptr_t)value - 1;
    if (left > 0)
        pthread_setspecific(late_key, (void *)left);
}

static void *end_late(void *arg)
{
    (void)arg;
    ax_adder_add(&late, 1);
    /* 2 rounds: later, ThreadSanitizer has already let go of the thread */
    pthread_setspecific(late_key, (void *)2);
    return NULL;
}

static void additions_in_thread_destructors_are_counted(void)
{
    CHECK_FATAL(pthread_key_create(&late_key, add_late) == 0);
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, end_late, NULL);
        pthread_join(thread, NULL);
    }
    CHECK_EQ(ax_adder_sum(&late), 30);
    pthread_key_delete(late_key);
}

static ax_adder from_handler = AX_ADDER_INIT;
static void add_plainly(void)
{
    ax_adder_add(&from_handler, 1);
}

static void add_in_handler(void)
{
    ax_adder_add_async(&from_handler, 1);
}

static void async_additions_in_a_signal_handler_are_counted(void)
{
    int64_t made = interrupt(add_plainly, add_in_handler, 50);
    CHECK_EQ(ax_adder_sum(&from_handler), made);
    ax_adder_fini(&from_handler);
}

int main(void)
{
    RUN(a_hundred_thousand_adders_at_once); /* first: other threads' tables would be in its figure */
    RUN(adders_beyond_the_slots_count_too);
    RUN(zero_filled_memory_is_an_adder);
    RUN(sum_is_exact_at_quiescence);
    RUN(threads_come_and_go_by_the_thousand_and_reuse_their_tables);
    RUN(a_sum_never_falls_while_threads_leave);
    RUN(drain_hands_out_each_unit_once);
    RUN(a_finished_adders_number_is_reused_clean_while_threads_live);
    RUN(adders_are_born_and_end_in_many_threads_at_once);
    RUN(additions_in_thread_destructors_are_counted);
    RUN(async_additions_in_a_signal_handler_are_counted);
    return check_summary();
}

/* SPDX-License-Identifier: MIT */
/* lock_order.c: orders that can deadlock are found without a deadlock, and only those. */
#include "lock_misuse.h"

static ax_mutex a, b, c, d;
static ax_rwlock r;

static void begin(void)
{
    ax_lock_options options = { .check = AX_LOCK_CHECK_YES };
    ax_mutex *mutexes[] = { &a, &b, &c, &d };
    const char *names[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++) {
        options.name = names[i];
        CHECK_EQ(ax_mutex_init(mutexes[i], &options), AX_OK);
    }
    options.name = "r";
    CHECK_EQ(ax_rwlock_init(&r, &options), AX_OK);
}

static void end(void)
{
    CHECK_EQ(ax_mutex_fini(&a), AX_OK);
    CHECK_EQ(ax_mutex_fini(&b), AX_OK);
    CHECK_EQ(ax_mutex_fini(&c), AX_OK);
    CHECK_EQ(ax_mutex_fini(&d), AX_OK);
    CHECK_EQ(ax_rwlock_fini(&r), AX_OK);
    CHECK_NOTHING_TOLD();
}

static void nested(ax_mutex *outer, ax_mutex *inner)
{
    CHECK_EQ(ax_mutex_lock(outer), AX_OK);
    CHECK_EQ(ax_mutex_lock(inner), AX_OK);
    CHECK_EQ(ax_mutex_unlock(inner), AX_OK);
    CHECK_EQ(ax_mutex_unlock(outer), AX_OK);
}

static void an_inversion_is_found_in_one_thread_with_all_its_sites(void)
{
    begin();
    CHECK_EQ(ax_mutex_lock(&a), AX_OK);
    int earlier_line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&b), AX_OK);
    ax_mutex_unlock(&b);
    ax_mutex_unlock(&a);
    int held_line = __LINE__ + 1;
    CHECK_EQ(ax_mutex_lock(&b), AX_OK);
    CHECK_EQ(ax_mutex_lock(&a), AX_OK); /* reported, and done as asked */
    CHECK_TOLD(AX_LOCK_INVERSION, AX_OK, &a, __LINE__ - 1);
    CHECK(told[0].other_lock == &b);
    CHECK_STR(told[0].name, "a");
    CHECK_STR(told[0].other_name, "b");
    CHECK(is_line(__FILE__, told[0].held_site, held_line));
    CHECK_OTHER_SITE(earlier_line);
    CHECK_EQ(ax_mutex_unlock(&a), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&b), AX_OK);
    nested(&b, &a); /* each pair once */
    nested(&a, &b);
    end();
}

struct pair {
    ax_mutex *outer, *inner;
};

static void *nested_elsewhere(void *arg)
{
    struct pair *pair = arg;
    nested(pair->outer, pair->inner);
    return NULL;
}

static void threads_that_never_meet_are_enough_and_each_pair_is_told_once(void)
{
    begin();
    struct pair forth = { &a, &b }, back = { &b, &a };
    in_thread(nested_elsewhere, &forth);
    in_thread(nested_elsewhere, &back);
    CHECK_EQ(told_now(), 1);
    CHECK_EQ(told[0].misuse, AX_LOCK_INVERSION);
    forget_told();
    in_thread(nested_elsewhere, &back);
    in_thread(nested_elsewhere, &forth);
    end();
}

static void a_circle_of_four_is_found_where_it_closes(void)
{
    begin();
    nested(&a, &b);
    nested(&b, &c);
    nested(&c, &d);
    nested(&a, &d);
    nested(&a, &c);
    CHECK_NOTHING_TOLD();
    nested(&d, &a);
    CHECK_EQ(told_now(), 1);
    CHECK_EQ(told[0].misuse, AX_LOCK_INVERSION);
    CHECK(told[0].lock == &a && told[0].other_lock == &d);
    forget_told();
    nested(&d, &b); /* b .. d is there, so this is one of its own */
    CHECK_EQ(told_now(), 1);
    forget_told();
    end();
}

static void nothing_follows_from_an_order_that_was_told(void)
{
    begin();
    nested(&a, &b);
    nested(&b, &a);
    CHECK_EQ(told_now(), 1);
    forget_told();
    nested(&a, &d);
    nested(&d, &b); /* a, d, b: only the wrong b before a would make a circle of it */
    end();
}

static void a_consistent_order_is_never_told(void)
{
    begin();
    for (int i = 0; i < 3; i++) {
        nested(&a, &b);
        nested(&a, &c);
        nested(&b, &d);
        nested(&c, &d);
        nested(&b, &c);
    }
    end();
}

static void orders_with_a_lock_released_early_are_noted(void)
{
    begin();
    CHECK_EQ(ax_mutex_lock(&a), AX_OK); /* hand over hand: a, then b, then c without a */
    CHECK_EQ(ax_mutex_lock(&b), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&a), AX_OK);
    CHECK_EQ(ax_mutex_lock(&c), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&b), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&c), AX_OK);
    nested(&c, &b);
    CHECK_EQ(told_now(), 1);
    CHECK(told[0].lock == &b && told[0].other_lock == &c);
    forget_told();
    end();
}

static void a_try_is_no_order_but_what_it_took_is_held(void)
{
    begin();
    nested(&a, &b);
    CHECK_EQ(ax_mutex_lock(&b), AX_OK);
    CHECK(ax_mutex_trylock(&a)); /* cannot deadlock */
    CHECK_NOTHING_TOLD();
    CHECK_EQ(ax_mutex_lock(&c), AX_OK); /* but this can: after a and after b */
    CHECK_EQ(ax_mutex_unlock(&c), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&a), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&b), AX_OK);
    nested(&c, &a);
    CHECK_EQ(told_now(), 1);
    forget_told();
    nested(&c, &b); /* each lock that was held has its own order: this one follows from no other */
    CHECK_EQ(told_now(), 1);
    forget_told();
    end();
}

static void read_locks_have_orders_too(void)
{
    begin();
    CHECK_EQ(ax_mutex_lock(&a), AX_OK);
    CHECK_EQ(ax_rwlock_rdlock(&r), AX_OK);
    CHECK_EQ(ax_rwlock_unlock(&r), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&a), AX_OK);
    CHECK_EQ(ax_rwlock_wrlock(&r), AX_OK);
    CHECK_EQ(ax_mutex_lock(&a), AX_OK);
    CHECK_TOLD(AX_LOCK_INVERSION, AX_OK, &a, __LINE__ - 1);
    CHECK(told[0].other_lock == &r);
    CHECK_EQ(ax_mutex_unlock(&a), AX_OK);
    CHECK_EQ(ax_rwlock_unlock(&r), AX_OK);
    end();
}

static void fini_forgets_the_orders(void)
{
    begin();
    nested(&a, &b);
    end();
    begin();
    nested(&b, &a);
    end();
}

static void waiting_on_a_condition_takes_the_mutex_again_in_order(void)
{
    begin();
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec past = { 0, 0 };
    CHECK_EQ(ax_mutex_lock(&a), AX_OK);
    CHECK_EQ(ax_mutex_lock(&b), AX_OK);
    CHECK_EQ(ax_mutex_wait(&a, &never, &past), AX_ETIMEDOUT); /* takes a while holding b */
    CHECK_TOLD(AX_LOCK_INVERSION, AX_OK, &a, __LINE__ - 1);
    CHECK_EQ(ax_mutex_unlock(&b), AX_OK);
    CHECK_EQ(ax_mutex_unlock(&a), AX_OK);
    pthread_cond_destroy(&never);
    end();
}

/* Random nestings of many locks from many threads, always upwards: never told. Then one downwards. */
enum { LOCKS = 60, WORKERS = 6 };
static ax_mutex many[LOCKS];

static void nest_upwards(int index, void *arg)
{
    (void)arg;
    unsigned seed = (unsigned)index + 1;
    for (int i = 0; i < 3000; i++) {
        int held[4], count = 0, next = 0;
        for (;;) {
            seed = seed * 1103515245u + 12345u;
            next += 1 + (int)(seed >> 16) % 25;
            if (next >= LOCKS || count == 4)
                break;
            CHECK_FATAL(ax_mutex_lock(&many[next]) == AX_OK);
            held[count++] = next;
        }
        while (count > 0)
            CHECK_FATAL(ax_mutex_unlock(&many[held[--count]]) == AX_OK);
    }
}

static void a_large_graph_knows_its_circle(void)
{
    ax_lock_options options = { .check = AX_LOCK_CHECK_YES };
    for (int i = 0; i < LOCKS; i++)
        CHECK_EQ(ax_mutex_init(&many[i], &options), AX_OK);
    run_threads(WORKERS, nest_upwards, NULL);
    CHECK_NOTHING_TOLD();
    nested(&many[LOCKS - 1], &many[1]);
    CHECK_EQ(told_now(), 1);
    forget_told();
    for (int i = 0; i < LOCKS; i++)
        CHECK_EQ(ax_mutex_fini(&many[i]), AX_OK);
}

int main(void)
{
    ax_lock_on_misuse(keep, &told);
    RUN(an_inversion_is_found_in_one_thread_with_all_its_sites);
    RUN(threads_that_never_meet_are_enough_and_each_pair_is_told_once);
    RUN(a_circle_of_four_is_found_where_it_closes);
    RUN(nothing_follows_from_an_order_that_was_told);
    RUN(a_consistent_order_is_never_told);
    RUN(orders_with_a_lock_released_early_are_noted);
    RUN(a_try_is_no_order_but_what_it_took_is_held);
    RUN(read_locks_have_orders_too);
    RUN(fini_forgets_the_orders);
    RUN(waiting_on_a_condition_takes_the_mutex_again_in_order);
    RUN(a_large_graph_knows_its_circle);
    return check_summary();
}

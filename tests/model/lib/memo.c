/* SPDX-License-Identifier: MIT */
/* memo.h under the model: the real lib/memo*.c over a stand-in for the grace period (standin/urcu-bp.c, standin/reclaim.c). The
 * lines of the header's invariants are the names of the tests. */
#include "../threads.h"

#include <atomicx/memo.h>

static ax_memo *memo;
static atomic_int computed, destroyed;
static int fails, dies;
static ax_status results[4];

static ax_status compute(void *context, const void *key, size_t key_len, void **value)
{
    (void)context;
    (void)key;
    (void)key_len;
    if (add(&computed, 1, relaxed) + 1 == dies)
        pthread_exit(NULL);
    if (fails)
        return AX_EPERM;
    int *made = malloc(sizeof *made);
    *made = 42; /* plain on purpose: the flight must order it, and the last release its end */
    *value = made;
    return AX_OK;
}
static void destroy(void *context, void *value)
{
    (void)context;
    assert(*(int *)value == 42);
    free(value);
    add(&destroyed, 1, relaxed);
}

static void open_memo_of(size_t capacity)
{
    ax_memo_options options = {.compute = compute, .destroy = destroy, .capacity = capacity};
    assert(ax_memo_create(&options, &memo) == AX_OK);
}
static void open_memo(void) { open_memo_of(0); }
/* Forgets it too: what somebody still points to is no leak. */
static void close_memo(void)
{
    assert(ax_memo_destroy(memo) == AX_OK);
    memo = NULL;
}

static void *asks(void *self)
{
    ax_memo_ref ref = {0};
    ax_status s = ax_memo_do(memo, "k", 1, &ref);
    results[(size_t)self] = s;
    if (s == AX_OK) {
        assert(*(int *)ref.value == 42);
        ax_memo_release(memo, &ref);
    }
    return NULL;
}
static void *forgets(void *unused)
{
    ax_memo_forget(memo, "k", 1);
    return unused;
}

AX_MODEL_TEST(M_once_two_callers_share_one_flight)
{
    open_memo();
    run2(asks, asks);
    assert(computed == 1 && destroyed == 0);
    close_memo();
    assert(destroyed == 1);
}
AX_MODEL_TEST(M_all_two_callers_share_one_error)
{
    fails = 1;
    open_memo();
    run2(asks, asks);
    assert(results[1] == AX_EPERM && results[2] == AX_EPERM);
    assert(computed >= 1 && computed <= 2);
    close_memo();
}
AX_MODEL_TEST(a_dying_leader_hands_over)
{
    dies = 1;
    open_memo();
    run2(asks, asks);
    assert(computed == 2);
    close_memo();
}
AX_MODEL_TEST(M_last_forgetting_waits_for_the_last_reference)
{
    open_memo();
    asks((void *)0);
    run2(asks, forgets);
    close_memo();
    assert(destroyed == computed);
}

/* Two keys, so that chains, linking and unlinking meet walks of the table. */
static void *asks_other(void *unused)
{
    ax_memo_ref ref = {0};
    if (ax_memo_do(memo, "other", 5, &ref) == AX_OK) {
        assert(*(int *)ref.value == 42);
        ax_memo_release(memo, &ref);
    }
    return unused;
}
AX_MODEL_TEST(two_keys_are_two_flights)
{
    open_memo();
    run2(asks, asks_other);
    assert(load(&computed, relaxed) == 2);
    close_memo();
    assert(load(&destroyed, relaxed) == 2);
}
static void ask_for_each(const char *keys)
{
    for (; *keys; keys++) {
        ax_memo_ref ref = {0};
        assert(ax_memo_do(memo, keys, 1, &ref) == AX_OK);
        ax_memo_release(memo, &ref);
    }
}
/* All of a, b, c are used: the hand spares each once, then takes a. On its next way it spares b, used again, but not c. */
AX_MODEL_TEST(what_is_used_is_spared_once)
{
    open_memo_of(3);
    ask_for_each("abcabcdbe");
    assert(load(&computed, relaxed) == 5);
    ask_for_each("bde");
    assert(load(&computed, relaxed) == 5);
    close_memo();
}

/* The one entry there is room for goes when nobody holds it, and not before. */
AX_MODEL_TEST(F3_an_eviction_comes_after_the_last_holder)
{
    open_memo_of(1);
    asks((void *)0);
    run2(asks, asks_other);
    close_memo();
    assert(load(&destroyed, relaxed) == load(&computed, relaxed));
}

/* ---- values that nobody owns ---- */

static int made[8];
static ax_status compute_unowned(void *context, const void *key, size_t key_len, void **value)
{
    (void)context, (void)key, (void)key_len;
    int *mine = &made[add(&computed, 1, relaxed)];
    *mine = 42; /* plain on purpose: the flight must order it */
    *value = mine;
    return AX_OK;
}
static void open_unowned(size_t capacity)
{
    ax_memo_options options = {.compute = compute_unowned, .capacity = capacity};
    assert(ax_memo_create(&options, &memo) == AX_OK);
}
static void ask_for_value(const char *key)
{
    void *value = NULL;
    ax_status s = ax_memo_do_value(memo, key, 1, &value);
    assert((s == AX_OK && *(int *)value == 42) || (s == AX_EAGAIN && !value)); /* its one place is in flight */
}
THREAD(asks_for_the_value) { ask_for_value("k"); return self; }
THREAD(asks_for_another_value) { ask_for_value("l"); return self; }
AX_MODEL_TEST(F1_two_callers_get_one_unowned_value)
{
    open_unowned(0);
    run2(asks_for_the_value, asks_for_the_value);
    assert(load(&computed, relaxed) == 1);
    close_memo();
}
AX_MODEL_TEST(F2_an_unowned_value_is_read_while_its_entry_is_forgotten)
{
    open_unowned(0);
    ask_for_value("k");
    run2(asks_for_the_value, forgets);
    close_memo();
}
/* The mark of its use is written to the entry, too, which an eviction frees. */
AX_MODEL_TEST(F2_an_unowned_value_is_read_while_its_entry_is_evicted)
{
    open_unowned(1);
    ask_for_value("k");
    run2(asks_for_the_value, asks_for_another_value);
    close_memo();
}

/* ---- two threads, three calls ---- */

THREAD(forgets_what_it_holds)
{
    ax_memo_ref ref = {0};
    assert(ax_memo_do(memo, "k", 1, &ref) == AX_OK);
    ax_memo_forget(memo, "k", 1);
    assert(*(int *)ref.value == 42);
    ax_memo_release(memo, &ref);
    return NULL;
}
THREAD(forgets_what_it_held)
{
    asks(self);
    ax_memo_forget(memo, "k", 1);
    return NULL;
}
AX_MODEL_TEST(M_last_two_forget_what_one_still_holds)
{
    open_memo();
    run2(forgets_what_it_holds, forgets_what_it_held);
    assert(computed == 1 || computed == 2);
    close_memo();
    assert(destroyed == computed);
}

/* ---- three threads, one call ---- */

/* The first has the pin, the second is counted to begin with. */
static ax_memo_ref held[4];
THREAD(gives_back)
{
    ax_memo_ref *ref = &held[(size_t)self];
    assert(*(int *)ref->value == 42);
    ax_memo_release(memo, ref);
    return NULL;
}
THREAD(holds)
{
    assert(ax_memo_do(memo, "k", 1, &held[(size_t)self]) == AX_OK);
    return NULL;
}
AX_MODEL_TEST(M_last_two_hits_at_once_are_two_references)
{
    open_memo();
    asks((void *)0);
    run2(holds, holds);
    forgets(NULL);
    gives_back((void *)1);
    assert(destroyed == 0);
    gives_back((void *)2);
    assert(destroyed == 1);
    close_memo();
}
AX_MODEL_TEST(M_last_two_give_back_while_one_forgets)
{
    open_memo();
    asks((void *)0);
    assert(ax_memo_do(memo, "k", 1, &held[1]) == AX_OK && ax_memo_do(memo, "k", 1, &held[2]) == AX_OK);
    run3(gives_back, gives_back, forgets);
    assert(destroyed == 1);
    close_memo();
}
AX_MODEL_TEST(two_callers_of_three_share_a_key)
{
    open_memo();
    run3(asks, asks_other, asks);
    assert(computed == 2 && destroyed == 0);
    close_memo();
    assert(destroyed == 2);
}

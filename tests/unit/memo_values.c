/* SPDX-License-Identifier: MIT */
/* memo_values.c: how long values live, what the bound evicts, what happens without memory, and that
 * nothing calls back under a lock. */
#include <atomicx/map.h>
#include <atomicx/memo.h>

#include <stdbool.h>

#include "../threads.h"

struct value {
    uint64_t key, check; /* check is ~key while the value lives: plain on purpose */
    atomic_int holders;
};

static atomic_int computed, destroyed;
static ax_memo *memo;
static bool reenter; /* callbacks use the memo themselves */
static uint64_t asked_at_the_end; /* a key that destructors ask for, if it is not 0 */
static ax_status answered;

static ax_status compute(void *context, const void *key, size_t key_len, void **value)
{
    (void)context;
    uint64_t number;
    CHECK_FATAL(key_len == sizeof number);
    memcpy(&number, key, sizeof number);
    if (reenter && number < 1000) {
        ax_memo_stats s;
        uint64_t other = number + 1000;
        ax_memo_ref ref;
        ax_memo_stats_read(memo, &s); /* takes each shard's mutex */
        ax_status status = ax_memo_do(memo, &other, sizeof other, &ref);
        CHECK(status == AX_OK || status == AX_EAGAIN);
        if (status == AX_OK)
            ax_memo_release(memo, &ref);
        (void)ax_memo_forget(memo, &number, sizeof number); /* the very key */
    }
    struct value *v = malloc(sizeof *v);
    CHECK_FATAL(v != NULL);
    v->key = number;
    v->check = ~number;
    atomic_init(&v->holders, 0);
    atomic_fetch_add(&computed, 1);
    *value = v;
    return AX_OK;
}

static void destroy(void *context, void *value)
{
    (void)context;
    struct value *v = value;
    CHECK_FATAL(v->check == ~v->key);
    CHECK_FATAL(atomic_load(&v->holders) == 0);
    v->check = 0xdead;
    if (reenter) {
        ax_memo_stats s;
        ax_memo_stats_read(memo, &s);
        uint64_t other = v->key + 5000000;
        (void)ax_memo_forget(memo, &other, sizeof other);
    }
    if (asked_at_the_end != 0) {
        ax_memo_ref ref;
        answered = ax_memo_do(memo, &asked_at_the_end, sizeof asked_at_the_end, &ref);
    }
    free(v);
    atomic_fetch_add(&destroyed, 1);
}

static void begin(size_t capacity, const ax_allocator *allocator)
{
    ax_memo_options o = { .compute = compute, .destroy = destroy, .capacity = capacity, .allocator = allocator };
    atomic_store(&computed, 0);
    atomic_store(&destroyed, 0);
    reenter = false;
    CHECK_FATAL(ax_memo_create(&o, &memo) == AX_OK);
}

static void end(void)
{
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
    CHECK_EQ(atomic_load(&destroyed), atomic_load(&computed));
}

static ax_status hold(uint64_t key, ax_memo_ref *ref)
{
    ax_status status = ax_memo_do(memo, &key, sizeof key, ref);
    if (status == AX_OK) {
        struct value *v = ref->value;
        CHECK_FATAL(v->key == key && v->check == ~key);
        atomic_fetch_add(&v->holders, 1);
    }
    return status;
}

static void let_go(ax_memo_ref *ref)
{
    struct value *v = ref->value;
    CHECK_FATAL(v->check == ~v->key);
    atomic_fetch_sub(&v->holders, 1);
    ax_memo_release(memo, ref);
}

static ax_status touch(uint64_t key)
{
    ax_memo_ref ref;
    ax_status status = hold(key, &ref);
    if (status == AX_OK)
        let_go(&ref);
    return status;
}

static ax_memo_stats stats(void)
{
    ax_memo_stats s;
    ax_memo_stats_read(memo, &s);
    return s;
}

static bool is_cached(uint64_t key)
{
    uint64_t before = stats().computations;
    CHECK_EQ(touch(key), AX_OK);
    return stats().computations == before;
}

/* What is evicted for a key ends in that key's flight. */
static void a_destructor_that_asks_for_what_takes_its_place_is_refused(void)
{
    begin(1, NULL);
    CHECK_EQ(touch(1), AX_OK);
    asked_at_the_end = 2;
    answered = AX_OK;
    CHECK_EQ(touch(2), AX_OK);
    asked_at_the_end = 0;
    CHECK_EQ(answered, AX_EDEADLK);
    CHECK_EQ(atomic_load(&destroyed), 1);
    CHECK(is_cached(2));
    end();
}

static void M_last_a_value_is_destroyed_once_after_its_last_holder(void)
{
    begin(0, NULL);
    ax_memo_ref first, second;
    CHECK_EQ(hold(1, &first), AX_OK);
    CHECK_EQ(hold(1, &second), AX_OK);
    CHECK(first.value == second.value);
    uint64_t key = 1;
    CHECK_EQ(ax_memo_forget(memo, &key, sizeof key), AX_OK);
    CHECK_EQ(ax_memo_destroy(memo), AX_EBUSY); /* referenced, though not in the table */
    CHECK_EQ(atomic_load(&destroyed), 0);
    let_go(&first);
    CHECK_EQ(atomic_load(&destroyed), 0);
    let_go(&second);
    CHECK_EQ(atomic_load(&destroyed), 1);
    CHECK_EQ(hold(2, &first), AX_OK);
    CHECK_EQ(ax_memo_destroy(memo), AX_EBUSY); /* referenced, in the table */
    let_go(&first);
    CHECK_EQ(atomic_load(&destroyed), 1);
    end();
}

static void the_bound_holds_and_pinned_entries_stay(void)
{
    enum { CAPACITY = 10 };
    begin(CAPACITY, NULL);
    ax_memo_ref held[CAPACITY], another;
    for (uint64_t key = 0; key < 5; key++)
        CHECK_EQ(hold(key, &held[key]), AX_OK);
    for (uint64_t key = 100; key < 300; key++) {
        CHECK_EQ(touch(key), AX_OK);
        CHECK_FATAL(stats().entries <= CAPACITY);
    }
    CHECK_EQ(stats().evictions, 200 - 5);
    CHECK_EQ(atomic_load(&destroyed), 200 - 5);
    for (uint64_t key = 0; key < 5; key++)
        CHECK(is_cached(key)); /* what was held is there still */
    for (uint64_t key = 5; key < CAPACITY; key++)
        CHECK_EQ(hold(key, &held[key]), AX_OK);
    CHECK_EQ(hold(99, &another), AX_EAGAIN); /* all are pinned */
    CHECK_EQ(stats().entries, CAPACITY);
    let_go(&held[7]);
    CHECK_EQ(hold(99, &another), AX_OK);
    let_go(&another);
    for (uint64_t key = 0; key < CAPACITY; key++)
        if (key != 7)
            let_go(&held[key]);
    end();
}

static void what_was_used_lately_is_spared_once(void)
{
    begin(8, NULL);
    for (uint64_t key = 0; key < 8; key++)
        CHECK_EQ(touch(key), AX_OK);
    for (uint64_t round = 0; round < 20; round++) {
        CHECK(is_cached(3)); /* used between any two insertions */
        CHECK_EQ(touch(100 + round), AX_OK);
    }
    end();
}

static void a_large_bound_is_shared_out_and_kept(void)
{
    begin(1600, NULL);
    for (uint64_t key = 0; key < 10000; key++)
        CHECK_FATAL(touch(key) == AX_OK);
    CHECK(stats().entries <= 1600 && stats().entries > 1000);
    end();
}

static void without_a_bound_the_table_grows_and_finds_all(void)
{
    begin(0, NULL);
    for (uint64_t key = 0; key < 20000; key++)
        CHECK_FATAL(touch(key) == AX_OK);
    CHECK_EQ(stats().entries, 20000);
    for (uint64_t key = 0; key < 20000; key++)
        CHECK_FATAL(touch(key) == AX_OK);
    CHECK_EQ(stats().hits, 20000);
    CHECK_EQ(stats().computations, 20000);
    end();
}

static void callbacks_run_under_no_lock(void)
{
    begin(64, NULL); /* one shard: a lock held around a callback would be met at once */
    reenter = true;
    for (uint64_t key = 0; key < 900; key++)
        CHECK_EQ(touch(key), AX_OK);
    CHECK(stats().evictions > 0);
    uint64_t last = 7777;
    CHECK_EQ(touch(last), AX_OK);
    int before = atomic_load(&destroyed);
    CHECK_EQ(ax_memo_forget(memo, &last, sizeof last), AX_OK); /* gives up the last reference */
    CHECK_EQ(atomic_load(&destroyed), before + 1);
    reenter = false;
    end();
}

/* --- memory ---------------------------------------------------------------------------------------------- */

static atomic_llong outstanding, requests, refuse_from = INT64_MAX;

static void *count_allocate(void *context, size_t size, size_t alignment)
{
    CHECK_FATAL(context == &outstanding);
    if (memo) {
        ax_memo_stats s; /* the allocator, too, is called under no lock */
        ax_memo_stats_read(memo, &s);
    }
    if (atomic_fetch_add(&requests, 1) >= atomic_load(&refuse_from))
        return NULL;
    atomic_fetch_add(&outstanding, (long long)size);
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void count_release(void *context, void *memory, size_t size)
{
    CHECK_FATAL(context == &outstanding);
    atomic_fetch_sub(&outstanding, (long long)size);
    free(memory);
}

static const ax_allocator counting = { count_allocate, count_release, &outstanding };

static void the_allocator_gets_back_what_it_gave(void)
{
    memo = NULL;
    begin(300, &counting);
    for (uint64_t key = 0; key < 2000; key++)
        CHECK_FATAL(touch(key) == AX_OK);
    CHECK(atomic_load(&outstanding) > 0);
    end();
    memo = NULL;
    CHECK_EQ(atomic_load(&outstanding), 0);
}

static void no_memory_is_a_status_and_leaks_nothing(void)
{
    bool created = false;
    for (int from = 0; from < 40; from++) {
        memo = NULL;
        atomic_store(&requests, 0);
        atomic_store(&refuse_from, from);
        ax_memo_options o = { .compute = compute, .destroy = destroy, .allocator = &counting };
        ax_memo *made = NULL;
        ax_status status = ax_memo_create(&o, &made);
        if (status != AX_OK) {
            CHECK_EQ(status, AX_ENOMEM);
            CHECK(made == NULL);
            CHECK(!created);
        } else {
            created = true;
            memo = made;
            for (uint64_t key = 0; key < 30; key++) {
                status = touch(key);
                CHECK_FATAL(status == AX_OK || status == AX_ENOMEM);
            }
            CHECK_EQ(status, AX_ENOMEM);
            atomic_store(&refuse_from, INT64_MAX);
            CHECK_EQ(touch(29), AX_OK); /* and it goes on when there is memory again */
            CHECK_EQ(ax_memo_destroy(memo), AX_OK);
        }
        memo = NULL;
        CHECK_EQ(atomic_load(&outstanding), 0);
    }
    CHECK(created);
    atomic_store(&refuse_from, INT64_MAX);
}

/* --- threads ----------------------------------------------------------------------------------------------- */

enum { WORKERS = 8, ROUNDS = 4000 };

/* Random keys held for a while, forgotten, evicted: a value that is held is alive, whatever happens. */
static void churn(int index, void *arg)
{
    uint64_t keys = *(const uint64_t *)arg;
    unsigned seed = (unsigned)index + 1;
    ax_memo_ref held[4];
    int count = 0;
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned roll = (seed >> 16) % 16;
        uint64_t key = (seed >> 8) % keys + 10000;
        if (roll < 2) {
            (void)ax_memo_forget(memo, &key, sizeof key);
        } else if (roll < 8 && count > 0) {
            let_go(&held[--count]);
        } else if (count < 4) {
            ax_status status = hold(key, &held[count]);
            CHECK_FATAL(status == AX_OK || status == AX_EAGAIN);
            count += status == AX_OK;
        }
    }
    while (count > 0)
        let_go(&held[--count]);
}

/* More references at once than a thread has words of its own for, of one key and of many, given back by another. */
enum { MANY = 300 };

static void give_back(int index, void *arg)
{
    ax_memo_ref *held = arg;
    for (int i = index; i < MANY; i += 2)
        let_go(&held[i]);
}

static void a_thread_holds_more_than_it_has_pins(void)
{
    static ax_memo_ref held[2][MANY];
    begin(MANY, NULL);
    uint64_t one = 7;
    CHECK_EQ(touch(one), AX_OK);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            CHECK_EQ(hold(one, &held[0][i]), AX_OK);
            CHECK_EQ(hold((uint64_t)i % 100, &held[1][i]), AX_OK);
        }
        CHECK_EQ(ax_memo_destroy(memo), AX_EBUSY);
        CHECK_EQ(ax_memo_forget(memo, &one, sizeof one), AX_OK);
        run_threads(2, give_back, held[0]);
        CHECK_EQ(atomic_load(&destroyed), round); /* key 7 of the other row is held still */
        run_threads(2, give_back, held[1]);
        CHECK_EQ(atomic_load(&destroyed), round + 1);
        CHECK_EQ(touch(one), AX_OK);
    }
    end();
}

static void held_values_live_through_forgetting_and_eviction(void)
{
    uint64_t keys[] = { 3, 100, 5000 };
    size_t capacities[] = { 40, 64, 0 };
    for (int i = 0; i < 3; i++) {
        begin(capacities[i], NULL);
        run_threads(WORKERS, churn, &keys[i]);
        end();
    }
}

/* Three keys and room for two: each miss evicts what somebody else is about to hit. */
static void hit_and_evict(int index, void *arg)
{
    (void)arg;
    unsigned seed = (unsigned)index + 1;
    for (int i = 0; i < 10 * ROUNDS; i++) {
        seed = seed * 1103515245u + 12345u;
        ax_status status = touch((seed >> 16) % 3 + 10000);
        CHECK_FATAL(status == AX_OK || status == AX_EAGAIN);
    }
}

static void an_evicted_value_is_never_handed_out(void)
{
    begin(2, NULL);
    run_threads(4, hit_and_evict, NULL);
    CHECK(stats().evictions > 0 && stats().hits > 0);
    end();
}

static void touch_all(int index, void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < 3000; i++)
        CHECK_FATAL(touch((i * 7 + (uint64_t)index * 500) % 3000 + 10000) == AX_OK);
}

static void growing_under_readers_computes_nothing_twice(void)
{
    begin(0, NULL);
    run_threads(WORKERS, touch_all, NULL);
    CHECK_EQ(atomic_load(&computed), 3000);
    CHECK_EQ(stats().hits + stats().waits, WORKERS * 3000 - 3000);
    end();
}

static void end_a_memo(void *context, void *value)
{
    (void)context;
    answered = ax_memo_destroy(value);
}

/* The pass that runs the destructor has what the memo retired, too, and frees it afterwards. */
static void destroying_where_it_would_wait_for_itself_is_refused(void)
{
    begin(0, NULL);
    ax_map *map;
    ax_map_options o = { .destroy = end_a_memo };
    CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
    CHECK_EQ(ax_map_put(map, ax_key_u64(1), (uint64_t)(uintptr_t)memo), AX_OK);
    uint64_t key = 10000;
    CHECK_EQ(touch(key), AX_OK);
    CHECK_EQ(ax_memo_forget(memo, &key, sizeof key), AX_OK);
    ax_map_read_begin(map);
    CHECK_EQ(ax_memo_destroy(memo), AX_EDEADLK);
    ax_map_read_end(map);
    answered = AX_OK;
    CHECK_EQ(ax_map_remove(map, ax_key_u64(1), NULL), AX_OK);
    CHECK_EQ(ax_map_flush(map), AX_OK);
    CHECK_EQ(answered, AX_EDEADLK);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
    end();
}

int main(void)
{
    RUN(M_last_a_value_is_destroyed_once_after_its_last_holder);
    RUN(the_bound_holds_and_pinned_entries_stay);
    RUN(what_was_used_lately_is_spared_once);
    RUN(a_large_bound_is_shared_out_and_kept);
    RUN(without_a_bound_the_table_grows_and_finds_all);
    RUN(a_destructor_that_asks_for_what_takes_its_place_is_refused);
    RUN(callbacks_run_under_no_lock);
    RUN(the_allocator_gets_back_what_it_gave);
    RUN(no_memory_is_a_status_and_leaks_nothing);
    RUN(a_thread_holds_more_than_it_has_pins);
    RUN(held_values_live_through_forgetting_and_eviction);
    RUN(an_evicted_value_is_never_handed_out);
    RUN(growing_under_readers_computes_nothing_twice);
    RUN(destroying_where_it_would_wait_for_itself_is_refused);
    return check_summary();
}

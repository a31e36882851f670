/* SPDX-License-Identifier: MIT */
/* The memos of stress/memo, right and broken, from their own sources: two callers of one key. */
#include "../threads.h"

#include "../../../stress/memo.h"

static struct memo_shared memo;
static _Atomic(struct memo_node *) table[1];
static struct memo_value values[2];
static atomic_int computations, early;

void memo_enter(ax_stress_worker *self) { (void)self; }

struct memo_value *memo_compute(struct memo_shared *shared, uint64_t key)
{
    (void)shared;
    struct memo_value *value = &values[add(&computations, 1, relaxed)];
    value->serial = 1;
    value->key = key;
    value->complete = ~value->serial;
    return value;
}

/* One call, where the harness makes many. */
void memo_loop(ax_stress_worker *self, uint64_t begin, uint64_t end, memo_get *get, memo_put *put)
{
    (void)self, (void)begin, (void)end, (void)put;
    void *handle;
    const struct memo_value *value = get(&memo, 0, &handle);
    if (value->complete != ~value->serial)
        store(&early, 1, relaxed);
}

static const ax_stress_impl *impl;
THREAD(asks) { impl->work(NULL, 0, 1); return NULL; }
static void computed_once(const ax_stress_impl *of)
{
    impl = of;
    memo.table = table;
    memo.keys = 1;
    pthread_mutex_init(&memo.mutex, NULL);
    pthread_cond_init(&memo.done, NULL);
    run2(asks, asks);
    assert(load(&early, relaxed) == 0);
    assert(load(&computations, relaxed) == 1);
}

AX_MODEL_BROKEN(broken_memo1_is_a_data_race, "data race") { computed_once(&broken_memo1); }
AX_MODEL_BROKEN(broken_memo3_computes_twice, "assertion") { computed_once(&broken_memo3); }
AX_MODEL_TEST(memo2_computes_once) { computed_once(&memo2); }
AX_MODEL_TEST(memo4_computes_once) { computed_once(&memo4); }

/* SPDX-License-Identifier: MIT */
/* The counter stores of stress/map, right and broken, from their own sources: two users of one key. */
#include "../threads.h"

#include "../../../stress/map.h"

static const struct map_kind *kind;
static void *map;
static uint64_t taken_out;
static atomic_int strays;

/* What the harness calls; nothing here does. */
void map_enter(ax_stress_worker *self) { (void)self; }
void map_work(ax_stress_worker *self, uint64_t begin, uint64_t end) { (void)self, (void)begin, (void)end; }
void map_observe(ax_stress_worker *self) { (void)self; }

static bool looks(void *context, uint64_t key, uint64_t value)
{
    (void)context, (void)value;
    if (key != 1)
        store(&strays, 1, relaxed);
    return true;
}
THREAD(adds_2) { (kind->add)(map, 1, 2); return NULL; }
THREAD(adds_3) { (kind->add)(map, 1, 3); return NULL; }
THREAD(walks) { kind->walk(map, looks, NULL); return NULL; }
THREAD(flushes)
{
    uint64_t value;
    if (kind->remove(map, 1, &value))
        taken_out = value;
    return NULL;
}

/* What was put in is there, or was taken out. */
static void nothing_is_lost(const struct map_kind *of, void *(*first)(void *), void *(*second)(void *), uint64_t put_in)
{
    uint64_t left = 0;
    kind = of;
    map = kind->create();
    assert((kind->add)(map, 1, 10));
    run2(first, second);
    (void)kind->get(map, 1, &left);
    assert(left + taken_out == 10 + put_in);
    assert(load(&strays, relaxed) == 0);
    kind->destroy(map);
}

AX_MODEL_BROKEN(broken_unlocked_additions, "data race") { nothing_is_lost(broken_unlocked_map.extra, adds_2, adds_3, 5); }
AX_MODEL_BROKEN(broken_iterate_meets_an_addition, "data race")
{
    nothing_is_lost(broken_iterated_map.extra, flushes, walks, 0);
}
AX_MODEL_BROKEN(broken_reclaim_of_what_is_added_to, "data race")
{
    nothing_is_lost(broken_reclaimed_map.extra, adds_2, flushes, 2);
}
AX_MODEL_BROKEN(broken_lost_add_after_the_flush, "assertion") { nothing_is_lost(broken_lost_add.extra, adds_2, flushes, 2); }
AX_MODEL_TEST(lost_add_keeps_two_additions) { nothing_is_lost(broken_lost_add.extra, adds_2, adds_3, 5); }

#define RIGHT(name)                                                                                       \
    AX_MODEL_TEST(name##_keeps_two_additions) { nothing_is_lost(&map_##name, adds_2, adds_3, 5); }        \
    AX_MODEL_TEST(name##_keeps_an_addition_during_a_flush) { nothing_is_lost(&map_##name, adds_2, flushes, 2); } \
    AX_MODEL_TEST(name##_walks_during_a_flush) { nothing_is_lost(&map_##name, flushes, walks, 0); }
RIGHT(mutex)
RIGHT(rwlock)

/* SPDX-License-Identifier: MIT */
/*
 * Races that ThreadSanitizer must report although the map stands between the two threads: what lib/tsan.h
 * states must not hide them. map_races NAME runs one; the test demands the report. `none` is the twin of
 * each that is right, and must be silent.
 */
#include <atomicx/map.h>

#include "../threads.h"

static ax_map *map;
static atomic_int stage, warm, done;

struct object {
    uint64_t plain;
};

static void wait_for(int n)
{
    /* relaxed, so that the wait itself orders nothing */
    while (atomic_load_explicit(&stage, memory_order_relaxed) < n)
        sched_yield();
}

static void reach(int n)
{
    atomic_store_explicit(&stage, n, memory_order_relaxed);
}

/*
 * liburcu's list of threads has a mutex, which ThreadSanitizer sees: a thread that enters the list after
 * another left it is ordered after it. So both threads enter first, and none leaves before the other is done.
 */
static void enter(void)
{
    (void)ax_map_get(map, ax_key_u64(0), NULL);
    atomic_fetch_add_explicit(&warm, 1, memory_order_relaxed);
    while (atomic_load_explicit(&warm, memory_order_relaxed) < 2)
        sched_yield();
}

static void leave(void)
{
    atomic_fetch_add_explicit(&done, 1, memory_order_relaxed);
    while (atomic_load_explicit(&done, memory_order_relaxed) < 2)
        sched_yield();
}

static void run_pair(void (*body)(int index, void *arg))
{
    atomic_store(&stage, 0);
    atomic_store(&warm, 0);
    atomic_store(&done, 0);
    run_threads(2, body, NULL);
}

static struct object *object_of(uint64_t value)
{
    return (struct object *)(uintptr_t)value;
}

static struct object *object_create(void)
{
    struct object *o = malloc(sizeof *o);
    CHECK_FATAL(o != NULL);
    o->plain = 1;
    return o;
}

static void object_destroy(void *context, void *value)
{
    (void)context;
    object_of((uint64_t)(uintptr_t)value)->plain = 0;
    free(value);
}

static bool racy;

/* Written again after it was published, while a reader reads. */
static void write_after_publish(int index, void *unused)
{
    uint64_t value;
    (void)unused;
    enter();
    if (index == 0) {
        struct object *o = object_create();
        o->plain = 2;
        CHECK_EQ(ax_map_put(map, ax_key_u64(1), (uint64_t)(uintptr_t)o), AX_OK);
        if (racy)
            o->plain = 3;
        reach(1);
    } else {
        wait_for(1);
        ax_map_read_begin(map);
        CHECK_EQ(ax_map_get(map, ax_key_u64(1), &value), AX_OK);
        CHECK(object_of(value)->plain >= 2);
        ax_map_read_end(map);
    }
    leave();
}

/* Used after the section has ended, or freed by the remover itself, without waiting for readers. */
static bool free_at_once;

static void use_or_free(int index, void *unused)
{
    uint64_t value;
    (void)unused;
    enter();
    if (index == 0) {
        ax_map_read_begin(map);
        CHECK_EQ(ax_map_get(map, ax_key_u64(1), &value), AX_OK);
        if (!racy || free_at_once)
            CHECK(object_of(value)->plain <= 1);
        ax_map_read_end(map);
        if (racy && !free_at_once)
            CHECK(object_of(value)->plain <= 1);
        reach(1);
    } else {
        wait_for(1);
        CHECK_EQ(ax_map_remove(map, ax_key_u64(1), &value), AX_OK);
        if (racy && free_at_once)
            object_of(value)->plain = 0; /* as a free would; the destructor comes later */
        CHECK_EQ(ax_map_flush(map), AX_OK);
    }
    leave();
}

/* A plain counter beside the map: map calls must not order what they do not promise to. */
static uint64_t beside;

static void count_beside(int index, void *unused)
{
    (void)unused;
    enter();
    for (int i = 0; i < 1000; i++) {
        (void)ax_map_get(map, ax_key_u64((uint64_t)(1000 + index)), NULL);
        if (racy)
            beside++;
    }
    leave();
}

static void run(const char *name, ax_map_index index)
{
    ax_map_options o = { .index = index, .destroy = object_destroy };
    CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
    racy = strcmp(name, "none") != 0;
    if (!racy || strcmp(name, "write-after-publish") == 0)
        run_pair(write_after_publish);
    free_at_once = strcmp(name, "free-without-grace-period") == 0;
    if (!racy || free_at_once || strcmp(name, "use-after-section") == 0) {
        CHECK_EQ(ax_map_put(map, ax_key_u64(1), (uint64_t)(uintptr_t)object_create()), AX_OK);
        run_pair(use_or_free);
    }
    if (!racy || strcmp(name, "plain-counter") == 0)
        run_pair(count_beside);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
}

int main(int argc, char **argv)
{
    run(argc > 1 ? argv[1] : "none", argc > 2 && strcmp(argv[2], "ck") == 0 ? AX_MAP_INDEX_CK : AX_MAP_INDEX_OWN);
    return check_summary();
}

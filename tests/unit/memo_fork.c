/* SPDX-License-Identifier: MIT */
/*
 * memo_fork.c: fork while other threads compute, wait and hit. The child goes on with the memo: flights of threads
 * that stayed behind are handed over there, nobody is stranded, and the parent notices nothing.
 */
#include <atomicx/map.h>
#include <atomicx/memo.h>

#include "../processes.h"
#include "../threads.h"

static ax_memo *memo;
static atomic_int computed, destroyed;
static atomic_int inside, gate; /* computations of keys that begin with '-' wait at the gate */
static pid_t forked_inside;     /* what fork returned in the computation of "fork" */

static ax_status compute(void *context, const void *key, size_t key_len, void **value)
{
    (void)context;
    const char *name = key;
    if (name[0] == '-') {
        atomic_fetch_add(&inside, 1);
        while (!atomic_load(&gate))
            sched_yield();
    }
    if (key_len == 4 && memcmp(name, "fork", 4) == 0)
        forked_inside = fork();
    if (atomic_load(&gate)) { /* whoever takes a flight over is known to be in it */
        struct timespec past = { 0, 0 };
        ax_memo_ref ref;
        CHECK_EQ(ax_memo_do_until(memo, key, key_len, &past, &ref), AX_EDEADLK);
    }
    int *number = malloc(sizeof *number);
    CHECK_FATAL(number != NULL);
    *number = atomic_fetch_add(&computed, 1) + 1;
    *value = number;
    return AX_OK;
}

static void destroy(void *context, void *value)
{
    (void)context;
    free(value);
    atomic_fetch_add(&destroyed, 1);
}

static void begin(void)
{
    ax_memo_options options = { .compute = compute, .destroy = destroy };
    atomic_store(&computed, 0);
    atomic_store(&destroyed, 0);
    atomic_store(&inside, 0);
    atomic_store(&gate, 0);
    CHECK_FATAL(ax_memo_create(&options, &memo) == AX_OK);
}

/* The number that the key's value has, 0: none. */
static int get(const char *key)
{
    ax_memo_ref ref;
    if (!CHECK(ax_memo_do(memo, key, strlen(key), &ref) == AX_OK))
        return 0;
    int number = *(int *)ref.value;
    ax_memo_release(memo, &ref);
    return number;
}

static ax_memo_stats stats(void)
{
    ax_memo_stats s;
    ax_memo_stats_read(memo, &s);
    return s;
}

static void *get_it(void *key)
{
    CHECK(get(key) > 0);
    return NULL;
}

static void *get_until(void *key)
{
    struct timespec far = { INT32_MAX, 0 };
    ax_memo_ref ref;
    CHECK_EQ(ax_memo_do_until(memo, key, strlen(key), &far, &ref), AX_OK);
    ax_memo_release(memo, &ref);
    return NULL;
}

/* Runs `use` in a child. A child that hangs ends by its alarm. */
static void in_child(void (*use)(void))
{
    fflush(NULL);
    pid_t child = fork();
    CHECK_FATAL(child >= 0);
    if (child == 0) {
        alarm(200);
        check_failures = 0;
        use();
        leave_child(check_failures != 0);
    }
    int status = -1;
    CHECK_FATAL(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
}

static void *get_new(void *arg)
{
    (void)arg;
    CHECK(get("-b") > 2);
    return NULL;
}

static void use_what_was_in_flight(void)
{
    atomic_store(&gate, 1);
    CHECK_EQ(get("done"), 1); /* what was finished is a hit */
    CHECK_EQ(atomic_load(&computed), 1);
    CHECK_EQ(stats().handovers, 3);
    CHECK_EQ(get("-a"), 2); /* a flight whose thread stayed behind is computed by who asks */
    CHECK_EQ(get("-a"), 2);
    pthread_t threads[2]; /* and by one of those who ask together */
    for (int i = 0; i < 2; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, get_new, NULL) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&computed), 3);
    CHECK_EQ(ax_memo_forget(memo, "-c", 2), AX_OK); /* or is forgotten */
    CHECK_EQ(ax_memo_forget(memo, "-c", 2), AX_ENOTFOUND);
    CHECK_EQ(get("-c"), 4);
    CHECK_EQ(ax_memo_forget(memo, "done", 4), AX_OK);
    CHECK_EQ(get("done"), 5);
    CHECK_EQ(stats().entries, 4);
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
    CHECK_EQ(atomic_load(&destroyed), 5);
}

static void destroy_at_once(void)
{
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
    CHECK_EQ(atomic_load(&destroyed), 1);
}

/* How far those have come who ask for "-a" while it is computed does not matter: what they hold is of that flight. */
static void flights_are_handed_over_in_the_child_and_go_on_in_the_parent(void)
{
    static char keys[5][4] = { "-a", "-b", "-c", "-a", "-a" };
    pthread_t threads[5];
    begin();
    CHECK_EQ(get("done"), 1);
    for (int i = 0; i < 3; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, get_it, keys[i]) == 0);
    while (atomic_load(&inside) < 3)
        sched_yield();
    for (int i = 3; i < 5; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, i == 3 ? get_it : get_until, keys[i]) == 0);
    for (int i = 0; i < 8; i++)
        in_child(i % 2 == 0 ? use_what_was_in_flight : destroy_at_once);
    CHECK_EQ(stats().handovers, 0);
    atomic_store(&gate, 1);
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&computed), 4);
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
    CHECK_EQ(atomic_load(&destroyed), 4);
}

static void the_forking_threads_own_flight_goes_on_in_both(void)
{
    begin();
    fflush(NULL);
    CHECK_EQ(get("fork"), 1);
    CHECK_EQ(get("fork"), 1);
    CHECK_EQ(stats().computations, 1);
    CHECK_EQ(stats().handovers, 0);
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
    if (forked_inside == 0)
        leave_child(check_failures != 0);
    int status = -1;
    CHECK_FATAL(waitpid(forked_inside, &status, 0) == forked_inside);
    CHECK_EQ(status, 0);
}

/* --- at any moment ------------------------------------------------------------------------------------ */

enum { KEYS = 40 };
static atomic_int enough;
static ax_map *map;

static const char *key_name(unsigned number, char *name)
{
    snprintf(name, 8, "%u", number);
    return name;
}

static void *hammer(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    char name[8];
    while (!atomic_load(&enough)) {
        seed = seed * 1103515245u + 12345u;
        key_name((seed >> 8) % KEYS, name);
        if ((seed >> 16) % 4 == 0)
            (void)ax_memo_forget(memo, name, strlen(name));
        else
            CHECK(get(name) > 0);
        (void)ax_map_put(map, ax_key_u64(seed >> 8 & 255), seed);
        (void)ax_map_remove(map, ax_key_u64(seed >> 16 & 255), NULL);
    }
    return NULL;
}

/* All mutexes, grace periods and both tables must work. Whether others held something then is not known. */
static void use_all(void)
{
    char name[8];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < KEYS; i++) {
            CHECK(get(key_name(i, name)) > 0);
            CHECK_EQ(ax_map_put(map, ax_key_u64(i), i), AX_OK);
        }
        for (unsigned i = 0; i < KEYS; i++) {
            key_name(i, name);
            CHECK_EQ(ax_memo_forget(memo, name, strlen(name)), AX_OK);
        }
    }
    CHECK_EQ(ax_map_destroy(map), AX_OK);
    ax_status status = ax_memo_destroy(memo);
    CHECK(status == AX_OK || status == AX_EBUSY);
    begin(); /* and new ones can be made */
    CHECK_EQ(get("new"), 1);
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
}

static void a_child_made_at_any_moment_goes_on_with_memo_and_map(void)
{
    pthread_t threads[3];
    begin();
    CHECK_FATAL(ax_map_create(NULL, &map) == AX_OK);
    atomic_store(&enough, 0);
    for (uintptr_t i = 0; i < 3; i++)
        CHECK_FATAL(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)) == 0);
    for (int i = 0; i < 25; i++)
        in_child(use_all);
    atomic_store(&enough, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
    CHECK_EQ(ax_memo_destroy(memo), AX_OK);
    CHECK_EQ(atomic_load(&destroyed), atomic_load(&computed));
}

int main(void)
{
    RUN(flights_are_handed_over_in_the_child_and_go_on_in_the_parent);
    RUN(the_forking_threads_own_flight_goes_on_in_both);
    RUN(a_child_made_at_any_moment_goes_on_with_memo_and_map);
    return check_summary();
}

/* SPDX-License-Identifier: MIT */
/* memo_world.h: a memo whose computations stand at a gate or follow a script, for tests of flights. */
#ifndef TESTS_UNIT_MEMO_WORLD_H
#define TESTS_UNIT_MEMO_WORLD_H

#include <atomicx/memo.h>

#include <time.h>

#include "../threads.h"

/* A computation under the test's control. The value of a key is a fresh number, plain on purpose (F1). */
struct value {
    char key[16];
    int number;
};

static struct world {
    ax_memo *memo, *other;
    atomic_int computed, destroyed;
    atomic_int gate;  /* computations wait until it is 1 ... */
    atomic_int inside; /* ... and say here that they do */
    ax_status (*script)(const char *key, void **value); /* instead, if set */
} world;

static inline void sleep_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

static inline ax_status make_value(const char *key, void **value)
{
    struct value *v = malloc(sizeof *v);
    CHECK_FATAL(v != NULL);
    snprintf(v->key, sizeof v->key, "%s", key);
    v->number = atomic_fetch_add(&world.computed, 1) + 1;
    *value = v;
    return AX_OK;
}

/* AddressSanitizer leaves the frames that a cancellation unwinds poisoned, and stumbles over them later. */
__attribute__((no_sanitize_address)) static inline ax_status compute(void *context, const void *key, size_t key_len,
                                                                     void **value)
{
    char name[16];
    CHECK_FATAL(context == &world && key_len < sizeof name);
    memcpy(name, key, key_len);
    name[key_len] = '\0';
    atomic_fetch_add(&world.inside, 1);
    if (world.script)
        return world.script(name, value);
    while (!atomic_load(&world.gate))
        sleep_ms(1);
    return make_value(name, value);
}

static inline void destroy(void *context, void *value)
{
    CHECK(context == &world);
    memset(value, 0x5a, sizeof(struct value));
    free(value);
    atomic_fetch_add(&world.destroyed, 1);
}

static inline ax_memo_options options(void)
{
    return (ax_memo_options){ .compute = compute, .destroy = destroy, .context = &world };
}

static inline void begin_with(ax_memo_options o)
{
    world.script = NULL;
    atomic_store(&world.computed, 0);
    atomic_store(&world.destroyed, 0);
    atomic_store(&world.gate, 1);
    atomic_store(&world.inside, 0);
    CHECK_FATAL(ax_memo_create(&o, &world.memo) == AX_OK);
}

static inline void begin(void)
{
    begin_with(options());
}

static inline void end(void)
{
    CHECK_EQ(ax_memo_destroy(world.memo), AX_OK);
    CHECK_EQ(atomic_load(&world.destroyed), atomic_load(&world.computed));
}

static inline ax_memo_stats stats(void)
{
    ax_memo_stats s;
    ax_memo_stats_read(world.memo, &s);
    return s;
}

static inline ax_status get(const char *key, int *number)
{
    ax_memo_ref ref = { NULL, NULL };
    ax_status status = ax_memo_do(world.memo, key, strlen(key), &ref);
    if (status == AX_OK) {
        struct value *v = ref.value;
        CHECK_STR(v->key, key);
        if (number)
            *number = v->number;
        ax_memo_release(world.memo, &ref);
    }
    return status;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Zoo: publication. Each broken_ program is a mistake somebody has made; its twin is repaired. */
#include "../threads.h"

static atomic_int flag, flag2, gate;
static int data;

/* ---- message passing: the flag must be released and acquired ---- */

#define MESSAGE(name, write_flag, read_flag)                                             \
    THREAD(name##_writer) { data = 42; write_flag; return NULL; }                        \
    THREAD(name##_reader) { if (read_flag) assert(data == 42); return NULL; }            \
    static void name##_run(void) { run2(name##_writer, name##_reader); }

MESSAGE(mp_no_release, store(&flag, 1, relaxed), load(&flag, acquire))
MESSAGE(mp_no_acquire, store(&flag, 1, release), load(&flag, relaxed))
MESSAGE(mp_right, store(&flag, 1, release), load(&flag, acquire))
AX_MODEL_BROKEN(broken_store_not_released, "data race") { mp_no_release_run(); }
AX_MODEL_BROKEN(broken_load_not_acquired, "data race") { mp_no_acquire_run(); }
AX_MODEL_TEST(repaired_release_and_acquire) { mp_right_run(); }

MESSAGE(mp_rmw_rlx, add(&flag, 1, relaxed), load(&flag, acquire))
MESSAGE(mp_rmw_acq, add(&flag, 1, acquire), load(&flag, acquire))
MESSAGE(mp_rmw_rel, add(&flag, 1, release), load(&flag, acquire))
AX_MODEL_BROKEN(broken_counter_bumped_relaxed, "data race") { mp_rmw_rlx_run(); }
AX_MODEL_BROKEN(broken_counter_bumped_acquire, "data race") { mp_rmw_acq_run(); }
AX_MODEL_TEST(repaired_counter_bumped_release) { mp_rmw_rel_run(); }

MESSAGE(mp_fence_after, store(&flag, 1, relaxed); fence(release), load(&flag, acquire))
MESSAGE(mp_fence_acq, fence(acquire); store(&flag, 1, relaxed), load(&flag, acquire))
MESSAGE(mp_fence_rel, fence(release); store(&flag, 1, relaxed), load(&flag, acquire))
AX_MODEL_BROKEN(broken_fence_after_the_store, "data race") { mp_fence_after_run(); }
AX_MODEL_BROKEN(broken_fence_of_the_wrong_kind, "data race") { mp_fence_acq_run(); }
AX_MODEL_TEST(repaired_release_fence_before_the_store) { mp_fence_rel_run(); }

/* A plain flag is a race however often it is looked at; volatile does not help. */
static volatile int volatile_flag;
static int plain_flag;
MESSAGE(mp_plain, plain_flag = 1, plain_flag)
MESSAGE(mp_volatile, volatile_flag = 1, volatile_flag)
AX_MODEL_BROKEN(broken_plain_flag, "data race") { mp_plain_run(); }
AX_MODEL_BROKEN(broken_volatile_flag, "data race") { mp_volatile_run(); }

/* ---- the acquire stands on the wrong load ---- */

THREAD(two_flags_writer)
{
    data = 1;
    store(&flag, 1, release);
    store(&flag2, 1, relaxed);
    return NULL;
}
THREAD(acquires_other_flag)
{
    if (load(&flag2, acquire) == 1 && load(&flag, relaxed) == 1)
        assert(data == 1);
    return NULL;
}
THREAD(acquires_right_flag)
{
    if (load(&flag2, relaxed) == 1 && load(&flag, acquire) == 1)
        assert(data == 1);
    return NULL;
}
AX_MODEL_BROKEN(broken_acquire_on_the_wrong_load, "data race") { run2(two_flags_writer, acquires_other_flag); }
AX_MODEL_TEST(repaired_acquire_on_the_released_flag) { run2(two_flags_writer, acquires_right_flag); }

/* ---- the flag is raised before the data is there ---- */

THREAD(raises_early) { store(&flag, 1, release); data = 42; return NULL; }
AX_MODEL_BROKEN(broken_flag_before_data, "data race") { run2(raises_early, mp_right_reader); }

/* ---- double-checked locking ---- */

struct config {
    int value;
};
static struct config *_Atomic config;
static pthread_mutex_t config_lock = PTHREAD_MUTEX_INITIALIZER;

#define DOUBLE_CHECKED(name, first_load, publish)                            \
    THREAD(name)                                                             \
    {                                                                        \
        struct config *c = load(&config, first_load);                        \
        if (c == NULL) {                                                     \
            pthread_mutex_lock(&config_lock);                                \
            c = load(&config, relaxed);                                      \
            if (c == NULL) {                                                 \
                c = malloc(sizeof *c);                                       \
                c->value = 7;                                                \
                store(&config, c, publish);                                  \
            }                                                                \
            pthread_mutex_unlock(&config_lock);                              \
        }                                                                    \
        assert(c->value == 7);                                               \
        return NULL;                                                         \
    }
DOUBLE_CHECKED(dcl_no_acquire, relaxed, release)
DOUBLE_CHECKED(dcl_no_release, acquire, relaxed)
DOUBLE_CHECKED(dcl_right, acquire, release)
static void twice(void *(*entry)(void *))
{
    run2(entry, entry);
    free(load(&config, relaxed));
}
AX_MODEL_BROKEN(broken_double_checked_locking_without_acquire, "data race") { twice(dcl_no_acquire); }
AX_MODEL_BROKEN(broken_double_checked_locking_without_release, "data race") { twice(dcl_no_release); }
AX_MODEL_TEST(repaired_double_checked_locking) { twice(dcl_right); }

/* Without the second look under the lock two objects are made, and one is lost. */
THREAD(checks_once)
{
    if (load(&config, acquire) == NULL) {
        pthread_mutex_lock(&config_lock);
        struct config *c = malloc(sizeof *c);
        c->value = 7;
        store(&config, c, release);
        pthread_mutex_unlock(&config_lock);
    }
    return NULL;
}
AX_MODEL_BROKEN(broken_single_checked_locking, "leak") { twice(checks_once); }

/* ---- publication through a third thread is transitive only along acquire and release ---- */

THREAD(first_of_three) { data = 1; store(&flag, 1, release); return NULL; }
THREAD(passes_on_relaxed) { if (load(&flag, relaxed)) store(&flag2, 1, release); return NULL; }
THREAD(passes_on) { if (load(&flag, acquire)) store(&flag2, 1, release); return NULL; }
THREAD(last_of_three) { if (load(&flag2, acquire)) assert(data == 1); return NULL; }
AX_MODEL_BROKEN(broken_middleman_does_not_acquire, "data race") { run3(first_of_three, passes_on_relaxed, last_of_three); }
AX_MODEL_TEST(repaired_middleman_acquires) { run3(first_of_three, passes_on, last_of_three); }

/* ---- a later plain store by another thread breaks the release sequence; a read-modify-write does not ---- */

THREAD(publishes_one) { data = 1; store(&gate, 1, release); return NULL; }
THREAD(overwrites) { store(&gate, 2, relaxed); return NULL; }
THREAD(bumps) { add(&gate, 1, relaxed); return NULL; }
THREAD(reads_overwritten) { if (load(&gate, acquire) == 2) assert(data <= 1); return NULL; }
AX_MODEL_BROKEN(broken_release_sequence_by_a_store, "data race") { run3(publishes_one, overwrites, reads_overwritten); }
AX_MODEL_TEST(repaired_release_sequence_by_a_rmw) { run3(publishes_one, bumps, reads_overwritten); }

/* ---- one-time initialisation by hand ---- */

enum { FRESH, BUSY, DONE };
#define INIT_ONCE(name, done_order, wait_order)                                 \
    THREAD(name)                                                                \
    {                                                                           \
        int seen = FRESH;                                                       \
        if (cas(&gate, &seen, BUSY, acquire, acquire)) {                        \
            data = 9;                                                           \
            store(&gate, DONE, done_order);                                     \
        } else {                                                                \
            while (load(&gate, wait_order) != DONE)                             \
                ;                                                               \
        }                                                                       \
        assert(data == 9);                                                      \
        return NULL;                                                            \
    }
INIT_ONCE(once_no_acquire, release, relaxed)
INIT_ONCE(once_no_release, relaxed, acquire)
INIT_ONCE(once_right, release, acquire)
AX_MODEL_BROKEN(broken_once_waits_relaxed, "data race") { run2(once_no_acquire, once_no_acquire); }
AX_MODEL_BROKEN(broken_once_finishes_relaxed, "data race") { run2(once_no_release, once_no_release); }
AX_MODEL_TEST(repaired_once) { run3(once_right, once_right, once_right); }

static pthread_once_t once_flag_of_posix = PTHREAD_ONCE_INIT;
static void init_data(void) { data = 9; }
THREAD(posix_once)
{
    pthread_once(&once_flag_of_posix, init_data);
    assert(data == 9);
    return NULL;
}
AX_MODEL_TEST(pthread_once_runs_once_and_orders) { run3(posix_once, posix_once, posix_once); }

/* SPDX-License-Identifier: MIT */
/*
 * lock_quiet.c: what a race detector gets to see. This program has the functions by which one can be told to look
 * away, so the library takes it for one: whatever the library does for itself must be between their calls, and
 * nothing that the user does, or has done for him: no operation on his lock, no handler.
 */
#include "lock_misuse.h"

static __thread int away; /* depth of what the library hides */
static atomic_int hidden, shown;

#define DETECTOR(kind)                                           \
    void AnnotateIgnore##kind##Begin(const char *file, int line); \
    void AnnotateIgnore##kind##End(const char *file, int line);   \
    void AnnotateIgnore##kind##Begin(const char *file, int line)  \
    {                                                            \
        (void)file, (void)line;                                  \
        away++;                                                  \
        atomic_fetch_add(&hidden, 1);                            \
    }                                                            \
    void AnnotateIgnore##kind##End(const char *file, int line)    \
    {                                                            \
        (void)file, (void)line;                                  \
        CHECK(--away >= 0);                                      \
    }
DETECTOR(Sync)
DETECTOR(Reads)
DETECTOR(Writes)

static ax_mutex mutex = AX_MUTEX_CHECKED_INIT("mutex", 10000000);
static ax_rwlock rwlock = AX_RWLOCK_CHECKED_INIT("rwlock", 10000000);

static void look(const void *lock)
{
    bool users = lock == &mutex.mutex_ || lock == &rwlock.rwlock_;
    CHECK(users == (away == 0));
    atomic_fetch_add(&shown, users);
}

/* Linked with --wrap: the library's calls come here first. */
#define SEEN(result, name, type)            \
    result __wrap_##name(type *lock);       \
    result __real_##name(type *lock);       \
    result __wrap_##name(type *lock)        \
    {                                       \
        look(lock);                         \
        return __real_##name(lock);         \
    }
#define SEEN_TIMED(name, type)                                        \
    static atomic_int name##_seen;                                    \
    int __wrap_##name(type *lock, const struct timespec *deadline);   \
    int __real_##name(type *lock, const struct timespec *deadline);   \
    int __wrap_##name(type *lock, const struct timespec *deadline)    \
    {                                                                 \
        look(lock);                                                   \
        atomic_fetch_add(&name##_seen, 1);                            \
        return __real_##name(lock, deadline);                         \
    }
SEEN(int, pthread_mutex_lock, pthread_mutex_t)
SEEN(int, pthread_mutex_trylock, pthread_mutex_t)
SEEN(int, pthread_mutex_unlock, pthread_mutex_t)
SEEN(int, pthread_rwlock_rdlock, pthread_rwlock_t)
SEEN(int, pthread_rwlock_wrlock, pthread_rwlock_t)
SEEN(int, pthread_rwlock_unlock, pthread_rwlock_t)
SEEN_TIMED(pthread_mutex_timedlock, pthread_mutex_t)
SEEN_TIMED(pthread_rwlock_timedrdlock, pthread_rwlock_t)
SEEN_TIMED(pthread_rwlock_timedwrlock, pthread_rwlock_t)

static atomic_int mistakes;

static void handler(const ax_lock_report *report, void *context)
{
    (void)report;
    (void)context;
    CHECK_EQ(away, 0);
    atomic_fetch_add(&mistakes, 1);
}

static void correct_use_is_hidden_but_for_the_users_own_operations(void)
{
    for (int i = 0; i < 3; i++) {
        AX_WITH_LOCK(&mutex)
            CHECK_EQ(away, 0);
        AX_WITH_RDLOCK(&rwlock)
            CHECK_EQ(away, 0);
        AX_WITH_WRLOCK(&rwlock)
            AX_WITH_LOCK(&mutex)
                CHECK_EQ(away, 0);
        CHECK(ax_mutex_trylock(&mutex));
        CHECK_EQ(ax_mutex_unlock(&mutex), AX_OK);
    }
    CHECK_EQ(away, 0);
    CHECK(atomic_load(&hidden) > 0);
    CHECK(atomic_load(&shown) >= 3 * 10);
    CHECK_EQ(atomic_load(&mistakes), 0);
}

static void *wait_for_both(void *arg)
{
    (void)arg;
    AX_WITH_LOCK(&mutex)
        CHECK_EQ(away, 0);
    AX_WITH_RDLOCK(&rwlock)
        CHECK_EQ(away, 0);
    CHECK_EQ(away, 0);
    return NULL;
}

static void *wait_to_write(void *arg)
{
    (void)arg;
    AX_WITH_WRLOCK(&rwlock)
        CHECK_EQ(away, 0);
    CHECK_EQ(away, 0);
    return NULL;
}

static void until(atomic_int *count, int least)
{
    while (atomic_load(count) < least)
        sched_yield();
}

static void waiting_is_shown_and_telling_too(void)
{
    pthread_t thread[2];
    CHECK_EQ(ax_rwlock_wrlock(&rwlock), AX_OK);
    CHECK_EQ(ax_mutex_lock(&mutex), AX_OK);
    CHECK_FATAL(pthread_create(&thread[0], NULL, wait_for_both, NULL) == 0);
    CHECK_FATAL(pthread_create(&thread[1], NULL, wait_to_write, NULL) == 0);
    until(&pthread_mutex_timedlock_seen, 2);
    until(&pthread_rwlock_timedwrlock_seen, 2);
    until(&mistakes, 2); /* both are over their limits */
    CHECK_EQ(ax_mutex_unlock(&mutex), AX_OK);
    until(&pthread_rwlock_timedrdlock_seen, 1);
    CHECK_EQ(ax_rwlock_unlock(&rwlock), AX_OK);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    CHECK_EQ(away, 0);
}

static void mistakes_are_told_in_the_open(void)
{
    int before = atomic_load(&mistakes);
    CHECK_EQ(ax_mutex_unlock(&mutex), AX_EPERM);
    CHECK_EQ(ax_rwlock_unlock(&rwlock), AX_EPERM);
    CHECK_EQ(ax_mutex_lock(&mutex), AX_OK);
    CHECK_EQ(ax_mutex_lock(&mutex), AX_EDEADLK);
    CHECK_EQ(ax_rwlock_wrlock(&rwlock), AX_OK); /* against the order of the first test */
    CHECK_EQ(ax_mutex_unlock(&mutex), AX_OK);
    CHECK_EQ(ax_rwlock_unlock(&rwlock), AX_OK);
    CHECK(atomic_load(&mistakes) >= before + 4);
    CHECK_EQ(ax_mutex_fini(&mutex), AX_OK);
    CHECK_EQ(ax_rwlock_fini(&rwlock), AX_OK);
    CHECK_EQ(away, 0);
}

int main(void)
{
    ax_lock_on_misuse(handler, NULL);
    RUN(correct_use_is_hidden_but_for_the_users_own_operations);
    RUN(waiting_is_shown_and_telling_too);
    RUN(mistakes_are_told_in_the_open);
    return check_summary();
}

/* SPDX-License-Identifier: MIT */
/**
 * detail/lock.h: the inline part of lock.h. Not a public interface.
 *
 * A lock call is a test of one word that only init and fini write, and then pthread's own call.
 */
#ifndef ATOMICX_DETAIL_LOCK_H
#define ATOMICX_DETAIL_LOCK_H

#define AX_DETAIL_IS_UNCHECKED(lock) __builtin_expect((lock)->check_.mode_ == AX_DETAIL_LOCK_UNCHECKED, 1)

ax_status ax_detail_mutex_lock(ax_mutex *mutex, const char *site);
ax_status ax_detail_mutex_unlock(ax_mutex *mutex, const char *site);

static inline ax_status ax_mutex_lock_at(ax_mutex *mutex, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(mutex)) {
        (void)pthread_mutex_lock(&mutex->mutex_); /* default kind: has no error to return */
        return AX_OK;
    }
    return ax_detail_mutex_lock(mutex, site);
}

static inline ax_status ax_mutex_unlock_at(ax_mutex *mutex, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(mutex)) {
        (void)pthread_mutex_unlock(&mutex->mutex_);
        return AX_OK;
    }
    return ax_detail_mutex_unlock(mutex, site);
}

#ifdef AX_DETAIL_HAVE_RWLOCK
ax_status ax_detail_rwlock_lock(ax_rwlock *rwlock, bool write, const char *site);
ax_status ax_detail_rwlock_unlock(ax_rwlock *rwlock, const char *site);

static inline ax_status ax_rwlock_rdlock_at(ax_rwlock *rwlock, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(rwlock))
        return pthread_rwlock_rdlock(&rwlock->rwlock_) == 0 ? AX_OK : AX_EAGAIN;
    return ax_detail_rwlock_lock(rwlock, false, site);
}

static inline ax_status ax_rwlock_wrlock_at(ax_rwlock *rwlock, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(rwlock))
        return pthread_rwlock_wrlock(&rwlock->rwlock_) == 0 ? AX_OK : AX_EDEADLK;
    return ax_detail_rwlock_lock(rwlock, true, site);
}

static inline ax_status ax_rwlock_unlock_at(ax_rwlock *rwlock, const char *site)
{
    if (AX_DETAIL_IS_UNCHECKED(rwlock)) {
        (void)pthread_rwlock_unlock(&rwlock->rwlock_);
        return AX_OK;
    }
    return ax_detail_rwlock_unlock(rwlock, site);
}
#endif

/*
 * Scope guards. The guard is a loop variable that knows whether the lock was given, and whose cleanup
 * releases it. Clang's analysis does not follow cleanups, so taking is hidden from it (but for "not held
 * yet") and the inner loop asserts the lock for the block alone: an assertion needs no release on any path.
 */
#define AX_DETAIL_WITH(kind, lock, line) AX_DETAIL_WITH2(kind, lock, line)
#define AX_DETAIL_WITH2(kind, lock, line)                                                                   \
    for (struct kind##_guard ax_guard_##line __attribute__((cleanup(kind##_leave))) = kind##_enter(lock, AX_HERE); \
         ax_guard_##line.go; ax_guard_##line.go = 0)                                                        \
        for (int ax_go_##line = kind##_held(lock); ax_go_##line != 0; ax_go_##line = 0)

#define AX_DETAIL_GUARD(kind, type, excludes, asserts, lock_at, unlock_at)                              \
    struct kind##_guard {                                                                               \
        type *lock; /* NULL: refused */                                                                 \
        const char *site;                                                                               \
        int go;                                                                                         \
    };                                                                                                  \
    static inline struct kind##_guard kind##_enter(type *lock, const char *site)                        \
        excludes AX_NO_THREAD_SAFETY_ANALYSIS;                                                          \
    static inline struct kind##_guard kind##_enter(type *lock, const char *site)                        \
    {                                                                                                   \
        struct kind##_guard guard = { lock, site, 1 };                                                  \
        if (__builtin_expect(lock_at(lock, site) != AX_OK, 0)) {                                        \
            guard.lock = NULL;                                                                          \
            guard.go = 0;                                                                               \
        }                                                                                               \
        return guard;                                                                                   \
    }                                                                                                   \
    static inline void kind##_leave(struct kind##_guard *guard) AX_NO_THREAD_SAFETY_ANALYSIS;           \
    static inline void kind##_leave(struct kind##_guard *guard)                                         \
    {                                                                                                   \
        if (guard->lock != NULL)                                                                        \
            (void)unlock_at(guard->lock, guard->site);                                                  \
    }                                                                                                   \
    static inline int kind##_held(type *lock) asserts;                                                  \
    static inline int kind##_held(type *lock)                                                           \
    {                                                                                                   \
        (void)lock;                                                                                     \
        return 1;                                                                                       \
    }

AX_DETAIL_GUARD(ax_detail_mutex, ax_mutex, AX_EXCLUDES(*lock), AX_ASSERT_HELD(*lock), ax_mutex_lock_at,
                ax_mutex_unlock_at)
#ifdef AX_DETAIL_HAVE_RWLOCK
AX_DETAIL_GUARD(ax_detail_rdlock, ax_rwlock, AX_EXCLUDES(*lock), AX_ASSERT_HELD_SHARED(*lock),
                ax_rwlock_rdlock_at, ax_rwlock_unlock_at)
AX_DETAIL_GUARD(ax_detail_wrlock, ax_rwlock, AX_EXCLUDES(*lock), AX_ASSERT_HELD(*lock), ax_rwlock_wrlock_at,
                ax_rwlock_unlock_at)
#endif

#endif

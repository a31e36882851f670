/* SPDX-License-Identifier: MIT */
/* locks: what taking and releasing costs, pthread's own first. With one thread the program still has had
 * another one, as every server has (glibc skips the locked instructions in a process that never had). */
#include <atomicx/lock.h>

#include "bench.h"

static pthread_mutex_t plain __attribute__((aligned(128))) = PTHREAD_MUTEX_INITIALIZER;
static ax_mutex unchecked __attribute__((aligned(128))) = AX_MUTEX_INIT;
static ax_mutex checked __attribute__((aligned(128))) = AX_MUTEX_CHECKED_INIT("checked", 0);
static ax_mutex limited __attribute__((aligned(128))) = AX_MUTEX_CHECKED_INIT("limited", 60000000000);
static ax_mutex outer __attribute__((aligned(128))) = AX_MUTEX_CHECKED_INIT("outer", 0);
static ax_mutex unchecked_outer __attribute__((aligned(128))) = AX_MUTEX_INIT;
static pthread_mutex_t plain_outer __attribute__((aligned(128))) = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t plain_rw __attribute__((aligned(128))) = PTHREAD_RWLOCK_INITIALIZER;
static ax_rwlock unchecked_rw __attribute__((aligned(128))) = AX_RWLOCK_INIT;
static ax_rwlock checked_rw __attribute__((aligned(128))) = AX_RWLOCK_CHECKED_INIT("checked_rw", 0);
static uint64_t guarded __attribute__((aligned(128)));

static void prepare(int threads, uint64_t n)
{
    (void)threads;
    (void)n;
    guarded = 0;
}

static void finish(int threads, uint64_t n)
{
    bench_require(guarded == n * (uint64_t)threads, "a lock that does not exclude");
    bench_require(ax_lock_misuses() == 0, "a misuse");
}

/* Aligned alike, so that no case gains or loses by where its loop lies. */
#define WORK(name, take, release)                                        \
    __attribute__((aligned(64))) static void name(int thread, uint64_t n) \
    {                                                                    \
        (void)thread;                                                    \
        for (BENCH_EACH(i, n)) {                                         \
            take;                                                        \
            guarded++;                                                   \
            release;                                                     \
        }                                                                \
    }

WORK(work_plain, pthread_mutex_lock(&plain), pthread_mutex_unlock(&plain))
WORK(work_unchecked, ax_mutex_lock(&unchecked), ax_mutex_unlock(&unchecked))
WORK(work_checked, ax_mutex_lock(&checked), ax_mutex_unlock(&checked))
WORK(work_limited, ax_mutex_lock(&limited), ax_mutex_unlock(&limited))
WORK(work_plain_nested, (pthread_mutex_lock(&plain_outer), pthread_mutex_lock(&plain)),
     (pthread_mutex_unlock(&plain), pthread_mutex_unlock(&plain_outer)))
WORK(work_unchecked_nested, ((void)ax_mutex_lock(&unchecked_outer), ax_mutex_lock(&unchecked)),
     ((void)ax_mutex_unlock(&unchecked), ax_mutex_unlock(&unchecked_outer)))
WORK(work_checked_nested, ((void)ax_mutex_lock(&outer), ax_mutex_lock(&checked)),
     ((void)ax_mutex_unlock(&checked), ax_mutex_unlock(&outer)))
WORK(work_plain_write, pthread_rwlock_wrlock(&plain_rw), pthread_rwlock_unlock(&plain_rw))
WORK(work_unchecked_write, ax_rwlock_wrlock(&unchecked_rw), ax_rwlock_unlock(&unchecked_rw))
WORK(work_checked_write, ax_rwlock_wrlock(&checked_rw), ax_rwlock_unlock(&checked_rw))

__attribute__((aligned(64))) static void work_plain_read(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n)) {
        pthread_rwlock_rdlock(&plain_rw);
        pthread_rwlock_unlock(&plain_rw);
    }
}

__attribute__((aligned(64))) static void work_unchecked_read(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n)) {
        ax_rwlock_rdlock(&unchecked_rw);
        ax_rwlock_unlock(&unchecked_rw);
    }
}

__attribute__((aligned(64))) static void work_checked_read(int thread, uint64_t n)
{
    (void)thread;
    for (BENCH_EACH(i, n)) {
        ax_rwlock_rdlock(&checked_rw);
        ax_rwlock_unlock(&checked_rw);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_case mutexes[] = {
        { "pthread_mutex", prepare, work_plain, finish, NULL },
        { "ax_mutex unchecked", prepare, work_unchecked, finish, NULL },
        { "ax_mutex checked", prepare, work_checked, finish, NULL },
        { "ax_mutex checked, with a limit", prepare, work_limited, finish, NULL },
    };
    static const struct bench_case nested[] = {
        { "pthread_mutex", prepare, work_plain_nested, finish, NULL },
        { "ax_mutex unchecked", prepare, work_unchecked_nested, finish, NULL },
        { "ax_mutex checked", prepare, work_checked_nested, finish, NULL },
    };
    static const struct bench_case writes[] = {
        { "pthread_rwlock", prepare, work_plain_write, finish, NULL },
        { "ax_rwlock unchecked", prepare, work_unchecked_write, finish, NULL },
        { "ax_rwlock checked", prepare, work_checked_write, finish, NULL },
    };
    static const struct bench_case reads[] = {
        { "pthread_rwlock", NULL, work_plain_read, NULL, NULL },
        { "ax_rwlock unchecked", NULL, work_unchecked_read, NULL, NULL },
        { "ax_rwlock checked", NULL, work_checked_read, NULL, NULL },
    };
    static const struct bench benches[] = {
        { "mutex: lock, add, unlock", "pairs", mutexes, 4, 4000000 },
        { "two nested mutexes", "pairs of pairs", nested, 3, 2000000 },
        { "write lock, add, unlock", "pairs", writes, 3, 2000000 },
        { "read lock, unlock", "pairs", reads, 3, 4000000 },
    };
    return bench_main(argc, argv, benches, 4);
}

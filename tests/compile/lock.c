/* SPDX-License-Identifier: MIT */
/*
 * lock.c: what -Wthread-safety makes of our locks. Compiles as it stands; each case below, chosen with
 * -DCASE_name, must not, for the reason in the line "case name: message". tests/compile/run reads these lines.
 */
#include <atomicx/lock.h>

static ax_mutex lock = AX_MUTEX_INIT;
static ax_rwlock table_lock = AX_RWLOCK_INIT;
static int jobs AX_GUARDED_BY(lock);
static int table AX_GUARDED_BY(table_lock);

struct pool {
    ax_mutex lock;
    int free AX_MEMBER_GUARDED_BY(lock);
};

void add_job(void) AX_REQUIRES(lock);
void add_job(void)
{
    jobs++;
}
void give_back(struct pool *pool) AX_REQUIRES(pool->lock);
void give_back(struct pool *pool)
{
    pool->free++;
}

int right(struct pool *pool);
int right(struct pool *pool)
{
    AX_WITH_LOCK(&lock) {
        add_job();
        if (jobs == 1)
            break;
        if (jobs == 2)
            return jobs;
        if (jobs == 3)
            goto out;
    }
out:
    for (int i = 0; i < 3; i++) {
        AX_WITH_LOCK(&pool->lock) {
            give_back(pool);
            if (i == 1)
                continue;
        }
    }
    AX_WITH_RDLOCK(&table_lock) {
        if (table > 0)
            return table;
    }
    AX_WITH_WRLOCK(&table_lock)
        table = 1;
    ax_mutex_lock(&lock);
    jobs = 2;
    ax_mutex_unlock(&lock);
    if (ax_mutex_trylock(&lock)) {
        jobs = 3;
        ax_mutex_unlock(&lock);
    }
    ax_rwlock_rdlock(&table_lock);
    int seen = table;
    ax_rwlock_unlock(&table_lock);
    return seen;
}

int wrong(struct pool *pool, struct pool *other);
int wrong(struct pool *pool, struct pool *other)
{
    (void)pool;
    (void)other;
#if defined(CASE_read) /* case read: reading variable 'jobs' requires holding mutex 'lock' */
    return jobs;
#elif defined(CASE_write) /* case write: writing variable 'jobs' requires holding mutex 'lock' exclusively */
    jobs = 1;
#elif defined(CASE_after_guard) /* case after_guard: writing variable 'jobs' requires holding mutex 'lock' */
    AX_WITH_LOCK(&lock)
        jobs = 1;
    jobs = 2;
#elif defined(CASE_after_break) /* case after_break: writing variable 'jobs' requires holding mutex 'lock' */
    AX_WITH_LOCK(&lock) {
        if (jobs == 1)
            break;
    }
    jobs = 2;
#elif defined(CASE_nested_guard) /* case nested_guard: while mutex 'lock' is held */
    AX_WITH_LOCK(&lock)
        AX_WITH_LOCK(&lock)
            jobs = 1;
#elif defined(CASE_twice) /* case twice: acquiring mutex 'lock' that is already held */
    ax_mutex_lock(&lock);
    ax_mutex_lock(&lock);
    ax_mutex_unlock(&lock);
#elif defined(CASE_forgotten) /* case forgotten: mutex 'lock' is still held at the end of function */
    ax_mutex_lock(&lock);
    jobs = 1;
#elif defined(CASE_unlock_only) /* case unlock_only: releasing mutex 'lock' that was not held */
    ax_mutex_unlock(&lock);
#elif defined(CASE_requires) /* case requires: calling function 'add_job' requires holding mutex 'lock' */
    add_job();
#elif defined(CASE_member) /* case member: calling function 'give_back' requires holding mutex 'pool->lock' */
    AX_WITH_LOCK(&other->lock)
        give_back(pool);
#elif defined(CASE_write_shared) /* case write_shared: writing variable 'table' requires holding rwlock 'table_lock' exclusively */
    AX_WITH_RDLOCK(&table_lock)
        table = 1;
#elif defined(CASE_try_ignored) /* case try_ignored: writing variable 'jobs' requires holding mutex 'lock' */
    (void)ax_mutex_trylock(&lock);
    jobs = 1;
#elif defined(CASE_cxx_member) /* case cxx_member: reading variable 'free' requires holding mutex 'pool->lock' */
    return pool->free;
#endif
    return 0;
}

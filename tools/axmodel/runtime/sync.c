/* SPDX-License-Identifier: MIT */
/* Stand-ins for condition variables, read-write locks, barriers, semaphores and once, made of
 * the same visible operations as the test's own atomics. The word a stand-in works on is the first four
 * bytes of the object; what else it keeps there is guarded by that word. Mutexes are in mutex.c. */
#include "axm.h"

#include "standin.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <threads.h>

uint64_t axm_word_wrote(void *object, uint8_t op, uint64_t arg, uint64_t cmp, uint8_t order, uint8_t note, uintptr_t pc,
                        bool *wrote)
{
    const struct axm_req q = {.addr = (uintptr_t)object, .pc = pc, .arg = arg, .cmp = cmp, .op = op, .size = 4,
                              .ord_ok = order, .ord_fail = AXM_RLX, .flags = AXM_INTERNAL, .note = note};
    return axm_operate(&q, wrote);
}

uint64_t axm_word(void *object, uint8_t op, uint64_t arg, uint64_t cmp, uint8_t order, uint8_t note, uintptr_t pc)
{
    bool wrote;
    return axm_word_wrote(object, op, arg, cmp, order, note, pc, &wrote);
}

void axm_lock_word(void *object, uint8_t note, uintptr_t pc) { axm_word(object, AXM_WAIT_CAS, 1, 0, AXM_ACQ, note, pc); }
void axm_unlock_word(void *object, uint8_t note, uintptr_t pc) { axm_word(object, AXM_STORE, 0, 0, AXM_REL, note, pc); }

bool axm_word_until(void *object, uint8_t op, uint64_t arg, uint64_t cmp, uint8_t order, uint8_t note, uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    bool early = f->spurious < axm.opt.spurious, wrote;
    const struct axm_req q = {.addr = (uintptr_t)object, .pc = pc, .arg = arg, .cmp = cmp, .op = op, .size = 4,
                              .ord_ok = order, .ord_fail = AXM_RLX, .note = note,
                              .flags = AXM_INTERNAL | AXM_TIMED | (early ? AXM_WEAK : 0)};
    axm_operate(&q, &wrote);
    if (!wrote && early)
        f->spurious++;
    return wrote;
}

/* Whether a wait that may end early does: at most --bound spurious times per thread. */
bool axm_ends_early(uint8_t note, uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    if (f->spurious >= axm.opt.spurious || axm_choose(2, note, pc) == 0)
        return false;
    f->spurious++;
    return true;
}

/* ---- condition variables ---- */

struct cond {
    uint32_t word; /* guards the rest */
    uint8_t n, waiter[AXM_THREADS];
};
_Static_assert(sizeof(struct cond) <= sizeof(pthread_cond_t), "room for the waiters");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "cnd_t is a pthread_cond_t");

/* A thread that sleeps waits for its own word, which whoever wakes it sets. */
void axm_sleep_begin(void)
{
    struct axm_fiber *f = axm.cur;
    axm_renew((uintptr_t)&f->wake, sizeof f->wake);
    f->wake = 0;
}

/* Whoever may time out early has decided so before it lay down, not here. */
bool axm_sleep(uint8_t order, bool timed, uintptr_t pc)
{
    const struct axm_req q = {.addr = (uintptr_t)&axm.cur->wake, .pc = pc, .op = AXM_WAIT_NOT, .size = 4, .ord_ok = order,
                              .ord_fail = AXM_RLX, .note = AXM_N_SLEEP,
                              .flags = (uint8_t)(AXM_INTERNAL | (timed ? AXM_TIMED : 0))};
    bool wrote;
    return axm_operate(&q, &wrote) != 0;
}

bool axm_unlist(uint8_t *waiter, uint8_t *n, uint8_t tid)
{
    for (unsigned k = 0; k < *n; k++)
        if (waiter[k] == tid) {
            memmove(&waiter[k], &waiter[k + 1], --*n - k);
            return true;
        }
    return false;
}

void axm_wake(uint8_t tid, uint8_t order, uintptr_t pc) { axm_word(&axm.fiber[tid]->wake, AXM_STORE, 1, 0, order, AXM_N_WAKE, pc); }

static int cond_wait(struct cond *c, void *m, bool timed, uintptr_t pc)
{
    if (!axm_mutex_mine(m))
        axm_violation(AXM_MISUSE, pc, "thread %u waits on a condition with a mutex it does not hold", axm.cur->tid);
    int early = 0;
    if (timed && axm_ends_early(AXM_N_TIMEOUT, pc))
        early = ETIMEDOUT;
    else if (!timed && axm_ends_early(AXM_N_SPURIOUS, pc))
        early = -1;
    if (early == 0) {
        axm_sleep_begin();
        axm_lock_word(c, AXM_N_COND, pc);
        c->waiter[c->n++] = axm.cur->tid;
        axm_unlock_word(c, AXM_N_COND, pc);
    }
    axm_mutex_unlock(m, pc);
    if (early == 0 && !axm_sleep(AXM_ACQ, timed, pc)) {
        axm_lock_word(c, AXM_N_COND, pc);
        bool listed = axm_unlist(c->waiter, &c->n, axm.cur->tid);
        axm_unlock_word(c, AXM_N_COND, pc);
        if (listed)
            early = ETIMEDOUT;
        else
            axm_sleep(AXM_ACQ, false, pc); /* woken in the nick of time */
    }
    int relocked = axm_mutex_lock(m, AXM_FOR_EVER, pc);
    return relocked != 0 ? relocked : early == ETIMEDOUT ? ETIMEDOUT : 0;
}

static void cond_wake(struct cond *c, bool all, uintptr_t pc)
{
    if (axm.cur == NULL)
        return;
    axm_lock_word(c, AXM_N_COND, pc);
    while (c->n != 0) {
        unsigned k = c->n == 1 || all ? 0 : axm_choose(c->n, AXM_N_WAKE, pc);
        uint8_t tid = c->waiter[k];
        axm_unlist(c->waiter, &c->n, tid);
        axm_wake(tid, AXM_REL, pc);
        if (!all)
            break;
    }
    axm_unlock_word(c, AXM_N_COND, pc);
}

static int cond_destroy(struct cond *c, uintptr_t pc)
{
    if (axm.cur != NULL && c->n != 0)
        axm_violation(AXM_MISUSE, pc, "a condition variable is destroyed while thread %u waits on it", c->waiter[0]);
    axm_renew_object(c, sizeof(pthread_cond_t), pc);
    return 0;
}

STANDIN(int, pthread_cond_init, (pthread_cond_t *c, const pthread_condattr_t *attr))
{
    (void)attr;
    axm_renew_object(c, sizeof *c, AXM_CALLER);
    return 0;
}
STANDIN(int, pthread_cond_destroy, (pthread_cond_t *c)) { return cond_destroy((struct cond *)c, AXM_CALLER); }
STANDIN(int, pthread_cond_wait, (pthread_cond_t *c, pthread_mutex_t *m))
{
    return cond_wait((struct cond *)c, m, false, AXM_CALLER);
}
STANDIN(int, pthread_cond_timedwait, (pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *when))
{
    (void)when;
    return cond_wait((struct cond *)c, m, true, AXM_CALLER);
}
STANDIN(int, pthread_cond_clockwait,
        (pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *when))
{
    (void)clock;
    (void)when;
    return cond_wait((struct cond *)c, m, true, AXM_CALLER);
}
STANDIN(int, pthread_cond_signal, (pthread_cond_t *c))
{
    cond_wake((struct cond *)c, false, AXM_CALLER);
    return 0;
}
STANDIN(int, pthread_cond_broadcast, (pthread_cond_t *c))
{
    cond_wake((struct cond *)c, true, AXM_CALLER);
    return 0;
}
STANDIN(int, cnd_init, (cnd_t *c))
{
    axm_renew_object(c, sizeof *c, AXM_CALLER);
    return thrd_success;
}
STANDIN(void, cnd_destroy, (cnd_t *c)) { cond_destroy((struct cond *)c, AXM_CALLER); }
STANDIN(int, cnd_wait, (cnd_t *c, mtx_t *m))
{
    return axm_thrd_result(cond_wait((struct cond *)c, m, false, AXM_CALLER));
}
STANDIN(int, cnd_timedwait, (cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict when))
{
    (void)when;
    return axm_thrd_result(cond_wait((struct cond *)c, m, true, AXM_CALLER));
}
STANDIN(int, cnd_signal, (cnd_t *c))
{
    cond_wake((struct cond *)c, false, AXM_CALLER);
    return thrd_success;
}
STANDIN(int, cnd_broadcast, (cnd_t *c))
{
    cond_wake((struct cond *)c, true, AXM_CALLER);
    return thrd_success;
}

static uint32_t me(void) { return axm.cur->tid + 1u; }

/* ---- read-write locks and spin locks ---- */

/* word: how many read, or WRITER */
struct rwlock {
    uint32_t word, writer;
};
enum { WRITER = 0x7fffffff };

STANDIN(int, pthread_rwlock_init, (pthread_rwlock_t *l, const pthread_rwlockattr_t *attr))
{
    (void)attr;
    axm_renew_object(l, sizeof *l, AXM_CALLER);
    return 0;
}
STANDIN(int, pthread_rwlock_destroy, (pthread_rwlock_t *l))
{
    if (axm.cur != NULL && ((struct rwlock *)l)->writer != 0)
        axm_violation(AXM_MISUSE, AXM_CALLER, "a read-write lock is destroyed while it is held");
    axm_renew_object(l, sizeof *l, AXM_CALLER);
    return 0;
}
static int read_lock(void *lock, enum axm_patience patience, uintptr_t pc)
{
    struct rwlock *l = lock;
    bool locked = true;
    if (patience != AXM_NOT_AT_ALL && l->writer == me())
        return EDEADLK;
    if (patience == AXM_FOR_EVER)
        axm_word(l, AXM_WAIT_SHARE, 0, WRITER, AXM_ACQ, AXM_N_RDLOCK, pc);
    else if (patience == AXM_UNTIL_DEADLINE)
        return axm_word_until(l, AXM_WAIT_SHARE, 0, WRITER, AXM_ACQ, AXM_N_RDLOCK, pc) ? 0 : ETIMEDOUT;
    else
        axm_word_wrote(l, AXM_TRY_SHARE, 0, WRITER, AXM_ACQ, AXM_N_RDLOCK, pc, &locked);
    return locked ? 0 : EBUSY;
}

static int write_lock(void *lock, enum axm_patience patience, uintptr_t pc)
{
    struct rwlock *l = lock;
    bool locked = true;
    if (patience != AXM_NOT_AT_ALL && l->writer == me())
        return EDEADLK;
    if (patience == AXM_FOR_EVER)
        axm_word(l, AXM_WAIT_CAS, WRITER, 0, AXM_ACQ, AXM_N_WRLOCK, pc);
    else if (patience == AXM_UNTIL_DEADLINE)
        locked = axm_word_until(l, AXM_WAIT_CAS, WRITER, 0, AXM_ACQ, AXM_N_WRLOCK, pc);
    else
        axm_word_wrote(l, AXM_CAS, WRITER, 0, AXM_ACQ, AXM_N_WRLOCK, pc, &locked);
    if (locked)
        l->writer = me();
    return locked ? 0 : patience == AXM_UNTIL_DEADLINE ? ETIMEDOUT : EBUSY;
}

STANDIN(int, pthread_rwlock_rdlock, (pthread_rwlock_t *l)) { return read_lock(l, AXM_FOR_EVER, AXM_CALLER); }
STANDIN(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t *l)) { return read_lock(l, AXM_NOT_AT_ALL, AXM_CALLER); }
STANDIN(int, pthread_rwlock_wrlock, (pthread_rwlock_t *l)) { return write_lock(l, AXM_FOR_EVER, AXM_CALLER); }
STANDIN(int, pthread_rwlock_trywrlock, (pthread_rwlock_t *l)) { return write_lock(l, AXM_NOT_AT_ALL, AXM_CALLER); }
STANDIN(int, pthread_rwlock_unlock, (pthread_rwlock_t *l))
{
    struct rwlock *r = (struct rwlock *)l;
    if (r->writer == me()) {
        r->writer = 0;
        axm_unlock_word(l, AXM_N_UNLOCK, AXM_CALLER);
        return 0;
    }
    uint64_t readers = axm_word(l, AXM_SUB, 1, 0, AXM_REL, AXM_N_UNLOCK, AXM_CALLER);
    if (readers == 0 || readers == WRITER)
        axm_violation(AXM_MISUSE, AXM_CALLER, "thread %u unlocks a read-write lock it does not hold", axm.cur->tid);
    return 0;
}

#define TIMED(name, lock, parameters)                        \
    STANDIN(int, name, parameters)                           \
    {                                                        \
        (void)when;                                          \
        return lock(l, AXM_UNTIL_DEADLINE, AXM_CALLER);      \
    }
#define CLOCKED(name, lock, parameters)                      \
    STANDIN(int, name, parameters)                           \
    {                                                        \
        (void)clock;                                         \
        (void)when;                                          \
        return lock(l, AXM_UNTIL_DEADLINE, AXM_CALLER);      \
    }
TIMED(pthread_rwlock_timedrdlock, read_lock, (pthread_rwlock_t *l, const struct timespec *when))
TIMED(pthread_rwlock_timedwrlock, write_lock, (pthread_rwlock_t *l, const struct timespec *when))
CLOCKED(pthread_rwlock_clockrdlock, read_lock, (pthread_rwlock_t *l, clockid_t clock, const struct timespec *when))
CLOCKED(pthread_rwlock_clockwrlock, write_lock, (pthread_rwlock_t *l, clockid_t clock, const struct timespec *when))

STANDIN(int, pthread_spin_init, (pthread_spinlock_t *l, int shared))
{
    (void)shared;
    axm_renew_object((void *)(uintptr_t)l, sizeof *l, AXM_CALLER);
    return 0;
}
STANDIN(int, pthread_spin_destroy, (pthread_spinlock_t *l))
{
    axm_renew_object((void *)(uintptr_t)l, sizeof *l, AXM_CALLER);
    return 0;
}
STANDIN(int, pthread_spin_lock, (pthread_spinlock_t *l))
{
    axm_lock_word((void *)(uintptr_t)l, AXM_N_LOCK, AXM_CALLER);
    return 0;
}
STANDIN(int, pthread_spin_trylock, (pthread_spinlock_t *l))
{
    bool wrote;
    axm_word_wrote((void *)(uintptr_t)l, AXM_CAS, 1, 0, AXM_ACQ, AXM_N_TRYLOCK, AXM_CALLER, &wrote);
    return wrote ? 0 : EBUSY;
}
STANDIN(int, pthread_spin_unlock, (pthread_spinlock_t *l))
{
    axm_unlock_word((void *)(uintptr_t)l, AXM_N_UNLOCK, AXM_CALLER);
    return 0;
}

/* ---- barriers, semaphores, once ---- */

struct barrier {
    uint32_t arrived, generation, total;
};

STANDIN(int, pthread_barrier_init, (pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned count))
{
    (void)attr;
    if (count == 0)
        return EINVAL;
    axm_renew_object(b, sizeof *b, AXM_CALLER);
    ((struct barrier *)b)->total = count;
    return 0;
}
STANDIN(int, pthread_barrier_destroy, (pthread_barrier_t *b))
{
    axm_renew_object(b, sizeof *b, AXM_CALLER);
    return 0;
}
STANDIN(int, pthread_barrier_wait, (pthread_barrier_t *barrier))
{
    struct barrier *b = (struct barrier *)barrier;
    uint64_t generation = axm_word(&b->generation, AXM_LOAD, 0, 0, AXM_RLX, AXM_N_BARRIER, AXM_CALLER);
    uint64_t before = axm_word(&b->arrived, AXM_ADD, 1, 0, AXM_ACQ_REL, AXM_N_BARRIER, AXM_CALLER);
    if (before + 1 == b->total) {
        axm_word(&b->arrived, AXM_STORE, 0, 0, AXM_RLX, AXM_N_BARRIER, AXM_CALLER);
        axm_word(&b->generation, AXM_STORE, generation + 1, 0, AXM_REL, AXM_N_BARRIER, AXM_CALLER);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    axm_word(&b->generation, AXM_WAIT_NOT, 0, generation, AXM_ACQ, AXM_N_BARRIER, AXM_CALLER);
    return 0;
}

STANDIN(int, sem_init, (sem_t *s, int shared, unsigned value))
{
    (void)shared;
    axm_renew_object(s, sizeof *s, AXM_CALLER);
    memcpy(s, &value, sizeof value);
    return 0;
}
STANDIN(int, sem_destroy, (sem_t *s))
{
    axm_renew_object(s, sizeof *s, AXM_CALLER);
    return 0;
}
STANDIN(int, sem_wait, (sem_t *s))
{
    axm_word(s, AXM_WAIT_DEC, 0, 0, AXM_ACQ, AXM_N_SEM_WAIT, AXM_CALLER);
    return 0;
}
STANDIN(int, sem_trywait, (sem_t *s))
{
    bool wrote;
    axm_word_wrote(s, AXM_TRY_DEC, 0, 0, AXM_ACQ, AXM_N_SEM_WAIT, AXM_CALLER, &wrote);
    if (wrote)
        return 0;
    errno = EAGAIN;
    return -1;
}
static int sem_until(sem_t *s, uintptr_t pc)
{
    if (axm_word_until(s, AXM_WAIT_DEC, 0, 0, AXM_ACQ, AXM_N_SEM_WAIT, pc))
        return 0;
    errno = ETIMEDOUT;
    return -1;
}
STANDIN(int, sem_timedwait, (sem_t *restrict s, const struct timespec *restrict when))
{
    (void)when;
    return sem_until(s, AXM_CALLER);
}
STANDIN(int, sem_clockwait, (sem_t *restrict s, clockid_t clock, const struct timespec *restrict when))
{
    (void)clock;
    (void)when;
    return sem_until(s, AXM_CALLER);
}
STANDIN(int, sem_post, (sem_t *s))
{
    axm_word(s, AXM_ADD, 1, 0, AXM_REL, AXM_N_SEM_POST, AXM_CALLER);
    return 0;
}
STANDIN(int, sem_getvalue, (sem_t *restrict s, int *restrict value))
{
    *value = (int)axm_word(s, AXM_LOAD, 0, 0, AXM_RLX, AXM_N_SEM_WAIT, AXM_CALLER);
    return 0;
}

static void once(void *flag, void (*init)(void), uintptr_t pc)
{
    enum { FRESH, RUNNING, FINISHED };
    bool mine;
    const struct axm_req q = {.addr = (uintptr_t)flag, .pc = pc, .arg = RUNNING, .cmp = FRESH, .op = AXM_CAS, .size = 4,
                              .ord_ok = AXM_ACQ, .ord_fail = AXM_ACQ, .flags = AXM_INTERNAL, .note = AXM_N_ONCE};
    uint64_t state = axm_operate(&q, &mine);
    if (mine) {
        init();
        axm_word(flag, AXM_STORE, FINISHED, 0, AXM_REL, AXM_N_ONCE, pc);
    } else if (state == RUNNING) {
        axm_word(flag, AXM_WAIT_NOT, 0, RUNNING, AXM_ACQ, AXM_N_ONCE, pc);
    }
}

STANDIN(int, pthread_once, (pthread_once_t *flag, void (*init)(void)))
{
    if (axm.cur == NULL)
        axm_fatal("pthread_once outside of a test is not modelled");
    once(flag, init, AXM_CALLER);
    return 0;
}
STANDIN(void, call_once, (once_flag *flag, void (*init)(void))) { once(flag, init, AXM_CALLER); }

/* SPDX-License-Identifier: MIT */
/* Stand-ins for mutexes, POSIX and C11, and for the death of a thread that holds one.
 *
 * A thread that ends while it holds a robust mutex, by returning or because ax_model_mortal() let it die
 * in the middle, unlocks it and leaves word of that; the next one to lock it is told. The unlock is a
 * release, as the kernel's is. C11 has nothing to say about dead threads. */
#include "axm.h"

#include "standin.h"

#include "atomicx/model.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <threads.h>

enum fate { NOT_ROBUST, ROBUST, OWNER_DIED, LOST };

struct mutex {
    uint32_t word, count, owner, fate;
    int32_t kind; /* where glibc's static initialisers put it */
};
_Static_assert(offsetof(struct mutex, kind) == offsetof(pthread_mutex_t, __data.__kind), "layout of pthread_mutex_t");
_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "mtx_t is a pthread_mutex_t");

enum { NORMAL, RECURSIVE, CHECKED };

static uint32_t me(void) { return axm.cur->tid + 1u; }

void axm_renew_object(void *object, size_t size, uintptr_t pc)
{
    if (axm.cur != NULL)
        axm_touch((uintptr_t)object, size, AXM_TOUCH_WRITE, pc);
    memset(object, 0, size);
}

/* ---- death ---- */

void ax_model_mortal(void) { axm.cur->mortal = true; }

void axm_die_perhaps(uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    if (axm_choose(2, AXM_N_DIES, pc) == 0)
        return;
    f->mortal = false;
    f->killed = true;
    axm_exit_thread(NULL);
}

static void hold(struct mutex *m, uintptr_t pc)
{
    struct axm_fiber *f = axm.cur;
    if (f->robust_held == AXM_ROBUST)
        axm_violation(AXM_LIMIT, pc, "more than %d robust mutexes held by one thread", AXM_ROBUST);
    f->robust[f->robust_held++] = m;
}

static void unhold(struct mutex *m)
{
    struct axm_fiber *f = axm.cur;
    unsigned i = f->robust_held;
    while (f->robust[--i] != m)
        ;
    memmove(&f->robust[i], &f->robust[i + 1], (--f->robust_held - i) * sizeof f->robust[0]);
}

/* What the kernel does when a thread is gone. */
void axm_leave_robust(void)
{
    struct axm_fiber *f = axm.cur;
    while (f->robust_held != 0) {
        struct mutex *m = f->robust[--f->robust_held];
        m->owner = 0;
        m->count = 0;
        m->fate = OWNER_DIED;
        axm_unlock_word(m, AXM_N_DIES, f->pc);
    }
}

/* ---- locking ---- */

bool axm_mutex_mine(const void *mutex) { return ((const struct mutex *)mutex)->owner == me(); }

int axm_mutex_lock(void *mutex, enum axm_patience patience, uintptr_t pc)
{
    struct mutex *m = mutex;
    if (axm.cur == NULL)
        return 0;
    axm_may_die(pc);
    int kind = m->kind & 3;
    if (m->owner == me()) {
        if (kind == RECURSIVE) {
            axm_side_effect();
            m->count++;
            return 0;
        }
        if (patience == AXM_NOT_AT_ALL)
            return EBUSY;
        if (kind == CHECKED)
            return EDEADLK;
    }
    bool locked = true;
    if (patience == AXM_NOT_AT_ALL)
        axm_word_wrote(m, AXM_CAS, 1, 0, AXM_ACQ, AXM_N_TRYLOCK, pc, &locked);
    else if (patience == AXM_UNTIL_DEADLINE)
        locked = axm_word_until(m, AXM_WAIT_CAS, 1, 0, AXM_ACQ, AXM_N_LOCK, pc);
    else
        axm_lock_word(m, AXM_N_LOCK, pc);
    if (!locked)
        return patience == AXM_NOT_AT_ALL ? EBUSY : ETIMEDOUT;
    if (m->fate == LOST) {
        axm_unlock_word(m, AXM_N_UNLOCK, pc);
        return ENOTRECOVERABLE;
    }
    m->owner = me();
    if (m->fate != NOT_ROBUST)
        hold(m, pc);
    return m->fate == OWNER_DIED ? EOWNERDEAD : 0;
}

int axm_mutex_unlock(void *mutex, uintptr_t pc)
{
    struct mutex *m = mutex;
    if (axm.cur == NULL)
        return 0;
    axm_may_die(pc);
    if (m->owner != me()) {
        if ((m->kind & 3) != NORMAL || m->fate != NOT_ROBUST)
            return EPERM;
        axm_violation(AXM_MISUSE, pc, "thread %u unlocks a mutex it does not hold", axm.cur->tid);
    }
    if (m->count != 0) {
        axm_side_effect();
        m->count--;
        return 0;
    }
    m->owner = 0;
    if (m->fate != NOT_ROBUST)
        unhold(m);
    if (m->fate == OWNER_DIED)
        m->fate = LOST; /* nobody has said that it is consistent again */
    axm_unlock_word(m, AXM_N_UNLOCK, pc);
    return 0;
}

static int mutex_destroy(void *mutex, uintptr_t pc)
{
    const struct mutex *m = mutex;
    if (axm.cur == NULL)
        return 0;
    if (m->owner != 0)
        axm_violation(AXM_MISUSE, pc, "a mutex is destroyed while thread %u holds it", m->owner - 1);
    axm_renew_object(mutex, sizeof(pthread_mutex_t), pc);
    return 0;
}

STANDIN(int, pthread_mutex_init, (pthread_mutex_t *m, const pthread_mutexattr_t *attr))
{
    int kind = PTHREAD_MUTEX_NORMAL, robust = PTHREAD_MUTEX_STALLED;
    if (attr != NULL) {
        pthread_mutexattr_gettype(attr, &kind);
        pthread_mutexattr_getrobust(attr, &robust);
    }
    axm_renew_object(m, sizeof *m, AXM_CALLER);
    ((struct mutex *)m)->kind = kind;
    ((struct mutex *)m)->fate = robust == PTHREAD_MUTEX_ROBUST ? ROBUST : NOT_ROBUST;
    return 0;
}

STANDIN(int, pthread_mutex_destroy, (pthread_mutex_t *m)) { return mutex_destroy(m, AXM_CALLER); }
STANDIN(int, pthread_mutex_lock, (pthread_mutex_t *m)) { return axm_mutex_lock(m, AXM_FOR_EVER, AXM_CALLER); }
STANDIN(int, pthread_mutex_trylock, (pthread_mutex_t *m)) { return axm_mutex_lock(m, AXM_NOT_AT_ALL, AXM_CALLER); }
STANDIN(int, pthread_mutex_unlock, (pthread_mutex_t *m)) { return axm_mutex_unlock(m, AXM_CALLER); }
STANDIN(int, pthread_mutex_timedlock, (pthread_mutex_t *m, const struct timespec *when))
{
    (void)when;
    return axm_mutex_lock(m, AXM_UNTIL_DEADLINE, AXM_CALLER);
}

STANDIN(int, pthread_mutex_clocklock, (pthread_mutex_t *m, clockid_t clock, const struct timespec *when))
{
    (void)clock;
    (void)when;
    return axm_mutex_lock(m, AXM_UNTIL_DEADLINE, AXM_CALLER);
}

STANDIN(int, pthread_mutex_consistent, (pthread_mutex_t *mutex))
{
    struct mutex *m = (struct mutex *)mutex;
    axm_may_die(AXM_CALLER);
    if (m->owner != me() || m->fate != OWNER_DIED)
        return EINVAL;
    m->fate = ROBUST;
    return 0;
}

int axm_thrd_result(int e)
{
    return e == 0 ? thrd_success : e == EBUSY ? thrd_busy : e == ETIMEDOUT ? thrd_timedout : thrd_error;
}

STANDIN(int, mtx_init, (mtx_t *m, int type))
{
    axm_renew_object(m, sizeof *m, AXM_CALLER);
    ((struct mutex *)m)->kind = type & mtx_recursive ? RECURSIVE : NORMAL;
    return thrd_success;
}
STANDIN(void, mtx_destroy, (mtx_t *m)) { mutex_destroy(m, AXM_CALLER); }
STANDIN(int, mtx_lock, (mtx_t *m)) { return axm_thrd_result(axm_mutex_lock(m, AXM_FOR_EVER, AXM_CALLER)); }
STANDIN(int, mtx_trylock, (mtx_t *m)) { return axm_thrd_result(axm_mutex_lock(m, AXM_NOT_AT_ALL, AXM_CALLER)); }
STANDIN(int, mtx_unlock, (mtx_t *m)) { return axm_thrd_result(axm_mutex_unlock(m, AXM_CALLER)); }
STANDIN(int, mtx_timedlock, (mtx_t *restrict m, const struct timespec *restrict when))
{
    (void)when;
    return axm_thrd_result(axm_mutex_lock(m, AXM_UNTIL_DEADLINE, AXM_CALLER));
}

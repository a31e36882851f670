/* SPDX-License-Identifier: MIT */
/* Stand-ins for what C++ calls inside libstdc++, where --wrap does not reach the pthread calls: std::thread,
 * std::condition_variable, function-local statics, thread_local objects with destructors, std::future, atomic operations
 * on std::shared_ptr. (std::mutex, std::shared_mutex and std::call_once are inline.)
 * The names are those of the Itanium C++ ABI. */
#include "sample.h"
#include "standin.h"

#include <errno.h>
#include <pthread.h>

int __wrap_pthread_join(pthread_t t, void **ret);
int __wrap_pthread_detach(pthread_t t);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_signal(pthread_cond_t *c);
int __wrap_pthread_cond_broadcast(pthread_cond_t *c);

/* std::thread::_State: a virtual destructor (two entries of the table), then _M_run. */
struct state {
    void (*const *table)(struct state *);
};

static void *run_state(void *arg)
{
    struct state *s = arg;
    s->table[2](s);
    s->table[1](s); /* the deleting destructor */
    return NULL;
}

/* void std::thread::_M_start_thread(std::unique_ptr<_State>, void (*)()) */
STANDIN(void, _ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE,
        (pthread_t *self, struct state **owned, void (*depend)(void)))
{
    (void)depend;
    struct state *s = *owned;
    *owned = NULL;
    *self = (pthread_t)axm_spawn(run_state, s, AXM_CALLER)->tid + 1;
}

STANDIN(void, _ZNSt6thread4joinEv, (pthread_t *self))
{
    __wrap_pthread_join(*self, NULL);
    *self = 0;
}

STANDIN(void, _ZNSt6thread6detachEv, (pthread_t *self))
{
    __wrap_pthread_detach(*self);
    *self = 0;
}

/* std::unique_lock<std::mutex> begins with the pointer to its mutex. */
STANDIN(void, _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE, (pthread_cond_t *c, pthread_mutex_t **lock))
{
    __wrap_pthread_cond_wait(c, *lock);
}

STANDIN(void, _ZNSt18condition_variable10notify_oneEv, (pthread_cond_t *c)) { __wrap_pthread_cond_signal(c); }
STANDIN(void, _ZNSt18condition_variable10notify_allEv, (pthread_cond_t *c)) { __wrap_pthread_cond_broadcast(c); }

/* ---- function-local statics ----
 *
 * The first byte of the guard says whether the object is there; the compiler looks at it itself. Who makes the object
 * holds a lock beside it. The functions behind are there in C++ programs only, and only those ask for them. */

static void *beside(void *guard) { return (void *)((uintptr_t)guard | AXM_NOWHERE); }

static uint64_t guard_byte(void *guard, uint8_t op, uint8_t order, uintptr_t pc)
{
    const struct axm_req q = {.addr = (uintptr_t)guard, .pc = pc, .arg = 1, .op = op, .size = 1, .ord_ok = order,
                              .ord_fail = AXM_RLX, .flags = AXM_INTERNAL, .note = AXM_N_ONCE};
    bool wrote;
    return axm_access(&q, &wrote);
}

int __real___cxa_guard_acquire(uint64_t *guard) __attribute__((weak));
STANDIN(int, __cxa_guard_acquire, (uint64_t *guard))
{
    if (axm.cur == NULL)
        return __real___cxa_guard_acquire(guard);
    axm_lock_word(beside(guard), AXM_N_ONCE, AXM_CALLER);
    if (guard_byte(guard, AXM_LOAD, AXM_ACQ, AXM_CALLER) == 0)
        return 1;
    axm_unlock_word(beside(guard), AXM_N_ONCE, AXM_CALLER);
    return 0;
}

void __real___cxa_guard_release(uint64_t *guard) __attribute__((weak));
STANDIN(void, __cxa_guard_release, (uint64_t *guard))
{
    if (axm.cur == NULL) {
        __real___cxa_guard_release(guard);
        return;
    }
    guard_byte(guard, AXM_STORE, AXM_REL, AXM_CALLER);
    axm_unlock_word(beside(guard), AXM_N_ONCE, AXM_CALLER);
}

/* The initialisation has thrown: the next one tries again. */
void __real___cxa_guard_abort(uint64_t *guard) __attribute__((weak));
STANDIN(void, __cxa_guard_abort, (uint64_t *guard))
{
    if (axm.cur == NULL)
        __real___cxa_guard_abort(guard);
    else
        axm_unlock_word(beside(guard), AXM_N_ONCE, AXM_CALLER);
}

/* ---- destructors ---- */

/* A test does not exit, and what it would do then would come once per execution. */
int __real___cxa_atexit(void (*destroy)(void *), void *object, void *library);
STANDIN(int, __cxa_atexit, (void (*destroy)(void *), void *object, void *library))
{
    return axm.cur == NULL ? __real___cxa_atexit(destroy, object, library) : 0;
}

/* Those of thread_local objects, counted in the program's globals: each execution begins without any. */
enum { OBJECTS = 64 };
static AXM_STATE struct {
    void (*destroy)(void *);
    void *object;
} objects[AXM_THREADS][OBJECTS];
static unsigned object_count[AXM_THREADS];

STANDIN(int, __cxa_thread_atexit, (void (*destroy)(void *), void *object, void *library))
{
    (void)library;
    if (axm.cur == NULL)
        return 0;
    unsigned *n = &object_count[axm.cur->tid];
    if (*n == OBJECTS)
        axm_violation(AXM_LIMIT, AXM_CALLER, "more than %d thread_local objects with destructors in a thread", OBJECTS);
    axm_side_effect();
    objects[axm.cur->tid][*n].destroy = destroy;
    objects[axm.cur->tid][*n].object = object;
    ++*n;
    return 0;
}

void axm_destroy_locals(void)
{
    unsigned t = axm.cur->tid;
    while (object_count[t] != 0) {
        object_count[t]--;
        objects[t][object_count[t]].destroy(objects[t][object_count[t]].object);
    }
}

/* ---- std::promise, std::future ---- */

/* bool std::__atomic_futex_unsigned_base::_M_futex_wait_until(unsigned *, unsigned, bool, seconds, nanoseconds), and
 * the same by the steady clock; false when the time is over. */
STANDIN(bool,
        _ZNSt28__atomic_futex_unsigned_base19_M_futex_wait_untilEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_IlS3_ILl1ELl1000000000EEEE,
        (void *self, uint32_t *word, uint32_t value, bool timed, long seconds, long nanoseconds))
{
    (void)self;
    (void)seconds;
    (void)nanoseconds;
    return axm_futex_wait(word, value, timed, AXM_CALLER) == 0 || errno != ETIMEDOUT;
}

STANDIN(bool,
        _ZNSt28__atomic_futex_unsigned_base26_M_futex_wait_until_steadyEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_IlS3_ILl1ELl1000000000EEEE,
        (void *self, uint32_t *word, uint32_t value, bool timed, long seconds, long nanoseconds))
{
    (void)self;
    (void)seconds;
    (void)nanoseconds;
    return axm_futex_wait(word, value, timed, AXM_CALLER) == 0 || errno != ETIMEDOUT;
}

STANDIN(void, _ZNSt28__atomic_futex_unsigned_base19_M_futex_notify_allEPj, (uint32_t *word))
{
    axm_futex_wake(word, INT32_MAX, AXM_CALLER);
}

/* ---- std::atomic_load(std::shared_ptr *) and the like ----
 *
 * libstdc++ takes one or two locks out of a few, by the hash of an address: here there is one for all. */

static char pool;

STANDIN(void, _ZNSt10_Sp_lockerC1EPKv, (void *self, const void *p))
{
    (void)self;
    (void)p;
    axm_lock_word(beside(&pool), AXM_N_LOCK, AXM_CALLER);
}
STANDIN(void, _ZNSt10_Sp_lockerC1EPKvS1_, (void *self, const void *p, const void *q))
{
    (void)self;
    (void)p;
    (void)q;
    axm_lock_word(beside(&pool), AXM_N_LOCK, AXM_CALLER);
}
STANDIN(void, _ZNSt10_Sp_lockerD1Ev, (void *self))
{
    (void)self;
    axm_unlock_word(beside(&pool), AXM_N_UNLOCK, AXM_CALLER);
}

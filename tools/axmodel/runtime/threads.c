/* SPDX-License-Identifier: MIT */
/* Stand-ins for creating and joining threads, in POSIX and C11 form, and for thread-specific data. */
#include "axm.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <threads.h>

/* A pthread_t of the model is the fiber's number plus one. */
static struct axm_fiber *fiber_of(pthread_t t, const char *what, uintptr_t pc)
{
    if (t == 0 || t > axm.tids || axm.fiber[t - 1]->state == AXM_UNBORN)
        axm_violation(AXM_MISUSE, pc, "%s: no such thread", what);
    return axm.fiber[t - 1];
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*entry)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*entry)(void *), void *arg)
{
    int detach = PTHREAD_CREATE_JOINABLE;
    if (attr != NULL)
        pthread_attr_getdetachstate(attr, &detach);
    struct axm_fiber *f = axm_spawn(entry, arg, AXM_CALLER);
    f->detached = detach == PTHREAD_CREATE_DETACHED;
    *t = (pthread_t)f->tid + 1;
    return 0;
}

static void *join(pthread_t t, uintptr_t pc)
{
    struct axm_fiber *f = fiber_of(t, "pthread_join", pc);
    if (f == axm.cur)
        axm_violation(AXM_MISUSE, pc, "a thread joins itself");
    if (f->detached || f->joined)
        axm_violation(AXM_MISUSE, pc, "pthread_join of a thread that is detached or already joined");
    axm_join_thread(f, pc);
    return f->ret;
}

int __wrap_pthread_join(pthread_t t, void **ret);
int __wrap_pthread_join(pthread_t t, void **ret)
{
    void *value = join(t, AXM_CALLER);
    if (ret != NULL)
        *ret = value;
    return 0;
}

int __wrap_pthread_detach(pthread_t t);
int __wrap_pthread_detach(pthread_t t)
{
    fiber_of(t, "pthread_detach", AXM_CALLER)->detached = true;
    return 0;
}

/* ---- pthread_cleanup_push and pthread_exit, as C compiles them without -fexceptions ----
 *
 * The macro makes a jump buffer, registers it, and calls the handler when it is jumped to; then it asks
 * for the next one. Buffers are chained through the padding that is there for the implementation. */

static void next_cleanup(struct axm_fiber *f)
{
    __pthread_unwind_buf_t *b = f->cleanup;
    if (b == NULL)
        axm_exit_thread(f->ret);
    f->cleanup = b->__pad[0];
    /* The buffer ends before the signal mask of a jmp_buf, which it says it did not save. */
    struct __jmp_buf_tag *volatile at = (struct __jmp_buf_tag *)(void *)b->__cancel_jmp_buf;
    longjmp(at, 1);
}

void __wrap___pthread_register_cancel(__pthread_unwind_buf_t *b);
void __wrap___pthread_register_cancel(__pthread_unwind_buf_t *b)
{
    b->__pad[0] = axm.cur->cleanup;
    axm.cur->cleanup = b;
}

void __wrap___pthread_unregister_cancel(__pthread_unwind_buf_t *b);
void __wrap___pthread_unregister_cancel(__pthread_unwind_buf_t *b) { axm.cur->cleanup = b->__pad[0]; }

void __wrap___pthread_unwind_next(__pthread_unwind_buf_t *b) __attribute__((noreturn));
void __wrap___pthread_unwind_next(__pthread_unwind_buf_t *b)
{
    (void)b;
    next_cleanup(axm.cur);
    __builtin_unreachable();
}

void __wrap_pthread_exit(void *ret) __attribute__((noreturn));
void __wrap_pthread_exit(void *ret)
{
    axm.cur->ret = ret;
    next_cleanup(axm.cur);
    __builtin_unreachable();
}

/* Nobody cancels. */
int __wrap_pthread_setcancelstate(int state, int *old);
int __wrap_pthread_setcancelstate(int state, int *old)
{
    if (old != NULL)
        *old = PTHREAD_CANCEL_ENABLE;
    return state == PTHREAD_CANCEL_ENABLE || state == PTHREAD_CANCEL_DISABLE ? 0 : EINVAL;
}

pthread_t __real_pthread_self(void);
pthread_t __wrap_pthread_self(void);
pthread_t __wrap_pthread_self(void) { return axm.cur == NULL ? __real_pthread_self() : (pthread_t)axm.cur->tid + 1; }

int __wrap_thrd_create(thrd_t *t, thrd_start_t entry, void *arg);
int __wrap_thrd_create(thrd_t *t, thrd_start_t entry, void *arg)
{
    /* The result is an int: it travels through the pointer the fiber keeps. */
    struct axm_fiber *f = axm_spawn((void *(*)(void *))(uintptr_t)entry, arg, AXM_CALLER);
    *t = (thrd_t)f->tid + 1;
    return thrd_success;
}

int __wrap_thrd_join(thrd_t t, int *ret);
int __wrap_thrd_join(thrd_t t, int *ret)
{
    void *value = join((pthread_t)t, AXM_CALLER);
    if (ret != NULL)
        *ret = (int)(intptr_t)value;
    return thrd_success;
}

int __wrap_thrd_detach(thrd_t t);
int __wrap_thrd_detach(thrd_t t)
{
    fiber_of((pthread_t)t, "thrd_detach", AXM_CALLER)->detached = true;
    return thrd_success;
}

void __wrap_thrd_exit(int ret) __attribute__((noreturn));
void __wrap_thrd_exit(int ret) { axm_exit_thread((void *)(intptr_t)ret); }

thrd_t __wrap_thrd_current(void);
thrd_t __wrap_thrd_current(void) { return (thrd_t)__wrap_pthread_self(); }

void __wrap_thrd_yield(void);
void __wrap_thrd_yield(void) {}

/* Giving way means nothing here: every schedule is looked at. */
int __wrap_sched_yield(void);
int __wrap_sched_yield(void) { return 0; }

/* ---- thread-specific data ---- */

enum { KEYS = 128, DESTRUCTOR_ROUNDS = 4 };

/* Keys live in the program's own globals on purpose: each execution begins without any. */
static struct {
    bool used;
    void (*destructor)(void *);
} keys[KEYS];

int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_delete(pthread_key_t key);
void *__wrap_pthread_getspecific(pthread_key_t key);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    for (unsigned k = 0; k < KEYS; k++) {
        if (keys[k].used)
            continue;
        keys[k].used = true;
        keys[k].destructor = destructor;
        *key = k;
        return 0;
    }
    return EAGAIN;
}

int __wrap_pthread_key_delete(pthread_key_t key)
{
    if (key >= KEYS || !keys[key].used)
        return EINVAL;
    keys[key].used = false;
    for (unsigned t = 0; t < AXM_THREADS; t++)
        axm.fiber[t]->keys[key] = NULL;
    return 0;
}

void *__wrap_pthread_getspecific(pthread_key_t key)
{
    return axm.cur == NULL || key >= KEYS ? NULL : axm.cur->keys[key];
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
    if (key >= KEYS || !keys[key].used)
        return EINVAL;
    axm_side_effect();
    axm.cur->keys[key] = (void *)(uintptr_t)value;
    axm.cur->has_keys = true;
    return 0;
}

void axm_run_key_destructors(void)
{
    struct axm_fiber *self = axm.cur;
    for (unsigned round = 0; self->has_keys && round < DESTRUCTOR_ROUNDS; round++) {
        bool again = false;
        for (unsigned k = 0; k < KEYS; k++) {
            void *value = self->keys[k];
            if (value == NULL || !keys[k].used || keys[k].destructor == NULL)
                continue;
            self->keys[k] = NULL;
            keys[k].destructor(value);
            again = true;
        }
        if (!again)
            return;
    }
}

int __wrap_tss_create(tss_t *key, tss_dtor_t destructor);
int __wrap_tss_create(tss_t *key, tss_dtor_t destructor)
{
    return __wrap_pthread_key_create(key, destructor) == 0 ? thrd_success : thrd_error;
}

void __wrap_tss_delete(tss_t key);
void __wrap_tss_delete(tss_t key) { __wrap_pthread_key_delete(key); }

void *__wrap_tss_get(tss_t key);
void *__wrap_tss_get(tss_t key) { return __wrap_pthread_getspecific(key); }

int __wrap_tss_set(tss_t key, void *value);
int __wrap_tss_set(tss_t key, void *value)
{
    return __wrap_pthread_setspecific(key, value) == 0 ? thrd_success : thrd_error;
}

/* SPDX-License-Identifier: MIT */
/* Stand-ins for what C++ calls inside libstdc++, where --wrap does not reach the pthread calls:
 * std::thread and std::condition_variable. (std::mutex, std::shared_mutex and std::call_once are inline.)
 * The names are those of the Itanium C++ ABI. */
#include "standin.h"

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

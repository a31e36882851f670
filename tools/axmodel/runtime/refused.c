/* SPDX-License-Identifier: MIT */
/* Calls that the model has nothing for. Those that would change nothing that it shows do nothing; the others are refused
 * by name, where libc would take one of our thread numbers for the address of a thread of its own. */
#include "standin.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/types.h>

#define REFUSED(name, why)                                                                            \
    STANDIN(void, name, (void))                                                                       \
    {                                                                                                 \
        axm_violation(AXM_UNSUPPORTED, AXM_CALLER, #name ": " why ", which is not modelled");         \
    }

REFUSED(pthread_cancel, "cancellation")
REFUSED(pthread_kill, "a signal")
REFUSED(pthread_sigqueue, "a signal")
REFUSED(pthread_tryjoin_np, "a join that gives up")
REFUSED(pthread_timedjoin_np, "a join that gives up")
REFUSED(pthread_clockjoin_np, "a join that gives up")
REFUSED(pthread_getattr_np, "where a stack lies")
REFUSED(pthread_getcpuclockid, "the processor time of a thread")
REFUSED(pthread_mutex_setprioceiling, "priority")
REFUSED(sem_open, "memory of several processes")

/* Objects of odd sizes, and those of sixteen bytes where the compiler leaves them to libatomic, which takes locks that
 * nobody sees. */
#define IN_LIBATOMIC "an atomic object of another size than 1, 2, 4 or 8 bytes"
REFUSED(__atomic_load, IN_LIBATOMIC)
REFUSED(__atomic_store, IN_LIBATOMIC)
REFUSED(__atomic_exchange, IN_LIBATOMIC)
REFUSED(__atomic_compare_exchange, IN_LIBATOMIC)

/* The child would go on exploring. */
pid_t __real_fork(void);
STANDIN(pid_t, fork, (void))
{
    if (axm.cur != NULL)
        axm_violation(AXM_UNSUPPORTED, AXM_CALLER, "fork: a second process, which is not modelled");
    return __real_fork();
}
STANDIN(pid_t, vfork, (void))
{
    if (axm.cur != NULL)
        axm_violation(AXM_UNSUPPORTED, AXM_CALLER, "vfork: a second process, which is not modelled");
    return __real_fork();
}

/* Nobody cancels, and all threads run alike. */
STANDIN(void, pthread_testcancel, (void)) {}
STANDIN(int, pthread_setcanceltype, (int type, int *old))
{
    (void)type;
    if (old != NULL)
        *old = PTHREAD_CANCEL_DEFERRED;
    return 0;
}
STANDIN(int, pthread_setname_np, (pthread_t t, const char *name))
{
    (void)t;
    (void)name;
    return 0;
}
STANDIN(int, pthread_getname_np, (pthread_t t, char *name, size_t size))
{
    (void)t;
    if (size != 0)
        name[0] = '\0';
    return 0;
}
STANDIN(int, pthread_setaffinity_np, (pthread_t t, size_t size, const cpu_set_t *set))
{
    (void)t;
    (void)size;
    (void)set;
    return 0;
}
STANDIN(int, pthread_getaffinity_np, (pthread_t t, size_t size, cpu_set_t *set))
{
    (void)t;
    memset(set, 0xff, size);
    return 0;
}
STANDIN(int, pthread_setschedparam, (pthread_t t, int policy, const struct sched_param *p))
{
    (void)t;
    (void)policy;
    (void)p;
    return 0;
}
STANDIN(int, pthread_getschedparam, (pthread_t t, int *policy, struct sched_param *p))
{
    (void)t;
    *policy = SCHED_OTHER;
    p->sched_priority = 0;
    return 0;
}
STANDIN(int, pthread_setschedprio, (pthread_t t, int priority))
{
    (void)t;
    (void)priority;
    return 0;
}

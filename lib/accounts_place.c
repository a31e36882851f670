/* SPDX-License-Identifier: MIT */
/*
 * accounts_place.c: which place a call uses. A place is taken by a compare-and-swap for the time of one call and
 * carries its owner's thread id, so that when places run short those of the dead are found by asking the kernel.
 * A thread that is merely suspended keeps its place: only the owner writes it, and nobody could stop it.
 */
#include "accounts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define OWNER_THREAD UINT64_C(0xffffffff)
#define OWNER_NEXT (UINT64_C(1) << 32)

/* The kernel's id of this thread, 0: not asked for yet; and where it found a place last. */
static __thread struct {
    uint32_t thread;
    uint32_t hint;
} self __attribute__((tls_model("initial-exec")));

static void forget_self(void)
{
    self.thread = 0;
}

static bool prepared;

static void prepare(void)
{
    prepared = pthread_atfork(NULL, NULL, forget_self) == 0;
}

bool axi_place_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, prepare);
    return prepared;
}

static bool dead(uint32_t thread)
{
    int error = errno;
    bool gone = kill((pid_t)thread, 0) != 0 && errno == ESRCH;
    errno = error;
    return gone;
}

static bool take(struct place *place, uint64_t seen)
{
    /* B6.acq: with the owner before, which has completed its change. From a dead one: it is the kernel's word. */
    return axi_cas_acquire_relaxed(&place->owner, &seen, ((seen & ~OWNER_THREAD) + OWNER_NEXT) | self.thread, B6_acq);
}

struct place *axi_place_take(ax_accounts *t)
{
    if (__builtin_expect(self.thread == 0, 0)) {
        self.thread = (uint32_t)gettid();
        self.hint = self.thread * UINT32_C(2654435769) >> 16; /* apart from other threads', by Fibonacci hashing */
    }
    struct place *places = accounts_places(t);
    uint32_t start = self.hint < t->calls ? self.hint : self.hint % t->calls;
    uint32_t index = start;
    do {
        uint64_t owner = axi_load_relaxed(&places[index].owner); /* relaxed: a guess, the swap decides */
        if ((owner & OWNER_THREAD) == 0 && take(&places[index], owner)) {
            self.hint = index;
            return &places[index];
        }
        index = index + 1 < t->calls ? index + 1 : 0;
    } while (index != start);
    do {
        uint64_t owner = axi_load_relaxed(&places[index].owner); /* relaxed: as above */
        uint32_t thread = (uint32_t)(owner & OWNER_THREAD);
        if ((thread == 0 || dead(thread)) && take(&places[index], owner)) {
            if (thread != 0)
                axi_step_recover(t, &places[index]);
            return &places[index];
        }
        index = index + 1 < t->calls ? index + 1 : 0;
    } while (index != start);
    return NULL;
}

void axi_place_leave(struct place *place)
{
    uint64_t owner = axi_load_relaxed(&place->owner);                 /* relaxed: ours */
    axi_store_release(&place->owner, owner & ~OWNER_THREAD, B6_rel); /* B6.rel */
}

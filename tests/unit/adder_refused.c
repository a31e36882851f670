/* SPDX-License-Identifier: MIT */
/*
 * adder_refused.c [MODE]: what the system may refuse an adder, it refuses here: memory (every n-th
 * allocation fails, for each n), keys, thread-specific values, fork handlers. No call fails, none is
 * lost. Linked with --wrap, so that only the library's own calls are met.
 */
#include <atomicx/adder.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "../threads.h"

void *__real_mmap(void *, size_t, int, int, int, off_t);
void *__real_aligned_alloc(size_t, size_t);
int __real_pthread_key_create(pthread_key_t *, void (*)(void *));
int __real_pthread_setspecific(pthread_key_t, const void *);
int __real_pthread_atfork(void (*)(void), void (*)(void), void (*)(void));

void *__wrap_mmap(void *, size_t, int, int, int, off_t);
void *__wrap_aligned_alloc(size_t, size_t);
int __wrap_pthread_key_create(pthread_key_t *, void (*)(void *));
int __wrap_pthread_setspecific(pthread_key_t, const void *);
int __wrap_pthread_atfork(void (*)(void), void (*)(void), void (*)(void));

static const char *mode = "";
static long every;            /* each so many-th allocation fails; 0: none */
static atomic_long asked, refused;

static bool refuse_memory(void)
{
    if (every == 0 || atomic_fetch_add(&asked, 1) % every != 0)
        return false;
    atomic_fetch_add(&refused, 1);
    return true;
}

static bool refuse(const char *what)
{
    if (strcmp(mode, what) != 0)
        return false;
    atomic_fetch_add(&refused, 1);
    return true;
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    return refuse_memory() ? MAP_FAILED : __real_mmap(address, size, protection, flags, file, offset);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refuse_memory() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    return refuse("key") ? EAGAIN : __real_pthread_key_create(key, destructor);
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
    return refuse("specific") ? ENOMEM : __real_pthread_setspecific(key, value);
}

int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    return refuse("atfork") ? ENOMEM : __real_pthread_atfork(prepare, parent, child);
}

enum { ADDERS = 600, THREADS = 100 };
static ax_adder adders[ADDERS];
static pthread_barrier_t all_seated;

static void add_to_all(int index, void *arg)
{
    (void)arg;
    ax_adder_add(&adders[0], index);
    pthread_barrier_wait(&all_seated); /* all alive at once: more seats than the first chunk has */
    for (int i = 1; i < ADDERS; i++)
        ax_adder_add(&adders[i], index);
}

static void no_addition_is_lost(void)
{
    pthread_barrier_init(&all_seated, NULL, THREADS);
    run_threads(THREADS, add_to_all, NULL);
    for (int i = 0; i < ADDERS; i++) {
        CHECK_EQ(ax_adder_sum(&adders[i]), THREADS * (THREADS - 1) / 2);
        CHECK_EQ(ax_adder_drain(&adders[i]), THREADS * (THREADS - 1) / 2);
        CHECK_EQ(ax_adder_sum(&adders[i]), 0);
        ax_adder_fini(&adders[i]);
    }
    pthread_barrier_destroy(&all_seated);
}

/* A thread without a table asks again, but not with each addition. */
static void a_refused_thread_asks_again(void)
{
    ax_adder adder = AX_ADDER_INIT;
    every = 1;
    ax_adder_add(&adder, 1);
    ax_adder_add(&adder, 1);
    CHECK_EQ(atomic_load(&refused), 1);
    every = 0;
    for (int i = 2; i < 5000; i++)
        ax_adder_add(&adder, 1);
    CHECK(adder.shared_ > 2 && adder.shared_ < 5000);
    CHECK_EQ(ax_adder_sum(&adder), 5000);
    ax_adder_fini(&adder);
}

/* No address space is left for tables when the threads, which are there already, begin to add. */
static pthread_barrier_t limit_changes;

static void add_without_address_space(int index, void *arg)
{
    static struct rlimit before;
    if (index == 0) {
        CHECK_FATAL(getrlimit(RLIMIT_AS, &before) == 0);
        struct rlimit none = { .rlim_cur = 1, .rlim_max = before.rlim_max };
        CHECK_FATAL(setrlimit(RLIMIT_AS, &none) == 0);
    }
    pthread_barrier_wait(&limit_changes);
    for (int i = 0; i < 3000; i++)
        ax_adder_add(arg, 1);
    pthread_barrier_wait(&limit_changes);
    if (index == 0)
        CHECK_FATAL(setrlimit(RLIMIT_AS, &before) == 0);
}

static void additions_without_address_space_are_counted(void)
{
    enum { AT_ONCE = 8 };
    ax_adder adder = AX_ADDER_INIT;
    pthread_barrier_init(&limit_changes, NULL, AT_ONCE);
    run_threads(AT_ONCE, add_without_address_space, &adder);
    CHECK_EQ(adder.shared_, AT_ONCE * 3000);
    CHECK_EQ(ax_adder_sum(&adder), AT_ONCE * 3000);
    pthread_barrier_destroy(&limit_changes);
    ax_adder_fini(&adder);
}

int main(int argc, char **argv)
{
    mode = argc > 1 ? argv[1] : "memory";
    if (strcmp(mode, "limit") == 0) {
        RUN(additions_without_address_space_are_counted);
        return check_summary();
    }
    if (strcmp(mode, "memory") == 0) {
        RUN(a_refused_thread_asks_again);
        for (every = 1; every < 40; every += 1 + every / 4)
            RUN(no_addition_is_lost);
        every = 0;
        RUN(no_addition_is_lost);
    } else {
        RUN(no_addition_is_lost);
    }
    CHECK(atomic_load(&refused) > 0);
    return check_summary();
}

/* SPDX-License-Identifier: MIT */
/* What a C program uses of libc and of the language, in threads. */
#define _GNU_SOURCE
#include "atomicx/model.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int x;

static void two(void *(*entry)(void *))
{
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, entry, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

/* ---- memory ---- */

static void *allocates(void *unused)
{
    free(malloc(0));
    free(NULL);
    char *p = calloc(3, 5);
    for (int i = 0; i < 15; i++)
        assert(p[i] == 0);
    p[14] = 9;
    p = realloc(p, 1000);
    assert(p[14] == 9);
    assert(realloc(p, 0) == NULL); /* which frees p */
    p = reallocarray(NULL, 4, 4);
    assert(malloc_usable_size(p) >= 16);
    p = reallocarray(p, 40, 4);
    free(p);
    volatile size_t much = SIZE_MAX;
    void *volatile none; /* or a compiler may take it that there is as much */
    none = calloc(much, 2);
    assert(none == NULL);
    none = reallocarray(NULL, much, 2);
    assert(none == NULL);
    none = malloc(much / 2);
    assert(none == NULL);
    p = aligned_alloc(64, 128);
    assert((uintptr_t)p % 64 == 0);
    free(p);
    p = memalign(256, 3);
    assert((uintptr_t)p % 256 == 0);
    free(p);
    void *page;
    assert(posix_memalign(&page, 4096, 100) == 0 && (uintptr_t)page % 4096 == 0);
    free(page);
    p = strdup("hello");
    char *q = strndup(p, 2);
    assert(strcmp(p, "hello") == 0 && strcmp(q, "he") == 0);
    free(p);
    free(q);
    assert(asprintf(&p, "%d", atomic_fetch_add(&x, 1)) == 1);
    free(p);
    return unused;
}

AX_MODEL_TEST(memory_of_all_kinds) { two(allocates); }

static void *loses(void *unused)
{
    char *volatile lost = strdup("lost");
    assert(lost != NULL);
    return unused;
}

AX_MODEL_BROKEN(copy_that_is_lost, "leak") { two(loses); }

/* ---- the stack ---- */

static jmp_buf back;

static void deep(int n)
{
    char a[100];
    memset(a, n, sizeof a);
    if (n == 0)
        longjmp(back, 3);
    deep(n - 1);
    assert(a[5] == n);
}

static void *adds(void *unused)
{
    atomic_fetch_add(&x, 1);
    return unused;
}

AX_MODEL_TEST(jump_out_of_calls)
{
    pthread_t t;
    pthread_create(&t, NULL, adds, NULL);
    if (setjmp(back) == 0)
        deep(20);
    atomic_fetch_add(&x, 1);
    pthread_join(t, NULL);
    assert(atomic_load(&x) == 2);
}

static void *large_frame(void *unused)
{
    char a[100000];
    memset(a, 1, sizeof a);
    atomic_fetch_add(&x, a[999]);
    return unused;
}

AX_MODEL_TEST(frame_of_100_kilobytes)
{
    two(large_frame);
    assert(atomic_load(&x) == 2);
}

static int endless(int n)
{
    volatile char a[200];
    a[n % 200] = 1;
    return n < 0 ? 0 : endless(n + 1) + a[4];
}

static void *recurses(void *unused)
{
    atomic_fetch_add(&x, endless(1));
    return unused;
}

AX_MODEL_BROKEN(recursion_without_end, "crash") { two(recurses); }

/* ---- the rest ---- */

static volatile sig_atomic_t got;
static void on_signal(int sig) { got = sig; }

AX_MODEL_TEST(signal_to_itself)
{
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    assert(got == SIGUSR1);
}

AX_MODEL_BROKEN(signal_to_the_process, "unsupported")
{
    signal(SIGUSR1, on_signal);
    kill(getpid(), SIGUSR1);
}

AX_MODEL_BROKEN(second_process, "unsupported")
{
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    int status;
    waitpid(child, &status, 0);
}

static void *prints(void *unused)
{
    char line[20];
    snprintf(line, sizeof line, "%d\n", atomic_fetch_add(&x, 1));
    fputs(line, stderr);
    return unused;
}

AX_MODEL_TEST(threads_that_print) { two(prints); }

static void at_exit(void) { abort(); }

AX_MODEL_TEST(function_for_the_exit) { atexit(at_exit); }

/* glibc finds that and aborts. */
AX_MODEL_BROKEN(free_of_what_libc_gave, "exit")
{
    FILE *f = fopen("/dev/null", "r");
    free((char *)f + 16);
}

/* ---- atomics of sizes that need more than an instruction ---- */

struct pair {
    uint64_t a, b;
};
static _Atomic struct pair wide;

AX_MODEL_BROKEN(sixteen_bytes, "unsupported")
{
    struct pair p = {1, 2};
    atomic_store(&wide, p);
}

#ifndef __clang__ /* which makes them four */
struct odd {
    char c[3];
};
static _Atomic struct odd odd;

AX_MODEL_BROKEN(three_bytes, "unsupported")
{
    struct odd o = {{1, 2, 3}};
    atomic_store(&odd, o);
}
#endif

struct small {
    int a, b;
};
static _Atomic struct small small;

static void *changes_both(void *unused)
{
    struct small old = atomic_load(&small), new;
    do {
        new = old;
        new.a++;
        new.b--;
    } while (!atomic_compare_exchange_weak(&small, &old, new));
    return unused;
}

AX_MODEL_TEST(structure_of_eight_bytes)
{
    two(changes_both);
    struct small s = atomic_load(&small);
    assert(s.a == 2 && s.b == -2);
}

/* SPDX-License-Identifier: MIT */
/* Zoo: memory and the rules of the language. */
#include "../threads.h"

#include <string.h>

static atomic_int flag;
static void *volatile kept; /* so that compilers do not make away with malloc and free */

AX_MODEL_BROKEN(broken_leak, "leak")
{
    kept = malloc(16);
    kept = NULL;
}
AX_MODEL_TEST(repaired_kept_in_a_global) { kept = malloc(16); }
AX_MODEL_TEST(repaired_no_leak)
{
    kept = malloc(16);
    free(kept);
}

AX_MODEL_BROKEN(broken_double_free, "double free")
{
    kept = malloc(16);
    free(kept);
    free(kept);
}
AX_MODEL_BROKEN(broken_free_of_the_middle, "bad free")
{
    kept = malloc(64);
    free((char *)kept + 8);
}
AX_MODEL_BROKEN(broken_use_after_free_by_the_same_thread, "use after free")
{
    volatile int *p = malloc(sizeof *p);
    *p = 1;
    free((void *)p);
    (void)*p;
}

static int *_Atomic published;
THREAD(frees_it)
{
    int *p = load(&published, acquire);
    free(p);
    return NULL;
}
THREAD(reads_it)
{
    int *p = load(&published, acquire);
    assert(*p == 3);
    return NULL;
}
AX_MODEL_BROKEN(broken_free_while_read, "use after free")
{
    int *p = malloc(sizeof *p);
    *p = 3;
    store(&published, p, release);
    run2(frees_it, reads_it);
}
THREAD(reads_then_says_so)
{
    int *p = load(&published, acquire);
    assert(*p == 3);
    store(&flag, 1, release);
    return NULL;
}
THREAD(waits_then_frees)
{
    while (!load(&flag, acquire))
        ;
    free(load(&published, relaxed));
    return NULL;
}
AX_MODEL_TEST(repaired_free_after_read)
{
    int *p = malloc(sizeof *p);
    *p = 3;
    store(&published, p, release);
    run2(reads_then_says_so, waits_then_frees);
}

/* Half of an atomic object, atomically: not a thing in C11. */
static union {
    _Atomic uint64_t whole;
    _Atomic uint32_t half[2];
} overlay;
THREAD(writes_whole) { store(&overlay.whole, 1, relaxed); return NULL; }
THREAD(reads_half) { (void)load(&overlay.half[0], relaxed); return NULL; }
AX_MODEL_BROKEN(broken_mixed_sizes, "mixed sizes") { run2(writes_whole, reads_half); }

/* An atomic object copied as bytes while others use it. */
static struct pair {
    atomic_int a, b;
} live, copy;
THREAD(changes_pair) { store(&live.a, 1, relaxed); return NULL; }
THREAD(copies_pair) { memcpy(&copy, &live, sizeof copy); kept = &copy; return NULL; }
AX_MODEL_BROKEN(broken_atomics_copied_as_bytes, "data race") { run2(changes_pair, copies_pair); }

THREAD(reinitialises) { atomic_init(&live.a, 0); memset(&live, 0, sizeof live); return NULL; }
AX_MODEL_BROKEN(broken_atomics_reset_in_use, "data race") { run2(changes_pair, reinitialises); }

/* Thread-local means one per thread, also when another thread is told the address. */
static _Thread_local int own = 5;
static int *_Atomic of_first;
THREAD(has_own)
{
    assert(own == 5);
    own += (int)(size_t)self;
    assert(own == 5 + (int)(size_t)self);
    return NULL;
}
AX_MODEL_TEST(repaired_thread_locals_are_separate) { run3(has_own, has_own, has_own); }
THREAD(shows_own)
{
    store(&of_first, &own, release);
    own++;
    return NULL;
}
THREAD(looks_at_first)
{
    int *p = load(&of_first, acquire);
    if (p != NULL)
        assert(*p >= 5 && p != &own);
    return NULL;
}
AX_MODEL_BROKEN(broken_thread_local_shared, "data race") { run2(shows_own, looks_at_first); }

/* An int array written by two threads, each its own element, is no race: bytes count, not words. */
static char bytes[2];
THREAD(writes_its_byte) { bytes[(size_t)self - 1] = 1; return NULL; }
THREAD(writes_first_byte) { bytes[0] = 2; return NULL; }
AX_MODEL_TEST(repaired_neighbouring_bytes) { run2(writes_its_byte, writes_its_byte); }
AX_MODEL_BROKEN(broken_same_byte, "data race") { run2(writes_first_byte, writes_first_byte); }
/* Three races at once, of which an order of plain accesses finds one; each replays from its own token (tokens.py). */
static __attribute__((noinline)) void writes_it(void) { bytes[0] = 3; }
THREAD(reads_first_byte) { return (void *)(size_t)bytes[0]; }
THREAD(has_it_written) { writes_it(); return NULL; }
AX_MODEL_BROKEN(broken_same_byte_of_three, "data race") { run3(reads_first_byte, writes_first_byte, has_it_written); }

static int *volatile nowhere;
AX_MODEL_BROKEN(broken_null_pointer, "crash") { *nowhere = 1; }
THREAD(calls_exit) { exit(0); }
AX_MODEL_BROKEN(broken_exit_in_a_thread, "exit") { run2(calls_exit, changes_pair); }
AX_MODEL_BROKEN(broken_not_joined_result_read, "data race")
{
    pthread_t t;
    pthread_create(&t, NULL, writes_first_byte, NULL);
    pthread_detach(t);
    assert(bytes[0] != 1);
}
AX_MODEL_TEST(repaired_joined_result_read)
{
    pthread_t t;
    pthread_create(&t, NULL, writes_first_byte, NULL);
    pthread_join(t, NULL);
    assert(bytes[0] == 2);
}
static int on_key_exit;
static void at_thread_exit(void *value) { on_key_exit += *(int *)value; free(value); }
static pthread_key_t key;
THREAD(uses_key)
{
    int *p = malloc(sizeof *p);
    *p = 7;
    pthread_setspecific(key, p);
    assert(pthread_getspecific(key) == p);
    return NULL;
}
AX_MODEL_TEST(repaired_key_destructor_runs_before_join)
{
    pthread_key_create(&key, at_thread_exit);
    pthread_t t;
    pthread_create(&t, NULL, uses_key, NULL);
    pthread_join(t, NULL);
    assert(on_key_exit == 7);
    pthread_key_delete(key);
}

/* Large blocks are zeroed and freed as one; each of their words is as much in danger as a small one. */
enum { TABLE = 100, UNTOUCHED = 77 };
static _Atomic(long *) table;
#define MAKES_TABLE(name, order)                     \
    THREAD(name)                                     \
    {                                                \
        long *made = calloc(TABLE, sizeof *made);    \
        store(&table, made, order);                  \
        return NULL;                                 \
    }
MAKES_TABLE(makes_table_relaxed, relaxed)
MAKES_TABLE(makes_table, release)
THREAD(looks_into_table)
{
    long *t = load(&table, acquire);
    if (t != NULL)
        assert(t[UNTOUCHED] == 0);
    return NULL;
}
AX_MODEL_BROKEN(broken_table_published_relaxed, "data race")
{
    run2(makes_table_relaxed, looks_into_table);
    free(load(&table, relaxed));
}
AX_MODEL_TEST(repaired_table_published)
{
    run2(makes_table, looks_into_table);
    free(load(&table, relaxed));
}
THREAD(frees_table)
{
    long *t = exchange(&table, NULL, acquire);
    free(t);
    return NULL;
}
AX_MODEL_BROKEN(broken_look_into_a_freed_table, "use after free")
{
    makes_table(NULL);
    run2(looks_into_table, frees_table);
}
/* The block's next life begins anew. */
AX_MODEL_TEST(a_table_after_another_one)
{
    ax_model_reuse_memory();
    for (int i = 0; i < 2; i++) {
        makes_table(NULL);
        looks_into_table(NULL);
        frees_table(NULL);
    }
}

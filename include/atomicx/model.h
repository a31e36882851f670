/* SPDX-License-Identifier: MIT */
/**
 * model.h: tests that axmodel explores.
 *
 *     static atomic_int x, y;
 *     static void *left(void *r) { atomic_store(&x, 1); *(int *)r = atomic_load(&y); return NULL; }
 *     static void *right(void *r) { atomic_store(&y, 1); *(int *)r = atomic_load(&x); return NULL; }
 *
 *     AX_MODEL_TEST(one_of_two_stores_is_seen)
 *     {
 *         pthread_t t[2];
 *         int r[2];
 *         pthread_create(&t[0], NULL, left, &r[0]);
 *         pthread_create(&t[1], NULL, right, &r[1]);
 *         pthread_join(t[0], NULL);
 *         pthread_join(t[1], NULL);
 *         assert(r[0] == 1 || r[1] == 1);
 *     }
 *
 *     $ axmodel cc -o mytest mytest.c && axmodel run ./mytest
 *
 * The body runs once per execution of the program; globals, thread-locals and the heap are put back to
 * their first state before each. A test is violated by a failed assert, a data race, a deadlock, a loop
 * that can spin for ever, a leak, a use after free, misuse of a lock, a crash or exit().
 *
 * All functions may be called from any thread of a test, and only there. None blocks or allocates.
 */
#ifndef ATOMICX_MODEL_H
#define ATOMICX_MODEL_H

#ifdef __cplusplus
extern "C" {
#endif

struct ax_model_case {
    const char *name;
    void (*body)(void);
    const char *violation; /* the kind of violation it must show, or NULL: it must hold */
    const char *file;
    int line;
    struct ax_model_case *next;
    unsigned long long executions; /* how many an exhaustive search must find; 0: any number */
};

/** Called by the macros below. */
void ax_model_register(struct ax_model_case *test);

/** Notes what this execution came to, printf-style, at most 200 characters together. Executions are
 * counted per outcome, and the table is printed with the verdict. */
void ax_model_outcome(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A number from 0 to n-1, each of which is explored. n is 1 to 1000. */
unsigned ax_model_choose(unsigned n);

/** When the condition is false the calling thread stops here for good, and the execution counts for nothing.
 * The others go on: what they write may make the condition true in another execution. */
void ax_model_assume(int condition);

/** Ends the test as violated, with this text. */
void ax_model_fail(const char *text) __attribute__((noreturn));

/** From here on the calling thread may die before each of its atomic operations and mutex calls, as by
 * SIGKILL: each death is explored. What it holds stays as it is; the robust mutexes among that tell the
 * next owner (EOWNERDEAD), and joining it gives NULL. */
void ax_model_mortal(void);

/** From here on in this execution malloc hands out memory that its thread freed last (as --reuse). */
void ax_model_reuse_memory(void);

#define AX_MODEL_CASE_(name, kind)                                                                         \
    static void name(void);                                                                                \
    static struct ax_model_case name##_case_ = {#name, name, kind, __FILE__, __LINE__, 0, 0};              \
    __attribute__((constructor)) static void name##_register_(void) { ax_model_register(&name##_case_); } \
    static void name(void)

/** A test that must hold in every execution. */
#define AX_MODEL_TEST(name) AX_MODEL_CASE_(name, 0)

/** A test that must be found wrong, and in this way: "assertion", "data race", "deadlock", "livelock",
 * "leak", "use after free", "double free", "bad free", "mixed sizes", "misuse", "crash", "exit"; or
 * "unsupported", for what the model has nothing for. */
#define AX_MODEL_BROKEN(name, kind) AX_MODEL_CASE_(name, kind)

#ifdef __cplusplus
}
#endif

#endif

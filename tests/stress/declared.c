/* SPDX-License-Identifier: MIT */
/*
 * What rounds are tested on: a word, with mistakes that show in known rounds. With REPLAY it has no model, and what one thread
 * gets from it is right.
 */
#include <atomicx/stress.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum mistake { NONE, FORGETS, CRASHES, HANGS, GUARD, TORN, NO_MEMORY, MASKS /* none, but what pauses may take it for one */, CRASHES_ONCE };

static atomic_int *crashes; /* of all processes */

struct word {
    _Atomic int64_t value;
    enum mistake mistake;
    int64_t guard;
};

static void *create(const ax_stress_run *run)
{
    enum mistake mistake = *(const enum mistake *)run->impl->extra;
    struct word *word = mistake == NO_MEMORY ? NULL : calloc(1, sizeof *word);
    if (word != NULL)
        word->mistake = mistake;
    return word;
}

static int64_t put(void *object, const int64_t *arguments)
{
    struct word *word = object;
    if (word->mistake == GUARD && arguments[0] == 2)
        word->guard = 1;
    if (word->mistake != FORGETS || arguments[0] != 2)
        atomic_store(&word->value, arguments[0]);
    return 0;
}

static void block_signals(ax_stress_worker *self)
{
    sigset_t all;
    (void)self;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static int64_t look(void *object, const int64_t *arguments)
{
    struct word *word = object;
    (void)arguments;
    sigset_t all, before;
    sigfillset(&all);
    if (word->mistake == MASKS)
        (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int64_t value = atomic_load(&word->value);
    if (word->mistake == MASKS)
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (word->mistake == CRASHES && value == 2)
        raise(SIGSEGV);
    if (word->mistake == CRASHES_ONCE && atomic_fetch_add(crashes, 1) == 0)
        raise(SIGSEGV);
    while (word->mistake == HANGS && value == 2)
        pause();
    return value;
}

static int64_t next(void *object, const int64_t *arguments)
{
    struct word *word = object;
    (void)arguments;
    if (word->mistake != TORN)
        return atomic_fetch_add(&word->value, 1) + 1;
    int64_t value = atomic_load(&word->value) + 1;
    atomic_store(&word->value, value);
    return value;
}

static const char *invariant(void *object)
{
    return ((struct word *)object)->guard != 0 ? "the guard was trodden on" : NULL;
}

#ifndef REPLAY

static int64_t model_put(void *state, const int64_t *arguments)
{
    *(int64_t *)state = arguments[0];
    return 0;
}

static int64_t model_look(void *state, const int64_t *arguments)
{
    (void)arguments;
    return *(int64_t *)state;
}

static int64_t model_next(void *state, const int64_t *arguments)
{
    (void)arguments;
    return ++*(int64_t *)state;
}

#define MODEL(name) .model = model_##name
#define STATE_SIZE sizeof(int64_t)
#else
#define MODEL(name) .model = NULL
#define STATE_SIZE 0
#endif

#define WORD(NAME, MISTAKE, BROKEN)                                                              \
    { .name = NAME, .about = NAME, .broken = BROKEN, .extra = &(const enum mistake){ MISTAKE }, \
      .create = create, .destroy = free, .calls = { put, look, next } }

int main(int argc, char **argv)
{
    ax_stress_impl impls[] = {
        WORD("right", NONE, false),          WORD("no-memory", NO_MEMORY, false),   WORD("broken-forgets", FORGETS, true),
        WORD("broken-crashes", CRASHES, true), WORD("broken-hangs", HANGS, true),   WORD("broken-guard", GUARD, true),
        WORD("broken-torn", TORN, true),     WORD("masks", MASKS, false),           WORD("masked", NONE, false),
        WORD("broken-once", CRASHES_ONCE, true),
    };
    crashes = mmap(NULL, sizeof *crashes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crashes == MAP_FAILED)
        return 70;
    impls[8].enter = block_signals;
    const ax_stress_operation operations[] = {
        { .name = "put", .weight = 2, .takes = { AX_STRESS_FRESH }, MODEL(put) },
        { .name = "look", .weight = 2, MODEL(look) },
        { .name = "next", .weight = 1, MODEL(next) },
    };
    const ax_stress_program program = {
        .noun = "word", .about = "What rounds are tested on.", .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .operations = operations, .operation_count = 3, .iters = 4000, .state_size = STATE_SIZE, .invariant = invariant,
    };
    return ax_stress_main(argc, argv, &program);
}

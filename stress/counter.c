/* SPDX-License-Identifier: MIT */
/* Many threads add 1 to one word. Nothing is lost, nothing counted twice, and no two are told the same value. */
#include "counter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t ours_add(struct counter_shared *shared)
{
    return ax_counter_add(&shared->counter, 1);
}

static int64_t ours_read(struct counter_shared *shared)
{
    return ax_counter_read(&shared->counter);
}

static int64_t checked_add(struct counter_shared *shared)
{
    int64_t before = 0;
    (void)ax_counter_add_checked(&shared->counter, 1, &before); /* refused only at INT64_MAX, which judge tells */
    return before;
}

#define checked_read ours_read

static int64_t cas_add(struct counter_shared *shared)
{
    int64_t before = ax_counter_read(&shared->counter);
    while (!ax_counter_compare_exchange(&shared->counter, &before, (int64_t)((uint64_t)before + 1)))
        ;
    return before;
}

#define cas_read ours_read

/* Under a lock of some sort, a plain word will do. */
static int64_t increment(struct counter_shared *shared)
{
    int64_t before = shared->word;
    shared->word = (int64_t)((uint64_t)before + 1);
    return before;
}

static int64_t mutex_add(struct counter_shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    int64_t before = increment(shared);
    pthread_mutex_unlock(&shared->mutex);
    return before;
}

static int64_t mutex_read(struct counter_shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    int64_t value = shared->word;
    pthread_mutex_unlock(&shared->mutex);
    return value;
}

static int64_t rwlock_add(struct counter_shared *shared)
{
    pthread_rwlock_wrlock(&shared->rwlock);
    int64_t before = increment(shared);
    pthread_rwlock_unlock(&shared->rwlock);
    return before;
}

static int64_t rwlock_read(struct counter_shared *shared)
{
    pthread_rwlock_rdlock(&shared->rwlock);
    int64_t value = shared->word;
    pthread_rwlock_unlock(&shared->rwlock);
    return value;
}

static void semaphore_wait(struct counter_shared *shared)
{
    while (sem_wait(&shared->semaphore) != 0)
        ; /* a signal */
}

static int64_t semaphore_add(struct counter_shared *shared)
{
    semaphore_wait(shared);
    int64_t before = increment(shared);
    sem_post(&shared->semaphore);
    return before;
}

static int64_t semaphore_read(struct counter_shared *shared)
{
    semaphore_wait(shared);
    int64_t value = shared->word;
    sem_post(&shared->semaphore);
    return value;
}

COUNTER_IMPL(ours);
COUNTER_IMPL(checked);
COUNTER_IMPL(cas);
COUNTER_IMPL(mutex);
COUNTER_IMPL(rwlock);
COUNTER_IMPL(semaphore);

static int64_t look(ax_stress_worker *self)
{
    const struct counter_kind *kind = self->run->impl->extra;
    uint64_t invoked = ax_stress_invoke(self);
    int64_t seen = kind->read(self->shared);
    AX_STRESS_ANSWER(self, invoked, COUNTER_SEEN, seen);
    return seen;
}

void counter_observe(ax_stress_worker *self)
{
    ax_stress_sample(self->tally, look(self));
}

static const char *counter_setup(ax_stress_run *run)
{
    struct counter_shared *shared = aligned_alloc(STRESS_ISOLATION, sizeof *shared);
    if (shared == NULL)
        return "no memory";
    int64_t initial = ax_stress_value(run, "initial");
    ax_counter_init(&shared->counter, initial);
    shared->word = initial;
    pthread_mutex_init(&shared->mutex, NULL);
    pthread_rwlock_init(&shared->rwlock, NULL);
    sem_init(&shared->semaphore, 0, 1);
    run->shared = shared;
    return NULL;
}

static void counter_teardown(ax_stress_run *run)
{
    struct counter_shared *shared = run->shared;
    sem_destroy(&shared->semaphore);
    pthread_rwlock_destroy(&shared->rwlock);
    pthread_mutex_destroy(&shared->mutex);
    free(shared);
}

static int64_t final_value(const ax_stress_run *run)
{
    const struct counter_kind *kind = run->impl->extra;
    return kind->read(run->shared);
}

/* 0 + 1 + ... + (n-1), and the same of squares, modulo 2^64: divided before multiplied. */
static uint64_t sum_below(uint64_t n)
{
    return n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
}

static uint64_t squares_below(uint64_t n)
{
    if (n == 0)
        return 0;
    uint64_t factor[3] = { n - 1, n, 2 * n - 1 };
    factor[n % 2 == 0 ? 1 : 0] /= 2;
    for (int i = 0; i < 3; i++)
        if (factor[i] % 3 == 0) {
            factor[i] /= 3;
            break;
        }
    return factor[0] * factor[1] * factor[2];
}

static ax_stress_verdict counter_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    __extension__ __int128 expected = ax_stress_value(run, "initial");
    uint64_t initial = (uint64_t)expected;
    uint64_t returned_sum = 0, returned_squares = 0, added = 0;
    for (uint32_t i = 0; i < run->threads; i++) {
        const struct counter_tally *tally = ax_stress_tally(run, i);
        expected += tally->added;
        added += (uint64_t)tally->added;
        returned_sum += tally->returned_sum;
        returned_squares += tally->returned_squares;
    }
    int64_t value = final_value(run);
    if (expected > INT64_MAX) {
        snprintf(sentence, size, "the additions don't fit in the word, whose value is %" PRId64, value);
        return AX_STRESS_VIOLATED;
    }
    if (value != expected) {
        __extension__ __int128 lost = expected - value;
        snprintf(sentence, size, "value %" PRId64 ", but %" PRId64 " was added up: %" PRId64 " %s", value, (int64_t)expected,
                 (int64_t)(lost > 0 ? lost : -lost), lost > 0 ? "lost" : "too many");
        return AX_STRESS_VIOLATED;
    }
    if (returned_sum != added * initial + sum_below(added) ||
        returned_squares != added * initial * initial + 2 * initial * sum_below(added) + squares_below(added)) {
        snprintf(sentence, size, "value %" PRId64 " is right, but two additions were told the same value before", value);
        return AX_STRESS_VIOLATED;
    }
    for (uint32_t i = 0; i < run->observers; i++) {
        const ax_stress_samples *samples = ax_stress_observer_tally(run, i);
        if (samples->fell) {
            snprintf(sentence, size, "a reader saw %" PRId64 " and then %" PRId64, samples->value[samples->kept - 2],
                     samples->value[samples->kept - 1]);
            return AX_STRESS_VIOLATED;
        }
    }
    snprintf(sentence, size, "value %" PRId64 ", each of %" PRIu64 " additions told another value before", value, added);
    return AX_STRESS_HOLDS;
}

static void counter_put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_integer(out, "initial", ax_stress_value(run, "initial"));
    ax_stress_put_boolean(out, "monotone", true);
}

static void counter_put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct counter_tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_integer(out, "added", tally->added);
    if (run->only != COUNTER_ADD)
        return; /* the record has these only where each operation was an addition */
    ax_stress_put_modular(out, "returned_sum", tally->returned_sum);
    ax_stress_put_modular(out, "returned_squares", tally->returned_squares);
}

static void counter_put_final(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_integer(out, "value", final_value(run));
}

static void counter_put_more(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_array(out, "samples");
    for (uint32_t i = 0; i < run->observers; i++)
        ax_stress_put_samples(out, NULL, ax_stress_observer_tally(run, i));
    ax_stress_put_end(out);
}

#define IMPL(name_, kind_, about_) \
    { .name = name_, .about = about_, .work = kind_##_work, .observe = counter_observe, .extra = &kind_##_kind }

static void counter_put_model(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_integer(out, "initial", ax_stress_value(run, "initial"));
}

static void counter_finish(ax_stress_worker *self)
{
    (void)look(self);
}

int main(int argc, char **argv)
{
    static const ax_stress_operation operations[] = { { .name = "add", .weight = 100 }, { .name = "read" } };
    static const ax_stress_option options[] = {
        { "initial", "the value to begin with", false, INT64_MIN, INT64_MAX, 0 },
    };
    static const ax_stress_event events[] = { [COUNTER_ADDED] = { "add", 1, 1 }, [COUNTER_SEEN] = { "read", 0, 1 } };
    const ax_stress_impl impls[] = {
        IMPL("ours", ours, "ax_counter_add"),
        IMPL("checked", checked, "ax_counter_add_checked, which refuses to overflow"),
        IMPL("cas-loop", cas, "compare-and-exchange until it succeeds"),
        IMPL("mutex", mutex, "a plain word under a mutex"),
        IMPL("rwlock", rwlock, "a plain word under a readers-writer lock"),
        IMPL("semaphore", semaphore, "a plain word under a binary semaphore"),
        broken_lost_logins,
        broken_plain_logins,
        broken_copied_counter,
    };
    const ax_stress_program program = {
        .noun = "counter",
        .about = "Threads add 1 to one shared word; the value must be the sum of what they added.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .operations = operations, .operation_count = 2,
        .options = options, .option_count = 1,
        .iters = 30000000, .observers = 1,
        .tally_size = sizeof(struct counter_tally), .observer_tally_size = sizeof(ax_stress_samples),
        .setup = counter_setup, .judge = counter_judge, .teardown = counter_teardown,
        .put_setup = counter_put_setup, .put_worker = counter_put_worker, .put_final = counter_put_final,
        .put_more = counter_put_more,
        .model = "counter", .events = events, .event_count = sizeof events / sizeof *events,
        .put_model = counter_put_model, .finish = counter_finish,
    };
    return ax_stress_main(argc, argv, &program);
}

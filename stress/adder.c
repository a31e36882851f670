/* SPDX-License-Identifier: MIT */
/* Many threads count, each on its own; the sum, plus what was drained, is all that was added. */
#include "adder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void ours_add(struct adder_shared *shared, uint32_t thread)
{
    (void)thread;
    ax_adder_add(&shared->adder, 1);
}

static int64_t ours_sum(struct adder_shared *shared)
{
    return ax_adder_sum(&shared->adder);
}

static int64_t ours_drain(struct adder_shared *shared)
{
    return ax_adder_drain(&shared->adder);
}

static void async_add(struct adder_shared *shared, uint32_t thread)
{
    (void)thread;
    ax_adder_add_async(&shared->adder, 1);
}

#define async_sum ours_sum
#define async_drain ours_drain

static void fetch_add(struct adder_shared *shared, uint32_t thread)
{
    (void)thread;
    /* relaxed, as in all of these: a statistic publishes nothing */
    (void)AX_DETAIL_FETCH_ADD_RELAXED(&shared->word, 1);
}

static int64_t fetch_sum(struct adder_shared *shared)
{
    return AX_DETAIL_LOAD_RELAXED(&shared->word); /* relaxed: see fetch_add */
}

static int64_t fetch_drain(struct adder_shared *shared)
{
    int64_t value = AX_DETAIL_LOAD_RELAXED(&shared->word); /* relaxed: see fetch_add */
    (void)AX_DETAIL_FETCH_ADD_RELAXED(&shared->word, -value); /* relaxed: what is taken out was in there */
    return value;
}

static void mutex_add(struct adder_shared *shared, uint32_t thread)
{
    (void)thread;
    pthread_mutex_lock(&shared->mutex);
    shared->word++;
    pthread_mutex_unlock(&shared->mutex);
}

static int64_t mutex_sum(struct adder_shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    int64_t value = shared->word;
    pthread_mutex_unlock(&shared->mutex);
    return value;
}

static int64_t mutex_drain(struct adder_shared *shared)
{
    pthread_mutex_lock(&shared->mutex);
    int64_t value = shared->word;
    shared->word = 0;
    pthread_mutex_unlock(&shared->mutex);
    return value;
}

/* Sixteen shared words instead of one: contended less, and still a locked instruction each time. */
static void striped_add(struct adder_shared *shared, uint32_t thread)
{
    (void)AX_DETAIL_FETCH_ADD_RELAXED(&shared->slots[thread % 16 % shared->slot_count].value, 1); /* relaxed: as above */
}

static int64_t striped_sum(struct adder_shared *shared)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < shared->slot_count; i++)
        sum += AX_DETAIL_LOAD_RELAXED(&shared->slots[i].value); /* relaxed: as above */
    return sum;
}

/* Plain variables, one per thread, added up after the threads have ended: nobody may look before. */
static __attribute__((noinline)) void plain_add(struct adder_shared *shared, uint32_t thread)
{
    shared->slots[thread].value++; /* not inlined: or the compiler makes one addition of a thousand */
}

static int64_t plain_sum(struct adder_shared *shared)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < shared->slot_count; i++)
        sum += shared->slots[i].value;
    return sum;
}

#define striped_drain NULL
#define plain_drain NULL

ADDER_IMPL(ours, false);
ADDER_IMPL(async, false);
ADDER_IMPL(fetch, false);
ADDER_IMPL(mutex, false);
ADDER_IMPL(striped, false);
ADDER_IMPL(plain, false);

struct short_lived {
    ax_stress_worker *self;
    uint64_t begin, end;
    void (*work)(ax_stress_worker *self, uint64_t begin, uint64_t end);
};

static void *short_life(void *arg)
{
    struct short_lived *life = arg;
    life->work(life->self, life->begin, life->end);
    return NULL;
}

void adder_churn(ax_stress_worker *self, uint64_t begin, uint64_t end,
                 void (*work)(ax_stress_worker *self, uint64_t begin, uint64_t end))
{
    struct short_lived life = { self, begin, end, work };
    pthread_t id;
    /* When no thread can be had for now, this one does the batch: the arithmetic is the same. */
    if (ax_stress_value(self->run, "churn") != 0 && pthread_create(&id, NULL, short_life, &life) == 0)
        pthread_join(id, NULL);
    else
        work(self, begin, end);
}

static bool drains(const ax_stress_run *run)
{
    const struct adder_kind *kind = run->impl->extra;
    return kind->only_drains || ax_stress_value(run, "drain") != 0;
}

void adder_observe(ax_stress_worker *self)
{
    const struct adder_kind *kind = self->run->impl->extra;
    struct adder_observer_tally *tally = self->tally;
    if (!drains(self->run)) {
        ax_stress_sample(&tally->samples, kind->sum(self->shared));
        return;
    }
    uint64_t invoked = ax_stress_invoke(self);
    int64_t drained = kind->drain(self->shared);
    AX_STRESS_ANSWER(self, invoked, ADDER_ADDED, -drained);
    tally->drained += drained;
    tally->calls++;
}

static const char *adder_check(const ax_stress_run *run)
{
    const struct adder_kind *kind = run->impl->extra;
    if (!drains(run))
        return NULL;
    if (kind->drain == NULL)
        return "--drain: this implementation can't drain";
    return run->observers == 0 ? "--drain: observers do it, give --observers 1 or more" : NULL;
}

static const char *adder_setup(ax_stress_run *run)
{
    struct adder_shared *shared = aligned_alloc(STRESS_ISOLATION, sizeof *shared);
    struct adder_slot *slots = aligned_alloc(STRESS_ISOLATION, run->threads * sizeof *slots);
    if (shared == NULL || slots == NULL) {
        free(shared);
        free(slots);
        return "no memory";
    }
    *shared = (struct adder_shared){ .adder = AX_ADDER_INIT, .slot_count = run->threads, .slots = slots };
    for (uint32_t i = 0; i < run->threads; i++)
        slots[i].value = 0;
    pthread_mutex_init(&shared->mutex, NULL);
    run->shared = shared;
    return NULL;
}

static void adder_teardown(ax_stress_run *run)
{
    struct adder_shared *shared = run->shared;
    ax_adder_fini(&shared->adder);
    pthread_mutex_destroy(&shared->mutex);
    free(shared->slots);
    free(shared);
}

static int64_t final_sum(const ax_stress_run *run)
{
    const struct adder_kind *kind = run->impl->extra;
    return kind->sum(run->shared);
}

static ax_stress_verdict adder_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    __extension__ __int128 added = 0, drained = 0;
    int64_t drains = 0;
    for (uint32_t i = 0; i < run->threads; i++)
        added += ((const struct adder_tally *)ax_stress_tally(run, i))->added;
    for (uint32_t i = 0; i < run->observers; i++) {
        const struct adder_observer_tally *tally = ax_stress_observer_tally(run, i);
        drained += tally->drained;
        drains += tally->calls;
        if (tally->samples.fell) {
            snprintf(sentence, size, "a reader saw %" PRId64 " and then %" PRId64,
                     tally->samples.value[tally->samples.kept - 2], tally->samples.value[tally->samples.kept - 1]);
            return AX_STRESS_VIOLATED;
        }
    }
    int64_t sum = final_sum(run);
    __extension__ __int128 lost = added - drained - sum;
    int length = snprintf(sentence, size, "sum %" PRId64, sum);
    if (drains > 0)
        length += snprintf(sentence + length, size - (size_t)length, " and %" PRId64 " drained in %" PRId64 " calls",
                           (int64_t)drained, drains);
    if (lost == 0)
        snprintf(sentence + length, size - (size_t)length, " are all %" PRId64 " that were added", (int64_t)added);
    else
        snprintf(sentence + length, size - (size_t)length, ", but %" PRId64 " were added: %" PRId64 " %s",
                 (int64_t)added, (int64_t)(lost > 0 ? lost : -lost), lost > 0 ? "lost" : "too many");
    return lost == 0 ? AX_STRESS_HOLDS : AX_STRESS_VIOLATED;
}

static void adder_put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    (void)run;
    ax_stress_put_integer(out, "initial", 0);
    ax_stress_put_boolean(out, "monotone", true);
}

static void adder_put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct adder_tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_integer(out, "added", tally->added);
}

static void adder_put_final(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_integer(out, "sum", final_sum(run));
}

static void adder_put_more(const ax_stress_run *run, ax_stress_out *out)
{
    bool drain = drains(run);
    ax_stress_put_array(out, drain ? "drains" : "samples");
    for (uint32_t i = 0; i < run->observers; i++) {
        const struct adder_observer_tally *tally = ax_stress_observer_tally(run, i);
        if (!drain) {
            ax_stress_put_samples(out, NULL, &tally->samples);
            continue;
        }
        ax_stress_put_object(out, NULL);
        ax_stress_put_integer(out, "drainer", i);
        ax_stress_put_integer(out, "calls", tally->calls);
        ax_stress_put_integer(out, "drained", tally->drained);
        ax_stress_put_end(out);
    }
    ax_stress_put_end(out);
}

#define IMPL(name_, kind_, observe_, about_) \
    { .name = name_, .about = about_, .work = kind_##_work, .observe = observe_, .extra = &kind_##_kind }

static void adder_finish(ax_stress_worker *self)
{
    uint64_t invoked = ax_stress_invoke(self);
    int64_t sum = final_sum(self->run);
    AX_STRESS_ANSWER(self, invoked, ADDER_SUMMED, sum);
}

int main(int argc, char **argv)
{
    static const ax_stress_operation operations[] = { { .name = "add", .weight = 100 }, { .name = "sum" } };
    static const ax_stress_option options[] = {
        { "drain", "observers drain instead of reading", true, 0, 0, 0 },
        { "churn", "every batch is done by a new thread that ends with it", true, 0, 0, 0 },
    };
    static const ax_stress_event events[] = { [ADDER_ADDED] = { "add", 1, 0 }, [ADDER_SUMMED] = { "read", 0, 1 } };
    ax_stress_impl plain = IMPL("thread-locals", plain, NULL, "a plain variable per thread, added up when all have ended");
    plain.supports = 1u << ADDER_ADD;
    const ax_stress_impl impls[] = {
        IMPL("ours", ours, adder_observe, "ax_adder_add"),
        IMPL("ours-async", async, adder_observe, "ax_adder_add_async, the form for signal handlers"),
        IMPL("fetch-add", fetch, adder_observe, "one shared word, atomic fetch-and-add"),
        IMPL("striped", striped, adder_observe, "sixteen shared words, atomic fetch-and-add"),
        IMPL("mutex", mutex, adder_observe, "a plain word under a mutex"),
        plain,
        broken_read_and_reset,
    };
    const ax_stress_program program = {
        .noun = "adder",
        .about = "Threads count into a statistical counter; its sum and what was drained must be what they added.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .operations = operations, .operation_count = 2,
        .options = options, .option_count = 2,
        .iters = 50000000, .observers = 1, .batch = 16384,
        .tally_size = sizeof(struct adder_tally), .observer_tally_size = sizeof(struct adder_observer_tally),
        .check = adder_check, .setup = adder_setup, .judge = adder_judge, .teardown = adder_teardown,
        .put_setup = adder_put_setup, .put_worker = adder_put_worker, .put_final = adder_put_final,
        .put_more = adder_put_more,
        .model = "counter", .events = events, .event_count = sizeof events / sizeof *events, .finish = adder_finish,
    };
    return ax_stress_main(argc, argv, &program);
}

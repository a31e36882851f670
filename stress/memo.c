/* SPDX-License-Identifier: MIT */
/* Workers ask for the same keys at about the same time; each key is computed once, and all get that value. */
#include "memo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* --- the computation -------------------------------------------------------------------------------------- */

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t memo_time(const struct memo_shared *shared)
{
    return now() - shared->start;
}

static _Thread_local struct memo_tally *own_tally; /* where computations of this thread are written down */

struct memo_tally *memo_own_tally(void)
{
    return own_tally;
}

static void file_name(const struct memo_shared *shared, uint64_t file, char *name, size_t size)
{
    snprintf(name, size, "%s/%" PRIu64 ".conf", shared->folder, file % MEMO_FILES);
}

/* Lines of "name = number"; the sum of the numbers, or -1. */
static int64_t parse(const char *name)
{
    FILE *file = fopen(name, "r");
    if (!file)
        return -1;
    char line[128];
    int64_t sum = 0;
    while (fgets(line, sizeof line, file)) {
        const char *number = strchr(line, '=');
        if (!number) {
            sum = -1;
            break;
        }
        sum += strtoll(number + 1, NULL, 10);
    }
    fclose(file);
    return sum;
}

struct memo_value *memo_compute(struct memo_shared *shared, uint64_t key)
{
    struct memo_tally *tally = own_tally;
    struct memo_value *value = malloc(sizeof *value);
    struct memo_computed *computed = malloc(sizeof *computed);
    if (!value || !computed) {
        free(value);
        free(computed);
        return NULL;
    }
    /* relaxed, all: counts; whoever needs order has it from the implementation under test, or has none */
    int64_t serial = atomic_fetch_add_explicit(&shared->serials, 1, memory_order_relaxed) + 1;
    int64_t inside = atomic_fetch_add_explicit(&shared->inside, 1, memory_order_relaxed) + 1;
    int64_t peak = atomic_load_explicit(&shared->peak, memory_order_relaxed);
    while (inside > peak && !atomic_compare_exchange_weak_explicit(&shared->peak, &peak, inside, memory_order_relaxed,
                                                                   memory_order_relaxed))
        ;
    char name[128];
    file_name(shared, key, name, sizeof name);
    struct timespec slow = { 0, 100000 + (long)(key % 7) * 50000 }; /* what a database would take */
    value->key = key;
    value->serial = serial;
    value->complete = 0;
    value->sum = parse(name);
    nanosleep(&slow, NULL);
    value->complete = ~serial;
    atomic_fetch_sub_explicit(&shared->inside, 1, memory_order_relaxed);
    *computed = (struct memo_computed){ (int64_t)key, serial, memo_time(shared), tally->computed };
    tally->computed = computed;
    return value;
}

/* --- the calls ----------------------------------------------------------------------------------------------- */

void memo_enter(ax_stress_worker *self)
{
    struct memo_tally *tally = self->tally;
    const struct memo_shared *shared = self->shared;
    tally->serials = calloc(shared->keys, sizeof *tally->serials);
    tally->times = calloc(shared->keys, sizeof *tally->times);
    own_tally = tally;
}

void memo_look_at(const struct memo_shared *shared, struct memo_tally *tally, uint64_t key, const struct memo_value *value)
{
    tally->early += value->complete != ~value->serial;
    tally->wrong += value->key != key || value->sum != shared->sums[key % MEMO_FILES];
}

/* Pairs of workers walk through the keys at about one pace, so that they meet at each new one; each pair
 * starts elsewhere, so that there are computations to be done at the same time. Every second call is for a
 * key that was there before. */
void memo_loop(ax_stress_worker *self, uint64_t begin, uint64_t end, memo_get *get, memo_put *put)
{
    struct memo_tally *tally = self->tally;
    struct memo_shared *shared = self->shared;
    uint64_t span = self->run->iters == UINT64_MAX ? 100 * shared->keys : self->run->iters;
    uint64_t pairs = (self->run->threads + 1) / 2, first = self->thread / 2 * (shared->keys / pairs);
    if (!tally->serials || !tally->times) {
        tally->failed += (int64_t)(end - begin);
        return;
    }
    for (uint64_t i = begin; i < end; i++) {
        __extension__ uint64_t newest = (uint64_t)((unsigned __int128)(i % span) * shared->keys / span);
        uint64_t key = (first + (i % 2 == 0 ? newest : ax_stress_below(&self->random, newest + 1))) % shared->keys;
        void *handle;
        const struct memo_computed *computed = tally->computed;
        uint64_t invoked = ax_stress_invoke(self);
        const struct memo_value *value = get(shared, key, &handle);
        if (!value) {
            tally->failed++;
            continue;
        }
        int64_t serial = value->serial;
        if (tally->computed != computed)
            AX_STRESS_ANSWER(self, invoked, MEMO_COMPUTED, (int64_t)key, serial, true);
        else
            AX_STRESS_ANSWER(self, invoked, MEMO_FOUND, (int64_t)key, serial);
        memo_look_at(shared, tally, key, value);
        if (put)
            put(shared, handle);
        if (tally->serials[key] == 0) {
            tally->times[key] = memo_time(shared);
            tally->serials[key] = serial;
        } else {
            tally->again += tally->serials[key] != serial;
        }
    }
}

static ax_status ours_compute(void *context, const void *key, size_t key_len, void **value)
{
    uint64_t number;
    if (key_len != sizeof number)
        return AX_EINVAL;
    memcpy(&number, key, sizeof number);
    *value = memo_compute(context, number);
    return *value ? AX_OK : AX_ENOMEM;
}

static void ours_destroy(void *context, void *value)
{
    (void)context;
    memset(value, 0x5a, sizeof(struct memo_value)); /* who still reads it shall notice */
    free(value);
}

static const struct memo_value *ours_get(struct memo_shared *shared, uint64_t key, void **handle)
{
    static _Thread_local ax_memo_ref ref;
    if (ax_memo_do(shared->ours, &key, sizeof key, &ref) != AX_OK)
        return NULL;
    *handle = &ref;
    return ref.value;
}

static void ours_put(struct memo_shared *shared, void *handle)
{
    ax_memo_release(shared->ours, handle);
}

static void ours_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    memo_loop(self, begin, end, ours_get, ours_put);
}

/* --- the program ------------------------------------------------------------------------------------------------ */

static bool write_files(struct memo_shared *shared)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(shared->folder, sizeof shared->folder, "%.40s/ax-memo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(shared->folder))
        return false;
    for (uint64_t f = 0; f < MEMO_FILES; f++) {
        char name[128];
        file_name(shared, f, name, sizeof name);
        FILE *file = fopen(name, "w");
        if (!file)
            return false;
        for (int64_t line = 0; line < MEMO_LINES; line++) {
            int64_t number = line * line + (int64_t)f * 1000;
            fprintf(file, "name_%" PRId64 " = %" PRId64 "\n", line, number);
            shared->sums[f] += number;
        }
        if (fclose(file) != 0)
            return false;
    }
    return true;
}

static const char *memo_setup(ax_stress_run *run)
{
    struct memo_shared *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return "no memory";
    run->shared = shared;
    shared->keys = run->keys;
    shared->start = now();
    shared->table = calloc(shared->keys, sizeof(_Atomic(struct memo_node *)));
    pthread_mutex_init(&shared->mutex, NULL);
    pthread_cond_init(&shared->done, NULL);
    shared->forgets_begun = calloc(shared->keys, sizeof *shared->forgets_begun);
    shared->forgets_ended = calloc(shared->keys, sizeof *shared->forgets_ended);
    ax_memo_options options = { .compute = ours_compute, .destroy = ours_destroy };
    if (run->impl->extra)
        options = *(const ax_memo_options *)run->impl->extra;
    options.context = shared;
    if (!shared->table || !shared->forgets_begun || !shared->forgets_ended || ax_memo_create(&options, &shared->ours) != AX_OK)
        return "no memory";
    return write_files(shared) ? NULL : "can't write the files to parse";
}

/* Once the workers have ended: what the memo says of itself, and the end of its values. */
static void end_memo(struct memo_shared *shared)
{
    if (shared->ours) {
        ax_memo_stats_read(shared->ours, &shared->stats);
        if (ax_memo_destroy(shared->ours) == AX_OK)
            shared->ours = NULL;
    }
}

static void memo_teardown(ax_stress_run *run)
{
    struct memo_shared *shared = run->shared;
    for (uint32_t i = 0; i < run->threads; i++) {
        struct memo_tally *tally = ax_stress_tally(run, i);
        free(tally->serials);
        free(tally->times);
        free(tally->last);
        free(tally->forgotten);
        for (struct memo_computed *c = tally->computed, *next; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    if (!run->impl->broken) {
        for (uint64_t k = 0; k < shared->keys; k++) {
            struct memo_node *node = atomic_load_explicit(&shared->table[k], memory_order_relaxed);
            if (node)
                free(node->value);
            free(node);
        }
    }
    end_memo(shared);
    for (uint64_t f = 0; f < MEMO_FILES; f++) {
        char name[128];
        file_name(shared, f, name, sizeof name);
        unlink(name);
    }
    rmdir(shared->folder);
    pthread_cond_destroy(&shared->done);
    pthread_mutex_destroy(&shared->mutex);
    free(shared->forgets_begun);
    free(shared->forgets_ended);
    free(shared->table);
    free(shared);
}

/* Sums over all workers. */
struct sums {
    int64_t again, early, wrong, failed, stale, errors, computed;
    int64_t too_often; /* keys that were computed more than once, and once more for each time they were forgotten */
};

static bool sum_up(const ax_stress_run *run, struct sums *sums)
{
    const struct memo_shared *shared = run->shared;
    int64_t *due = calloc(shared->keys, sizeof *due); /* by key: what is computed, less what may be */
    *sums = (struct sums){ 0 };
    for (uint32_t i = 0; i < run->threads && due; i++) {
        const struct memo_tally *tally = ax_stress_tally(run, i);
        sums->again += tally->again;
        sums->early += tally->early;
        sums->wrong += tally->wrong;
        sums->failed += tally->failed;
        sums->stale += tally->stale;
        sums->errors += tally->errors;
        for (const struct memo_computed *c = tally->computed; c; c = c->next) {
            sums->computed++;
            due[c->key]++;
        }
        for (uint64_t k = 0; k < shared->keys && tally->forgotten; k++)
            due[k] -= tally->forgotten[k];
    }
    for (uint64_t k = 0; k < shared->keys && due; k++)
        sums->too_often += due[k] > 1;
    free(due);
    return due != NULL;
}

static ax_stress_verdict memo_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    struct memo_shared *shared = run->shared;
    struct sums sums;
    end_memo(shared);
    if (!sum_up(run, &sums)) {
        snprintf(sentence, size, "no memory to judge with");
        return AX_STRESS_INCONCLUSIVE;
    }
    if (sums.too_often + sums.again + sums.early + sums.wrong + sums.failed + sums.stale > 0) {
        snprintf(sentence, size,
                 "%" PRId64 " keys computed more than once; %" PRId64 " calls got another value than before, %" PRId64
                 " an unfinished one, %" PRId64 " a wrong one, %" PRId64 " a forgotten one, %" PRId64 " none",
                 sums.too_often, sums.again, sums.early, sums.wrong, sums.stale, sums.failed);
        return AX_STRESS_VIOLATED;
    }
    int64_t died = atomic_load_explicit(&shared->died, memory_order_relaxed);
    if (run->impl->extra) {
        int64_t destroyed = atomic_load_explicit(&shared->destroyed, memory_order_relaxed);
        bool accounted = (int64_t)shared->stats.computations == sums.computed + sums.errors + died &&
                         (int64_t)shared->stats.handovers == died && destroyed == sums.computed;
        snprintf(sentence, size,
                 "%" PRIu64 " flights: %" PRId64 " values (%" PRId64 " destroyed), %" PRId64 " errors, %" PRId64
                 " threads ended in one (%" PRIu64 " handed over)",
                 shared->stats.computations, sums.computed, destroyed, sums.errors, died, shared->stats.handovers);
        return accounted ? AX_STRESS_HOLDS : AX_STRESS_VIOLATED;
    }
    int64_t peak = atomic_load_explicit(&shared->peak, memory_order_relaxed);
    snprintf(sentence, size, "%" PRId64 " keys, each computed once, at most %" PRId64 " at a time", sums.computed, peak);
    return AX_STRESS_HOLDS;
}

static void memo_put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    const struct memo_shared *shared = run->shared;
    ax_stress_put_integer(out, "keys", (int64_t)shared->keys);
}

static void put_calls(ax_stress_out *out, const char *name, const struct memo_tally *tally, uint64_t keys,
                      const int64_t *values)
{
    ax_stress_put_array(out, name);
    for (uint64_t k = 0; k < keys && tally->serials && tally->times; k++)
        if (tally->serials[k] != 0)
            ax_stress_put_integer(out, NULL, values ? values[k] : (int64_t)k);
    ax_stress_put_end(out);
}

static void memo_put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct memo_shared *shared = run->shared;
    const struct memo_tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_integer(out, "again", tally->again);
    ax_stress_put_integer(out, "early", tally->early);
    ax_stress_put_integer(out, "wrong", tally->wrong);
    ax_stress_put_integer(out, "failed", tally->failed);
    if (run->impl->extra) {
        ax_stress_put_integer(out, "stale", tally->stale);
        ax_stress_put_integer(out, "errors", tally->errors);
        ax_stress_put_integers(out, "forgotten", tally->forgotten, tally->forgotten ? shared->keys : 0);
    }
    put_calls(out, "got_keys", tally, shared->keys, NULL);
    put_calls(out, "got_serials", tally, shared->keys, tally->serials);
    put_calls(out, "got_times", tally, shared->keys, tally->times);
    static const char *const names[] = { "computed_keys", "computed_serials", "computed_ends" };
    for (int field = 0; field < 3; field++) {
        ax_stress_put_array(out, names[field]);
        for (const struct memo_computed *c = tally->computed; c; c = c->next)
            ax_stress_put_integer(out, NULL, field == 0 ? c->key : field == 1 ? c->serial : c->end);
        ax_stress_put_end(out);
    }
}

static void memo_put_final(const ax_stress_run *run, ax_stress_out *out)
{
    const struct memo_shared *shared = run->shared;
    ax_stress_put_integer(out, "peak", atomic_load_explicit(&shared->peak, memory_order_relaxed));
    if (run->impl->extra) {
        ax_stress_put_object(out, "flights");
        ax_stress_put_integer(out, "entered", (int64_t)shared->stats.computations);
        ax_stress_put_integer(out, "handed_over", (int64_t)shared->stats.handovers);
        ax_stress_put_integer(out, "died", atomic_load_explicit(&shared->died, memory_order_relaxed));
        ax_stress_put_integer(out, "destroyed", atomic_load_explicit(&shared->destroyed, memory_order_relaxed));
        ax_stress_put_end(out);
    }
}

int main(int argc, char **argv)
{
    static const ax_stress_event events[] = { [MEMO_FOUND] = { "get", 1, 1 }, [MEMO_COMPUTED] = { "insert", 2, 1 } };
    const ax_stress_impl impls[] = {
        { .name = "ours", .about = "ax_memo_do", .enter = memo_enter, .work = ours_work },
        memo_forgetful,
        memo_keeps_errors,
        memo2,
        memo4,
        broken_memo1,
        broken_memo3,
    };
    const ax_stress_program program = {
        .noun = "memo",
        .about = "Workers ask for the same keys at about the same time; each key must be computed once.",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .iters = 200000, .keys = 2000, .batch = 64,
        .tally_size = sizeof(struct memo_tally),
        .setup = memo_setup, .judge = memo_judge, .teardown = memo_teardown,
        .put_setup = memo_put_setup, .put_worker = memo_put_worker, .put_final = memo_put_final,
        .model = "map", .events = events, .event_count = sizeof events / sizeof *events,
    };
    return ax_stress_main(argc, argv, &program);
}

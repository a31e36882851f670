/* SPDX-License-Identifier: MIT */
/*
 * Many threads add to, remove, insert and replace the values of a few keys. For each key, what is left is
 * what was put in minus what was taken out; nobody's update is lost, and walks show what stays exactly once.
 */
#include "map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- ours: both indexes, both kinds of keys ---- */

static void *ours_create(ax_map_keys keys, ax_map_index index)
{
    /* patience, as no history has a word for an update that was refused because readers did not leave in time */
    ax_map_options options = { .keys = keys, .index = index, .shards = 4, .pending_wait_ms = 60000 };
    ax_map *map = NULL;
    return ax_map_create(&options, &map) == AX_OK ? map : NULL;
}

static void *own_create(void)
{
    return ours_create(AX_MAP_KEYS_U64, AX_MAP_INDEX_OWN);
}

static void *ck_create(void)
{
    return ours_create(AX_MAP_KEYS_U64, AX_MAP_INDEX_CK);
}

static void *own_bytes_create(void)
{
    return ours_create(AX_MAP_KEYS_BYTES, AX_MAP_INDEX_OWN);
}

static void *ck_bytes_create(void)
{
    return ours_create(AX_MAP_KEYS_BYTES, AX_MAP_INDEX_CK);
}

static void ours_destroy(void *map)
{
    (void)ax_map_destroy(map);
}

/* Bytes that spell the number: sixteen of even ones, which the own index has within its slots, more of odd ones. */
struct spelled {
    uint64_t number;
    char tail[16];
};

static size_t spelled_length(uint64_t number)
{
    return number % 2 ? sizeof(struct spelled) : 16;
}

static ax_key spell(uint64_t key, struct spelled *to)
{
    *to = (struct spelled){ key, "session" };
    return ax_key_bytes(to, spelled_length(key));
}

static uint64_t read_key(ax_key key)
{
    size_t length;
    struct spelled spelled;
    if (key.length_ == UINT64_MAX)
        return ax_key_number(key);
    const void *bytes = ax_key_data(key, &length);
    if (length < sizeof spelled.number)
        return UINT64_MAX;
    memcpy(&spelled.number, bytes, sizeof spelled.number);
    return length == spelled_length(spelled.number) ? spelled.number : UINT64_MAX;
}

struct ours_walk {
    map_visit *visit;
    void *context;
};

static ax_map_visit ours_visit(void *context, ax_key key, uint64_t value)
{
    struct ours_walk *walk = context;
    return walk->visit(walk->context, read_key(key), value) ? AX_MAP_NEXT : AX_MAP_STOP;
}

static void ours_walk(void *map, map_visit *visit, void *context)
{
    struct ours_walk walk = { visit, context };
    (void)ax_map_for_each(map, ours_visit, &walk);
}

#define OURS(name, key_expression)                                                              \
    static bool name##_get(void *map, uint64_t key, uint64_t *value)                            \
    {                                                                                           \
        struct spelled to;                                                                      \
        (void)to;                                                                               \
        return ax_map_get(map, key_expression, value) == AX_OK;                                 \
    }                                                                                           \
    static bool name##_add(void *map, uint64_t key, uint64_t n)                                 \
    {                                                                                           \
        struct spelled to;                                                                      \
        (void)to;                                                                               \
        return ax_map_add(map, key_expression, n, NULL) == AX_OK;                               \
    }                                                                                           \
    static bool name##_remove(void *map, uint64_t key, uint64_t *old)                           \
    {                                                                                           \
        struct spelled to;                                                                      \
        (void)to;                                                                               \
        return ax_map_remove(map, key_expression, old) == AX_OK;                                \
    }                                                                                           \
    static bool name##_insert(void *map, uint64_t key, uint64_t value)                          \
    {                                                                                           \
        struct spelled to;                                                                      \
        (void)to;                                                                               \
        return ax_map_put_if_absent(map, key_expression, value, NULL) == AX_OK;                 \
    }                                                                                           \
    static bool name##_replace(void *map, uint64_t key, uint64_t expected, uint64_t value)      \
    {                                                                                           \
        struct spelled to;                                                                      \
        (void)to;                                                                               \
        return ax_map_replace_if_equal(map, key_expression, &expected, value) == AX_OK;         \
    }

OURS(numbers, ax_key_u64(key))
OURS(bytes, spell(key, &to))

#define OURS_KIND(create, name)                                                                      \
    { create, ours_destroy, name##_get, name##_add, name##_remove, name##_insert, name##_replace, ours_walk }

static const struct map_kind ours_own = OURS_KIND(own_create, numbers);
static const struct map_kind ours_own_bytes = OURS_KIND(own_bytes_create, bytes);
static const struct map_kind ours_ck = OURS_KIND(ck_create, numbers);
static const struct map_kind ours_ck_bytes = OURS_KIND(ck_bytes_create, bytes);

/* ---- the workers ---- */

void map_enter(ax_stress_worker *self)
{
    struct map_tally *tally = self->tally;
    const struct map_shared *shared = self->shared;
    tally->added = calloc(2 * (size_t)shared->keys, sizeof *tally->added);
    if (!tally->added)
        abort();
    tally->removed = tally->added + shared->keys;
}

static bool map_look_up(ax_stress_worker *self, uint64_t key, uint64_t *value)
{
    const struct map_kind *kind = self->run->impl->extra;
    const struct map_shared *shared = self->shared;
    uint64_t invoked = ax_stress_invoke(self);
    bool done = kind->get(shared->map, key, value);
    AX_STRESS_ANSWER(self, invoked, MAP_GOT, (int64_t)key, done ? (int64_t)*value : AX_STRESS_NONE);
    return done;
}

void map_work(ax_stress_worker *self, uint64_t begin, uint64_t end)
{
    const struct map_kind *kind = self->run->impl->extra;
    struct map_shared *shared = self->shared;
    struct map_tally *tally = self->tally;
    for (uint64_t i = begin; i < end; i++) {
        uint64_t key = ax_stress_key(self), value = 0, n = 1 + i % 3;
        uint32_t operation = ax_stress_pick(self);
        if (operation == MAP_REPLACE && !map_look_up(self, key, &value))
            continue;
        uint64_t invoked = operation == MAP_GET ? 0 : ax_stress_invoke(self);
        bool done;
        switch (operation) {
        case MAP_GET:
            if (map_look_up(self, key, &value))
                tally->seen += value;
            break;
        case MAP_ADD:
            done = kind->add(shared->map, key, n);
            if (done)
                AX_STRESS_ANSWER(self, invoked, MAP_ADDED, (int64_t)key, (int64_t)n);
            tally->added[key] += done ? (int64_t)n : 0;
            tally->refused += !done;
            break;
        case MAP_REMOVE:
            done = kind->remove(shared->map, key, &value);
            AX_STRESS_ANSWER(self, invoked, MAP_REMOVED, (int64_t)key, done ? (int64_t)value : AX_STRESS_NONE);
            tally->removed[key] += done ? (int64_t)value : 0;
            break;
        case MAP_INSERT:
            done = kind->insert(shared->map, key, n);
            AX_STRESS_ANSWER(self, invoked, MAP_INSERTED, (int64_t)key, (int64_t)n, done);
            tally->added[key] += done ? (int64_t)n : 0;
            break;
        default:
            done = kind->replace(shared->map, key, value, value + n);
            AX_STRESS_ANSWER(self, invoked, MAP_REPLACED, (int64_t)key, (int64_t)value, (int64_t)(value + n), done);
            tally->added[key] += done ? (int64_t)n : 0;
        }
    }
}

/* What is there at the end, key by key. */
static void map_finish(ax_stress_worker *self)
{
    uint64_t value;
    for (uint64_t key = 0; key < self->run->keys; key++)
        (void)map_look_up(self, key, &value);
}

/* ---- the observers: a walk must show each steady key once, and nothing that is no key ---- */

static uint64_t steady_value(uint64_t n)
{
    return 1000003 * (n + 1);
}

struct walk_seen {
    uint64_t keys, visits;
    unsigned times[MAP_STEADY];
    int64_t strays;
};

static bool note_visit(void *context, uint64_t key, uint64_t value)
{
    struct walk_seen *seen = context;
    if (key >= seen->keys + MAP_STEADY || (key >= seen->keys && value != steady_value(key - seen->keys)))
        seen->strays++;
    else if (key >= seen->keys)
        seen->times[key - seen->keys]++;
    /* a broken map may lead in a circle */
    return ++seen->visits < 100 * (seen->keys + MAP_STEADY);
}

void map_observe(ax_stress_worker *self)
{
    const struct map_kind *kind = self->run->impl->extra;
    const struct map_shared *shared = self->shared;
    struct map_watch *watch = self->tally;
    struct walk_seen seen = { .keys = shared->keys };
    kind->walk(shared->map, note_visit, &seen);
    watch->walks++;
    watch->strays += seen.strays;
    for (int i = 0; i < MAP_STEADY; i++) {
        watch->missed += seen.times[i] == 0;
        watch->twice += seen.times[i] > 1;
    }
}

/* ---- the run ---- */

static const char *map_check(const ax_stress_run *run)
{
    if (run->keys > (UINT64_C(1) << 26) / run->threads)
        return "--keys times --threads must be at most 2^26, as every worker keeps a tally of every key";
    return NULL;
}

static const char *map_setup(ax_stress_run *run)
{
    const struct map_kind *kind = run->impl->extra;
    struct map_shared *shared = calloc(1, sizeof *shared);
    if (!shared)
        return "no memory";
    shared->keys = run->keys;
    shared->map = kind->create();
    if (!shared->map) {
        free(shared);
        return "no memory";
    }
    for (uint64_t i = 0; i < MAP_STEADY; i++)
        if (!kind->insert(shared->map, run->keys + i, steady_value(i)))
            return "the map refuses its first keys";
    run->shared = shared;
    return NULL;
}

static void map_teardown(ax_stress_run *run)
{
    const struct map_kind *kind = run->impl->extra;
    struct map_shared *shared = run->shared;
    for (uint32_t i = 0; i < run->threads; i++)
        free(((struct map_tally *)ax_stress_tally(run, i))->added);
    kind->destroy(shared->map);
    free(shared);
}

/* What is in the map at the end, in the order a walk shows it. */
struct contents {
    uint64_t most, count;
    uint64_t *keys, *values;
};

static bool note_content(void *context, uint64_t key, uint64_t value)
{
    struct contents *c = context;
    c->keys[c->count] = key;
    c->values[c->count] = value;
    return ++c->count < c->most;
}

/* Room for twice what can be there, so that a key that is there twice is seen, and a circle ends. */
static bool contents_take(const ax_stress_run *run, struct contents *c)
{
    const struct map_kind *kind = run->impl->extra;
    struct map_shared *shared = run->shared;
    c->count = 0;
    c->most = 2 * (shared->keys + MAP_STEADY);
    c->keys = calloc((size_t)c->most * 2, sizeof *c->keys);
    if (!c->keys)
        return false;
    c->values = c->keys + c->most;
    kind->walk(shared->map, note_content, c);
    return true;
}

static ax_stress_verdict judge_walks(const ax_stress_run *run, char *sentence, size_t size)
{
    for (uint32_t i = 0; i < run->observers; i++) {
        const struct map_watch *watch = ax_stress_observer_tally(run, i);
        if (watch->missed || watch->twice || watch->strays) {
            snprintf(sentence, size, "%" PRId64 " walks missed %" PRId64 " steady keys, showed %" PRId64
                     " twice, and %" PRId64 " that nobody inserted", watch->walks, watch->missed, watch->twice,
                     watch->strays);
            return AX_STRESS_VIOLATED;
        }
    }
    return AX_STRESS_HOLDS;
}

static ax_stress_verdict judge_keys(const ax_stress_run *run, const struct contents *c, char *sentence, size_t size)
{
    const struct map_shared *shared = run->shared;
    int64_t total = 0;
    int64_t *left = calloc((size_t)shared->keys + MAP_STEADY, sizeof *left);
    bool *there = calloc((size_t)shared->keys + MAP_STEADY, sizeof *there);
    ax_stress_verdict verdict = left && there ? AX_STRESS_VIOLATED : AX_STRESS_INCONCLUSIVE;
    snprintf(sentence, size, "no memory to judge");
    if (verdict != AX_STRESS_VIOLATED)
        goto out;
    for (uint64_t i = 0; i < c->count; i++) {
        if (c->keys[i] >= shared->keys + MAP_STEADY || there[c->keys[i]]) {
            snprintf(sentence, size, "key %" PRIu64 " is %s", c->keys[i],
                     c->keys[i] < shared->keys + MAP_STEADY ? "there twice" : "nobody's");
            goto out;
        }
        there[c->keys[i]] = true;
        left[c->keys[i]] = (int64_t)c->values[i];
    }
    for (uint64_t k = 0; k < shared->keys; k++) {
        int64_t expected = 0;
        for (uint32_t t = 0; t < run->threads; t++) {
            const struct map_tally *tally = ax_stress_tally(run, t);
            expected += tally->added[k] - tally->removed[k];
        }
        total += left[k];
        if (left[k] != expected) {
            snprintf(sentence, size, "key %" PRIu64 " has %" PRId64 ", but %" PRId64 " was put in and not taken out", k,
                     left[k], expected);
            goto out;
        }
    }
    snprintf(sentence, size, "%" PRIu64 " keys have in all %" PRId64 ", each what was put in minus what was taken out",
             c->count - MAP_STEADY, total);
    verdict = AX_STRESS_HOLDS;
out:
    free(left);
    free(there);
    return verdict;
}

static ax_stress_verdict map_judge(const ax_stress_run *run, char *sentence, size_t size)
{
    struct contents c;
    ax_stress_verdict verdict = judge_walks(run, sentence, size);
    if (verdict != AX_STRESS_HOLDS)
        return verdict;
    if (!contents_take(run, &c))
        return AX_STRESS_INCONCLUSIVE;
    verdict = judge_keys(run, &c, sentence, size);
    free(c.keys);
    return verdict;
}

/* ---- the record ---- */

static void map_put_setup(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_integer(out, "keys", (int64_t)run->keys);
    ax_stress_put_array(out, "steady"); /* the values of keys, keys+1, ... */
    for (uint64_t i = 0; i < MAP_STEADY; i++)
        ax_stress_put_integer(out, NULL, (int64_t)steady_value(i));
    ax_stress_put_end(out);
}

static void map_put_worker(const ax_stress_run *run, uint32_t thread, ax_stress_out *out)
{
    const struct map_tally *tally = ax_stress_tally(run, thread);
    ax_stress_put_integers(out, "added", tally->added, run->keys);
    ax_stress_put_integers(out, "removed", tally->removed, run->keys);
}

static void map_put_final(const ax_stress_run *run, ax_stress_out *out)
{
    struct contents c;
    if (!contents_take(run, &c))
        abort();
    ax_stress_put_integers(out, "keys", (int64_t *)c.keys, c.count);
    ax_stress_put_integers(out, "values", (int64_t *)c.values, c.count);
    free(c.keys);
}

static void map_put_more(const ax_stress_run *run, ax_stress_out *out)
{
    ax_stress_put_array(out, "walks");
    for (uint32_t i = 0; i < run->observers; i++) {
        const struct map_watch *watch = ax_stress_observer_tally(run, i);
        ax_stress_put_object(out, NULL);
        ax_stress_put_integer(out, "walks", watch->walks);
        ax_stress_put_integer(out, "missed", watch->missed);
        ax_stress_put_integer(out, "twice", watch->twice);
        ax_stress_put_integer(out, "strays", watch->strays);
        ax_stress_put_end(out);
    }
    ax_stress_put_end(out);
}

int main(int argc, char **argv)
{
    static const ax_stress_operation operations[] = {
        { .name = "get", .weight = 40 }, { .name = "add", .weight = 35 }, { .name = "remove", .weight = 10 },
        { .name = "insert", .weight = 5 }, { .name = "replace", .weight = 10 },
    };
    static const ax_stress_event events[] = {
        [MAP_GOT] = { "get", 1, 1 }, [MAP_ADDED] = { "add", 2, 0 }, [MAP_REMOVED] = { "remove", 1, 1 },
        [MAP_INSERTED] = { "insert", 2, 1 }, [MAP_REPLACED] = { "cas", 3, 1 },
    };
    const ax_stress_impl impls[] = {
        MAP_IMPL("ours", &ours_own, false, "ax_map, own index, 64-bit keys in the slots"),
        MAP_IMPL("ours-bytes", &ours_own_bytes, false, "ax_map, own index, byte strings"),
        MAP_IMPL("ck", &ours_ck, false, "ax_map, ck_ht index, 64-bit keys"),
        MAP_IMPL("ck-bytes", &ours_ck_bytes, false, "ax_map, ck_ht index, byte strings"),
        MAP_IMPL("mutex", &map_mutex, false, "chains under one mutex"),
        MAP_IMPL("rwlock", &map_rwlock, false, "chains under one readers-writer lock"),
#ifdef STRESS_LFHT
        MAP_IMPL("lfht", &map_lfht, false, "liburcu's lock-free hash table, with a dead mark in each value"),
#endif
        broken_unlocked_map,
        broken_iterated_map,
        broken_reclaimed_map,
        broken_lost_add,
    };
    const ax_stress_program program = {
        .noun = "map",
        .about = "Threads add to, remove and replace values; each key must have what was put in minus what was taken out.",
        .built_with = "Concurrency Kit " STRESS_CK_VERSION ": ck_ht's fault of putting a key twice after removals is "
                      "avoided (lib/map_ck.c)",
        .impls = impls, .impl_count = sizeof impls / sizeof *impls,
        .operations = operations, .operation_count = sizeof operations / sizeof *operations,
        .iters = 2000000, .keys = 64, .observers = 1,
        .tally_size = sizeof(struct map_tally), .observer_tally_size = sizeof(struct map_watch),
        .check = map_check, .setup = map_setup, .judge = map_judge, .teardown = map_teardown,
        .put_setup = map_put_setup, .put_worker = map_put_worker, .put_final = map_put_final,
        .put_more = map_put_more,
        .model = "map", .events = events, .event_count = sizeof events / sizeof *events, .finish = map_finish,
    };
    return ax_stress_main(argc, argv, &program);
}

/* SPDX-License-Identifier: MIT */
/**
 * map_history.h: what a few threads are told by a few operations on a map must be what a sequential map would have
 * told them in some one order, that of each thread kept; and so must be what is left at the end.
 *
 *     HISTORY(name, PRESENT, TWO_SHARDS, "p2 r1", "g1 g2")      two threads, two operations each
 *
 * An operation is two characters, what and on which key of 1 to 4 (odd and even ones are in shards of their own, if
 * there are two):
 *     g get   p put   a add   r remove   i put_if_absent   e replace_if_equal   d remove_if_equal   c get_or_compute
 *     * any of get, add, remove, put_if_absent          ? any
 */
#ifndef TESTS_MODEL_MAP_HISTORY_H
#define TESTS_MODEL_MAP_HISTORY_H

#include "../threads.h"

#include "map_layout.h"

#define UNSEEN __attribute__((no_sanitize("thread"))) /* what judges is no part of what is explored */

enum { THREADS = 4, STEPS = 3, KEYS = 5, FIRST_VALUE = 3 };

struct step {
    char what;
    uint64_t key, value; /* of its own: who wrote a value is known from it */
    ax_status status;
    uint64_t told;
};

static ax_map *map;
static struct step plan[THREADS][STEPS];
static size_t steps[THREADS], threads;
static bool named[KEYS];

static ax_status compute(void *context, ax_key k, uint64_t *value)
{
    (void)k;
    *value = *(uint64_t *)context;
    return AX_OK;
}

static void take(struct step *s)
{
    ax_key k = key(s->key);
    s->told = 0;
    switch (s->what) {
    case 'g': s->status = ax_map_get(map, k, &s->told); break;
    case 'p': s->status = ax_map_put(map, k, s->value); break;
    case 'a': s->status = ax_map_add(map, k, s->value, &s->told); break;
    case 'r': s->status = ax_map_remove(map, k, &s->told); break;
    case 'i': s->status = ax_map_put_if_absent(map, k, s->value, &s->told); break;
    case 'c': s->status = ax_map_get_or_compute(map, k, compute, &s->value, &s->told); break;
    case 'e':
        s->told = FIRST_VALUE;
        s->status = ax_map_replace_if_equal(map, k, &s->told, s->value);
        break;
    case 'd':
        s->told = FIRST_VALUE;
        s->status = ax_map_remove_if_equal(map, k, &s->told);
        break;
    default: ax_model_fail("no such operation");
    }
}

/* The same of a sequential map; 0 is no value. Whether it would have said the same. */
UNSEEN static bool fits(const struct step *s, uint64_t values[KEYS])
{
    uint64_t *v = &values[s->key], before = *v, told = 0;
    ax_status status = AX_OK;
    bool conditional = s->what == 'e' || s->what == 'd';
    if (conditional)
        told = before ? before : FIRST_VALUE;
    if (!before && (s->what == 'g' || s->what == 'r' || conditional))
        status = AX_ENOTFOUND;
    else if ((before && s->what == 'i') || (conditional && before != FIRST_VALUE))
        status = AX_EEXIST;
    if (s->what == 'g' || s->what == 'r' || s->what == 'a' || s->what == 'i')
        told = before;
    if (status == AX_OK)
        switch (s->what) {
        case 'p': case 'i': case 'e': *v = s->value; break;
        case 'a': *v += s->value; break;
        case 'r': case 'd': *v = 0; break;
        case 'c':
            if (!before)
                *v = s->value;
            told = *v;
            break;
        }
    return status == s->status && told == s->told;
}

/* Whether some order of what is left of each thread fits, and ends with the values that are there. */
UNSEEN static bool explained(const size_t done[THREADS], const uint64_t values[KEYS], const uint64_t last[KEYS])
{
    bool over = true;
    for (size_t t = 0; t < threads; t++) {
        if (done[t] == steps[t])
            continue;
        over = false;
        uint64_t now[KEYS];
        size_t next[THREADS];
        for (size_t i = 0; i < KEYS; i++)
            now[i] = values[i];
        for (size_t i = 0; i < THREADS; i++)
            next[i] = done[i];
        next[t]++;
        if (fits(&plan[t][done[t]], now) && explained(next, now, last))
            return true;
    }
    for (size_t i = 0; over && i < KEYS; i++)
        over = values[i] == last[i];
    return over;
}

/* In a section, as the stand-in's beginning of one is a fence of its own, which the real one is not. */
THREAD(takes_its_steps)
{
    size_t t = (size_t)self - 1;
    ax_map_read_begin(map);
    for (size_t i = 0; i < steps[t]; i++)
        take(&plan[t][i]);
    ax_map_read_end(map);
    return NULL;
}

/* What is there before. */
enum start {
    ABSENT,  /* nothing, nor a table */
    PRESENT, /* key 1 */
    DEAD,    /* key 1 had a value once */
    BOTH,    /* keys 1 and 2 */
    FULL,    /* key 1, and the next insertion into its shard rebuilds the table */
    GONE,    /* the same, and one of the dead keys is 3 */
    SPREAD,  /* its removal begins a rebuild, which first moves others than the four dead keys in key 3's bucket */
    LOOSE,   /* the same with three */
    TIGHT,   /* three others, and the next two insertions into key 3's shard rebuild the table */
    ROOMY,   /* key 3 will get the fourth slot of its bucket, of four */
    CROWDED, /* so does it here, but key 1 comes after so many others that it is not in the first bucket */
};
enum places {
    ONE_PLACE,  /* of all keys: one chain of the ck index, neighbours in the own one */
    TWO_PLACES, /* the same for odd and even ones, in two shards */
    TWO_SHARDS, /* neighbours, but no chains */
    BUCKETS     /* see SPREAD */
};

#ifdef CK
enum { ROOM = 7 }; /* insertions without a rebuild */
#else
enum { ROOM = 3 };
#endif

static void put_first(uint64_t k, uint64_t values[KEYS])
{
    assert(ax_map_put(map, key(k), FIRST_VALUE) == AX_OK);
    if (k < KEYS)
        values[k] = FIRST_VALUE;
}
static void remove_first(uint64_t k, uint64_t values[KEYS])
{
    assert(ax_map_remove(map, key(k), NULL) == AX_OK);
    if (k < KEYS)
        values[k] = 0;
}

/* How many there are besides key 1. */
static size_t put_a_crowd(uint64_t values[KEYS])
{
#ifdef CK /* of which the next one does not find a slot near, so that ck makes a larger map by itself */
    for (uint64_t k = 5; k <= 9; k += 2)
        put_first(k, values);
    put_first(1, values);
    return 3;
#else /* that leaves one table for another, of eight slots: key 1 is in the fifth, and six are all it takes */
    for (uint64_t k = 5; k <= 9; k += 2)
        put_first(k, values);
    remove_first(9, values);
    put_first(11, values);
    put_first(13, values);
    put_first(1, values);
    put_first(15, values);
    return 5;
#endif
}

static size_t put_spread(uint64_t first, uint64_t values[KEYS])
{
    for (uint64_t k = first; k <= 13; k += 2)
        put_first(k, values);
    put_first(1, values);
    for (uint64_t k = first; k <= 11; k += 2)
        remove_first(k, values);
    return 1;
}

static size_t put_three(uint64_t values[KEYS])
{
    for (uint64_t k = 5; k <= 9; k += 2)
        put_first(k, values);
    return 3;
}

static size_t put_three_with_room(uint64_t values[KEYS])
{
    assert(ax_map_reserve(map, 1) == AX_OK);
    return put_three(values);
}

/* How many keys are there that no operation is on. */
static size_t open_map(enum start start, enum places places, uint64_t values[KEYS])
{
    static uint64_t (*const hashes[])(void *, const void *, size_t) = {same_place, two_places, own_place, spread};
    ax_map_options options = {LAYOUT, .shards = places == ONE_PLACE ? 1 : 2, .hash = hashes[places]};
    assert(ax_map_create(&options, &map) == AX_OK);
    if (start == CROWDED)
        return put_a_crowd(values);
    if (start == SPREAD)
        return put_spread(5, values);
    if (start == LOOSE)
        return put_spread(7, values);
    if (start == TIGHT)
        return put_three(values);
    if (start == ROOMY)
        return put_three_with_room(values);
    if (start != ABSENT)
        put_first(1, values);
    if (start == BOTH)
        put_first(2, values);
    size_t dead = start == FULL || start == GONE ? ROOM - 1 : 0;
    for (uint64_t i = 0; i < dead; i++)
        put_first((start == GONE ? 3 : 5) + 2 * i, values);
    for (uint64_t i = 0; i < dead; i++)
        remove_first((start == GONE ? 3 : 5) + 2 * i, values);
    if (start == DEAD)
        remove_first(1, values);
    return 0;
}

/* Threads that may do anything are alike: each chooses what the one before it did, or what comes after that. */
static char chosen(unsigned n, unsigned *least)
{
    *least += ax_model_choose(n - *least);
    return "gariepdc"[*least];
}

static void plan_thread(struct step *s, size_t *count, const char *text, unsigned *least)
{
    bool alone = text[2] == '\0';
    for (*count = 0; *text; text += text[2] ? 3 : 2, s++) {
        unsigned any = 0;
        ++*count;
        s->what = *text;
        if (*text == '*' || *text == '?')
            s->what = chosen(*text == '*' ? 4 : 8, alone ? least : &any);
        s->key = (uint64_t)(text[1] - '0');
        named[s->key] = true;
        s->value = 100 * (threads + 1) + 10 * *count;
    }
}

static void history(enum start start, enum places places, const char *const *texts)
{
    uint64_t first[KEYS] = {0}, last[KEYS] = {0};
    const size_t none[THREADS] = {0};
    void *(*entries[THREADS])(void *);
    unsigned least = 0;
    size_t count = open_map(start, places, first);
    for (threads = 0; texts[threads]; threads++) {
        plan_thread(plan[threads], &steps[threads], texts[threads], &least);
        entries[threads] = takes_its_steps;
    }
    run_threads(entries, threads);
    for (uint64_t k = 1; k < KEYS; k++)
        if (named[k])
            count += ax_map_get(map, key(k), &last[k]) == AX_OK;
        else
            count += (last[k] = first[k]) != 0;
    assert(ax_map_len(map) == count);
    if (!explained(none, first, last))
        ax_model_fail("no order of the operations explains what they said");
    assert(ax_map_destroy(map) == AX_OK);
    map = NULL; /* what somebody still points to is no leak */
}

#define HISTORY(name, start, places, ...) \
    AX_MODEL_TEST(name) { history(start, places, (const char *const[]){__VA_ARGS__, NULL}); }

#endif

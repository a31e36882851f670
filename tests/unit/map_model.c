/* SPDX-License-Identifier: MIT */
/*
 * Random calls on a map and on a plain array, one thread, every result and the whole content compared.
 * Small key spaces and bad hashes, so that each probe path, chain, rebuild and shrink is met often.
 */
#include <atomicx/map.h>

#include "map_setups.h"

#define KEYS_MAX 512

struct model {
    bool present[KEYS_MAX];
    uint64_t value[KEYS_MAX];
    size_t len;
};

static uint64_t random_state;

static uint64_t random_next(void) /* xorshift64* (Vigna 2016) */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static uint64_t random_below(uint64_t n)
{
    return (random_next() >> 11) % n;
}

static uint64_t hash_collides_always(void *context, const void *key, size_t length)
{
    (void)context;
    (void)key;
    (void)length;
    return 7;
}

static uint64_t hash_of_4_bits(void *context, const void *key, size_t length)
{
    const unsigned char *bytes = key;
    uint64_t sum = 0;
    (void)context;
    for (size_t i = 0; i < length; i++)
        sum = sum * 31 + bytes[i];
    return sum % 16 << 60 | sum % 16;
}

/* The same small number as a key of either kind. As bytes: its low bits choose length and content. */
static ax_key key_of(ax_map_keys kind, uint64_t k)
{
    static unsigned char bytes[64];
    if (kind == AX_MAP_KEYS_U64)
        return ax_key_u64(k == 1 ? UINT64_MAX : k == 2 ? UINT64_MAX - 1 : k);
    if (k == 0)
        return ax_key_bytes(NULL, 0);
    memset(bytes, 0, sizeof bytes);
    bytes[0] = (unsigned char)(k & 0xff);
    bytes[1] = (unsigned char)(k >> 8);
    return ax_key_bytes(bytes, 2 + k % 40); /* the tail is NULs: lengths alone tell some keys apart */
}

static uint64_t number_of(ax_map_keys kind, ax_key key)
{
    if (kind == AX_MAP_KEYS_U64) {
        uint64_t n = ax_key_number(key);
        return n == UINT64_MAX ? 1 : n == UINT64_MAX - 1 ? 2 : n;
    }
    size_t length;
    const unsigned char *bytes = ax_key_data(key, &length);
    return length == 0 ? 0 : (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8;
}

struct content {
    struct model *model;
    ax_map_keys kind;
    bool seen[KEYS_MAX];
    size_t count;
    uint64_t erase_below; /* random draw under which the visitor erases, of 100 */
};

static ax_map_visit compare_visit(void *context, ax_key key, uint64_t value)
{
    struct content *c = context;
    uint64_t k = number_of(c->kind, key);
    CHECK_FATAL(k < KEYS_MAX && !c->seen[k]);
    c->seen[k] = true;
    c->count++;
    CHECK_FATAL(c->model->present[k] && c->model->value[k] == value);
    if (random_below(100) >= c->erase_below)
        return AX_MAP_NEXT;
    c->model->present[k] = false;
    c->model->len--;
    return AX_MAP_ERASE;
}

static void compare_content(ax_map *map, struct model *model, ax_map_keys kind, uint64_t erase_below)
{
    struct content c = { .model = model, .kind = kind, .erase_below = erase_below };
    size_t before = model->len;
    CHECK_FATAL(ax_map_for_each(map, compare_visit, &c) == AX_OK);
    CHECK_FATAL(c.count == before);
    CHECK_FATAL(ax_map_len(map) == model->len);
}

static void compare_snapshot(ax_map *map, const struct model *model, ax_map_keys kind)
{
    ax_map_snapshot s;
    bool seen[KEYS_MAX] = { false };
    CHECK_FATAL(ax_map_snapshot_take(map, &s) == AX_OK);
    CHECK_FATAL(s.count == model->len);
    for (size_t i = 0; i < s.count; i++) {
        uint64_t k = number_of(kind, s.items[i].key);
        CHECK_FATAL(k < KEYS_MAX && !seen[k] && model->present[k] && model->value[k] == s.items[i].value);
        seen[k] = true;
    }
    ax_map_snapshot_free(map, &s);
}

static ax_status compute_value(void *context, ax_key key, uint64_t *value)
{
    (void)key;
    *value = *(uint64_t *)context;
    return AX_OK;
}

static void model_put(struct model *m, uint64_t k, uint64_t value)
{
    m->len += m->present[k] ? 0 : 1;
    m->present[k] = true;
    m->value[k] = value;
}

static void model_remove(struct model *m, uint64_t k)
{
    m->present[k] = false;
    m->len--;
}

/* One random call on key k; the result and what it hands out are compared. */
static void random_call(ax_map *map, struct model *m, ax_map_keys kind, uint64_t k, bool removing)
{
    ax_key key = key_of(kind, k);
    uint64_t v = random_below(4), out = 99, expected = random_below(4), wanted = expected;
    bool present = m->present[k];
    uint64_t old = m->value[k];
    uint64_t dice = random_below(16);
    if (removing && dice >= 4 && dice < 8)
        dice = 10;
    switch (dice) {
    case 0: case 1: case 2: case 3:
        CHECK_FATAL(ax_map_get(map, key, &out) == (present ? AX_OK : AX_ENOTFOUND));
        CHECK_FATAL(out == (present ? old : 99));
        break;
    case 4: case 5:
        CHECK_FATAL(ax_map_put(map, key, v) == AX_OK);
        model_put(m, k, v);
        break;
    case 6:
        CHECK_FATAL(ax_map_put_if_absent(map, key, v, &out) == (present ? AX_EEXIST : AX_OK));
        CHECK_FATAL(out == (present ? old : 99));
        if (!present)
            model_put(m, k, v);
        break;
    case 7:
        CHECK_FATAL(ax_map_get_or_compute(map, key, compute_value, &v, &out) == AX_OK);
        CHECK_FATAL(out == (present ? old : v));
        if (!present)
            model_put(m, k, v);
        break;
    case 8: case 9:
        CHECK_FATAL(ax_map_replace_if_equal(map, key, &expected, v) ==
                    (!present ? AX_ENOTFOUND : old == wanted ? AX_OK : AX_EEXIST));
        CHECK_FATAL(expected == (present ? old : wanted));
        if (present && old == wanted)
            model_put(m, k, v);
        break;
    case 10: case 11:
        CHECK_FATAL(ax_map_remove(map, key, &out) == (present ? AX_OK : AX_ENOTFOUND));
        CHECK_FATAL(out == (present ? old : 99));
        if (present)
            model_remove(m, k);
        break;
    case 12: case 13:
        CHECK_FATAL(ax_map_remove_if_equal(map, key, &expected) ==
                    (!present ? AX_ENOTFOUND : old == wanted ? AX_OK : AX_EEXIST));
        CHECK_FATAL(expected == (present ? old : wanted));
        if (present && old == wanted)
            model_remove(m, k);
        break;
    default:
        CHECK_FATAL(ax_map_add(map, key, v - 1, &out) == AX_OK);
        CHECK_FATAL(out == (present ? old : 0));
        model_put(m, k, (present ? old : 0) + v - 1);
        break;
    }
}

static void rare_call(ax_map *map, struct model *m, ax_map_keys kind)
{
    switch (random_below(40)) {
    case 0:
        CHECK_FATAL(ax_map_clear(map) == AX_OK);
        memset(m->present, 0, sizeof m->present);
        m->len = 0;
        break;
    case 1:
        CHECK_FATAL(ax_map_reserve(map, random_below(KEYS_MAX)) == AX_OK);
        break;
    case 2:
        compare_content(map, m, kind, 30);
        break;
    case 3: case 4: case 5: case 6:
        compare_snapshot(map, m, kind);
        break;
    default:
        compare_content(map, m, kind, 0);
    }
}

static void run_model(const ax_map_options *options, uint64_t seed, size_t calls)
{
    static struct model model;
    ax_map *map;
    memset(&model, 0, sizeof model);
    random_state = seed;
    CHECK_FATAL(ax_map_create(options, &map) == AX_OK);
    uint64_t keys = 16;
    bool removing = false;
    for (size_t i = 0; i < calls; i++) {
        if (i % 4096 == 0) {
            keys = UINT64_C(1) << (2 + random_below(8));
            removing = random_below(3) == 0;
        }
        random_call(map, &model, options->keys, random_below(keys), removing);
        if (i % 512 == 0)
            rare_call(map, &model, options->keys);
    }
    compare_content(map, &model, options->keys, 0);
    CHECK(ax_map_destroy(map) == AX_OK);
}

int main(int argc, char **argv)
{
    uint64_t (*const hashes[])(void *, const void *, size_t) = { NULL, hash_of_4_bits, hash_collides_always };
    size_t calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 1200000;
    size_t total = 0;
    for (size_t s = 0; s < MAP_SETUPS; s++)
        for (unsigned h = 0; h < 3; h++) {
            ax_map_options o = { .keys = map_setups[s].keys,
                                 .index = map_setups[s].index,
                                 .shards = h == 0 ? 2 : 1,
                                 .flags = h == 1 ? AX_MAP_CONSISTENT : 0,
                                 .hash = hashes[h] };
            /* one chain of all keys is slow, and each call takes the same path: fewer of those */
            size_t n = h == 2 ? calls / 4 : calls;
            run_model(&o, 1 + total, n);
            total += n;
        }
    printf("%zu calls\n", total);
    return check_summary();
}

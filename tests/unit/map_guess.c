/* SPDX-License-Identifier: MIT */
/*
 * The own index sizes its tables by how many keys live, which while others count is a guess that may be far off:
 * a thread can be stopped between its change and its count for as long as it likes. Here the counts are falsified
 * around each call, for worse than any threads could. The map must answer right all the same, and each of its
 * tables keep an EMPTY slot, without which looking for a key that is not there would never end.
 */
#include "../../lib/map_table.h"

#include "map_setups.h"

#define KEYS 3000
#define OWN_SETUPS 2 /* the first of map_setups */

static const struct map_setup *setup;
static ax_map *map;
static bool there[KEYS];

static uint64_t random_below(uint64_t n) /* xorshift64* (Vigna 2016) */
{
    static uint64_t state = 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * UINT64_C(2685821657736338717) >> 11) % n;
}

/* Of the newest table and the one before it. */
static bool each_table_has_an_empty_slot(const struct axi_shard *shard)
{
    for (struct axi_table *table = atomic_load(&shard->table); table; table = atomic_load(&table->next)) {
        uint64_t i = 0;
        while (i <= table->mask && atomic_load(&axi_slot_at(table, i, table->width)->word) != AXI_CELL_EMPTY)
            i++;
        if (i > table->mask)
            return false;
    }
    return true;
}

static void change(uint64_t k)
{
    uint64_t storage[MAP_KEY_WORDS];
    ax_key key = map_key(setup, k, storage);
    if (random_below(2)) {
        CHECK_EQ(ax_map_put(map, key, k + 1), AX_OK);
        there[k] = true;
    } else {
        CHECK_EQ(ax_map_remove(map, key, NULL), there[k] ? AX_OK : AX_ENOTFOUND);
        there[k] = false;
    }
}

/* By how much the counts lie this time. */
static int64_t lie(void)
{
    int64_t most[] = { 1, 4, KEYS, (int64_t)1 << 40 };
    uint64_t size = (uint64_t)most[random_below(sizeof most / sizeof most[0])];
    return (int64_t)random_below(2 * size + 1) - (int64_t)size;
}

static void answers_are_right_and_look_ups_end_whatever_is_counted(void)
{
    for (size_t s = 0; s < OWN_SETUPS; s++) {
        setup = &map_setups[s];
        for (int run = 0; run < 40; run++) {
            uint64_t keys = random_below(2) ? 4 + random_below(12) : 4 + random_below(KEYS - 4), storage[MAP_KEY_WORDS], value;
            size_t live = 0;
            map = map_of_setup(setup, (ax_map_options){ .shards = 1 });
            memset(there, 0, sizeof there);
            for (int i = 0; i < 5000; i++) {
                uint64_t k = random_below(keys);
                int64_t off = lie();
                atomic_fetch_add(&map->live[0], off);
                change(k);
                if (random_below(1000) == 0)
                    CHECK_EQ(ax_map_flush(map), AX_OK);
                atomic_fetch_sub(&map->live[0], off);
                CHECK_FATAL(each_table_has_an_empty_slot(&map->shards[0]));
                k = random_below(keys);
                CHECK_EQ(ax_map_get(map, map_key(setup, k, storage), &value), there[k] ? AX_OK : AX_ENOTFOUND);
                CHECK(!there[k] || value == k + 1);
            }
            for (uint64_t k = 0; k < keys; k++)
                live += there[k];
            CHECK_EQ(ax_map_len(map), live);
            CHECK_EQ(ax_map_destroy(map), AX_OK);
        }
    }
}

int main(void)
{
    RUN(answers_are_right_and_look_ups_end_whatever_is_counted);
    return check_summary();
}

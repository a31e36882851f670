/* SPDX-License-Identifier: MIT */
/* Keys of bytes, of which the own index has the short ones within its slots and the long ones in entries. */
#include "../../lib/map_impl.h"

#include "map_setups.h"

static void bytes_of_any_length_and_content_are_keys(void)
{
    static char large[200000];
    const ax_map_index indexes[] = { AX_MAP_INDEX_OWN, AX_MAP_INDEX_CK };
    const size_t lengths[] = { 0, 1, 2, 7, 8, 9, 65535, 65536, 65537, 131072, 199999 };
    for (size_t n = 0; n < 2; n++) {
        ax_map *map;
        ax_map_options o = { .keys = AX_MAP_KEYS_BYTES, .index = indexes[n] };
        CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) /* all zeros: the lengths differ */
            CHECK_EQ(ax_map_put(map, ax_key_bytes(large, lengths[i]), i), AX_OK);
        CHECK_EQ(ax_map_put(map, ax_key_bytes("a\0b", 3), 100), AX_OK);
        CHECK_EQ(ax_map_put(map, ax_key_bytes("a\0c", 3), 101), AX_OK);
        CHECK_EQ(ax_map_put(map, ax_key_str("a"), 102), AX_OK);
        uint64_t value;
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            CHECK_EQ(ax_map_get(map, ax_key_bytes(large, lengths[i]), &value), AX_OK);
            CHECK_EQ(value, i);
        }
        CHECK(ax_map_get(map, ax_key_bytes("a\0b", 3), &value) == AX_OK && value == 100);
        CHECK(ax_map_get(map, ax_key_bytes("a\0c", 3), &value) == AX_OK && value == 101);
        CHECK(ax_map_get(map, ax_key_str("a"), &value) == AX_OK && value == 102);
        CHECK_EQ(ax_map_get(map, ax_key_bytes(large, (size_t)UINT32_MAX + 1), &value), AX_EINVAL);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static uint64_t all_the_same(void *context, const void *key, size_t length)
{
    (void)context, (void)key, (void)length;
    return 1;
}

/* Each of them is told from the others by a comparison alone. */
static void keys_that_differ_in_a_byte_are_two_keys(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        if (map_setups[s].keys != AX_MAP_KEYS_BYTES)
            continue;
        ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ .shards = 1, .hash = all_the_same });
        for (int pass = 0; pass < 2; pass++)
            for (size_t length = 0; length <= 24; length++)
                for (size_t changed = 0; changed <= length; changed++) { /* length: none is */
                    unsigned char bytes[24] = { 0 };
                    uint64_t value, expected = length << 8 | changed;
                    if (changed < length)
                        bytes[changed] = 1;
                    ax_key key = ax_key_bytes(bytes, length);
                    if (pass == 0)
                        CHECK_EQ(ax_map_put_if_absent(map, key, expected, NULL), AX_OK);
                    else
                        CHECK(ax_map_get(map, key, &value) == AX_OK && value == expected);
                }
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

/*
 * All have one hash, so that many have one tag. A dead slot of a short key stays that key's, whoever comes: another one
 * that took it would have its bytes changed under readers, or be found as the first one.
 */
static void a_key_that_went_leaves_its_slot_to_itself(void)
{
    for (size_t s = 0; s < MAP_SETUPS; s++) {
        if (map_setups[s].keys != AX_MAP_KEYS_BYTES)
            continue;
        for (size_t length = 1; length <= 24; length += 5) {
            ax_map *map = map_of_setup(&map_setups[s], (ax_map_options){ .shards = 1, .hash = all_the_same });
            unsigned char bytes[24] = { 0 };
            ax_key key = ax_key_bytes(bytes, length);
            for (unsigned char c = 0; c < 50; c++) {
                uint64_t value;
                bytes[0] = c;
                CHECK_EQ(ax_map_put(map, key, c), AX_OK);
                if (c > 0) {
                    bytes[0] = (unsigned char)(c - 1);
                    CHECK_EQ(ax_map_get(map, key, &value), AX_ENOTFOUND);
                    bytes[0] = c;
                }
                CHECK(ax_map_get(map, key, &value) == AX_OK && value == c);
                CHECK_EQ(ax_map_remove(map, key, NULL), AX_OK);
            }
            CHECK_EQ(ax_map_len(map), 0);
            CHECK_EQ(ax_map_destroy(map), AX_OK);
        }
    }
}

/* Removing what needs no entry retires nothing: it may go on where nothing can be freed. */
static void short_keys_are_removed_without_memory_and_without_waiting(void)
{
    ax_map_options o = { .keys = AX_MAP_KEYS_BYTES, .index = AX_MAP_INDEX_OWN, .shards = 1, .pending_limit = 1,
                         .pending_wait_ms = AX_MAP_NO_WAIT };
    for (size_t length = 0; length <= 24; length++) {
        const char bytes[24] = { 0 };
        ax_map *map;
        ax_map_stats stats;
        CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
        ax_map_read_begin(map);
        for (int i = 0; i < 2; i++) {
            CHECK_EQ(ax_map_put(map, ax_key_bytes(bytes, length), 1), AX_OK);
            CHECK_EQ(ax_map_remove(map, ax_key_bytes(bytes, length), NULL), AX_OK);
            ax_map_stats_read(map, &stats);
            CHECK((stats.pending_bytes > 0) == (length > 16));
            if (length > 16)
                break;
        }
        ax_map_read_end(map);
        CHECK_EQ(ax_map_destroy(map), AX_OK);
    }
}

static ax_map_visit find_long(void *context, ax_key key, uint64_t value)
{
    size_t length;
    const unsigned char *bytes = ax_key_data(key, &length);
    (void)value;
    if (length > AXI_SHORT)
        *(const unsigned char **)context = bytes;
    return AX_MAP_NEXT;
}

/* A slot has one or the other as its word, and a user may choose a value that looks like the other. */
static void a_value_that_looks_like_an_entrys_address_is_none(void)
{
    ax_map_options o = { .keys = AX_MAP_KEYS_BYTES, .index = AX_MAP_INDEX_OWN, .shards = 1, .hash = all_the_same };
    ax_map *map;
    const unsigned char *bytes = NULL;
    const ax_key long_key = ax_key_str("more than sixteen bytes");
    CHECK_FATAL(ax_map_create(&o, &map) == AX_OK);
    CHECK_EQ(ax_map_put(map, ax_key_str("few"), 1), AX_OK);
    CHECK_EQ(ax_map_put(map, long_key, 1), AX_OK);
    CHECK_EQ(ax_map_for_each(map, find_long, &bytes), AX_OK);
    CHECK_FATAL(bytes != NULL);
    uint64_t value = 0, address = (uint64_t)(uintptr_t)(bytes - AXI_ENTRY_BYTES) ^ AXI_CELL_BIAS;
    CHECK_EQ(ax_map_put(map, ax_key_str("few"), address), AX_OK);
    CHECK_EQ(ax_map_remove(map, long_key, NULL), AX_OK);
    CHECK(ax_map_get(map, ax_key_str("few"), &value) == AX_OK && value == address);
    CHECK_EQ(ax_map_get(map, long_key, NULL), AX_ENOTFOUND);
    CHECK_EQ(ax_map_flush(map), AX_OK);
    CHECK(ax_map_get(map, ax_key_str("few"), &value) == AX_OK && value == address);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
}

int main(void)
{
    RUN(bytes_of_any_length_and_content_are_keys);
    RUN(keys_that_differ_in_a_byte_are_two_keys);
    RUN(a_key_that_went_leaves_its_slot_to_itself);
    RUN(short_keys_are_removed_without_memory_and_without_waiting);
    RUN(a_value_that_looks_like_an_entrys_address_is_none);
    return check_summary();
}

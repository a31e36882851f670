/* SPDX-License-Identifier: MIT */
/* Stands in for ck_ht (Concurrency Kit 0.7.1, DIRECT mode) in model builds: not its code but its contract, in C11
 * atomics, so that lib/map_ck.c, which relies on it, can be explored.
 *
 *   One writer. Everything but get is for one thread at a time. What writers alone see is plain here: two of them,
 *   or a walk beside one, are a data race.
 *
 *   put takes the first slot of the probe sequence that is empty or a tombstone; it stores the value, then the key.
 *   A key that is there must not be put: behind a tombstone 0.7.1 stores it twice. Here that fails the test.
 *
 *   remove turns the key into a tombstone, which never becomes empty again.
 *
 *   get goes from slot to slot and loads the key, then the value. An empty slot ends it. What the address it returns
 *   leads to is what was there before a store fence before the put; on the machine that is an address dependency, here
 *   it takes an acquire fence. If its slot was taken out and used again meanwhile, it may return another key's value:
 *   ck counts such uses and looks at the count again, but has no fence between the value and that.
 *
 *   It grows by itself, into a map published with release, when a put finds no slot in as many as it tries, or half are
 *   used; the old map is handed to free to be deferred. Without memory such a put fails; if the key is in already, it
 *   does not, and the map stays as it is.
 *
 *   No access is seq_cst: nothing of this is part of a single order. */
#include "../threads.h"

#include <ck_ht.h>
#include <string.h>

#define EMPTY ((uintptr_t)0)
#define TOMBSTONE (~EMPTY)

struct slot {
    ck_ht_entry_t own; /* writers' */
    _Atomic uintptr_t key, value; /* readers' */
};

struct ck_ht_map {
    uint64_t capacity; /* a power of two; constant */
    uint64_t used;     /* writers' */
    struct slot slots[];
};

static size_t map_bytes(uint64_t capacity) { return sizeof(struct ck_ht_map) + capacity * sizeof(struct slot); }

static struct ck_ht_map *map_create(ck_ht_t *table, uint64_t capacity)
{
    struct ck_ht_map *map = table->memory->malloc(map_bytes(capacity));
    if (map) {
        memset(map, 0, map_bytes(capacity));
        map->capacity = capacity;
    }
    return map;
}

/* Writers' map. */
static struct ck_ht_map *own(ck_ht_t *table) { return load(&table->map, relaxed); }

bool ck_ht_init(ck_ht_t *table, unsigned mode, void *hash, struct ck_malloc *memory, uint64_t capacity, uint64_t seed)
{
    (void)hash, (void)seed; /* a key is placed by the hash that is put with it */
    assert(mode == CK_HT_MODE_DIRECT && (capacity & (capacity - 1)) == 0);
    table->memory = memory;
    atomic_init(&table->map, map_create(table, capacity));
    return own(table) != NULL;
}

void ck_ht_destroy(ck_ht_t *table) { table->memory->free(own(table), map_bytes(own(table)->capacity), false); }

bool ck_ht_get_spmc(ck_ht_t *table, ck_ht_hash_t hash, ck_ht_entry_t *entry)
{
    struct ck_ht_map *map = load(&table->map, acquire);
    for (uint64_t i = 0; i < map->capacity; i++) {
        struct slot *slot = &map->slots[(hash.value + i) & (map->capacity - 1)];
        uintptr_t key = load(&slot->key, acquire);
        if (key == EMPTY)
            return false;
        if (key != entry->key)
            continue;
        entry->value = load(&slot->value, relaxed);
        fence(acquire);
        return true;
    }
    return false;
}

/* How many slots a put tries. */
static uint64_t tries(const struct ck_ht_map *map) { return map->capacity / 4; }

static struct slot *find_own(struct ck_ht_map *map, ck_ht_hash_t hash, uintptr_t key)
{
    for (uint64_t i = 0; i < map->capacity; i++) {
        struct slot *slot = &map->slots[(hash.value + i) & (map->capacity - 1)];
        if (slot->own.key == key)
            return slot;
        if (slot->own.key == EMPTY)
            break;
    }
    return NULL;
}

static bool place(struct ck_ht_map *map, const ck_ht_entry_t *entry)
{
    for (uint64_t i = 0; i < tries(map); i++) {
        struct slot *slot = &map->slots[(entry->hash + i) & (map->capacity - 1)];
        if (slot->own.key != EMPTY && slot->own.key != TOMBSTONE)
            continue;
        slot->own = *entry;
        map->used++;
        store(&slot->value, entry->value, relaxed);
        store(&slot->key, entry->key, release);
        return true;
    }
    return false;
}

static bool grow(ck_ht_t *table)
{
    struct ck_ht_map *old = own(table), *map = NULL;
    uint64_t capacity = old->capacity, placed;
    do {
        if (map)
            table->memory->free(map, map_bytes(capacity), false);
        capacity *= 2;
        map = map_create(table, capacity);
        if (!map)
            return false;
        for (placed = 0; placed < old->capacity; placed++) {
            ck_ht_entry_t *entry = &old->slots[placed].own;
            if (entry->key != EMPTY && entry->key != TOMBSTONE && !place(map, entry))
                break;
        }
    } while (placed < old->capacity);
    store(&table->map, map, release);
    table->memory->free(old, map_bytes(old->capacity), true);
    return true;
}

bool ck_ht_put_spmc(ck_ht_t *table, ck_ht_hash_t hash, ck_ht_entry_t *entry)
{
    assert(entry->key != EMPTY && entry->key != TOMBSTONE && entry->hash == hash.value);
    if (find_own(own(table), hash, entry->key))
        ax_model_fail("a key that is there was put into ck_ht");
    while (!place(own(table), entry))
        if (!grow(table))
            return false;
    if (own(table)->used * 2 > own(table)->capacity)
        (void)grow(table);
    return true;
}

bool ck_ht_remove_spmc(ck_ht_t *table, ck_ht_hash_t hash, ck_ht_entry_t *entry)
{
    struct slot *slot = find_own(own(table), hash, entry->key);
    if (!slot)
        return false;
    slot->own.key = TOMBSTONE;
    own(table)->used--;
    store(&slot->key, TOMBSTONE, relaxed);
    return true;
}

bool ck_ht_next(ck_ht_t *table, ck_ht_iterator_t *at, ck_ht_entry_t **entry)
{
    struct ck_ht_map *map = own(table);
    for (; at->offset < map->capacity; at->offset++) {
        *entry = &map->slots[at->offset].own;
        if ((*entry)->key != EMPTY && (*entry)->key != TOMBSTONE) {
            at->offset++;
            return true;
        }
    }
    return false;
}

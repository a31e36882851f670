/* SPDX-License-Identifier: MIT */
/**
 * map.h: a concurrent map from 64-bit integers or byte strings to 64-bit words or owned pointers.
 *
 *     ax_map *hits;
 *     ax_map_create(NULL, &hits);                          NULL: 64-bit keys, 64-bit values
 *     ax_map_add(hits, ax_key_u64(404), 1, NULL);          from any thread, no registration
 *     uint64_t n;
 *     if (ax_map_get(hits, ax_key_u64(404), &n) == AX_OK)
 *         printf("%" PRIu64 "\n", n);
 *
 * Invariant: at each moment each key has one value or none. get, put, put_if_absent, replace_if_equal,
 * remove, remove_if_equal and add are linearizable: each takes effect at one moment between its call and
 * its return, for all keys in one order (of one map and of several), so an addition is never lost to a
 * remove: what remove returns plus what the key gets afterwards is all that was added.
 *
 * | operation                          | progress                          | blocks      | allocates |
 * |------------------------------------|-----------------------------------|-------------|-----------|
 * | get, read_begin, read_end          | lock-free (a)                     | (b)         | (b)       |
 * | put, replace_if_equal, add on a key that is there | lock-free          | (c)         | (d)       |
 * | the same, and put_if_absent, on a key that is not | its shard's mutex  | (c)         | yes       |
 * | remove, remove_if_equal, 64-bit and short keys, own index | lock-free  | (c)         | (d)       |
 * | remove, remove_if_equal otherwise  | lock-free, then its shard's mutex | (c)         | (d)       |
 * | get_or_compute                     | as get, compute, put_if_absent    | (c)         | as put    |
 * | len, stats                         | wait-free, one step per shard     | never       | never     |
 * | for_each, clear, reserve           | shard by shard, mutex in pieces   | for mutexes | ck index, reserve |
 * | snapshot                           | as for_each; AX_MAP_CONSISTENT: all mutexes | for mutexes | yes |
 * | create, destroy                    | mutex; destroy: until the background thread is done with it | yes | yes |
 *
 * (a) Never blocked by writers nor by growth. One that meets a moving entry goes on in the next table.
 * (b) A thread's first use of any map registers it with liburcu: one allocation, one mutex. (c) Only
 * when `pending_limit` bytes wait for readers, see there, or for the mutex of the background thread, where something
 * is left to it while it sleeps and has to be woken. (d) 16 bytes when a value with a destructor is
 * taken out. No function is async-signal-safe. The mutex of a shard is held for one insertion and at most
 * a bounded piece of a rebuild (own index), or for the rebuild of one shard (ck index), never while
 * calling your code, except the allocator and the hash function.
 *
 * Keys of bytes. The own index has short keys, those of up to 16 bytes, within its slots of 32 bytes: a look-up is one
 * cache line as a rule, and neither inserting nor removing one allocates but for the table. A longer key is a block
 * of its own behind the slot, which is as large: a map of long keys alone pays 16 bytes a slot for that.
 *
 * Growth. With the own index a shard's table is rebuilt into a fresh one a piece at a time by those who
 * insert and remove; readers and updates go on in both. With ck_ht an insertion may have to wait while
 * its shard is copied, 3 ms or so for 10,000 entries: take more shards for large maps.
 * Tables shrink again after removals; removed keys are swept out by the same rebuild, so that steady
 * churn neither slows down nor grows.
 * Without an allocator of yours, tables of 2 MiB and more are moved to huge pages by the background thread
 * once they are filled (madvise, MADV_COLLAPSE from Linux 6.1 on), which makes look-ups among a million keys
 * faster, and each write after a fork copy more.
 *
 * Values. All 64-bit words but four can be values: calls that would store one for which
 * ax_map_reserved() is true fail with AX_ERANGE and change nothing. (They mark slots without a value;
 * they are no small numbers, no canonical addresses and no common floating-point bit patterns.) With
 * options.destroy the values are pointers that the map owns from a successful call on: each is passed to
 * destroy exactly once, after every read section that could have seen it has ended, on a background
 * thread or inside destroy. Failing calls leave ownership where it was.
 *
 * Memory order (M1): every operation is sequentially consistent. What a thread did before it stored a
 * value happens before what a thread does after it got that value, also through get inside a read
 * section and through for_each. What readers did with an owned pointer inside a read section happens
 * before its destroy (M4).
 *
 * Threads may end at any time, outside read sections. A thread that ends inside one ends the section.
 * After fork the child may go on with every map: see ax_map_create. Do not fork inside a read section.
 */
#ifndef ATOMICX_MAP_H
#define ATOMICX_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <atomicx/alloc.h>
#include <atomicx/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ax_map ax_map; /**< opaque */

/** A key by value: a number, or a view of bytes, which are copied only when the key is inserted. */
typedef struct ax_key {
    uint64_t word_;   /* the number, or the address of the bytes */
    uint64_t length_; /* UINT64_MAX: a number; otherwise how many bytes */
} ax_key;

/** The key `number`; every 64-bit value is one. */
static inline ax_key ax_key_u64(uint64_t number)
{
    ax_key key;
    key.word_ = number;
    key.length_ = UINT64_MAX;
    return key;
}

/** The key made of `length` bytes (0 to 2^32-1, any values) at `bytes`, which must stay for the call. */
static inline ax_key ax_key_bytes(const void *bytes, size_t length)
{
    ax_key key;
    key.word_ = (uint64_t)(uintptr_t)bytes;
    key.length_ = length;
    return key;
}

/** The key made of a string's characters, without the terminating NUL. */
static inline ax_key ax_key_str(const char *string)
{
    return ax_key_bytes(string, strlen(string));
}

/** The number of a key of a 64-bit map, as visitors and snapshots hand it out. */
static inline uint64_t ax_key_number(ax_key key)
{
    return key.word_;
}

/** The bytes of a key of a byte-string map; *length gets how many. Not NUL-terminated. */
static inline const void *ax_key_data(ax_key key, size_t *length)
{
    *length = (size_t)key.length_;
    return (const void *)(uintptr_t)key.word_;
}

/** Whether `value` is one of the four words that cannot be values. */
static inline bool ax_map_reserved(uint64_t value)
{
    return (value ^ UINT64_C(0x9d5aa5d19ef0c3b8)) < 4;
}

typedef enum ax_map_keys {
    AX_MAP_KEYS_U64 = 0,
    AX_MAP_KEYS_BYTES = 1
} ax_map_keys;

/** Which index finds the entries. Same contract, same tests; they differ in speed, memory and pauses. */
typedef enum ax_map_index {
    AX_MAP_INDEX_DEFAULT = 0, /**< own */
    AX_MAP_INDEX_OWN = 1,     /**< C11 open addressing; 64-bit keys, bytes up to 16, and values live in the slot itself */
    AX_MAP_INDEX_CK = 2       /**< Concurrency Kit's ck_ht, one writer per shard */
} ax_map_index;

#define AX_MAP_CONSISTENT 1u /**< updates take the shard's mutex, too, so that a snapshot is of one moment */

#define AX_MAP_MAX_SHARDS 65536u
#define AX_MAP_NO_WAIT UINT32_MAX

/** Zero-filled options are the defaults. Copied by create; contexts and allocator must outlive the map. */
typedef struct ax_map_options {
    ax_map_keys keys;
    ax_map_index index;
    /**
     * A power of two up to AX_MAP_MAX_SHARDS; 0: 16 to 64, by the number of processors, 256 with the ck
     * index. AX_MAP_CONSISTENT: up to 32; 0: 32.
     */
    uint32_t shards;
    uint32_t flags;  /**< AX_MAP_CONSISTENT or 0 */

    /**
     * NULL: a hash under a random key of the map's own, so that nobody can choose keys that collide. For
     * bytes it is SipHash-1-3. For numbers it is strongly universal: keys chosen without knowledge of the
     * random key collide no more than others, but somebody who can time single calls closely enough to
     * find out which keys do collide might learn from them; against that, pass a SipHash of your own.
     * Another function must be pure, spread over all 64 bits, and not use the map; it is called
     * concurrently and may be called under a shard's mutex. A 64-bit key comes as 8 bytes.
     */
    uint64_t (*hash)(void *context, const void *key, size_t length);
    void *hash_context;

    /** Not NULL: values are pointers that the map owns. May be called on any thread, must not fork. */
    void (*destroy)(void *context, void *value);
    void *destroy_context;

    /**
     * What is taken out waits until no read section can see it any more. At most this many bytes wait
     * (plus one table, plus one item for each call under way); 0: 64 MiB. Owned values count with 16
     * bytes each. A call that would put more there waits up to pending_wait_ms milliseconds (0: 1000;
     * AX_MAP_NO_WAIT) for readers to leave and then returns AX_EAGAIN, having changed nothing. Called
     * inside a read section or a destructor it does not wait.
     */
    size_t pending_limit;
    uint32_t pending_wait_ms;

    const ax_allocator *allocator; /**< NULL: the C library's */
    uint64_t unused_[4];           /**< zero */
} ax_map_options;

/**
 * Makes an empty map in *map; NULL options are the defaults. AX_EINVAL for options out of range (or an
 * index that this build lacks), AX_ENOMEM, AX_EAGAIN when the system has no random bytes to give.
 *
 * The first map of a process installs pthread_atfork handlers: fork waits for the mutexes of all maps
 * and for a running grace period. In the child all maps are as the parent's at that moment; operations
 * that other threads were in the middle of either happened or not, but `len` may be off by one for each,
 * and the one thing they were about to free is lost. (ThreadSanitizer ends a program that holds more than
 * 64 mutexes: fork under it wants TSAN_OPTIONS=detect_deadlocks=0.) The background thread starts with the first thing to be
 * freed, sleeps while there is none, and ends with the last map.
 */
ax_status ax_map_create(const ax_map_options *options, ax_map **map);

/**
 * Ends a map, destroying all values that are left. All calls must happen before and all read sections
 * that used it must have ended. NULL is allowed. AX_EDEADLK, and nothing is changed, when called inside
 * a read section or by a destructor.
 */
ax_status ax_map_destroy(ax_map *map);

/**
 * Every call on a map gives AX_EINVAL for a key of the other kind or of more than 2^32-1 bytes, and
 * leaves its outputs alone when it fails, except where it says otherwise.
 *
 * Copies the key's value into *value (NULL: only asks whether it is there). AX_ENOTFOUND. An owned
 * pointer may be followed only inside a read section that was begun before the call.
 */
ax_status ax_map_get(const ax_map *map, ax_key key, uint64_t *value);

/**
 * A read section: whatever pointer any call on any map yields inside it (values, and keys in visitors)
 * stays valid until its end. Sections nest. They cost a few nanoseconds, block nobody, and nobody blocks
 * them, but what is taken out meanwhile waits: keep them short. Begin and end on the same thread.
 */
void ax_map_read_begin(const ax_map *map);
void ax_map_read_end(const ax_map *map);

/** The key's value becomes `value`, whatever it was. AX_ERANGE, AX_ENOMEM, AX_EAGAIN. */
ax_status ax_map_put(ax_map *map, ax_key key, uint64_t value);

/**
 * The key gets `value` if it has none. AX_EEXIST when it has one, which *existing (if not NULL) gets.
 * AX_ERANGE, AX_ENOMEM, AX_EAGAIN.
 */
ax_status ax_map_put_if_absent(ax_map *map, ax_key key, uint64_t value, uint64_t *existing);

/**
 * The key's value becomes `value` if it is *expected. AX_EEXIST when it is another one, which *expected
 * gets; AX_ENOTFOUND when there is none; AX_ERANGE, AX_ENOMEM, AX_EAGAIN.
 */
ax_status ax_map_replace_if_equal(ax_map *map, ax_key key, uint64_t *expected, uint64_t value);

/**
 * Takes the key out; *old (if not NULL) gets its last value: nothing was added to it after that. An
 * owned *old may be followed only inside a read section begun before the call. AX_ENOTFOUND, AX_ENOMEM
 * (owned values only), AX_EAGAIN.
 */
ax_status ax_map_remove(ax_map *map, ax_key key, uint64_t *old);

/** Takes the key out if its value is *expected. Otherwise AX_EEXIST, and *expected gets the value. */
ax_status ax_map_remove_if_equal(ax_map *map, ax_key key, uint64_t *expected);

/**
 * Adds n to the key's value, wrapping around; a key that is absent counts as 0 and is inserted. *before
 * (if not NULL) gets the value before. AX_ERANGE when the sum is a reserved word; AX_ENOMEM; AX_EAGAIN;
 * AX_EINVAL for a map that owns its values.
 */
ax_status ax_map_add(ax_map *map, ax_key key, uint64_t n, uint64_t *before);

/**
 * The key's value, computed if there is none: compute(context, key, &value) returns AX_OK, or a status
 * that is passed on. It runs without any lock and outside any section of ours and may use the map;
 * several threads may compute for one key at once, the first to finish wins and all get its value. An
 * owned value that lost, or could not be stored (AX_ERANGE, AX_ENOMEM, AX_EAGAIN), is destroyed at once.
 * For one computation per key, see memo.h.
 */
ax_status ax_map_get_or_compute(ax_map *map, ax_key key,
                                ax_status (*compute)(void *context, ax_key key, uint64_t *value), void *context,
                                uint64_t *value);

/**
 * Number of keys. Exact at quiescence. While calls run it counts each insertion and removal that
 * happens before it, none that happens after it, and any subset of those that overlap it.
 */
size_t ax_map_len(const ax_map *map);

/** Makes room for `entries` keys in total, so that inserting up to there rebuilds nothing. AX_ENOMEM. */
ax_status ax_map_reserve(ax_map *map, size_t entries);

/**
 * Removes every key, each at a moment of its own: those that are there for the whole of the call are
 * gone, one that is inserted meanwhile may stay. AX_ENOMEM, AX_EAGAIN: some are left.
 */
ax_status ax_map_clear(ax_map *map);

typedef enum ax_map_visit {
    AX_MAP_NEXT = 0,  /**< go on */
    AX_MAP_STOP = 1,  /**< end the walk */
    AX_MAP_ERASE = 2  /**< remove this key if its value is still the one shown, else show it again; go on */
} ax_map_visit;

/**
 * Calls visit for each key, in no order. A key that is there with one value from the call to the return
 * is shown exactly once; one that is inserted, changed or removed meanwhile may be shown with any of its
 * values or not at all, and more than once only if it was removed and inserted again. The visitor runs
 * in a read section per shard, without any lock, and may use the map. AX_OK also when stopped;
 * AX_ENOMEM (ck index, or to erase an owned value), AX_EAGAIN (to erase): the walk ended there.
 */
ax_status ax_map_for_each(ax_map *map, ax_map_visit (*visit)(void *context, ax_key key, uint64_t value),
                          void *context);

typedef struct ax_map_item {
    ax_key key;
    uint64_t value;
} ax_map_item;

typedef struct ax_map_snapshot {
    ax_map_item *items;
    size_t count;
    size_t bytes_; /* of the allocation that items and the bytes of their keys share */
} ax_map_snapshot;

/**
 * Copies all keys and values into one allocation. A map created with AX_MAP_CONSISTENT is copied as it
 * is at one moment (linearizable; updates wait, readers do not); any other one as for_each would show
 * it. Owned pointers in it may be followed only inside a read section begun before the call. AX_ENOMEM.
 */
ax_status ax_map_snapshot_take(ax_map *map, ax_map_snapshot *snapshot);

/** Frees what a successful take allocated; before the map is destroyed. */
void ax_map_snapshot_free(ax_map *map, ax_map_snapshot *snapshot);

typedef struct ax_map_stats {
    size_t entries;       /**< as ax_map_len */
    size_t slots;         /**< slots of all current tables */
    size_t bytes;         /**< tables and entries in use, without the allocator's own overhead */
    size_t pending_bytes; /**< taken out and waiting for readers */
    uint64_t rebuilds;    /**< tables rebuilt so far: growth, sweeping and shrinking */
    uint64_t released;    /**< things freed after a grace period so far */
    uint32_t shards;
    ax_map_index index;
} ax_map_stats;

/** Fills *stats; each number is exact at quiescence, read at a moment of its own otherwise. */
void ax_map_stats_read(const ax_map *map, ax_map_stats *stats);

/**
 * Puts the map in order: ends the rebuild of each shard, shrinks tables that removals have left nearly empty,
 * and waits until all that was taken out before the call is freed. Takes the mutex of each shard in pieces.
 * AX_EDEADLK inside a read section or a destructor.
 */
ax_status ax_map_flush(ax_map *map);

#ifdef __cplusplus
}
#endif
#endif

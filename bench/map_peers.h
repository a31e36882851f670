/* SPDX-License-Identifier: MIT */
/* One interface over the maps that bench/map compares: 64-bit keys to 64-bit words. */
#ifndef BENCH_MAP_PEERS_H
#define BENCH_MAP_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct map_peer {
    const char *name;
    void *(*create)(void);
    void (*destroy)(void *map);
    bool (*get)(void *map, uint64_t key, uint64_t *value);
    void (*put)(void *map, uint64_t key, uint64_t value); /* inserts or updates */
    void (*add)(void *map, uint64_t key, uint64_t n);     /* of a key that is there, atomically */
    bool (*remove)(void *map, uint64_t key);
    void (*thread_begin)(void); /* registration, where a peer wants it; may be NULL */
    void (*thread_end)(void);
};

extern const struct map_peer peer_own, peer_ck, peer_lfht, peer_bare_ck, peer_glib, peer_tbb, peer_cuckoo;
/* The number spelled in 16 bytes. */
extern const struct map_peer peer_own_bytes, peer_own_bytes_unkeyed, peer_ck_bytes, peer_tbb_bytes, peer_cuckoo_bytes;
/* What C++ users get who don't ask for another: std::hash of the bytes. Under no key. */
uint64_t map_bench_std_hash(void *context, const void *bytes, size_t length);

enum { MAP_PEERS = 7 }; /* in a table of them; NULL where one is not in this build */

/* The i-th key: a bijection, so that all differ (Steele, Lea and Flood's splitmix64 finalizer). */
static inline uint64_t map_bench_key(uint64_t i)
{
    i += UINT64_C(0x9e3779b97f4a7c15);
    i = (i ^ i >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    i = (i ^ i >> 27) * UINT64_C(0x94d049bb133111eb);
    return i ^ i >> 31;
}

static inline void map_bench_begin(const struct map_peer *peer)
{
    if (peer->thread_begin)
        peer->thread_begin();
}

static inline void map_bench_end(const struct map_peer *peer)
{
    if (peer->thread_end)
        peer->thread_end();
}

/* map_reports.c, map_limit.c: what is no rate. Each prints a table and returns the exit code. */
void *map_bench_fill(const struct map_peer *peer, uint64_t entries);
int map_report_memory(const struct map_peer *const *peers, uint64_t entries);
int map_report_pause(const struct map_peer *const *peers, uint64_t count);
int map_report_limit(uint64_t entries);
int map_report_crafted(const struct map_peer *const *peers);

#ifdef __cplusplus
}
#endif
#endif

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

#ifdef __cplusplus
}
#endif
#endif

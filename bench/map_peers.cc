// SPDX-License-Identifier: MIT
// The peers written in C++: oneTBB's concurrent_hash_map and libcuckoo.
#include "map_peers.h"

#ifdef BENCH_TBB
#include <tbb/concurrent_hash_map.h>

namespace {
using tbb_map = tbb::concurrent_hash_map<uint64_t, uint64_t>;

void *tbb_create() { return new tbb_map; }
void tbb_destroy(void *map) { delete static_cast<tbb_map *>(map); }

bool tbb_get(void *map, uint64_t key, uint64_t *value)
{
    tbb_map::const_accessor at;
    if (!static_cast<tbb_map *>(map)->find(at, key))
        return false;
    *value = at->second;
    return true;
}

void tbb_put(void *map, uint64_t key, uint64_t value)
{
    tbb_map::accessor at;
    static_cast<tbb_map *>(map)->insert(at, key);
    at->second = value;
}

void tbb_add(void *map, uint64_t key, uint64_t n)
{
    tbb_map::accessor at;
    static_cast<tbb_map *>(map)->insert(at, key);
    at->second += n;
}

bool tbb_remove(void *map, uint64_t key) { return static_cast<tbb_map *>(map)->erase(key); }
}

const struct map_peer peer_tbb = { "TBB concurrent_hash_map", tbb_create, tbb_destroy, tbb_get, tbb_put,
                                   tbb_add, tbb_remove, nullptr, nullptr };
#endif

#ifdef BENCH_CUCKOO
#include <libcuckoo/cuckoohash_map.hh>

namespace {
// std::hash of integers is the identity, which libcuckoo's own advice is against.
struct mixing_hash {
    size_t operator()(uint64_t x) const
    {
        x ^= x >> 33;
        x *= UINT64_C(0xff51afd7ed558ccd);
        x ^= x >> 33;
        return x;
    }
};
using cuckoo_map = libcuckoo::cuckoohash_map<uint64_t, uint64_t, mixing_hash>;

void *cuckoo_create() { return new cuckoo_map; }
void cuckoo_destroy(void *map) { delete static_cast<cuckoo_map *>(map); }
bool cuckoo_get(void *map, uint64_t key, uint64_t *value) { return static_cast<cuckoo_map *>(map)->find(key, *value); }
void cuckoo_put(void *map, uint64_t key, uint64_t value) { static_cast<cuckoo_map *>(map)->insert_or_assign(key, value); }
void cuckoo_add(void *map, uint64_t key, uint64_t n)
{
    static_cast<cuckoo_map *>(map)->update_fn(key, [n](uint64_t &value) { value += n; });
}
bool cuckoo_remove(void *map, uint64_t key) { return static_cast<cuckoo_map *>(map)->erase(key); }
}

const struct map_peer peer_cuckoo = { "libcuckoo", cuckoo_create, cuckoo_destroy, cuckoo_get, cuckoo_put,
                                      cuckoo_add, cuckoo_remove, nullptr, nullptr };
#endif

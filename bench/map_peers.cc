// SPDX-License-Identifier: MIT
// The peers written in C++: oneTBB's concurrent_hash_map and libcuckoo, with numbers and with 16 bytes as keys.
#include "map_peers.h"

#include <array>
#include <string_view>

uint64_t map_bench_std_hash(void *, const void *bytes, size_t length)
{
    return std::hash<std::string_view>{}({ static_cast<const char *>(bytes), length });
}

namespace {
using bytes = std::array<uint64_t, 2>;

template <typename Key> Key spell(uint64_t key);
template <> [[maybe_unused]] uint64_t spell(uint64_t key) { return key; }
template <> [[maybe_unused]] bytes spell(uint64_t key) { return { key, ~key }; }

struct bytes_hash {
    static size_t hash(const bytes &key) { return map_bench_std_hash(nullptr, key.data(), sizeof key); }
    static bool equal(const bytes &a, const bytes &b) { return a == b; }
    size_t operator()(const bytes &key) const { return hash(key); }
};
}

#ifdef BENCH_TBB
#include <tbb/concurrent_hash_map.h>

namespace {
template <typename Key, typename Map> struct tbb_peer {
    static void *create() { return new Map; }
    static void destroy(void *map) { delete static_cast<Map *>(map); }
    static bool get(void *map, uint64_t key, uint64_t *value)
    {
        typename Map::const_accessor at;
        if (!static_cast<Map *>(map)->find(at, spell<Key>(key)))
            return false;
        *value = at->second;
        return true;
    }
    static void put(void *map, uint64_t key, uint64_t value)
    {
        typename Map::accessor at;
        static_cast<Map *>(map)->insert(at, spell<Key>(key));
        at->second = value;
    }
    static void add(void *map, uint64_t key, uint64_t n)
    {
        typename Map::accessor at;
        static_cast<Map *>(map)->insert(at, spell<Key>(key));
        at->second += n;
    }
    static bool remove(void *map, uint64_t key) { return static_cast<Map *>(map)->erase(spell<Key>(key)); }
    static constexpr map_peer peer = { "TBB concurrent_hash_map", create, destroy, get, put, add, remove, nullptr, nullptr };
};
}

const struct map_peer peer_tbb = tbb_peer<uint64_t, tbb::concurrent_hash_map<uint64_t, uint64_t>>::peer;
const struct map_peer peer_tbb_bytes = tbb_peer<bytes, tbb::concurrent_hash_map<bytes, uint64_t, bytes_hash>>::peer;
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

template <typename Key, typename Hash> struct cuckoo_peer {
    using Map = libcuckoo::cuckoohash_map<Key, uint64_t, Hash>;
    static void *create() { return new Map; }
    static void destroy(void *map) { delete static_cast<Map *>(map); }
    static bool get(void *map, uint64_t key, uint64_t *value) { return static_cast<Map *>(map)->find(spell<Key>(key), *value); }
    static void put(void *map, uint64_t key, uint64_t value)
    {
        static_cast<Map *>(map)->insert_or_assign(spell<Key>(key), value);
    }
    static void add(void *map, uint64_t key, uint64_t n)
    {
        static_cast<Map *>(map)->update_fn(spell<Key>(key), [n](uint64_t &value) { value += n; });
    }
    static bool remove(void *map, uint64_t key) { return static_cast<Map *>(map)->erase(spell<Key>(key)); }
    static constexpr map_peer peer = { "libcuckoo", create, destroy, get, put, add, remove, nullptr, nullptr };
};
}

const struct map_peer peer_cuckoo = cuckoo_peer<uint64_t, mixing_hash>::peer;
const struct map_peer peer_cuckoo_bytes = cuckoo_peer<bytes, bytes_hash>::peer;
#endif

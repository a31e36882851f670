/* SPDX-License-Identifier: MIT */
/*
 * map: our two indexes against what a user would take instead, 1 M entries (AX_BENCH_ENTRIES sets
 * another power of two), random 64-bit keys.
 *
 *     ./bench/map --threads 1,2            rates, see bench.h; AX_BENCH_SKEW: the exponent of zipf
 *     ./bench/map bytes --threads 1,2      the same with keys of 16 bytes
 *     ./bench/map memory                   resident bytes per entry, each peer in a process of its own
 *     ./bench/map pause [ENTRIES]          the slowest insertions while growing to 10 M entries
 *     ./bench/map limit                    what memory itself allows, and how far from it a get and an update are
 *     ./bench/map crafted                  keys that collide under a well-known hash against random ones
 */
#include "bench.h"
#include "map_peers.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t entries = UINT64_C(1) << 20; /* a power of two */
#define ZIPF_DRAWS (UINT64_C(1) << 20)
static uint32_t *zipf; /* ranks, 0 the most frequent */
static const char *skew = "0.99";

#define key_of map_bench_key

static uint64_t draw(uint64_t *state) /* xorshift64 (Marsaglia 2003) */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Zipf by inversion of the continuous approximation (exponent other than 1); good enough to be skewed alike for all. */
static void zipf_prepare(void)
{
    uint64_t state = 42;
    double s = atof(skew), top = (pow((double)entries, 1 - s) - 1) / (1 - s);
    zipf = malloc(ZIPF_DRAWS * sizeof *zipf);
    bench_require(zipf != NULL, "malloc");
    for (uint64_t i = 0; i < ZIPF_DRAWS; i++) {
        double u = (double)(draw(&state) >> 11) / 9007199254740992.0;
        double rank = pow(u * top * (1 - s) + 1, 1 / (1 - s)) - 1;
        zipf[i] = (uint32_t)(rank < (double)entries ? rank : (double)(entries - 1));
    }
}

/* Each peer's map of `entries` keys, filled when first needed and kept. NULL: not in this build. */
enum { PEERS = MAP_PEERS };
static const struct map_peer *const number_peers[PEERS] = {
    &peer_own, &peer_ck,
#ifdef BENCH_TBB
    &peer_tbb,
#else
    NULL,
#endif
#ifdef BENCH_CUCKOO
    &peer_cuckoo,
#else
    NULL,
#endif
    &peer_lfht, &peer_bare_ck,
#ifdef BENCH_GLIB
    &peer_glib,
#endif
};
static const struct map_peer *const byte_peers[PEERS] = {
    &peer_own_bytes, &peer_own_bytes_unkeyed, &peer_ck_bytes,
#ifdef BENCH_TBB
    &peer_tbb_bytes,
#else
    NULL,
#endif
#ifdef BENCH_CUCKOO
    &peer_cuckoo_bytes,
#endif
};
static const struct map_peer *const *peers = number_peers;
static void *filled[PEERS], *growing[PEERS];

static void fill(int p)
{
    if (!filled[p])
        filled[p] = map_bench_fill(peers[p], entries);
}

enum scenario {
    GET_HIT,
    GET_MISS,
    GET_ZIPF,
    UPDATE,
    ADD_ZIPF,
    ADD_HOT,
    CHURN,
    GROW,
    SCENARIOS
};

static _Atomic uint64_t sink; /* keeps results from being dropped */

static inline void work(const struct map_peer *peer, void *map, void *empty, enum scenario scenario, int thread, uint64_t n)
{
    uint64_t state = (uint64_t)thread * UINT64_C(0x9e3779b97f4a7c15) + 88172645463325252u, value = 0, sum = 0;
    uint64_t at = (uint64_t)thread * (ZIPF_DRAWS / 7);
    map_bench_begin(peer);
    for (BENCH_EACH(i, n))
        switch (scenario) {
        case GET_HIT:
            bench_require(peer->get(map, key_of(draw(&state) & (entries - 1)), &value), "a key is missing");
            sum += value;
            break;
        case GET_MISS:
            bench_require(!peer->get(map, key_of(entries + (draw(&state) & (entries - 1))), &value), "a ghost");
            break;
        case GET_ZIPF:
            bench_require(peer->get(map, key_of(zipf[at++ & (ZIPF_DRAWS - 1)]), &value), "a key is missing");
            sum += value;
            break;
        case UPDATE:
            peer->put(map, key_of(draw(&state) & (entries - 1)), i);
            break;
        case ADD_ZIPF:
            peer->add(map, key_of(zipf[at++ & (ZIPF_DRAWS - 1)]), 1);
            break;
        case ADD_HOT:
            peer->add(map, key_of(7), 1);
            break;
        case CHURN: { /* each thread has its own keys beyond the filled ones; a pair counts as one */
            uint64_t k = key_of(2 * entries + ((uint64_t)thread << 16) + (draw(&state) & 65535));
            peer->put(map, k, i);
            bench_require(peer->remove(map, k), "a key is missing");
            break;
        }
        case GROW:
            peer->put(empty, key_of((uint64_t)thread << 40 | i), i);
            break;
        case SCENARIOS:
            break;
        }
    map_bench_end(peer);
    atomic_fetch_add_explicit(&sink, sum, memory_order_relaxed);
}

/* One function per peer and scenario, as bench.h's cases carry no context. */
#define CASE(p, scenario)                                                                   \
    static void prepare_##p##_##scenario(int threads, uint64_t n)                           \
    {                                                                                       \
        (void)threads;                                                                      \
        (void)n;                                                                            \
        if (scenario == GROW)                                                               \
            growing[p] = peers[p]->create();                                                \
        else                                                                                \
            fill(p);                                                                        \
    }                                                                                       \
    static void work_##p##_##scenario(int thread, uint64_t n)                               \
    {                                                                                       \
        work(peers[p], filled[p], growing[p], scenario, thread, n);                         \
    }                                                                                       \
    static void finish_##p##_##scenario(int threads, uint64_t n)                            \
    {                                                                                       \
        (void)threads;                                                                      \
        (void)n;                                                                            \
        if (scenario == GROW)                                                               \
            peers[p]->destroy(growing[p]);                                                  \
    }
#define CASES(p)       \
    CASE(p, GET_HIT)   \
    CASE(p, GET_MISS)  \
    CASE(p, GET_ZIPF)  \
    CASE(p, UPDATE)    \
    CASE(p, ADD_ZIPF)  \
    CASE(p, ADD_HOT)   \
    CASE(p, CHURN)     \
    CASE(p, GROW)
CASES(0)
CASES(1)
CASES(2)
CASES(3)
CASES(4)
CASES(5)
CASES(6)

/* Those of other languages, after ours. */
enum { FOREIGN = 3 };
static const char *const foreign_names[FOREIGN] = { "Java ConcurrentHashMap", "Go sync.Map", "Rust RwLock<HashMap>" };
static const char *const foreign_peers[SCENARIOS][FOREIGN] = {
    { "java get", "go get", "rust get" },          { "java miss", "go miss", "rust miss" },
    { "java zipf", "go zipf", "rust zipf" },       { "java update", "go update", "rust update" },
    { "java add", "go add", "rust add" },          { "java hot", "go hot", "rust hot" },
    { "java churn", "go churn", "rust churn" },    { "java grow", "go grow", "rust grow" },
};

#define ROW(p, s) { .prepare = prepare_##p##_##s, .work = work_##p##_##s, .finish = finish_##p##_##s }
#define ROWS(s) { ROW(0, s), ROW(1, s), ROW(2, s), ROW(3, s), ROW(4, s), ROW(5, s), ROW(6, s) }
static struct bench_case cases[SCENARIOS][PEERS + FOREIGN] = { ROWS(GET_HIT), ROWS(GET_MISS), ROWS(GET_ZIPF), ROWS(UPDATE),
                                                     ROWS(ADD_ZIPF), ROWS(ADD_HOT), ROWS(CHURN), ROWS(GROW) };

int main(int argc, char **argv)
{
    static char titles[SCENARIOS][48], get_zipf[32], add_zipf[32];
    static const char *const plain_titles[SCENARIOS] = { "get, key there", "get, key not there", get_zipf, "update", add_zipf,
                                                         "add, one hot key", "insert and remove", "growth from empty" };
    static const char *const units[SCENARIOS] = { "gets", "gets", "gets", "puts", "adds", "adds", "pairs", "puts" };
    static struct bench benches[SCENARIOS];
    if (getenv("AX_BENCH_SKEW"))
        skew = getenv("AX_BENCH_SKEW");
    snprintf(get_zipf, sizeof get_zipf, "get, zipf %.8s", skew);
    snprintf(add_zipf, sizeof add_zipf, "add, zipf %.8s", skew);
    if (getenv("AX_BENCH_ENTRIES"))
        entries = strtoull(getenv("AX_BENCH_ENTRIES"), NULL, 10);
    bench_require(entries >= 16 && (entries & (entries - 1)) == 0, "AX_BENCH_ENTRIES is no power of two");
    if (argc > 1 && strcmp(argv[1], "memory") == 0)
        return map_report_memory(peers, entries);
    if (argc > 1 && strcmp(argv[1], "pause") == 0)
        return map_report_pause(peers, argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000);
    if (argc > 1 && strcmp(argv[1], "limit") == 0)
        return map_report_limit(entries);
    if (argc > 1 && strcmp(argv[1], "crafted") == 0)
        return map_report_crafted(peers);
    if (argc > 1 && strcmp(argv[1], "bytes") == 0) {
        peers = byte_peers;
        argv[1] = argv[0];
        argc--;
        argv++;
    }
    zipf_prepare();
    for (int s = 0; s < SCENARIOS; s++) {
        int count = 0;
        for (int p = 0; p < PEERS; p++)
            if (peers[p]) {
                cases[s][count] = cases[s][p];
                cases[s][count++].name = peers[p]->name;
            }
        for (int p = 0; p < FOREIGN && peers == number_peers; p++)
            cases[s][count++] = (struct bench_case){ .name = foreign_names[p], .peer = foreign_peers[s][p] };
        snprintf(titles[s], sizeof titles[s], "%s%s", peers == byte_peers ? "16-byte keys: " : "", plain_titles[s]);
        benches[s] = (struct bench){ titles[s], units[s], cases[s], count, s == GROW ? 2000000 : s == CHURN ? 4000000 : 8000000 };
    }
    return bench_main(argc, argv, benches, SCENARIOS);
}

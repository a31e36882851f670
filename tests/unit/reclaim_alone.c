/* SPDX-License-Identifier: MIT */
/* Where no thread can be started, those who wait for memory to be freed do it themselves. */
#include <atomicx/map.h>
#include <reclaim.h>

#include <errno.h>

#include "../check.h"

static unsigned refusals;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    (void)thread;
    (void)attributes;
    (void)body;
    (void)argument;
    refusals++;
    return EAGAIN;
}

enum { THINGS = 10, SIZE = 100 };
static struct axi_retired things[THINGS];
static size_t freed;

static size_t release(struct axi_domain *domain, struct axi_retired *thing, unsigned kind)
{
    (void)domain;
    CHECK(thing >= things && thing < things + THINGS && kind == 3);
    freed++;
    return SIZE;
}

static void retire_all(struct axi_domain *domain)
{
    freed = 0;
    for (size_t i = 0; i < THINGS; i++)
        axi_retire(domain, &things[i], 3, SIZE);
    CHECK_EQ(freed, 0);
}

static void whoever_waits_or_flushes_frees(void)
{
    static struct axi_domain domain = { .limit = THINGS * SIZE - 1, .wait_ms = 60000, .release = release };
    axi_domain_open(&domain);
    retire_all(&domain);
    CHECK_EQ(axi_domain_admit(&domain), AX_EAGAIN);
    CHECK(axi_domain_wait(&domain));
    CHECK_EQ(freed, THINGS);
    CHECK_EQ(axi_domain_admit(&domain), AX_OK);
    retire_all(&domain);
    CHECK_EQ(axi_domain_flush(&domain), AX_OK);
    CHECK_EQ(freed, THINGS);
    CHECK(refusals > 0);
    axi_domain_close(&domain);
}

/* And in the order in which they were opened. */
static void closing_frees_what_is_left(void)
{
    static struct axi_domain first = { .limit = 1 << 20, .release = release }, second = { .limit = 1 << 20, .release = release };
    axi_domain_open(&first);
    axi_domain_open(&second);
    retire_all(&first);
    axi_domain_close(&first);
    CHECK_EQ(freed, THINGS);
    axi_domain_close(&second);
}

/* What a map has grown out of is freed when it ends, the last table before: whoever frees a large one gives advice on
 * the pages of the shard's, of which there is none any more. */
static void a_map_that_ends_frees_the_tables_it_has_grown_out_of(void)
{
    ax_map_stats stats;
    ax_map *map;
    ax_map_options options = { .shards = 1 };
    CHECK_FATAL(ax_map_create(&options, &map) == AX_OK);
    for (uint64_t key = 0; key < 1 << 17; key++)
        CHECK_FATAL(ax_map_put(map, ax_key_u64(key), key) == AX_OK);
    ax_map_stats_read(map, &stats);
    CHECK(stats.pending_bytes > 1 << 20);
    CHECK_EQ(stats.released, 0);
    CHECK_EQ(ax_map_destroy(map), AX_OK);
}

int main(void)
{
    RUN(whoever_waits_or_flushes_frees);
    RUN(closing_frees_what_is_left);
    RUN(a_map_that_ends_frees_the_tables_it_has_grown_out_of);
    return check_summary();
}
